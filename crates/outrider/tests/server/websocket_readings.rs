//! The WebSocket: what `readings_batch` and `iot_monitor` push, and when.

use crate::{
    support::{Device, Reaction, Server, Session, now, record},
    websocket::{Client, PATH},
};
use domain::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const IMEI: &str = "356307042441013";
/// Teltonika's ids.
const BOARD_VOLTAGE: u16 = 66;
const PROBE: u16 = 72;

fn send(device: &mut Device, time: Timestamp, parameters: &[(u16, u16)]) {
    let mut record = record(time);
    record.parameters = parameters.iter().map(|(id, value)| (*id, value.to_be_bytes().to_vec())).collect();
    assert_eq!(device.send(&[record]), Reaction::Acknowledged(1));
}

fn subscribe_to_readings(client: &mut Client, session: &Session, more: Value) {
    let mut request = json!({ "type": "readings_batch", "target": { "type": "all" }, "rate_limit": "0s" });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let response = client.subscribe(session, json!([request]));
    assert_eq!(response["events"], json!(["readings_batch"]), "{response}");
}

/// The readings of the next message, which are of this tracker alone.
#[track_caller]
fn next_readings(client: &mut Client, tracker: i64) -> Value {
    let data = client.event("readings_batch");
    let trackers = data[0].as_object().unwrap();
    assert_eq!((data.as_array().unwrap().len(), trackers.len()), (1, 1), "{data}");
    trackers[&tracker.to_string()].clone()
}

/// The first readings that have this input, and that soon.
#[track_caller]
fn readings_with(client: &mut Client, tracker: i64, input: &str) -> Value {
    let mut next = (0..10).map(|_| next_readings(client, tracker));
    next.find(|readings| names(readings).contains(&input)).expect("readings with the input")
}

fn names(readings: &Value) -> Vec<&str> {
    readings["inputs"].as_array().unwrap().iter().map(|input| input["name"].as_str().unwrap()).collect()
}

fn set_units(session: &Session, system: &str) {
    session.call("user/settings/update", json!({ "measurement_system": system })).success();
}

#[test]
fn readings_come_whole_at_first_and_then_what_is_new() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let batch_list = || {
        let answer = anna.call("tracker/readings/batch_list", json!({ "trackers": [tracker] }));
        json!([answer.success()["result"]])
    };
    let mut client = Client::connect(server.http(), PATH);
    subscribe_to_readings(&mut client, &anna, json!({}));
    assert_eq!(client.event("readings_batch"), batch_list());

    let (mut device, start) = (Device::logged_in(server.teltonika(), IMEI), now());
    send(&mut device, start, &[(BOARD_VOLTAGE, 14_100), (PROBE, 215)]);
    let readings = readings_with(&mut client, tracker, "board_voltage");
    assert_eq!(names(&readings), ["board_voltage", "ext_temp_sensor_1"]);
    assert_eq!(
        (&readings["inputs"][0]["value"], &readings["inputs"][1]["value"]),
        (&json!(14.1), &json!(21.5))
    );

    // The other one has not spoken again.
    send(&mut device, start.plus(Duration::from_secs(1)), &[(BOARD_VOLTAGE, 13_900)]);
    assert_eq!(names(&readings_with(&mut client, tracker, "board_voltage")), ["board_voltage"]);

    // What people change is told as well, and nothing else is.
    let sensor = json!({ "type": "metering", "sensor_type": "temperature", "name": "Cargo", "divider": 0.5,
        "input_name": "ext_temp_sensor_1", "units_type": "celsius" });
    let sensor = anna.call("tracker/sensor/create", json!({ "tracker_id": tracker, "sensor": sensor }));
    let sensor = sensor.success()["id"].clone();
    let created = next_readings(&mut client, tracker);
    assert_eq!((&created["inputs"][0]["sensor_id"], &created["inputs"][0]["value"]), (&sensor, &json!(43.0)));
    assert_eq!((names(&created).len(), &created["states"]), (1, &json!([])));

    let odometer = json!({ "tracker_id": tracker, "type": "odometer", "value": 1234.5 });
    anna.call("tracker/counter/value/set", odometer).success();
    let counted = next_readings(&mut client, tracker);
    assert_eq!((&counted["inputs"], &counted["counters"][0]["value"]), (&json!([]), &json!(1234.5)));

    set_units(&anna, "us");
    let converted = next_readings(&mut client, tracker);
    assert_eq!(converted["inputs"][0]["converted_units_type"], "fahrenheit");
    assert_eq!(names(&converted), ["ext_temp_sensor_1"]);

    // Who asks again is told all again.
    subscribe_to_readings(&mut client, &anna, json!({}));
    assert_eq!(client.event("readings_batch"), batch_list());
}

