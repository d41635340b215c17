//! Commands: what is taken, what is refused and changes nothing, and what became of each.

use crate::support::{Answer, Device, Heard, Reaction, Server, Session, keys, now, queclink_report, record};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

const IMEI: &str = "356307042441013";

fn minutes_ago(minutes: u64) -> domain::Timestamp {
    now().minus(Duration::from_secs(60 * minutes))
}

fn log(session: &Session, tracker: i64) -> Vec<Value> {
    let log = session.call("tracker/command/log/list", json!({ "tracker_id": tracker })).success();
    log["list"].as_array().unwrap().clone()
}

#[test]
fn what_was_asked_for_waits_for_the_device_and_can_be_cancelled() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    let count = || {
        anna.call("tracker/command/unconfirmed/count", json!({ "tracker_id": van })).success()["count"]
            .clone()
    };
    assert_eq!(count(), 0);
    for (command, kind, told) in [
        (json!({ "command": "getinfo" }), "text", "getinfo"),
        (json!({ "command": "0AfF", "type": "hex", "reliable": false }), "bytes", "0aff"),
    ] {
        let mut parameters = command;
        parameters["tracker_id"] = json!(van);
        assert_eq!(anna.call("tracker/raw_command/send", parameters).success(), json!({ "success": true }));
        let newest = &log(&anna, van)[0];
        assert_eq!((&newest["kind"], &newest["command"]), (&json!(kind), &json!(told)));
        assert_eq!((&newest["state"], &newest["reliable"]), (&json!("queued"), &json!(kind == "text")));
        assert_eq!(
            (&newest["attempts"], &newest["sent"], &newest["reply"]),
            (&json!(0), &Value::Null, &Value::Null)
        );
    }
    assert_eq!(count(), 2);
    anna.call("tracker/command/unconfirmed/reset", json!({ "tracker_id": van })).success();
    assert_eq!(count(), 0);
    assert!(log(&anna, van).iter().all(|command| command["state"] == "cancelled"));
}

#[test]
fn what_cannot_be_sent_is_refused_and_changes_nothing() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let never_seen = anna.register("Never seen", "356307042441014");
    let online = anna.register("Online", IMEI);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(minutes_ago(2))]), Reaction::Acknowledged(1));
    for (action, parameters, code) in [
        ("tracker/raw_command/send", json!({ "tracker_id": 999_999, "command": "getinfo" }), 201),
        ("tracker/location_request", json!({ "tracker_id": 999_999 }), 201),
        ("tracker/location_request", json!({ "tracker_id": online }), 214),
        ("tracker/location_request", json!({ "tracker_id": online, "type": "sms" }), 214),
        ("tracker/location_request", json!({ "tracker_id": online, "type": "gsm" }), 214),
        ("tracker/location_request", json!({ "tracker_id": never_seen, "type": "gprs" }), 213),
        ("tracker/output/set", json!({ "tracker_id": 999_999, "output": 1, "enable": true }), 204),
        ("tracker/output/set", json!({ "tracker_id": never_seen, "output": 1, "enable": true }), 213),
        ("tracker/output/set", json!({ "tracker_id": online, "output": 9, "enable": true }), 214),
        ("tracker/output/set_all", json!({ "tracker_id": online, "outputs": [true, false] }), 214),
        ("tracker/output/set_all", json!({ "tracker_id": never_seen, "outputs": [true] }), 213),
        ("tracker/engine_immobilizer/read", json!({ "tracker_id": online }), 214),
        ("tracker/engine_immobilizer/set", json!({ "tracker_id": online, "enabled": true }), 214),
        ("tracker/command/unconfirmed/count", json!({ "tracker_id": 999_999 }), 204),
        ("tracker/command/unconfirmed/reset", json!({ "tracker_id": 999_999 }), 204),
    ] {
        assert_eq!(anna.call(action, parameters.clone()).code(), code, "{action} {parameters}");
    }
    for (command, form, error) in
        [("0a0", "hex", "Non-hex string"), ("0x0a", "hex", "Non-hex string"), ("zz", "hex", "Non-hex string")]
    {
        let parameters = json!({ "tracker_id": online, "command": command, "type": form });
        let answer = anna.call("tracker/raw_command/send", parameters);
        assert_eq!(answer.wrong_parameters(), ["command"]);
        assert_eq!(answer.body["errors"][0]["error"], json!(error));
    }
    let answer = anna.call("tracker/raw_command/send", json!({ "tracker_id": online, "type": "octal" }));
    assert_eq!(answer.wrong_parameters(), ["command", "type"]);
    for tracker in [online, never_seen] {
        assert_eq!(log(&anna, tracker), [] as [Value; 0]);
    }
    // A fresh position need not be asked for.
    let ask = json!({ "tracker_id": online, "type": "gprs" });
    anna.call("tracker/location_request", ask.clone()).success();
    assert_eq!(device.hear(), Heard::Command("getgps".to_owned()));
    device.answer("GPS:1 Sat:9 Lat:53.551100 Long:9.993700 Alt:12 Speed:64 Dir:304");
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    assert_eq!(anna.call("tracker/location_request", ask).code(), 256);
    assert_eq!(log(&anna, online).len(), 1);
}

