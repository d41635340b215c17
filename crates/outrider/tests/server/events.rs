//! Events: what became of a command is listed, read, and pushed; each once, for those who see the tracker.

use crate::{
    support::{Device, Heard, Reaction, Server, Session, keys, now, record},
    websocket::{Client, PATH},
};
use domain::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const IMEI: &str = "356307042441013";

fn shown(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.millis()).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// From an hour ago for two hours; the users of these tests live in UTC.
fn today() -> Value {
    let hour = Duration::from_secs(3600);
    json!({ "from": shown(now().minus(hour)), "to": shown(now().plus(hour)), "add_tracker_label": false })
}

fn list(session: &Session) -> Vec<Value> {
    session.call("history/user/list", today()).success()["list"].as_array().unwrap().clone()
}

fn unread(session: &Session) -> i64 {
    session.call("history/unread/count", json!({})).success()["count"].as_i64().unwrap()
}

fn send(session: &Session, tracker: i64, command: &str) {
    session.call("tracker/raw_command/send", json!({ "tracker_id": tracker, "command": command })).success();
}

fn newest_command(session: &Session, tracker: i64) -> Value {
    let log =
        session.call("tracker/command/log/list", json!({ "tracker_id": tracker, "limit": 1 })).success();
    log["list"][0].clone()
}

fn following(server: &Server, session: &Session) -> Client {
    let mut client = Client::connect(server.http(), PATH);
    let response = client.subscribe(session, json!([{ "type": "event", "target": { "type": "all" } }]));
    assert_eq!(response["events"], json!(["event"]));
    client
}

/// A sub-user without rights who sees these trackers.
fn driver(server: &Server, anna: &Session, trackers: &[i64]) -> Session {
    let user = json!({ "user": { "login": "driver@example.com" }, "password": "correct horse" });
    let user = anna.call("subuser/register", user).success()["id"].clone();
    anna.call("subuser/tracker/bind", json!({ "subuser_id": user, "trackers": trackers })).success();
    let hash = anna.call("subuser/session/create", json!({ "subuser_id": user })).success()["hash"].clone();
    Session::new(server.http(), hash.as_str())
}

