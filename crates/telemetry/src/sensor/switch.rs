//! Switches: digital inputs and outputs, discrete sensors on them, and the ignition.

use crate::vocabulary::{Switches, vocabulary};
use domain::{DeviceModel, Discrete, IgnitionSource, InputName, LatestValue, State, Timestamp, Value};

/// Whether a discrete sensor is on, and since which record that is known; `None` when it was never reported.
pub fn discrete(sensor: Discrete, model: &DeviceModel, state: &State) -> Option<(bool, Timestamp)> {
    let latest = |name| state.value(name).map(|LatestValue { time, value, .. }| (value, *time));
    let source = if Some(sensor.input_number) == model.ignition_input() {
        IgnitionSource::Reported
    } else {
        IgnitionSource::Input(sensor.input_number)
    };
    ignition(&source, latest)
}

/// The digital inputs of a device of the model, and when any of them was last reported.
pub fn switch_states(state: &State, model: &DeviceModel) -> (Vec<bool>, Option<Timestamp>) {
    switches(state, &vocabulary().inputs, model.digital_inputs)
}

/// The first `count` switches, and when any of them was last reported. One that was never reported is off.
pub(crate) fn switches(state: &State, names: &Switches, count: u8) -> (Vec<bool>, Option<Timestamp>) {
    let latest = |name| state.value(name).map(|LatestValue { time, value, .. }| (value, *time));
    let known: Vec<_> = (1..=count).map(|number| switch(names, number, latest)).collect();
    let updated = known.iter().flatten().map(|(_, time)| *time).max();
    (known.into_iter().map(|known| known.is_some_and(|(on, _)| on)).collect(), updated)
}

/// Whether the ignition is on as `source` tells, from the values that `latest` knows.
pub(crate) fn ignition<'a, T: Ord>(
    source: &IgnitionSource,
    latest: impl Fn(InputName) -> Option<(&'a Value, T)>,
) -> Option<(bool, T)> {
    let words = vocabulary();
    match source {
        IgnitionSource::Reported => {
            let (value, time) = latest(words.ignition)?;
            Some((value.flag()?, time))
        }
        IgnitionSource::Input(number) => switch(&words.inputs, *number, latest),
        IgnitionSource::Computed { input, method } => {
            let (value, time) = latest(*input)?;
            Some((super::virtual_value::is_on(*method, value)?, time))
        }
    }
}

/// A switch comes by itself or as a bit of them all; the newer one counts.
fn switch<'a, T: Ord>(
    names: &Switches,
    number: u8,
    latest: impl Fn(InputName) -> Option<(&'a Value, T)>,
) -> Option<(bool, T)> {
    let own = names.each.member(number.into()).and_then(&latest);
    let own = own.and_then(|(value, time)| Some((value.flag()?, time)));
    let bit = latest(names.mask).and_then(|(value, time)| match value {
        Value::Int(bits) => {
            let bit = bits.checked_shr(u32::from(number) - 1).is_some_and(|bits| bits & 1 == 1);
            Some((bit, time))
        }
        _ => None,
    });
    match (own, bit) {
        (Some(own), Some(bit)) if bit.1 > own.1 => Some(bit),
        (own, bit) => own.or(bit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CalcMethod, DiscreteType, ModelCode};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn state(values: &[(&str, i64, Value)]) -> State {
        let mut state = State::default();
        for (name, time, value) in values {
            state.put(InputName::find(name).unwrap(), at(*time), value);
        }
        state
    }

    #[test]
    fn discrete_sensors_follow_wires_and_the_devices_own_ignition() {
        // One wired input: number 2 is the ignition as the device judges it.
        let model = ModelCode::find("telfmb920").unwrap().model();
        let state = state(&[
            ("digital_input_1", 5, Value::Flag(true)),
            ("ignition", 7, Value::Flag(true)),
            ("input_status", 6, Value::Int(0b100)),
        ]);
        for (input_number, expected) in
            [(1, Some((false, 6))), (2, Some((true, 7))), (3, Some((true, 6))), (4, Some((false, 6)))]
        {
            let sensor = Discrete { sensor_type: DiscreteType::Door, input_number };
            let expected = expected.map(|(on, time)| (on, at(time)));
            assert_eq!(discrete(sensor, model, &state), expected, "{input_number}");
        }
        let sensor = Discrete { sensor_type: DiscreteType::Door, input_number: 1 };
        assert_eq!(discrete(sensor, model, &State::default()), None);
    }

    #[test]
    fn the_ignition_is_what_its_source_says() {
        let state = state(&[
            ("ignition", 1, Value::Flag(false)),
            ("input_status", 2, Value::Int(0b1)),
            ("board_voltage", 3, Value::Float(13.9)),
        ]);
        let range = CalcMethod::InRange { from: Some(13.4), to: None };
        let board_voltage = InputName::find("board_voltage").unwrap();
        for (source, expected) in [
            (IgnitionSource::Reported, (false, 1)),
            (IgnitionSource::Input(1), (true, 2)),
            (IgnitionSource::Input(2), (false, 2)),
            (IgnitionSource::Computed { input: board_voltage, method: range }, (true, 3)),
        ] {
            let found = super::super::latest_ignition(&state, &source);
            assert_eq!(found, Some((expected.0, at(expected.1))), "{source:?}");
        }
    }
}
