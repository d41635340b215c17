//! HTTP around the registry: prefixes, trailing slashes, body limit, CORS, the rate limit by address.

use crate::{
    action::{CallerKind, Entry},
    answer::{self, Answered, respond},
    openapi, proxies,
    registry::ACTIONS,
    request::Request,
    seats::Seats,
    throttle::Throttle,
    websocket::{self, Host},
};
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, State},
    http::{self, HeaderName, HeaderValue, Method, Response, header},
};
use domain::{ErrorCode, Network};
use fleet::{Failure, Fleet};
use serde_json::Value;
use std::{
    collections::HashMap, future::poll_fn, net::SocketAddr, num::NonZeroU32, pin::Pin, sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// Bytes after which a client that goes on sending is cut off.
const DISCARDED: usize = 64 << 20;
/// How long a body may take.
const BODY: Duration = Duration::from_secs(15);
/// Actions in progress at once; a further one is turned away.
const ACTIONS_AT_ONCE: usize = 1000;

/// Where pictures of trackers are.
const AVATARS: &str = "static/tracker/avatars/";

/// Settings of one listener of the API.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Requests per second of each user and of each address.
    pub rate_limit: NonZeroU32,
    /// Longest body in bytes; a longer one answers 9.
    pub body_limit: usize,
    pub panel: PanelAccess,
    /// Proxies of ours: whom they heard is the client.
    pub trusted_proxies: Vec<Network>,
}

/// Which of the two APIs a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelAccess {
    UserOnly,
    UserAndPanel,
    PanelOnly,
}

impl PanelAccess {
    fn serves(self, entry: &Entry) -> bool {
        let panel = entry.path.starts_with("panel/");
        match self {
            Self::UserOnly => !panel,
            Self::PanelOnly => panel,
            Self::UserAndPanel => true,
        }
    }
}

/// The API as an axum router; serve it with `into_make_service_with_connect_info::<SocketAddr>()`.
pub struct Api {
    fleet: Arc<Fleet>,
    config: ApiConfig,
    throttle: Arc<Throttle>,
    places: Arc<Semaphore>,
    subscribers: Arc<Seats>,
    actions: HashMap<&'static str, &'static Entry>,
}

impl Api {
    pub fn router(fleet: Arc<Fleet>, config: ApiConfig) -> Router {
        let actions = ACTIONS.iter().map(|entry| (entry.path, entry)).collect();
        let throttle = Arc::new(Throttle::new(config.rate_limit));
        let cors = CorsLayer::new()
            .allow_origin(Any)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::list([
                header::CONTENT_TYPE,
                header::AUTHORIZATION,
                HeaderName::from_static("nvx-iso-datetime"),
            ]))
            .max_age(Duration::from_secs(3600));
        let served = ACTIONS.iter().filter(|entry| config.panel.serves(entry)).collect();
        openapi::routes(served).fallback(call).layer(cors).with_state(Arc::new(Self {
            fleet,
            config,
            throttle,
            places: Arc::new(Semaphore::new(ACTIONS_AT_ONCE)),
            subscribers: Seats::new(websocket::CONNECTIONS),
            actions,
        }))
    }

    /// The action at an URL's path.
    fn action(&self, path: &str) -> Result<&'static Entry, Failure> {
        let path = unprefixed(path);
        match self.actions.get(path) {
            Some(entry) if self.config.panel.serves(entry) => Ok(entry),
            Some(_) => Err(ErrorCode::WrongHandler.into()),
            None => Err(self.missing(path).into()),
        }
    }

    /// An unknown action of a known resource is a wrong method; else the handler is wrong.
    fn missing(&self, path: &str) -> ErrorCode {
        let resource = path.rsplit_once('/').map_or(path, |(resource, _)| resource);
        let known = ACTIONS.iter().any(|entry| {
            self.config.panel.serves(entry)
                && entry.path.strip_prefix(resource).is_some_and(|rest| rest.starts_with('/'))
        });
        if known && !resource.is_empty() { ErrorCode::WrongMethod } else { ErrorCode::WrongHandler }
    }

    async fn answer(
        &self,
        address: SocketAddr,
        request: http::Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        self.throttle.admit_address(address.ip())?;
        let entry = self.action(request.uri().path())?;
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return Err(ErrorCode::WrongMethod.into());
        }
        let (head, body) = request.into_parts();
        let body = read_whole(body, self.config.body_limit).await?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ErrorCode::QueueUnavailable)?;
        let throttle = Arc::clone(&self.throttle);
        let request = Request::read(address.ip(), throttle, &head.headers, head.uri.query(), &body)?;
        let takes_target = entry.parameters.iter().any(|(name, _)| *name == answer::REDIRECT_TARGET);
        let target = request.arguments.get(answer::REDIRECT_TARGET).and_then(Value::as_str);
        let target = target.filter(|_| takes_target).map(str::to_owned);
        // A task of its own: what an action has begun it ends, also when the client hangs up, and its panic is its own.
        let running = (entry.run)(Arc::clone(&self.fleet), request);
        let running = tokio::spawn(async move {
            let _place = place;
            running.await
        });
        let answered = running.await.unwrap_or_else(|error| {
            tracing::error!(%error, action = entry.path, "an action did not end");
            Err(ErrorCode::Unexpected.into())
        });
        count(entry, &answered);
        Ok(match (target, answered) {
            (Some(target), Ok(body)) => answer::redirect(&target, &body),
            (_, answered) => respond(answered),
        })
    }
}

