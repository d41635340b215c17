//! From what a machine says to what the journal keeps.

use crate::Registered;
use domain::{Message, Problem, RecordHash, Telemetry, TimeOrigin, Timestamp, plausible_time};
use std::time::Duration;

/// `None` when the record is older than the source's right to its device id: it belongs to the source before. The
/// device is acknowledged all the same, or it would never go on.
pub(crate) fn telemetry(
    registered: &Registered,
    message: Message,
    hash: RecordHash,
    received: Timestamp,
    retention: Duration,
) -> Option<Telemetry> {
    let (time, time_origin) = match message.time {
        None => (received, TimeOrigin::Received),
        Some(claimed) => match plausible_time(claimed, received, retention) {
            Some(time) => (time, TimeOrigin::Device),
            None => (received, TimeOrigin::Suspect),
        },
    };
    let ours = time >= registered.accepts_from;
    ours.then_some(Telemetry { source: registered.source, received, time, time_origin, hash, message })
}

pub(crate) fn problem(
    registered: &Registered,
    protocol: &'static str,
    error: String,
    bytes: Vec<u8>,
    received: Timestamp,
) -> Problem {
    Problem {
        source: Some(registered.source),
        received,
        protocol: protocol.into(),
        error: error.into(),
        bytes: bytes.into(),
    }
}
