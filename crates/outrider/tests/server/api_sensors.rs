//! `tracker/sensor/…`: made, changed, copied, calibrated; and every way to get it wrong.

use crate::support::{Device, Reaction, Server, Session, keys, now, record};
use domain::SourceId;
use serde_json::{Value, json};

const BATCHES: [&str; 4] = [
    "tracker/sensor/batch_list",
    "tracker/batch_get_inputs",
    "tracker/batch_get_outputs",
    "tracker/readings/batch_list",
];

fn metering(input: &str) -> Value {
    json!({ "type": "metering", "sensor_type": "custom", "name": input, "input_name": input })
}

fn discrete(number: i64) -> Value {
    json!({ "type": "discrete", "sensor_type": "door", "name": "Door", "input_number": number })
}

fn create(session: &Session, tracker: i64, sensor: &Value) -> i64 {
    let created = session.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor }));
    created.success()["id"].as_i64().unwrap()
}

fn sensors(session: &Session, tracker: i64) -> Vec<Value> {
    let list = session.call("tracker/sensor/list", json!({ "tracker_id": tracker })).success();
    list["list"].as_array().unwrap().clone()
}

fn with(mut sensor: Value, fields: Value) -> Value {
    sensor.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    sensor
}

#[test]
fn a_tracker_begins_with_the_sensors_of_its_model() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let list = sensors(&anna, tracker);
    let id = list[0]["id"].as_i64().unwrap();
    let ignition = json!({ "type": "discrete", "id": id, "sensor_type": "ignition", "name": "Ignition", "input_number": 2 });
    assert_eq!(list[0].to_string(), ignition.to_string());
    let voltage = json!({ "type": "metering", "id": id + 1, "sensor_type": "power", "name": "Board voltage",
        "input_name": "board_voltage", "divider": 1.0, "accuracy": 0.0, "units": "V", "units_type": "volt" });
    assert_eq!(list[1].to_string(), voltage.to_string());
    let batch = anna.call("tracker/sensor/batch_list", json!({ "trackers": [tracker, tracker] })).success();
    assert_eq!(batch["result"], json!({ tracker.to_string(): list }));
}

#[test]
fn sensors_read_back_as_written() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let tank = with(
        metering("lls_level_4"),
        json!({ "sensor_type": "fuel", "divider": 10.0, "accuracy": 2.25, "units": "litres",
            "units_type": "litre", "parameters": { "min": 0.0, "max": 4096.0, "max_lowering_by_time": 120.0,
                "ignore_drains_in_move": true, "refuel_gap_minutes": 11 } }),
    );
    let tank_id = create(&anna, tracker, &tank);
    let other_id = create(&anna, tracker, &with(tank.clone(), json!({ "input_name": "lls_level_5" })));
    let composite = with(
        metering("composite"),
        json!({ "group_type": "avg", "parameters": { "parent_ids": [tank_id, other_id], "volume": 0.7 } }),
    );
    let in_range = json!({ "type": "virtual", "sensor_type": "virtual_ignition", "name": "Virtual",
        "input_name": "board_voltage", "custom_field_name": false, "parameters": { "calc_method": "in_range",
            "range_from": 13.4, "value_titles": [{ "value": "0", "title": "Off" }, { "value": "1", "title": "On" }] } });
    let bit = json!({ "type": "virtual", "sensor_type": "state", "name": "", "input_name": "can_door_mask",
        "parameters": { "calc_method": "bit_index", "bit_index": 3, "value_titles": [] } });
    let identity = json!({ "type": "virtual", "sensor_type": "state", "name": "Gear",
        "input_name": "can_current_gear", "parameters": { "calc_method": "identity", "value_titles": [] } });
    let mut written = vec![(tank_id, tank)];
    for sensor in [composite, in_range, bit, identity, discrete(8)] {
        written.push((create(&anna, tracker, &sensor), sensor));
    }
    for _ in ["at once", "after a restart"] {
        let anna = server.resume(&anna);
        let list = sensors(&anna, tracker);
        for (id, sensor) in &written {
            let read = list.iter().find(|read| read["id"] == *id).unwrap();
            for (name, value) in sensor.as_object().unwrap() {
                assert_eq!(&read[name], value, "{name} of {read}");
            }
        }
        server.restart();
    }

    let anna = server.resume(&anna);
    let changed = with(metering("lls_level_4"), json!({ "id": tank_id, "divider": "2.5", "name": "Tank" }));
    anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": changed })).success();
    let read = sensors(&anna, tracker).into_iter().find(|read| read["id"] == tank_id).unwrap();
    let expected = json!({ "type": "metering", "id": tank_id, "sensor_type": "custom", "name": "Tank",
        "input_name": "lls_level_4", "divider": 2.5, "accuracy": 0.0, "units": "", "units_type": "custom" });
    assert_eq!(read.to_string(), expected.to_string());

    // A composite sensor loses a parent that is deleted.
    let which = json!({ "tracker_id": tracker, "sensor_id": tank_id });
    anna.call("tracker/sensor/delete", which.clone()).success();
    assert_eq!(anna.call("tracker/sensor/delete", which).code(), 201);
    let list = sensors(&anna, tracker);
    let composite = list.iter().find(|read| read["input_name"] == "composite").unwrap();
    assert_eq!(composite["parameters"]["parent_ids"], json!([other_id]));
}