impl Api {
    /// A tracker's picture. Its name is never given to another one, so it may be kept for ever.
    async fn avatar(
        &self,
        address: SocketAddr,
        method: &Method,
        name: &str,
    ) -> Result<Response<Body>, Failure> {
        self.throttle.admit_address(address.ip())?;
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(ErrorCode::WrongMethod.into());
        }
        let picture = self.fleet.avatar(name).await.ok_or(ErrorCode::EntityNotFound)?;
        let mut response = Response::new(Body::from(picture.content));
        for (name, value) in [
            (header::CONTENT_TYPE, picture.content_type),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            // Whatever else the file may be read as, it is a picture.
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

async fn call(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: http::Request<Body>,
) -> Response<Body> {
    let client = proxies::client(peer.ip(), request.headers(), &api.config.trusted_proxies);
    let address = SocketAddr::new(client, peer.port());
    let subscription = unprefixed(request.uri().path()) == websocket::PATH;
    if subscription && api.config.panel != PanelAccess::PanelOnly {
        let (fleet, throttle) = (Arc::clone(&api.fleet), Arc::clone(&api.throttle));
        let host = Host { fleet, throttle, seats: Arc::clone(&api.subscribers) };
        return websocket::open(host, address, request).await;
    }
    if let Some(name) = unprefixed(request.uri().path()).strip_prefix(AVATARS)
        && api.config.panel != PanelAccess::PanelOnly
    {
        return api.avatar(address, request.method(), name).await.unwrap_or_else(|e| respond(Err(e)));
    }
    api.answer(address, request).await.unwrap_or_else(|failure| respond(Err(failure)))
}

async fn read_whole(body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    timeout(BODY, collect(body, limit)).await.unwrap_or_else(|_| Err(ErrorCode::WrongRequestFormat.into()))
}

/// A body that is too long is read on and thrown away, up to a point: who is still sending would not see the answer.
async fn collect(mut body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::new();
    let mut length = 0_usize;
    while length <= limit.saturating_add(DISCARDED) {
        let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await else { break };
        let data = frame.map_err(|_| ErrorCode::WrongRequestFormat)?.into_data().unwrap_or_default();
        length = length.saturating_add(data.len());
        if length <= limit {
            whole.extend_from_slice(&data);
        } else {
            whole = Vec::new();
        }
    }
    if length <= limit { Ok(whole) } else { Err(ErrorCode::TooLargeRequest.into()) }
}

/// What follows in an URL's path after `/v2/`, `/api-v2/` or a plain slash, without a slash at its end.
fn unprefixed(path: &str) -> &str {
    let path = path.trim_matches('/');
    ["v2/", "api-v2/"].iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path)
}

fn count(entry: &Entry, answered: &Answered) {
    let code = answered.as_ref().map_or_else(|failure| failure.code.number(), |_| 0);
    metrics::counter!("api_calls_total", "action" => entry.path, "code" => code.to_string()).increment(1);
    if entry.caller == CallerKind::Panel {
        tracing::debug!(action = entry.path, code, "panel call");
    }
}
