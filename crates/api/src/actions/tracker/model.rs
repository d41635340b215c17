//! `tracker/list_models`: the device models that may be registered, and what they can do.

use crate::{
    action::{Action, Call},
    answer,
    parameters::{List, Text, parameters},
};
use domain::{DeviceModel, InputName, device_models};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

parameters! {
    struct View {
        compact_view: Option<bool>,
        compact_index: Option<bool>,
        codes: Option<List<Text<1, 64>, 0, 10_000>>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ModelObject {
    id: i32,
    code: &'static str,
    r#type: &'static str,
    name: &'static str,
    id_type: String,
    has_phone: bool,
    has_apn_settings: bool,
    register: bool,
    has_auto_registration: bool,
    port: Option<u16>,
    battery: Option<BatteryObject>,
    vendor: &'static str,
    parent_code: Option<&'static str>,
    check_bundle: bool,
    #[serde(flatten)]
    capabilities: Option<Capabilities>,
}

#[derive(Serialize, JsonSchema)]
struct BatteryObject {
    min_charge: f64,
    low_charge: f64,
    max_charge: f64,
}

/// What the compact view leaves out.
#[derive(Serialize, JsonSchema)]
struct Capabilities {
    altitude: bool,
    satellites: bool,
    gsm_level: bool,
    gsm_network: bool,
    gsm_roaming: bool,
    has_detach_button: bool,
    has_fuel_input: bool,
    analog_inputs: u8,
    digital_inputs: u8,
    rs232_inputs: u8,
    digital_outputs: u8,
    track_control: &'static str,
    output_control: &'static str,
    special_control: &'static str,
    rules: &'static [Box<str>],
    inputs: Vec<&'static str>,
    state_fields: &'static [Box<str>],
    special_settings: &'static [Box<str>],
    sms_control: &'static [Box<str>],
    has_led_control: bool,
    has_location_request: bool,
    has_gprs_location_request: bool,
    has_gsm_lbs_location_request: bool,
    has_chat: bool,
    has_odometer: bool,
    has_lbs: bool,
    has_motion_sensor: bool,
    has_hardware_key: bool,
}

pub(crate) struct ListModels;

impl Action for ListModels {
    const PATH: &'static str = "tracker/list_models";
    const EXAMPLE: &'static str = r#"{"compact_index": true, "codes": ["telfmb920"]}"#;
    type Caller = UserCaller;
    type Parameters = View;
    type Answer = answer::List<ModelObject>;

    async fn run(_: &Call<UserCaller>, view: View) -> Result<Self::Answer, Failure> {
        let wanted = |model: &&DeviceModel| match &view.codes {
            Some(List(codes)) => codes.iter().any(|code| *code.0 == *model.code),
            None => true,
        };
        let list = device_models().iter().filter(wanted).map(|model| object(model, &view)).collect();
        Ok(answer::List { list })
    }
}

fn object(model: &'static DeviceModel, view: &View) -> ModelObject {
    let compact = view.compact_view == Some(true);
    ModelObject {
        id: model.id,
        code: &model.code,
        r#type: &model.r#type,
        name: &model.name,
        id_type: model.id_type.to_string(),
        has_phone: model.has_phone,
        has_apn_settings: model.has_apn_settings,
        register: model.register,
        has_auto_registration: model.has_auto_registration,
        port: model.port,
        battery: model.battery.map(|battery| BatteryObject {
            min_charge: battery.min_charge,
            low_charge: battery.low_charge,
            max_charge: battery.max_charge,
        }),
        vendor: &model.vendor,
        parent_code: model.parent_code.as_deref(),
        check_bundle: model.check_bundle,
        capabilities: (!compact).then(|| capabilities(model, view.compact_index == Some(true))),
    }
}

fn capabilities(model: &'static DeviceModel, compact_index: bool) -> Capabilities {
    let inputs: Vec<&str> = model.inputs.iter().map(|input| &**input).collect();
    Capabilities {
        altitude: model.altitude,
        satellites: model.satellites,
        gsm_level: model.gsm_level,
        gsm_network: model.gsm_network,
        gsm_roaming: model.gsm_roaming,
        has_detach_button: model.has_detach_button,
        has_fuel_input: model.has_fuel_input,
        analog_inputs: model.analog_inputs,
        digital_inputs: model.digital_inputs,
        rs232_inputs: model.rs232_inputs,
        digital_outputs: model.digital_outputs,
        track_control: &model.track_control,
        output_control: &model.output_control,
        special_control: &model.special_control,
        rules: &model.rules,
        inputs: if compact_index { highest_of_each_family(inputs) } else { inputs },
        state_fields: &model.state_fields,
        special_settings: &model.special_settings,
        sms_control: &model.sms_control,
        has_led_control: model.has_led_control,
        has_location_request: model.has_location_request,
        has_gprs_location_request: model.has_gprs_location_request,
        has_gsm_lbs_location_request: model.has_gsm_lbs_location_request,
        has_chat: model.has_chat,
        has_odometer: model.has_odometer,
        has_lbs: model.has_lbs,
        has_motion_sensor: model.has_motion_sensor,
        has_hardware_key: model.has_hardware_key,
    }
}

/// `analog_1, analog_2` become `analog_2`; names without an index stay.
fn highest_of_each_family(inputs: Vec<&'static str>) -> Vec<&'static str> {
    let family_and_index = |input: &str| {
        let name = InputName::find(input)?;
        name.index().map(|index| (name.spec().code, index))
    };
    let mut highest = HashMap::new();
    for (family, index) in inputs.iter().filter_map(|input| family_and_index(input)) {
        let known = highest.entry(family).or_insert(index);
        *known = index.max(*known);
    }
    let stays =
        |input: &&str| family_and_index(input).is_none_or(|(family, index)| highest[&family] == index);
    inputs.into_iter().filter(stays).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_highest_index_stays() {
        assert_eq!(
            highest_of_each_family(vec!["analog_1", "board_voltage", "analog_2", "lls_level_1"]),
            ["board_voltage", "analog_2", "lls_level_1"]
        );
    }
}
