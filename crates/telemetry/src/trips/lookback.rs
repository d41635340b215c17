//! Where to begin, so that trips after a moment are known for certain without reading all that came before it.

use crate::movement::Sample;
use domain::{Timestamp, TripDetection};
use std::time::Duration;

/// Takes samples backwards in time until a `Trips` that begins at the last of them cuts everything after the first of
/// them as one would that began with the source's first record.
///
/// That is so where the source stood for the idle duration, for then it was parked, whatever came before; and where
/// the ignition and the motion sensor were last heard of, when they matter.
#[derive(Debug)]
pub struct Lookback {
    settings: TripDetection,
    /// Times of the newest and the oldest sample of a stand.
    stand: Option<(Timestamp, Timestamp)>,
    parked: bool,
    heard: bool,
}

impl Lookback {
    pub fn new(settings: TripDetection) -> Self {
        Self {
            settings,
            stand: None,
            parked: false,
            heard: !settings.ignition_aware && !settings.motion_sensor_aware,
        }
    }

    /// `true`: it is known; no more is needed.
    pub fn take(&mut self, sample: &Sample) -> bool {
        if !self.parked {
            self.look_at(sample);
        }
        // What is reported later than the stand says nothing about the ride that may have followed at once.
        if self.stand.is_some() {
            self.heard |= self.says_what_matters(sample);
        }
        self.parked && self.heard
    }

    fn look_at(&mut self, sample: &Sample) {
        let threshold = f32::from(self.settings.idle_speed_threshold);
        match sample.speed {
            // Without a speed a ride and a stand go on.
            None => {}
            Some(speed) if speed.kmh() < threshold => {
                let (newest, _) = *self.stand.get_or_insert((sample.time, sample.time));
                self.stand = Some((newest, sample.time));
                let idle = Duration::from_secs(60 * u64::from(self.settings.min_idle_duration_minutes));
                self.parked = newest.since(sample.time) >= idle;
            }
            Some(_) => *self = Self::new(self.settings),
        }
    }

    fn says_what_matters(&self, sample: &Sample) -> bool {
        // Of the two the ignition wins.
        if self.settings.ignition_aware {
            sample.ignition.is_some()
        } else {
            self.settings.motion_sensor_aware && sample.motion.is_some()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            tests::{Row, rows, settings, telemetry},
            *,
        },
        *,
    };
    use domain::Telemetry;
    use proptest::prelude::*;

    /// How many of the records before `end` have to be read.
    fn needed(records: &[Telemetry], settings: TripDetection) -> Option<usize> {
        let mut lookback = Lookback::new(settings);
        let mut samples = records.iter().rev().map(|record| {
            Sample::of(record, &domain::IgnitionSource::Reported).is_some_and(|sample| lookback.take(&sample))
        });
        samples.position(|known| known).map(|at| at + 1)
    }

    #[test]
    fn a_night_in_the_garage_is_enough() {
        let row = |minute: i64, speed, ignition| telemetry(Row { speed, ignition, ..Row::at(minute * 60) });
        let plain = TripDetection::default();
        let aware = TripDetection { ignition_aware: true, ..plain };
        let never = TripDetection { idle_speed_threshold: 0, ..plain };
        let records = [
            row(0, Some(50.0), Some(true)),
            row(1, Some(0.0), Some(false)),
            row(2, Some(0.0), None),
            row(4, None, None),
            row(7, Some(2.9), None),
            row(8, Some(3.0), Some(true)),
            row(9, Some(0.0), None),
        ];
        assert_eq!(needed(&records, plain), Some(5), "from minute 2 to minute 7 it stood");
        assert_eq!(needed(&records, aware), Some(6), "the ignition was last heard of at minute 1");
        assert_eq!(needed(&records, never), None);
        assert_eq!(needed(&records[3..], plain), None);
        assert_eq!(needed(&[], plain), None);
    }

    /// What is cut of the records from `from` on, beginning at `begin`.
    fn cut(records: &[Telemetry], begin: usize, from: usize, settings: TripDetection) -> Vec<Piece> {
        let mut trips = Trips::new(settings, domain::IgnitionSource::Reported);
        let mut pieces = Vec::new();
        let mut open = None;
        for (at, record) in records.iter().enumerate().skip(begin) {
            trips.take(record, |piece| {
                match piece {
                    Piece::Start(_) => open = Some(piece),
                    Piece::End => open = None,
                    _ => {}
                }
                if at >= from {
                    pieces.push(piece);
                }
            });
            if at + 1 == from {
                // The trip under way has the same beginning too.
                pieces.extend(open);
            }
        }
        trips.finish(|piece| pieces.push(piece));
        pieces
    }

    proptest! {
        #[test]
        fn what_follows_is_cut_the_same(rows in rows(), settings in settings(), from in 0..80usize) {
            let records: Vec<_> = rows.into_iter().map(telemetry).collect();
            let from = from.min(records.len());
            if let Some(needed) = needed(&records[..from], settings) {
                prop_assert_eq!(cut(&records, from - needed, from, settings), cut(&records, 0, from, settings));
            }
        }
    }
}
