//! `tracker/replace`, `replace_quick`, `replace_retry`: another device under a tracker.

use super::{
    device::{ApnPassword, Device, OfModel, PluginId, commands},
    object::TrackerObject,
};
use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::{Apn, Iccid, Phone, Text, parameters},
};
use domain::{DeviceId, ErrorCode, Right, TrackerId};
use fleet::{Failure, UserCaller};

parameters! {
    struct Replacement {
        tracker_id: TrackerId,
        model: Text<1, 64>,
        plugin_id: PluginId,
        device_id: Option<DeviceId>,
        phone: Option<Phone>,
        iccid: Option<Iccid>,
        apn_name: Option<Apn>,
        apn_user: Option<Apn>,
        apn_password: Option<ApnPassword>,
        send_register_commands: Option<bool>,
    }
}

pub(crate) struct Replace;

impl Action for Replace {
    const PATH: &'static str = "tracker/replace";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::UnknownModel,
        ErrorCode::DeviceLimitExceeded,
        ErrorCode::PluginNotFound,
        ErrorCode::PhoneInUse,
        ErrorCode::DeviceIdInUse,
        ErrorCode::LegalType,
        ErrorCode::WrongIccid,
        ErrorCode::BundleNotFound,
        ErrorCode::WrongDeviceStatus,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "plugin_id": 44, "model": "telfmb920",
        "phone": "79123122312", "device_id": "123451234512346", "apn_name": "fast.tmobile.com",
        "apn_user": "tmobile", "apn_password": "tmobile"}"#;
    type Caller = UserCaller;
    type Parameters = OfModel<Replacement>;
    type Answer = Value<TrackerObject>;

    async fn run(
        call: &Call<UserCaller>,
        OfModel(new): OfModel<Replacement>,
    ) -> Result<Self::Answer, Failure> {
        let Replacement { tracker_id, model, plugin_id, device_id, phone, iccid, .. } = new;
        let device = Device { model, plugin_id, device_id, phone, iccid };
        let commands = commands(new.send_register_commands, new.apn_name, new.apn_user, new.apn_password);
        let view = call.fleet.replace(&call.caller, tracker_id, device.into(), &commands).await?;
        Ok(Value { value: TrackerObject::registered(&view, &call.dates) })
    }
}

parameters! {
    struct BundledDevice {
        tracker_id: TrackerId,
        imei: DeviceId,
    }
}

pub(crate) struct ReplaceQuick;

impl Action for ReplaceQuick {
    const PATH: &'static str = "tracker/replace_quick";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::UnknownModel,
        ErrorCode::DeviceLimitExceeded,
        ErrorCode::PluginNotFound,
        ErrorCode::PhoneInUse,
        ErrorCode::DeviceIdInUse,
        ErrorCode::LegalType,
        ErrorCode::WrongIccid,
        ErrorCode::WrongDeviceStatus,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "imei": "35645587458999"}"#;
    type Caller = UserCaller;
    type Parameters = BundledDevice;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, new: BundledDevice) -> Result<Self::Answer, Failure> {
        let view = call.fleet.replace_quick(&call.caller, new.tracker_id, &new.imei).await?;
        Ok(Value { value: TrackerObject::whole(&view, &call.dates) })
    }
}

parameters! {
    struct Again {
        tracker_id: TrackerId,
        apn_name: Option<Apn>,
        apn_user: Option<Apn>,
        apn_password: Option<ApnPassword>,
        send_register_commands: Option<bool>,
    }
}

pub(crate) struct ReplaceRetry;

impl Action for ReplaceRetry {
    const PATH: &'static str = "tracker/replace_retry";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
        ErrorCode::NotAllowedForClones,
        ErrorCode::ContentValidation,
        ErrorCode::WrongDeviceStatus,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 999119, "apn_name": "fast.tmobile.com", "apn_user": "tmobile",
        "apn_password": "tmobile"}"#;
    type Caller = UserCaller;
    type Parameters = Again;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, again: Again) -> Result<Self::Answer, Failure> {
        let commands =
            commands(again.send_register_commands, again.apn_name, again.apn_user, again.apn_password);
        let view = call.fleet.replace_retry(&call.caller, again.tracker_id, &commands).await?;
        Ok(Value { value: TrackerObject::whole(&view, &call.dates) })
    }
}
