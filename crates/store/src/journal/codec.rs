//! The stored form of records, version 2; version 1 had no positions from cells among its fixes. Whatever was written is
//! read for ever (`testdata/journal`): a change of meaning is a new version, or a new kind of record, beside the old.
//!
//! A record is its kind and then its fields in the order in which they stand here. Times are relative to the one
//! before them; identifiers, times and lengths are varints; numbers with a point are IEEE 754, little endian.

use crate::wire::{DecodeError, Unread, put_bytes, put_signed, put_varint};
use domain::{
    CommandId, Contact, ContactKind, Coordinates, Derived, Fix, Heading, InputName, Message, Metres,
    PositionSource, Problem, Record, RecordHash, Reply, SourceId, Speed, Telemetry, TimeOrigin, Timestamp,
    Transport, Value,
};

const TELEMETRY: u8 = 0;
const CONTACT: u8 = 1;
const REPLY: u8 = 2;
/// Of version 1, which always named a record, by its device's time.
const DERIVED_V1: u8 = 3;
const PROBLEM: u8 = 4;
const DERIVED: u8 = 5;

/// About how many bytes a record takes.
pub(super) fn expected_length(record: &Record) -> usize {
    match record {
        Record::Telemetry(record) => 72 + 8 * record.message.inputs.len(),
        Record::Contact(_) => 16,
        Record::Reply(record) => 24 + record.bytes.len(),
        Record::Derived(_) => 64,
        Record::Problem(record) => 24 + record.protocol.len() + record.error.len() + record.bytes.len(),
    }
}

pub(super) fn encode_record(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Telemetry(record) => {
            out.push(TELEMETRY);
            encode_telemetry(record, out);
        }
        Record::Contact(record) => {
            out.push(CONTACT);
            put_origin(out, record.source, record.received);
            out.push(contact_code(record.kind));
        }
        Record::Reply(record) => {
            out.push(REPLY);
            put_origin(out, record.source, record.received);
            put_option(out, record.command, |out, command| put_signed(out, command.0));
            put_bytes(out, &record.bytes);
        }
        Record::Derived(record) => {
            out.push(DERIVED);
            put_origin(out, record.source, record.received);
            put_time(out, record.time, record.received);
            put_option(out, record.completes, |out, hash| out.extend_from_slice(&hash.0.to_le_bytes()));
            encode_fix(&record.fix, out);
        }
        Record::Problem(record) => {
            out.push(PROBLEM);
            put_option(out, record.source, |out, source| put_signed(out, source.0));
            put_signed(out, record.received.millis());
            put_bytes(out, record.protocol.as_bytes());
            put_bytes(out, record.error.as_bytes());
            put_bytes(out, &record.bytes);
        }
    }
}

pub(super) fn decode_record(from: &mut Unread<'_>) -> Result<Record, DecodeError> {
    Ok(match from.byte()? {
        TELEMETRY => Record::Telemetry(decode_telemetry(from)?),
        CONTACT => {
            let (source, received) = origin(from)?;
            Record::Contact(Contact { source, received, kind: contact_kind(from.byte()?)? })
        }
        REPLY => {
            let (source, received) = origin(from)?;
            let command = option(from, Unread::signed)?.map(CommandId);
            Record::Reply(Reply { source, received, command, bytes: from.bytes()?.into() })
        }
        DERIVED_V1 => Record::Derived(decode_derived_v1(from)?),
        DERIVED => Record::Derived(decode_derived(from)?),
        PROBLEM => Record::Problem(Problem {
            source: option(from, Unread::signed)?.map(SourceId),
            received: Timestamp::from_millis(from.signed()?),
            protocol: from.text()?.into(),
            error: from.text()?.into(),
            bytes: from.bytes()?.into(),
        }),
        kind => return Err(unknown("record kind", kind)),
    })
}

