//! `tracker/get_diagnostics`: what the vehicle's own computers say.

use super::readings::MeterObject;
use crate::{
    action::{Action, Call},
    dates::Written,
    parameters::parameters,
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, StateField, UserCaller};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    user_time: Written,
    inputs: Vec<MeterObject>,
    #[serde(serialize_with = "as_texts")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    states: Vec<StateField>,
    update_time: Option<Written>,
}

pub(crate) struct GetDiagnostics;

impl Action for GetDiagnostics {
    const PATH: &'static str = "tracker/get_diagnostics";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        call.fleet.catch_up().await;
        let said = call.fleet.diagnostics(&call.caller, which.tracker_id).await?;
        Ok(Answer {
            user_time: call.dates.written(call.now),
            inputs: said.meters.into_iter().map(MeterObject::from).collect(),
            states: said.states,
            update_time: call.dates.optional(said.updated),
        })
    }
}

/// A map of texts; null when there are none.
fn as_texts<S: Serializer>(states: &[StateField], serializer: S) -> Result<S::Ok, S::Error> {
    if states.is_empty() {
        return serializer.serialize_none();
    }
    serializer.collect_map(states.iter().map(|state| (state.name.to_string(), state.value.to_string())))
}
