//! `tracker/register`: a new tracker on a new device.

use super::object::TrackerObject;
use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::{Apn, Int, Parameter, Parameters, Phone, Text, parameters},
    request::Arguments,
};
use domain::{DeviceId, ErrorCode, GroupId, ModelCode, Right};
use fleet::{Failure, ParameterError, Registration, UserCaller, rules};

parameters! {
    struct NewTracker {
        label: Text<1, 60>,
        group_id: GroupId,
        model: Text<1, 64>,
        plugin_id: Int<0, 2_147_483_647>,
        device_id: Option<DeviceId>,
        phone: Option<Phone>,
        apn_name: Option<Apn>,
        apn_user: Option<Apn>,
        apn_password: Option<Text<0, 40>>,
        activation_code: Option<Text<0, 20>>,
        send_register_commands: Option<bool>,
    }
}

/// The parameters, with a device id that the model can have.
pub(crate) struct NewTrackerOfModel(NewTracker);

impl Parameters for NewTrackerOfModel {
    const NAMES: &'static [(&'static str, bool)] = NewTracker::NAMES;

    fn schema() -> serde_json::Value {
        NewTracker::schema()
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        match (NewTracker::read(arguments), wrong_for_model(arguments)) {
            (Ok(new), None) => Ok(Self(new)),
            (read, wrong) => Err(read.err().into_iter().flatten().chain(wrong).collect()),
        }
    }
}

/// What is wrong with the device id, when that is for the model to say.
fn wrong_for_model(arguments: &Arguments) -> Option<ParameterError> {
    let model = ModelCode::find(arguments.get("model")?.as_str()?)?.model();
    let id = match arguments.get("device_id").filter(|value| !value.is_null()) {
        Some(value) => Some(DeviceId::parse(value).ok()?),
        None => None,
    };
    let error = rules::device_id(id.as_ref(), model)?;
    Some(ParameterError { parameter: "device_id".to_owned(), error })
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
    type Parameters = NewTrackerOfModel;
    type Answer = Value<TrackerObject>;

    async fn run(
        call: &Call<UserCaller>,
        NewTrackerOfModel(new): NewTrackerOfModel,
    ) -> Result<Self::Answer, Failure> {
        let registration = Registration {
            label: new.label.0,
            group: new.group_id,
            model: new.model.0,
            plugin: new.plugin_id.0,
            device_id: new.device_id,
            phone: new.phone.map(|phone| phone.0).filter(|phone| !phone.is_empty()),
            apn_name: new.apn_name.map(|name| name.0),
            apn_user: new.apn_user.map(|user| user.0),
            activation_code: new.activation_code.map(|code| code.0).filter(|code| !code.is_empty()),
        };
        let view = call.fleet.register(&call.caller, registration).await?;
        Ok(Value { value: TrackerObject::registered(&view, &call.dates) })
    }
}
