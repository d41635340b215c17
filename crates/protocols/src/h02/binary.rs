//! Reports in packed decimals: `$` or `X`, number, time, date, place, speed, course and state in 32 bytes. Many devices
//! add 13 bytes with a cell; whether they come cannot be seen from the first 32, so they are a frame of their own.

use super::{battery_level, status};
use crate::{
    bcd,
    cells::{Cell, Cells},
    nmea, plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, RecordHash};

/// Bytes of every report.
pub(super) const REPORT: usize = 32;
/// Bytes of what may follow.
pub(super) const TAIL: usize = 13;
/// Start, number, time, date, place, battery, speed, course, state: what makes a record the same.
const RECORD: usize = 29;

pub(super) fn is_start(byte: u8) -> bool {
    matches!(byte, b'$' | b'X')
}

/// The ten digits of the device's number.
pub(super) fn id(report: &[u8]) -> Option<String> {
    bcd::digits(report.get(1..6)?)
}

/// # Errors
/// When the report is too short.
pub(super) fn report(report: &[u8]) -> Result<(Message, RecordHash), ReadError> {
    let mut reader = Reader::new(report);
    reader.slice(6)?;
    let [hour, minute, second, day, month, year] = reader.array()?;
    let time = bcd::time([year, month, day, hour, minute, second]);
    let lat = packed(reader.slice(4)?);
    let battery = reader.u8()?;
    let lng = bcd::number_and_flags(reader.slice(5)?);
    // Three digits of knots, three of degrees.
    let motion = packed(reader.slice(3)?);
    let status = reader.u32_be()?;

    let fix = lat.zip(lng).and_then(|(lat, (lng, flags))| {
        let is = |bit: u8| flags >> bit & 1 == 1;
        let lat = nmea::degrees_and_minutes(lat as f64 / 1e4)?;
        let lng = nmea::degrees_and_minutes(lng as f64 / 1e4)?;
        let coordinates = Coordinates::new(if is(2) { lat } else { -lat }, if is(3) { lng } else { -lng })?;
        Some(Fix {
            valid: is(1),
            speed: motion.and_then(|motion| plausible::speed_kmh((motion / 1000) as f32 * KMH_PER_KNOT)),
            heading: motion.and_then(|motion| plausible::heading((motion % 1000) as u16)),
            ..Fix::at(coordinates)
        })
    });
    let mut inputs = Inputs::default();
    battery_level(i64::from(battery >> 4) * 10 + i64::from(battery & 15), &mut inputs);
    status::write(status, &mut inputs);
    Ok((Message { time, fix, inputs }, RecordHash::of(&report[..RECORD])))
}

/// What a report without a fix is completed by: its cell, at its time.
pub(super) fn tail(tail: &[u8], report: &Message) -> Option<Message> {
    if report.fix.is_some_and(|fix| fix.valid) || tail.len() != TAIL {
        return None;
    }
    let mut reader = Reader::new(tail);
    reader.slice(5).ok()?;
    let (mcc, mnc) = (reader.u16_be().ok()?, reader.u8().ok()?);
    let (area, id) = (reader.u16_be().ok()?, reader.u16_be().ok()?);
    let mut inputs = Inputs::default();
    Cells::new()
        .cell(Cell { mcc, mnc: mnc.into(), area: area.into(), id: id.into(), dbm: None })
        .write(&mut inputs);
    (!inputs.is_empty()).then_some(Message { time: report.time, fix: None, inputs })
}

/// Whether the 32 bytes can be a report: its digits are, and its date exists.
pub(super) fn is_plausible(report: &[u8]) -> bool {
    let date = report.get(6..12).and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
    let date = date.and_then(|[h, n, s, d, m, y]| bcd::time([y, m, d, h, n, s]));
    date.is_some() && report.get(12..16).is_some_and(|lat| packed(lat).is_some())
}

pub(super) const KMH_PER_KNOT: f32 = 1.852;

fn packed(bytes: &[u8]) -> Option<u64> {
    Reader::new(bytes).bcd(bytes.len()).ok()
}
