//! What the journal holds: the kinds of record that come in from devices. Their stored form is the business of
//! `store::journal`.

use crate::{CommandId, Fix, Message, RecordHash, RecordIdentity, SourceId, Timestamp};

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Telemetry(Telemetry),
    Contact(Contact),
    Reply(Reply),
    Derived(Derived),
    Problem(Problem),
}

impl Record {
    /// The source it belongs to; `None` only for a problem of an unknown device.
    pub fn source(&self) -> Option<SourceId> {
        match self {
            Self::Telemetry(record) => Some(record.source),
            Self::Contact(record) => Some(record.source),
            Self::Reply(record) => Some(record.source),
            Self::Derived(record) => Some(record.source),
            Self::Problem(record) => record.source,
        }
    }

    pub fn received(&self) -> Timestamp {
        match self {
            Self::Telemetry(record) => record.received,
            Self::Contact(record) => record.received,
            Self::Reply(record) => record.received,
            Self::Derived(record) => record.received,
            Self::Problem(record) => record.received,
        }
    }
}

/// A message of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    pub source: SourceId,
    pub received: Timestamp,
    /// Where the record stands on the time line. Decided once, at receipt.
    pub time: Timestamp,
    pub time_origin: TimeOrigin,
    pub hash: RecordHash,
    /// `message.time` is the device's claim.
    pub message: Message,
}

impl Telemetry {
    /// `None` for a record without device time: it is never de-duplicated.
    pub fn identity(&self) -> Option<RecordIdentity> {
        self.message.time.map(|device_time| RecordIdentity { device_time, hash: self.hash })
    }
}

/// Where `Telemetry::time` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOrigin {
    /// The device said so (perhaps 1,024 weeks off), and it is plausible.
    Device,
    /// The device said nothing; this is the receive time.
    Received,
    /// The device said something implausible; this is the receive time (`time_suspect`), and its fix is never live.
    Suspect,
}

/// A sign of life without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    pub source: SourceId,
    pub received: Timestamp,
    pub kind: ContactKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKind {
    Login(Transport),
    Heartbeat,
    /// The connection ended as it should: by the device, or by the server's own stop.
    Closed,
    /// The connection broke or timed out: the link is lost until the device calls again.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
    Http,
}

/// What a device answered to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub source: SourceId,
    pub received: Timestamp,
    /// The command that it answers; `None` when none was waiting for an answer.
    pub command: Option<CommandId>,
    pub bytes: Box<[u8]>,
}

/// A position that did not come as a message: from cells that one named, or out of the text of a short message.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    pub source: SourceId,
    /// When it was learned.
    pub received: Timestamp,
    /// Where it stands on the time line: there where the record stands that it completes.
    pub time: Timestamp,
    /// The record that this completes, one of the source's at `time`; `None` when it completes none.
    pub completes: Option<RecordHash>,
    pub fix: Fix,
}

impl Derived {
    /// How it stands in history: a message of its own beside the record that it completes. What was learned twice of
    /// one record is there once.
    pub fn as_telemetry(&self) -> Telemetry {
        let Self { source, received, time, completes, fix } = self;
        let named = match completes {
            Some(record) => record.0.to_le_bytes(),
            None => {
                let [lat, lng] = [fix.coordinates.lat(), fix.coordinates.lng()].map(f64::to_bits);
                (u128::from(lat) << 64 | u128::from(lng)).to_le_bytes()
            }
        };
        Telemetry {
            source: *source,
            received: *received,
            time: *time,
            time_origin: TimeOrigin::Device,
            hash: RecordHash::of(&[b"derived", &named[..]].concat()),
            message: Message { time: Some(*time), fix: Some(*fix), ..Message::default() },
        }
    }
}

/// Bytes that were acknowledged or refused and could not be understood: kept, countable, decodable again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `None` when the device was not known yet.
    pub source: Option<SourceId>,
    pub received: Timestamp,
    /// Name of the protocol.
    pub protocol: Box<str>,
    pub error: Box<str>,
    pub bytes: Box<[u8]>,
}
