//! `tracker/get_outputs`, `tracker/batch_get_outputs`, `tracker/output/update`: what users call the outputs.

use super::sensor::by_tracker;
use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Int, List, Object, Text, parameters},
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, OutputName, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

/// The service has called the title both ways.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OutputObject {
    number: u8,
    title: String,
    label: String,
}

impl From<OutputName> for OutputObject {
    fn from(OutputName { number, title }: OutputName) -> Self {
        Self { number, label: title.clone(), title }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    result: Vec<OutputObject>,
}

pub(crate) struct GetOutputs;

impl Action for GetOutputs {
    const PATH: &'static str = "tracker/get_outputs";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        let outputs = call.fleet.outputs(&call.caller, which.tracker_id).await?;
        Ok(Answer { result: outputs.into_iter().map(OutputObject::from).collect() })
    }
}

parameters! {
    struct Several {
        trackers: List<TrackerId, 0, 100_000>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answers {
    #[serde(serialize_with = "by_tracker")]
    #[schemars(with = "BTreeMap<String, Vec<OutputObject>>")]
    result: Vec<(TrackerId, Vec<OutputObject>)>,
}

pub(crate) struct BatchGetOutputs;

impl Action for BatchGetOutputs {
    const PATH: &'static str = "tracker/batch_get_outputs";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::ListHasNonexistent, ErrorCode::DeviceLimitExceeded];
    const EXAMPLE: &'static str = r#"{"trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Answers;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Answers, Failure> {
        let all = call.fleet.outputs_of_all(&call.caller, &several.trackers.0).await?;
        let objects = |(tracker, outputs): (TrackerId, Vec<OutputName>)| {
            (tracker, outputs.into_iter().map(OutputObject::from).collect())
        };
        Ok(Answers { result: all.into_iter().map(objects).collect() })
    }
}

parameters! {
    struct Renaming {
        tracker_id: TrackerId,
        tracker_output: Object<OutputFields>,
    }
}

parameters! {
    struct OutputFields {
        number: Int<1, 255>,
        title: Option<Text<1, 100>>,
        label: Option<Text<1, 100>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/output/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
    ];
    const EXAMPLE: &'static str =
        r#"{"tracker_id": 123456, "tracker_output": {"number": 1, "title": "Lamp"}}"#;
    type Caller = UserCaller;
    type Parameters = Renaming;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, renaming: Renaming) -> Result<Done, Failure> {
        let Renaming { tracker_id, tracker_output: Object(OutputFields { number, title, label }) } = renaming;
        let title = title.or(label);
        let title = title.ok_or_else(|| Failure::parameter("tracker_output.title", "is required"))?.0;
        let output = OutputName { number: number.number(), title };
        call.fleet.name_output(&call.caller, tracker_id, &output).await?;
        Ok(Done {})
    }
}
