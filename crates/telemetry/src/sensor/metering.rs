//! Metering sensors: a raw value outside of its limits is none; then it is divided; then calibrated.

use super::{Reading, number};
use domain::{
    CalibrationPoint, GroupType, InputName, LatestValue, Metering, MeteringInput, Sensor, SensorId,
    SensorKind, State,
};

/// What the sensor says now; `None` without a raw value, or when the last one was discarded. A composite one says
/// something when all of its parents do; `all` are the sensors of its tracker.
pub fn metering(sensor: &Metering, all: &[Sensor], state: &State) -> Option<Reading> {
    let Reading { value, time } = match &sensor.input {
        MeteringInput::Raw(name) => raw_reading(*name, state)?,
        MeteringInput::Composite { parents, group } => joined(parents, *group, all, state)?,
    };
    metering_value(sensor, value).map(|value| Reading { value, time })
}

/// A raw value as the sensor understands it; `None` when it is discarded.
pub fn metering_value(sensor: &Metering, raw: f64) -> Option<f64> {
    let parameters = &sensor.parameters;
    if parameters.min.is_some_and(|min| raw < min) || parameters.max.is_some_and(|max| raw > max) {
        return None;
    }
    let value = calibrated(&sensor.calibration, raw / sensor.divider);
    Some(value).filter(|value| value.is_finite())
}

/// The raw value of an input.
pub fn raw_reading(name: InputName, state: &State) -> Option<Reading> {
    let LatestValue { time, value, .. } = state.value(name)?;
    number(value).map(|value| Reading { value, time: *time })
}

/// Whether there is a raw value that is outside of the sensor's limits: an older one may be within.
pub fn was_discarded(sensor: &Metering, state: &State) -> bool {
    match &sensor.input {
        MeteringInput::Raw(name) => {
            raw_reading(*name, state).is_some_and(|reading| metering_value(sensor, reading.value).is_none())
        }
        MeteringInput::Composite { .. } => false,
    }
}

/// The smallest and the largest value that the sensor is made for, as far as that is known.
pub fn extent(sensor: &Metering) -> (Option<f64>, Option<f64>) {
    let outs = || sensor.calibration.iter().map(|point| point.out);
    if sensor.calibration.is_empty() {
        let divided = |limit: Option<f64>| limit.map(|limit| limit / sensor.divider);
        let (min, max) = (divided(sensor.parameters.min), divided(sensor.parameters.max));
        return if sensor.divider < 0.0 { (max, min) } else { (min, max) };
    }
    (outs().min_by(f64::total_cmp), outs().max_by(f64::total_cmp))
}

fn joined(parents: &[SensorId], group: GroupType, all: &[Sensor], state: &State) -> Option<Reading> {
    let mut sum = 0.0;
    let mut newest = None;
    for parent in parents {
        let sensor = all.iter().find(|sensor| sensor.id == *parent)?;
        let SensorKind::Metering(parent @ Metering { input: MeteringInput::Raw(_), .. }) = &sensor.kind
        else {
            return None;
        };
        let reading = metering(parent, all, state)?;
        sum += reading.value;
        newest = newest.max(Some(reading.time));
    }
    let value = match group {
        GroupType::Sum => sum,
        GroupType::Average => sum / parents.len() as f64,
    };
    newest.map(|time| Reading { value, time })
}

