//! What clients of the WebSocket may take. The fleet bounds what a connection watches.

use crate::seats::{Full, Seat, Seats};
use domain::ErrorCode;
use fleet::Failure;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// Connections of one listener.
pub(crate) const CONNECTIONS: usize = 10_000;
pub(super) const CONNECTIONS_PER_ADDRESS: usize = 500;
/// The longest message from a client; a longer one ends the connection.
pub(super) const MESSAGE_BYTES: usize = 1 << 20;
/// A message with states is ended when it has become as long as this.
pub(super) const BATCH_BYTES: usize = 256 << 10;
/// How many states are sent one by one before other things get their turn.
pub(super) const SINGLES_AT_ONCE: usize = 32;
/// A client that takes no message for so long is cut off.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// A client of which nothing was heard for so many heartbeats is cut off.
pub(super) const SILENT_HEARTBEATS: u32 = 3;
/// How long a connection may be without a session.
pub(super) const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a session is looked at even when nothing was heard about it: it may have expired.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);
/// After a look at the session and the trackers the next one has to wait so long.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// What could not be read is tried again after so long.
pub(super) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A seat for the connection of a client.
///
/// # Errors
/// `QueueUnavailable` when there are too many connections, `TooManyRequests` when too many are the address's.
pub(super) fn admit(seats: &Arc<Seats>, address: IpAddr) -> Result<Seat, Failure> {
    let full = |full| match full {
        Full::InAll => ErrorCode::QueueUnavailable.into(),
        Full::OfAddress => ErrorCode::TooManyRequests.into(),
    };
    seats.take(address, CONNECTIONS_PER_ADDRESS).map_err(full)
}
