//! Trips: what of a source's history was travelled and what was parked. The records of a time line go through the same
//! machine that decides the live movement status, one by one: nothing of a trip is held in memory but its last stop.

mod bounds;
mod cut;
mod distance;
mod lookback;
mod simplify;
mod summary;

pub use bounds::Bounds;
pub use cut::{Piece, Trips};
pub use distance::kilometres;
pub use lookback::Lookback;
pub use simplify::Simplifier;
pub use summary::Summary;

use crate::{
    SourceSettings,
    fold::{believed_fix, is_precise},
};
use domain::{Fix, PositionSource, Telemetry, Timestamp};
use std::time::Duration;

/// A position of the source, at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub time: Timestamp,
    pub fix: Fix,
    /// The device kept it in its memory and sent it later.
    pub buffered: bool,
}

/// What comes later than this was not current when it came.
const CURRENT: Duration = Duration::from_secs(5 * 60);

impl Point {
    /// `None` for a record without a usable fix of the device's own receiver, or of a suspect time.
    pub fn of(telemetry: &Telemetry) -> Option<Self> {
        let Telemetry { received, time, .. } = *telemetry;
        believed_fix(telemetry).map(|fix| Self { time, fix, buffered: received.since(time) > CURRENT })
    }

    /// `None` for anything but a position from cells.
    pub fn from_cells(telemetry: &Telemetry) -> Option<Self> {
        let fix =
            telemetry.message.fix.filter(|fix| fix.source == PositionSource::Cells && fix.is_usable())?;
        // When it was learned says nothing about when the device told of the cells.
        Some(Self { time: telemetry.time, fix, buffered: false })
    }

    /// What live state shows of a record, if it is the newest: from cells too, when that is precise enough.
    pub fn shown(telemetry: &Telemetry, settings: &SourceSettings) -> Option<Self> {
        let from_cells = || Self::from_cells(telemetry).filter(|point| is_precise(&point.fix, settings));
        Self::of(telemetry).or_else(from_cells)
    }
}

#[cfg(test)]
mod tests {
    //! Records for the tests of this module.

    use domain::{
        Coordinates, Fix, InputName, Message, RecordHash, SourceId, Speed, Telemetry, TimeOrigin, Timestamp,
        TripDetection, Value,
    };
    use proptest::prelude::*;

    /// What a record says; without a speed it has no fix.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Row {
        pub(super) second: i64,
        pub(super) speed: Option<f32>,
        pub(super) ignition: Option<bool>,
        pub(super) motion: Option<bool>,
        pub(super) suspect: bool,
    }

    impl Row {
        pub(super) fn at(second: i64) -> Self {
            Self { second, speed: None, ignition: None, motion: None, suspect: false }
        }
    }

    pub(super) fn telemetry(row: Row) -> Telemetry {
        let time = Timestamp::from_seconds(row.second);
        let position = Coordinates::new(50.0, row.second as f64 * 1e-5 % 90.0).unwrap();
        let fix = row.speed.map(|kmh| Fix { speed: Some(Speed::from_kmh(kmh)), ..Fix::at(position) });
        let mut message = Message { time: Some(time), fix, ..Message::default() };
        for (name, flag) in [("ignition", row.ignition), ("motion", row.motion)] {
            if let Some(flag) = flag {
                message.inputs.push(InputName::find(name).unwrap(), Value::Flag(flag));
            }
        }
        let time_origin = if row.suspect { TimeOrigin::Suspect } else { TimeOrigin::Device };
        Telemetry { source: SourceId(1), received: time, time, time_origin, hash: RecordHash(0), message }
    }

    /// A time line in which stands, rides and parkings are likely.
    pub(super) fn rows() -> impl Strategy<Value = Vec<Row>> {
        let speed = prop_oneof![
            4 => Just(Some(0.0)), 1 => Just(Some(2.9)), 2 => Just(Some(3.0)), 2 => Just(Some(60.0)), 1 => Just(None),
        ];
        let flag = || prop_oneof![3 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))];
        let step = prop_oneof![Just(0), 1..60i64, 60..200i64, 200..900i64];
        let row = (step, speed, flag(), flag(), prop::bool::weighted(0.05));
        prop::collection::vec(row, 0..80).prop_map(|rows| {
            let mut second = 0;
            let row = |(step, speed, ignition, motion, suspect)| {
                second += step;
                Row { second, speed, ignition, motion, suspect }
            };
            rows.into_iter().map(row).collect()
        })
    }

    pub(super) fn settings() -> impl Strategy<Value = TripDetection> {
        let threshold = prop_oneof![1 => Just(0), 6 => Just(3), 1 => Just(10)];
        (1..8u16, threshold, any::<bool>(), any::<bool>()).prop_map(
            |(min_idle_duration_minutes, idle_speed_threshold, ignition_aware, motion_sensor_aware)| {
                TripDetection {
                    min_idle_duration_minutes,
                    idle_speed_threshold,
                    ignition_aware,
                    motion_sensor_aware,
                }
            },
        )
    }
}
