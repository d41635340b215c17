//! How many records a core decodes in a second: `cargo run --release -p protocols --example decode_bench`.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]

use domain::{Timestamp, Transport};
use protocols::{
    Admission, Connection, DeviceSlot, Event, KnownDevice,
    teltonika::{Codec, Teltonika, encode},
};
use std::{hint::black_box, time::Instant};

const RECORDS_PER_PACKET: i64 = 20;
const PACKETS: u32 = 50_000;

fn main() {
    for codec in Codec::ALL {
        let records: Vec<_> = (0..RECORDS_PER_PACKET).map(typical_record).collect();
        let packet = encode::packet(codec, &records);
        let mut connection = Connection::new(&Teltonika, Transport::Tcp);
        connection.identified(DeviceSlot(0), &Admission::Known(KnownDevice::default()));
        let start = Instant::now();
        let mut decoded = 0_u32;
        for _ in 0..PACKETS {
            connection.receive(&packet);
            while let Some(event) = connection.poll() {
                decoded += u32::from(matches!(black_box(event), Event::Message { .. }));
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let per_second = f64::from(decoded) / seconds;
        let megabytes = f64::from(PACKETS) * packet.len() as f64 / 1e6 / seconds;
        println!(
            "{codec:?}: {per_second:.0} records/s, {megabytes:.0} MB/s, {} bytes a packet",
            packet.len()
        );
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
