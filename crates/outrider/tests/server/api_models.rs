//! `tracker/list_models`: what clients read to build their registration forms.

use crate::support::{Server, keys};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const IDENTITY: [&str; 14] = [
    "id",
    "code",
    "type",
    "name",
    "id_type",
    "has_phone",
    "has_apn_settings",
    "register",
    "has_auto_registration",
    "port",
    "battery",
    "vendor",
    "parent_code",
    "check_bundle",
];
const BOOLEANS: [&str; 21] = [
    "has_phone",
    "has_apn_settings",
    "register",
    "has_auto_registration",
    "check_bundle",
    "altitude",
    "satellites",
    "gsm_level",
    "gsm_network",
    "gsm_roaming",
    "has_detach_button",
    "has_fuel_input",
    "has_led_control",
    "has_location_request",
    "has_gprs_location_request",
    "has_gsm_lbs_location_request",
    "has_chat",
    "has_odometer",
    "has_lbs",
    "has_motion_sensor",
    "has_hardware_key",
];
const NUMBERS: [&str; 4] = ["analog_inputs", "digital_inputs", "rs232_inputs", "digital_outputs"];
const WORDS: [&str; 8] =
    ["code", "type", "name", "id_type", "vendor", "track_control", "output_control", "special_control"];
const LISTS: [&str; 5] = ["rules", "inputs", "state_fields", "special_settings", "sms_control"];

#[test]
fn the_whole_list() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let models = |parameters: Value| -> Vec<Value> {
        let answer = anna.call("tracker/list_models", parameters).success();
        assert_eq!(keys(&answer), ["success", "list"]);
        answer["list"].as_array().unwrap().clone()
    };
    let codes = |models: &[Value]| -> Vec<String> {
        models.iter().map(|model| model["code"].as_str().unwrap().to_owned()).collect()
    };
    let all = models(json!({}));
    let others = ["id", "port", "battery", "parent_code"];
    let names = [&BOOLEANS[..], &NUMBERS, &WORDS, &LISTS, &others].concat();
    let names: BTreeSet<_> = names.into_iter().collect();
    for model in &all {
        let code = &model["code"];
        assert_eq!(keys(model).into_iter().collect::<BTreeSet<_>>(), names, "{code}");
        assert!(BOOLEANS.iter().all(|key| model[key].is_boolean()), "{model}");
        assert!(NUMBERS.iter().all(|key| model[key].is_u64()), "{model}");
        assert!(WORDS.iter().all(|key| model[key].as_str().is_some_and(|word| !word.is_empty())), "{model}");
        assert!(
            LISTS.iter().all(|key| model[key].as_array().unwrap().iter().all(Value::is_string)),
            "{model}"
        );
        assert!(model["id"].is_i64() && (model["port"].is_u64() || model["port"].is_null()), "{code}");
        assert!(
            ["logger", "portable", "vehicle", "personal"].contains(&model["type"].as_str().unwrap()),
            "{code}"
        );
        let battery = &model["battery"];
        if !battery.is_null() {
            assert_eq!(keys(battery), ["min_charge", "low_charge", "max_charge"], "{code}");
            let charge = ["min_charge", "low_charge", "max_charge"].map(|key| battery[key].as_f64().unwrap());
            assert!(charge.is_sorted(), "{code}");
        }
    }
    let unique = |key: &str| all.iter().map(|model| model[key].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!([unique("id"), unique("code")], [all.len(); 2]);

    // Of each family of indexed inputs only the last; the rest of the model is the same.
    for (model, compact) in all.iter().zip(models(json!({ "compact_index": true }))) {
        let inputs =
            |model: &Value| -> Vec<String> { serde_json::from_value(model["inputs"].clone()).unwrap() };
        let family = |input: &str| -> Option<(String, u32)> {
            let (family, index) = input.rsplit_once('_')?;
            Some((family.to_owned(), index.parse().ok()?))
        };
        let every = inputs(model);
        let last = |input: &&String| match family(input) {
            None => true,
            Some((name, index)) => {
                every.iter().filter_map(|other| family(other)).all(|(n, i)| n != name || i <= index)
            }
        };
        let expected: Vec<_> = every.iter().filter(last).cloned().collect();
        assert_eq!(inputs(&compact), expected, "{}", model["code"]);
        let without_inputs = |model: &Value| {
            let mut model = model.clone();
            model["inputs"] = json!([]);
            model
        };
        assert_eq!(without_inputs(model), without_inputs(&compact));
    }
    let fmb920 = &models(json!({ "codes": ["telfmb920"], "compact_index": true }))[0];
    let inputs = fmb920["inputs"].as_array().unwrap();
    assert!(inputs.contains(&json!("lls_level_5")) && !inputs.contains(&json!("lls_level_1")), "{fmb920}");
    assert!(inputs.contains(&json!("board_voltage")), "{fmb920}");

    for (model, compact) in all.iter().zip(models(json!({ "compact_view": "true" }))) {
        assert_eq!(keys(&compact), IDENTITY);
        assert!(IDENTITY.iter().all(|key| model[key] == compact[key]));
    }

    for (parameters, expected) in [
        (json!({ "codes": ["telfmb920"] }), &["telfmb920"][..]),
        (json!({ "codes": "[\"telfmb920\"]" }), &["telfmb920"]),
        (
            json!({ "codes": ["telfmb140", "nonsense", "telfmb920", "telfmb920"] }),
            &["telfmb920", "telfmb140"],
        ),
        (json!({ "codes": ["nonsense", "TELFMB920", "tel"] }), &[]),
        (json!({ "codes": [] }), &[]),
    ] {
        assert_eq!(codes(&models(parameters.clone())), expected, "{parameters}");
    }
    assert_eq!(codes(&models(json!({ "codes": null }))), codes(&all));
    for codes in [json!([null]), json!([""]), json!("x"), json!([["x"]])] {
        assert_eq!(anna.call("tracker/list_models", json!({ "codes": codes })).wrong_parameters(), ["codes"]);
    }
}

/// The reference's own example: what it prints is printed here, and nothing is left out.
#[test]
fn the_example_of_the_reference() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let parameters = json!({ "compact_index": true, "codes": ["tt1_wp"] });
    let answer = anna.call("tracker/list_models", parameters).success();
    let printed = json!({
        "id": 166, "code": "tt1_wp", "type": "vehicle", "name": "WondeProud TT1", "id_type": "10,2",
        "has_phone": true, "has_apn_settings": true, "register": true,
        "battery": { "min_charge": 3.4, "low_charge": 3.7, "max_charge": 4.1 },
        "altitude": true, "satellites": true, "gsm_level": true, "gsm_network": true, "gsm_roaming": true,
        "has_detach_button": false, "has_fuel_input": true,
        "analog_inputs": 2, "digital_inputs": 4, "rs232_inputs": 0, "digital_outputs": 4,
        "track_control": "tt1", "output_control": "default", "special_control": "none", "vendor": "WondeProud",
        "rules": [
            "offline", "input_change", "sos", "sensor_range", "speedup", "route", "track_change", "inoutzone",
            "battery_off",
        ],
        "inputs": ["analog_2"], "state_fields": [], "special_settings": ["none"], "sms_control": [],
        "has_led_control": false, "has_location_request": true, "has_gsm_lbs_location_request": true,
        "has_chat": false, "check_bundle": false, "has_odometer": true,
    });
    for (key, value) in printed.as_object().unwrap() {
        assert_eq!(&answer["list"][0][key], value, "{key}");
    }
    assert_eq!(answer["list"].as_array().unwrap().len(), 1);
}
