//! Where a report ends. A text ends with `\r`; one that passes data on tells how long the data is, for it may hold any
//! byte. A binary report begins with its length.

use super::{binary, universal};
use crate::{Broken, Framing, fields};

/// Finds a report at the start of bytes that are not empty.
pub(super) fn find(buffer: &[u8], max: usize) -> Result<Framing, Broken> {
    let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if blank > 0 {
        return Ok(Framing::Skip(blank));
    }
    if binary::begins(buffer) {
        return Ok(match binary::length(buffer)? {
            Some(length) if length > max => return Err(Broken::TooLong { length, limit: max }),
            Some(length) if length <= buffer.len() => Framing::Frame(length),
            _ => Framing::Incomplete,
        });
    }
    if !begins(buffer) {
        return Err(Broken::NotAFrame("a report begins with the name of its kind"));
    }
    let Some(from) = behind_data(buffer) else { return Ok(Framing::Incomplete) };
    let end = buffer[from..].iter().position(|byte| *byte == b'\r');
    Ok(end.map_or(Framing::Incomplete, |end| Framing::Frame(from + end)))
}

/// Kinds of reports without a family before them, and the two letters that families begin with.
const HEADS: [&[u8]; 13] = [
    b"ST", b"SA", b"STT;", b"ALT;", b"EMG;", b"EVT;", b"UEX;", b"ALV;", b"BLE;", b"BSA;", b"RES;", b"CMD;",
    b"CRR;",
];

/// Whether the bytes begin as a report in text does, as far as they go.
fn begins(buffer: &[u8]) -> bool {
    let known = HEADS.iter().any(|head| buffer.iter().zip(*head).all(|(byte, expected)| byte == expected));
    let head = buffer.split(|byte| *byte == b';').next().unwrap_or_default();
    known && head.len() <= 20 && head.iter().all(u8::is_ascii_alphanumeric)
}

/// From where the end of the report is to be looked for; `None` when that is not known yet.
fn behind_data(buffer: &[u8]) -> Option<usize> {
    // Where the length of the data stands, counted in fields.
    let mut ends = buffer.iter().enumerate().filter(|(_, byte)| **byte == b';').map(|(at, _)| at);
    let Some(head) = ends.next().map(|end| &buffer[..end]) else { return Some(0) };
    let place = match head {
        b"UEX" => {
            let mut map = buffer.split(|byte| *byte == b';').skip(2);
            // The map is whole when another field follows it.
            let (Some(map), Some(_)) = (map.next(), map.next()) else {
                return buffer.contains(&b'\r').then_some(0);
            };
            universal::length_place(fields::hex(map).unwrap_or(0))
        }
        b"CRR" => 4,
        head if head.ends_with(b"UEX") => match legacy_length_place(buffer) {
            Place::At(place) => place,
            Place::None => return Some(0),
            Place::Unknown => return None,
        },
        _ => return Some(0),
    };
    let is_end = |byte: &u8| *byte == b'\r';
    let mut fields_seen = buffer.split(|byte| *byte == b';');
    let number = fields_seen.nth(place)?;
    // The field is whole when another one follows it.
    let start = ends.nth(place - 1).map(|end| end + 1);
    let Some(start) = start else {
        // A line that ends before its length has no data.
        return buffer.contains(&b'\r').then_some(0);
    };
    if buffer[..start].iter().any(is_end) {
        return Some(0);
    }
    let Some(count) = fields::integer::<usize>(number) else { return Some(start) };
    let end = start + escaped(&buffer[start..], count)?;
    match buffer.get(end) {
        None => None,
        Some(b';') => Some(end),
        // Not so long after all.
        Some(_) => Some(start),
    }
}

enum Place {
    At(usize),
    None,
    /// More fields are needed.
    Unknown,
}

/// The family decides how many fields a cell has: the length follows 9 fields behind the latitude.
fn legacy_length_place(buffer: &[u8]) -> Place {
    let mut words = buffer.split(|byte| *byte == b';').enumerate();
    let time = words.find(|(_, word)| matches!(word, [_, _, b':', _, _, b':', _, _]));
    let Some((time, _)) = time else {
        return if buffer.contains(&b'\r') { Place::None } else { Place::Unknown };
    };
    let lat = words.find(|(at, word)| *at > time + 1 && word.contains(&b'.'));
    match lat {
        Some((lat, _)) => Place::At(lat + 9),
        None if buffer.contains(&b'\r') => Place::None,
        None => Place::Unknown,
    }
}

/// How many bytes `count` bytes of data take: 0 and 1 are written as two. `None` when more are needed.
fn escaped(data: &[u8], count: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..count {
        at += if *data.get(at)? == 1 && matches!(data.get(at + 1), Some(0x10 | 0x11)) { 2 } else { 1 };
    }
    (at <= data.len()).then_some(at)
}
