//! How many messages a core decodes in a second: `cargo run --release -p protocols --example decode_bench [-- PROTOCOL…]`.
//! For each protocol the frames of its own captures that carry messages, over and over on one connection; then packets as
//! a Teltonika device sends them when it has much to say.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a tool of the developers")]

#[path = "../tests/harness/mod.rs"]
mod harness;

use domain::{Timestamp, Transport};
use protocols::{
    Admission, Connection, DeviceSlot, Event, KnownDevice, PROTOCOLS, Protocol,
    teltonika::{Codec, Teltonika, encode},
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

const SPAN: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 500;
const RECORDS_PER_PACKET: i64 = 20;

fn main() {
    println!("{:<24} {:>12} {:>8} {:>14}", "", "messages/s", "MB/s", "bytes/message");
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    for protocol in PROTOCOLS.iter().filter(|protocol| is_wanted(protocol.name())) {
        measure(protocol.name(), *protocol, &frames_with_messages(*protocol));
    }
    if !is_wanted("teltonika") {
        return;
    }
    for codec in Codec::ALL {
        let records: Vec<_> = (0..RECORDS_PER_PACKET).map(typical_record).collect();
        let packet = (Transport::Tcp, encode::packet(codec, &records));
        measure(&format!("teltonika {codec:?}, full"), &Teltonika, &[packet]);
    }
}

/// Frames of the captures that are understood whole, and how they come.
fn frames_with_messages(protocol: &dyn Protocol) -> Vec<(Transport, Vec<u8>)> {
    let mut frames = Vec::new();
    for conversation in harness::captures(protocol.name()) {
        let Some(stream) = conversation.stream(protocol) else { continue };
        let understood = |turn: &&harness::Turn| !turn.messages.is_empty() && turn.problem.is_none();
        frames.extend(
            conversation.turns.iter().filter(understood).map(|turn| (stream.transport, turn.frame.clone())),
        );
    }
    frames
}

fn measure(name: &str, protocol: &dyn Protocol, frames: &[(Transport, Vec<u8>)]) {
    let Some((transport, _)) = frames.first() else { return };
    let admission = Admission::Known(KnownDevice::default());
    let mut connection = Connection::new(protocol, *transport);
    connection.identified(DeviceSlot(0), &admission);
    let (start, mut messages, mut bytes) = (Moment::now(), 0_u64, 0_u64);
    while start.elapsed() < SPAN {
        // Many rounds between two looks at the clock.
        for (_, frame) in frames.iter().cycle().take(frames.len() * ROUNDS) {
            connection.receive_frame(frame);
            bytes += frame.len() as u64;
            while let Some(event) = connection.poll() {
                match black_box(event) {
                    Event::Message { .. } => messages += 1,
                    Event::Identify { slot, .. } => connection.identified(slot, &admission),
                    Event::CommandWanted { slot } => connection.respond(slot, None),
                    Event::Close | Event::Broken(_) => {
                        connection = Connection::new(protocol, *transport);
                        connection.identified(DeviceSlot(0), &admission);
                    }
                    _ => {}
                }
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let per_second = messages as f64 / seconds;
    let megabytes = bytes as f64 / 1e6 / seconds;
    println!("{name:<24} {per_second:>12.0} {megabytes:>8.0} {:>14.0}", bytes as f64 / messages as f64);
}

/// Time that this thread has had a core for, where the system tells (Linux); otherwise time by the clock on the wall.
struct Moment {
    started: Instant,
    had: Option<Duration>,
}

impl Moment {
    fn now() -> Self {
        Self { started: Instant::now(), had: Self::had() }
    }

    fn had() -> Option<Duration> {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        times.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }

    fn elapsed(&self) -> Duration {
        match (self.had, Self::had()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.started.elapsed(),
        }
    }
}

/// What an FMB920 sends while driving: 18 parameters.
fn typical_record(second: i64) -> encode::Record {
    let parameters: [(u16, &[u8]); 18] = [
        (239, &[1]),
        (240, &[1]),
        (80, &[1]),
        (21, &[4]),
        (200, &[0]),
        (69, &[1]),
        (113, &[95]),
        (181, &[0, 12]),
        (182, &[0, 8]),
        (66, &[0x36, 0x03]),
        (24, &[0, 87]),
        (205, &[0x12, 0x34]),
        (206, &[0x00, 0x2A]),
        (67, &[0x0F, 0xA0]),
        (68, &[0, 0]),
        (241, &[0x00, 0x00, 0x60, 0x21]),
        (199, &[0x00, 0x00, 0x30, 0x39]),
        (16, &[0x07, 0x5B, 0xCD, 0x15]),
    ];
    encode::Record {
        time: Timestamp::from_seconds(1_729_080_000 + second),
        priority: 0,
        lat: 546_871_551,
        lng: 252_796_514,
        altitude: 112,
        heading: 271,
        satellites: 14,
        speed: 87,
        event: 0,
        generation: 5,
        parameters: parameters.into_iter().map(|(id, value)| (id, value.to_vec())).collect(),
    }
}
