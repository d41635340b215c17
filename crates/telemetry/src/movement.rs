//! Is the source moving, stopped or parked: a machine over samples in the order of device time. It runs over live
//! records as they come and over history alike, so that trips and the live status never contradict each other.

use crate::{fold::believed_fix, sensor::ignition, vocabulary::vocabulary};
use domain::{
    IgnitionSource, Movement, MovementStatus, PositionSource, Speed, Telemetry, TimeOrigin, Timestamp,
    TripDetection, Value,
};
use std::time::Duration;

/// What one record tells about movement. `None`: it does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub time: Timestamp,
    /// Speed of a usable fix from the device's own receiver; positions from cells tell nothing.
    pub speed: Option<Speed>,
    pub ignition: Option<bool>,
    /// What the device's motion sensor says.
    pub motion: Option<bool>,
}

impl Sample {
    /// What a record tells, whether it comes live or from history; `None` when its time is suspect, or it is a position
    /// from cells.
    pub fn of(telemetry: &Telemetry, ignition_source: &IgnitionSource) -> Option<Self> {
        let words = vocabulary();
        let flag = |name| telemetry.message.inputs.get(name).and_then(Value::flag);
        let from_cells = telemetry.message.fix.is_some_and(|fix| fix.source == PositionSource::Cells);
        (telemetry.time_origin != TimeOrigin::Suspect && !from_cells).then(|| Self {
            time: telemetry.time,
            speed: believed_fix(telemetry).and_then(|fix| fix.speed),
            ignition: ignition(ignition_source, |name| Some((telemetry.message.inputs.get(name)?, ())))
                .map(|(on, ())| on),
            motion: flag(words.motion).or_else(|| flag(words.moving)),
        })
    }
}

/// Takes one sample in. A sample older than the last one changes nothing: only history can place it.
///
/// - At or above the threshold: `Moving`, which restarts the count of the idle duration. From `Parked` this also needs
///   the ignition on (`ignition_aware`) or motion (`motion_sensor_aware`); of the two the ignition wins. A device that
///   has never reported its ignition or motion is judged by speed alone.
/// - Below it, or without motion when `motion_sensor_aware`: `Stopped`, and `Parked` once that has lasted for the
///   idle duration. When `ignition_aware`, ignition off parks at once.
/// - Threshold 0: no speed is below it.
pub fn advance(movement: &mut Movement, sample: &Sample, settings: &TripDetection) {
    if movement.last_sample.is_some_and(|last| sample.time < last) {
        return;
    }
    movement.last_sample = Some(sample.time);
    movement.ignition = sample.ignition.or(movement.ignition);
    movement.motion = sample.motion.or(movement.motion);

    let Some(travel) = judge(movement, sample.speed, settings) else { return };
    let status = match (travel, movement.status) {
        (Travel::Rides, _) => {
            movement.last_moved = Some(sample.time);
            MovementStatus::Moving
        }
        (Travel::Stands, MovementStatus::Parked) => MovementStatus::Parked,
        (Travel::Stands, _) if ignition_is_off(movement, settings) => MovementStatus::Parked,
        (Travel::Stands, MovementStatus::Moving) => MovementStatus::Stopped,
        (Travel::Stands, MovementStatus::Stopped) => {
            let idle = Duration::from_secs(60 * u64::from(settings.min_idle_duration_minutes));
            match movement.since {
                Some(stopped) if sample.time.since(stopped) < idle => MovementStatus::Stopped,
                _ => MovementStatus::Parked,
            }
        }
    };
    if status != movement.status || movement.since.is_none() {
        movement.status = status;
        movement.since = Some(sample.time);
    }
}

enum Travel {
    Rides,
    Stands,
}

/// `None` when the sample does not tell.
fn judge(movement: &Movement, speed: Option<Speed>, settings: &TripDetection) -> Option<Travel> {
    let Some(speed) = speed else { return judge_without_speed(movement, settings) };
    let slow = speed.kmh() < f32::from(settings.idle_speed_threshold);
    let stands = if settings.ignition_aware {
        slow || (movement.status == MovementStatus::Parked && ignition_is_off(movement, settings))
    } else {
        slow || motion_is_missing(movement, settings)
    };
    Some(if stands { Travel::Stands } else { Travel::Rides })
}

/// A record without a fix, as from a garage: nothing says that the source moves, so a running count goes on, and a
/// switch that says "off" is believed.
fn judge_without_speed(movement: &Movement, settings: &TripDetection) -> Option<Travel> {
    let off = settings.idle_speed_threshold > 0 && ignition_is_off(movement, settings);
    let still = !settings.ignition_aware && motion_is_missing(movement, settings);
    (off || still || movement.status == MovementStatus::Stopped).then_some(Travel::Stands)
}

fn ignition_is_off(movement: &Movement, settings: &TripDetection) -> bool {
    settings.ignition_aware && movement.ignition == Some(false)
}

