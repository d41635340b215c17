//! `tracker/settings/read|update`: label and group; `tracker/settings/lbs/…`: how far off a position from cells may be.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Int, Parameter, Text, Wrong, parameters},
};
use domain::{ErrorCode, GroupId, Right, TrackerId};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    settings: TrackerSettingsObject,
}

#[derive(Serialize, JsonSchema)]
struct TrackerSettingsObject {
    label: String,
    group_id: i64,
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/settings/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        let tracker = call.fleet.unblocked_tracker(&call.caller, which.tracker_id)?.tracker;
        let settings = TrackerSettingsObject { label: tracker.label.clone(), group_id: tracker.group.0 };
        Ok(Answer { settings })
    }
}

/// A label without angle brackets.
struct Label(String);

impl Parameter for Label {
    fn schema() -> Value {
        let mut schema = Text::<1, 60>::schema();
        schema["pattern"] = "^[^<>]*$".into();
        schema
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let Text(text) = Text::<1, 60>::parse(value)?;
        if text.contains(['<', '>']) { Err("must not have < and >".into()) } else { Ok(Self(text)) }
    }
}

parameters! {
    struct Change {
        tracker_id: TrackerId,
        group_id: GroupId,
        label: Label,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/settings/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::EntityNotFound];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "group_id": 1, "label": "Courier"}"#;
    type Caller = UserCaller;
    type Parameters = Change;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, change: Change) -> Result<Done, Failure> {
        let Change { tracker_id, group_id, label } = change;
        call.fleet.set_label_and_group(&call.caller, tracker_id, &label.0, group_id).await?;
        Ok(Done {})
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Radius {
    max_radius: u64,
}

pub(crate) struct ReadLbs;

impl Action for ReadLbs {
    const PATH: &'static str = "tracker/settings/lbs/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Radius;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Radius, Failure> {
        Ok(Radius { max_radius: call.fleet.lbs_radius(&call.caller, which.tracker_id)? })
    }
}

parameters! {
    struct NewRadius {
        tracker_id: TrackerId,
        max_radius: Int<0, 10_000>,
    }
}

pub(crate) struct UpdateLbs;

impl Action for UpdateLbs {
    const PATH: &'static str = "tracker/settings/lbs/update";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::EntityNotFound, ErrorCode::NotAllowedForClones, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "max_radius": 1000}"#;
    type Caller = UserCaller;
    type Parameters = NewRadius;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, new: NewRadius) -> Result<Done, Failure> {
        call.fleet.set_lbs_radius(&call.caller, new.tracker_id, new.max_radius.number()).await?;
        Ok(Done {})
    }
}