#[test]
fn what_cannot_be_read_is_in_nobodys_way() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let [first, second, third] =
        ["356307042441011", "356307042441012", IMEI].map(|imei| anna.register("Van", imei));
    server.stop();
    let catalog = rusqlite::Connection::open(server.data_dir().join("catalog.sqlite")).unwrap();
    let damage = "UPDATE counters SET definition = 'nonsense' \
        WHERE source_id IN (SELECT source_id FROM trackers WHERE id IN (?1, ?2))";
    catalog.execute(damage, [first, second]).unwrap();
    drop(catalog);
    server.restart();
    let anna = server.resume(&anna);
    let mut client = Client::connect(server.http(), PATH);
    subscribe_to_readings(&mut client, &anna, json!({}));
    next_readings(&mut client, third);

    let mut device = Device::logged_in(server.teltonika(), IMEI);
    send(&mut device, now(), &[(BOARD_VOLTAGE, 14_100)]);
    readings_with(&mut client, third, "board_voltage");
}

#[test]
fn only_the_wanted_readings_are_pushed() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    send(&mut device, now(), &[(BOARD_VOLTAGE, 14_100), (PROBE, 215)]);
    for wanted in [
        json!({ "sensor_type": "temperature" }),
        json!({ "sensor_type": "temperature", "include_components": false }),
        json!({ "sensor_type": "virtual_ignition" }),
        json!({ "include_components": false }),
    ] {
        let mut asked = wanted.clone();
        asked["tracker_id"] = json!(tracker);
        let mut expected = anna.call("tracker/readings/list", asked).success();
        expected.as_object_mut().unwrap().remove("success");
        let mut client = Client::connect(server.http(), PATH);
        subscribe_to_readings(&mut client, &anna, wanted.clone());
        assert_eq!(next_readings(&mut client, tracker), expected, "{wanted}");
    }
}

#[test]
fn that_a_device_falls_silent_is_no_reading() {
    let server = Server::start_with("[status]\nidle_timeout = \"1s\"\noffline_timeout = \"2s\"\n");
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let mut client = Client::connect(server.http(), PATH);
    subscribe_to_readings(&mut client, &anna, json!({}));
    next_readings(&mut client, tracker);
    client.subscribe(&anna, json!([{ "type": "state", "trackers": [tracker] }]));
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    send(&mut device, now(), &[(BOARD_VOLTAGE, 14_100)]);
    let (mut readings, mut statuses) = (Vec::new(), Vec::new());
    while statuses.last() != Some(&json!("offline")) {
        let message = client.next();
        match message["event"].as_str() {
            Some("readings_batch") => readings.push(message["data"][0][tracker.to_string()].clone()),
            _ => statuses.push(message["data"]["connection_status"].clone()),
        }
        // Before the device came it was not known at all.
        statuses.retain(|status| *status != "just_registered");
    }
    // What the device said may come in two parts; nothing comes twice.
    assert!(readings.iter().any(|it| !it["inputs"][0].is_null()), "{readings:?}");
    assert!(readings.windows(2).all(|pair| pair[0] != pair[1]), "{readings:?}");
    assert!(statuses.contains(&json!("active")), "{statuses:?}");
}

#[test]
fn readings_of_blocked_trackers_wait() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", IMEI);
    let mut client = Client::connect(server.http(), PATH);
    subscribe_to_readings(&mut client, &anna, json!({}));
    let whole = next_readings(&mut client, tracker);
    let panel = server.panel();
    let block = |blocked: bool| {
        panel
            .call("panel/tracker/source/update", json!({ "tracker_id": tracker, "blocked": blocked }))
            .success()
    };
    block(true);
    assert_eq!(client.event("lifecycle")["lifecycle_event"], "block");
    let request =
        json!([{ "type": "readings_batch", "target": { "type": "selected", "tracker_ids": [tracker] } }]);
    let standings = client.subscribe(&anna, request)["data"]["readings_batch"]["value"].clone();
    assert_eq!(standings, json!({ tracker.to_string(): "blocked" }));
    block(false);
    assert_eq!(client.event("lifecycle")["lifecycle_event"], "unblock");
    assert_eq!(next_readings(&mut client, tracker), whole);
}

