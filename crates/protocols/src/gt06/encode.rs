//! What a device sends, for tests, benchmarks and simulated vehicles, and how it takes apart what it is told.
//! Source: Concox GT06N/F/E V1.0.0 (2015): login 01, location 22, alarm 26, answer 21.

use super::packet::{self, Packet, Size};
use crate::{Broken, Framing, bcd, writer::Writer};
use domain::Timestamp;

/// One location in raw units of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub time: Timestamp,
    /// In 1/30,000 of a minute.
    pub lat: i32,
    /// In 1/30,000 of a minute.
    pub lng: i32,
    /// Degrees.
    pub heading: u16,
    /// km/h.
    pub speed: u8,
    /// 0 without a fix.
    pub satellites: u8,
    pub mcc: u16,
    pub mnc: u8,
    pub ignition: bool,
    /// Metres.
    pub mileage: u32,
}

/// What an alarm has beside a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// 0 for none.
    pub alarm: u8,
    /// In steps from 0 to 6.
    pub battery: u8,
    /// In steps from 0 to 4.
    pub signal: u8,
    /// The one relay, which cuts the fuel.
    pub relay: bool,
}

pub const IGNITION_ON: u8 = 0xFE;
pub const IGNITION_OFF: u8 = 0xFF;

const LOGIN: u8 = 0x01;
const LOCATION: u8 = 0x22;
const ALARM: u8 = 0x26;
const ANSWER: u8 = 0x21;
/// Number, place, cell, ignition and mode stand before the mark of a location that is sent again.
const RESEND_MARK: usize = 1 + 18 + 8 + 2;

/// Number and content of a login. `None` when the IMEI has not at most 16 digits.
pub fn login(imei: &str) -> Option<Vec<u8>> {
    let digits = bcd::pack::<8>(imei)?;
    Some([&[LOGIN], &digits[..]].concat())
}

/// Number and content of a location.
pub fn location(record: &Record) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u8(LOCATION);
    place(record, &mut writer);
    cell(record, &mut writer);
    // Sent at the interval, now.
    writer.u8(record.ignition.into()).u8(0).u8(0).u32_be(record.mileage);
    writer.finish()
}

/// Number and content of an alarm, which also carries the state of the device.
pub fn alarm(record: &Record, status: Status) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u8(ALARM);
    place(record, &mut writer);
    // The length counts itself.
    writer.u8(9);
    cell(record, &mut writer);
    let information = u8::from(status.relay) << 7 | 1 << 6 | 1 << 2 | u8::from(record.ignition) << 1 | 1;
    writer.u8(information).u8(status.battery).u8(status.signal).u8(status.alarm).u8(2);
    writer.finish()
}

/// Number and content of the answer to a command with that flag.
pub fn answer(flag: u32, text: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u8(ANSWER).u32_be(flag).u8(1).bytes(text.as_bytes());
    writer.finish()
}

/// A message, by its number and content, as it goes out for the first time.
pub fn packet(message: &[u8], serial: u16) -> Vec<u8> {
    let Some((&number, content)) = message.split_first() else { return Vec::new() };
    let size = if content.len() <= packet::room(Size::Short) { Size::Short } else { Size::Long };
    // The answer 21 has the long form in all documents.
    let size = if number == ANSWER { Size::Long } else { size };
    packet::write(size, number, content, serial)
}

/// A message as it goes out again: a location says so.
pub fn packet_again(message: &[u8], serial: u16) -> Vec<u8> {
    let mut message = message.to_vec();
    if message.first() == Some(&LOCATION)
        && let Some(mark) = message.get_mut(RESEND_MARK)
    {
        *mark = 1;
    }
    packet(&message, serial)
}

/// What a device is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The server has the message with that number and serial.
    Taken {
        number: u8,
        serial: u16,
    },
    /// To be answered with the same flag.
    Command {
        flag: u32,
        text: String,
    },
    Other,
}

/// Takes the first packet off `buffer`: its length and what it says. `None` when more bytes are needed.
///
/// # Errors
/// When it is no packet, or its checksum is wrong.
pub fn told(buffer: &[u8]) -> Result<Option<(usize, Told)>, Broken> {
    if buffer.is_empty() {
        return Ok(None);
    }
    let length = match packet::frame(buffer)? {
        Framing::Frame(length) => length,
        Framing::Skip(length) => return Ok(Some((length, Told::Other))),
        Framing::Incomplete => return Ok(None),
    };
    let packet = Packet::parse(&buffer[..length])?;
    let told = match (packet.number, packet.content) {
        (COMMAND, &[length, a, b, c, d, ref text @ ..]) => {
            let text = &text[..text.len().min(usize::from(length).saturating_sub(4))];
            let flag = u32::from_be_bytes([a, b, c, d]);
            Told::Command { flag, text: String::from_utf8_lossy(text).into_owned() }
        }
        (number, []) => Told::Taken { number, serial: packet.serial },
        _ => Told::Other,
    };
    Ok(Some((length, told)))
}

const COMMAND: u8 = 0x80;

fn place(record: &Record, writer: &mut Writer) {
    let ((year, month, day), (hour, minute, second)) = record.time.to_civil();
    let year = (year - 2000) as u8;
    writer.bytes(&[year, month as u8, day as u8, hour as u8, minute as u8, second as u8]);
    // The block has twelve bytes of GPS; the lower half counts satellites.
    writer.u8(0xC0 | record.satellites.min(15));
    writer.u32_be(record.lat.unsigned_abs()).u32_be(record.lng.unsigned_abs()).u8(record.speed);
    let flags = [(10, record.lat >= 0), (11, record.lng < 0), (12, record.satellites > 0)];
    let flags = flags.iter().fold(0, |word, (bit, set)| word | u16::from(*set) << bit);
    writer.u16_be(flags | (record.heading % 360));
}

fn cell(record: &Record, writer: &mut Writer) {
    writer.u16_be(record.mcc).u8(record.mnc).u16_be(0x18D8).bytes(&[0, 0x61, 0x41]);
}
