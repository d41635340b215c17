//! Events: what became of a command is listed, read, and pushed; each once, for those who see the tracker.

use crate::{
    support::{Device, Heard, Reaction, Server, Session, keys, now, record},
    websocket::{Client, PATH},
};
use domain::{Command, EventKind, Reliability, SourceId, Timestamp, TrackerId};
use serde_json::{Value, json};
use std::time::Duration;
use store::catalog::{NewCommand, NewEvent};

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
fn an_event_happened_where_the_device_was_seen_within_a_day() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let places = [(47, false), (23, true)].map(|(hours, is_known)| {
        let imei = format!("3563070424411{hours}");
        let tracker = anna.register("Van", &imei);
        let mut device = Device::logged_in(server.teltonika(), &imei);
        let seen = now().minus(Duration::from_secs(3600 * hours));
        assert_eq!(device.send(&[record(seen)]), Reaction::Acknowledged(1));
        drop(device);
        send(&anna, tracker, "getinfo");
        anna.call("tracker/command/unconfirmed/reset", json!({ "tracker_id": tracker })).success();
        (imei, tracker, is_known)
    });
    let locations = || -> Vec<_> { list(&anna).iter().map(|event| event["location"].clone()).collect() };
    let nowhere = json!({ "lat": 0.0, "lng": 0.0, "precision": 0 });
    let before = locations();
    assert_eq!(before.iter().map(|it| *it != nowhere).collect::<Vec<_>>(), places.each_ref().map(|it| it.2));
    // That the devices report again changes nothing of what was.
    for (imei, tracker, _) in places {
        let mut device = Device::logged_in(server.teltonika(), &imei);
        assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
        assert_eq!(anna.state(tracker)["connection_status"], "active");
    }
    assert_eq!(locations(), before);
}

#[test]
fn events_are_shown_for_as_long_as_history() {
    let mut server = Server::start();
    let panel = server.panel();
    let short = json!({ "tariff": { "name": "Short", "device_type": "tracker", "store_period": "3h",
        "features": ["multilevel_access"] } });
    let short = panel.call("panel/tariff/create", short).success()["id"].clone();
    let anna = server.user("anna@example.com");
    let trackers = [IMEI, "356307042441014"].map(|imei| anna.register("Van", imei));
    let sources = trackers.map(|tracker| {
        let read = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
        SourceId(read["value"]["source"]["id"].as_i64().unwrap())
    });
    let change = json!({ "tracker_id": trackers[1], "tariff_id": short, "repay": false, "charge": false });
    panel.call("panel/tracker/tariff/change", change).success();
    let driver = driver(&server, &anna, &trackers);
    let privileges = json!({ "rights": [], "store_period": "1h" });
    let group = json!({ "group": { "label": "Drivers", "privileges": privileges } });
    let group = anna.call("subuser/security_group/create", group).success()["id"].clone();
    let user = driver.call("user/get_info", json!({})).success()["user_info"]["id"].clone();

    let ages = [2, 120, 240];
    server.with_catalog(async |catalog| {
        for (source, age) in sources.iter().flat_map(|source| ages.map(|age| (*source, age))) {
            let new = NewEvent {
                source,
                kind: EventKind::Info,
                time: now().minus(Duration::from_secs(60 * age)),
                message: format!("{age} minutes ago"),
                cause: format!("{age}"),
                place: None,
            };
            assert!(catalog.record_event(&new).await.unwrap());
        }
    });
    let (anna, driver) = (server.resume(&anna), server.resume(&driver));
    let seen = |session: &Session| -> Vec<(Value, Value)> {
        let day = Duration::from_secs(86_400);
        let span = json!({ "from": shown(now().minus(day)), "to": shown(now()), "add_tracker_label": false });
        let answer = session.call("history/user/list", span.clone()).success();
        let events = answer["list"].as_array().unwrap();
        assert_eq!((&answer["total"], &answer["total_unread"]), (&json!(events.len()), &json!(events.len())));
        let count = json!({ "from": span["from"] });
        assert_eq!(session.call("history/unread/count", count).success()["count"], json!(events.len()));
        let mut of_trackers = span;
        of_trackers["trackers"] = json!(trackers);
        assert_eq!(session.call("history/tracker/list", of_trackers).success()["list"], answer["list"]);
        events.iter().map(|event| (event["tracker_id"].clone(), event["message"].clone())).collect()
    };
    let event = |tracker: usize, age: i64| (json!(trackers[tracker]), json!(format!("{age} minutes ago")));
    let of_all = [event(0, 240), event(0, 120), event(1, 120), event(0, 2), event(1, 2)];
    assert_eq!(seen(&anna), of_all);
    assert_eq!(seen(&driver), of_all);
    let ids: Vec<_> = anna.call("history/unread/list", json!({})).success()["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["id"].clone(), event["message"].clone()))
        .collect();
    let update = json!({ "user": { "id": user, "security_group_id": group } });
    anna.call("subuser/update", update).success();
    assert_eq!(seen(&driver), [event(0, 2), event(1, 2)]);
    for (id, message) in ids {
        let code = if message == "2 minutes ago" { None } else { Some(201) };
        for action in ["history/read", "history/mark_read"] {
            let answer = driver.call(action, json!({ "id": id }));
            assert_eq!(answer.body["status"]["code"].as_i64(), code, "{action} {message}");
        }
    }
}

#[test]
fn who_watches_hears_at_once_of_what_the_log_writes_down() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    let read = anna.call("tracker/read", json!({ "tracker_id": van })).success();
    let expired = NewCommand {
        source: SourceId(read["value"]["source"]["id"].as_i64().unwrap()),
        tracker: Some(TrackerId(van)),
        user: None,
        command: Command::Text("getinfo".into()),
        reliability: Reliability::Repeated,
        asked: now().minus(Duration::from_secs(3600)),
        expires: now().minus(Duration::from_secs(60)),
    };
    server.with_catalog(async |catalog| catalog.enqueue_command(&expired).await.unwrap());
    let anna = server.resume(&anna);
    let mut watching = following(&server, &anna);
    // What it has to look at when it begins is behind it with the first event.
    let bike = anna.register("Bike", "356307042441014");
    send(&anna, bike, "getinfo");
    anna.call("tracker/command/unconfirmed/reset", json!({ "tracker_id": bike })).success();
    assert_eq!(watching.event("event")["tracker_id"], bike);
    let asked = now();
    let log = json!({ "tracker_id": van, "states": ["expired"] });
    assert_eq!(anna.call("tracker/command/log/list", log).success()["count"], 1);
    assert_eq!(watching.event("event")["message"], "Command: expired before the device was there");
    // By itself the server looks every minute.
    assert!(now().since(asked) < Duration::from_secs(5), "{asked:?}");
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
