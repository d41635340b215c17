//! `tracker/settings/…`: label and group, radius of positions from cells, special settings of device models.

use crate::support::{Device, Server, Session, keys, now, record};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};
use store::catalog::Catalog;

const IMEI: &str = "356307042441013";
/// Padlocks: model, device id, type of settings, right and wrong passwords.
type Lock = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const LOCKS: [Lock; 2] = [
    ("totarget_tt08", "123456789012", "vg_lock_password", &["123456"], &["12345", "1234567", "12345a", ""]),
    (
        "jointech_jt701",
        "7012345678",
        "jointech_lock_password",
        &["888888", "d45s6w"],
        &["d45 6w", "d45,6w", "d45s6"],
    ),
];

fn of(session: &Session, action: &str, tracker: i64) -> Value {
    session.call(action, json!({ "tracker_id": tracker })).success()
}

#[test]
fn label_group_and_radius() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let van = anna.register("Van", IMEI);
    let group = json!({ "title": "Vans", "color": "FFFFFF" });
    let vans = anna.call("tracker/group/create", group.clone()).success()["id"].as_i64().unwrap();
    let foreign = berta.call("tracker/group/create", group).success()["id"].as_i64().unwrap();
    let answer = of(&anna, "tracker/settings/read", van);
    assert_eq!(answer, json!({ "success": true, "settings": { "label": "Van", "group_id": 0 } }));
    let update = |session: &Session, label: &str, group: i64| {
        let settings = json!({ "tracker_id": van, "label": label, "group_id": group });
        session.call("tracker/settings/update", settings)
    };
    update(&anna, "Größe 7", vans).success();
    let long = "x".repeat(61);
    for label in ["", "a<b", "a>b", "a\u{1}", &long] {
        assert_eq!(update(&anna, label, vans).wrong_parameters(), ["label"], "{label}");
    }
    for (session, group, code) in [(&anna, foreign, 204), (&anna, 999, 204), (&berta, foreign, 201)] {
        assert_eq!(update(session, "x", group).code(), code);
    }
    let radius = |session: &Session| session.call("tracker/settings/lbs/read", json!({ "tracker_id": van }));
    let set_radius = |session: &Session, metres: Value| {
        session.call("tracker/settings/lbs/update", json!({ "tracker_id": van, "max_radius": metres }))
    };
    assert_eq!(radius(&anna).success(), json!({ "success": true, "max_radius": 300 }));
    for metres in [json!(10_001), json!(-1), Value::Null] {
        assert_eq!(set_radius(&anna, metres).wrong_parameters(), ["max_radius"]);
    }
    set_radius(&anna, json!(0)).success();
    set_radius(&anna, json!(10_000)).success();
    assert_eq!((radius(&berta).code(), set_radius(&berta, json!(5)).code()), (204, 204));

    server.kill();
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(
        of(&anna, "tracker/settings/read", van)["settings"],
        json!({ "label": "Größe 7", "group_id": vans })
    );
    assert_eq!(radius(&anna).success()["max_radius"], 10_000);
    let tracker = of(&anna, "tracker/read", van)["value"].clone();
    assert_eq!((&tracker["label"], &tracker["group_id"]), (&json!("Größe 7"), &json!(vans)));

    // Of a blocked device nothing is told and nothing changed.
    let source = tracker["source"]["id"].as_i64().unwrap();
    server.with_catalog(async |catalog: &Catalog| {
        catalog.block_source(domain::SourceId(source)).await.unwrap();
    });
    let anna = server.resume(&anna);
    let value = json!({ "type": "device_status_settings", "offline_timeout_seconds": 600 });
    for (action, parameters) in [
        ("tracker/settings/read", json!({})),
        ("tracker/settings/update", json!({ "label": "x", "group_id": 0 })),
        ("tracker/settings/lbs/read", json!({})),
        ("tracker/settings/lbs/update", json!({ "max_radius": 5 })),
        ("tracker/settings/special/read", json!({})),
        ("tracker/settings/special/update", json!({ "value": value })),
    ] {
        let mut parameters = parameters;
        parameters["tracker_id"] = json!(van);
        assert_eq!(anna.call(action, parameters).code(), 208, "{action}");
    }
}

#[test]
fn a_device_is_offline_when_its_settings_say() {
    let mut server = Server::start_with("[status]\nidle_timeout = \"1s\"\noffline_timeout = \"2s\"\n");
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    let set = |session: &Session, seconds: Value| {
        let value = json!({ "type": "device_status_settings", "offline_timeout_seconds": seconds });
        session.call("tracker/settings/special/update", json!({ "tracker_id": van, "value": value }))
    };
    let wrong = "value.offline_timeout_seconds";
    for seconds in [json!(59), json!(259_200_001), json!("soon"), json!(60.5)] {
        assert_eq!(set(&anna, seconds).wrong_parameters(), [wrong]);
    }
    let status = |session: &Session| session.state(van)["connection_status"].as_str().unwrap().to_owned();
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    device.send(&[record(now())]);
    let becomes = |session: &Session, wanted: &str| (0..100_000).any(|_| status(session) == wanted);
    assert!(becomes(&anna, "offline"), "by the server's own two seconds");
    set(&anna, json!(86_400)).success();
    assert_eq!(status(&anna), "idle", "at once");
    let read = json!({ "tracker_id": van, "type": "device_status_settings" });
    let value = anna.call("tracker/settings/special/read", read).success()["value"].clone();
    assert_eq!(value, json!({ "type": "device_status_settings", "offline_timeout_seconds": 86_400 }));

    drop(device);
    server.kill();
    server.restart();
    let anna = server.resume(&anna);
    assert_ne!(status(&anna), "offline", "after a restart too");
    set(&anna, Value::Null).success();
    assert!(becomes(&anna, "offline"), "as before it was set");
}

