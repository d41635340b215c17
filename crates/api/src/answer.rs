//! The shape of every answer: `{"success":true, …}`, or `{"success":false,"status":{…}}` with the code's HTTP status.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use domain::ErrorCode;
use fleet::{Failure, ParameterError, Related};
use schemars::JsonSchema;
use serde::Serialize;

/// JSON text of a success, or the refusal.
pub(crate) type Answered = Result<Vec<u8>, Failure>;

/// An answer that says nothing but that it was done.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Done {}

/// An answer of one object.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Value<T> {
    pub(crate) value: T,
}

/// An answer of several objects.
#[derive(Serialize, JsonSchema)]
pub(crate) struct List<T> {
    pub(crate) list: Vec<T>,
}

/// An answer of one page of several objects; `count` is how many there are in all.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Page<T> {
    pub(crate) list: Vec<T>,
    pub(crate) count: u64,
}

/// An answer of the number of a new object.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Created {
    pub(crate) id: i64,
}

/// Most answers are shorter: they are written without looking for more room.
const SHORT_ANSWER: usize = 4096;

pub(crate) fn success<T: Serialize>(answer: &T) -> Answered {
    #[derive(Serialize)]
    struct Success<'a, T> {
        success: bool,
        #[serde(flatten)]
        answer: &'a T,
    }
    let mut text = Vec::with_capacity(SHORT_ANSWER);
    serde_json::to_writer(&mut text, &Success { success: true, answer }).map_err(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        ErrorCode::Unexpected
    })?;
    Ok(text)
}

pub(crate) fn respond(answered: Answered) -> Response<Body> {
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => (status_of(failure.code), failure_body(&failure)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The parameter that says where a browser goes on after a success.
pub(crate) const REDIRECT_TARGET: &str = "redirect_target";

/// Sends a browser on, with the answer in the parameter `response`.
pub(crate) fn redirect(target: &str, body: &[u8]) -> Response<Body> {
    let mark = if target.contains('?') { '&' } else { '?' };
    let response: String = form_urlencoded::byte_serialize(body).collect();
    // The action has taken only what a header can hold.
    let Ok(location) = HeaderValue::try_from(format!("{target}{mark}response={response}")) else {
        return respond(Err(ErrorCode::InvalidParameters.into()));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// A refusal.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub(crate) struct Refusal<'a> {
    #[schemars(extend("const" = false))]
    success: bool,
    status: Status,
    /// Of code 7: every parameter that is wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Vec<WrongParameter>")]
    errors: &'a [ParameterError],
    /// What stands in the way: of code 203 rules or vehicles, of 247 and 253 trackers.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rules: &'a [i64],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    vehicles: &'a [i64],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    list: &'a [i64],
}

/// The schema of a foreign type.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct WrongParameter {
    parameter: String,
    error: String,
}

/// The code of a refusal and its words.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Status {
    code: u16,
    description: &'static str,
}

impl Status {
    pub(crate) fn of(code: ErrorCode) -> Self {
        Self { code: code.number(), description: code.description() }
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn failure_body(failure: &Failure) -> Vec<u8> {
    let Related { rules, vehicles, list } = &failure.related;
    let status = Status::of(failure.code);
    let body = Refusal { success: false, status, errors: &failure.parameters, rules, vehicles, list };
    // Numbers and strings only: this cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}
