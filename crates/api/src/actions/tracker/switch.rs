//! `tracker/output/set|set_all` and `tracker/engine_immobilizer/…`: what a device switches in its vehicle.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Int, List, parameters},
};
use domain::{Command, ErrorCode, Right, TrackerId};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

/// Nobody has a device with more outputs.
const OUTPUTS: usize = 32;

const ERRORS: &[ErrorCode] = &[
    ErrorCode::NotPermitted,
    ErrorCode::EntityNotFound,
    ErrorCode::DeviceBlocked,
    ErrorCode::DeviceOffline,
    ErrorCode::NotSupportedByDevice,
    ErrorCode::NotAllowedForClones,
    ErrorCode::QueueUnavailable,
];

parameters! {
    struct One {
        tracker_id: TrackerId,
        output: Int<1, 32>,
        enable: bool,
    }
}

pub(crate) struct SetOutput;

impl Action for SetOutput {
    const PATH: &'static str = "tracker/output/set";
    const RIGHTS: &'static [Right] = &[Right::TrackerSetOutput];
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"tracker_id": 265489, "output": 1, "enable": true}"#;
    type Caller = UserCaller;
    type Parameters = One;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, one: One) -> Result<Done, Failure> {
        let command = Command::Output { number: one.output.number(), on: one.enable };
        call.fleet.catch_up().await;
        call.fleet.switch_outputs(&call.caller, one.tracker_id, command).await?;
        Ok(Done {})
    }
}

parameters! {
    struct All {
        tracker_id: TrackerId,
        outputs: List<bool, 1, OUTPUTS>,
    }
}

pub(crate) struct SetAllOutputs;

impl Action for SetAllOutputs {
    const PATH: &'static str = "tracker/output/set_all";
    const RIGHTS: &'static [Right] = &[Right::TrackerSetOutput];
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"tracker_id": 265489, "outputs": [true]}"#;
    type Caller = UserCaller;
    type Parameters = All;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, all: All) -> Result<Done, Failure> {
        call.fleet.catch_up().await;
        call.fleet.switch_outputs(&call.caller, all.tracker_id, Command::Outputs(all.outputs.0)).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Immobilized {
    enabled: bool,
}

pub(crate) struct ReadImmobilizer;

impl Action for ReadImmobilizer {
    const PATH: &'static str = "tracker/engine_immobilizer/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked, ErrorCode::NotSupportedByDevice];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Immobilized;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Immobilized, Failure> {
        Ok(Immobilized { enabled: call.fleet.is_immobilized(&call.caller, which.tracker_id).await? })
    }
}

parameters! {
    struct Immobilize {
        tracker_id: TrackerId,
        enabled: bool,
    }
}

pub(crate) struct SetImmobilizer;

impl Action for SetImmobilizer {
    const PATH: &'static str = "tracker/engine_immobilizer/set";
    const RIGHTS: &'static [Right] = &[Right::TrackerSetOutput];
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "enabled": true}"#;
    type Caller = UserCaller;
    type Parameters = Immobilize;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, wanted: Immobilize) -> Result<Done, Failure> {
        call.fleet.catch_up().await;
        call.fleet.immobilize(&call.caller, wanted.tracker_id, wanted.enabled).await?;
        Ok(Done {})
    }
}
