//! `tracker/register`: a new tracker on a new device.

use super::object::TrackerObject;
use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::{Int, Text, parameters},
};
use domain::{ErrorCode, GroupId, Right};
use fleet::{Failure, Registration, UserCaller};

parameters! {
    struct NewTracker {
        label: Text<1, 60>,
        group_id: GroupId,
        model: Text<1, 64>,
        plugin_id: Int<0, 2_147_483_647>,
        device_id: Option<Text<1, 64>>,
        phone: Option<Text<0, 20>>,
        apn_name: Option<Text<0, 40>>,
        apn_user: Option<Text<0, 40>>,
        apn_password: Option<Text<0, 40>>,
        activation_code: Option<Text<0, 20>>,
        send_register_commands: Option<bool>,
    }
}

pub(crate) struct Register;

impl Action for Register {
    const PATH: &'static str = "tracker/register";
    const RIGHTS: &'static [Right] = &[Right::TrackerRegister];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::UnknownModel,
        ErrorCode::DeviceLimitExceeded,
        ErrorCode::PluginNotFound,
        ErrorCode::PhoneInUse,
        ErrorCode::DeviceIdInUse,
        ErrorCode::LegalType,
        ErrorCode::WrongActivationCode,
    ];
    const EXAMPLE: &'static str = r#"{"label": "Courier", "group_id": 0, "plugin_id": 44, "model": "telfmb920",
        "device_id": "356938035643809", "phone": "6156680000",
        "apn_name": "internet", "apn_user": "", "apn_password": ""}"#;
    type Caller = UserCaller;
    type Parameters = NewTracker;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, new: NewTracker) -> Result<Self::Answer, Failure> {
        let text = |text: Option<Text<0, 20>>| text.map(|text| text.0).filter(|text| !text.is_empty());
        let registration = Registration {
            label: new.label.0,
            group: new.group_id,
            model: new.model.0,
            plugin: new.plugin_id.0,
            device_id: new.device_id.map(|id| id.0),
            phone: text(new.phone),
            apn_name: new.apn_name.map(|name| name.0),
            apn_user: new.apn_user.map(|user| user.0),
            activation_code: text(new.activation_code),
        };
        let view = call.fleet.register(&call.caller, registration).await?;
        Ok(Value { value: TrackerObject::registered(&view, &call.dates) })
    }
}
