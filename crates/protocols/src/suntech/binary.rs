//! The binary forms: "zip" of the first families (`02`, length, kind, fields, `03`), and that of universal devices (kind
//! `81` and above, length, number, map, fields). Sources: manual of ST300/340, "Zip" of each report of chapter 6;
//! "Universal Protocol", "Binary format".

use super::{Dialect, Kind, Report, alerts, mileage, universal};
use crate::{
    Broken,
    alarm::Alarms,
    bcd,
    cells::{Cell, Cells},
    clock, hex, plausible, ports,
    reader::Reader,
};
use domain::{Coordinates, Fix, Inputs, Message};

const ZIP: u8 = 0x02;
const ZIP_END: u8 = 0x03;
/// Kind and length of two bytes.
const HEAD: usize = 3;
const NUMBER: usize = 5;

pub(super) fn begins(buffer: &[u8]) -> bool {
    matches!(buffer, [ZIP | 0x81..=0x8F, ..])
}

/// Of the whole report; `None` when more bytes are needed.
pub(super) fn length(buffer: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(&[kind, high, low]) = buffer.first_chunk::<HEAD>() else { return Ok(None) };
    let data = usize::from(u16::from_be_bytes([high, low]));
    if data < 1 + NUMBER {
        return Err(Broken::NotAFrame("a length that no report has"));
    }
    Ok(Some(HEAD + data + usize::from(kind == ZIP)))
}

pub(super) fn name(frame: &[u8]) -> Option<String> {
    if length(frame).ok()? != Some(frame.len()) {
        return None;
    }
    if frame[0] == ZIP {
        // Nine digits; the tenth fills the last byte.
        let mut digits = bcd::digits(frame.get(HEAD + 1..HEAD + 1 + NUMBER)?)?;
        (frame.last() == Some(&ZIP_END)).then_some(())?;
        digits.truncate(9);
        return Some(digits);
    }
    bcd::digits(frame.get(HEAD..HEAD + NUMBER)?)
}

pub(super) fn read(frame: &[u8]) -> Option<Report> {
    if frame[0] == ZIP {
        return zip(frame.get(HEAD..frame.len() - 1)?);
    }
    let messages = vec![mapped(frame[0], frame.get(HEAD + NUMBER..)?)?];
    let kind = if frame[0] == STATUS { Kind::Status } else { Kind::Other };
    Some(Report { messages, answer: None, kind, dialect: Dialect::Universal })
}

/// Kinds of universal reports.
const STATUS: u8 = 0x81;
const ALERT: u8 = 0x82;

/// Kind of a zip report.
const EMERGENCY: u8 = 0x11;

/// Of a report in the zip form, whatever follows.
pub(super) fn zip_kind(frame: &[u8]) -> Option<Kind> {
    let kind = *frame.get(HEAD).filter(|_| frame[0] == ZIP)?;
    Some(if kind == EMERGENCY { Kind::Emergency } else { Kind::Other })
}

fn zip(data: &[u8]) -> Option<Report> {
    let report = |messages, kind| Some(Report { messages, answer: None, kind, dialect: Dialect::Zip });
    let mut reader = Reader::new(data);
    let header = reader.u8().ok()?;
    reader.slice(NUMBER).ok()?;
    let kind = match header {
        0x10 => Kind::Status,
        EMERGENCY => Kind::Emergency,
        0x12 | 0x13 => Kind::Other,
        0x14 => return report(Vec::new(), Kind::Alive),
        _ => return None,
    };
    reader.slice(3).ok()?;
    let time = clock::binary(reader.array().ok()?);
    reader.slice(3).ok()?;
    let mut decimal = |whole: usize, fraction: usize| -> Option<f64> {
        let whole = reader.uint_be(whole).ok()? as f64;
        let digits = i32::try_from(fraction * 2).ok()?;
        Some(whole + reader.bcd(fraction).ok()? as f64 / 10_f64.powi(digits))
    };
    let (lat, lng) = (decimal(1, 3)?, decimal(1, 3)?);
    let (speed, heading) = (decimal(2, 1)?, decimal(2, 1)?);
    let state = reader.u8().ok()?;
    let sign = |bit: u8, value: f64| if state >> bit & 1 == 1 { -value } else { value };
    let position = Fix {
        valid: state >> 7 == 1,
        satellites: Some(state & 0x1F),
        speed: plausible::speed_kmh(speed as f32),
        heading: (heading <= 360.0).then(|| plausible::heading(heading.round() as u16))?,
        ..Fix::at(Coordinates::new(sign(6, lat), sign(5, lng))?)
    };
    let (mut inputs, mut alarms) = (Inputs::with_capacity(16), Alarms::new());
    mileage(f64::from(reader.u32_be().ok()?), &mut inputs);
    let volts = |reader: &mut Reader<'_>| -> Option<f64> {
        let whole = f64::from(reader.u8().ok()?);
        Some(whole + reader.bcd(1).ok()? as f64 / 100.0)
    };
    inputs.push(input!("board_voltage"), volts(&mut reader)?);
    let wires = u32::from(reader.u8().ok()?);
    inputs.push(input!("ignition"), wires & 1 == 1);
    ports::digital_inputs(wires >> 1 & 0b111, 3, &mut inputs);
    ports::digital_outputs(wires >> 4 & 0b11, 2, &mut inputs);
    let number = i64::from(reader.u8().ok()?);
    match kind {
        Kind::Status => {
            if let 1 | 2 = number {
                inputs.push(input!("motion"), number == 2);
            }
            reader.u16_be().ok()?;
        }
        Kind::Emergency => alerts::emergency(number, &mut alarms, &mut inputs),
        _ if header == 0x13 => alerts::alert(number, &mut alarms, &mut inputs),
        _ => inputs.push(input!("event_code"), number),
    }
    // Hour meter and battery are there when the device is set so.
    if let Ok(minutes) = reader.u32_be() {
        inputs.push(input!("hw_engine_hours"), f64::from(minutes) / 60.0);
    }
    if let Some(volts) = volts(&mut reader) {
        inputs.push(input!("battery_voltage"), volts);
    }
    alarms.write(&mut inputs);
    report(vec![Message { time, fix: Some(position), inputs }], kind)
}

