//! `/sms/inbound`: where an SMS gateway delivers what devices wrote (`from`, `text`) and what became of what was sent to them
//! (`id`, `status`), as a form, JSON or query, with the secret as the field `secret` or as a bearer token.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    routing::post,
};
use reach::sms::{Inbox, NotANotice, Notice};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// No short message is longer.
const BODY_LIMIT: usize = 64 << 10;

#[derive(Clone)]
struct Webhook {
    inbox: Inbox,
    secret: Arc<str>,
}

pub fn routes(inbox: Inbox, secret: &str) -> Router {
    Router::new()
        .route("/sms/inbound", post(inbound).get(inbound))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Webhook { inbox, secret: secret.into() })
}

async fn inbound(
    State(Webhook { inbox, secret }): State<Webhook>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let fields = fields(query.as_deref().unwrap_or_default(), &headers, &body);
    let notice = match Notice::read(&fields, &secret) {
        Ok(notice) => notice,
        Err(error @ NotANotice::Secret) => return (StatusCode::UNAUTHORIZED, error.to_string()),
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()),
    };
    match inbox.hear(&notice).await {
        Ok(()) => (StatusCode::OK, "OK".to_owned()),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "what the SMS gateway said could not be kept");
            (StatusCode::SERVICE_UNAVAILABLE, "try again".to_owned())
        }
    }
}

/// The fields of a request, however they come; those of the body win.
pub fn fields(query: &str, headers: &HeaderMap, body: &[u8]) -> BTreeMap<String, String> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let mut fields: BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json")) {
        if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
            fields.extend(object.into_iter().filter_map(|(name, value)| match value {
                Value::String(value) => Some((name, value)),
                Value::Number(value) => Some((name, value.to_string())),
                _ => None,
            }));
        }
    } else {
        fields.extend(form_urlencoded::parse(body).into_owned());
    }
    if let Some(token) = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")) {
        fields.insert("secret".to_owned(), token.to_owned());
    }
    fields
}
