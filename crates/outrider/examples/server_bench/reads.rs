//! Calls of the API, alone and under load, beside a static answer of the same length from the same HTTP library.

use crate::{
    devices::{Load, log_in, now, record, runtime, send},
    report::{Sorted, milliseconds, row, section},
    server::Server,
};
use axum::{Router, routing::post};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

const TRACKERS: usize = 10_000;
const LOAD: usize = 500;

pub fn measure() {
    section("Calls, 10,000 trackers");
    let server = Server::with_trackers(TRACKERS);
    give_everyone_a_state(&server);
    let ids: Vec<u64> = (1..=2000).collect();
    let states = json!({ "trackers": ids });
    let one = json!({ "tracker_id": 77 });
    let alone = Calls::of(&server, "tracker/get_states", &states, 300);
    row("get_states of 2,000, alone", &alone.to_string(), &alone.against("p99 ≤ 10 ms"));
    let list = Calls::of(&server, "tracker/list", &json!({}), 100);
    row("tracker/list of 10,000, alone", &list.to_string(), &list.against("p50 ≤ 60 ms"));
    let read = Calls::of(&server, "tracker/get_state", &one, 2000);
    row("get_state of one, alone", &read.to_string(), &read.against("p50 ≤ 1 ms"));
    day(&server);

    let load = Load::start(server.devices(), 1, LOAD, Duration::from_millis(100));
    thread::sleep(Duration::from_secs(3));
    let (before, began) = (load.acknowledged(), Instant::now());
    let loaded = Calls::of(&server, "tracker/get_states", &states, 300);
    let read = Calls::of(&server, "tracker/get_state", &one, 2000);
    let rate = (load.acknowledged() - before) as f64 / began.elapsed().as_secs_f64();
    row(&format!("get_states of 2,000, at {rate:.0} records/s"), &loaded.to_string(), "p99 ≤ 20 ms");
    row(&format!("get_state of one, at {rate:.0} records/s"), &read.to_string(), "p50 ≤ 1 ms, p99 ≤ 5 ms");
}

fn give_everyone_a_state(server: &Server) {
    runtime().block_on(async {
        let mut sending = tokio::task::JoinSet::new();
        for number in 0..2000 {
            let address = server.devices().to_owned();
            sending.spawn(async move {
                let mut line = log_in(&address, number).await;
                send(&mut line, &[record(now(), number as u32)]).await;
            });
        }
        sending.join_all().await;
    });
}

/// One source's day of 2,000 points.
fn day(server: &Server) {
    const POINTS: u32 = 2000;
    let start = now().minus(Duration::from_secs(3 * u64::from(POINTS)));
    runtime().block_on(async {
        let mut line = log_in(server.devices(), 76).await;
        for first in (0..POINTS).step_by(50) {
            let time = |step: u32| start.plus(Duration::from_secs(3 * u64::from(step)));
            let records: Vec<_> = (first..first + 50).map(|step| record(time(step), step)).collect();
            send(&mut line, &records).await;
        }
    });
    let text = |millis: i64| {
        let time = jiff::Timestamp::from_millisecond(millis).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let tracker = server.call("tracker/list", json!({ "labels": ["Van 76"] }))["list"][0]["id"].clone();
    let body = json!({
        "tracker_id": tracker, "from": text(start.millis() - 60_000), "to": text(now().millis()),
        "simplify": false, "point_limit": 3000,
    });
    let answer = server.call("track/read", body.clone());
    let points = answer["list"].as_array().map_or(0, Vec::len);
    let read = Calls::of(server, "track/read", &body, 200);
    row(
        &format!("track/read of a day of {POINTS} points ({points} in the answer)"),
        &read.to_string(),
        &read.against(""),
    );
}

struct Calls {
    took: Sorted,
    fixed: Sorted,
    bytes: usize,
}

impl Calls {
    fn of(server: &Server, action: &str, body: &Value, count: usize) -> Self {
        let mut body = body.clone();
        body["hash"] = json!(server.hash);
        let body = body.to_string();
        let url = format!("http://{}/v2/{action}", server.at("/http"));
        let answer = server.post(&url, &body);
        let bytes = answer.len();
        let took = (0..count).map(|_| timed(server, &url, &body));
        let took = Sorted::new(took.collect());
        let fixed = static_answer(answer);
        let fixed = Sorted::new((0..count).map(|_| timed(server, &fixed, &body)).collect());
        Self { took, fixed, bytes }
    }

    fn against(&self, aim: &str) -> String {
        let fixed = &self.fixed;
        let ratio = self.took.at(50.0).as_secs_f64() / fixed.at(50.0).as_secs_f64();
        let aim = if aim.is_empty() { String::new() } else { format!("aim {aim}; ") };
        format!(
            "{aim}static answer of {} bytes: p50 {}, ratio {ratio:.1}",
            self.bytes,
            milliseconds(fixed.at(50.0))
        )
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.took.fmt(f)
    }
}

fn timed(server: &Server, url: &str, body: &str) -> Duration {
    let began = Instant::now();
    server.post(url, body);
    began.elapsed()
}

/// The URL under which this process answers with `text`, until it ends.
fn static_answer(text: String) -> String {
    let (send, bound) = std::sync::mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap()).unwrap();
            let router =
                Router::new().route("/", post(move |_: axum::body::Bytes| std::future::ready(text.clone())));
            axum::serve(listener, router).await.unwrap();
        });
    });
    format!("http://{}/", bound.recv().unwrap())
}
