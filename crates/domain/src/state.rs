//! What is latest known of one source. Only facts that cannot be derived later: what the API prints on top of them
//! is computed at read time from these and the device model.

use crate::{Fix, InputName, Timestamp, Totals, Value};
use std::fmt;

/// The latest known of one source. Every part keeps the time of its own record and yields only to a record that is
/// not older, so that late records never move it back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    values: Vec<LatestValue>,
    /// The newest usable fix of the device's own receiver.
    pub fix: Option<LatestFix>,
    /// The newest position that was learned from cells. Never a GPS point.
    pub cell_fix: Option<LatestFix>,
    pub connection: Connection,
    pub movement: Movement,
    pub totals: Totals,
}

/// The newest value of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestValue {
    pub name: InputName,
    /// Where the value's record stands on the time line.
    pub time: Timestamp,
    pub value: Value,
}

/// A position and the time of its record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatestFix {
    pub fix: Fix,
    pub time: Timestamp,
}

/// When the device was heard of. All times are receive times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The last packet of any kind: messages (duplicates too), answers, logins, heartbeats.
    pub last_packet: Option<Timestamp>,
    /// The last packet with a message.
    pub last_message: Option<Timestamp>,
    /// The last packet with a usable fix of a current time.
    pub last_current: Option<Timestamp>,
    /// The first packet with a usable fix of a current time.
    pub activated: Option<Timestamp>,
    /// When the connection broke or timed out; `None` once the device has called again.
    pub link_lost: Option<Timestamp>,
}

impl Connection {
    /// Whether the last packet that carried a message had a usable fix of a current time. All messages of one packet
    /// share its receive time, so a packet with old messages and a current one is current.
    pub fn is_current(&self) -> bool {
        self.last_current.is_some() && self.last_current == self.last_message
    }
}

/// Whether the device moves, as its records tell by their own times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Movement {
    pub status: MovementStatus,
    /// Time of the record that brought `status`; `None` before any record told.
    pub since: Option<Timestamp>,
    /// The last time it moved.
    pub last_moved: Option<Timestamp>,
    /// Time of the newest record that was looked at.
    pub last_sample: Option<Timestamp>,
    /// As last reported.
    pub ignition: Option<bool>,
    /// What the motion sensor reported last.
    pub motion: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MovementStatus {
    /// On a trip, at or above the speed threshold.
    Moving,
    /// On a trip, below the threshold, for less than the idle duration.
    Stopped,
    /// Not on a trip.
    #[default]
    Parked,
}

impl MovementStatus {
    /// As the API prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moving => "moving",
            Self::Stopped => "stopped",
            Self::Parked => "parked",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionStatus {
    /// The connection of an activated device broke, and it is not offline yet.
    SignalLost,
    /// Never heard of.
    JustRegistered,
    /// No packet of any kind for the offline time-out.
    Offline,
    /// In touch, but without a current fix.
    Idle,
    /// In touch, and the last message brought a current fix.
    Active,
}

impl ConnectionStatus {
    /// As the API prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignalLost => "signal_lost",
            Self::JustRegistered => "just_registered",
            Self::Offline => "offline",
            Self::Idle => "idle",
            Self::Active => "active",
        }
    }
}

impl fmt::Display for MovementStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ConnectionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl State {
    /// How many inputs of one source are kept. Names beyond it are in history only; the largest devices of the field
    /// send about 300.
    pub const MAX_VALUES: usize = 1024;

    pub fn value(&self, name: InputName) -> Option<&LatestValue> {
        self.place_of(name).ok().map(|at| &self.values[at])
    }

    /// The newest value of every input, by ascending code of its name.
    pub fn values(&self) -> &[LatestValue] {
        &self.values
    }

    /// Keeps a value unless a newer one is known; of two with the same time the later call wins. Answers whether
    /// anything changed.
    pub fn put(&mut self, name: InputName, time: Timestamp, value: &Value) -> bool {
        match self.place_of(name) {
            Ok(at) => {
                let known = &mut self.values[at];
                if time < known.time || (time == known.time && known.value == *value) {
                    return false;
                }
                known.time = time;
                known.value.clone_from(value);
                true
            }
            Err(_) if self.values.len() >= Self::MAX_VALUES => false,
            Err(at) => {
                self.values.insert(at, LatestValue { name, time, value: value.clone() });
                true
            }
        }
    }

    fn place_of(&self, name: InputName) -> Result<usize, usize> {
        self.values.binary_search_by_key(&name, |value| value.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_value_yields_only_to_one_that_is_not_older() {
        let ignition = InputName::find("ignition").unwrap();
        let mut state = State::default();
        for (time, value, changes, newest) in [
            (10, true, true, (10, true)),
            (10, true, false, (10, true)),
            (9, false, false, (10, true)),
            (10, false, true, (10, false)),
            (11, false, true, (11, false)),
        ] {
            assert_eq!(state.put(ignition, at(time), &value.into()), changes, "{value} at {time}");
            let known = state.value(ignition).unwrap();
            assert_eq!((known.time, &known.value), (at(newest.0), &newest.1.into()));
        }
        assert_eq!(state.values().len(), 1);
    }

    #[test]
    fn values_are_sorted_and_bounded() {
        let names: Vec<_> =
            (0..2000).map(|n| InputName::find(&format!("avl_io_{}", n * 7 % 2000)).unwrap()).collect();
        let mut state = State::default();
        for name in &names {
            state.put(*name, at(1), &Value::Int(1));
        }
        assert_eq!(state.values().len(), State::MAX_VALUES);
        assert!(state.values().is_sorted_by_key(|value| value.name));
        assert!(state.put(names[0], at(2), &Value::Int(2)), "a known name is still kept up to date");
        assert!(!state.put(names[1999], at(2), &Value::Int(2)), "a new name is not taken");
    }
}
