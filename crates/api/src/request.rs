//! A call as it came over HTTP, in whichever of its three forms (JSON body, form body, query), reduced to one map of
//! arguments. The session's hash and the date form may stand in three places each.

use crate::throttle::Throttle;
use axum::http::{HeaderMap, header};
use domain::ErrorCode;
use fleet::Failure;
use serde_json::{Map, Value};
use std::{net::IpAddr, sync::Arc};

/// Arguments by name. In forms and queries every value is a text.
pub(crate) type Arguments = Map<String, Value>;

pub(crate) struct Request {
    pub(crate) arguments: Arguments,
    pub(crate) address: IpAddr,
    pub(crate) throttle: Arc<Throttle>,
    authorization: Option<String>,
    iso_header: bool,
}

impl Request {
    /// # Errors
    /// `WrongRequestFormat` when the body is neither a JSON object nor a form.
    pub(crate) fn read(
        address: IpAddr,
        throttle: Arc<Throttle>,
        headers: &HeaderMap,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Failure> {
        let mut arguments = query.map(|query| form(query.as_bytes())).unwrap_or_default();
        arguments.extend(body_arguments(headers, body)?);
        Ok(Self {
            arguments,
            address,
            throttle,
            authorization: bearer(headers),
            iso_header: headers.get("nvx-iso-datetime").is_some_and(|value| value == "true"),
        })
    }

    /// The session's hash: from the body, the query, or `Authorization: NVX <hash>`.
    pub(crate) fn hash(&self) -> Option<&str> {
        let argument = self.arguments.get("hash").and_then(Value::as_str);
        argument.or(self.authorization.as_deref()).filter(|hash| !hash.is_empty())
    }

    pub(crate) fn iso_dates(&self) -> bool {
        let argument = match self.arguments.get("iso_datetime") {
            Some(Value::Bool(iso)) => *iso,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        argument || self.iso_header
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, hash) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("nvx").then(|| hash.trim().to_owned())
}

fn body_arguments(headers: &HeaderMap, body: &[u8]) -> Result<Arguments, Failure> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(Arguments::new());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
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
