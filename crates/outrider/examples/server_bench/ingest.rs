//! Acknowledged records per second over TCP, beside a bare server that only makes durable and acknowledges.

use crate::{
    devices::flood,
    report::{row, section},
    server::Server,
    stages,
};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

const DEVICES: usize = 200;
const RUN: Duration = Duration::from_secs(8);

pub fn measure() {
    section("Acknowledged records over TCP, 200 connections");
    for (together, aim) in [(1, "70 %"), (30, "25 % and 400,000 records/s")] {
        let limit = bare(together);
        let server = Server::with_trackers(DEVICES);
        let cpu = server.cpu();
        let (records, took) = flood(server.devices(), DEVICES, together, RUN);
        let cpu = (server.cpu() - cpu) * 1e6 / records as f64;
        let rate = records as f64 / took.as_secs_f64();
        row(
            &format!("{together} a frame"),
            &format!("{rate:.0} records/s, {:.0} % of the bare server", 100.0 * rate / limit),
            &format!("bare server {limit:.0} records/s; aim {aim}"),
        );
        let stages = stages::measure(together);
        let known: f64 = stages.iter().map(|(_, cost)| cost).sum();
        let listed =
            stages.iter().map(|(name, cost)| format!("{name} {cost:.2}")).collect::<Vec<_>>().join(", ");
        row(
            &format!("{together} a frame: CPU µs a record"),
            &format!("{cpu:.2} in all; {listed}; the rest (sockets, tasks) {:.2}", (cpu - known).max(0.0)),
            "stages measured alone, in this process",
        );
    }
}

fn bare(together: usize) -> f64 {
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("limit-server")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let (records, took) = flood(&address, DEVICES, together, RUN);
    child.kill().unwrap();
    child.wait().unwrap();
    records as f64 / took.as_secs_f64()
}
