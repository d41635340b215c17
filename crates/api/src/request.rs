//! A call as it came over HTTP, in whichever of its forms (JSON body, form body of either kind, query), reduced to one map of
//! arguments. The session's hash and the date form may stand in three places each.

use crate::{multipart::Parts, parameters::Parameter, throttle::Throttle};
use axum::http::{HeaderMap, header};
use domain::ErrorCode;
use fleet::{Failure, Upload};
use serde_json::{Map, Value};
use std::{net::IpAddr, sync::Arc};

/// Arguments by name. In forms and queries every value is a text.
pub(crate) type Arguments = Map<String, Value>;

pub(crate) struct Request {
    pub(crate) arguments: Arguments,
    /// Of a body in parts.
    pub(crate) file: Option<Upload>,
    pub(crate) address: IpAddr,
    pub(crate) throttle: Arc<Throttle>,
    authorization: Option<String>,
    iso_header: bool,
}

impl Request {
    /// # Errors
    /// `WrongRequestFormat` when the body is neither a JSON object nor a form of one of the two kinds.
    pub(crate) fn read(
        address: IpAddr,
        throttle: Arc<Throttle>,
        headers: &HeaderMap,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Failure> {
        let mut arguments = query.map(|query| form(query.as_bytes())).unwrap_or_default();
        // Null says nothing, so it hides nothing that the query says.
        let Parts { arguments: of_body, file } = read_body(headers, body)?;
        arguments.extend(of_body.into_iter().filter(|(_, value)| !value.is_null()));
        Ok(Self {
            arguments,
            file,
            address,
            throttle,
            authorization: bearer(headers),
            iso_header: headers.get("nvx-iso-datetime").is_some_and(|value| {
                value.to_str().is_ok_and(|value| value.trim().eq_ignore_ascii_case("true"))
            }),
        })
    }

    /// The session's hash: from the body, the query, or `Authorization: NVX <hash>`.
    pub(crate) fn hash(&self) -> Option<&str> {
        let argument = self.arguments.get("hash").and_then(Value::as_str);
        argument.filter(|hash| !hash.is_empty()).or(self.authorization.as_deref())
    }

    pub(crate) fn iso_dates(&self) -> bool {
        iso_datetime(&self.arguments) == Some(true) || self.iso_header
    }
}

/// What the arguments say about the form of dates.
pub(crate) fn iso_datetime(arguments: &Arguments) -> Option<bool> {
    bool::parse(arguments.get("iso_datetime")?).ok()
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, hash) = value.split_once(' ')?;
    let hash = hash.trim();
    (scheme.eq_ignore_ascii_case("nvx") && !hash.is_empty()).then(|| hash.to_owned())
}

fn read_body(headers: &HeaderMap, body: &[u8]) -> Result<Parts, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if let Some(parts) = Parts::read(content_type, body) {
        return parts;
    }
    Ok(Parts { arguments: body_arguments(content_type, body)?, file: None })
}

fn body_arguments(content_type: &str, body: &[u8]) -> Result<Arguments, Failure> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(Arguments::new());
    }
    // Clients that forget the content type still send an object.
    if content_type.contains("json") || body.starts_with(b"{") {
        serde_json::from_slice(body).map_err(|_| ErrorCode::WrongRequestFormat.into())
    } else if content_type.is_empty() || content_type.contains("x-www-form-urlencoded") {
        Ok(form(body))
    } else {
        Err(ErrorCode::WrongRequestFormat.into())
    }
}

fn form(bytes: &[u8]) -> Arguments {
    form_urlencoded::parse(bytes)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect()
}
