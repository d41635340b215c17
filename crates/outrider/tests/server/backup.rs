//! `outrider backup` of a server under load: a server started on the copy has everything from before the call.

use crate::support::{Device, Reaction, Server, now, record};
use domain::Timestamp;
use serde_json::json;
use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Output},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

const DEVICES: u64 = 4;
/// Records of a packet.
const TOGETHER: u64 = 60;
const COPIES: u64 = 3;

#[test]
fn a_copy_lost_nothing_that_was_acknowledged_before_the_call() {
    // Small segments, so that they are packed all the time.
    let mut server = Server::start_with("[store]\njournal_segment = \"1MiB\"");
    let anna = server.user("anna@example.com");
    for device in 0..DEVICES {
        anna.register("Van", &imei(device));
    }
    let next = AtomicU64::new(0);
    let start = now().minus(Duration::from_secs(20 * 86_400));
    let time = |number: u64| start.plus(Duration::from_millis(100 * number));
    let acknowledged = Mutex::new(HashSet::new());
    let is_over = AtomicBool::new(false);
    let address = server.teltonika();
    let folder = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();

    thread::scope(|scope| {
        for device in 0..DEVICES {
            let (next, acknowledged, is_over) = (&next, &acknowledged, &is_over);
            scope.spawn(move || {
                let mut line = Device::logged_in(address, &imei(device));
                while !is_over.load(Ordering::Relaxed) {
                    let first = next.fetch_add(TOGETHER, Ordering::Relaxed);
                    let times: Vec<_> = (first..first + TOGETHER).map(time).collect();
                    let records: Vec<_> = times.iter().copied().map(record).collect();
                    assert_eq!(line.send(&records), Reaction::Acknowledged(TOGETHER as u32));
                    acknowledged.lock().unwrap().extend(times);
                }
            });
        }
        for number in 1..=COPIES {
            while next.load(Ordering::Relaxed) < number * 40_000 {
                thread::yield_now();
            }
            let label = format!("registered before copy {number}");
            anna.register(&label, &imei(100 + number));
            let before: HashSet<Timestamp> = acknowledged.lock().unwrap().clone();
            let target = folder.path().join(number.to_string());
            let done = backup(&server.data_dir(), &target);
            assert!(done.status.success(), "{done:?}");
            copies.push((target, label, before));
        }
        is_over.store(true, Ordering::Relaxed);
    });

    let states = anna.call("tracker/get_states", json!({ "trackers": [1, 2, 3, 4] })).success();
    assert!(states["states"]["1"]["last_update"].is_string(), "{states}");
    let metrics = server.metrics();
    let packed = metrics.lines().find_map(|line| line.strip_prefix("history_packed_records_total ")).unwrap();
    assert!(packed.parse::<f64>().unwrap() > 0.0, "records moved from the journal into history meanwhile");
    for (copy, label, before) in copies {
        server.restore(&copy);
        let anna = server.resume(&anna);
        let listed = anna.call("tracker/list", json!({ "labels": [label] })).success();
        assert_eq!(listed["list"][0]["label"], json!(label));
        let states = anna.call("tracker/get_states", json!({ "trackers": [1, 2, 3, 4] })).success();
        assert!(states["states"]["1"]["last_update"].is_string(), "{states}");
        server.stop();
        let kept = server.history(1..=DEVICES as i64);
        let times: HashSet<Timestamp> = kept.iter().map(|telemetry| telemetry.time).collect();
        assert_eq!(times.len(), kept.len(), "nothing is doubled");
        let missing = before.difference(&times).count();
        assert_eq!(missing, 0, "of {} acknowledged before the call", before.len());
        server.restart();
    }
}

#[test]
fn what_cannot_be_copied_is_said_in_one_line() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let data_dir = server.data_dir();
    for (from, to, complaint) in [
        (folder.path(), folder.path().join("copy"), "holds no data of a server"),
        (&*data_dir, folder.path().to_owned(), "exists already"),
        (&*data_dir, data_dir.join("copy"), "lies in the data directory"),
        (&*data_dir, folder.path().join("no/copy"), "cannot find"),
    ] {
        let done = backup(from, &to);
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(complaint), "{said}");
    }
    assert!(backup(&data_dir, &folder.path().join("copy")).status.success());
    assert!(!folder.path().join("copy/ready.json").exists());
}

fn backup(data_dir: &Path, target: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outrider"));
    command.arg("backup").arg(target).arg("--data-dir").arg(data_dir).output().unwrap()
}

fn imei(device: u64) -> String {
    format!("35630704244{device:04}")
}
