//! `tracker/get_inputs`, `get_readings`, `get_fuel`, `get_diagnostics`: what a device says, through its sensors.

use crate::support::{Device, Reaction, Server, Session, keys, now, record};
use domain::Timestamp;
use serde_json::{Value, json};

const IMEI: &str = "356307042441013";

fn ask(session: &Session, action: &str, tracker: i64) -> Value {
    session.call(action, json!({ "tracker_id": tracker })).success()
}

fn date(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.seconds()).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn meter<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let found = answer["inputs"].as_array().unwrap().iter().find(|input| input["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

fn number(id: u16, value: u16) -> (u16, Vec<u8>) {
    (id, value.to_be_bytes().to_vec())
}

/// A device that has sent one record with these parameters.
fn sent(server: &Server, time: Timestamp, parameters: &[(u16, Vec<u8>)]) {
    let mut record = record(time);
    record.parameters = parameters.to_vec();
    let reaction = Device::logged_in(server.teltonika(), IMEI).send(&[record]);
    assert_eq!(reaction, Reaction::Acknowledged(1));
}

#[test]
fn before_any_data() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let inputs = ask(&anna, "tracker/get_inputs", tracker);
    assert_eq!(keys(&inputs), ["success", "user_time", "inputs", "states", "update_time"]);
    let states = json!([{ "type": "ignition", "name": "Ignition", "status": false, "input_number": 2 }]);
    assert_eq!((&inputs["inputs"], &inputs["states"]), (&json!([false]), &states));
    assert_eq!(inputs["update_time"], json!(null));

    for action in ["tracker/get_readings", "tracker/get_fuel"] {
        let answer = ask(&anna, action, tracker);
        assert_eq!(keys(&answer), ["success", "user_time", "inputs", "update_time"]);
        assert_eq!(answer["update_time"], json!(null));
        for meter in answer["inputs"].as_array().unwrap() {
            let expected =
                ["label", "units", "name", "type", "units_type", "converted_units_type", "converted_value"];
            assert_eq!(keys(meter), expected);
        }
    }
    let diagnostics = ask(&anna, "tracker/get_diagnostics", tracker);
    assert_eq!(keys(&diagnostics), ["success", "user_time", "inputs", "states", "update_time"]);
    let nothing = (&json!([]), &json!(null), &json!(null));
    assert_eq!((&diagnostics["inputs"], &diagnostics["states"], &diagnostics["update_time"]), nothing);
}

#[test]
fn a_fresh_device_answers_after_its_first_record() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let time = now();
    let parameters = [
        (239, vec![1]),
        (1, vec![1]),
        number(66, 14_100),
        number(67, 3_950),
        (113, vec![87]),
        number(72, 215),
        number(84, 425),
        (85, 889_u16.to_be_bytes().to_vec()),
        (48, vec![55]),
    ];
    sent(&server, time, &parameters);
    for _ in ["as it came", "after a crash"] {
        let anna = server.resume(&anna);
        let inputs = ask(&anna, "tracker/get_inputs", tracker);
        let states = json!([{ "type": "ignition", "name": "Ignition", "status": true, "input_number": 2 }]);
        assert_eq!((&inputs["inputs"], &inputs["states"]), (&json!([true]), &states));
        assert_eq!(inputs["update_time"], date(time));
        let batch = anna.call("tracker/batch_get_inputs", json!({ "trackers": [tracker] })).success();
        assert_eq!(keys(&batch), ["success", "user_time", "data"]);
        let alone = json!({ "inputs": inputs["inputs"], "states": states, "update_time": date(time) });
        assert_eq!(batch["data"].to_string(), json!({ tracker.to_string(): alone }).to_string());

        let readings = ask(&anna, "tracker/get_readings", tracker);
        let voltage = json!({ "label": "Board voltage", "units": "V", "name": "board_voltage", "type": "power",
            "value": 14.1, "units_type": "volt", "converted_units_type": null, "converted_value": null });
        assert_eq!(meter(&readings, "board_voltage").to_string(), voltage.to_string());
        assert_eq!(meter(&readings, "battery_voltage")["value"], 3.95);
        assert_eq!(meter(&readings, "battery_level")["value"], 87.0);
        assert_eq!(meter(&readings, "ext_temp_sensor_1")["value"], 21.5);
        assert_eq!(readings["update_time"], date(time));
        let names: Vec<_> =
            readings["inputs"].as_array().unwrap().iter().map(|input| input["name"].clone()).collect();
        let text = |name: &Value| name.as_str().unwrap().to_owned();
        assert!(names.iter().map(text).all(|name| !name.starts_with("can_") && !name.starts_with("obd_")));

        let fuel = ask(&anna, "tracker/get_fuel", tracker);
        assert_eq!(meter(&fuel, "can_fuel_litres")["value"], 42.5);
        assert!(fuel["inputs"].as_array().unwrap().iter().all(|input| input["type"] == "fuel"));
        assert_eq!(meter(&fuel, "lls_level_1").get("value"), None);

        let diagnostics = ask(&anna, "tracker/get_diagnostics", tracker);
        let rpm = json!({ "label": "CAN: RPM", "units": "rpm", "name": "can_rpm", "type": "rpm", "value": 889.0,
            "units_type": "rpm", "converted_units_type": null, "converted_value": null });
        assert_eq!(meter(&diagnostics, "can_rpm").to_string(), rpm.to_string());
        assert_eq!(meter(&diagnostics, "obd_fuel")["value"], 55.0);
        let has_value = |input: &Value| input["value"].is_number();
        assert!(diagnostics["inputs"].as_array().unwrap().iter().all(has_value));
        server.kill();
        server.restart();
    }
}

