//! Positions from cells: devices without a fix, a service that knows cells, a list that was imported.

use crate::support::{Device, Reaction, Server, Session, now, record};
use domain::{PositionSource, Record as Journalled, Timestamp};
use protocols::teltonika::encode::Record;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

const IMEI: &str = "356307042441013";
const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "secret-of-the-service";
const PLACE: &str = r#"{"location":{"lat":54.7,"lng":25.3},"accuracy":850.0}"#;

/// A geolocation service: it tells what it was asked, and answers what it is told to.
struct Service {
    url: String,
    questions: Receiver<(String, Value)>,
    answers: Sender<(u16, &'static str)>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/geolocate", listener.local_addr().unwrap());
        let (asked, questions) = channel();
        let (answers, answered) = channel::<(u16, &'static str)>();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(question) = question(&stream) else { continue };
                if asked.send(question).is_err() {
                    break;
                }
                let Ok((status, body)) = answered.recv() else { break };
                let length = body.len();
                let location = if status == 302 { "location: /elsewhere\r\n" } else { "" };
                let answer =
                    format!("HTTP/1.1 {status} X\r\n{location}content-length: {length}\r\n\r\n{body}");
                // Who asked may have been killed.
                _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { url, questions, answers }
    }

    fn configuration(&self) -> String {
        format!(
            r#"
            [outbound]
            allow = ["127.0.0.0/8"]
            [lbs]
            provider = "ichnaea"
            [lbs.ichnaea]
            url = "{}"
            key = "{KEY}"
            "#,
            self.url
        )
    }

    /// The ids of the cells that it is asked about next.
    fn is_asked(&self) -> Vec<u64> {
        let (path, question) = self.questions.recv_timeout(PATIENCE).unwrap();
        assert_eq!(path, format!("/v1/geolocate?key={KEY}"));
        assert_eq!(question["considerIp"], false);
        let towers = question["cellTowers"].as_array().unwrap();
        towers.iter().map(|tower| tower["cellId"].as_u64().unwrap()).collect()
    }

    fn is_not_asked(&self) {
        assert_eq!(
            self.questions.recv_timeout(Duration::from_millis(1)).err(),
            Some(RecvTimeoutError::Timeout)
        );
    }

    fn answer(&self, status: u16, body: &'static str) {
        self.answers.send((status, body)).unwrap();
    }
}

/// Path and body of a request; `None` when there is none.
fn question(stream: &TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1)?.to_owned();
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).unwrap()))
}

/// A record without a fix, from a Lithuanian network's cell.
fn from_cell(time: Timestamp, cell: u16) -> Record {
    Record {
        lat: 0,
        lng: 0,
        satellites: 0,
        speed: 0,
        parameters: vec![
            (205, cell.to_be_bytes().to_vec()),
            (206, 16_u16.to_be_bytes().to_vec()),
            (241, 24602_u32.to_be_bytes().to_vec()),
        ],
        ..record(time)
    }
}

fn register(anna: &Session, model: &str, device: &str, radius: u32) -> i64 {
    let parameters = json!({
        "label": "Van", "group_id": 0, "plugin_id": 44, "model": model, "device_id": device, "phone": device,
    });
    let van = anna.call("tracker/register", parameters).success()["value"]["id"].as_i64().unwrap();
    let radius = json!({ "tracker_id": van, "max_radius": radius });
    anna.call("tracker/settings/lbs/update", radius).success();
    van
}

fn gps(anna: &Session, van: i64) -> Value {
    anna.call("tracker/get_state", json!({ "tracker_id": van })).success()["state"]["gps"].clone()
}

/// Waits until the state shows a position from cells at this time, and answers with it.
fn shown(anna: &Session, van: i64, time: Timestamp) -> Value {
    let time = printed(time);
    let mut last = Value::Null;
    for _ in 0..50_000 {
        last = gps(anna, van);
        if last["updated"] == time && last["gsm_lbs"] == true {
            return last;
        }
    }
    panic!("no position from cells at {time}: {last}");
}

fn printed(time: Timestamp) -> String {
    time.to_string().replace('T', " ").split(['.', 'Z']).next().unwrap().to_owned()
}

fn before(now: Timestamp, seconds: u64) -> Timestamp {
    now.minus(Duration::from_secs(seconds))
}

