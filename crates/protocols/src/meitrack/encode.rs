//! What a device sends, for tests, benchmarks and simulated vehicles: records of numbered parameters (CCE), which stay in
//! its memory until the server says that it has them, and answers to commands.
//! Source: T366 and MVT100 GPRS Protocol, "CCE"; MEITRACK GPRS Protocol, section 1.1.

use super::binary::YEAR_2000;
use crate::{checksum, writer::Writer};
use domain::Timestamp;

/// One record in raw units of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub time: Timestamp,
    /// Why it was made: 35 at the interval, 3 and 11 for the third input.
    pub event: u8,
    /// Millionths of a degree.
    pub lat: i32,
    /// Millionths of a degree.
    pub lng: i32,
    /// Metres.
    pub altitude: i16,
    /// Degrees.
    pub heading: u16,
    /// km/h.
    pub speed: u16,
    /// 0 without a fix.
    pub satellites: u8,
    /// Tenths.
    pub hdop: u16,
    /// As GSM modules count it, 0 to 31.
    pub signal: u8,
    /// The first one lowest.
    pub inputs: u8,
    /// The first one lowest.
    pub outputs: u8,
    /// Metres.
    pub mileage: u32,
    /// Hundredths of a volt.
    pub battery: u16,
    /// Hundredths of a volt.
    pub power: u16,
    /// Hundredths of a percent.
    pub fuel: Option<u16>,
    /// Hundredths of a degree.
    pub temperature: Option<i16>,
}

/// A record alone, for who keeps records until they are acknowledged.
pub fn record(record: &Record) -> Vec<u8> {
    let seconds = (record.time.seconds() - YEAR_2000) as u32;
    let bytes = [
        (0x01, record.event),
        (0x05, u8::from(record.satellites > 0)),
        (0x06, record.satellites),
        (0x07, record.signal),
        (0x14, record.outputs),
        (0x15, record.inputs),
    ];
    let mut words = vec![
        (0x08, record.speed),
        (0x09, record.heading),
        (0x0A, record.hdop),
        (0x0B, record.altitude.cast_unsigned()),
        (0x19, record.battery),
        (0x1A, record.power),
    ];
    words.extend(record.fuel.map(|fuel| (0x29, fuel)));
    let longs = [
        (0x02, record.lat.cast_unsigned()),
        (0x03, record.lng.cast_unsigned()),
        (0x04, seconds),
        (0x0C, record.mileage),
    ];
    let others = usize::from(record.temperature.is_some());
    let mut out = Writer::new();
    out.u16_le((bytes.len() + words.len() + longs.len() + others) as u16);
    out.u8(bytes.len() as u8);
    for (id, value) in bytes {
        out.u8(id).u8(value);
    }
    out.u8(words.len() as u8);
    for (id, value) in words {
        out.u8(id).u16_le(value);
    }
    out.u8(longs.len() as u8);
    for (id, value) in longs {
        out.u8(id).u32_le(value);
    }
    out.u8(others as u8);
    if let Some(temperature) = record.temperature {
        out.bytes(&[0x2A, 3, 1]).i16_le(temperature);
    }
    out.finish()
}

/// Records in a packet; so many more are `left` in the memory.
pub fn packet(identifier: u8, imei: &str, left: u32, records: &[&[u8]]) -> Vec<u8> {
    let mut data = Writer::new();
    data.u32_le(left).u16_le(records.len() as u16);
    for record in records {
        data.u16_le(record.len() as u16).bytes(record);
    }
    written(identifier, imei, &[b"CCE,", &*data.finish()].concat())
}

/// The answer to the command with that identifier and name.
pub fn answer(identifier: u8, imei: &str, command: &str, text: &str) -> Vec<u8> {
    written(identifier, imei, format!("{command},{text}").as_bytes())
}

fn written(identifier: u8, imei: &str, content: &[u8]) -> Vec<u8> {
    // The commas before and behind the IMEI; asterisk, checksum and line end.
    let length = 2 + imei.len() + content.len() + super::packet::TAIL;
    let mut packet = b"$$".to_vec();
    packet.push(identifier);
    packet.extend_from_slice(format!("{length},{imei},").as_bytes());
    packet.extend_from_slice(content);
    packet.push(b'*');
    let check = checksum::sum(&packet);
    packet.extend_from_slice(format!("{check:02X}\r\n").as_bytes());
    packet
}