#[test]
fn what_is_wrong_with_a_sensor_is_named() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let other_tracker = anna.register("Lorry", "356307042441014");
    let foreign = create(&anna, other_tracker, &metering("analog_1"));
    let parent = create(&anna, tracker, &metering("analog_1"));
    let composite =
        |parents: Value| with(metering("composite"), json!({ "parameters": { "parent_ids": parents } }));
    let child = create(&anna, tracker, &composite(json!([parent])));
    let virtual_on = |parameters: Value| {
        json!({ "type": "virtual", "sensor_type": "state", "name": "", "input_name": "moving",
            "parameters": parameters })
    };
    let title = json!({ "value": "1", "title": "x" });
    for (sensor, wrong) in [
        (json!({}), &["sensor.type"][..]),
        (json!({ "type": "weather" }), &["sensor.type"]),
        (json!({ "type": "metering" }), &["sensor.sensor_type", "sensor.input_name"]),
        (with(metering("analog_2"), json!({ "sensor_type": "ignition" })), &["sensor.sensor_type"]),
        (metering("nonsense"), &["sensor.input_name"]),
        (with(metering("analog_2"), json!({ "name": "x".repeat(101) })), &["sensor.name"]),
        (
            with(metering("analog_2"), json!({ "divider": 0, "accuracy": 0.3 })),
            &["sensor.divider", "sensor.accuracy"],
        ),
        (with(metering("analog_2"), json!({ "accuracy": 100.25 })), &["sensor.accuracy"]),
        (with(metering("analog_2"), json!({ "units": "x".repeat(11) })), &["sensor.units"]),
        (with(metering("analog_2"), json!({ "units_type": "cubit" })), &["sensor.units_type"]),
        (
            with(metering("analog_2"), json!({ "parameters": { "min": 5, "max": 4 } })),
            &["sensor.parameters.max"],
        ),
        (with(metering("analog_2"), json!({ "parameters": { "min": "low" } })), &["sensor.parameters.min"]),
        (composite(json!([])), &["sensor.parameters.parent_ids"]),
        (composite(json!([parent, parent])), &["sensor.parameters.parent_ids"]),
        (composite(json!([foreign])), &["sensor.parameters.parent_ids"]),
        (composite(json!([child])), &["sensor.parameters.parent_ids"]),
        (discrete(0), &["sensor.input_number"]),
        (discrete(9), &["sensor.input_number"]),
        (virtual_on(json!({ "calc_method": "in_range" })), &["sensor.parameters.range_from"]),
        (
            virtual_on(json!({ "calc_method": "in_range", "range_from": 2, "range_to": 1 })),
            &["sensor.parameters.range_to"],
        ),
        (virtual_on(json!({ "calc_method": "bit_index" })), &["sensor.parameters.bit_index"]),
        (virtual_on(json!({ "calc_method": "magic" })), &["sensor.parameters.calc_method"]),
        (
            virtual_on(json!({ "calc_method": "identity", "value_titles": [title, title] })),
            &["sensor.parameters.value_titles"],
        ),
        (
            virtual_on(json!({ "calc_method": "identity", "value_titles": vec![&title; 101] })),
            &["sensor.parameters.value_titles"],
        ),
    ] {
        let answer = anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor }));
        assert_eq!(answer.wrong_parameters(), wrong, "{sensor}");
    }
    for (sensor, wrong) in [
        (metering("analog_2"), "sensor.id"),
        (with(discrete(1), json!({ "id": parent })), "sensor.type"),
        (with(composite(json!([parent])), json!({ "id": parent })), "sensor.parameters.parent_ids"),
    ] {
        let answer = anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": sensor }));
        assert_eq!(answer.wrong_parameters(), [wrong], "{sensor}");
    }
}