#[test]
fn too_many_commands_are_refused() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    let send = || anna.call("tracker/raw_command/send", json!({ "tracker_id": van, "command": "getinfo" }));
    let refused =
        (0..200).map(|_| send()).find(|answer| answer.status != 200).map(|answer: Answer| answer.code());
    assert_eq!(refused, Some(8));
}

#[test]
fn an_engine_may_run_until_the_device_says_otherwise() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let van = json!({
        "label": "Van", "group_id": 0, "plugin_id": 44, "model": "qlgv55lite", "device_id": IMEI,
    });
    let van = anna.call("tracker/register", van).success()["value"]["id"].clone();
    let mut device = TcpStream::connect(server.any()).unwrap();
    device.write_all(queclink_report(IMEI, minutes_ago(1)).as_bytes()).unwrap();
    device.read_exact(&mut [0; 11]).unwrap();
    let read = || {
        let read = anna.call("tracker/engine_immobilizer/read", json!({ "tracker_id": van }));
        read.success()["enabled"].clone()
    };
    assert_eq!(read(), false);
    anna.call("tracker/engine_immobilizer/set", json!({ "tracker_id": van, "enabled": true })).success();
    // Asked for is not yet done.
    assert_eq!(read(), false);
}

#[test]
fn a_lock_is_told_with_the_password_that_is_given_or_remembered() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let register = |model: &str, id: &str| {
        let tracker =
            json!({ "label": "Lock", "group_id": 0, "plugin_id": 44, "model": model, "device_id": id });
        anna.call("tracker/register", tracker).success()["value"]["id"].as_i64().unwrap()
    };
    let lock = register("totarget_tt08", "123456789012");
    let van = register("telfmb920", IMEI);
    let settings = |password: Value, remember: bool| json!({ "type": "electronic_lock_password", "password": password, "remember_password": remember });
    let send = |tracker: i64, command: Value| {
        anna.call("tracker/send_command", json!({ "tracker_id": tracker, "command": command }))
    };
    let unseal = |settings: Value| json!({ "name": "electronic_lock_command", "command_code": "unseal", "special_settings": settings });
    let special = ["command.special_settings.password"];
    assert_eq!(send(lock, unseal(Value::Null)).wrong_parameters(), special, "nothing is remembered");
    assert_eq!(send(lock, unseal(settings(json!("12345"), true))).wrong_parameters(), special, "six digits");
    assert_eq!(send(lock, json!({ "name": "dance" })).wrong_parameters(), ["command.name"]);
    let nothing = json!({ "name": "electronic_lock_command" });
    assert_eq!(send(lock, nothing).wrong_parameters(), ["command.command_code"]);
    let nothing = json!({ "name": "set_special_settings_command" });
    assert_eq!(send(lock, nothing).wrong_parameters(), ["command.special_settings"]);
    assert_eq!(send(van, unseal(settings(json!("345892"), true))).code(), 214, "no lock");
    let other = json!({ "type": "hhd_lock_password", "password": "12345678" });
    assert_eq!(send(lock, unseal(other)).code(), 214, "another lock");
    assert_eq!(send(999_999, unseal(Value::Null)).code(), 201);
    assert_eq!(log(&anna, lock), [] as [Value; 0]);

    let answer = send(lock, unseal(settings(json!("345892"), false))).success();
    assert_eq!(keys(&answer), ["success", "list"]);
    assert_eq!(answer["list"][0]["id"], json!(lock));
    assert_eq!(send(lock, unseal(Value::Null)).wrong_parameters(), special, "it was not to be remembered");
    send(lock, unseal(settings(json!("345892"), true))).success();
    let seal = json!({ "name": "electronic_lock_command", "command_code": "seal" });
    send(lock, seal).success();
    let told: Vec<_> = log(&anna, lock).iter().map(|command| command["command"].clone()).collect();
    assert_eq!(told, ["seal", "unseal", "unseal"]);
    let status = json!({ "type": "device_status_settings", "offline_timeout_seconds": 600 });
    let change = json!({ "name": "set_special_settings_command", "special_settings": status });
    send(van, change).success();
    let read = json!({ "tracker_id": van, "type": "device_status_settings" });
    let read = anna.call("tracker/settings/special/read", read).success();
    assert_eq!(read["value"]["offline_timeout_seconds"], 600);
}