/// A record that is a message, or was learned about one, as the message that it is.
pub(crate) fn decode_message(from: &mut Unread<'_>) -> Result<Telemetry, DecodeError> {
    let mut message = no_message();
    decode_message_into(&mut message, from)?;
    Ok(message)
}

/// The same into a message that is there; the room of its inputs is used again.
pub(crate) fn decode_message_into(message: &mut Telemetry, from: &mut Unread<'_>) -> Result<(), DecodeError> {
    match from.byte()? {
        TELEMETRY => decode_telemetry_into(message, from)?,
        DERIVED_V1 => *message = decode_derived_v1(from)?.as_telemetry(),
        DERIVED => *message = decode_derived(from)?.as_telemetry(),
        kind => return Err(unknown("kind of message", kind)),
    }
    Ok(())
}

/// Says nothing; messages are read into it.
pub(crate) fn no_message() -> Telemetry {
    Telemetry {
        source: SourceId(0),
        received: Timestamp::from_millis(0),
        time: Timestamp::from_millis(0),
        time_origin: TimeOrigin::Received,
        hash: RecordHash(0),
        message: Message::default(),
    }
}

fn decode_derived_v1(from: &mut Unread<'_>) -> Result<Derived, DecodeError> {
    let (source, received) = origin(from)?;
    let time = time(from, received)?;
    let completes = Some(hash(from)?);
    let fix = Fix { source: PositionSource::Cells, ..decode_fix(from)? };
    Ok(Derived { source, received, time, completes, fix })
}

fn decode_derived(from: &mut Unread<'_>) -> Result<Derived, DecodeError> {
    let (source, received) = origin(from)?;
    let time = time(from, received)?;
    let completes = option(from, hash)?;
    Ok(Derived { source, received, time, completes, fix: decode_fix(from)? })
}

// Telemetry: one byte of flags, then what they announce.
const HAS_DEVICE_TIME: u8 = 1 << 2;
const HAS_FIX: u8 = 1 << 3;
const TIME_ORIGIN: u8 = 0b11;

fn encode_telemetry(record: &Telemetry, out: &mut Vec<u8>) {
    put_origin(out, record.source, record.received);
    let message = &record.message;
    let time_origin = match record.time_origin {
        TimeOrigin::Device => 0,
        TimeOrigin::Received => 1,
        TimeOrigin::Suspect => 2,
    };
    out.push(
        time_origin | flag(HAS_DEVICE_TIME, message.time.is_some()) | flag(HAS_FIX, message.fix.is_some()),
    );
    put_time(out, record.time, record.received);
    out.extend_from_slice(&record.hash.0.to_le_bytes());
    if let Some(time) = message.time {
        put_time(out, time, record.time);
    }
    if let Some(fix) = &message.fix {
        encode_fix(fix, out);
    }
    put_varint(out, message.inputs.len() as u64);
    for (name, value) in message.inputs.iter() {
        encode_input(name, value, out);
    }
}

fn decode_telemetry(from: &mut Unread<'_>) -> Result<Telemetry, DecodeError> {
    let mut record = no_message();
    decode_telemetry_into(&mut record, from)?;
    Ok(record)
}

/// The room of the record's inputs is used again.
fn decode_telemetry_into(record: &mut Telemetry, from: &mut Unread<'_>) -> Result<(), DecodeError> {
    (record.source, record.received) = origin(from)?;
    let flags = from.byte()?;
    if flags & !(TIME_ORIGIN | HAS_DEVICE_TIME | HAS_FIX) != 0 {
        return Err(unknown("telemetry flags", flags));
    }
    record.time_origin = match flags & TIME_ORIGIN {
        0 => TimeOrigin::Device,
        1 => TimeOrigin::Received,
        2 => TimeOrigin::Suspect,
        code => return Err(unknown("time origin", code)),
    };
    record.time = time(from, record.received)?;
    record.hash = hash(from)?;
    let message = &mut record.message;
    message.time = (flags & HAS_DEVICE_TIME != 0).then(|| time(from, record.time)).transpose()?;
    message.fix = (flags & HAS_FIX != 0).then(|| decode_fix(from)).transpose()?;
    // The count is not trusted with an allocation: each input has to be there, and takes a byte or more.
    let count = from.varint()?;
    message.inputs.clear();
    message.inputs.reserve(count.min(from.0.len() as u64) as usize);
    for _ in 0..count {
        let (name, value) = decode_input(from)?;
        message.inputs.push(name, value);
    }
    Ok(())
}