#[test]
fn inputs_and_types_are_limited() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let refused = |sensor: &Value| {
        anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor })).code()
    };
    // A sensor that came with the device gives way, once.
    let count = sensors(&anna, tracker).len();
    let own = create(&anna, tracker, &metering("board_voltage"));
    assert_eq!(sensors(&anna, tracker).len(), count);
    assert_eq!(refused(&metering("board_voltage")), 232);
    create(&anna, tracker, &metering("analog_1"));
    assert_eq!(refused(&metering("analog_1")), 232);
    create(&anna, tracker, &discrete(1));
    assert_eq!(refused(&discrete(1)), 232);
    let ignition = |number: i64| with(discrete(number), json!({ "sensor_type": "ignition" }));
    assert_eq!(refused(&ignition(2)), 232);
    assert_eq!(refused(&ignition(3)), 270, "there can be only one");
    let moved = with(metering("analog_1"), json!({ "id": own }));
    let answer = anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": moved }));
    assert_eq!(answer.code(), 232);
    let door = create(&anna, tracker, &discrete(4));
    let answer = anna.call(
        "tracker/sensor/update",
        json!({ "tracker_id": tracker, "sensor": with(ignition(4), json!({ "id": door })) }),
    );
    assert_eq!(answer.code(), 270);

    let virtual_ignition = json!({ "type": "virtual", "sensor_type": "virtual_ignition", "name": "V",
        "input_name": "moving", "parameters": { "calc_method": "identity" } });
    create(&anna, tracker, &virtual_ignition);
    assert_eq!(refused(&virtual_ignition), 270);
    let state = with(virtual_ignition, json!({ "sensor_type": "state" }));
    for _ in 0..100 {
        create(&anna, tracker, &state);
    }
    assert_eq!(refused(&state), 270);
}

#[test]
fn calibration_tables() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let sensor = create(&anna, tracker, &metering("analog_1"));
    let ignition = sensors(&anna, tracker)[0]["id"].as_i64().unwrap();
    let read = |sensor: i64| {
        anna.call(
            "tracker/sensor/calibration_data/read",
            json!({ "tracker_id": tracker, "sensor_id": sensor }),
        )
    };
    let update = |sensor: i64, data: Value| {
        let table = json!({ "tracker_id": tracker, "sensor_id": sensor, "data": data });
        anna.call("tracker/sensor/calibration_data/update", table)
    };
    assert_eq!(read(sensor).success().to_string(), r#"{"success":true,"value":[]}"#);
    update(sensor, json!([{ "in": 0.7, "out": 60 }, { "in": 0, "out": 0 }])).success();
    // A changed sensor keeps it.
    let renamed = with(metering("analog_1"), json!({ "id": sensor, "name": "Tank" }));
    anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": renamed })).success();
    let expected = r#"{"success":true,"value":[{"in":0.7,"out":60.0},{"in":0.0,"out":0.0}]}"#;
    assert_eq!(read(sensor).success().to_string(), expected);
    for data in [
        json!([{ "in": 1, "out": 2 }]),
        json!([{ "in": 1, "out": 2 }, { "in": 1.0, "out": 3 }]),
        json!([{ "in": 1 }, { "in": 2, "out": 2 }]),
        json!("none"),
    ] {
        assert!(!update(sensor, data.clone()).wrong_parameters().is_empty(), "{data}");
    }
    update(sensor, json!([])).success();
    assert_eq!(read(sensor).success()["value"], json!([]));
    for (sensor, code) in [(ignition, 228), (999_999, 201)] {
        assert_eq!((read(sensor).code(), update(sensor, json!([])).code()), (code, code));
    }
}

