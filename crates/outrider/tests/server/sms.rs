//! Short messages: what new devices are told, how they are asked where they are, and what they write back.

use crate::support::{Device, Heard, Reaction, Server, Session, now, record};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};
use store::catalog::SmsState;

const IMEI: &str = "356307042441013";
const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "correct horse";

/// An SMS gateway that takes everything and tells what it was given.
fn gateway() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/send", listener.local_addr().unwrap());
    let (caught, messages) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            if caught.send(take(stream.unwrap())).is_err() {
                break;
            }
        }
    });
    (url, messages)
}

fn take(stream: TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    reader.into_inner().write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn configuration(url: &str) -> String {
    format!(
        r#"
        [devices]
        public_address = "gps.example.com"
        [outbound]
        allow = ["127.0.0.0/8"]
        [sms]
        provider = "http"
        webhook_secret = "{SECRET}"
        [sms.http]
        url = "{url}"
        headers = {{ "Content-Type" = "application/json" }}
        body = '{{"to": "{{to}}", "text": "{{text}}", "id": {{id}}}}'
        "#
    )
}

fn register(anna: &Session, model: &str, device: &str, phone: &str, more: &Value) -> i64 {
    let mut parameters = json!({
        "label": "Van", "group_id": 0, "plugin_id": 44, "model": model, "device_id": device, "phone": phone,
    });
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    anna.call("tracker/register", parameters).success()["value"]["id"].as_i64().unwrap()
}

#[test]
fn new_devices_are_told_where_to_call() {
    let (url, messages) = gateway();
    let server = Server::start_with(&configuration(&url));
    let anna = server.user("anna@example.com");
    let teltonika = server.teltonika().port();
    let queclink = server.address("/devices/gl200/tcp").port();
    let apn = json!({ "apn_name": "internet", "apn_user": "u", "apn_password": "p" });
    for (model, device, phone, more, expected) in [
        (
            "telfmb920",
            IMEI,
            "491760000001",
            apn.clone(),
            vec![format!(
                "  setparam 2001:internet;2002:u;2003:p;2004:gps.example.com;2005:{teltonika};2006:0"
            )],
        ),
        (
            "telfmb120",
            "356307042441014",
            "491760000002",
            json!({ "send_register_commands": true }),
            vec![format!("  setparam 2004:gps.example.com;2005:{teltonika};2006:0")],
        ),
        ("telfmb125", "356307042441015", "491760000003", json!({ "send_register_commands": false }), vec![]),
        (
            "qlgv300",
            "356307042441016",
            "491760000004",
            apn,
            vec![
                "AT+GTBSI=gv300,internet,u,p,,,,FFFF$".to_owned(),
                format!("AT+GTSRI=gv300,3,,1,gps.example.com,{queclink},0.0.0.0,0,,0,0,,,,FFFF$"),
            ],
        ),
    ] {
        let tracker = register(&anna, model, device, phone, &more);
        let mut texts: Vec<_> = expected.iter().map(|_| messages.recv_timeout(PATIENCE).unwrap()).collect();
        texts.sort_by_key(|message| message["id"].as_i64());
        assert!(texts.iter().all(|message| message["to"] == phone), "{texts:?}");
        assert_eq!(
            texts.iter().map(|message| message["text"].as_str().unwrap()).collect::<Vec<_>>(),
            expected
        );
        if !expected.is_empty() {
            let again = json!({ "tracker_id": tracker, "send_register_commands": true });
            anna.call("tracker/register_retry", again).success();
            let first = messages.recv_timeout(PATIENCE).unwrap();
            assert_eq!(first["to"], phone);
        }
    }
}

#[test]
fn a_connected_device_is_told_over_its_connection() {
    let (url, messages) = gateway();
    let server = Server::start_with(&configuration(&url));
    let anna = server.user("anna@example.com");
    let van = register(&anna, "telfmb920", IMEI, "491760000001", &json!({ "send_register_commands": false }));
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    let again = json!({ "tracker_id": van, "send_register_commands": true });
    server.panel().call("panel/tracker/register_retry", again).success();
    let port = server.teltonika().port();
    let told = format!("setparam 2004:gps.example.com;2005:{port};2006:0");
    assert_eq!(device.hear(), Heard::Command(told));
    assert!(messages.try_recv().is_err());
}

#[test]
fn devices_are_asked_where_they_are_and_answer() {
    let (url, messages) = gateway();
    let mut server = Server::start_with(&configuration(&url));
    let anna = server.user("anna@example.com");
    let quiet = json!({ "send_register_commands": false });
    let van = register(&anna, "telfmb920", IMEI, "491760000001", &quiet);
    let no_words = register(&anna, "tt1_wp", "356307042441014", "491760000002", &quiet);
    for (tracker, code) in [(no_words, 214), (999_999, 201)] {
        assert_eq!(anna.call("tracker/location_request", json!({ "tracker_id": tracker })).code(), code);
    }
    // It need not be online, and `sms` is what is meant when nothing is said.
    anna.call("tracker/location_request", json!({ "tracker_id": van })).success();
    let asked = messages.recv_timeout(PATIENCE).unwrap();
    assert_eq!((&asked["to"], &asked["text"]), (&json!("491760000001"), &json!("  getgps")));

    let inbound = |query: &str, body: &str| {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let url = format!("http://{}/sms/inbound?{query}", server.http());
        let request = agent.post(url).header("content-type", "application/x-www-form-urlencoded");
        request.send(body).unwrap().status().as_u16()
    };
    let id = asked["id"].as_i64().unwrap();
    for (query, body, status) in [
        ("", "from=%2B491760000001&text=here", 401),
        ("secret=wrong", "from=%2B491760000001&text=here", 401),
        ("secret=correct+horse", "text=here", 400),
        ("secret=correct+horse", "from=%2B491760000001&text=54.71%2C25.30", 200),
        ("secret=correct+horse", "from=49170&text=who", 200),
    ] {
        assert_eq!(inbound(query, body), status, "{query} {body}");
    }
    assert_eq!(inbound("secret=correct+horse", &format!("id={id}&status=delivered")), 200);
    let (received, sent) = server.with_catalog(async |catalog| {
        (catalog.received_sms(10).await.unwrap(), catalog.sms(domain::SmsId(id)).await.unwrap().unwrap())
    });
    assert_eq!(sent.state, SmsState::Delivered);
    let received: Vec<_> = received.iter().map(|sms| (sms.source, &*sms.text)).collect();
    assert_eq!(received, [(None, "who"), (sent.source, "54.71,25.30")]);
    assert!(sent.source.is_some());
}

#[test]
fn without_a_gateway_nobody_is_asked_by_short_message() {
    let mut server = Server::start_with("[devices]\npublic_address = \"gps.example.com\"");
    let anna = server.user("anna@example.com");
    let van = register(&anna, "telfmb920", IMEI, "491760000001", &json!({ "send_register_commands": true }));
    // Once more: who asks hears why not, and it was no attempt; who leaves it to the platform does not.
    let wrong = json!([{
        "parameter": "send_register_commands",
        "error": "it is not connected, and there is no SMS gateway",
    }]);
    let panel = server.panel();
    for (caller, action) in [(&anna, "tracker/register_retry"), (&panel, "panel/tracker/register_retry")] {
        let refused = caller.call(action, json!({ "tracker_id": van, "send_register_commands": true }));
        assert_eq!((refused.code(), &refused.body["errors"]), (214, &wrong), "{action}");
        caller.call(action, json!({ "tracker_id": van, "send_register_commands": null })).success();
    }
    assert_eq!(anna.call("tracker/location_request", json!({ "tracker_id": van })).code(), 214);
    let waiting = server.with_catalog(async |catalog| catalog.next_sms().await.unwrap());
    assert_eq!(waiting, None);
    let answer = ureq::post(format!("http://{}/sms/inbound?secret=", server.http())).send("from=1&text=x");
    // Without a secret in the configuration it is no place of its own.
    assert!(answer.is_err() || !answer.unwrap().body_mut().read_to_string().unwrap().contains("OK"));
}
