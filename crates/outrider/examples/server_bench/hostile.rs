//! What the others still get while one client burns half of the machine's CPU on the devices' port: garbage, strangers'
//! logins, connections that end as soon as they have begun or say nothing, and datagrams of strangers.

use crate::{
    devices::{Load, imei, runtime},
    report::{Sorted, row, section},
    server::{Server, cpu_of},
};
use protocols::teltonika::encode;
use serde_json::json;
use std::{
    io,
    net::SocketAddr,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::interval,
};

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
    thread::sleep(Duration::from_secs(10));
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

/// Another process of this program, until it is killed: it takes up more and more hands until it burns half of the
/// machine's CPU.
pub fn attack(address: &str) {
    let cores = thread::available_parallelism().unwrap().get() as f64;
    let address: SocketAddr = address.parse().unwrap();
    runtime().block_on(async {
        let mut silent = Vec::new();
        for _ in 0..SILENT {
            silent.extend(TcpStream::connect(address).await);
        }
        let mut look = interval(LOOK);
        let (mut hands, mut before) = (0, cpu_of("self"));
        loop {
            look.tick().await;
            let spent = cpu_of("self");
            if (spent - before) / LOOK.as_secs_f64() < cores / 2.0 && hands < MOST_HANDS {
                for _ in 0..HANDS_AT_ONCE {
                    tokio::spawn(hand(address, hands));
                    hands += 1;
                }
            }
            before = spent;
        }
    });
}

const SILENT: usize = 2000;
const LOOK: Duration = Duration::from_millis(500);
const HANDS_AT_ONCE: usize = 16;
const MOST_HANDS: usize = 1024;

/// Does one evil thing over and over.
async fn hand(address: SocketAddr, number: usize) {
    let garbage: Vec<u8> = (0..16_384_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let stranger = |turn: usize| imei(500_000 + (number * 7919 + turn) % 400_000);
    for turn in 0.. {
        // Whatever the server does about it, the next turn comes.
        _ = match number % 4 {
            0 => shout(address, &garbage).await,
            1 => shout(address, &encode::login(&stranger(turn))).await,
            2 => shout(address, &garbage[..turn % 8]).await,
            _ => send_datagrams(address, stranger).await,
        };
    }
}

/// Calls, speaks, and waits until the server hangs up, or hangs up first when it has said next to nothing.
async fn shout(address: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let mut line = TcpStream::connect(address).await?;
    line.write_all(bytes).await?;
    if bytes.len() > 8 {
        line.read_to_end(&mut Vec::new()).await?;
    }
    Ok(())
}

/// From a new port, as devices that nobody knows.
async fn send_datagrams(address: SocketAddr, stranger: impl Fn(usize) -> String) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    for turn in 0..16 {
        let imei = stranger(turn);
        // The packet's number, a byte 1, the number of the data, who sends it, and no records of codec 8.
        let mut packet = vec![0, 23, 0xCA, 0xFE, 1, 1, 0, 15];
        packet.extend_from_slice(imei.as_bytes());
        packet.extend_from_slice(&[8, 0]);
        socket.send_to(&packet, address).await?;
    }
    Ok(())
}
