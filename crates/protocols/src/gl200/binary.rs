//! Reports in the HEX format: a head of four letters, a mask that says which fields follow, CRC-16 with polynomial 0x1021
//! from 0xFFFF over all behind the head, `0D 0A`. Source: Queclink GV200 @Track (TRACGV200AN003 3.20), chapter 4, "HEX
//! Format Report Message". Fields whose place depends on settings are found by what surrounds them: each position is
//! longitude, latitude and a date of seven bytes.
//!
//! Small devices send another form, `+`, 0 and the length, with a position of which only place and time are known.

use super::draft::{Draft, Position};
use crate::{
    Broken, DeviceSlot, Events, Framing, cells, checksum, plausible,
    reader::{ReadError, Reader, bits},
};
use domain::{Coordinates, Fix, Inputs, Timestamp};

/// What a frame is, and what stands where in its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `+RSP`, `+BSP`, `+EVT`, `+BVT`: positions.
    Positions,
    /// `+INF`, `+BNF`.
    Information,
    Acknowledgement,
    Heartbeat,
    Login,
    /// The other form.
    Small,
}

/// Bytes of a head, its kind, and where its length stands in how many bytes.
const HEADS: [(&[u8], Kind, usize, usize); 9] = [
    (b"+RSP", Kind::Positions, 9, 2),
    (b"+BSP", Kind::Positions, 9, 2),
    (b"+EVT", Kind::Positions, 9, 2),
    (b"+BVT", Kind::Positions, 9, 2),
    (b"+INF", Kind::Information, 7, 2),
    (b"+BNF", Kind::Information, 7, 2),
    (b"+HBD", Kind::Heartbeat, 5, 1),
    (b"+LGN", Kind::Login, 6, 2),
    (b"+\0", Kind::Small, 2, 2),
];
/// Its head is that of an acknowledgement in text too, which goes on with a colon.
const ACKNOWLEDGEMENT: (&[u8], Kind, usize, usize) = (b"+ACK", Kind::Acknowledgement, 6, 1);

pub(super) fn begins(buffer: &[u8]) -> bool {
    let starts = |head: &[u8]| buffer.iter().zip(head).all(|(byte, expected)| byte == expected);
    HEADS.iter().any(|(head, ..)| starts(head)) || starts(ACKNOWLEDGEMENT.0) && buffer.get(4) != Some(&b':')
}

fn head(buffer: &[u8]) -> Option<(Kind, usize, usize)> {
    let heads = HEADS.iter().chain([&ACKNOWLEDGEMENT]);
    let found = heads.into_iter().find(|(head, ..)| buffer.starts_with(head));
    found.map(|(_, kind, place, width)| (*kind, *place, *width))
}

/// Finds a frame at the start of `buffer`, which begins as one.
pub(super) fn frame(buffer: &[u8], max: usize) -> Result<Framing, Broken> {
    let Some((_, place, width)) = head(buffer) else { return Ok(Framing::Incomplete) };
    let Some(length) = buffer.get(place..place + width) else { return Ok(Framing::Incomplete) };
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    match length {
        length if length > max => Err(Broken::TooLong { length, limit: max }),
        length if length < SHORTEST => Err(Broken::NotAFrame("a length that no report has")),
        length if buffer.len() < length => Ok(Framing::Incomplete),
        length => Ok(Framing::Frame(length)),
    }
}

/// Head, mask, length, count, checksum and end.
const SHORTEST: usize = 14;

/// A frame whose checksum is right, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// As four digits in hexadecimal.
    pub(super) count: String,
    /// The number of the command that an acknowledgement answers.
    pub(super) serial: Option<u16>,
    /// Device type and version, as text reports have them; empty where the frame leaves them out.
    pub(super) version: String,
    message: u8,
    device: u8,
    sent: Option<Timestamp>,
    body: &'a [u8],
    own: &'a [u8],
}

/// Why a frame with a right checksum cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HexError {
    #[error(transparent)]
    Short(#[from] ReadError),
    #[error("no number of a device where it should stand")]
    NoDevice,
    #[error("no position in a report of positions")]
    NoPosition,
}

