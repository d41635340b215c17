//! `tracker/settings/tracking/…`: how a device is to report.

use crate::{
    action::{Action, Call},
    answer::{Done, Value as ValueOf},
    parameters::{Fields, Object, parameters},
    request::Arguments,
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, ParameterError, UserCaller};
use serde_json::{Map, Value, json};

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/settings/tracking/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::NotSupportedByDevice];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = ValueOf<Map<String, Value>>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        Ok(ValueOf { value: call.fleet.tracking_settings(&call.caller, which.tracker_id).await? })
    }
}

/// Fields that the device model decides about, which the call names.
struct OfProfile(Arguments);

impl Fields for OfProfile {
    fn schema() -> Value {
        json!({ "type": "object" })
    }

    fn read(fields: &Arguments) -> Result<Self, Vec<ParameterError>> {
        Ok(Self(fields.clone()))
    }
}

parameters! {
    struct Change {
        tracker_id: TrackerId,
        tracking_settings: Object<OfProfile>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/settings/tracking/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "tracking_settings": {"tracking_angle": 30, "tracking_distance": 100,
        "tracking_interval": 60, "on_stop_tracking_interval": 180, "sleep_mode": "disabled", "stop_detection": "ignition"}}"#;
    type Caller = UserCaller;
    type Parameters = Change;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, change: Change) -> Result<Done, Failure> {
        let Object(OfProfile(settings)) = change.tracking_settings;
        call.fleet.set_tracking_settings(&call.caller, change.tracker_id, &settings).await?;
        Ok(Done {})
    }
}
