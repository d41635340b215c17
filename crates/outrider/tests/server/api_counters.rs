//! `tracker/counter/…`, `tracker/get_counters`, `tracker/readings/…`, names of outputs.

use crate::support::{Device, Reaction, Server, Session, keys, now, record};
use domain::{SourceId, Timestamp};
use serde_json::{Value, json};

const IMEI: &str = "356307042441013";

fn date(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Records of a drive: second, thousandths of a degree to the east (66 m each at that latitude), ignition.
fn drive(server: &Server, records: &[(i64, i32, u8)]) {
    drive_as(server, IMEI, records);
}

fn drive_as(server: &Server, imei: &str, records: &[(i64, i32, u8)]) {
    let records: Vec<_> = records
        .iter()
        .map(|(second, east, ignition)| {
            let mut record = record(Timestamp::from_seconds(*second));
            record.lng += east * 10_000;
            record.parameters = vec![(239, vec![*ignition]), (16, 1_234_500_u32.to_be_bytes().to_vec())];
            record
        })
        .collect();
    let reaction = Device::logged_in(server.teltonika(), imei).send(&records);
    assert_eq!(reaction, Reaction::Acknowledged(records.len() as u32));
}

fn counters(session: &Session, tracker: i64) -> Vec<(String, f64)> {
    let answer = session.call("tracker/get_counters", json!({ "tracker_id": tracker })).success();
    assert_eq!(keys(&answer), ["success", "user_time", "list"]);
    let counter = |counter: &Value| {
        assert_eq!(keys(counter), ["type", "value", "update_time"]);
        (counter["type"].as_str().unwrap().to_owned(), counter["value"].as_f64().unwrap())
    };
    answer["list"].as_array().unwrap().iter().map(counter).collect()
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.001, "{found} is not {expected}");
}