/// Send time, count, checksum, end.
const TAIL: usize = 7 + 2 + 2 + 2;

/// # Errors
/// When the bytes are not one frame, or the checksum is wrong.
pub(super) fn check(frame: &[u8]) -> Result<Kind, Broken> {
    let (kind, place, width) = head(frame).ok_or(Broken::NotAFrame("not a report"))?;
    let length = frame.get(place..place + width).unwrap_or_default();
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length != frame.len() || length < SHORTEST {
        return Err(Broken::NotAFrame("the report's length is not what it says"));
    }
    // Which checksum the other form has is not documented.
    if kind != Kind::Small {
        let (covered, tail) = frame[4..].split_at(frame.len() - 8);
        let said = u32::from(tail[0]) << 8 | u32::from(tail[1]);
        let computed = u32::from(checksum::crc16_ccitt_false(covered));
        if said != computed {
            return Err(Broken::Checksum { said, computed });
        }
    }
    Ok(kind)
}

impl<'a> Frame<'a> {
    /// Reads a frame that `check` has passed.
    pub(super) fn parse(kind: Kind, frame: &'a [u8]) -> Result<Self, HexError> {
        let mut reader = Reader::new(frame);
        reader.slice(4)?;
        if kind == Kind::Small {
            return Self::small(frame);
        }
        let message = if matches!(kind, Kind::Heartbeat | Kind::Login) { 0 } else { reader.u8()? };
        let mask = match kind {
            Kind::Positions => u64::from(reader.u32_be()?),
            Kind::Information | Kind::Login => u64::from(reader.u16_be()?),
            _ => u64::from(reader.u8()?),
        };
        reader.slice(if matches!(kind, Kind::Acknowledgement | Kind::Heartbeat) { 1 } else { 2 })?;
        let named = if kind == Kind::Information { Some(reader.array()?) } else { None };
        let heartbeat = kind == Kind::Heartbeat;
        let has = |bit| !heartbeat || bits(mask, bit, 1) == 1;
        let device = if has(1) { reader.u8()? } else { 0 };
        let version = if has(2) { format!("{device:02X}{:04X}", reader.u16_be()?) } else { String::new() };
        if has(3) {
            reader.u16_be()?;
        }
        if kind == Kind::Login {
            reader.u16_be()?;
        }
        let id = match named {
            Some(id) => id,
            None => reader.array()?,
        };
        let tail = frame.len().checked_sub(TAIL).filter(|tail| *tail >= reader.offset());
        let tail = tail.ok_or(HexError::NoDevice)?;
        let body = &frame[reader.offset()..tail];
        let mut end = Reader::new(&frame[tail..]);
        let sent = moment(end.array()?);
        let count = format!("{:04X}", end.u16_be()?);
        let serial = match (kind, body) {
            (Kind::Acknowledgement, [.., high, low]) => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
        // Head and count tell how and when a report was sent, not what it is.
        let own = &frame[4..frame.len() - 6];
        let id = name(id).ok_or(HexError::NoDevice)?;
        Ok(Self { kind, id, count, serial, version, message, device, sent, body, own })
    }

    fn small(frame: &'a [u8]) -> Result<Self, HexError> {
        let id = crate::bcd::digits(frame.get(5..13).ok_or(HexError::NoDevice)?).ok_or(HexError::NoDevice)?;
        let id = id.strip_prefix('0').unwrap_or(&id).to_owned();
        let version = crate::hex::upper(frame.get(13..17).ok_or(HexError::NoDevice)?);
        let body = frame.get(17..frame.len() - 2).ok_or(HexError::NoDevice)?;
        Ok(Self {
            kind: Kind::Small,
            id,
            count: String::new(),
            serial: None,
            version,
            message: 0,
            device: 0,
            sent: None,
            body,
            own: body,
        })
    }

    /// # Errors
    /// When a report of positions has none.
    pub(super) fn decode(&self, slot: DeviceSlot, events: &mut Events) -> Result<(), HexError> {
        let mut draft = Draft::default();
        if self.message != 0 {
            draft.inputs.push(input!("event_code"), i64::from(self.message));
        }
        match self.kind {
            Kind::Positions if self.message == COMPRESSED => self.compressed(&mut draft)?,
            Kind::Positions => self.positions(&mut draft)?,
            Kind::Small => draft.positions.push(small_position(self.body).ok_or(HexError::NoPosition)?),
            _ => {}
        }
        draft.finish(slot, self.own, self.sent, events);
        Ok(())
    }

    fn positions(&self, draft: &mut Draft) -> Result<(), HexError> {
        self.supply(&mut draft.inputs);
        let mut at = 0;
        while let Some(rest) = self.body.get(at..).filter(|rest| rest.len() >= PLACE) {
            match position(self.body, at, rest) {
                Some(position) => {
                    draft.positions.push(position);
                    at += PLACE;
                }
                None => at += 1,
            }
        }
        if draft.positions.is_empty() {
            // Events without a fix: their own time is that of sending.
            return if self.sent.is_some() { Ok(()) } else { Err(HexError::NoPosition) };
        }
        Ok(())
    }

    /// Battery, supply, state of motion and satellites, in the order of devices with a battery of their own.
    fn supply(&self, inputs: &mut Inputs) -> Option<()> {
        let &[battery, high, low, motion, ..] = self.body.first_chunk::<5>()?;
        if self.device == GB100 && battery <= 100 {
            inputs.push(input!("battery_level"), f64::from(battery));
            let millivolts = u16::from_be_bytes([high, low]);
            inputs.push(input!("board_voltage"), f64::from(millivolts) / 1000.0);
            if let 0x11 | 0x12 | 0x21 | 0x22 = motion {
                inputs.push(input!("ignition"), motion >= 0x20);
            }
            if let 0x11 | 0x12 | 0x21 | 0x22 | 0x41 | 0x42 = motion {
                inputs.push(input!("motion"), motion & 0x0F == 2);
            }
        }
        Some(())
    }

    /// A place each second, the first one whole, the others as differences.
    fn compressed(&self, draft: &mut Draft) -> Result<(), HexError> {
        self.supply(&mut draft.inputs);
        let mut reader = Reader::new(self.body);
        reader.slice(5)?;
        let count = reader.u16_be()?;
        let (mut speed, mut heading, mut lng, mut lat, mut time) = (0_i64, 0_i64, 0_i64, 0_i64, None);
        for _ in 0..count {
            let first = self.body.get(reader.offset()).copied().unwrap_or_default();
            match first >> 6 {
                1 => {
                    let head = reader.uint_be(3)?;
                    speed = bits(head, 9, 12).cast_signed();
                    heading = bits(head, 0, 9).cast_signed();
                    (lng, lat) = (i64::from(reader.i32_be()?), i64::from(reader.i32_be()?));
                    if time.is_none() {
                        time = Some(i64::from(reader.u32_be()?));
                    }
                }
                2 => {
                    let steps = reader.uint_be(5)?;
                    speed += signed(steps, 30, 7);
                    heading += signed(steps, 23, 7);
                    lng += signed(steps, 11, 12);
                    lat += signed(steps, 0, 11);
                }
                // The second had no place.
                _ => {
                    reader.u8()?;
                    time = time.map(|time| time + 1);
                    continue;
                }
            }
            let Some(now) = time else { return Err(HexError::NoPosition) };
            let fix = Coordinates::new(lat as f64 / 1e6, lng as f64 / 1e6).map(|coordinates| Fix {
                speed: plausible::speed_kmh(speed as f32 / 10.0),
                heading: u16::try_from(heading.rem_euclid(360)).ok().and_then(plausible::heading),
                ..Fix::at(coordinates)
            });
            let time_of_fix = Some(Timestamp::from_seconds(now));
            draft.positions.push(Position { time: time_of_fix, fix, ..Position::default() });
            time = Some(now + 1);
        }
        Ok(())
    }
}

/// Message type of a report of compressed places.
const COMPRESSED: u8 = 0x64;
/// Device type of GB100.
const GB100: u8 = 0x45;
/// Longitude, latitude and time.
const PLACE: usize = 4 + 4 + 7;

/// The position whose longitude begins the `rest` of the body, at offset `at`.
fn position(body: &[u8], at: usize, rest: &[u8]) -> Option<Position> {
    let mut reader = Reader::new(rest);
    let (lng, lat) = (reader.i32_be().ok()?, reader.i32_be().ok()?);
    let time = moment(reader.array().ok()?)?;
    let coordinates = Coordinates::new(f64::from(lat) / 1e6, f64::from(lng) / 1e6)?;
    let mut position = Position { time: Some(time), fix: Some(Fix::at(coordinates)), ..Position::default() };
    // Accuracy, speed with a byte for tenths, heading and altitude stand before it.
    if let Some(&[accuracy, high, low, tenths, heading, heading_low, altitude, altitude_low]) =
        at.checked_sub(8).and_then(|start| body[start..].first_chunk())
    {
        let heading = u16::from_be_bytes([heading, heading_low]);
        if tenths <= 9 && heading <= 360 {
            let speed = f32::from(u16::from_be_bytes([high, low])) + f32::from(tenths) / 10.0;
            let altitude = i16::from_be_bytes([altitude, altitude_low]);
            position.hdop = (accuracy > 0).then(|| f64::from(accuracy));
            position.fix = Some(Fix {
                valid: accuracy > 0,
                speed: plausible::speed_kmh(speed),
                heading: plausible::heading(heading),
                altitude: plausible::altitude(f32::from(altitude)),
                ..Fix::at(coordinates)
            });
        }
    }
    // Country and network are digits, as text reports have them.
    if let (Ok(mcc), Ok(mnc), Ok(area), Ok(id)) =
        (reader.bcd(2), reader.bcd(2), reader.u16_be(), reader.u16_be())
    {
        let (mcc, mnc) = (u16::try_from(mcc).ok()?, u16::try_from(mnc).ok()?);
        position.cell = Some(cells::Cell { mcc, mnc, area: u32::from(area), id: u64::from(id), dbm: None });
    }
    Some(position)
}

/// Longitude, latitude and seconds since 1970 in a row.
fn small_position(body: &[u8]) -> Option<Position> {
    (0..body.len()).find_map(|at| {
        let mut reader = Reader::new(&body[at..]);
        let (lng, lat, seconds) = (reader.i32_be().ok()?, reader.i32_be().ok()?, reader.u32_be().ok()?);
        // The time of the report stands in its head; a position is not years older.
        let head = i64::from(Reader::new(body.get(3..)?).u32_be().ok()?);
        let age = head - i64::from(seconds);
        let coordinates = Coordinates::new(f64::from(lat) / 1e6, f64::from(lng) / 1e6)?;
        (0..=31_536_000).contains(&age).then(|| Position {
            time: Some(Timestamp::from_seconds(i64::from(seconds))),
            fix: Some(Fix::at(coordinates)),
            ..Position::default()
        })
    })
}

/// Year in two bytes, month, day, hour, minute, second.
fn moment([high, low, month, day, hour, minute, second]: [u8; 7]) -> Option<Timestamp> {
    let year = i64::from(u16::from_be_bytes([high, low]));
    let date = (year, u32::from(month), u32::from(day));
    let time = Timestamp::from_civil(date, (u32::from(hour), u32::from(minute), u32::from(second)));
    time.filter(|_| (2000..=2099).contains(&year))
}

/// An IMEI two digits to a byte, or the device's name with zeros behind it.
fn name(id: [u8; 8]) -> Option<String> {
    if id[..7].iter().all(|pair| *pair < 100) && id[7] < 10 && !id.iter().all(u8::is_ascii_alphanumeric) {
        let pairs: String = id[..7].iter().map(|pair| format!("{pair:02}")).collect();
        return Some(format!("{pairs}{}", id[7]));
    }
    let name = id.iter().map(|byte| char::from(*byte)).collect::<String>();
    let name = name.trim_end_matches('\0');
    domain::DeviceId::new(name).ok().map(|id| id.as_str().to_owned())
}

fn signed(value: u64, first: u32, count: u32) -> i64 {
    let unused = 64 - count;
    (bits(value, first, count) << unused).cast_signed() >> unused
}
