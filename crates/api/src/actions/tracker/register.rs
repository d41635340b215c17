//! `tracker/register`, `register_quick`, `register_retry`: a new tracker on a new device.

use super::{
    device::{ApnPassword, Device, OfModel, PluginId, commands},
    object::TrackerObject,
};
use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::{ActivationCode, Apn, Iccid, Phone, Text, parameters},
};
use domain::{DeviceId, ErrorCode, GroupId, Right, TrackerId};
use fleet::{Failure, NewTracker, Registration, TrackerChoice, UserCaller};

parameters! {
    struct NewDevice {
        label: Text<1, 60>,
        group_id: GroupId,
        model: Text<1, 64>,
        plugin_id: PluginId,
        device_id: Option<DeviceId>,
        phone: Option<Phone>,
        iccid: Option<Iccid>,
        apn_name: Option<Apn>,
        apn_user: Option<Apn>,
        apn_password: Option<ApnPassword>,
        activation_code: Option<ActivationCode>,
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
        ErrorCode::WrongIccid,
        ErrorCode::WrongActivationCode,
        ErrorCode::BundleNotFound,
    ];
    const EXAMPLE: &'static str = r#"{"label": "Courier", "group_id": 0, "plugin_id": 44, "model": "telfmb920",
        "device_id": "356938035643809", "phone": "6156680000",
        "apn_name": "internet", "apn_user": "", "apn_password": ""}"#;
    type Caller = UserCaller;
    type Parameters = OfModel<NewDevice>;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, OfModel(new): OfModel<NewDevice>) -> Result<Self::Answer, Failure> {
        let NewDevice { label, group_id, model, plugin_id, device_id, phone, iccid, .. } = new;
        let registration = Registration {
            label: label.0,
            group: group_id,
            device: Device { model, plugin_id, device_id, phone, iccid }.into(),
            activation_code: new.activation_code.map(|code| code.0).filter(|code| !code.is_empty()),
            commands: commands(new.send_register_commands, new.apn_name, new.apn_user, new.apn_password),
        };
        let view = call.fleet.register(&call.caller, registration).await?;
        Ok(Value { value: TrackerObject::registered(&view, &call.dates) })
    }
}

parameters! {
    struct BundledDevice {
        label: Text<1, 60>,
        group_id: GroupId,
        imei: DeviceId,
    }
}

pub(crate) struct RegisterQuick;

impl Action for RegisterQuick {
    const PATH: &'static str = "tracker/register_quick";
    const RIGHTS: &'static [Right] = &[Right::TrackerRegister];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::EntityNotFound,
        ErrorCode::UnknownModel,
        ErrorCode::DeviceLimitExceeded,
        ErrorCode::PluginNotFound,
        ErrorCode::PhoneInUse,
        ErrorCode::DeviceIdInUse,
        ErrorCode::LegalType,
        ErrorCode::WrongIccid,
    ];
    const EXAMPLE: &'static str = r#"{"label": "Courier", "group_id": 0, "imei": "35645587458999"}"#;
    type Caller = UserCaller;
    type Parameters = BundledDevice;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, new: BundledDevice) -> Result<Self::Answer, Failure> {
        let tracker =
            NewTracker { label: new.label.0, group: new.group_id, sub_user: call.caller.sub_user() };
        let view = call.fleet.register_quick(&call.caller, tracker, &new.imei).await?;
        Ok(Value { value: TrackerObject::whole(&view, &call.dates) })
    }
}

parameters! {
    struct Again {
        tracker_id: Option<TrackerId>,
        device_id: Option<DeviceId>,
        apn_name: Option<Apn>,
        apn_user: Option<Apn>,
        apn_password: Option<ApnPassword>,
        send_register_commands: Option<bool>,
    }
}

pub(crate) struct RegisterRetry;

impl Action for RegisterRetry {
    const PATH: &'static str = "tracker/register_retry";
    const RIGHTS: &'static [Right] = &[Right::TrackerRegister];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
        ErrorCode::NotAllowedForClones,
        ErrorCode::ContentValidation,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 999119, "apn_name": "fast.tmobile.com", "apn_user": "tmobile",
        "apn_password": "tmobile"}"#;
    type Caller = UserCaller;
    type Parameters = Again;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, again: Again) -> Result<Self::Answer, Failure> {
        let which = match (again.tracker_id, again.device_id) {
            (Some(id), _) => TrackerChoice::Id(id),
            (None, Some(device_id)) => TrackerChoice::Device(device_id),
            (None, None) => return Err(Failure::parameter("tracker_id", "is required, or device_id")),
        };
        let commands =
            commands(again.send_register_commands, again.apn_name, again.apn_user, again.apn_password);
        let view = call.fleet.register_retry(&call.caller, &which, &commands).await?;
        Ok(Value { value: TrackerObject::whole(&view, &call.dates) })
    }
}