#[test]
fn counters_run_up_and_outlive_a_crash() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let of = |kind: &str| json!({ "tracker_id": tracker, "type": kind });
    assert_eq!(counters(&anna, tracker), []);
    assert_eq!(anna.call("tracker/counter/value/get", of("odometer")).code(), 204);

    let start = now().seconds() - 1000;
    // 10 × 66.04 m in 360 s, then a record that came late.
    drive(&server, &[(start, 0, 1), (start + 180, 5, 1), (start + 360, 10, 0), (start + 60, 500, 1)]);
    let kilometres = 0.660_5;
    for _ in ["as it ran up", "after a crash"] {
        let anna = server.resume(&anna);
        let list = counters(&anna, tracker);
        assert_eq!(list.iter().map(|(kind, _)| &**kind).collect::<Vec<_>>(), ["odometer", "engine_hours"]);
        assert_close(list[0].1, kilometres);
        assert_close(list[1].1, 0.1);
        server.kill();
        server.restart();
    }
    let anna = server.resume(&anna);
    let value =
        |kind: &str| anna.call("tracker/counter/value/get", of(kind)).success()["value"].as_f64().unwrap();

    // Set, it goes on from there; corrected, it stays and goes on faster.
    let set = json!({ "tracker_id": tracker, "type": "odometer", "value": "1000" });
    anna.call("tracker/counter/value/set", set).success();
    assert_close(value("odometer"), 1000.0);
    let doubled = json!({ "tracker_id": tracker, "type": "odometer", "multiplier": 2 });
    anna.call("tracker/counter/update", doubled).success();
    assert_close(value("odometer"), 1000.0);
    let read = anna.call("tracker/counter/read", of("odometer")).success();
    assert_eq!(keys(&read["value"]), ["id", "type", "multiplier"]);
    assert_eq!((&read["value"]["type"], &read["value"]["multiplier"]), (&json!("odometer"), &json!(2.0)));
    drive(&server, &[(start + 420, 20, 0)]);
    assert_close(value("odometer"), 1000.0 + 2.0 * kilometres);
    let list = json!({ "trackers": [tracker], "type": "odometer" });
    let list = anna.call("tracker/counter/value/list", list).success();
    assert_close(list["value"][tracker.to_string()].as_f64().unwrap(), 1000.0 + 2.0 * kilometres);

    let past = json!({ "tracker_id": tracker, "type": "odometer", "from": date(start + 100), "to": date(start + 400) });
    let past = anna.call("tracker/counter/data/read", past).success();
    let past = past["list"].as_array().unwrap();
    assert_eq!(keys(&past[0]), ["value", "update_time"]);
    let times: Vec<_> = past.iter().map(|it| it["update_time"].as_str().unwrap().to_owned()).collect();
    assert_eq!(times, [date(start + 180), date(start + 360)]);
    assert_close(past[1]["value"].as_f64().unwrap(), 1000.0);
    assert_close(past[0]["value"].as_f64().unwrap(), 1000.0 - kilometres);

    // The vehicle's own odometer.
    let sensors = anna.call("tracker/sensor/list", json!({ "tracker_id": tracker })).success();
    let sensor = |name: &str| {
        let found = sensors["list"].as_array().unwrap().iter().find(|sensor| sensor["name"] == name);
        found.unwrap()["id"].clone()
    };
    let by = |sensor: Value| json!({ "tracker_id": tracker, "type": "odometer", "multiplier": 1, "sensor_id": sensor });
    anna.call("tracker/counter/update", by(sensor("Hardware mileage"))).success();
    assert_close(value("odometer"), 1234.5);
    let read = anna.call("tracker/counter/read", of("odometer")).success();
    assert_eq!(read["value"]["sensor_id"], sensor("Hardware mileage"));
    let wanted =
        json!({ "tracker_id": tracker, "type": "odometer", "from": date(start), "to": date(start + 500) });
    let past = anna.call("tracker/counter/data/read", wanted).success();
    assert_eq!((past["list"].as_array().unwrap().len(), &past["list"][0]["value"]), (5, &json!(1234.5)));
    for wrong in [by(sensor("Ignition")), by(json!(999_999)), by(json!(-1))] {
        assert_eq!(anna.call("tracker/counter/update", wrong).wrong_parameters(), ["sensor_id"]);
    }
    let hours = json!({ "tracker_id": tracker, "type": "engine_hours", "multiplier": 1,
        "sensor_id": sensor("Hardware mileage") });
    assert_eq!(anna.call("tracker/counter/update", hours).wrong_parameters(), ["sensor_id"]);
    anna.call("tracker/counter/update", by(json!(null))).success();
    assert_close(value("odometer"), 1234.5);

    for (parameters, wrong) in [
        (json!({ "tracker_id": tracker, "type": "speed", "multiplier": 1 }), "type"),
        (json!({ "tracker_id": tracker, "type": "odometer", "multiplier": 0 }), "multiplier"),
        (json!({ "tracker_id": tracker, "type": "odometer", "multiplier": 1_000_001 }), "multiplier"),
        (json!({ "tracker_id": tracker, "type": "odometer", "multiplier": 1e308 }), "multiplier"),
        (json!({ "tracker_id": tracker, "type": "odometer" }), "multiplier"),
    ] {
        assert_eq!(anna.call("tracker/counter/update", parameters).wrong_parameters(), [wrong]);
    }
    for value in [-1.0, 1.1e12, 1e308] {
        let wrong = json!({ "tracker_id": tracker, "type": "odometer", "value": value });
        assert_eq!(anna.call("tracker/counter/value/set", wrong).wrong_parameters(), ["value"]);
    }
    let backwards =
        json!({ "tracker_id": tracker, "type": "odometer", "from": date(start), "to": date(start) });
    assert_eq!(anna.call("tracker/counter/data/read", backwards).code(), 211);

    // A counter that did not come with the device.
    assert_eq!(anna.call("tracker/counter/read", of("fuel_consumed")).code(), 204);
    assert_eq!(anna.call("tracker/counter/value/get", of("fuel_consumed")).code(), 204);
    let fuel = json!({ "trackers": [tracker], "type": "fuel_consumed" });
    assert_eq!(anna.call("tracker/counter/value/list", fuel).code(), 204);
    let set = json!({ "tracker_id": tracker, "type": "fuel_consumed", "value": 12.5 });
    anna.call("tracker/counter/value/set", set).success();
    assert_close(value("fuel_consumed"), 12.5);
}

