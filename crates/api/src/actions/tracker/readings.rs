//! `tracker/get_readings`: what the sensors measure that are neither of fuel nor of the vehicle's own computers; and the
//! object in which every action prints what a sensor measures.

use crate::{
    action::{Action, Call},
    dates::Written,
    parameters::parameters,
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, MeterReading, Meters, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

/// What a metering sensor says. Key order is that of the service.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MeterObject {
    label: String,
    units: String,
    name: String,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_value: Option<f64>,
    /// Missing before anything was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    units_type: &'static str,
    converted_units_type: Option<&'static str>,
    converted_value: Option<f64>,
}

impl From<MeterReading> for MeterObject {
    fn from(meter: MeterReading) -> Self {
        Self {
            label: meter.label,
            units: meter.units,
            name: meter.input_name,
            r#type: meter.sensor_type.as_str(),
            min_value: meter.min,
            max_value: meter.max,
            value: meter.reading.map(|reading| reading.value),
            units_type: meter.units_type.as_str(),
            converted_units_type: meter.converted.map(|(unit, _)| unit.as_str()),
            converted_value: meter.converted.map(|(_, value)| value),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    user_time: Written,
    inputs: Vec<MeterObject>,
    update_time: Option<Written>,
}

pub(crate) struct GetReadings;

impl Action for GetReadings {
    const PATH: &'static str = "tracker/get_readings";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        answer(call, which.tracker_id, Meters::Other).await
    }
}

/// The answer of the actions that print metering sensors and nothing else.
pub(super) async fn answer(
    call: &Call<UserCaller>,
    tracker: TrackerId,
    meters: Meters,
) -> Result<Answer, Failure> {
    call.fleet.catch_up().await;
    let (meters, updated) = call.fleet.meter_readings(&call.caller, tracker, meters).await?;
    Ok(Answer {
        user_time: call.dates.written(call.now),
        inputs: meters.into_iter().map(MeterObject::from).collect(),
        update_time: call.dates.optional(updated),
    })
}