/// The fields of a universal report, each with its width, in the order of the bits of the map.
fn mapped(kind: u8, data: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(data);
    let map = reader.uint_be(3).ok()?;
    let has = |bit: u32| map >> bit & 1 == 1;
    let mut field = |bit: u32, width: usize| -> Option<u64> {
        if has(bit) { reader.uint_be(width).ok() } else { Some(0) }
    };
    field(1, 1)?;
    field(2, 3)?;
    field(3, 1)?;
    let (date, clock_time) = (field(4, 3)?, field(5, 3)?);
    let (cell, mcc, mnc, area, _) = (field(6, 4)?, field(7, 2)?, field(8, 2)?, field(9, 2)?, field(10, 1)?);
    let (lat, lng) = (magnitude(field(11, 4)?), magnitude(field(12, 4)?));
    let (speed, heading) = (field(13, 2)?, field(14, 2)?);
    let (satellites, valid) = (field(15, 1)?, field(16, 1)?);
    let (ins, outs) = (field(17, 1)?, field(18, 1)?);
    let (first, _) = (field(19, 1)?, field(20, 1)?);

    let [_, _, year, month, day, hour, minute, second] = (date << 24 | clock_time).to_be_bytes();
    let time = clock::binary([year, month, day, hour, minute, second]);
    let (mut inputs, mut alarms, mut cells) = (Inputs::with_capacity(16), Alarms::new(), Cells::new());
    let number = |value: u64| u16::try_from(value).unwrap_or(0);
    cells.cell(Cell {
        mcc: number(mcc),
        mnc: number(mnc),
        area: u32::try_from(area).unwrap_or(0),
        id: cell,
        dbm: None,
    });
    let position = Coordinates::new(lat, lng).filter(|_| has(11) && has(12)).map(|coordinates| Fix {
        valid: valid == 1,
        satellites: u8::try_from(satellites).ok().and_then(plausible::satellites),
        speed: plausible::speed_kmh(f32::from(number(speed)) / 100.0),
        heading: plausible::heading((number(heading) + 50) / 100),
        ..Fix::at(coordinates)
    });
    let wires = |bit: u32, value: u64| has(bit).then(|| u32::try_from(value).unwrap_or(0));
    universal::wires(wires(17, ins), wires(18, outs), &mut inputs);
    let first = i64::try_from(first).unwrap_or(0);
    match kind {
        STATUS if matches!(first, 1 | 2) => inputs.push(input!("motion"), first == 2),
        ALERT => {
            alerts::alert(first, &mut alarms, &mut inputs);
            let length = if has(21) { usize::from(reader.u8().ok()?) } else { 0 };
            let value = reader.slice(length).ok()?;
            if first == universal::DRIVER_IDENTIFIED && value.iter().any(|byte| *byte != 0) {
                inputs.push(input!("hardware_key"), &*hex::upper(value));
            }
        }
        _ => {}
    }
    cells.write(&mut inputs);
    alarms.write(&mut inputs);
    Some(Message { time, fix: position, inputs })
}

/// Millionths of a degree; the highest bit is the sign.
fn magnitude(value: u64) -> f64 {
    let degrees = (value & 0x7FFF_FFFF) as f64 / 1e6;
    if value >> 31 & 1 == 1 { -degrees } else { degrees }
}