#[test]
fn copies_replace_what_the_target_had() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let (base, target) = (anna.register("Van", "000000000000001"), anna.register("Lorry", "000000000000002"));
    let other_model = json!({ "label": "Bike", "group_id": 0, "plugin_id": 44, "model": "telfmb140",
        "device_id": "000000000000003" });
    let other_model = anna.call("tracker/register", other_model).success()["value"]["id"].as_i64().unwrap();
    create(&anna, base, &metering("analog_1"));
    create(&anna, target, &metering("freq_1"));
    let copy = |targets: &[i64]| {
        anna.call("tracker/sensor/batch_copy", json!({ "base_tracker_id": base, "trackers": targets }))
    };
    assert_eq!(copy(&[target, other_model]).code(), 272);
    assert_eq!(copy(&[target, 999_999]).code(), 201);
    copy(&[target, base]).success();
    let without_ids = |tracker: i64| -> Vec<Value> {
        sensors(&anna, tracker).into_iter().map(|sensor| with(sensor, json!({ "id": 0 }))).collect()
    };
    assert_eq!(without_ids(target), without_ids(base));
    assert!(without_ids(base).iter().any(|sensor| sensor["input_name"] == "analog_1"));
}

#[test]
fn trackers_that_cannot_be_asked() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let blocked = anna.register("Lorry", "000000000000002");
    let foreign = berta.register("Bike", "000000000000003");
    let sensor = sensors(&anna, blocked)[1]["id"].as_i64().unwrap();
    let source =
        anna.call("tracker/read", json!({ "tracker_id": blocked })).success()["value"]["source"]["id"]
            .clone();
    let source = SourceId(source.as_i64().unwrap());
    server.with_catalog(async |catalog| catalog.block_source(source).await.unwrap());
    let anna = server.resume(&anna);
    let span = json!({ "from": "2026-11-01 00:00:00", "to": "2026-11-02 00:00:00" });
    let point = json!([{ "in": 1, "out": 2 }, { "in": 2, "out": 3 }]);
    for (tracker, code) in [(blocked, 208), (foreign, 201), (999_999, 201)] {
        let which = json!({ "tracker_id": tracker, "sensor_id": sensor });
        for (action, parameters) in [
            ("tracker/sensor/list", json!({ "tracker_id": tracker })),
            ("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": metering("analog_1") })),
            (
                "tracker/sensor/update",
                json!({ "tracker_id": tracker, "sensor": with(metering("analog_1"), json!({ "id": sensor })) }),
            ),
            ("tracker/sensor/delete", which.clone()),
            ("tracker/sensor/batch_copy", json!({ "base_tracker_id": tracker, "trackers": [tracker] })),
            ("tracker/sensor/data/read", with(which.clone(), span.clone())),
            ("tracker/sensor/calibration_data/read", which.clone()),
            ("tracker/sensor/calibration_data/update", with(which.clone(), json!({ "data": point }))),
            ("tracker/get_fuel", json!({ "tracker_id": tracker })),
            ("tracker/get_readings", json!({ "tracker_id": tracker })),
            ("tracker/get_diagnostics", json!({ "tracker_id": tracker })),
            ("tracker/get_inputs", json!({ "tracker_id": tracker })),
            ("tracker/get_outputs", json!({ "tracker_id": tracker })),
            (
                "tracker/output/update",
                json!({ "tracker_id": tracker, "tracker_output": { "number": 1, "title": "x" } }),
            ),
        ] {
            assert_eq!(anna.call(action, parameters).code(), code, "{action} {tracker}");
        }
        for action in BATCHES {
            assert_eq!(anna.call(action, json!({ "trackers": [tracker] })).code(), 217, "{action} {tracker}");
        }
    }
    for action in BATCHES {
        let many: Vec<_> = (0..501).collect();
        assert_eq!(anna.call(action, json!({ "trackers": many })).code(), 221, "{action}");
        anna.call(action, json!({ "trackers": [] })).success();
    }
}

