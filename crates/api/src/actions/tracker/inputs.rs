//! `tracker/get_inputs`, `tracker/batch_get_inputs`: digital inputs, and what is bound to them.

use super::sensor::by_tracker;
use crate::{
    action::{Action, Call},
    dates::{Dates, Written},
    parameters::{List, parameters},
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, InputsView, SwitchReading, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct InputsObject {
    inputs: Vec<bool>,
    states: Vec<DiscreteStateObject>,
    update_time: Option<Written>,
}

#[derive(Serialize, JsonSchema)]
struct DiscreteStateObject {
    r#type: &'static str,
    name: Option<String>,
    status: bool,
    input_number: u8,
}

impl InputsObject {
    fn of(view: InputsView, dates: &Dates) -> Self {
        let state = |switch: SwitchReading| DiscreteStateObject {
            r#type: switch.sensor_type.as_str(),
            name: Some(switch.name).filter(|name| !name.is_empty()),
            status: switch.on,
            input_number: switch.input_number,
        };
        Self {
            inputs: view.inputs,
            states: view.states.into_iter().map(state).collect(),
            update_time: dates.optional(view.updated),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    user_time: Written,
    #[serde(flatten)]
    inputs: InputsObject,
}

pub(crate) struct GetInputs;

impl Action for GetInputs {
    const PATH: &'static str = "tracker/get_inputs";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        call.fleet.catch_up().await;
        let view = call.fleet.inputs(&call.caller, which.tracker_id).await?;
        Ok(Answer { user_time: call.dates.written(call.now), inputs: InputsObject::of(view, &call.dates) })
    }
}

parameters! {
    struct Several {
        trackers: List<TrackerId, 0, 100_000>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answers {
    user_time: Written,
    #[serde(serialize_with = "by_tracker")]
    #[schemars(with = "BTreeMap<String, InputsObject>")]
    data: Vec<(TrackerId, InputsObject)>,
}

pub(crate) struct BatchGetInputs;

impl Action for BatchGetInputs {
    const PATH: &'static str = "tracker/batch_get_inputs";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::ListHasNonexistent, ErrorCode::DeviceLimitExceeded];
    const EXAMPLE: &'static str = r#"{"trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Answers;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Answers, Failure> {
        call.fleet.catch_up().await;
        let all = call.fleet.inputs_of_all(&call.caller, &several.trackers.0).await?;
        let object = |(tracker, view)| (tracker, InputsObject::of(view, &call.dates));
        Ok(Answers { user_time: call.dates.written(call.now), data: all.into_iter().map(object).collect() })
    }
}
