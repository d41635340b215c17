//! What sensors say: computed from raw values at the moment of the question, so that a changed sensor speaks at once.

mod metering;
mod switch;
mod virtual_value;

pub use metering::{extent, metering, metering_value, raw_reading, was_discarded};
pub use switch::discrete;
pub use switch::switch_states;
pub(crate) use switch::{ignition, switches};
pub use virtual_value::{VirtualReading, virtual_reading};

use domain::{
    DeviceModel, DiscreteType, IgnitionSource, LatestValue, Sensor, SensorKind, State, Timestamp, Value,
    VirtualType,
};

/// A value and the time of its record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub value: f64,
    pub time: Timestamp,
}

/// What tells the ignition of a source with these sensors. A virtual ignition wins: nobody has one who did not make it.
pub fn ignition_source(sensors: &[Sensor], model: &DeviceModel) -> IgnitionSource {
    let virtual_ignition = sensors.iter().find_map(|sensor| match &sensor.kind {
        SensorKind::Virtual(sensor) if sensor.sensor_type == VirtualType::VirtualIgnition => {
            Some(IgnitionSource::Computed { input: sensor.input, method: sensor.method })
        }
        _ => None,
    });
    let discrete = sensors.iter().find_map(|sensor| match sensor.kind {
        SensorKind::Discrete(discrete) if discrete.sensor_type == DiscreteType::Ignition => {
            Some(discrete.input_number).filter(|number| Some(*number) != model.ignition_input())
        }
        _ => None,
    });
    virtual_ignition.or(discrete.map(IgnitionSource::Input)).unwrap_or_default()
}

/// Whether the ignition is on, as its source tells, and the time of that record.
pub fn latest_ignition(state: &State, source: &IgnitionSource) -> Option<(bool, Timestamp)> {
    let latest = |name| state.value(name).map(|LatestValue { time, value, .. }| (value, *time));
    ignition(source, latest)
}

/// A raw value as a number; some devices write numbers as text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        value => value.number(),
    }
}
