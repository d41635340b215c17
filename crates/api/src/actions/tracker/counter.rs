//! `tracker/counter/…`, `tracker/get_counters`: what vehicles run up.

use super::sensor::by_tracker;
use crate::{
    action::{Action, Call},
    answer::{Done, List, Value},
    dates::{Dates, Moment, Written},
    parameters::{List as Items, Parameter, Wrong, parameters},
};
use domain::{Counter, CounterType, ErrorCode, Right, SensorId, TrackerId};
use fleet::{CounterValue, Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

parameters! {
    struct Which {
        tracker_id: TrackerId,
        r#type: CounterType,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CounterObject {
    id: i64,
    r#type: &'static str,
    multiplier: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensor_id: Option<i64>,
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/counter/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked, ErrorCode::NotAllowedForClones];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "type": "odometer"}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<CounterObject>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let Counter { id, counter_type, rule } =
            call.fleet.counter(&call.caller, which.tracker_id, which.r#type).await?;
        let sensor_id = rule.sensor.map(|id| id.0);
        let (r#type, multiplier) = (counter_type.as_str(), rule.multiplier);
        Ok(Value { value: CounterObject { id: id.0, r#type, multiplier, sensor_id } })
    }
}

/// A number above 0, and no larger than turns the smallest unit of a kind into the largest.
pub(crate) struct Multiplier(f64);

const LARGEST_MULTIPLIER: f64 = 1e6;

impl Parameter for Multiplier {
    fn schema() -> serde_json::Value {
        json!({ "type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_MULTIPLIER })
    }

    fn parse(value: &serde_json::Value) -> Result<Self, Wrong> {
        let number = f64::parse(value)?;
        if number > 0.0 && number <= LARGEST_MULTIPLIER {
            Ok(Self(number))
        } else {
            Err("must be more than 0 and at most 1000000".into())
        }
    }
}

/// A number, 0 or more: of kilometres, hours or litres.
pub(crate) struct Amount(f64);

const LARGEST_AMOUNT: f64 = 1e12;

impl Parameter for Amount {
    fn schema() -> serde_json::Value {
        json!({ "type": "number", "minimum": 0, "maximum": LARGEST_AMOUNT })
    }

    fn parse(value: &serde_json::Value) -> Result<Self, Wrong> {
        let number = f64::parse(value)?;
        if (0.0..=LARGEST_AMOUNT).contains(&number) {
            Ok(Self(number))
        } else {
            Err("must be from 0 to 1000000000000".into())
        }
    }
}

parameters! {
    struct Change {
        tracker_id: TrackerId,
        r#type: CounterType,
        multiplier: Multiplier,
        sensor_id: Option<SensorId>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/counter/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
    ];
    const EXAMPLE: &'static str =
        r#"{"tracker_id": 123456, "type": "odometer", "multiplier": 1.05, "sensor_id": null}"#;
    type Caller = UserCaller;
    type Parameters = Change;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, change: Change) -> Result<Done, Failure> {
        let Change { tracker_id, r#type, multiplier, sensor_id } = change;
        call.fleet.catch_up().await;
        call.fleet.update_counter(&call.caller, tracker_id, r#type, multiplier.0, sensor_id).await?;
        Ok(Done {})
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CounterValueObject {
    r#type: &'static str,
    value: f64,
    update_time: Written,
}

impl CounterValueObject {
    pub(super) fn of(counter: CounterValue, dates: &Dates) -> Self {
        let CounterValue { counter_type, value, time } = counter;
        Self { r#type: counter_type.as_str(), value, update_time: dates.written(time) }
    }
}

parameters! {
    struct WhichTracker {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Counters {
    user_time: Written,
    list: Vec<CounterValueObject>,
}

pub(crate) struct GetCounters;

impl Action for GetCounters {
    const PATH: &'static str = "tracker/get_counters";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = WhichTracker;
    type Answer = Counters;

    async fn run(call: &Call<UserCaller>, which: WhichTracker) -> Result<Counters, Failure> {
        call.fleet.catch_up().await;
        let counters = call.fleet.counters(&call.caller, which.tracker_id).await?;
        let object = |counter| CounterValueObject::of(counter, &call.dates);
        Ok(Counters {
            user_time: call.dates.written(call.now),
            list: counters.into_iter().map(object).collect(),
        })
    }
}

pub(crate) struct GetValue;

impl Action for GetValue {
    const PATH: &'static str = "tracker/counter/value/get";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "type": "odometer"}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<f64>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        call.fleet.catch_up().await;
        let value = call.fleet.counter_value(&call.caller, which.tracker_id, which.r#type).await?;
        Ok(Value { value })
    }
}

parameters! {
    struct Several {
        trackers: Items<TrackerId, 0, 100_000>,
        r#type: CounterType,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Values {
    #[serde(serialize_with = "by_tracker")]
    #[schemars(with = "BTreeMap<String, f64>")]
    value: Vec<(TrackerId, f64)>,
}

pub(crate) struct ListValues;

impl Action for ListValues {
    const PATH: &'static str = "tracker/counter/value/list";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::EntityNotFound, ErrorCode::ListHasNonexistent, ErrorCode::DeviceLimitExceeded];
    const EXAMPLE: &'static str = r#"{"trackers": [123456], "type": "odometer"}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Values;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Values, Failure> {
        call.fleet.catch_up().await;
        let value = call.fleet.counter_values(&call.caller, &several.trackers.0, several.r#type).await?;
        Ok(Values { value })
    }
}

parameters! {
    struct NewValue {
        tracker_id: TrackerId,
        r#type: CounterType,
        value: Amount,
    }
}

pub(crate) struct SetValue;

impl Action for SetValue {
    const PATH: &'static str = "tracker/counter/value/set";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked, ErrorCode::NotAllowedForClones];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "type": "odometer", "value": 233.21}"#;
    type Caller = UserCaller;
    type Parameters = NewValue;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, new: NewValue) -> Result<Done, Failure> {
        let NewValue { tracker_id, r#type, value } = new;
        call.fleet.catch_up().await;
        call.fleet.set_counter_value(&call.caller, tracker_id, r#type, value.0).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Past {
        tracker_id: TrackerId,
        r#type: CounterType,
        from: Moment,
        to: Moment,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct PastValue {
    value: f64,
    update_time: Written,
}

pub(crate) struct ReadData;

impl Action for ReadData {
    const PATH: &'static str = "tracker/counter/data/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked, ErrorCode::TimeSpanTooBig];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "type": "odometer", "from": "2026-11-01 00:00:00",
        "to": "2026-11-01 03:00:00"}"#;
    type Caller = UserCaller;
    type Parameters = Past;
    type Answer = List<PastValue>;

    async fn run(call: &Call<UserCaller>, past: Past) -> Result<Self::Answer, Failure> {
        let span = call.dates.span(past.from, past.to)?;
        call.fleet.catch_up().await;
        let values = call.fleet.counter_data(&call.caller, past.tracker_id, past.r#type, span).await?;
        let object = |(time, value)| PastValue { value, update_time: call.dates.written(time) };
        Ok(List { list: values.into_iter().map(object).collect() })
    }
}
