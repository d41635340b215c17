//! The WebSocket at `event/subscription`: states, readings and last messages of trackers as they change. Clients speak
//! plain JSON frames, or the Atmosphere protocol when the query says so.

mod connection;
mod framing;
mod limits;
mod monitor;
mod outgoing;
mod request;
mod session;

pub(crate) use limits::CONNECTIONS;

use crate::{answer::respond, request::Request, seats::Seats, throttle::Throttle};
use axum::{
    body::Body,
    extract::{FromRequestParts, WebSocketUpgrade},
    http::{self, Response},
    response::IntoResponse,
};
use connection::Connection;
use domain::ErrorCode;
use fleet::{Failure, Fleet};
use framing::Framing;
use std::{net::SocketAddr, sync::Arc};

/// Below the version prefix, as the path of an action.
pub(crate) const PATH: &str = "event/subscription";

/// What a connection has from the listener.
pub(crate) struct Host {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) seats: Arc<Seats>,
}

/// Answers the upgrade; the connection then runs in a task of its own.
pub(crate) async fn open(host: Host, address: SocketAddr, request: http::Request<Body>) -> Response<Body> {
    match upgrade(host, address, request).await {
        Ok(response) => response,
        Err(failure) => respond(Err(failure)),
    }
}

async fn upgrade(
    host: Host,
    address: SocketAddr,
    request: http::Request<Body>,
) -> Result<Response<Body>, Failure> {
    let Host { fleet, throttle, seats } = host;
    throttle.admit_address(address.ip())?;
    let (mut head, _) = request.into_parts();
    let query = head.uri.query();
    let handshake = Request::read(address.ip(), throttle, &head.headers, query, b"")?;
    let framing = Framing::of(&handshake.arguments, || fleet.connection_id());
    if Framing::says_good_bye(&handshake.arguments) {
        return Ok(respond(Ok(br#"{"success":true}"#.to_vec())));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut head, &())
        .await
        .map_err(|_| Failure::from(ErrorCode::WrongRequestFormat))?;
    let seat = limits::admit(&seats, address.ip())?;
    let upgrade = upgrade.max_message_size(limits::MESSAGE_BYTES).max_frame_size(limits::MESSAGE_BYTES);
    let response = upgrade.on_upgrade(async move |socket| {
        Connection::new(socket, fleet, handshake, framing).run().await;
        drop(seat);
    });
    Ok(response.into_response())
}
