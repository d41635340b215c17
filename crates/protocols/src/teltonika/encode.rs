//! What a device sends, for tests, benchmarks and simulated vehicles, and how it takes apart what it is told.

use super::{
    Codec,
    packet::{self, Packet},
    text::{self, TextCodec},
};
use crate::{Broken, Framing, checksum, reader::Reader, writer::Writer};
use domain::Timestamp;

/// One record as a device would write it; raw units of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub time: Timestamp,
    pub priority: u8,
    /// Ten-millionths of a degree.
    pub lat: i32,
    /// Ten-millionths of a degree.
    pub lng: i32,
    /// Metres.
    pub altitude: i16,
    /// Degrees.
    pub heading: u16,
    pub satellites: u8,
    /// km/h.
    pub speed: u16,
    /// Id of the parameter that caused the record, 0 for none.
    pub event: u16,
    /// Why the record was made; only codec 16 says it.
    pub generation: u8,
    /// Ids and big-endian values. What a codec cannot carry (an id above 255 in codec 8, a value that has not 1, 2,
    /// 4 or 8 bytes outside of codec 8 Extended) is left out.
    pub parameters: Vec<(u16, Vec<u8>)>,
}

/// The login of a device.
pub fn login(imei: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    let length = writer.length_field::<2>();
    writer.bytes(imei.as_bytes()).fill_be(length);
    writer.finish()
}

/// A packet of up to 255 records.
pub fn packet(codec: Codec, records: &[Record]) -> Vec<u8> {
    let records = &records[..records.len().min(255)];
    let mut body = Writer::new();
    body.u8(records.len() as u8);
    for record in records {
        write(codec, record, &mut body);
    }
    body.u8(records.len() as u8);
    framed(codec.number(), &body.finish())
}

/// Any codec's data in a packet with a right checksum.
pub fn framed(codec: u8, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u32_be(0);
    let length = writer.length_field::<4>();
    let data = writer.len();
    writer.u8(codec).bytes(body).fill_be(length);
    let checksum = checksum::crc16_arc(writer.since(data));
    writer.u32_be(u32::from(checksum));
    writer.finish()
}

/// A record alone, for who keeps records until they are acknowledged; `framed` makes a packet of them.
pub fn record(codec: Codec, record: &Record) -> Vec<u8> {
    let mut writer = Writer::new();
    write(codec, record, &mut writer);
    writer.finish()
}

/// What a device that was admitted is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The server has so many records of the last packet.
    Taken(u32),
    Command(String),
    Other,
}

/// Takes the first thing off `buffer`: its length and what it says. `None` when more bytes are needed.
///
/// # Errors
/// When it is a frame and its checksum is wrong.
pub fn told(buffer: &[u8]) -> Result<Option<(usize, Told)>, Broken> {
    let Some(start) = buffer.first_chunk() else { return Ok(None) };
    match u32::from_be_bytes(*start) {
        0 => {}
        taken => return Ok(Some((start.len(), Told::Taken(taken)))),
    }
    let length = match packet::frame(buffer)? {
        Framing::Frame(length) => length,
        Framing::Skip(length) => return Ok(Some((length, Told::Other))),
        Framing::Incomplete => return Ok(None),
    };
    let Packet { codec, body } = Packet::parse(&buffer[..length])?;
    Ok(Some((length, command(codec, body).map_or(Told::Other, Told::Command))))
}

/// The text of the one command in a frame of codec 12.
fn command(codec: u8, body: &[u8]) -> Option<String> {
    let mut reader = Reader::new(body);
    let one = codec == TextCodec::Codec12.number() && reader.u8().ok()? == 1;
    let is_command = reader.u8().ok()? == text::COMMAND;
    let length = usize::try_from(reader.u32_be().ok()?).ok()?;
    let text = reader.slice(length).ok()?;
    (one && is_command).then(|| String::from_utf8_lossy(text).into_owned())
}

/// The answer to a command, in codec 12.
pub fn answer(said: &str) -> Vec<u8> {
    let mut body = Writer::new();
    body.u8(1).u8(text::ANSWER);
    let length = body.length_field::<4>();
    body.bytes(said.as_bytes()).fill_be(length).u8(1);
    framed(TextCodec::Codec12.number(), &body.finish())
}

fn write(codec: Codec, record: &Record, out: &mut Writer) {
    out.i64_be(record.time.millis()).u8(record.priority).i32_be(record.lng).i32_be(record.lat);
    out.i16_be(record.altitude).u16_be(record.heading).u8(record.satellites).u16_be(record.speed);
    id(codec, record.event, out);
    if codec == Codec::Codec16 {
        out.u8(record.generation);
    }
    let carried: Vec<_> = record.parameters.iter().filter(|(id, value)| carries(codec, *id, value)).collect();
    count(codec, carried.len(), out);
    for width in [1, 2, 4, 8] {
        let group: Vec<_> = carried.iter().filter(|(_, value)| value.len() == width).collect();
        count(codec, group.len(), out);
        for (name, value) in group {
            id(codec, *name, out);
            out.bytes(value);
        }
    }
    if codec == Codec::Codec8Extended {
        let group: Vec<_> = carried.iter().filter(|(_, value)| !is_number(value)).collect();
        count(codec, group.len(), out);
        for (name, value) in group {
            id(codec, *name, out);
            out.u16_be(value.len() as u16).bytes(value);
        }
    }
}

fn carries(codec: Codec, id: u16, value: &[u8]) -> bool {
    (codec != Codec::Codec8 || id <= 255) && (codec == Codec::Codec8Extended || is_number(value))
}

fn is_number(value: &[u8]) -> bool {
    matches!(value.len(), 1 | 2 | 4 | 8)
}

fn id(codec: Codec, id: u16, out: &mut Writer) {
    match codec {
        Codec::Codec8 => out.u8(id as u8),
        Codec::Codec8Extended | Codec::Codec16 => out.u16_be(id),
    };
}

fn count(codec: Codec, count: usize, out: &mut Writer) {
    match codec {
        Codec::Codec8 | Codec::Codec16 => out.u8(count as u8),
        Codec::Codec8Extended => out.u16_be(count as u16),
    };
}
