//! What a sensor said in the past: computed from raw history with the sensor as it is now.

use super::find;
use crate::{Failure, Fleet, TrackerView, UserCaller};
use domain::{
    ErrorCode, InputName, MeteringInput, Sensor, SensorId, SensorKind, State, Timestamp, TrackerId,
};
use std::ops::Range;
use store::history::Order;
use telemetry::sensor::{metering, raw_reading, virtual_reading};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    Computed,
    /// Of a metering sensor on one input: as the device sent it.
    Raw,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SensorValue {
    Number(f64),
    Text(String),
}

/// In order of time.
pub type SensorValues = Vec<(Timestamp, SensorValue)>;

/// A longer answer is refused.
const MOST_VALUES: usize = 200_000;

impl Fleet {
    /// # Errors
    /// `NotFound`, also for the sensor; `DeviceBlocked`; `UnsupportedBySensor` for a discrete one; `TimeSpanTooBig` for
    /// too many values.
    pub async fn sensor_data(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        id: SensorId,
        span: Range<Timestamp>,
        kind: DataKind,
    ) -> Result<SensorValues, Failure> {
        let view = self.readable(caller, tracker)?;
        let sensors = self.sensors_of(view.source.id).await?;
        let sensor = find(&sensors, id)?;
        if matches!(sensor.kind, SensorKind::Discrete(_)) {
            return Err(ErrorCode::UnsupportedBySensor.into());
        }
        self.past(caller, &view, &sensors, sensor, span, kind).await
    }

    pub(crate) async fn past(
        &self,
        caller: &UserCaller,
        view: &TrackerView,
        sensors: &[Sensor],
        sensor: &Sensor,
        mut span: Range<Timestamp>,
        kind: DataKind,
    ) -> Result<SensorValues, Failure> {
        let inputs = inputs_of(sensor, sensors);
        span.start = span.start.max(self.kept_from(caller, view).await?);
        let mut values = Vec::new();
        if span.start >= span.end {
            return Ok(values);
        }
        self.history_catches_up().await;
        for leg in self.legs(view, &span).await? {
            // A composite sensor joins the last that each of its parents said.
            let mut state = State::default();
            let mut messages = self.history.read(leg.source, leg.span, Order::Ascending);
            while let Some(batch) = messages.next().await? {
                for record in &batch {
                    let mut speaks = false;
                    for name in &inputs {
                        if let Some(value) = record.message.inputs.get(*name) {
                            speaks |= state.put(*name, record.time, value);
                        }
                    }
                    if speaks && let Some(value) = value_of(sensor, sensors, &state, kind) {
                        values.push((record.time, value));
                    }
                }
                if values.len() > MOST_VALUES {
                    return Err(ErrorCode::TimeSpanTooBig.into());
                }
            }
        }
        Ok(values)
    }
}

/// The inputs that a sensor is computed from.
fn inputs_of(sensor: &Sensor, all: &[Sensor]) -> Vec<InputName> {
    match &sensor.kind {
        SensorKind::Metering(metering) => match &metering.input {
            MeteringInput::Raw(name) => vec![*name],
            MeteringInput::Composite { parents, .. } => {
                let parents = all.iter().filter(|sensor| parents.contains(&sensor.id));
                parents.flat_map(|parent| inputs_of(parent, all)).collect()
            }
        },
        SensorKind::Virtual(sensor) => vec![sensor.input],
        SensorKind::Discrete(_) => Vec::new(),
    }
}

fn value_of(sensor: &Sensor, all: &[Sensor], state: &State, kind: DataKind) -> Option<SensorValue> {
    match &sensor.kind {
        SensorKind::Metering(meter) => {
            let reading = match (&meter.input, kind) {
                (MeteringInput::Raw(name), DataKind::Raw) => raw_reading(*name, state),
                _ => metering(meter, all, state),
            };
            reading.map(|reading| SensorValue::Number(reading.value))
        }
        SensorKind::Virtual(sensor) => {
            virtual_reading(sensor, state).map(|reading| SensorValue::Text(reading.value))
        }
        SensorKind::Discrete(_) => None,
    }
}
