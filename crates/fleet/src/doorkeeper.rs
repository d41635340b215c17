//! Devices that were turned away, and those that were let in: whoever keeps the door is asked.

use crate::{Fleet, PanelCaller};
use domain::{DeviceId, SourceId, Timestamp};
use std::net::IpAddr;

/// Knows which devices were turned away lately, and which are here. In a process that serves devices, the gateway.
pub trait Doorkeeper: Send + Sync {
    /// The newest first.
    fn turned_away(&self) -> Vec<TurnedAway>;

    /// Whether the device of the source has been let in, which live state may not know yet.
    fn let_in(&self, source: SourceId) -> bool;
}

/// A device that was turned away, the last time for this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    pub device_id: DeviceId,
    pub protocol: &'static str,
    pub address: IpAddr,
    /// In the words of the metrics, such as `unknown_device`.
    pub reason: &'static str,
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Fleet {
    /// Who is asked from now on; the first who is named stays.
    pub fn ask(&self, doorkeeper: Box<dyn Doorkeeper>) {
        // The error says that there is one already.
        _ = self.doorkeeper.set(doorkeeper);
    }

    /// Whether the device of a source has ever called.
    pub(crate) fn has_connected(&self, source: SourceId) -> bool {
        self.live.with_state(source, |state| state.connection.last_packet.is_some()) == Some(true)
            || self.doorkeeper.get().is_some_and(|doorkeeper| doorkeeper.let_in(source))
    }

    /// The devices that were turned away lately, the newest first; none in a process that serves no devices.
    pub fn turned_away(&self, _: &PanelCaller) -> Vec<TurnedAway> {
        self.doorkeeper.get().map(|doorkeeper| doorkeeper.turned_away()).unwrap_or_default()
    }
}
