//! What a source runs up: kilometres and hours of its engine, record by record, live and from history alike.

use crate::{
    fold::believed_fix,
    movement::{self, Sample},
    trips::kilometres,
};
use domain::{
    Coordinates, IgnitionSource, Movement, MovementStatus, Telemetry, Timestamp, Totals, TripDetection,
};
use std::time::Duration;

/// Faster than this no vehicle goes: the receiver jumped, and the way is not counted.
const FASTEST_KMH: f64 = 400.0;
/// After a longer silence nobody knows whether the engine ran.
const LONGEST_SILENCE: Duration = Duration::from_secs(3600);

/// Takes records of one source in the order of time.
#[derive(Debug)]
pub struct Counting {
    settings: TripDetection,
    ignition: IgnitionSource,
    movement: Movement,
    totals: Totals,
}

impl Counting {
    pub fn new(settings: TripDetection, ignition: IgnitionSource) -> Self {
        Self { settings, ignition, movement: Movement::default(), totals: Totals::default() }
    }

    /// The next record. One of suspect time is passed over.
    pub fn take(&mut self, telemetry: &Telemetry) {
        let Some(sample) = Sample::of(telemetry, &self.ignition) else { return };
        let before = self.movement;
        movement::advance(&mut self.movement, &sample, &self.settings);
        let place = believed_fix(telemetry).map(|fix| fix.coordinates);
        advance(&mut self.totals, &sample, place, &before, &self.movement);
    }

    /// Since the first record.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// Takes one sample in that has just moved `before` to `after`. One that came too late for movement changes nothing.
pub(crate) fn advance(
    totals: &mut Totals,
    sample: &Sample,
    place: Option<Coordinates>,
    before: &Movement,
    after: &Movement,
) {
    if before.last_sample.is_some_and(|last| sample.time < last) {
        return;
    }
    if let Some(place) = place {
        let stood = before.status == MovementStatus::Parked && after.status == MovementStatus::Parked;
        if let Some(last) = totals.place.filter(|_| !stood) {
            totals.distance += way(last, (sample.time, place));
        }
        totals.place = Some((sample.time, place));
    }
    if after.ignition.is_some() {
        if let (Some(true), Some(last)) = (before.ignition, before.last_sample) {
            let ran = sample.time.since(last);
            totals.engine += if ran <= LONGEST_SILENCE { ran } else { Duration::ZERO };
        }
        totals.engine_until = Some(sample.time);
    }
}

fn way(from: (Timestamp, Coordinates), to: (Timestamp, Coordinates)) -> f64 {
    let way = kilometres(from.1, to.1);
    // Of fixes of one second the receiver may round the time.
    let hours = to.0.since(from.0).max(Duration::from_secs(1)).as_secs_f64() / 3600.0;
    if way / hours <= FASTEST_KMH { way } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceSettings, apply};
    use domain::{Fix, InputName, Message, Record, RecordHash, SourceId, Speed, State, TimeOrigin, Value};

    /// Second, longitude on the equator (0.01° are 1.112 km), km/h, ignition.
    type Row = (i64, Option<f64>, f32, Option<bool>);

    fn record((second, lng, kmh, ignition): Row) -> Telemetry {
        let time = Timestamp::from_seconds(second);
        let fix = lng.map(|lng| Fix {
            speed: Some(Speed::from_kmh(kmh)),
            ..Fix::at(Coordinates::new(0.001, lng).unwrap())
        });
        let mut message = Message { time: Some(time), fix, ..Message::default() };
        if let Some(on) = ignition {
            message.inputs.push(InputName::find("ignition").unwrap(), Value::Flag(on));
        }
        let (source, hash) = (SourceId(1), RecordHash(0));
        Telemetry { source, received: time, time, time_origin: TimeOrigin::Device, hash, message }
    }

    #[test]
    fn kilometres_of_trips_and_hours_of_the_engine() {
        const ON: Option<bool> = Some(true);
        const OFF: Option<bool> = Some(false);
        let table: &[(&[Row], f64, u64)] = &[
            (&[], 0.0, 0),
            (&[(0, Some(1.0), 50.0, None), (60, Some(1.01), 50.0, None)], 1.112, 0),
            // It stands: the receiver's noise is no way.
            (&[(0, Some(1.0), 0.0, None), (60, Some(1.01), 0.0, None)], 0.0, 0),
            // Parked at 0, on its way at 60: the way between is travelled. At 120 a stop, at 600 it is parked.
            (
                &[
                    (0, Some(1.0), 0.0, None),
                    (60, Some(1.01), 50.0, None),
                    (120, Some(1.02), 0.0, None),
                    (600, Some(1.02), 0.0, None),
                    (660, Some(1.03), 0.0, None),
                ],
                2.224,
                0,
            ),
            // A jump of 100 km and back.
            (
                &[(0, Some(1.0), 50.0, None), (60, Some(2.0), 50.0, None), (120, Some(1.0), 50.0, None)],
                0.0,
                0,
            ),
            // A record that came late.
            (&[(0, Some(1.0), 50.0, ON), (60, Some(1.01), 50.0, ON), (30, Some(1.2), 50.0, OFF)], 1.112, 60),
            // A record twice.
            (&[(0, Some(1.0), 50.0, ON), (60, Some(1.01), 50.0, ON), (60, Some(1.01), 50.0, ON)], 1.112, 60),
            (
                &[(0, None, 0.0, OFF), (60, None, 0.0, ON), (120, None, 0.0, None), (180, None, 0.0, OFF)],
                0.0,
                120,
            ),
            // Silence for more than an hour.
            (&[(0, None, 0.0, ON), (3601, None, 0.0, ON), (3661, None, 0.0, OFF)], 0.0, 60),
        ];
        for (rows, distance, engine) in table {
            let mut state = State::default();
            let mut counting = Counting::new(TripDetection::default(), IgnitionSource::Reported);
            for row in *rows {
                apply(&mut state, &Record::Telemetry(record(*row)), &SourceSettings::default());
                counting.take(&record(*row));
            }
            assert_eq!(state.totals, *counting.totals(), "{rows:?}");
            assert!(
                (state.totals.distance - distance).abs() < 0.001,
                "{} of {rows:?}",
                state.totals.distance
            );
            assert_eq!(state.totals.engine.as_secs(), *engine, "{rows:?}");
        }
    }
}
