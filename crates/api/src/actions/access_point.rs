//! `apn_settings/read`, `tracker/apn_settings/read`: the access point of a SIM, as far as it is known.

use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::{PhoneNumber, parameters},
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, KnownAccessPoint, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

/// Empty texts where nothing is known.
#[derive(Default, Serialize, JsonSchema)]
pub(crate) struct AccessPointObject {
    name: String,
    user: String,
    /// It is not kept, so it is always empty.
    password: String,
}

impl From<KnownAccessPoint> for AccessPointObject {
    fn from(KnownAccessPoint { name, user }: KnownAccessPoint) -> Self {
        Self { name, user, password: String::new() }
    }
}

parameters! {
    struct OfPhone {
        phone: PhoneNumber,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "apn_settings/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"phone": "6156680000"}"#;
    type Caller = UserCaller;
    type Parameters = OfPhone;
    type Answer = Value<AccessPointObject>;

    async fn run(call: &Call<UserCaller>, which: OfPhone) -> Result<Self::Answer, Failure> {
        let known = call.fleet.access_point_of_phone(&call.caller, &which.phone.0).await?;
        Ok(Value { value: known.into() })
    }
}

parameters! {
    struct OfTracker {
        tracker_id: TrackerId,
    }
}

pub(crate) struct ReadOfTracker;

impl Action for ReadOfTracker {
    const PATH: &'static str = "tracker/apn_settings/read";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = OfTracker;
    type Answer = Value<AccessPointObject>;

    async fn run(call: &Call<UserCaller>, which: OfTracker) -> Result<Self::Answer, Failure> {
        let known = call.fleet.access_point(&call.caller, which.tracker_id).await?;
        Ok(Value { value: known.map(AccessPointObject::from).unwrap_or_default() })
    }
}
