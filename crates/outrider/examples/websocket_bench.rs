//! How many states a second one client of the WebSocket receives: fills a running server with trackers that have
//! something to show, then subscribes to all of them again and again.
//!
//! `cargo run --release -p outrider --example websocket_bench -- DATA_DIR PANEL_PASSWORD TRACKERS ROUNDS`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for the terminal")]

use domain::Timestamp;
use protocols::teltonika::{Codec, encode};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
};
use tokio::time::Instant;
use tungstenite::{Message, WebSocket, client::IntoClientRequest};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [data_dir, password, trackers, rounds] = arguments.as_slice() else {
        println!("DATA_DIR PANEL_PASSWORD TRACKERS ROUNDS");
        return;
    };
    let (trackers, rounds) = (trackers.parse().unwrap(), rounds.parse().unwrap());
    let ready: Value = serde_json::from_slice(&fs::read(format!("{data_dir}/ready.json")).unwrap()).unwrap();
    let at = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let http = at("/http");
    let hash = fill(&http, &at("/devices/teltonika/tcp"), password, trackers);
    for format in ["full", "compact"] {
        measure(&http, &hash, format, trackers, rounds);
    }
}

fn measure(http: &str, hash: &str, format: &str, trackers: usize, rounds: usize) {
    let stream = TcpStream::connect(http).unwrap();
    let request = format!("ws://{http}/v2/event/subscription").into_client_request().unwrap();
    let (mut socket, _) = tungstenite::client(request, stream).unwrap();
    let requests = json!([
        { "type": "state_batch", "target": { "type": "all" }, "rate_limit": "0s", "format": format }
    ]);
    let subscribe = json!({ "action": "subscribe", "hash": hash, "requests": requests }).to_string();
    let start = Instant::now();
    let (mut states, mut bytes) = (0, 0);
    for _ in 0..rounds {
        socket.send(Message::text(subscribe.clone())).unwrap();
        let mut of_round = 0;
        while of_round < trackers {
            let text = next(&mut socket);
            bytes += text.len();
            of_round += text.matches("\"connection_status\"").count();
        }
        states += of_round;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{format}: {states} states, {bytes} bytes in {seconds:.2} s: {:.0} states/s",
        states as f64 / seconds
    );
}

fn next(socket: &mut WebSocket<TcpStream>) -> String {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return text.to_string();
        }
    }
}

/// Makes an account with trackers that have told where they are; answers with its session's hash.
fn fill(http: &str, devices: &str, password: &str, trackers: usize) -> String {
    let call = |action: &str, body: Value| -> Value {
        let request = ureq::post(format!("http://{http}/v2/{action}")).content_type("application/json");
        serde_json::from_reader(request.send(body.to_string()).unwrap().body_mut().as_reader()).unwrap()
    };
    let panel = call("panel/account/auth", json!({ "login": "admin", "password": password }));
    let user = json!({ "login": "bench" });
    call("panel/user/create", json!({ "hash": panel["hash"], "user": user, "password": "benchmark" }));
    let session = call("user/auth", json!({ "login": "bench", "password": "benchmark" }));
    for n in 0..trackers {
        let imei = imei(n);
        let tracker = json!({
            "hash": session["hash"], "label": format!("Van {n}"), "group_id": 0, "plugin_id": 44,
            "model": "telfmb920", "device_id": imei, "iso_datetime": true,
        });
        let registered = call("tracker/register", tracker);
        let now: jiff::Timestamp = call(
            "tracker/get_states",
            json!({ "hash": session["hash"], "trackers": [], "iso_datetime": true }),
        )["user_time"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(registered["success"], true, "{registered}");
        report(devices, &imei, Timestamp::from_millis(now.as_millisecond()));
    }
    session["hash"].as_str().unwrap().to_owned()
}

/// The 15th digit makes the Luhn sum right.
fn imei(n: usize) -> String {
    let body = format!("35630704{n:06}");
    let digit = |(at, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0');
        if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    };
    let sum: u32 = body.bytes().enumerate().map(digit).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn report(devices: &str, imei: &str, time: Timestamp) {
    let mut device = TcpStream::connect(devices).unwrap();
    let record = encode::Record {
        time,
        priority: 0,
        lat: 547_123_456,
        lng: 253_123_456,
        altitude: 130,
        heading: 271,
        satellites: 14,
        speed: 52,
        event: 0,
        generation: 0,
        parameters: vec![
            (239, vec![1]),
            (240, vec![1]),
            (21, vec![4]),
            (1, vec![1]),
            (179, vec![0]),
            (113, vec![87]),
            (66, vec![0x36, 0xB0]),
            (67, vec![0x0F, 0xA0]),
            (16, vec![0, 1, 0x86, 0xA0]),
        ],
    };
    device.write_all(&encode::login(imei)).unwrap();
    device.read_exact(&mut [0]).unwrap();
    device.write_all(&encode::packet(Codec::Codec8, &[record])).unwrap();
    device.read_exact(&mut [0; 4]).unwrap();
}
