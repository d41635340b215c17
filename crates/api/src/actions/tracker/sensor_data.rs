//! `tracker/sensor/data/read`: what a sensor said in the past; `tracker/sensor/input_name/list`: what a sensor may be
//! made on.

use crate::{
    action::{Action, Call},
    answer,
    dates::{Moment, Written},
    parameters::{Nothing, parameters},
};
use domain::{ErrorCode, SensorId, TrackerId};
use fleet::{DataKind, Failure, SensorValue, UserCaller, input_descriptions};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Wanted {
        tracker_id: TrackerId,
        sensor_id: SensorId,
        from: Moment,
        to: Moment,
        raw_data: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Datum {
    Number(f64),
    Text(String),
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Entry {
    value: Datum,
    get_time: Written,
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/sensor/data/read";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::TimeSpanTooBig,
        ErrorCode::UnsupportedBySensor,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "sensor_id": 860250, "from": "2026-11-01 00:00:00",
        "to": "2026-11-02 00:00:00", "raw_data": false}"#;
    type Caller = UserCaller;
    type Parameters = Wanted;
    type Answer = answer::List<Entry>;

    async fn run(call: &Call<UserCaller>, wanted: Wanted) -> Result<Self::Answer, Failure> {
        let span = call.dates.span(wanted.from, wanted.to)?;
        let kind = if wanted.raw_data == Some(true) { DataKind::Raw } else { DataKind::Computed };
        let values =
            call.fleet.sensor_data(&call.caller, wanted.tracker_id, wanted.sensor_id, span, kind).await?;
        let entry = |(time, value)| Entry {
            value: match value {
                SensorValue::Number(number) => Datum::Number(number),
                SensorValue::Text(text) => Datum::Text(text),
            },
            get_time: call.dates.written(time),
        };
        Ok(answer::List { list: values.into_iter().map(entry).collect() })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct InputNameObject {
    input_name: String,
    description: String,
}

pub(crate) struct ListInputNames;

impl Action for ListInputNames {
    const PATH: &'static str = "tracker/sensor/input_name/list";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<InputNameObject>;

    async fn run(_: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let object = |input: fleet::InputDescription| InputNameObject {
            input_name: input.name,
            description: input.description,
        };
        Ok(answer::List { list: input_descriptions().into_iter().map(object).collect() })
    }
}
