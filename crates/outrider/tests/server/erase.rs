//! `outrider erase`: what one device has sent is gone, packed or not; everything else stays.

use crate::support::{Device, Reaction, Server, Session, now, record};
use domain::Timestamp;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Output},
    thread,
    time::Duration,
};

const IMEIS: [&str; 2] = ["356307042441013", "356307042441021"];

fn erase(data_dir: &Path, source: &Value) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outrider"));
    command.args(["erase", "--source", &source.to_string(), "--data-dir"]).arg(data_dir).output().unwrap()
}

fn refused(data_dir: &Path, source: &Value, complaint: &str) {
    let done = erase(data_dir, source);
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!((done.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains(complaint), "{said}");
}

fn packed(server: &Server) -> f64 {
    let metrics = server.metrics();
    let packed = metrics.lines().find_map(|line| line.strip_prefix("history_packed_records_total "));
    packed.map_or(0.0, |packed| packed.parse().unwrap())
}

/// Times of the points of a tracker in the last days.
fn points(session: &Session, tracker: i64) -> usize {
    let day = |days: i64| Timestamp::from_seconds(now().seconds() + 86_400 * days).to_string();
    let span = json!({ "tracker_id": tracker, "from": day(-9), "to": day(1), "simplify": false,
        "filter": false, "iso_datetime": true });
    session.call("track/read", span).success()["list"].as_array().unwrap().len()
}

#[test]
fn what_one_device_has_sent_is_erased() {
    // Small segments, so that the first is packed soon.
    let mut server = Server::start_with("[store]\njournal_segment = \"1MiB\"");
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "UTC" }));
    let trackers = IMEIS.map(|imei| anna.register("Van", imei));
    let source = |tracker: i64| {
        let read = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
        read["value"]["source"]["id"].clone()
    };
    let [erased, kept] = trackers.map(source);
    let start = now().minus(Duration::from_secs(5 * 86_400));
    let mut devices = IMEIS.map(|imei| Device::logged_in(server.teltonika(), imei));
    let mut second = 0;
    let mut send = |devices: &mut [Device; 2]| {
        let records: Vec<_> =
            (0..60).map(|more| record(start.plus(Duration::from_secs(second + more)))).collect();
        second += 60;
        for device in devices {
            assert_eq!(device.send(&records), Reaction::Acknowledged(60));
        }
        second
    };
    while packed(&server) == 0.0 {
        send(&mut devices);
        thread::yield_now();
    }
    // These wait in the journal.
    let sent = send(&mut devices);

    let data_dir = server.data_dir();
    refused(&data_dir, &erased, "the server must not run");
    server.kill();
    refused(&data_dir, &json!(99), "there is no source 99");
    refused(&data_dir.join("elsewhere"), &erased, "holds no data of a server");
    assert!(!data_dir.join("elsewhere").exists());
    let of = |source: &Value| {
        let source = source.as_i64().unwrap();
        server.history(source..=source).len()
    };
    assert_eq!((of(&erased), of(&kept)), (sent as usize, sent as usize));

    let done = erase(&data_dir, &erased);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("what source {erased} has sent is erased\n"));
    assert_eq!((of(&erased), of(&kept)), (0, sent as usize));
    assert!(erase(&data_dir, &erased).status.success(), "it may be said twice");

    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(trackers.map(|tracker| points(&anna, tracker)), [0, sent as usize]);
    // It goes on: what comes now is kept.
    let mut device = Device::logged_in(server.teltonika(), IMEIS[0]);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    assert_eq!(points(&anna, trackers[0]), 1);
    server.kill();
    let kept = kept.as_i64().unwrap();
    assert_eq!(server.history(kept..=kept).len(), sent as usize);
}
