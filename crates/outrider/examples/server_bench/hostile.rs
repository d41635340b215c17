//! What the others still get while one client does what it can to the devices' port: garbage, connections that say
//! nothing, and a thousand reconnects a second.

use crate::{
    devices::{Load, runtime},
    report::{Sorted, row, section},
    server::{Server, cpu_of},
};
use serde_json::json;
use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::interval};

const DEVICES: usize = 300;
const RUN: Duration = Duration::from_secs(10);

pub fn measure() {
    section("A hostile client");
    let server = Server::with_trackers(DEVICES);
    let load = Load::start(server.devices(), 0, DEVICES, Duration::from_millis(100));
    thread::sleep(Duration::from_secs(2));
    observe("alone", &server, &load, None);
    let mut attacker =
        Command::new(std::env::current_exe().unwrap()).args(["attack", server.devices()]).spawn().unwrap();
    thread::sleep(Duration::from_secs(2));
    observe("attacked", &server, &load, Some(attacker.id()));
    attacker.kill().unwrap();
    attacker.wait().unwrap();
}

fn observe(when: &str, server: &Server, load: &Load, attacker: Option<u32>) {
    load.waits();
    let attacking = || attacker.map_or(0.0, |pid| cpu_of(&pid.to_string()));
    let (before, cpu, spent, began) = (load.acknowledged(), server.cpu(), attacking(), Instant::now());
    let mut calls = Vec::new();
    while began.elapsed() < RUN {
        let call = Instant::now();
        server.call("tracker/get_state", json!({ "tracker_id": 1 }));
        calls.push(call.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed().as_secs_f64();
    let rate = (load.acknowledged() - before) as f64 / took;
    let waits = Sorted::new(load.waits());
    let share = |cpu: f64| 100.0 * cpu / took / 2.0;
    row(
        when,
        &format!("{rate:.0} records/s acknowledged, {waits}; get_state {}", Sorted::new(calls)),
        &format!(
            "CPU of the machine: server {:.0} %, attacker {:.0} %",
            share(server.cpu() - cpu),
            share(attacking() - spent)
        ),
    );
}

/// Another process of this program, until it is killed.
pub fn attack(address: &str) {
    runtime().block_on(async {
        let mut silent = Vec::new();
        for _ in 0..2000 {
            silent.extend(TcpStream::connect(address).await);
        }
        let garbage: Vec<u8> =
            (0..16_384_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut due = interval(Duration::from_millis(1));
        loop {
            due.tick().await;
            let (address, garbage) = (address.to_owned(), garbage.clone());
            tokio::spawn(async move {
                if let Ok(mut line) = TcpStream::connect(address).await {
                    let _ = line.write_all(&garbage).await;
                }
            });
        }
    });
}
