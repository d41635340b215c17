//! What the actions that register or replace a device take alike.

use crate::{
    parameters::{Apn, Iccid, Int, Parameter, Parameters, Phone, Text},
    request::Arguments,
};
use domain::{DeviceId, ModelCode};
use fleet::{AccessPoint, DeviceChoice, ParameterError, RegistrationCommands, rules};

/// Parameters that name a model and a device id, checked against each other.
pub(crate) struct OfModel<P>(pub(crate) P);

impl<P: Parameters> Parameters for OfModel<P> {
    const NAMES: &'static [(&'static str, bool)] = P::NAMES;

    fn schema() -> serde_json::Value {
        P::schema()
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        match (P::read(arguments), wrong_for_model(arguments)) {
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

/// The number of a plugin.
pub(crate) type PluginId = Int<0, 2_147_483_647>;
pub(crate) type ApnPassword = Text<0, 40>;

/// What is said about a device.
pub(crate) struct Device {
    pub(crate) model: Text<1, 64>,
    pub(crate) plugin_id: PluginId,
    pub(crate) device_id: Option<DeviceId>,
    pub(crate) phone: Option<Phone>,
    pub(crate) iccid: Option<Iccid>,
}

impl From<Device> for DeviceChoice {
    fn from(device: Device) -> Self {
        Self {
            model: device.model.0,
            plugin: device.plugin_id.0,
            device_id: device.device_id,
            phone: device.phone.map(|phone| phone.0).filter(|phone| !phone.is_empty()),
            iccid: device.iccid.map(|iccid| iccid.0),
        }
    }
}

/// What is said about the commands that tell the device where to call.
pub(crate) fn commands(
    send: Option<bool>,
    name: Option<Apn>,
    user: Option<Apn>,
    password: Option<ApnPassword>,
) -> RegistrationCommands {
    let apn = AccessPoint {
        name: name.map(|name| name.0).unwrap_or_default(),
        user: user.map(|user| user.0).unwrap_or_default(),
        password: password.map(|password| password.0).unwrap_or_default(),
    };
    RegistrationCommands { send, apn }
}