#[test]
fn an_odometer_outlives_its_sensor() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let base = anna.register("Base", "356307042441020");
    let (start, by_east) = (now().seconds() - 1000, 0.066_05);
    type Ends = fn(&Session, i64, i64, i64);
    let ways: [(&str, Ends); 4] = [
        ("deleted", |anna, tracker, sensor, _| {
            let which = json!({ "tracker_id": tracker, "sensor_id": sensor });
            anna.call("tracker/sensor/delete", which).success();
        }),
        ("one of the user's in its place", |anna, tracker, _, _| {
            let own = json!({ "type": "metering", "sensor_type": "custom", "name": "Own", "input_name": "hw_mileage" });
            anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": own })).success();
        }),
        ("others copied over it", |anna, tracker, _, base| {
            let copy = json!({ "base_tracker_id": base, "trackers": [tracker] });
            anna.call("tracker/sensor/batch_copy", copy).success();
        }),
        ("a device that does not tell it", |anna, tracker, _, _| {
            let device = json!({ "tracker_id": tracker, "plugin_id": 44, "model": "gt06_concox_gt03a",
                "device_id": "356307042441029" });
            anna.call("tracker/replace", device).success();
        }),
    ];
    for (number, (way, end)) in ways.into_iter().enumerate() {
        let is_replaced = way.contains("device");
        let imei = format!("35630704244103{number}");
        let tracker = anna.register("Van", &imei);
        drive_as(&server, &imei, &[(start, 0, 1), (start + 360, 10, 0)]);
        let of = json!({ "tracker_id": tracker, "type": "odometer" });
        let value =
            || anna.call("tracker/counter/value/get", of.clone()).success()["value"].as_f64().unwrap();
        let sensors = anna.call("tracker/sensor/list", json!({ "tracker_id": tracker })).success();
        let mileage =
            sensors["list"].as_array().unwrap().iter().find(|sensor| sensor["input_name"] == "hw_mileage");
        let mileage = mileage.unwrap()["id"].as_i64().unwrap();
        let by = json!({ "tracker_id": tracker, "type": "odometer", "multiplier": 2, "sensor_id": mileage });
        anna.call("tracker/counter/update", by).success();
        assert_close(value(), 2469.0);

        if is_replaced {
            // What has been active can be.
            drive_as(&server, &imei, &[(now().seconds(), 10, 0)]);
        }
        end(&anna, tracker, mileage, base);
        assert_close(value(), 2469.0);
        let read = anna.call("tracker/counter/read", of.clone()).success();
        assert_eq!(keys(&read["value"]), ["id", "type", "multiplier"], "{way}");
        if !is_replaced {
            drive_as(&server, &imei, &[(start + 420, 20, 0)]);
            assert_close(value(), 2469.0 + 2.0 * 10.0 * by_east);
        }
    }
}

#[test]
fn trackers_that_cannot_be_asked() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let blocked = anna.register("Lorry", "000000000000002");
    let foreign = berta.register("Bike", "000000000000003");
    let source = anna.call("tracker/read", json!({ "tracker_id": blocked })).success();
    let source = SourceId(source["value"]["source"]["id"].as_i64().unwrap());
    server.with_catalog(async |catalog| catalog.block_source(source).await.unwrap());
    let anna = server.resume(&anna);
    for (tracker, code) in [(blocked, 208), (foreign, 204), (999_999, 204)] {
        for (action, more) in [
            ("tracker/counter/read", json!({})),
            ("tracker/counter/update", json!({ "multiplier": 1 })),
            ("tracker/counter/value/get", json!({})),
            ("tracker/counter/value/set", json!({ "value": 1 })),
            (
                "tracker/counter/data/read",
                json!({ "from": "2026-11-01 00:00:00", "to": "2026-11-02 00:00:00" }),
            ),
            ("tracker/get_counters", json!({})),
            ("tracker/readings/list", json!({})),
        ] {
            let mut parameters = json!({ "tracker_id": tracker, "type": "odometer" });
            parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(anna.call(action, parameters).code(), code, "{action} {tracker}");
        }
        let list = json!({ "trackers": [tracker], "type": "odometer" });
        assert_eq!(anna.call("tracker/counter/value/list", list).code(), 217);
    }
    let many: Vec<_> = (0..501).collect();
    let list = json!({ "trackers": many, "type": "odometer" });
    assert_eq!(anna.call("tracker/counter/value/list", list).code(), 221);
}

