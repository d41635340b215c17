//! `tracker/change_phone`: another SIM in a device.

use super::device::{ApnPassword, commands};
use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Apn, PhoneNumber, parameters},
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, UserCaller};

parameters! {
    struct NewPhone {
        tracker_id: TrackerId,
        phone: PhoneNumber,
        apn_name: Option<Apn>,
        apn_user: Option<Apn>,
        apn_password: Option<ApnPassword>,
    }
}

pub(crate) struct ChangePhone;

impl Action for ChangePhone {
    const PATH: &'static str = "tracker/change_phone";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::NotSupportedByDevice,
        ErrorCode::PhoneInUse,
        ErrorCode::BundledSim,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 265489, "phone": "6156680000", "apn_name": "fast.tmobile.com",
        "apn_user": "tmobile", "apn_password": "tmobile"}"#;
    type Caller = UserCaller;
    type Parameters = NewPhone;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, new: NewPhone) -> Result<Done, Failure> {
        let commands = commands(None, new.apn_name, new.apn_user, new.apn_password);
        call.fleet.change_phone(&call.caller, new.tracker_id, &new.phone.0, &commands).await?;
        Ok(Done {})
    }
}
