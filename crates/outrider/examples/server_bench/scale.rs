//! Many devices: memory of a connection, time to start, CPU of a record as the number of sources grows.

use crate::{
    devices::{log_in, now, record, runtime, send},
    report::{row, section},
    server::Server,
};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

const CONNECTIONS: usize = 15_000;
const ROUNDS: usize = 100_000;

pub fn measure() {
    section("Many devices");
    let mut costs = Vec::new();
    let mut server = Server::with_trackers(0);
    let mut registered = 0;
    for sources in [1000, 10_000, 100_000] {
        server.register(registered..sources);
        registered = sources;
        costs.push((sources, cpu_per_record(&server, sources)));
    }
    let least = costs[0].1;
    let listed =
        costs.iter().map(|(sources, cost)| format!("{sources}: {cost:.1} µs ({:.2} ×)", cost / least));
    row("CPU of a record by number of sources", &listed.collect::<Vec<_>>().join(", "), "aim 1.2 ×");
    let started = server.restart();
    row("start with 100,000 sources that have states", &format!("{:.2} s", started.as_secs_f64()), "aim 2 s");
    thread::sleep(Duration::from_secs(3));
    let before = server.memory();
    let mut clients = Command::new(std::env::current_exe().unwrap())
        .args(["idle", server.devices(), "0", &CONNECTIONS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(clients.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(said, "connected");
    thread::sleep(Duration::from_secs(2));
    let each = (server.memory() - before) / CONNECTIONS as u64;
    clients.kill().unwrap();
    clients.wait().unwrap();
    row(
        &format!("memory of an idle connection, {CONNECTIONS} of them"),
        &format!("{each} bytes"),
        "aim 10,000",
    );
    row("memory of the server with 100,000 sources before them", &format!("{} MB", before >> 20), "");
}

/// Every source has its turn; 100 devices at a time, 10 records each. What their logins cost is not in it.
fn cpu_per_record(server: &Server, sources: usize) -> f64 {
    const TOGETHER: usize = 10;
    let mut cpu = 0.0;
    runtime().block_on(async {
        for first in (0..ROUNDS).step_by(100) {
            let mut calling = tokio::task::JoinSet::new();
            for turn in first..first + 100 {
                let address = server.devices().to_owned();
                calling.spawn(async move { (turn, log_in(&address, turn % sources).await) });
            }
            let lines = calling.join_all().await;
            let before = server.cpu();
            let mut sending = tokio::task::JoinSet::new();
            for (turn, mut line) in lines {
                sending.spawn(async move {
                    let start = now().minus(Duration::from_secs(60));
                    let time =
                        |at: usize| start.plus(Duration::from_millis((at + 10 * (turn / sources)) as u64));
                    let records: Vec<_> = (0..TOGETHER).map(|at| record(time(at), at as u32)).collect();
                    send(&mut line, &records).await;
                    line
                });
            }
            let lines = sending.join_all().await;
            cpu += server.cpu() - before;
            drop(lines);
        }
    });
    cpu * 1e6 / (ROUNDS * TOGETHER) as f64
}

/// Another process of this program: connects devices, says so, and stays until it is killed.
pub fn idle(address: &str, first: usize, count: usize) {
    rlimit::increase_nofile_limit(2 * count as u64).unwrap();
    runtime().block_on(async {
        let mut lines = Vec::with_capacity(count);
        for number in first..first + count {
            lines.push(log_in(address, number).await);
        }
        println!("connected");
        std::future::pending::<()>().await;
    });
}