fn motion_is_missing(movement: &Movement, settings: &TripDetection) -> bool {
    settings.motion_sensor_aware && movement.motion == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MovementStatus::{Moving, Parked, Stopped};

    const NONE: Option<bool> = None;
    const ON: Option<bool> = Some(true);
    const OFF: Option<bool> = Some(false);

    /// Minute, speed in km/h, ignition, motion, and the status that must follow.
    type Row = (f64, Option<f32>, Option<bool>, Option<bool>, MovementStatus);

    fn minute(minute: f64) -> Timestamp {
        Timestamp::from_millis((minute * 60_000.0) as i64)
    }

    fn check(settings: TripDetection, rows: &[Row]) -> Movement {
        let mut movement = Movement::default();
        for (at, speed, ignition, motion, expected) in rows {
            let sample = Sample {
                time: minute(*at),
                speed: speed.map(Speed::from_kmh),
                ignition: *ignition,
                motion: *motion,
            };
            advance(&mut movement, &sample, &settings);
            assert_eq!(movement.status, *expected, "at minute {at} of {rows:?}");
        }
        movement
    }

    fn plain() -> TripDetection {
        TripDetection::default()
    }

    #[test]
    fn by_speed() {
        let movement = check(
            plain(),
            &[
                (0.0, Some(0.0), NONE, NONE, Parked),
                (1.0, Some(2.9), NONE, NONE, Parked),
                (2.0, Some(3.0), NONE, NONE, Moving),
                (3.0, Some(60.0), NONE, NONE, Moving),
                (4.0, Some(2.0), NONE, NONE, Stopped),
                (8.9, Some(0.0), NONE, NONE, Stopped),
                // One sample at the threshold restarts the count.
                (8.95, Some(3.0), NONE, NONE, Moving),
                (9.0, Some(0.0), NONE, NONE, Stopped),
                (13.99, Some(0.0), NONE, NONE, Stopped),
                (14.0, Some(0.0), NONE, NONE, Parked),
                (20.0, Some(0.0), NONE, NONE, Parked),
            ],
        );
        assert_eq!(movement.since, Some(minute(14.0)));
        assert_eq!(movement.last_moved, Some(minute(8.95)));
    }

    #[test]
    fn late_samples_change_nothing() {
        check(
            plain(),
            &[
                (10.0, Some(50.0), NONE, NONE, Moving),
                (9.0, Some(0.0), NONE, NONE, Moving),
                (10.0, Some(0.0), NONE, NONE, Stopped),
                (9.5, Some(90.0), NONE, NONE, Stopped),
            ],
        );
    }

    #[test]
    fn without_a_fix_a_count_goes_on_and_a_ride_too() {
        check(
            plain(),
            &[
                (0.0, None, NONE, NONE, Parked),
                (1.0, Some(50.0), NONE, NONE, Moving),
                (30.0, None, NONE, NONE, Moving),
                (31.0, Some(0.0), NONE, NONE, Stopped),
                (35.0, None, NONE, NONE, Stopped),
                (36.0, None, NONE, NONE, Parked),
            ],
        );
    }

    #[test]
    fn threshold_0_never_parks() {
        for ignition_aware in [false, true] {
            check(
                TripDetection { idle_speed_threshold: 0, ignition_aware, ..plain() },
                &[
                    (0.0, Some(0.0), ON, NONE, Moving),
                    (60.0, Some(0.0), OFF, NONE, Moving),
                    (61.0, None, OFF, NONE, Moving),
                ],
            );
        }
    }

    #[test]
    fn ignition_aware() {
        check(
            TripDetection { ignition_aware: true, ..plain() },
            &[
                (0.0, Some(20.0), OFF, NONE, Parked), // towed
                (1.0, Some(20.0), ON, NONE, Moving),
                (2.0, Some(20.0), OFF, NONE, Moving),
                (3.0, Some(2.0), NONE, NONE, Parked), // the ignition is still off
                (4.0, Some(9.0), ON, NONE, Moving),
                (5.0, Some(0.0), NONE, NONE, Stopped),
                (6.0, None, OFF, NONE, Parked),
                (7.0, Some(9.0), ON, NONE, Moving),
                (8.0, None, OFF, NONE, Parked), // a garage without a sky
                (9.0, Some(9.0), ON, NONE, Moving),
                (10.0, Some(0.0), NONE, NONE, Stopped),
                (15.0, Some(0.0), NONE, NONE, Parked), // ignition on, idle time over
            ],
        );
        // A device that never reports its ignition is judged by speed.
        check(
            TripDetection { ignition_aware: true, ..plain() },
            &[(0.0, Some(20.0), NONE, NONE, Moving), (1.0, Some(0.0), NONE, NONE, Stopped)],
        );
        // Without the flag the ignition does not matter.
        check(plain(), &[(0.0, Some(20.0), OFF, NONE, Moving), (1.0, Some(0.0), OFF, NONE, Stopped)]);
    }

    #[test]
    fn motion_sensor_aware() {
        let rows = [
            (0.0, Some(20.0), NONE, OFF, Parked),
            (1.0, Some(20.0), NONE, ON, Moving),
            (2.0, Some(20.0), NONE, OFF, Stopped),
            (6.9, Some(20.0), NONE, NONE, Stopped),
            (7.0, None, NONE, NONE, Parked),
            (8.0, Some(20.0), NONE, ON, Moving),
            (9.0, Some(1.0), NONE, NONE, Stopped),
            (10.0, None, NONE, OFF, Stopped),
        ];
        check(TripDetection { motion_sensor_aware: true, ..plain() }, &rows);
        // Both flags: the ignition wins.
        check(
            TripDetection { motion_sensor_aware: true, ignition_aware: true, ..plain() },
            &[
                (0.0, Some(20.0), OFF, ON, Parked),
                (1.0, Some(20.0), ON, OFF, Moving),
                (2.0, Some(0.0), OFF, ON, Parked),
            ],
        );
    }

    #[test]
    fn a_longer_idle_duration_is_obeyed() {
        check(
            TripDetection { min_idle_duration_minutes: 30, idle_speed_threshold: 10, ..plain() },
            &[
                (0.0, Some(10.0), NONE, NONE, Moving),
                (1.0, Some(9.9), NONE, NONE, Stopped),
                (30.9, Some(9.9), NONE, NONE, Stopped),
                (31.0, Some(9.9), NONE, NONE, Parked),
            ],
        );
    }
}
