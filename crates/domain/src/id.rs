//! One newtype per kind of identifier, so that a tracker can never be looked up by a source's number.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A customer: owns trackers, groups and sources; its users see only what it owns.
    AccountId,
    /// A person or program that logs in; belongs to one account.
    UserId,
    /// Somebody who runs the platform and logs in to the panel API.
    PanelAccountId,
    /// A physical device as the server knows it.
    SourceId,
    /// A user's object on a source ("object_id" of the API).
    TrackerId,
    /// A group of trackers; 0 is "no group".
    GroupId,
    /// A plan.
    TariffId,
    /// A command to a device.
    CommandId,
    /// A short message that goes out.
    SmsId,
    /// A short message that came in.
    ReceivedSmsId,
    /// Something that happened to a tracker.
    EventId,
    /// A key with which a program calls in a master's name.
    ApiKeyId,
    /// A group of sub-users with the same rights.
    SecurityGroupId,
    /// What a user defined on an input of a source.
    SensorId,
    /// A word by which trackers and vehicles are found.
    TagId,
    /// What a tracker stands in.
    VehicleId,
    /// Where vehicles stand.
    GarageId,
    /// What shall be noticed about trackers.
    RuleId,
    /// What a source runs up, as its user counts it.
    CounterId,
    /// Statuses among which one is chosen for a tracker.
    StatusListingId,
    /// What whoever is with the tracker is doing.
    StatusId,
}

impl GroupId {
    /// The default group, which always exists and is never listed.
    pub const NONE: Self = Self(0);
}

/// What a device calls itself: an IMEI (15 digits), a MEID (14 hex digits) or a factory number.
/// 1 to 64 characters of `0-9 a-z A-Z -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DeviceId(Box<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a device id has 1 to 64 characters of 0-9, a-z, A-Z and \"-\"")]
pub struct InvalidDeviceId;

impl DeviceId {
    /// # Errors
    /// When `text` is empty, longer than 64 characters or has a character outside `0-9 a-z A-Z -`.
    pub fn new(text: &str) -> Result<Self, InvalidDeviceId> {
        let fits = (1..=64).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            Ok(Self(text.into()))
        } else {
            Err(InvalidDeviceId)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