#[test]
fn special_settings_are_those_of_the_device_model() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let van = anna.register("Van", IMEI);
    let read = |session: &Session, tracker: i64, kind: &str| {
        session.call("tracker/settings/special/read", json!({ "tracker_id": tracker, "type": kind }))
    };
    let update = |session: &Session, tracker: i64, value: Value| {
        session.call("tracker/settings/special/update", json!({ "tracker_id": tracker, "value": value }))
    };
    let list = of(&anna, "tracker/settings/special/read", van);
    assert_eq!(keys(&list), ["success", "list"]);
    let types = |list: &Value| -> Vec<String> {
        let list = list["list"].as_array().unwrap().iter();
        list.map(|settings| settings["type"].as_str().unwrap().to_owned()).collect()
    };
    assert!(types(&list).contains(&"hbm_telfm".to_owned()), "{list}");
    assert!(types(&list).contains(&"device_status_settings".to_owned()), "{list}");

    let behaviour = json!({ "type": "hbm_telfm", "mode": "enable", "max_acceleration_force": 0.3,
        "max_braking_force": 0.85, "max_angular_velocity": 0.1 });
    let unset = read(&anna, van, "hbm_telfm").success()["value"].clone();
    assert_eq!((&unset["type"], &unset["mode"]), (&json!("hbm_telfm"), &Value::Null));
    update(&anna, van, behaviour.clone()).success();
    let answer = read(&anna, van, "hbm_telfm").success();
    assert_eq!((keys(&answer), &answer["value"]), (vec!["success", "value"], &behaviour));

    let password =
        |value: Value| json!({ "type": "vg_lock_password", "password": value, "remember_password": true });
    for (tracker, value, code) in [
        (van, password(json!("123456")), 214),
        (van, json!({ "type": "none" }), 7),
        (van, json!({}), 7),
        (van, json!({ "type": "hbm_telfm" }), 7),
        (999_999, behaviour.clone(), 201),
    ] {
        assert_eq!(update(&anna, tracker, value.clone()).code(), code, "{value}");
    }
    assert_eq!(update(&berta, van, behaviour).code(), 201);
    assert_eq!(read(&anna, van, "vg_lock_password").code(), 214);
    assert_eq!(read(&anna, van, "nonsense").wrong_parameters(), ["type"]);
    assert_eq!(read(&berta, van, "hbm_telfm").code(), 201);

    // The locks' passwords, to the letter.
    for (model, device_id, kind, right, wrong) in LOCKS {
        let lock = json!({ "label": "Lock", "group_id": 0, "plugin_id": 44, "model": model,
            "device_id": device_id });
        let lock = anna.call("tracker/register", lock).success()["value"]["id"].as_i64().unwrap();
        let settings =
            |password: Value| json!({ "type": kind, "password": password, "remember_password": true });
        let unset = json!({ "type": kind, "password": null, "remember_password": false });
        assert_eq!(read(&anna, lock, kind).success()["value"], unset);
        for password in right.iter().map(|text| json!(text)).chain([Value::Null]) {
            update(&anna, lock, settings(password.clone())).success();
            assert_eq!(read(&anna, lock, kind).success()["value"], settings(password));
        }
        for password in wrong {
            let answer = update(&anna, lock, settings(json!(password)));
            assert_eq!(answer.wrong_parameters(), ["value.password"], "{password}");
        }
    }
}

#[test]
fn a_protocol_knows_what_is_set_of_its_device() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let van =
        json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "wialon_ips", "device_id": IMEI });
    let van = anna.call("tracker/register", van).success()["value"]["id"].as_i64().unwrap();
    let log_in = |password: &str| {
        let stream = TcpStream::connect(server.address("/devices/wialon/tcp")).unwrap();
        write!(&stream, "#L#{IMEI};{password}\r\n").unwrap();
        let mut stream = BufReader::new(stream);
        let mut answer = String::new();
        stream.read_line(&mut answer).unwrap();
        (answer.trim_end().to_owned(), stream)
    };
    let (answer, mut before) = log_in("wrong");
    assert_eq!(answer, "#AL#1", "none is set");

    let settings = json!({ "type": "protocol_wialon", "password": "secret" });
    let set = json!({ "tracker_id": van, "value": settings });
    anna.call("tracker/settings/special/update", set).success();
    assert_eq!(before.read_line(&mut String::new()).unwrap(), 0, "what was admitted before has to ask anew");
    assert_eq!(log_in("wrong").0, "#AL#01");
    assert_eq!(log_in("secret").0, "#AL#1");

    // Through a clone nobody sees the password.
    let user = berta.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let clone = json!({ "tracker_id": van, "user_id": user, "label": "Clone" });
    let clone = server.panel().call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap();
    let read = |session: &Session, tracker: i64| {
        let read = json!({ "tracker_id": tracker, "type": "protocol_wialon" });
        session.call("tracker/settings/special/read", read).success()["value"].clone()
    };
    assert_eq!(read(&anna, van), settings);
    assert_eq!(read(&berta, clone), json!({ "type": "protocol_wialon", "password": null }));
}

#[test]
fn nothing_is_done() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    assert_eq!(anna.call("base/nothing", json!({})).success(), json!({ "success": true }));
    assert_eq!(server.anyone().call("base/nothing", json!({})).wrong_parameters(), ["hash"]);
}
