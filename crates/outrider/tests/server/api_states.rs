//! `tracker/get_state`, `tracker/get_states`, `tracker/get_last_gps_point`: before any data, after it, and for trackers
//! that are blocked, another account's, or not there.

use crate::support::{Device, Reaction, Server, keys, now, record};
use domain::SourceId;
use serde_json::{Value, json};

const STATE: [&str; 16] = [
    "source_id",
    "gps",
    "connection_status",
    "movement_status",
    "movement_status_update",
    "ignition",
    "ignition_update",
    "last_update",
    "gsm",
    "battery_level",
    "battery_update",
    "inputs",
    "inputs_update",
    "outputs",
    "outputs_update",
    "actual_track_update",
];

/// Trackers asked for, `list_blocked`, `allow_not_exist`; trackers with a state, blocked and nonexistent, or a code.
type StatesRow<'a> = (&'a [i64], bool, bool, Result<[&'a [i64]; 3], i64>);

#[test]
fn before_any_data() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let source =
        &anna.call("tracker/read", json!({ "tracker_id": tracker })).success()["value"]["source"]["id"];
    let state = json!({
        "source_id": source,
        "gps": { "updated": null, "signal_level": null, "location": { "lat": 0.0, "lng": 0.0 }, "heading": 0,
            "speed": 0, "alt": 0 },
        "connection_status": "just_registered",
        "movement_status": "parked",
        "movement_status_update": null,
        "ignition": null,
        "ignition_update": null,
        "last_update": null,
        "gsm": { "updated": null, "signal_level": 0, "network_name": "", "roaming": false },
        "battery_level": null,
        "battery_update": null,
        "inputs": [false],
        "inputs_update": null,
        "outputs": [false],
        "outputs_update": null,
        "actual_track_update": null,
    });
    let answer = anna.call("tracker/get_state", json!({ "tracker_id": tracker })).success();
    assert_eq!(keys(&answer), ["success", "user_time", "state"]);
    assert_eq!(answer["state"].to_string(), state.to_string());
    let answer = anna.call("tracker/get_states", json!({ "trackers": [tracker] })).success();
    assert_eq!(keys(&answer), ["success", "user_time", "states"]);
    assert_eq!(answer["states"].to_string(), json!({ tracker.to_string(): state }).to_string());
    let point = anna.call("tracker/get_last_gps_point", json!({ "tracker_id": tracker })).success();
    assert_eq!(point.to_string(), r#"{"success":true,"value":null}"#);
}

#[test]
fn after_a_fix() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van", "356307042441013");
    let sent = now();
    let reaction = Device::logged_in(server.teltonika(), "356307042441013").send(&[record(sent)]);
    assert_eq!(reaction, Reaction::Acknowledged(1));
    let time =
        jiff::Timestamp::from_second(sent.seconds()).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let gps = json!({ "updated": time, "signal_level": 90, "location": { "lat": 53.5511, "lng": 9.9937 },
        "heading": 304, "speed": 64, "alt": 12 });
    let point = json!({ "get_time": time, "heading": 304, "lat": 53.5511, "lng": 9.9937, "satellites": 9,
        "speed": 64, "alt": 12 });
    for _ in ["as it came", "after a crash"] {
        let anna = server.resume(&anna);
        let state = anna.state(tracker);
        assert_eq!(keys(&state), STATE);
        assert_eq!(state["gps"].to_string(), gps.to_string());
        assert_eq!(state["movement_status"], "moving");
        assert_eq!(state["actual_track_update"], *time);
        let answer = anna.call("tracker/get_last_gps_point", json!({ "tracker_id": tracker })).success();
        assert_eq!(answer["value"].to_string(), point.to_string());
        server.kill();
        server.restart();
    }
}

#[test]
fn trackers_that_cannot_be_seen() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let (own, blocked) = (anna.register("Van", "000000000000001"), anna.register("Lorry", "000000000000002"));
    let foreign = berta.register("Bike", "000000000000003");
    let missing = 999_999;
    let source =
        anna.call("tracker/read", json!({ "tracker_id": blocked })).success()["value"]["source"]["id"]
            .clone();
    let source = SourceId(source.as_i64().unwrap());
    server.with_catalog(async |catalog| catalog.block_source(source).await.unwrap());
    let anna = server.resume(&anna);
    let read = anna.call("tracker/read", json!({ "tracker_id": blocked })).success();
    assert_eq!(read["value"]["source"]["blocked"], true);

    for action in ["tracker/get_state", "tracker/get_last_gps_point"] {
        for (tracker, code) in [(blocked, 208), (foreign, 201), (missing, 201), (0, 201), (-1, 201)] {
            assert_eq!(
                anna.call(action, json!({ "tracker_id": tracker })).code(),
                code,
                "{action} {tracker}"
            );
        }
    }
    for (tracker, code) in [(foreign, 201), (missing, 201), (0, 201)] {
        assert_eq!(anna.call("tracker/read", json!({ "tracker_id": tracker })).code(), code);
    }

    let table: &[StatesRow] = &[
        (&[], false, false, Ok([&[], &[], &[]])),
        (&[], true, true, Ok([&[], &[], &[]])),
        (&[own], false, false, Ok([&[own], &[], &[]])),
        (&[own, own], true, true, Ok([&[own], &[], &[]])),
        (&[own, blocked], false, false, Err(208)),
        (&[own, blocked], false, true, Err(208)),
        (&[own, blocked], true, false, Ok([&[own], &[blocked], &[]])),
        (&[own, foreign], false, false, Err(217)),
        (&[own, foreign], true, false, Err(217)),
        (&[own, missing], false, false, Err(217)),
        (&[missing, own, foreign, missing], false, true, Ok([&[own], &[], &[missing, foreign]])),
        (&[blocked, foreign, own, blocked], true, true, Ok([&[own], &[blocked], &[foreign]])),
    ];
    for (trackers, list_blocked, allow_not_exist, expected) in table {
        let parameters =
            json!({ "trackers": trackers, "list_blocked": list_blocked, "allow_not_exist": allow_not_exist });
        let answer = anna.call("tracker/get_states", parameters.clone());
        match expected {
            Err(code) => assert_eq!(answer.code(), *code, "{parameters}"),
            Ok([states, blocked, not_exist]) => {
                let answer = answer.success();
                let optional = [(*list_blocked, "blocked"), (*allow_not_exist, "not_exist")];
                let optional = optional.into_iter().filter_map(|(wanted, key)| wanted.then_some(key));
                let expected: Vec<_> =
                    ["success", "user_time", "states"].into_iter().chain(optional).collect();
                assert_eq!(keys(&answer), expected, "{parameters}");
                let ids: Vec<_> = states.iter().map(ToString::to_string).collect();
                assert_eq!(keys(&answer["states"]), ids, "{parameters}");
                for (key, ids) in [("blocked", blocked), ("not_exist", not_exist)] {
                    assert_eq!(answer.get(key).cloned().unwrap_or(json!([])), json!(ids), "{parameters}");
                }
            }
        }
    }

    let of = |count: i64| -> Value {
        json!({ "trackers": (1..=count).collect::<Vec<_>>(), "allow_not_exist": true, "list_blocked": true })
    };
    let answer = anna.call("tracker/get_states", of(2000)).success();
    assert_eq!(answer["not_exist"].as_array().unwrap().len(), 2000 - 2);
    assert_eq!(anna.call("tracker/get_states", of(2001)).wrong_parameters(), ["trackers"]);
}
