//! `tracker/send_command`: what only the device model's special control makes possible.

use super::{object::TrackerObject, special_settings::Special};
use crate::{
    action::{Action, Call},
    answer::List,
    parameters::{Object, choices, parameters},
};
use domain::{ErrorCode, LockAction, Right, TrackerId};
use fleet::{Failure, UserCaller};

choices! {
    enum Name { Lock "electronic_lock_command", SetSpecialSettings "set_special_settings_command" }
}

choices! {
    enum Code { Seal "seal", Unseal "unseal" }
}

parameters! {
    struct SpecialCommand {
        name: Name,
        command_code: Option<Code>,
        special_settings: Option<Object<Special>>,
    }
}

parameters! {
    struct Wanted {
        tracker_id: TrackerId,
        command: Object<SpecialCommand>,
    }
}

pub(crate) struct SendCommand;

impl Action for SendCommand {
    const PATH: &'static str = "tracker/send_command";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure, Right::TrackerSetOutput];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
        ErrorCode::NotAllowedForClones,
        ErrorCode::QueueUnavailable,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 999119, "command": {"name": "electronic_lock_command",
        "command_code": "unseal", "special_settings": {"type": "electronic_lock_password",
        "password": "345892", "remember_password": true}}}"#;
    type Caller = UserCaller;
    type Parameters = Wanted;
    type Answer = List<TrackerObject>;

    async fn run(call: &Call<UserCaller>, wanted: Wanted) -> Result<Self::Answer, Failure> {
        let Object(SpecialCommand { name, command_code, special_settings }) = wanted.command;
        let settings = special_settings.map(|Object(Special(settings))| settings);
        let (fleet, id) = (&call.fleet, wanted.tracker_id);
        match name {
            Name::Lock => {
                let action = match command_code.ok_or_else(|| required("command.command_code"))? {
                    Code::Seal => LockAction::Seal,
                    Code::Unseal => LockAction::Unseal,
                };
                fleet.command_lock(&call.caller, id, action, settings).await?;
            }
            Name::SetSpecialSettings => {
                let settings = settings.ok_or_else(|| required("command.special_settings"))?;
                fleet.set_special_settings(&call.caller, id, settings).await?;
            }
        }
        let view = fleet.tracker(&call.caller, id)?;
        Ok(List { list: vec![TrackerObject::whole(&view, &call.dates)] })
    }
}

fn required(parameter: &str) -> Failure {
    Failure::parameter(parameter, "is required")
}
