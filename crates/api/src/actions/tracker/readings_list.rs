//! `tracker/readings/…`: all that trackers say.

use super::{counter::CounterValueObject, readings::MeterObject, sensor::by_tracker};
use crate::{
    action::{Action, Call},
    dates::{Dates, Written},
    parameters::{List as Items, Parameter, Wrong, parameters},
};
use domain::{ErrorCode, MeteringType, TrackerId, Value, VirtualType};
use fleet::{
    Components, Failure, MeterReading, Readings, ReadingsFilter, SensorTypeFilter, StateField, UserCaller,
    VirtualSensorReading,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Serialize, JsonSchema)]
pub(crate) struct ReadingsObject {
    pub(crate) inputs: Vec<InputReadingObject>,
    pub(crate) states: Vec<FieldObject>,
    pub(crate) virtual_sensors: Vec<VirtualReadingObject>,
    pub(crate) counters: Vec<CounterValueObject>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct InputReadingObject {
    sensor_id: i64,
    #[serde(flatten)]
    meter: MeterObject,
    update_time: Option<Written>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    composite_sensor_ids: Vec<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct FieldObject {
    field: String,
    value: FieldValue,
    update_time: Written,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum FieldValue {
    Int(i64),
    Float(f64),
    Flag(bool),
    Text(String),
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct VirtualReadingObject {
    sensor_id: i64,
    label: String,
    value: String,
    r#type: &'static str,
    update_time: Written,
}

impl ReadingsObject {
    pub(crate) fn of(readings: Readings, dates: &Dates) -> Self {
        let Readings { meters, states, virtual_sensors, counters } = readings;
        Self {
            inputs: meters.into_iter().map(|meter| input_object(meter, dates)).collect(),
            states: states.into_iter().map(|state| field_object(state, dates)).collect(),
            virtual_sensors: virtual_sensors.into_iter().map(|it| virtual_object(it, dates)).collect(),
            counters: counters.into_iter().map(|it| CounterValueObject::of(it, dates)).collect(),
        }
    }

    /// Keeps the items for which this is true of their JSON.
    pub(crate) fn keep(&mut self, mut is_kept: impl FnMut(Vec<u8>) -> bool) {
        fn retain<T: Serialize>(items: &mut Vec<T>, is_kept: &mut impl FnMut(Vec<u8>) -> bool) {
            // An item is always rendered; one that were not would be kept.
            items.retain(|item| serde_json::to_vec(item).map_or(true, &mut *is_kept));
        }
        retain(&mut self.inputs, &mut is_kept);
        retain(&mut self.states, &mut is_kept);
        retain(&mut self.virtual_sensors, &mut is_kept);
        retain(&mut self.counters, &mut is_kept);
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self { inputs, states, virtual_sensors, counters } = self;
        inputs.is_empty() && states.is_empty() && virtual_sensors.is_empty() && counters.is_empty()
    }
}

fn input_object(meter: MeterReading, dates: &Dates) -> InputReadingObject {
    InputReadingObject {
        sensor_id: meter.sensor.0,
        update_time: dates.optional(meter.reading.map(|reading| reading.time)),
        composite_sensor_ids: meter.composites.iter().map(|id| id.0).collect(),
        meter: meter.into(),
    }
}

fn field_object(state: StateField, dates: &Dates) -> FieldObject {
    let value = match state.value {
        Value::Int(number) => FieldValue::Int(number),
        Value::Float(number) => FieldValue::Float(number),
        Value::Flag(flag) => FieldValue::Flag(flag),
        Value::Text(text) => FieldValue::Text(text.into()),
    };
    FieldObject { field: state.name.to_string(), value, update_time: dates.written(state.time) }
}

fn virtual_object(sensor: VirtualSensorReading, dates: &Dates) -> VirtualReadingObject {
    VirtualReadingObject {
        sensor_id: sensor.sensor.0,
        label: sensor.label,
        value: sensor.value,
        r#type: sensor.sensor_type.as_str(),
        update_time: dates.written(sensor.time),
    }
}

/// A type of metering or of virtual sensors.
pub(crate) struct SensorType(pub(crate) SensorTypeFilter);

impl Parameter for SensorType {
    fn schema() -> serde_json::Value {
        let metering = MeteringType::ALL.iter().map(|word| word.as_str());
        let words: Vec<_> = metering.chain(VirtualType::ALL.iter().map(|word| word.as_str())).collect();
        json!({ "type": "string", "enum": words })
    }

    fn parse(value: &serde_json::Value) -> Result<Self, Wrong> {
        let word = value.as_str().unwrap_or_default();
        let metering = MeteringType::find(word).map(SensorTypeFilter::Metering);
        let filter = metering.or(VirtualType::find(word).map(SensorTypeFilter::Virtual));
        filter.map(Self).ok_or_else(|| "must be a type of metering or virtual sensors".into())
    }
}

pub(crate) fn filter(sensor_type: Option<SensorType>, include_components: Option<bool>) -> ReadingsFilter {
    let components = if include_components == Some(false) { Components::Hidden } else { Components::Shown };
    ReadingsFilter { sensor_type: sensor_type.map(|wanted| wanted.0), components }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
        sensor_type: Option<SensorType>,
        include_components: Option<bool>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tracker/readings/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = ReadingsObject;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<ReadingsObject, Failure> {
        call.fleet.catch_up().await;
        let filter = filter(which.sensor_type, which.include_components);
        let readings = call.fleet.readings(&call.caller, which.tracker_id, filter).await?;
        Ok(ReadingsObject::of(readings, &call.dates))
    }
}

parameters! {
    struct Several {
        trackers: Items<TrackerId, 0, 100_000>,
        sensor_type: Option<SensorType>,
        include_components: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answers {
    #[serde(serialize_with = "by_tracker")]
    #[schemars(with = "BTreeMap<String, ReadingsObject>")]
    result: Vec<(TrackerId, ReadingsObject)>,
}

pub(crate) struct BatchList;

impl Action for BatchList {
    const PATH: &'static str = "tracker/readings/batch_list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::ListHasNonexistent, ErrorCode::DeviceLimitExceeded];
    const EXAMPLE: &'static str = r#"{"trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Answers;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Answers, Failure> {
        call.fleet.catch_up().await;
        let filter = filter(several.sensor_type, several.include_components);
        let all = call.fleet.readings_of_all(&call.caller, &several.trackers.0, filter).await?;
        let object = |(tracker, readings)| (tracker, ReadingsObject::of(readings, &call.dates));
        Ok(Answers { result: all.into_iter().map(object).collect() })
    }
}
