//! `tracker/settings/special/…`: what only some device models have, such as passwords of locks, and when a device counts
//! as offline.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Fields, Object, Parameter, Wrong, parameters},
    request::Arguments,
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, ParameterError, SpecialSettings, UserCaller, form};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A type of special settings.
struct Kind(&'static str);

impl Parameter for Kind {
    fn schema() -> Value {
        json!({ "type": "string", "enum": form::kinds("special") })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let known = form::kinds("special").into_iter().find(|kind| value == kind);
        known.map(Self).ok_or_else(|| "is no type of special settings".into())
    }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
        r#type: Option<Kind>,
    }
}

/// `value` when a type was asked for, else `list`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<Vec<Map<String, Value>>>,
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/settings/special/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::NotSupportedByDevice];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "type": "device_status_settings"}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        let (fleet, caller, id) = (&call.fleet, &call.caller, which.tracker_id);
        Ok(match which.r#type {
            Some(Kind(kind)) => {
                let value = fleet.special_settings_of_type(caller, id, kind).await?;
                Answer { value: Some(value), list: None }
            }
            None => Answer { value: None, list: Some(fleet.special_settings(caller, id).await?) },
        })
    }
}

pub(crate) struct Special(pub(crate) SpecialSettings);

impl Fields for Special {
    fn schema() -> Value {
        form::kind_schema("special")
    }

    fn read(fields: &Arguments) -> Result<Self, Vec<ParameterError>> {
        SpecialSettings::read(fields).map(Self)
    }
}

parameters! {
    struct Change {
        tracker_id: TrackerId,
        value: Object<Special>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/settings/special/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "value": {"type": "device_status_settings", "offline_timeout_seconds": 600}}"#;
    type Caller = UserCaller;
    type Parameters = Change;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, change: Change) -> Result<Done, Failure> {
        let Object(Special(settings)) = change.value;
        call.fleet.set_special_settings(&call.caller, change.tracker_id, settings).await?;
        Ok(Done {})
    }
}