#[test]
fn the_monitor_shows_what_the_last_messages_held() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let tracker = anna.register("Van", IMEI);
    let foreign = berta.register("Van", "356307042441021");
    let (mut device, start) = (Device::logged_in(server.teltonika(), IMEI), now());
    let at = |seconds: i64| Timestamp::from_seconds(start.seconds() + seconds);
    send(&mut device, at(-2), &[(BOARD_VOLTAGE, 14_100), (PROBE, 215)]);
    send(&mut device, at(-1), &[(BOARD_VOLTAGE, 13_900)]);

    let mut client = Client::connect(server.http(), PATH);
    let target = json!({ "type": "selected", "tracker_ids": [tracker, foreign] });
    let request = json!([{ "type": "iot_monitor", "target": target, "rate_limit": "0s" }]);
    let response = client.subscribe(&anna, request.clone());
    assert_eq!(response["events"], json!(["iot_monitor"]));
    let standings = json!({ tracker.to_string(): "normal", foreign.to_string(): "unknown" });
    assert_eq!(response["data"]["iot_monitor"], json!({ "success": true, "value": standings }));

    let next = |client: &mut Client| {
        let data = client.event("iot_monitor");
        let values = data["iot_last_values"].as_array().unwrap();
        assert_eq!((values.len(), &values[0]["tracker_id"]), (1, &json!(tracker)), "{data}");
        values[0].clone()
    };
    let column = |values: &Value, key: &str| -> Vec<Value> {
        values.as_array().unwrap().iter().map(|value| value[key].clone()).collect()
    };
    let values = next(&mut client);
    let (present, all) = (&values["nonnull_fields"], &values["all_fields"]);
    for (queue, expected) in [
        (&all["board_voltage"], vec![json!("13.9"), json!("14.1")]),
        (&present["board_voltage"], vec![json!("13.9"), json!("14.1")]),
        (&all["ext_temp_sensor_1"], vec![Value::Null, json!("21.5")]),
        (&present["ext_temp_sensor_1"], vec![json!("21.5")]),
    ] {
        assert_eq!(column(queue, "value"), expected, "{values}");
    }
    assert!(all["satellites"][0]["value"].is_i64() && all["latitude"][0]["value"].is_string(), "{values}");
    let time = |seconds: i64| json!(Timestamp::from_seconds(start.seconds() + seconds).to_string());
    assert_eq!(column(&all["board_voltage"], "msg_time"), [time(-1), time(-2)]);
    assert!(all["board_voltage"][0]["srv_time"].as_str().unwrap().ends_with('Z'));

    // A new message comes first; one from the past takes its place.
    for (seconds, millivolts, expected) in [(0, 14_000, [0, -1, -2]), (-90, 12_000, [0, -1, -2])] {
        send(&mut device, at(seconds), &[(BOARD_VOLTAGE, millivolts)]);
        let mut times = column(&next(&mut client)["all_fields"]["board_voltage"], "msg_time");
        assert_eq!(times[..3], expected.map(time));
        assert_eq!(times.split_off(3), Vec::from_iter((seconds < 0).then(|| time(seconds))));
    }

    let fleet: Vec<_> =
        (0..10).map(|n| anna.register("Lorry", &format!("{}", 356_307_042_450_000_u64 + n))).collect();
    let target = json!({ "type": "selected", "tracker_ids": fleet });
    let response = client.subscribe(&anna, json!([{ "type": "iot_monitor", "target": target }]));
    let standings = response["data"]["iot_monitor"]["value"].as_object().unwrap();
    assert_eq!(standings.values().filter(|standing| *standing == "disallowed").count(), 1, "{response}");
    let unsubscribe = json!({ "action": "unsubscribe", "requests": request });
    client.send(&anna, unsubscribe);
    let response = client.response();
    assert_eq!(response["data"]["iot_monitor"]["value"][tracker.to_string()], "normal");
}
