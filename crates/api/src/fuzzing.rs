//! For a fuzzer: a call is understood or refused, whatever it is made of.

use crate::{ACTIONS, dates::Dates, request::Request, throttle::Throttle};
use axum::http::{HeaderMap, HeaderValue, header};
use domain::Timestamp;
use std::{net::Ipv4Addr, num::NonZeroU32, sync::Arc};

/// Takes a request apart as one of an action's, which is chosen by number. Answers whether it could be called with it.
pub fn try_call(action: usize, content_type: &str, query: &str, body: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    let throttle = Arc::new(Throttle::new(NonZeroU32::MAX));
    let request = Request::read(Ipv4Addr::LOCALHOST.into(), throttle, &headers, Some(query), body);
    let Ok(request) = request else { return false };
    let _ = (request.hash(), Dates::new("Europe/Berlin", request.iso_dates(), Timestamp::from_seconds(0)));
    (ACTIONS[action % ACTIONS.len()].takes)(&request.arguments)
}
