//! The one client of outbound HTTP. It resolves the name, connects only to an address that it has checked, follows no
//! redirect, and bounds time and answer: what an account types as a URL must not reach the machines around the server.

use bytes::Bytes;
use domain::Network;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Method, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{self, ClientConfig, RootCertStore, pki_types::ServerName},
};

/// From the name's resolution to the last byte of the answer.
const IN_ALL: Duration = Duration::from_secs(10);
/// A longer answer is an error.
const ANSWER_BYTES: usize = 1 << 20;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// `http` or `https`.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// None quotes the URL, which may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("not an http or https URL with a host")]
    Url,
    #[error("a header cannot be sent")]
    Header,
    #[error("the host's name cannot be resolved")]
    Resolve(#[source] io::Error),
    #[error("the host has only addresses that [outbound] allow does not allow, such as {0}")]
    Forbidden(IpAddr),
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("HTTP")]
    Http(#[source] hyper::Error),
    #[error("the answer is longer than 1 MiB")]
    TooLong,
    #[error("no answer within 10 s")]
    Timeout,
}

/// Clones share what they trust.
#[derive(Clone)]
pub struct OutboundClient {
    allowed: Arc<[Network]>,
    tls: TlsConnector,
}

impl OutboundClient {
    /// `allowed` are addresses that may be reached although they are not public.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allowed: &[Network]) -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { allowed: allowed.into(), tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends a request once. An answer of any status is an answer, a redirect too.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&self, request: Request) -> Result<Answer, OutboundError> {
        timeout(IN_ALL, self.exchange(request)).await.unwrap_or(Err(OutboundError::Timeout))
    }

    async fn exchange(&self, request: Request) -> Result<Answer, OutboundError> {
        let Target { host, port, is_tls, authority, path } = Target::of(&request.url)?;
        let stream = self.connect(&host, port).await?;
        let mut head = hyper::Request::builder().method(request.method).uri(path);
        head = head.header(header::HOST, authority);
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let request = head.body(Full::from(request.body)).map_err(|_| OutboundError::Header)?;
        if !is_tls {
            return talk(stream, request).await;
        }
        let name = ServerName::try_from(host).map_err(|_| OutboundError::Url)?;
        let stream = self.tls.connect(name, stream).await.map_err(OutboundError::Connect)?;
        talk(stream, request).await
    }

    /// To the first address that may be reached and answers.
    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, OutboundError> {
        let addresses = lookup_host((host, port)).await.map_err(OutboundError::Resolve)?;
        let mut failure = None;
        for address in addresses {
            failure = Some(match self.may_reach(address.ip()) {
                true => match TcpStream::connect(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => OutboundError::Connect(error),
                },
                false => failure.unwrap_or(OutboundError::Forbidden(address.ip())),
            });
        }
        Err(failure.unwrap_or_else(|| OutboundError::Resolve(io::ErrorKind::NotFound.into())))
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|network| network.contains(address))
    }
}

async fn talk<S>(stream: S, request: hyper::Request<Full<Bytes>>) -> Result<Answer, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(OutboundError::Http)?;
    let answer = async move {
        let answer = sender.send_request(request).await.map_err(OutboundError::Http)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| {
            match error.downcast::<hyper::Error>() {
                Ok(error) => OutboundError::Http(*error),
                Err(error) if error.is::<LengthLimitError>() => OutboundError::TooLong,
                Err(_) => OutboundError::Timeout,
            }
        })?;
        Ok(Answer { status: head.status.as_u16(), body: body.to_bytes() })
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        ended = connection => match ended {
            // What has arrived is read to its end.
            Ok(()) => answer.await,
            Err(error) => Err(OutboundError::Http(error)),
        },
    }
}

/// Where a URL leads.
struct Target {
    host: String,
    port: u16,
    is_tls: bool,
    authority: String,
    /// With the query.
    path: String,
}

impl Target {
    fn of(url: &str) -> Result<Self, OutboundError> {
        let uri: Uri = url.parse().map_err(|_| OutboundError::Url)?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(OutboundError::Url),
        };
        let authority = uri.authority().ok_or(OutboundError::Url)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(OutboundError::Url);
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
            authority: authority.to_string(),
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        })
    }
}

/// Whether a request could be sent to the URL, as far as it can be told without sending it.
///
/// # Errors
/// `Url`.
pub fn check_url(url: &str) -> Result<(), OutboundError> {
    Target::of(url).map(drop)
}

/// What IANA's registries of special-purpose addresses (RFC 6890) do not let out of one's own network.
fn is_public(address: IpAddr) -> bool {
    const V4: [(Ipv4Addr, u8); 15] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
    ];
    // Those that lead to addresses of version 4 (Teredo, 6to4), and documentation.
    const V6: [(Ipv6Addr, u8); 4] = [
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ];
    const GLOBAL: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    match address.to_canonical() {
        IpAddr::V4(_) => {
            !V4.iter().any(|(first, bits)| Network::new((*first).into(), *bits).contains(address))
        }
        IpAddr::V6(_) => {
            Network::new(GLOBAL.0.into(), GLOBAL.1).contains(address)
                && !V6.iter().any(|(first, bits)| Network::new((*first).into(), *bits).contains(address))
        }
    }
}

impl fmt::Debug for OutboundClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundClient").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("100.63.255.255", true),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.15.0.1", true),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("172.32.0.1", true),
            ("192.168.0.1", false),
            ("192.0.2.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1", true),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("fc00::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