#[test]
fn the_past_is_computed_with_the_sensor_as_it_is_now() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let mut device = Device::logged_in(server.teltonika(), "356307042441013");
    let start = now().seconds() - 60;
    let records: Vec<_> = [12_000_u16, 14_000, 16_000]
        .into_iter()
        .zip(0..)
        .map(|(millivolts, at)| {
            let mut record = record(domain::Timestamp::from_seconds(start + at));
            record.parameters =
                vec![(66, millivolts.to_be_bytes().to_vec()), (9, 500_u16.to_be_bytes().to_vec())];
            record
        })
        .collect();
    assert_eq!(device.send(&records), Reaction::Acknowledged(3));
    let voltage = sensors(&anna, tracker)[1].clone();
    let (id, ignition) = (voltage["id"].as_i64().unwrap(), sensors(&anna, tracker)[0]["id"].clone());
    let date =
        |second: i64| jiff::Timestamp::from_second(second).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let read = |sensor: &Value, raw: bool| {
        let wanted = json!({ "tracker_id": tracker, "sensor_id": sensor, "from": date(start - 1),
            "to": date(start + 60), "raw_data": raw });
        anna.call("tracker/sensor/data/read", wanted)
    };
    let values = |raw: bool| -> Vec<f64> {
        let list = read(&json!(id), raw).success()["list"].clone();
        let values = list.as_array().unwrap().iter().map(|entry| entry["value"].as_f64().unwrap());
        values.collect()
    };
    assert_eq!(values(false), [12.0, 14.0, 16.0]);
    let first = &read(&json!(id), false).success()["list"][0];
    assert_eq!(keys(first), ["value", "get_time"]);
    assert_eq!(first["get_time"], date(start));

    let halved = with(voltage, json!({ "divider": 2.0, "parameters": { "max": 15.0 } }));
    anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": halved })).success();
    assert_eq!((values(false), values(true)), (vec![6.0, 7.0], vec![12.0, 14.0, 16.0]));

    let analog = create(&anna, tracker, &metering("analog_1"));
    let sum = with(metering("composite"), json!({ "parameters": { "parent_ids": [id, analog] } }));
    let sum = create(&anna, tracker, &sum);
    let list = read(&json!(sum), false).success()["list"].clone();
    assert_eq!((&list[0]["value"], &list[1]["value"]), (&json!(6.5), &json!(7.5)));
    let titled = json!({ "type": "virtual", "sensor_type": "state", "name": "", "input_name": "board_voltage",
        "parameters": { "calc_method": "in_range", "range_from": 13,
            "value_titles": [{ "value": "1", "title": "charging" }] } });
    let titled = create(&anna, tracker, &titled);
    let list = read(&json!(titled), false).success()["list"].clone();
    let said: Vec<_> = list.as_array().unwrap().iter().map(|entry| entry["value"].clone()).collect();
    assert_eq!(said, ["0", "charging", "charging"]);

    assert_eq!(read(&ignition, false).code(), 228);
    assert_eq!(read(&json!(999_999), false).code(), 201);
    let backwards =
        json!({ "tracker_id": tracker, "sensor_id": id, "from": date(start), "to": date(start - 1) });
    assert_eq!(anna.call("tracker/sensor/data/read", backwards).code(), 211);
}