#[test]
fn cells_without_a_fix_become_a_position() {
    let service = Service::start();
    let mut server = Server::start_with(&service.configuration());
    let anna = server.user("anna@example.com");
    let van = register(&anna, "telfmb920", IMEI, 850);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    let start = Timestamp::from_seconds(now().seconds());
    let at = |seconds_ago| before(start, seconds_ago);

    // The device is acknowledged, and the state shown, while the service has not answered.
    assert_eq!(device.send(&[from_cell(at(300), 7)]), Reaction::Acknowledged(1));
    assert_eq!(service.is_asked(), [7]);
    assert_eq!(device.send(&[from_cell(at(290), 7)]), Reaction::Acknowledged(1));
    assert_eq!(gps(&anna, van)["updated"], Value::Null);
    service.answer(200, PLACE);
    let place = shown(&anna, van, at(290));
    assert_eq!((&place["location"]["lat"], &place["location"]["lng"]), (&json!(54.7), &json!(25.3)));
    assert_eq!((&place["precision"], &place["speed"]), (&json!(850), &json!(0)));

    // The same cells are not asked about again, of another device neither.
    assert_eq!(device.send(&[from_cell(at(280), 7)]), Reaction::Acknowledged(1));
    shown(&anna, van, at(280));
    let other = register(&anna, "telfmb920", "356307042441014", 849);
    let mut others = Device::logged_in(server.teltonika(), "356307042441014");
    assert_eq!(others.send(&[from_cell(at(280), 7), from_cell(at(270), 8)]), Reaction::Acknowledged(2));
    assert_eq!(service.is_asked(), [8]);
    service.answer(200, r#"{"location":{"lat":1,"lng":2},"accuracy":849}"#);
    let place = shown(&anna, other, at(270));
    assert_eq!(place["location"]["lat"], 1.0);
    // What is further off than the tracker wants does not count: at once, and when it is wanted again.
    let radius = |metres| {
        anna.call("tracker/settings/lbs/update", json!({ "tracker_id": other, "max_radius": metres }))
            .success();
        gps(&anna, other)["gsm_lbs"].clone()
    };
    assert_eq!((radius(848), radius(10_000)), (Value::Null, json!(true)));

    // No GPS point; a newer fix wins, and cells of before it stay behind it.
    let last_point = || anna.call("tracker/get_last_gps_point", json!({ "tracker_id": van })).body.clone();
    assert_eq!(last_point()["value"], Value::Null);
    assert_eq!(device.send(&[Record { speed: 0, ..record(at(200)) }]), Reaction::Acknowledged(1));
    assert_eq!(device.send(&[from_cell(at(210), 9), from_cell(at(220), 10)]), Reaction::Acknowledged(2));
    for _ in 0..2 {
        match service.is_asked()[0] {
            9 => service.answer(200, PLACE),
            other => service.answer(if other == 10 { 404 } else { 500 }, "{}"),
        }
    }
    assert_eq!(device.send(&[from_cell(at(100), 7)]), Reaction::Acknowledged(1));
    shown(&anna, van, at(100));
    assert_eq!(last_point()["value"]["get_time"], printed(at(200)));
    service.is_not_asked();

    // Tracks.
    let day = json!({ "tracker_id": van, "from": printed(at(3600)), "to": printed(start) });
    let call = |action: &str, more: Value| {
        let mut parameters = day.clone();
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        anna.call(action, parameters).success()["list"].as_array().unwrap().clone()
    };
    let times = |points: &[Value], key: &str| -> Vec<(String, bool)> {
        let row = |point: &Value| (point[key].as_str().unwrap().to_owned(), point["gsm_lbs"] == true);
        points.iter().map(row).collect()
    };
    let cells: Vec<_> = [300, 290, 280, 210, 100].map(|ago| (printed(at(ago)), true)).into();
    let points = call("track/read", json!({ "simplify": false, "filter": false }));
    let mut all = cells.clone();
    all.insert(4, (printed(at(200)), false));
    assert_eq!(times(&points, "get_time"), all);
    assert_eq!(points[0]["precision"], 850);
    let without = call("track/read", json!({ "simplify": false, "filter": false, "include_gsm_lbs": false }));
    assert_eq!(times(&without, "get_time"), all[4..5]);
    let tracks = call("track/list", json!({}));
    assert_eq!(times(&tracks, "start_date"), cells);
    assert!(tracks.iter().all(|track| track["type"] == "single_report" && track["precision"] == 850));
    let clustered = call("track/list", json!({ "cluster_single_reports": true }));
    assert_eq!((clustered.len(), &clustered[0]["type"]), (1, &json!("cluster")));
    assert_eq!(call("track/list", json!({ "include_gsm_lbs": false })), Vec::<Value>::new());
    assert_eq!(call("track/list", json!({ "split": false })), Vec::<Value>::new());

    // Those of a device that was replaced count by the radius of today.
    let replacement = json!({ "tracker_id": van, "plugin_id": 44, "model": "telfmb920",
        "device_id": "356307042441021" });
    anna.call("tracker/replace", replacement).success();
    for (metres, count) in [(850, cells.len()), (849, 0), (850, cells.len())] {
        let radius = json!({ "tracker_id": van, "max_radius": metres });
        anna.call("tracker/settings/lbs/update", radius).success();
        assert_eq!(call("track/list", json!({})).len(), count, "{metres}");
    }

    // The key is nowhere.
    let log = server.stop();
    assert!(!log.contains(KEY), "{log}");
    assert!(
        server
            .files()
            .iter()
            .all(|(_, content)| !content.windows(KEY.len()).any(|part| part == KEY.as_bytes()))
    );
    let derived =
        server.records().into_iter().filter(|record| matches!(record, Journalled::Derived(_))).count();
    assert_eq!(derived, 7);
    let kept = server.history(1..=2);
    let from_cells =
        |it: &&domain::Telemetry| it.message.fix.is_some_and(|fix| fix.source == PositionSource::Cells);
    assert_eq!(kept.iter().filter(from_cells).count(), 7);
}

#[test]
fn a_service_that_fails_is_asked_again() {
    let service = Service::start();
    let server = Server::start_with(&service.configuration());
    let anna = server.user("anna@example.com");
    let van = register(&anna, "telfmb920", IMEI, 1000);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    let start = Timestamp::from_seconds(now().seconds());
    for (number, (status, body)) in (1_u16..).zip([
        (500, "{}"),
        (200, "garbage"),
        (302, ""),
        (403, ""),
        (200, r#"{"location":{"lat":95}}"#),
    ]) {
        let time = before(start, 100 - u64::from(number));
        assert_eq!(device.send(&[from_cell(time, number)]), Reaction::Acknowledged(1));
        assert_eq!(service.is_asked(), [u64::from(number)], "{status} {body}");
        service.answer(status, body);
        assert_eq!(service.is_asked(), [u64::from(number)], "again after {status} {body}");
        service.answer(200, PLACE);
        shown(&anna, van, time);
    }
    // What it does not know, or does not understand, is not asked again.
    for (cell, status) in [(20, 404), (21, 400)] {
        assert_eq!(device.send(&[from_cell(start, cell)]), Reaction::Acknowledged(1));
        assert_eq!(service.is_asked(), [u64::from(cell)]);
        service.answer(status, "{}");
    }
    assert_eq!(device.send(&[from_cell(start, 20), from_cell(start, 22)]), Reaction::Acknowledged(2));
    assert_eq!(service.is_asked(), [22]);
    service.answer(200, PLACE);
    shown(&anna, van, start);
    let counted = |what: &str| (0..1000).any(|_| server.metrics().contains(what));
    assert!(counted("outrider_cells_total{outcome=\"found\"} 6"));
    assert!(counted("outrider_cells_total{outcome=\"unavailable\"} 5"));
}

#[test]
fn a_position_comes_after_a_crash_and_is_asked_for_once() {
    let service = Service::start();
    let mut server = Server::start_with(&service.configuration());
    let anna = server.user("anna@example.com");
    let van = register(&anna, "telfmb920", IMEI, 1000);
    let start = Timestamp::from_seconds(now().seconds());
    let send = |server: &Server, cell| {
        let mut device = Device::logged_in(server.teltonika(), IMEI);
        assert_eq!(
            device.send(&[from_cell(before(start, 60 - u64::from(cell)), cell)]),
            Reaction::Acknowledged(1)
        );
    };
    send(&server, 1);
    assert_eq!(service.is_asked(), [1]);
    server.kill();
    service.answer(200, PLACE);
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(service.is_asked(), [1]);
    service.answer(200, PLACE);
    shown(&anna, van, before(start, 59));

    server.kill();
    server.restart();
    let anna = server.resume(&anna);
    send(&server, 2);
    // The first question of this process: what had its position is not asked about again.
    assert_eq!(service.is_asked(), [2]);
    service.answer(200, PLACE);
    shown(&anna, van, before(start, 58));
    service.is_not_asked();
    server.stop();
    assert_eq!(server.telemetry().len(), 2);
}

/// What `outrider cells import` says of a list.
fn import(server: &Server, list: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_outrider"))
        .args(["cells", "import"])
        .arg(list)
        .arg("--data-dir")
        .arg(server.data_dir())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.success(), said)
}

#[test]
fn cells_of_an_imported_list() {
    let server = Server::start_with("[lbs]\nprovider = \"local\"");
    let anna = server.user("anna@example.com");
    let van = register(&anna, "telfmb920", IMEI, 1000);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    let start = Timestamp::from_seconds(now().seconds());
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("cells.csv");
    let write = |text: &str| fs::write(&list, text).unwrap();
    // The server waits for a list, and then for one with the cell.
    assert_eq!(device.send(&[from_cell(before(start, 60), 7)]), Reaction::Acknowledged(1));
    write(
        "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n\
         GSM,246,2,16,7,0,25.25,54.75,900,3,1,1282569574,1300175362,0\nGSM,246,2\nGSM,246,2,16,x,0,1,1,1,1\n",
    );
    let said = "1 cells are imported, 0 lines named one again, 2 lines are no cell\n\
                line 3: fewer than 10 fields\nline 4: cell is no number above 0\n";
    assert_eq!(import(&server, &list), (true, said.to_owned()));
    let place = shown(&anna, van, before(start, 60));
    assert_eq!((&place["location"]["lat"], &place["precision"]), (&json!(54.75), &json!(900)));

    // Another list takes its place while the server runs.
    write("LTE,246,2,16,7,,25.5,54.5,800,3,1,1,1,0\n");
    assert!(import(&server, &list).0);
    assert_eq!(device.send(&[from_cell(before(start, 50), 7)]), Reaction::Acknowledged(1));
    assert_eq!(shown(&anna, van, before(start, 50))["location"]["lng"], 25.5);

    // One without any cell does not.
    write("nothing of the kind\n");
    let said = "outrider: the list has no cell that can be used: line 1: fewer than 10 fields\n";
    assert_eq!(import(&server, &list), (false, said.to_owned()));
    assert!(!import(&server, Path::new("/nowhere.csv")).0);
    assert_eq!(device.send(&[from_cell(before(start, 40), 7)]), Reaction::Acknowledged(1));
    assert_eq!(shown(&anna, van, before(start, 40))["precision"], 800);
}

#[test]
fn a_user_asks_where_the_cells_are() {
    const DEVICE: &str = "862798050123457";
    // Login; then the status with the serving cell (310, 410, 22802, 169552957), which has no time.
    const LOGIN: &str = "78780d01086279805012345700013cb60d0a";
    const STATUS: &str = "78781aa58136019a00005912000000000a1b2c3d0005041302000db35d0d0a";
    let service = Service::start();
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let van = register(&anna, "concoxgt06e", DEVICE, 1000);
    let ask =
        |anna: &Session| anna.call("tracker/location_request", json!({ "tracker_id": van, "type": "gsm" }));
    let mut device = TcpStream::connect(server.address("/devices/gt06/tcp")).unwrap();
    let mut send = |packet: &str| {
        device.write_all(&hex(packet)).unwrap();
        device.read_exact(&mut [0; 10]).unwrap();
    };
    // Nobody knows cells.
    send(LOGIN);
    send(STATUS);
    assert_eq!(ask(&anna).code(), 214);

    // From now on somebody does; what came in before is not asked about by itself.
    server.stop();
    let configuration = server.data_dir().parent().unwrap().join("outrider.toml");
    fs::write(configuration, service.configuration()).unwrap();
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(gps(&anna, van)["updated"], Value::Null);
    ask(&anna).success();
    assert_eq!(service.is_asked(), [169_552_957]);
    service.answer(200, PLACE);
    let place = (0..50_000).map(|_| gps(&anna, van)).find(|gps| gps["gsm_lbs"] == true).unwrap();
    assert_eq!((&place["location"]["lat"], &place["precision"]), (&json!(54.7), &json!(850)));
    assert_eq!(ask(&anna).code(), 256);
    let event = (0..50_000).find_map(|_| anna.unread_events("location_response").pop()).unwrap();
    assert_eq!(event["tracker_id"], van);
    assert_eq!((&event["location"]["lat"], &event["location"]["precision"]), (&json!(54.7), &json!(850)));

    // Whether it can be asked, is there, and has told of cells.
    for (model, device, radius, expected) in
        [("telfmb920", IMEI, 5, 214), ("concoxgt06e", "862798050123465", 5, 213)]
    {
        let other = register(&anna, model, device, radius);
        let other = json!({ "tracker_id": other, "type": "gsm" });
        assert_eq!(anna.call("tracker/location_request", other).code(), expected, "{model}");
    }
    service.is_not_asked();
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}