#[test]
fn what_became_of_a_command_is_pushed_listed_and_read() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let (van, bike) = (anna.register("Van", IMEI), anna.register("Bike", "356307042441014"));
    let driver = driver(&server, &anna, &[bike]);
    let (mut annas, mut drivers) = (following(&server, &anna), following(&server, &driver));
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now().minus(Duration::from_secs(120)))]), Reaction::Acknowledged(1));
    assert_eq!((list(&anna), unread(&anna)), (vec![], 0));

    send(&anna, van, "setparam 2004:hunter2");
    assert_eq!(device.hear(), Heard::Command("setparam 2004:hunter2".to_owned()));
    assert_eq!(list(&anna), [] as [Value; 0], "nothing has become of it yet");
    let asked = now();
    device.answer("Param ID:2004 New Text:hunter2");
    let event = annas.event("event");
    assert!(now().since(asked) < Duration::from_secs(5), "{asked:?}");
    assert_eq!(
        keys(&event),
        [
            "id",
            "type",
            "is_read",
            "message",
            "time",
            "event",
            "tracker_id",
            "rule_id",
            "track_id",
            "location",
            "address",
            "extra"
        ]
    );
    let command = newest_command(&anna, van);
    assert_eq!(
        (&command["state"], &command["reply"]),
        (&json!("acknowledged"), &json!("Param ID:2004 New Text:hunter2"))
    );
    assert_eq!(
        (&event["event"], &event["message"], &event["tracker_id"], &event["is_read"]),
        (&json!("info"), &json!("Command: done"), &json!(van), &json!(false))
    );
    assert_eq!(event["location"], json!({ "lat": 53.5511, "lng": 9.9937, "precision": 0 }));
    assert_eq!(event["extra"]["command_id"], command["id"]);
    assert_eq!(
        (&event["extra"]["tracker_label"], &event["extra"]["last_known_location"]),
        (&json!("Van"), &json!(true))
    );
    assert_eq!(event["time"], command["finished"]);
    assert_eq!(list(&anna), std::slice::from_ref(&event));

    // An output, a location and a cancelled one.
    anna.call("tracker/output/set", json!({ "tracker_id": van, "output": 1, "enable": true })).success();
    assert!(matches!(device.hear(), Heard::Command(_)));
    device.answer("DOUT1:1 Timeout:INFINITY");
    anna.call("tracker/location_request", json!({ "tracker_id": van, "type": "gprs" })).success();
    assert_eq!(device.hear(), Heard::Command("getgps".to_owned()));
    device.answer("GPS:1 Sat:9 Lat:53.551100 Long:9.993700 Alt:12 Speed:64 Dir:304");
    send(&anna, bike, "getinfo");
    let told: Vec<_> = (0..2).map(|_| annas.event("event")).collect();
    anna.call("tracker/command/unconfirmed/reset", json!({ "tracker_id": bike })).success();
    let cancelled = annas.event("event");
    let told: Vec<_> = told.iter().map(|event| (&event["event"], &event["message"])).collect();
    assert_eq!(
        told,
        [
            (&json!("output_change"), &json!("Output 1 on")),
            (&json!("location_response"), &json!("Location received")),
        ]
    );
    assert_eq!(cancelled["message"], "Command: cancelled");
    // Where nothing was ever heard of the device.
    assert_eq!(cancelled["location"], json!({ "lat": 0.0, "lng": 0.0, "precision": 0 }));
    assert_eq!(drivers.event("event"), cancelled, "of the bike alone");
    assert_eq!(list(&driver), std::slice::from_ref(&cancelled));
    assert_eq!(driver.call("history/read", json!({ "id": event["id"] })).code(), 201);

    // Filters, pages, and what was read.
    let all = list(&anna);
    let id = |event: &Value| event["id"].clone();
    let ids: Vec<_> = all.iter().map(id).collect();
    for (more, expected) in [
        (json!({}), &ids[..]),
        (json!({ "limit": 2 }), &ids[..2]),
        (json!({ "events": ["output_change", "sos"] }), &ids[1..2]),
        (json!({ "events": ["sos"] }), &[]),
        (json!({ "events": [] }), &ids),
        (json!({ "only_emergency": true }), &[]),
        (json!({ "trackers": [bike] }), &ids[3..]),
        (json!({ "trackers": [van, van] }), &ids[..3]),
    ] {
        let mut wanted = today();
        more.as_object().unwrap().iter().for_each(|(name, value)| wanted[name] = value.clone());
        let action =
            if more.get("trackers").is_some() { "history/tracker/list" } else { "history/user/list" };
        for ascending in [true, false] {
            wanted["ascending"] = json!(ascending);
            let answer = anna.call(action, wanted.clone()).success();
            assert_eq!(keys(&answer), ["success", "list", "limit_exceeded", "total", "total_unread"]);
            let found: Vec<_> = answer["list"].as_array().unwrap().iter().map(id).collect();
            let mut expected = expected.to_vec();
            if !ascending && more.get("limit").is_none() {
                expected.reverse();
            }
            if ascending || more.get("limit").is_none() {
                assert_eq!(found, expected, "{wanted}");
            }
            assert_eq!(answer["limit_exceeded"], json!(more.get("limit").is_some()), "{wanted}");
            assert_eq!(answer["total"], answer["total_unread"]);
        }
    }
    let read = anna.call("history/read", json!({ "id": ids[0], "add_tracker_label": true })).success();
    assert_eq!(read["value"]["message"], "Van: Command: done");
    assert_eq!((unread(&anna), unread(&driver)), (4, 1));
    anna.call("history/mark_read", json!({ "id": ids[3] })).success();
    assert_eq!(anna.call("history/mark_read", json!({ "id": ids[3] })).code(), 201, "it was read");
    assert_eq!((unread(&anna), unread(&driver)), (3, 1), "each reads by itself");
    let newest = anna.call("history/unread/list", json!({ "limit": 2 })).success()["list"].clone();
    assert_eq!(
        newest.as_array().unwrap().iter().map(id).collect::<Vec<_>>(),
        [ids[2].clone(), ids[1].clone()]
    );
    anna.call("history/mark_read_all", json!({})).success();
    assert_eq!((unread(&anna), unread(&driver)), (0, 1));
    assert!(list(&anna).iter().all(|event| event["is_read"] == true));
    for kind in ["socket", "camera"] {
        assert_eq!(driver.call("history/unread/count", json!({ "type": kind })).success()["count"], 0);
    }
}

