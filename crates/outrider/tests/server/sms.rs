//! Short messages: what new devices are told, how they are asked where they are, and what they write back.

use crate::support::{Device, Heard, Reaction, Server, Session, now, record};
use domain::Timestamp;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

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
    let unasked = register(&anna, "telfmb920", "356307042441015", "491760000003", &quiet);
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
    let log = |session: &Session, tracker| {
        session.call("tracker/sms/log/list", json!({ "tracker_id": tracker })).success()["list"].clone()
    };
    until(|| log(&anna, van)[0]["state"] == "sent");
    let only = &log(&anna, van)[0];
    assert_eq!(
        (&only["direction"], &only["text"], &only["attempts"]),
        (&json!("out"), &json!(null), &json!(1))
    );
    assert_eq!(log(&anna, no_words), json!([]));
    for (query, body, status) in [
        ("", "from=%2B491760000001&text=here", 401),
        ("secret=wrong", "from=%2B491760000001&text=here", 401),
        ("secret=correct+horse", "text=here", 400),
        ("secret=correct+horse", "from=%2B491760000001&text=GPS%3A0", 200),
        ("secret=correct+horse", "from=49170&text=who", 200),
    ] {
        assert_eq!(inbound(query, body), status, "{query} {body}");
    }
    assert_eq!(inbound("secret=correct+horse", &format!("id={id}&status=delivered")), 200);
    let answer = answer(54.71473, 25.303417, now());
    let form: String = form_urlencoded::byte_serialize(answer.as_bytes()).collect();
    // The provider says it twice, and a device says it that nobody has asked.
    for phone in ["491760000003", "491760000001", "491760000001"] {
        assert_eq!(inbound("secret=correct+horse", &format!("from=%2B{phone}&text={form}")), 200);
    }
    // Whether it was read before the process ends or not: the position is there once.
    server.kill();
    server.restart();
    let anna = server.log_in("anna@example.com");
    until(|| anna.state(van)["gps"]["location"] == json!({ "lat": 54.71473, "lng": 25.303417 }));
    let state = anna.state(van);
    assert_eq!((&state["gps"]["heading"], &state["gps"]["gsm_lbs"]), (&json!(77), &json!(null)), "{state}");
    // A device that was only written to has not connected.
    assert_eq!(state["connection_status"], "just_registered");
    for tracker in [unasked, van] {
        until(|| log(&anna, tracker)[0]["state"] == "position");
    }
    let log = log(&anna, van);
    let shown: Vec<_> =
        log.as_array().unwrap().iter().map(|sms| [&sms["direction"], &sms["state"]]).collect();
    assert_eq!(
        json!(shown),
        json!([["in", "position"], ["in", "position"], ["in", "text"], ["out", "delivered"]])
    );
    assert_eq!((&log[0]["text"], &log[2]["text"]), (&json!(answer), &json!("GPS:0")));
    let events = anna.unread_events("location_response");
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["tracker_id"], &events[0]["location"]["lat"]), (&json!(van), &json!(54.71473)));
    server.stop();
    let history = server.history(1..=1);
    assert_eq!(history.len(), 1, "{history:?}");
}

#[test]
fn messages_that_wait_are_counted_and_cancelled() {
    // Nobody listens there.
    let server = Server::start_with(&configuration("http://127.0.0.1:1/"));
    let anna = server.user("anna@example.com");
    let quiet = json!({ "send_register_commands": false });
    let van = register(&anna, "telfmb920", IMEI, "491760000001", &quiet);
    let id = json!({ "tracker_id": van });
    let count = || anna.call("tracker/command/unconfirmed/count", id.clone()).success()["count"].clone();
    assert_eq!(count(), 0);
    anna.call("tracker/location_request", id.clone()).success();
    anna.call("tracker/raw_command/send", json!({ "tracker_id": van, "command": "getver" })).success();
    assert_eq!(count(), 2);
    anna.call("tracker/command/unconfirmed/reset", id.clone()).success();
    assert_eq!(count(), 0);
    let log = anna.call("tracker/sms/log/list", id.clone()).success()["list"].clone();
    assert_eq!((&log[0]["state"], &log[0]["reason"]), (&json!("failed"), &json!("cancelled")), "{log}");
}

/// What a Teltonika device answers to `getgps`.
fn answer(lat: f64, lng: f64, time: Timestamp) -> String {
    let ((year, month, day), (hour, minute, second)) = time.to_civil();
    format!(
        "GPS:1 Sat:7 Lat:{lat} Long:{lng} Alt:147 Speed:0 Dir:77 Date:{year}/{month}/{day} Time:{hour}:{minute}:{second}"
    )
}

/// `outrider simulate` in a process of its own.
struct Simulation(Child);

