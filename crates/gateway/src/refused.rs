//! The devices that were turned away, newest first, for whoever wonders why a tracker does not appear.

use crate::lock;
use domain::{DeviceId, Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex},
};

/// Why a device or a connection was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Nobody registered the device.
    UnknownDevice,
    /// Devices of its model do not speak this protocol.
    WrongProtocol,
    Blocked,
    /// Its sessions take it from each other too often: two devices with the same id.
    TakeOverRate,
    /// Its older session did not let it go.
    TakeOverWait,
    /// The connection already carries as many devices as it may.
    DevicesPerConnection,
    /// As many connections are open as may be.
    Sessions,
    /// As many connections are open from this address as may be.
    SessionsPerAddress,
    /// No protocol knows these bytes (`any` port).
    NoProtocol,
    /// Several protocols claim these bytes (`any` port).
    Ambiguous,
}

impl Refusal {
    /// The value of the label `reason` in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownDevice => "unknown_device",
            Self::WrongProtocol => "wrong_protocol",
            Self::Blocked => "blocked",
            Self::TakeOverRate => "take_over_rate",
            Self::TakeOverWait => "take_over_wait",
            Self::DevicesPerConnection => "devices_per_connection",
            Self::Sessions => "sessions",
            Self::SessionsPerAddress => "sessions_per_address",
            Self::NoProtocol => "no_protocol",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// A device that was turned away at least once; the last time in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedDevice {
    pub device_id: DeviceId,
    pub protocol: &'static str,
    pub address: IpAddr,
    pub reason: Refusal,
    /// How often, since it is remembered.
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// The devices that were turned away, now and later.
#[derive(Clone)]
pub struct Refusals(pub(crate) Arc<RefusedDevices>);

impl Refusals {
    /// Newest knock first.
    pub fn newest_first(&self) -> Vec<RefusedDevice> {
        self.0.newest_first()
    }
}

/// The last `capacity` devices by the time of their last knock.
pub(crate) struct RefusedDevices {
    capacity: usize,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    /// Counts all knocks; numbers the last knock of each device.
    knocks: u64,
    by_device: HashMap<DeviceId, (u64, RefusedDevice)>,
    by_knock: BTreeMap<u64, DeviceId>,
}

impl RefusedDevices {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, list: Mutex::default() }
    }

    pub(crate) fn remember(
        &self,
        device_id: &DeviceId,
        protocol: &'static str,
        address: IpAddr,
        reason: Refusal,
        now: Timestamp,
    ) {
        let list = &mut *lock(&self.list);
        list.knocks += 1;
        let (count, first) = match list.by_device.get(device_id) {
            Some((knock, known)) => {
                list.by_knock.remove(knock);
                (known.count + 1, known.first)
            }
            None => (1, now),
        };
        let device_id = device_id.clone();
        let refused = RefusedDevice {
            device_id: device_id.clone(),
            protocol,
            address,
            reason,
            count,
            first,
            last: now,
        };
        list.by_knock.insert(list.knocks, device_id.clone());
        list.by_device.insert(device_id, (list.knocks, refused));
        while list.by_device.len() > self.capacity {
            let Some((_, oldest)) = list.by_knock.pop_first() else { break };
            list.by_device.remove(&oldest);
        }
    }

    /// Newest knock first.
    pub(crate) fn newest_first(&self) -> Vec<RefusedDevice> {
        let list = lock(&self.list);
        let newest = list.by_knock.values().rev();
        newest.filter_map(|device_id| Some(list.by_device.get(device_id)?.1.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn remembers_the_newest_knocks_and_counts_each_device() {
        let refused = RefusedDevices::new(2);
        let knock = |id: &str, reason, second| {
            let id = DeviceId::new(id).unwrap();
            let now = Timestamp::from_seconds(second);
            refused.remember(&id, "toy", Ipv4Addr::LOCALHOST.into(), reason, now);
        };
        knock("a", Refusal::UnknownDevice, 1);
        knock("b", Refusal::UnknownDevice, 2);
        knock("a", Refusal::Blocked, 3);
        knock("c", Refusal::UnknownDevice, 4);
        let seen: Vec<_> = refused
            .newest_first()
            .into_iter()
            .map(|it| (it.device_id.to_string(), it.reason, it.count, it.first.seconds(), it.last.seconds()))
            .collect();
        let expected =
            [("c".to_owned(), Refusal::UnknownDevice, 1, 4, 4), ("a".to_owned(), Refusal::Blocked, 2, 1, 3)];
        assert_eq!(seen, expected);
    }
}
