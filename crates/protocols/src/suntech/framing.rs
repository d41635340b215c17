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
    // Before the data there is no end of a line.
    let line = buffer.iter().position(|byte| *byte == b'\r');
    let head = &buffer[..line.unwrap_or(buffer.len())];
    // A line that ends before its length has no data; one that has not ended may still have some.
    let no_data = line.map(|_| 0);
    let mut words = head.split(|byte| *byte == b';');
    let kind = words.next().unwrap_or_default();
    let is_whole = head.len() > kind.len();
    if !is_whole {
        return no_data;
    }
    let place = match kind {
        b"UEX" => match (words.nth(1), words.next()) {
            (Some(map), Some(_)) => Some(universal::length_place(fields::hex(map).unwrap_or(0))),
            _ => None,
        },
        b"CRR" => Some(4),
        kind if kind.ends_with(b"UEX") => legacy_length_place(head),
        _ => return Some(0),
    };
    let Some(place) = place else { return no_data };
    let mut ends = head.iter().enumerate().filter(|(_, byte)| **byte == b';').map(|(at, _)| at);
    let before = place.checked_sub(1).and_then(|place| ends.nth(place));
    // The length is whole when another field follows it.
    let (Some(before), Some(end)) = (before, ends.next()) else { return no_data };
    let start = end + 1;
    let Some(count) = fields::integer::<usize>(&head[before + 1..end]) else { return Some(start) };
    let end = start + escaped(&buffer[start..], count)?;
    match buffer.get(end) {
        None => None,
        Some(b';') => Some(end),
        // Not so long after all.
        Some(_) => Some(start),
    }
}

/// The family decides how many fields a cell has: the length follows 9 fields behind the latitude.
fn legacy_length_place(head: &[u8]) -> Option<usize> {
    let mut words = head.split(|byte| *byte == b';').enumerate();
    let (time, _) = words.find(|(_, word)| matches!(word, [_, _, b':', _, _, b':', _, _]))?;
    let (lat, _) = words.find(|(at, word)| *at > time + 1 && word.contains(&b'.'))?;
    Some(lat + 9)
}

/// How many bytes `count` bytes of data take: 0 and 1 are written as two. `None` when more are needed.
fn escaped(data: &[u8], count: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..count {
        at += if *data.get(at)? == 1 && matches!(data.get(at + 1), Some(0x10 | 0x11)) { 2 } else { 1 };
    }
    (at <= data.len()).then_some(at)
}