impl Simulation {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outrider"));
        Self(command.arg("simulate").args(arguments).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn simulated_devices_obey_and_answer_by_short_message() {
    // Nobody else is given this port so soon.
    let phones = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = Server::start_with(&configuration(&format!("http://{phones}/")));
    let webhook = format!("http://{}/sms/inbound", server.http());
    let anna = server.user("anna@example.com");
    for (number, (protocol, model, obeyed)) in (1..).zip([
        ("teltonika", "telfmb920", "Param ID:2004 New Val:gps.example.com"),
        ("gl200", "qlgv300", "+ACK:GTSRI"),
        ("gt06", "concoxgt06e", "SERVER,1,GPS.EXAMPLE.COM"),
        ("jt808", "jimi_jc181_808", "SERVER,1,GPS.EXAMPLE.COM"),
    ]) {
        let (device, phone) =
            (simulator::Imei::TEST.plus(number).to_string(), format!("49176000000{number}"));
        // They reach no server but by short message.
        let _simulation = Simulation::start(&[
            "--target",
            "127.0.0.1:1",
            "--protocol",
            protocol,
            "--devices",
            "1",
            "--first-device-id",
            &device,
            "--sms-listen",
            &phones,
            "--sms-webhook",
            &webhook,
            "--sms-secret",
            SECRET,
            "--first-phone",
            &phone,
        ]);
        until(|| TcpStream::connect(&phones).is_ok());
        let van = register(&anna, model, &device, &phone, &json!({}));
        let log =
            || anna.call("tracker/sms/log/list", json!({ "tracker_id": van })).success()["list"].clone();
        let came = |text: &str| {
            log()
                .as_array()
                .unwrap()
                .iter()
                .any(|sms| sms["direction"] == "in" && sms["text"].as_str().unwrap().contains(text))
        };
        until(|| came(obeyed));
        until(|| {
            log().as_array().unwrap().iter().all(|sms| sms["state"] == "delivered" || sms["state"] == "text")
        });
        let asked = anna.call("tracker/location_request", json!({ "tracker_id": van }));
        if protocol == "jt808" {
            // Nobody knows whether such a terminal can be asked.
            assert_eq!(asked.code(), 214);
            continue;
        }
        asked.success();
        until(|| !anna.state(van)["gps"]["updated"].is_null());
        until(|| log()[0]["state"] == "position");
    }
}

#[test]
fn simulated_terminals_are_known_by_their_first_ids() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let quiet = json!({ "send_register_commands": false });
    let device = simulator::Imei::TEST.to_string();
    let van = register(&anna, "jt808_terminal_imei", &device, "491760000001", &quiet);
    let target = server.address("/devices/jt808/tcp").to_string();
    let _simulation = Simulation::start(&[
        "--target",
        &target,
        "--protocol",
        "jt808",
        "--devices",
        "1",
        "--interval",
        "1s",
        "--faults",
        "none",
    ]);
    until(|| anna.state(van)["connection_status"] == "active");
}

/// Asks until it is so.
fn until(mut so: impl FnMut() -> bool) {
    let begin = now();
    while !so() {
        assert!(now().since(begin) < PATIENCE, "it does not come about");
        thread::yield_now();
    }
}

/// A message centre in a process of its own.
struct Centre {
    process: Child,
    orders: ChildStdin,
    lines: Receiver<Value>,
}

impl Centre {
    /// And its port.
    fn start() -> (Self, u64) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/smpp");
        let mut process = Command::new("node")
            .arg("centre.js")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js; `make test` installs it");
        let orders = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (told, lines) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let line = serde_json::from_str(&line.unwrap()).unwrap();
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        let centre = Self { process, orders, lines };
        let port = centre.next()["port"].as_u64().unwrap();
        (centre, port)
    }

    fn next(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("the message centre is silent; `npm ci` in tools/smpp")
    }

    fn deliver(&mut self, message: Value) {
        writeln!(self.orders, "{}", json!({ "deliver": message })).unwrap();
        assert_eq!(self.next(), json!({ "answered": 0 }));
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[test]
fn a_device_is_registered_and_found_through_a_message_centre() {
    let (mut centre, port) = Centre::start();
    let server = Server::start_with(&format!(
        r#"
        [devices]
        public_address = "gps.example.com"
        [sms]
        provider = "smpp"
        [sms.smpp]
        address = "127.0.0.1:{port}"
        system_id = "outrider"
        password = "secret"
        from = "Outrider"
        "#
    ));
    assert_eq!(centre.next()["accepted"], true);
    let anna = server.user("anna@example.com");
    let phone = "491760000001";
    let apn = json!({ "apn_name": "internet", "apn_user": "u", "apn_password": "hush-hush" });
    let van = register(&anna, "telfmb920", IMEI, phone, &apn);
    let told = centre.next();
    let text = format!(
        "  setparam 2001:internet;2002:u;2003:hush-hush;2004:gps.example.com;2005:{};2006:0",
        server.teltonika().port()
    );
    assert_eq!(
        (&told["to"], &told["from"], &told["text"]),
        (&json!(phone), &json!("Outrider"), &json!(text))
    );

    let log = || anna.call("tracker/sms/log/list", json!({ "tracker_id": van })).success()["list"].clone();
    until(|| log()[0]["state"] == "sent");
    assert!(!log().to_string().contains("hush-hush"), "{}", log());
    let reference = told["id"].as_str().unwrap();
    let receipt =
        format!("id:{reference} sub:001 dlvrd:001 submit date:2611251500 done date:2611251501 stat:DELIVRD");
    centre.deliver(json!({ "esm_class": 4, "short_message": receipt }));
    assert_eq!((&log()[0]["state"], &log()[0]["reason"]), (&json!("delivered"), &json!("DELIVRD")));

    // Where are you? The answer comes in two parts, the second one first.
    anna.call("tracker/location_request", json!({ "tracker_id": van })).success();
    assert_eq!(centre.next()["text"], "  getgps");
    let answer = answer(54.71473, 25.303417, now());
    let (first, second) = answer.split_at(40);
    for (number, part) in [(2, second), (1, first)] {
        centre.deliver(json!({
            "source_addr": format!("+{phone}"), "destination_addr": "100", "short_message": part,
            "sar_msg_ref_num": 7, "sar_total_segments": 2, "sar_segment_seqnum": number,
        }));
    }
    until(|| anna.state(van)["gps"]["location"] == json!({ "lat": 54.71473, "lng": 25.303417 }));
    until(|| log()[0]["state"] == "position");
    assert_eq!((&log()[0]["text"], &log()[1]["direction"]), (&json!(answer), &json!("out")));
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