#[test]
fn all_that_a_tracker_says() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let start = now().seconds() - 100;
    drive(&server, &[(start, 0, 1), (start + 60, 5, 1)]);
    let create = |sensor: Value| {
        let created = anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor }));
        created.success()["id"].clone()
    };
    let gate = create(
        json!({ "type": "virtual", "sensor_type": "state", "name": "Engine", "input_name": "ignition",
        "parameters": { "calc_method": "identity", "value_titles": [{ "value": "1", "title": "runs" }] } }),
    );
    let sensors = anna.call("tracker/sensor/list", json!({ "tracker_id": tracker })).success();
    let mileage =
        sensors["list"].as_array().unwrap().iter().find(|it| it["input_name"] == "hw_mileage").unwrap()["id"]
            .clone();
    let composite = create(json!({ "type": "metering", "sensor_type": "custom", "name": "Sum",
        "input_name": "composite", "parameters": { "parent_ids": [mileage] } }));

    let read = |parameters: Value| anna.call("tracker/readings/list", parameters).success();
    let all = read(json!({ "tracker_id": tracker }));
    assert_eq!(keys(&all), ["success", "inputs", "states", "virtual_sensors", "counters"]);
    let of = |answer: &Value, name: &str| {
        answer["inputs"].as_array().unwrap().iter().find(|input| input["name"] == name).cloned()
    };
    let expected = json!({ "sensor_id": mileage, "label": "Hardware mileage", "units": "km", "name": "hw_mileage",
        "type": "custom", "value": 1234.5, "units_type": "kilometre", "converted_units_type": null,
        "converted_value": null, "update_time": date(start + 60), "composite_sensor_ids": [composite] });
    assert_eq!(of(&all, "hw_mileage").unwrap().to_string(), expected.to_string());
    assert_eq!(of(&all, "composite").unwrap()["value"], 1234.5);
    let engine = json!([{ "sensor_id": gate, "label": "Engine", "value": "runs", "type": "state",
        "update_time": date(start + 60) }]);
    assert_eq!(all["virtual_sensors"].to_string(), engine.to_string());
    assert_eq!(all["counters"][0]["type"], "odometer");

    let hidden = read(json!({ "tracker_id": tracker, "include_components": false }));
    assert_eq!((of(&hidden, "hw_mileage"), of(&hidden, "composite").is_some()), (None, true));
    let power = read(json!({ "tracker_id": tracker, "sensor_type": "power" }));
    assert!(power["inputs"].as_array().unwrap().iter().all(|input| input["type"] == "power"));
    let nothing = json!([]);
    assert_eq!(
        (&power["states"], &power["virtual_sensors"], &power["counters"]),
        (&nothing, &nothing, &nothing)
    );
    let states = read(json!({ "tracker_id": tracker, "sensor_type": "state" }));
    assert_eq!((&states["inputs"], &states["virtual_sensors"]), (&nothing, &engine));
    let wrong = json!({ "tracker_id": tracker, "sensor_type": "ignition" });
    assert_eq!(anna.call("tracker/readings/list", wrong).wrong_parameters(), ["sensor_type"]);

    let batch = anna.call("tracker/readings/batch_list", json!({ "trackers": [tracker] })).success();
    let mut alone = all;
    alone.as_object_mut().unwrap().remove("success");
    assert_eq!(batch["result"], json!({ tracker.to_string(): alone }));
}

#[test]
fn outputs_have_names() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let read = |anna: &Session| {
        anna.call("tracker/get_outputs", json!({ "tracker_id": tracker })).success()["result"].clone()
    };
    assert_eq!(read(&anna), json!([{ "number": 1, "title": "OUT1", "label": "OUT1" }]));
    let update = |output: Value| {
        anna.call("tracker/output/update", json!({ "tracker_id": tracker, "tracker_output": output }))
    };
    update(json!({ "number": 1, "title": "Lamp" })).success();
    update(json!({ "number": 1, "label": "Horn" })).success();
    let named = json!([{ "number": 1, "title": "Horn", "label": "Horn" }]);
    let batch = anna.call("tracker/batch_get_outputs", json!({ "trackers": [tracker] })).success();
    assert_eq!(batch["result"], json!({ tracker.to_string(): named }));
    for (output, wrong) in [
        (json!({ "number": 2, "title": "x" }), "tracker_output.number"),
        (json!({ "number": 0, "title": "x" }), "tracker_output.number"),
        (json!({ "number": 1 }), "tracker_output.title"),
        (json!({ "title": "x" }), "tracker_output.number"),
    ] {
        assert_eq!(update(output).wrong_parameters(), [wrong]);
    }
    server.restart();
    assert_eq!(read(&server.resume(&anna)), named);
}
