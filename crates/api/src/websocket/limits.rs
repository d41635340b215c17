//! What clients of the WebSocket may take. The fleet bounds what a connection watches.

use domain::ErrorCode;
use fleet::Failure;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Connections of one listener.
pub(super) const CONNECTIONS: usize = 10_000;
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

/// Counts open connections.
#[derive(Default)]
pub(crate) struct Admission(Mutex<HashMap<IpAddr, usize>>);

/// One admitted connection; dropping it makes room for another.
pub(super) struct Seat {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Admission {
    /// # Errors
    /// `QueueUnavailable` when there are too many connections, `TooManyRequests` when too many are the address's.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Failure> {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.values().sum::<usize>() >= CONNECTIONS {
            return Err(ErrorCode::QueueUnavailable.into());
        }
        let of_address = connections.entry(address).or_default();
        if *of_address >= CONNECTIONS_PER_ADDRESS {
            return Err(ErrorCode::TooManyRequests.into());
        }
        *of_address += 1;
        Ok(Seat { admission: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut connections = self.admission.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_address) = connections.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                connections.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(admission: &Arc<Admission>, address: IpAddr) -> Option<ErrorCode> {
        admission.admit(address).err().map(|failure| failure.code)
    }

    #[test]
    fn connections_are_counted_by_address_and_in_all() {
        let admission = Arc::new(Admission::default());
        let address = |n: usize| IpAddr::from([127, 0, 0, n as u8]);
        let mut seats = Vec::new();
        for n in 0..CONNECTIONS / CONNECTIONS_PER_ADDRESS {
            assert_eq!(refusal(&admission, address(n)), None);
            seats.extend((0..CONNECTIONS_PER_ADDRESS).map(|_| admission.admit(address(n)).unwrap()));
            if seats.len() < CONNECTIONS {
                assert_eq!(refusal(&admission, address(n)), Some(ErrorCode::TooManyRequests));
            }
        }
        assert_eq!(refusal(&admission, address(200)), Some(ErrorCode::QueueUnavailable));
        drop(seats);
        assert_eq!(refusal(&admission, address(0)), None);
        assert!(admission.0.lock().unwrap().is_empty());
    }
}
