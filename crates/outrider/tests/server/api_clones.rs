//! Sensors, counters and outputs of a source that another tracker stands on too, or that another source took the place
//! of.

use crate::support::{Device, Reaction, Server, Session, now, record};
use api::ACTIONS;
use domain::{ErrorCode, Timestamp};
use serde_json::{Value, json};

const IMEI: &str = "356307042441013";

/// A record with these parameters of the device, 4 bytes each, so many metres to the east.
fn send(server: &Server, imei: &str, time: Timestamp, parameters: &[(u16, u32)]) {
    let mut record = record(time);
    record.parameters = parameters.iter().map(|(id, value)| (*id, value.to_be_bytes().to_vec())).collect();
    let reaction = Device::logged_in(server.teltonika(), imei).send(&[record]);
    assert_eq!(reaction, Reaction::Acknowledged(1));
}

fn ask(session: &Session, action: &str, tracker: i64) -> Value {
    session.call(action, json!({ "tracker_id": tracker, "type": "odometer" })).success()
}

fn user_id(session: &Session) -> Value {
    session.call("user/get_info", json!({})).success()["user_info"]["id"].clone()
}

#[test]
fn what_belongs_to_the_source_is_changed_by_its_owner_only() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let tracker = anna.register("Van", IMEI);
    let other = berta.register("Lorry", "356307042441021");
    let clone = json!({ "tracker_id": tracker, "user_id": user_id(&berta), "label": "Clone" });
    let clone = server.panel().call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap();
    send(&server, IMEI, now(), &[(66, 14_100), (72, 215)]);
    let odometer = json!({ "tracker_id": tracker, "type": "odometer", "value": 1234.5 });
    anna.call("tracker/counter/value/set", odometer).success();

    let kinds = ["tracker/sensor/", "tracker/counter/", "tracker/output/", "tracker/engine_immobilizer/"];
    let refusing = ACTIONS.iter().filter(|entry| {
        kinds.iter().any(|kind| entry.path.starts_with(kind))
            && entry.errors.contains(&ErrorCode::NotAllowedForClones)
    });
    let mut refused = Vec::new();
    for entry in refusing {
        let mut parameters: Value = serde_json::from_str(entry.example).unwrap();
        match entry.path {
            "tracker/sensor/batch_copy" => {
                (parameters["base_tracker_id"], parameters["trackers"]) = (json!(other), json!([clone]));
            }
            _ => parameters["tracker_id"] = json!(clone),
        }
        assert_eq!(berta.call(entry.path, parameters).code(), 219, "{}", entry.path);
        refused.push(entry.path);
    }
    refused.sort_unstable();
    let expected = [
        "tracker/counter/read",
        "tracker/counter/update",
        "tracker/counter/value/set",
        "tracker/engine_immobilizer/set",
        "tracker/output/set",
        "tracker/output/set_all",
        "tracker/output/update",
        "tracker/sensor/batch_copy",
        "tracker/sensor/calibration_data/update",
        "tracker/sensor/create",
        "tracker/sensor/delete",
        "tracker/sensor/update",
    ];
    assert_eq!(refused, expected);

    // Through the clone the same is seen.
    for action in [
        "tracker/sensor/list",
        "tracker/readings/list",
        "tracker/get_counters",
        "tracker/counter/value/get",
        "tracker/get_outputs",
    ] {
        let without_now = |mut answer: Value| {
            answer.as_object_mut().unwrap().remove("user_time");
            answer
        };
        let [own, shared] = [(&anna, tracker), (&berta, clone)].map(|(user, id)| ask(user, action, id));
        assert_eq!(without_now(shared), without_now(own), "{action}");
    }
    // A clone is copied from, if not to.
    let copy = json!({ "base_tracker_id": clone, "trackers": [other] });
    berta.call("tracker/sensor/batch_copy", copy).success();
}

#[test]
fn sensors_and_counters_go_on_with_the_new_device() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let create = |sensor: Value| {
        let created = anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor }));
        created.success()["id"].clone()
    };
    let cargo = create(json!({ "type": "metering", "sensor_type": "temperature", "name": "Cargo",
        "input_name": "ext_temp_sensor_1", "units_type": "celsius", "divider": 0.5 }));
    send(&server, IMEI, now(), &[(72, 215)]);
    let odometer = json!({ "tracker_id": tracker, "type": "odometer", "value": 1000.0 });
    anna.call("tracker/counter/value/set", odometer).success();
    let label = |sensor: &Value| sensor["name"].as_str().unwrap().to_owned();
    let labels = || -> Vec<String> {
        let list = ask(&anna, "tracker/sensor/list", tracker);
        list["list"].as_array().unwrap().iter().map(label).collect()
    };
    let cargo_reads = || {
        let readings = ask(&anna, "tracker/readings/list", tracker);
        let mut inputs = readings["inputs"].as_array().unwrap().iter();
        let found = inputs.find(|input| input["label"] == "Cargo").unwrap();
        (found["sensor_id"].clone(), found["value"].clone())
    };
    assert_eq!(cargo_reads(), (cargo.clone(), json!(43.0)));
    let before = labels();

    let new = json!({ "tracker_id": tracker, "plugin_id": 44, "model": "telfmb920", "device_id": "356307042441021" });
    anna.call("tracker/replace", new).success();
    assert_eq!(labels(), before, "they stay");
    let (_, value) = cargo_reads();
    assert_eq!(value, Value::Null, "the new device has said nothing yet");
    assert_eq!(ask(&anna, "tracker/counter/value/get", tracker)["value"], json!(1000.0));

    send(&server, "356307042441021", now(), &[(72, 100)]);
    assert_eq!(cargo_reads().1, json!(20.0));
    assert_eq!(ask(&anna, "tracker/counter/value/get", tracker)["value"], json!(1000.0));
}
