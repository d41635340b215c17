//! From a device's byte to the WebSocket's event, under load; and how many states one client receives.

use crate::{
    devices::{Load, log_in, now, record, runtime, send},
    report::{Sorted, milliseconds, row, section},
    server::Server,
};
use serde_json::json;
use std::{
    fs::File,
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tungstenite::{Message, WebSocket, client::IntoClientRequest};

/// 500 devices with 10 records a second each.
const LOAD: usize = 500;
const PROBES: u32 = 1000;
const TRACKERS: usize = 2000;

pub fn measure() {
    section("Device byte → WebSocket event, at 5,000 records/s");
    let server = Server::with_trackers(TRACKERS);
    let load = Load::start(server.devices(), 1, LOAD, Duration::from_millis(100));
    thread::sleep(Duration::from_secs(2));
    let over = Arc::new(AtomicBool::new(false));
    let syncs = thread::spawn({
        let (over, path) = (Arc::clone(&over), server.data_dir().join("probe"));
        move || sync_now_and_then(&over, &path)
    });
    let before = load.acknowledged();
    let began = Instant::now();
    let events = probe(&server);
    let rate = (load.acknowledged() - before) as f64 / began.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    let syncs = syncs.join().unwrap();
    let (events, acknowledged) = (Sorted::new(events), Sorted::new(load.waits()));
    drop(load);
    row(
        &format!("event, at {rate:.0} records/s"),
        &events.to_string(),
        &format!(
            "append + fdatasync of 200 bytes beside it: {syncs}; aim p99 ≤ {}",
            milliseconds(syncs.at(99.0) + Duration::from_millis(5))
        ),
    );
    row("acknowledgement of the load", &acknowledged.to_string(), "");
    for format in ["full", "compact"] {
        row(
            &format!("states to one `state_batch` client, {format}"),
            &format!("{:.0}/s", states_per_second(&server, format)),
            "aim 200,000/s",
        );
    }
}

fn sync_now_and_then(over: &AtomicBool, path: &std::path::Path) -> Sorted {
    let mut file = File::create(path).unwrap();
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        file.write_all(&[7; 200]).unwrap();
        file.sync_data().unwrap();
        took.push(began.elapsed());
        thread::sleep(Duration::from_millis(17));
    }
    Sorted::new(took)
}

/// Device 0 sends a record now and then; how long until the subscriber has it.
fn probe(server: &Server) -> Vec<Duration> {
    let runtime = runtime();
    let mut line = runtime.block_on(log_in(server.devices(), 0));
    let tracker = server.call("tracker/list", json!({ "labels": ["Van 0"] }))["list"][0]["id"].clone();
    let requests = json!([{ "type": "state", "trackers": [tracker], "format": "full" }]);
    let mut socket = subscribe(server, &requests);
    let mut took = Vec::new();
    for step in 0..PROBES {
        let altitude = 1000 + step as u16;
        let mut probe = record(now(), step);
        probe.altitude = altitude as i16;
        let began = Instant::now();
        runtime.block_on(send(&mut line, &[probe]));
        let wanted = format!("\"alt\":{altitude}");
        while !next(&mut socket).contains(&wanted) {}
        took.push(began.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    took
}

fn states_per_second(server: &Server, format: &str) -> f64 {
    const ROUNDS: usize = 50;
    let requests =
        json!([{ "type": "state_batch", "target": { "type": "all" }, "rate_limit": "0s", "format": format }]);
    let mut socket = connect(server);
    let message = json!({ "action": "subscribe", "hash": server.hash, "requests": requests }).to_string();
    let began = Instant::now();
    let mut states = 0;
    for _ in 0..ROUNDS {
        socket.send(Message::text(message.clone())).unwrap();
        let mut of_round = 0;
        // Those that have told something.
        while of_round < LOAD {
            of_round += next(&mut socket).matches("\"connection_status\"").count();
        }
        states += of_round;
    }
    states as f64 / began.elapsed().as_secs_f64()
}

fn connect(server: &Server) -> WebSocket<TcpStream> {
    let http = server.at("/http");
    let request = format!("ws://{http}/v2/event/subscription").into_client_request().unwrap();
    tungstenite::client(request, TcpStream::connect(http).unwrap()).unwrap().0
}

fn subscribe(server: &Server, requests: &serde_json::Value) -> WebSocket<TcpStream> {
    let mut socket = connect(server);
    let message = json!({ "action": "subscribe", "hash": server.hash, "requests": requests });
    socket.send(Message::text(message.to_string())).unwrap();
    socket
}

fn next(socket: &mut WebSocket<TcpStream>) -> String {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return text.to_string();
        }
    }
}