#[test]
fn a_clone_is_told_of_places_and_not_of_commands_of_others() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let van = anna.register("Van", IMEI);
    let info = berta.call("user/get_info", json!({})).success();
    let clone = json!({ "tracker_id": van, "user_id": info["user_info"]["id"], "label": "Clone" });
    let clone = server.panel().call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap();
    let mut bertas = following(&server, &berta);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now().minus(Duration::from_secs(120)))]), Reaction::Acknowledged(1));
    send(&anna, van, "getinfo");
    assert!(matches!(device.hear(), Heard::Command(_)));
    device.answer("ok");
    berta.call("tracker/location_request", json!({ "tracker_id": clone, "type": "gprs" })).success();
    assert_eq!(device.hear(), Heard::Command("getgps".to_owned()));
    device.answer("GPS:1 Sat:9");
    let told = bertas.event("event");
    assert_eq!((&told["event"], &told["tracker_id"]), (&json!("location_response"), &json!(clone)));
    assert_eq!(list(&berta), [told]);
    let messages: Vec<_> = list(&anna).iter().map(|event| event["message"].clone()).collect();
    assert_eq!(messages, ["Command: done"]);
}

#[test]
fn a_command_that_was_answered_when_the_server_was_killed_is_told_once() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    for round in 0..6 {
        let anna = server.resume(&anna);
        let mut client = following(&server, &anna);
        let mut device = Device::logged_in(server.teltonika(), IMEI);
        assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
        send(&anna, van, &format!("getinfo {round}"));
        let command = Heard::Command(format!("getinfo {round}"));
        assert_eq!(device.hear(), command);
        device.answer("done");
        // In some rounds the answer was written down before, in some it may not have been.
        if round % 2 == 1 {
            client.event("event");
        }
        server.kill();
        server.restart();
        let anna = server.resume(&anna);
        let mut client = following(&server, &anna);
        let mut device = Device::logged_in(server.teltonika(), IMEI);
        assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
        if newest_command(&anna, van)["state"] != "acknowledged" {
            // It comes again, which a device takes for the same.
            assert_eq!(device.hear(), command);
            device.answer("done");
            client.event("event");
        }
        let id = newest_command(&anna, van)["id"].clone();
        let events = list(&anna);
        assert_eq!(events.iter().filter(|event| event["extra"]["command_id"] == id).count(), 1, "{events:?}");
        assert_eq!(events.len(), round + 1);
    }
}

#[test]
fn the_log_has_pages_and_hides_what_a_lock_is_told() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    for number in 0..5 {
        send(&anna, van, &format!("getinfo {number}"));
    }
    anna.call("tracker/command/unconfirmed/reset", json!({ "tracker_id": van })).success();
    send(&anna, van, "getver");
    for (which, count, expected) in [
        (json!({}), 6, &["getver", "getinfo 4", "getinfo 3", "getinfo 2", "getinfo 1", "getinfo 0"][..]),
        (json!({ "limit": 2 }), 6, &["getver", "getinfo 4"]),
        (json!({ "limit": 2, "offset": 4 }), 6, &["getinfo 1", "getinfo 0"]),
        (json!({ "offset": 6 }), 6, &[]),
        (json!({ "states": ["queued", "sent"] }), 1, &["getver"]),
        (json!({ "states": ["cancelled"], "limit": 1, "offset": 1 }), 5, &["getinfo 3"]),
        (
            json!({ "states": [] }),
            6,
            &["getver", "getinfo 4", "getinfo 3", "getinfo 2", "getinfo 1", "getinfo 0"],
        ),
    ] {
        let mut wanted = which.clone();
        wanted["tracker_id"] = json!(van);
        let log = anna.call("tracker/command/log/list", wanted).success();
        let told: Vec<_> =
            log["list"].as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
        assert_eq!((told, &log["count"]), (expected.to_vec(), &json!(count)), "{which}");
    }
    let wrong = json!({ "tracker_id": van, "states": ["gone"], "offset": -1 });
    assert_eq!(anna.call("tracker/command/log/list", wrong).wrong_parameters(), ["states", "offset"]);
}

#[test]
fn a_device_that_was_let_in_is_not_corrupted() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    for number in 0..20 {
        let imei = format!("3563070424411{number:02}");
        let tracker = anna.register("Van", &imei);
        let _device = Device::logged_in(server.teltonika(), &imei);
        assert_eq!(anna.call("tracker/corrupt", json!({ "tracker_id": tracker })).code(), 243);
    }
}