#[test]
fn values_as_the_sensor_and_the_user_want_them() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let (first, second) = (now().seconds() - 20, now().seconds() - 10);
    sent(&server, Timestamp::from_seconds(first), &[number(72, 215), number(9, 2_000), number(66, 14_000)]);
    // The thermometer is in the sun.
    sent(&server, Timestamp::from_seconds(second), &[number(72, 1_000), number(9, 4_000)]);

    let readings = ask(&anna, "tracker/get_readings", tracker);
    assert_eq!(meter(&readings, "ext_temp_sensor_1")["value"], 100.0);
    let create = |sensor: Value| {
        let created = anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor }));
        created.success()["id"].as_i64().unwrap()
    };
    create(json!({ "type": "metering", "sensor_type": "temperature", "name": "Cargo",
        "input_name": "ext_temp_sensor_1", "units_type": "celsius", "parameters": { "min": -50, "max": 50 } }));
    let tank =
        create(json!({ "type": "metering", "sensor_type": "fuel", "name": "Tank", "input_name": "analog_1",
        "units_type": "litre", "divider": 0.5 }));
    let table = json!([{ "in": 8, "out": 100 }, { "in": 0, "out": 0 }]);
    let table = json!({ "tracker_id": tracker, "sensor_id": tank, "data": table });
    anna.call("tracker/sensor/calibration_data/update", table).success();

    // What is out of range is no value; the one before it counts.
    let readings = ask(&anna, "tracker/get_readings", tracker);
    let cargo = json!({ "label": "Cargo", "units": "", "name": "ext_temp_sensor_1", "type": "temperature",
        "min_value": -50.0, "max_value": 50.0, "value": 21.5, "units_type": "celsius",
        "converted_units_type": null, "converted_value": null });
    assert_eq!(meter(&readings, "ext_temp_sensor_1").to_string(), cargo.to_string());
    assert_eq!(readings["update_time"], date(Timestamp::from_seconds(first)));

    let fuel = ask(&anna, "tracker/get_fuel", tracker);
    let full = json!({ "label": "Tank", "units": "", "name": "analog_1", "type": "fuel", "min_value": 0.0,
        "max_value": 100.0, "value": 100.0, "units_type": "litre", "converted_units_type": null,
        "converted_value": null });
    assert_eq!(meter(&fuel, "analog_1").to_string(), full.to_string());
    assert_eq!(fuel["update_time"], date(Timestamp::from_seconds(second)));

    for (system, gallons, fahrenheit) in [
        ("us", Some(26.417_205_235_8), Some(70.7)),
        ("metric_gal_us", Some(26.417_205_235_8), None),
        ("imperial", Some(21.996_924_829_9), None),
        ("nautical", None, None),
        ("metric", None, None),
    ] {
        let settings = json!({ "time_zone": "UTC", "locale": "en_US", "measurement_system": system,
            "geocoder": "osm", "route_provider": "osrm", "translit": false });
        anna.call("user/settings/update", settings).success();
        let fuel = ask(&anna, "tracker/get_fuel", tracker);
        let readings = ask(&anna, "tracker/get_readings", tracker);
        for (meter, unit, expected) in [
            (meter(&fuel, "analog_1"), "gallon", gallons),
            (meter(&readings, "ext_temp_sensor_1"), "fahrenheit", fahrenheit),
        ] {
            match expected {
                Some(expected) => {
                    let converted: f64 = meter["converted_value"].as_f64().unwrap();
                    assert!((converted - expected).abs() < 1e-9, "{system}: {meter}");
                    assert_eq!(meter["converted_units_type"], unit);
                }
                None => {
                    let nothing = (&json!(null), &json!(null));
                    assert_eq!((&meter["converted_value"], &meter["converted_units_type"]), nothing);
                }
            }
        }
        assert_eq!(meter(&fuel, "analog_1")["value"], 100.0, "the value itself stays");
    }
}

#[test]
fn the_ignition_follows_its_sensor() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    // The device says off, its input is on, and the voltage is that of an engine that runs.
    sent(&server, now(), &[(239, vec![0]), (1, vec![1]), number(66, 14_100)]);
    let ignition = |anna: &Session| anna.state(tracker)["ignition"].clone();
    assert_eq!(ignition(&anna), false);

    let list = ask(&anna, "tracker/sensor/list", tracker);
    let sensor = json!({ "type": "discrete", "id": list["list"][0]["id"], "sensor_type": "ignition",
        "name": "Key", "input_number": 1 });
    anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": sensor })).success();
    assert_eq!(ignition(&anna), true);
    let states = json!([{ "type": "ignition", "name": "Key", "status": true, "input_number": 1 }]);
    assert_eq!(ask(&anna, "tracker/get_inputs", tracker)["states"], states);

    let range = |from: f64| {
        json!({ "type": "virtual", "sensor_type": "virtual_ignition", "name": "", "input_name": "board_voltage",
            "parameters": { "calc_method": "in_range", "range_from": from } })
    };
    let sensor = json!({ "tracker_id": tracker, "sensor": range(15.0) });
    let id = anna.call("tracker/sensor/create", sensor).success()["id"].clone();
    assert_eq!(ignition(&anna), false);
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(ignition(&anna), false, "after a restart");
    let mut lower = range(13.4);
    lower["id"] = id.clone();
    anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": lower })).success();
    assert_eq!(ignition(&anna), true);
    anna.call("tracker/sensor/delete", json!({ "tracker_id": tracker, "sensor_id": id })).success();
    anna.call("tracker/sensor/delete", json!({ "tracker_id": tracker, "sensor_id": list["list"][0]["id"] }))
        .success();
    assert_eq!(ignition(&anna), false, "without a sensor it is what the device says");
}