// An input: its code and, in the low bits, the kind of its value.
const INT: u64 = 0;
const FLOAT: u64 = 1;
const UNSET: u64 = 2;
const SET: u64 = 3;
const TEXT: u64 = 4;
const VALUE_BITS: u32 = 3;

fn encode_input(name: InputName, value: &Value, out: &mut Vec<u8>) {
    let head = |kind| u64::from(name.code()) << VALUE_BITS | kind;
    match value {
        Value::Int(value) => {
            put_varint(out, head(INT));
            put_signed(out, *value);
        }
        Value::Float(value) => {
            put_varint(out, head(FLOAT));
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Flag(false) => put_varint(out, head(UNSET)),
        Value::Flag(true) => put_varint(out, head(SET)),
        Value::Text(value) => {
            put_varint(out, head(TEXT));
            put_bytes(out, value.as_bytes());
        }
    }
}

fn decode_input(from: &mut Unread<'_>) -> Result<(InputName, Value), DecodeError> {
    let head = from.varint()?;
    let code = head >> VALUE_BITS;
    let name = u32::try_from(code).ok().and_then(InputName::from_code);
    let name = name.ok_or(DecodeError::Unknown { field: "input", code })?;
    let value = match head & ((1 << VALUE_BITS) - 1) {
        INT => Value::Int(from.signed()?),
        FLOAT => Value::Float(f64::from_le_bytes(from.array()?)),
        UNSET => Value::Flag(false),
        SET => Value::Flag(true),
        TEXT => Value::Text(from.text()?.into()),
        code => return Err(DecodeError::Unknown { field: "kind of value", code }),
    };
    Ok((name, value))
}

// A fix: one byte of flags, the coordinates, then what the flags announce.
const VALID: u8 = 1 << 0;
const HAS_SPEED: u8 = 1 << 1;
const HAS_HEADING: u8 = 1 << 2;
const HAS_ALTITUDE: u8 = 1 << 3;
const HAS_SATELLITES: u8 = 1 << 4;
const HAS_PRECISION: u8 = 1 << 5;
const FROM_CELLS: u8 = 1 << 6;
const FIX_FLAGS: u8 = (1 << 7) - 1;

fn encode_fix(fix: &Fix, out: &mut Vec<u8>) {
    out.push(
        flag(VALID, fix.valid)
            | flag(HAS_SPEED, fix.speed.is_some())
            | flag(HAS_HEADING, fix.heading.is_some())
            | flag(HAS_ALTITUDE, fix.altitude.is_some())
            | flag(HAS_SATELLITES, fix.satellites.is_some())
            | flag(HAS_PRECISION, fix.precision.is_some())
            | flag(FROM_CELLS, fix.source == PositionSource::Cells),
    );
    out.extend_from_slice(&fix.coordinates.lat().to_le_bytes());
    out.extend_from_slice(&fix.coordinates.lng().to_le_bytes());
    if let Some(speed) = fix.speed {
        out.extend_from_slice(&speed.kmh().to_le_bytes());
    }
    if let Some(heading) = fix.heading {
        out.extend_from_slice(&heading.degrees().to_le_bytes());
    }
    if let Some(altitude) = fix.altitude {
        out.extend_from_slice(&altitude.0.to_le_bytes());
    }
    if let Some(satellites) = fix.satellites {
        out.push(satellites);
    }
    if let Some(precision) = fix.precision {
        out.extend_from_slice(&precision.0.to_le_bytes());
    }
}

fn decode_fix(from: &mut Unread<'_>) -> Result<Fix, DecodeError> {
    let flags = from.byte()?;
    if flags & !FIX_FLAGS != 0 {
        return Err(unknown("fix flags", flags));
    }
    let lat = f64::from_le_bytes(from.array()?);
    let lng = f64::from_le_bytes(from.array()?);
    let coordinates = Coordinates::new(lat, lng).ok_or(DecodeError::OutOfRange("a coordinate"))?;
    let source = if flags & FROM_CELLS != 0 { PositionSource::Cells } else { PositionSource::Gnss };
    let mut fix = Fix { valid: flags & VALID != 0, source, ..Fix::at(coordinates) };
    if flags & HAS_SPEED != 0 {
        fix.speed = Some(Speed::from_kmh(f32::from_le_bytes(from.array()?)));
    }
    if flags & HAS_HEADING != 0 {
        fix.heading = match u16::from_le_bytes(from.array()?) {
            degrees @ 0..360 => Some(Heading::from_degrees(degrees)),
            _ => return Err(DecodeError::OutOfRange("a heading")),
        };
    }
    if flags & HAS_ALTITUDE != 0 {
        fix.altitude = Some(Metres(f32::from_le_bytes(from.array()?)));
    }
    if flags & HAS_SATELLITES != 0 {
        fix.satellites = Some(from.byte()?);
    }
    if flags & HAS_PRECISION != 0 {
        fix.precision = Some(Metres(f32::from_le_bytes(from.array()?)));
    }
    Ok(fix)
}

fn contact_code(kind: ContactKind) -> u8 {
    match kind {
        ContactKind::Login(Transport::Tcp) => 0,
        ContactKind::Login(Transport::Udp) => 1,
        ContactKind::Login(Transport::Http) => 2,
        ContactKind::Heartbeat => 3,
        ContactKind::Closed => 4,
        ContactKind::Lost => 5,
    }
}

fn contact_kind(code: u8) -> Result<ContactKind, DecodeError> {
    Ok(match code {
        0 => ContactKind::Login(Transport::Tcp),
        1 => ContactKind::Login(Transport::Udp),
        2 => ContactKind::Login(Transport::Http),
        3 => ContactKind::Heartbeat,
        4 => ContactKind::Closed,
        5 => ContactKind::Lost,
        code => return Err(unknown("contact kind", code)),
    })
}

fn put_origin(out: &mut Vec<u8>, source: SourceId, received: Timestamp) {
    put_signed(out, source.0);
    put_signed(out, received.millis());
}

fn origin(from: &mut Unread<'_>) -> Result<(SourceId, Timestamp), DecodeError> {
    Ok((SourceId(from.signed()?), Timestamp::from_millis(from.signed()?)))
}

/// Wraps around, so that any two times have a distance.
fn put_time(out: &mut Vec<u8>, time: Timestamp, base: Timestamp) {
    put_signed(out, time.millis().wrapping_sub(base.millis()));
}

fn time(from: &mut Unread<'_>, base: Timestamp) -> Result<Timestamp, DecodeError> {
    Ok(Timestamp::from_millis(base.millis().wrapping_add(from.signed()?)))
}

fn hash(from: &mut Unread<'_>) -> Result<RecordHash, DecodeError> {
    Ok(RecordHash(u128::from_le_bytes(from.array()?)))
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

fn option<'a, T>(
    from: &mut Unread<'a>,
    read: impl FnOnce(&mut Unread<'a>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    match from.byte()? {
        0 => Ok(None),
        1 => read(from).map(Some),
        code => Err(unknown("presence", code)),
    }
}

fn flag(bit: u8, is_set: bool) -> u8 {
    if is_set { bit } else { 0 }
}

fn unknown(field: &'static str, code: u8) -> DecodeError {
    DecodeError::Unknown { field, code: code.into() }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
