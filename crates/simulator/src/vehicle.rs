//! A virtual vehicle: from a seed, all that its tracker reports at any time, past or future.

use crate::{journey::Journey, kind::Kind, reading::Reading, seed::Seed};
use domain::Timestamp;
use std::time::Duration;

/// Who a vehicle is. What it does follows from this and from the time alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vehicle {
    seed: Seed,
    kind: Kind,
    reporting: Reporting,
}

/// When the tracker makes a record. A change of the ignition makes one in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// Moving: every 5 to 10 s and after a turn of 10°; coming to a stop; standing with the engine on: every minute;
    /// parked: nearly every 5 minutes.
    AsDevice,
    /// Always at this interval and never without network, to load a server evenly.
    Every(Duration),
}

/// A record, and whether it can be sent when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub reading: Reading,
    pub network: Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Heard,
    /// A tunnel, or a hole in the network: the record waits.
    Silent,
}

impl Vehicle {
    pub fn new(seed: u64, kind: Kind, reporting: Reporting) -> Self {
        Self { seed: Seed::new(seed).named("vehicle"), kind, reporting }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its records from `from` (included) on, by time, without end. Two journeys of a vehicle that reports
    /// as a device agree wherever both are.
    pub fn journey(&self, from: Timestamp) -> impl Iterator<Item = Report> + Send + use<> {
        Journey::new(self.seed, self.kind, self.reporting, from)
            .skip_while(move |report| report.reading.time < from)
    }

    /// Its records between `from` (included) and `to`.
    pub fn history(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Report> + Send + use<> {
        self.journey(from).take_while(move |report| report.reading.time < to)
    }
}
