//! `kill -9` under load, while segments are packed: what was acknowledged is in history, once.

use crate::support::{Device, Heard, Reaction, Server, now, record};
use domain::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

const DEVICES: u64 = 16;

/// Rounds in a test run; `OUTRIDER_KILLS` asks for more.
const KILLS: u32 = 4;

#[test]
fn nothing_acknowledged_is_missing_or_doubled_after_kills() {
    let kills = std::env::var("OUTRIDER_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mut random = StdRng::seed_from_u64(1);
    let mut server = Server::start_with("[store]\njournal_segment = \"1MiB\"");
    let anna = server.user("anna@example.com");
    for device in 0..DEVICES {
        anna.register("Van", &imei(device));
    }
    // Every record has a time of its own, which tells it from all others.
    let next = AtomicU64::new(0);
    let start = now().minus(Duration::from_secs(30 * 86_400));
    let time = |number: u64| start.plus(Duration::from_millis(number));
    let acknowledged = Mutex::new(Vec::new());
    let mut unanswered = 0;

    for _ in 0..kills {
        let address = server.teltonika();
        let until = next.load(Ordering::Relaxed) + random.random_range(200..3000);
        thread::scope(|scope| {
            let drivers: Vec<_> = (0..DEVICES)
                .map(|device| {
                    let (next, acknowledged) = (&next, &acknowledged);
                    scope.spawn(move || {
                        let mut line = Device::logged_in(address, &imei(device));
                        loop {
                            let first = next.fetch_add(3, Ordering::Relaxed);
                            let times = [first, first + 1, first + 2].map(time);
                            match line.send(&times.map(record)) {
                                Reaction::Acknowledged(count) => {
                                    assert_eq!(count, 3);
                                    acknowledged.lock().unwrap().extend(times);
                                }
                                Reaction::Closed => return 3,
                            }
                        }
                    })
                })
                .collect();
            while next.load(Ordering::Relaxed) < until {
                thread::yield_now();
            }
            server.kill();
            unanswered += drivers.into_iter().map(|driver| driver.join().unwrap()).sum::<u64>();
        });
        server.restart();
    }

    server.stop();
    let mut kept: HashMap<Timestamp, u32> = HashMap::new();
    // Their sources are the first ones of the catalog.
    for telemetry in server.history(1..=DEVICES as i64) {
        *kept.entry(telemetry.time).or_default() += 1;
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    let missing = acknowledged.iter().filter(|time| !kept.contains_key(time)).count();
    let doubled = kept.values().filter(|count| **count > 1).count();
    eprintln!(
        "{kills} kills: {} acknowledged, {} kept, {unanswered} sent without an answer, {missing} missing, {doubled} doubled",
        acknowledged.len(),
        kept.len(),
    );
    assert!(acknowledged.len() > kills as usize * 100, "the load was real");
    assert_eq!((missing, doubled), (0, 0));
    assert!(kept.len() as u64 <= acknowledged.len() as u64 + unanswered, "nothing came from nowhere");
}

#[test]
fn no_command_is_lost_by_kills() {
    let kills: usize = std::env::var("OUTRIDER_KILLS").map_or(KILLS as usize, |kills| kills.parse().unwrap());
    let mut random = StdRng::seed_from_u64(2);
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", &imei(0));
    let mut asked = Vec::new();
    let executed = Mutex::new(HashMap::<String, u32>::new());
    for round in 0..kills {
        let session = server.resume(&anna);
        // More than a hundred may not wait.
        let until = executed.lock().unwrap().len() + random.random_range(0..=3);
        let until = until.max(asked.len().saturating_sub(30));
        thread::scope(|scope| {
            let line = Device::logged_in(server.teltonika(), &imei(0));
            let device = scope.spawn(|| execute(line, &executed));
            for number in 0..3 {
                let text = format!("setparam {round}:{number}");
                let parameters = json!({ "tracker_id": van, "command": text });
                session.call("tracker/raw_command/send", parameters).success();
                asked.push(text);
            }
            while executed.lock().unwrap().len() < until {
                thread::yield_now();
            }
            server.kill();
            device.join().unwrap();
        });
        server.restart();
    }
    // What is left comes with the next connection.
    let session = server.resume(&anna);
    let line = Device::logged_in(server.teltonika(), &imei(0));
    thread::scope(|scope| {
        scope.spawn(|| execute(line, &executed));
        let count = || session.call("tracker/command/unconfirmed/count", json!({ "tracker_id": van }));
        while count().success()["count"] != 0 {
            thread::yield_now();
        }
        let log = json!({ "tracker_id": van, "limit": 1000 });
        let log = session.call("tracker/command/log/list", log).success();
        let log: &Vec<Value> = log["list"].as_array().unwrap();
        let acknowledged = log.iter().filter(|command| command["state"] == "acknowledged").count();
        assert_eq!((log.len(), acknowledged), (asked.len(), asked.len()));
        server.kill();
    });
    let executed = executed.into_inner().unwrap();
    let missing = asked.iter().filter(|text| !executed.contains_key(*text)).count();
    let doubled = executed.values().filter(|times| **times > 1).count();
    eprintln!(
        "{kills} kills: {} commands, {missing} missing, {doubled} executed more than once",
        asked.len()
    );
    assert_eq!((missing, executed.len()), (0, asked.len()));
}

/// A device that does what it is told, until the connection is over.
fn execute(mut line: Device, executed: &Mutex<HashMap<String, u32>>) {
    let hello =
        protocols::teltonika::encode::packet(protocols::teltonika::Codec::Codec8Extended, &[record(now())]);
    if line.write(&hello).is_err() {
        return;
    }
    loop {
        match line.hear() {
            Heard::Nothing => return,
            Heard::Acknowledged(count) => assert_eq!(count, 1),
            Heard::Command(text) => {
                *executed.lock().unwrap().entry(text).or_default() += 1;
                line.answer("done");
            }
        }
    }
}

fn imei(device: u64) -> String {
    format!("35630704244{device:04}")
}