/// Linear between two points; the first and the last stretch go on beyond the table.
fn calibrated(table: &[CalibrationPoint], value: f64) -> f64 {
    if table.len() < 2 {
        return table.first().map_or(value, |point| point.out);
    }
    let mut points = table.to_vec();
    points.sort_by(|one, other| one.r#in.total_cmp(&other.r#in));
    let above = points.partition_point(|point| point.r#in <= value).clamp(1, points.len() - 1);
    let (left, right) = (points[above - 1], points[above]);
    let share = (value - left.r#in) / (right.r#in - left.r#in);
    left.out + share * (right.out - left.out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{MeteringParameters, MeteringType, SensorOrigin, Timestamp, UnitsType};

    fn sensor(divider: f64, limits: [Option<f64>; 2], table: &[(f64, f64)]) -> Metering {
        Metering {
            sensor_type: MeteringType::Fuel,
            input: MeteringInput::Raw(InputName::find("analog_1").unwrap()),
            divider,
            accuracy: 0.0,
            units: String::new(),
            units_type: UnitsType::CUSTOM,
            parameters: MeteringParameters { min: limits[0], max: limits[1], ..Default::default() },
            calibration: table
                .iter()
                .map(|(r#in, out)| CalibrationPoint { r#in: *r#in, out: *out })
                .collect(),
        }
    }

    /// Divider, limits, calibration, raw value, and the value that must come of it.
    type Row<'a> = (f64, [Option<f64>; 2], &'a [(f64, f64)], f64, Option<f64>);

    #[test]
    fn every_step_of_the_way_from_raw_to_value() {
        const NONE: [Option<f64>; 2] = [None, None];
        let tank: &[(f64, f64)] = &[(0.0, 0.0), (1.0, 60.0), (3.0, 100.0)];
        let shuffled: &[(f64, f64)] = &[(3.0, 100.0), (0.0, 0.0), (1.0, 60.0)];
        let falling: &[(f64, f64)] = &[(0.5, 100.0), (4.5, 0.0)];
        let table: &[Row] = &[
            (1.0, NONE, &[], 14.1, Some(14.1)),
            (10.0, NONE, &[], 141.0, Some(14.1)),
            (0.5, NONE, &[], 7.0, Some(14.0)),
            (-2.0, NONE, &[], 7.0, Some(-3.5)),
            // Limits are those of the raw value, and belong to it.
            (10.0, [Some(0.0), Some(100.0)], &[], 100.0, Some(10.0)),
            (10.0, [Some(0.0), Some(100.0)], &[], 0.0, Some(0.0)),
            (10.0, [Some(0.0), Some(100.0)], &[], 100.1, None),
            (10.0, [Some(0.0), Some(100.0)], &[], -0.1, None),
            (1.0, [Some(5.0), None], &[], 1e9, Some(1e9)),
            (1.0, [None, Some(5.0)], &[], -1e9, Some(-1e9)),
            (1.0, NONE, tank, 0.5, Some(30.0)),
            (1.0, NONE, tank, 1.0, Some(60.0)),
            (1.0, NONE, tank, 2.0, Some(80.0)),
            (1.0, NONE, tank, 3.0, Some(100.0)),
            (1.0, NONE, shuffled, 2.0, Some(80.0)),
            // Beyond the table its first and last stretch go on.
            (1.0, NONE, tank, 4.0, Some(120.0)),
            (1.0, NONE, tank, -0.5, Some(-30.0)),
            (1.0, NONE, falling, 2.5, Some(50.0)),
            (1.0, NONE, &[(1.0, 7.0)], 100.0, Some(7.0)),
            // All of them: 1500 is within, divided 1.5, calibrated 70.
            (1000.0, [Some(0.0), Some(3000.0)], tank, 1500.0, Some(70.0)),
            (1000.0, [Some(0.0), Some(3000.0)], tank, 3001.0, None),
        ];
        for (divider, limits, calibration, raw, expected) in table {
            let found = metering_value(&sensor(*divider, *limits, calibration), *raw);
            let close = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                (found, expected) => found == *expected,
            };
            assert!(close, "{raw} by {divider} {limits:?} {calibration:?}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn extents() {
        let limits = [Some(0.0), Some(100.0)];
        for (sensor, expected) in [
            (sensor(1.0, [None, None], &[]), (None, None)),
            (sensor(10.0, limits, &[]), (Some(0.0), Some(10.0))),
            (sensor(-10.0, limits, &[]), (Some(-10.0), Some(-0.0))),
            (sensor(1.0, limits, &[(5.0, 480.0), (0.0, 3.0)]), (Some(3.0), Some(480.0))),
        ] {
            assert_eq!(extent(&sensor), expected, "{sensor:?}");
        }
    }

    #[test]
    fn a_composite_sensor_joins_what_all_of_its_parents_say() {
        let named = |id, kind| Sensor {
            id: SensorId(id),
            name: String::new(),
            origin: SensorOrigin::User,
            kind: SensorKind::Metering(kind),
        };
        let on = |input: &str| MeteringInput::Raw(InputName::find(input).unwrap());
        let composite = |parents: &[i64], group| Metering {
            input: MeteringInput::Composite {
                parents: parents.iter().map(|id| SensorId(*id)).collect(),
                group,
            },
            ..sensor(1.0, [None, None], &[])
        };
        let tanks = [
            named(1, Metering { input: on("lls_level_1"), ..sensor(10.0, [None, None], &[]) }),
            named(2, Metering { input: on("lls_level_2"), ..sensor(1.0, [None, Some(500.0)], &[]) }),
            named(3, Metering { input: on("lls_level_3"), ..sensor(1.0, [None, None], &[]) }),
            named(4, composite(&[1, 2], GroupType::Sum)),
        ];
        let mut state = State::default();
        for (name, time, value) in [("lls_level_1", 5, 1000.0), ("lls_level_2", 9, 50.0)] {
            let name = InputName::find(name).unwrap();
            state.put(name, Timestamp::from_seconds(time), &domain::Value::Float(value));
        }
        for (parents, group, expected) in [
            (&[1, 2][..], GroupType::Sum, Some((150.0, 9))),
            (&[1, 2], GroupType::Average, Some((75.0, 9))),
            (&[1], GroupType::Sum, Some((100.0, 5))),
            (&[1, 3], GroupType::Sum, None),
            (&[1, 7], GroupType::Sum, None),
            (&[1, 4], GroupType::Sum, None),
            (&[], GroupType::Sum, None),
        ] {
            let found = metering(&composite(parents, group), &tanks, &state);
            let expected =
                expected.map(|(value, time)| Reading { value, time: Timestamp::from_seconds(time) });
            assert_eq!(found, expected, "{parents:?}");
        }
        let scaled = Metering { divider: 2.0, ..composite(&[1, 2], GroupType::Sum) };
        assert_eq!(metering(&scaled, &tanks, &state).map(|reading| reading.value), Some(75.0));
    }
}
