//! The additional information behind a location: one byte each for item and length, then the value. Vendors have given
//! the numbers above 0x31 their own meanings; where two use one number, the length tells them apart.
//! Sources: as `items.tsv`; bits of 0x25, 0x2A, 0x2B from JT/T 808-2019, tables 28 and 29.

use super::table::{self, packed_digits, scaled};
use super::{
    lock,
    packet::{Terminal, readable},
};
use crate::{
    alarm::{Alarm, Alarms},
    cells::{self, Cell, Cells},
    plausible,
    reader::{ReadError, Reader, bits},
};
use domain::{InputName, Inputs};

/// What the items say beside inputs.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) alarms: Alarms,
    pub(super) cells: Cells,
    pub(super) satellites: Option<u8>,
    /// The clock of the device, in minutes east of Greenwich.
    pub(super) zone: Option<i64>,
}

/// Reads the list to its end, or to where it stops being one.
pub(super) fn read(list: &[u8], found: &mut Found, inputs: &mut Inputs) {
    let mut reader = Reader::new(list);
    while let Ok(item) = reader.u8() {
        let Some(raw) = reader.u8().ok().and_then(|length| reader.slice(length.into()).ok()) else { return };
        // An item that is shorter than its meaning says nothing.
        let _ = special(item, raw, found, inputs);
        table::read(item.into(), raw, inputs);
    }
}

fn special(item: u8, raw: &[u8], found: &mut Found, inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut reader = Reader::new(raw);
    match (item, raw.len()) {
        (0x25, 4) => vehicle_signals(reader.u32_be()?, inputs),
        (0x2A, 2) => inputs.push(input!("sleep_mode"), i64::from(reader.u16_be()? & 3).min(2)),
        (0x2B, 4) => {
            // The standard gives no unit; receivers of the field print thousandths of a volt.
            let (second, first) = (reader.u16_be()?, reader.u16_be()?);
            inputs.push(input!("analog_1"), scaled(first.into(), 0.001));
            inputs.push(input!("analog_2"), scaled(second.into(), 0.001));
        }
        (0x30 | 0x6A, 1) => signal(reader.u8()?, inputs),
        (0x31, 1) => found.satellites = plausible::satellites(reader.u8()?),
        (0x33, 20..) if raw.starts_with(b"*M00,") => lock::text_status(raw, inputs),
        (0x51, 2..) => {
            for number in 1..=raw.len() / 2 {
                push_member("ext_temp_sensor_1", number, scaled(reader.i16_be()?.into(), 0.1), inputs);
            }
        }
        (0x53 | 0x5D, 9..) => {
            let count = usize::from(reader.u8()?).max(1);
            let wide = reader.left() / count >= 10;
            for _ in 0..count {
                let (mcc, mnc, area) = (reader.u16_be()?, reader.u8()?.into(), reader.u16_be()?.into());
                let id = if wide { reader.u32_be()?.into() } else { reader.u16_be()?.into() };
                reader.u8()?;
                found.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
            }
        }
        (0x54, 8..) => {
            for _ in 0..reader.u8()? {
                let (mac, signal) = (reader.array()?, reader.i8()?);
                found.cells.access_point(mac, (signal < 0).then_some(signal.into()));
            }
        }
        (0x56, 2) => {
            let (tenths, percent) = (reader.u8()?, reader.u8()?);
            let level = if percent == 0 { tenths.saturating_mul(10) } else { percent };
            inputs.push(input!("battery_level"), f64::from(level.min(100)));
        }
        // Of one of Micodus's trackers: an alarm of the door.
        (0x57, 8) => {
            reader.u32_be()?;
            if reader.u16_be()? & 1 == 1 {
                found.alarms.raise(Alarm::Door);
            }
        }
        (0x60, 3..) => lock::event(raw, found, inputs)?,
        (0x63, 11) => lock::companion(raw, inputs)?,
        (0x66, 11..) => {
            let mcc = reader.u16_be()?;
            while reader.left() >= 9 {
                let signal = reader.u8()?;
                let (mnc, id, area) = (reader.u16_be()?, reader.u32_be()?.into(), reader.u16_be()?.into());
                let dbm = (signal <= 31).then(|| 2 * i16::from(signal) - 113);
                found.cells.cell(Cell { mcc, mnc, area, id, dbm });
            }
        }
        (0x77, 8..) => tires(&mut reader, inputs)?,
        (0xE3, 6) => {
            let (level, volts) = (reader.u16_be()?, scaled(reader.u16_be()?.into(), 0.01));
            if (1..=100).contains(&level) {
                inputs.push(input!("battery_level"), f64::from(level));
            }
            // A battery of its own has one cell; more is the vehicle's supply.
            inputs.push(if volts < 6.0 { input!("battery_voltage") } else { input!("board_voltage") }, volts);
        }
        (0xE4, 2) => {
            inputs.push(input!("charging_status"), i64::from(reader.u8()? & 1));
            inputs.push(input!("battery_level"), f64::from(reader.u8()?.min(100)));
        }
        (0xE6, 11) => {
            // A wireless probe: number, address, temperature and humidity with eight bits behind the point.
            let number = usize::from(reader.u8()?);
            reader.slice(6)?;
            let (temperature, humidity) = (reader.i16_be()?, reader.u16_be()?);
            push_member("ble_temp_sensor_1", number, f64::from(temperature) / 256.0, inputs);
            push_member("ble_humidity_1", number, f64::from(humidity) / 256.0, inputs);
        }
        (0xE8, 4..) => jimi_event(&mut reader, found, inputs)?,
        (0xEE, 10) => {
            let (mcc, mnc) = (reader.u16_be()?, reader.u8()?.into());
            let (area, id) = (reader.u16_be()?.into(), reader.u32_be()?.into());
            found.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
        }
        (0xEB, 9) if raw.starts_with(b"UTC") => found.zone = zone(&raw[3..]),
        (0xEA..=0xEC, 4..) => lists(raw, found, inputs)?,
        (0xF3, 5..) => obd_list(raw, 0xF000, found, inputs)?,
        (0xF4, 2) => {
            let word = reader.u16_be()?;
            for (bit, alarm) in EXTENDED_ALARMS {
                if word >> bit & 1 == 1 {
                    found.alarms.raise(alarm);
                }
            }
            inputs.push(input!("digital_input_1"), word >> 6 & 1 == 1);
            inputs.push(input!("digital_input_2"), word >> 7 & 1 == 1);
        }
        (0xF6, 10..) => climate(&mut reader, inputs)?,
        (0xF7, 6) => {
            inputs.push(input!("battery_voltage"), scaled(reader.u32_be()?.into(), 0.001));
            inputs.push(input!("charging_status"), i64::from(reader.u8()? == 1));
            inputs.push(input!("battery_level"), f64::from(reader.u8()?.min(100)));
        }
        (0xF8, 19..) => {
            reader.slice(9)?;
            if let Some(iccid) = packed_digits(reader.slice(10)?) {
                inputs.push(input!("iccid"), &*iccid);
            }
        }
        (0xFD, 10) => {
            let (mcc, mnc) = (reader.u16_be()?, reader.u16_be()?);
            let (id, area) = (reader.u32_be()?.into(), reader.u16_be()?.into());
            found.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
        }
        (0xFE, 7..) if raw.starts_with(&[0x7C, 1, 4]) => {
            reader.slice(3)?;
            let word = reader.u32_be()?;
            for (bit, alarm) in EXTENDED_ALARMS {
                if word >> bit & 1 == 1 {
                    found.alarms.raise(alarm);
                }
            }
        }
        (0xFF, 12) => {
            let (mcc, mnc) = (reader.u16_be()?, reader.u16_be()?);
            let (area, id) = (reader.u32_be()?, reader.u32_be()?.into());
            found.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
        }
        _ => {}
    }
    Ok(())
}

/// G10LS, table 20, item 0xF4.
const EXTENDED_ALARMS: [(u32, Alarm); 6] = [
    (0, Alarm::HarshAcceleration),
    (1, Alarm::HarshBraking),
    (2, Alarm::HarshBraking),
    (3, Alarm::HarshCornering),
    (4, Alarm::Collision),
    (5, Alarm::Rollover),
];

fn signal(value: u8, inputs: &mut Inputs) {
    // Some devices send percent.
    let percent = cells::percent_of_csq(value.into()).or((value <= 100).then_some(i64::from(value)));
    if let Some(percent) = percent.filter(|_| value != 99) {
        inputs.push(input!("gsm_signal_level"), percent);
    }
}

/// A member of the family of `first`.
fn push_member(first: &str, number: usize, value: f64, inputs: &mut Inputs) {
    let family = InputName::find(first).map(InputName::spec);
    let member = u32::try_from(number).ok().and_then(|number| family?.member(number));
    if let Some(name) = member {
        inputs.push(name, value);
    }
}

fn vehicle_signals(word: u32, inputs: &mut Inputs) {
    let on = |bit: u32| i64::from(word >> bit & 1);
    inputs.push(input!("can_dipped_headlights"), on(0));
    inputs.push(input!("can_full_beam_headlights"), on(1));
    inputs.push(input!("can_brake_state"), on(4));
    inputs.push(input!("can_reverse_gear"), on(5));
    inputs.push(input!("can_front_fog_lights"), on(6));
    inputs.push(input!("can_parking_lights"), on(7));
    inputs.push(input!("can_air_conditioning"), on(9));
    inputs.push(input!("can_neutral_gear"), on(10));
    inputs.push(input!("can_automatic_retarder"), on(11));
    inputs.push(input!("can_clutch_state"), on(14));
}

/// Number, address, pressure in 0.025 bar, temperature above −50 °C, state; a wheel that was not heard is all zeros.
fn tires(reader: &mut Reader<'_>, inputs: &mut Inputs) -> Result<(), ReadError> {
    while reader.left() >= 8 {
        let number = usize::from(reader.u8()?);
        reader.u32_be()?;
        let (pressure, temperature, state) = (reader.u8()?, reader.u8()?, reader.u8()?);
        if (pressure, temperature, state) != (0, 0, 0) {
            push_member("tire_pressure_1", number, scaled(pressure.into(), 0.025), inputs);
            push_member("tire_temperature_1", number, f64::from(temperature) - 50.0, inputs);
        }
    }
    Ok(())
}

/// Jimi: kind and number of the event; kind 0x20 is a state and carries the voltage of the battery.
fn jimi_event(reader: &mut Reader<'_>, found: &mut Found, inputs: &mut Inputs) -> Result<(), ReadError> {
    let (kind, number, length) = (reader.u8()?, reader.u8()?, reader.u8()?);
    match (kind, number) {
        (0x20, 3) if length >= 4 => {
            reader.u16_be()?;
            inputs.push(input!("battery_voltage"), scaled(reader.u16_be()?.into(), 0.01));
            return Ok(());
        }
        (0x20, _) => return Ok(()),
        (0x0C, 1) => found.alarms.raise(Alarm::Sos),
        (0x04, 6) => found.alarms.raise(Alarm::Vibration),
        _ => found.alarms.raise(Alarm::General),
    };
    inputs.push(input!("event_code"), i64::from(kind));
    inputs.push(input!("sub_event_code"), i64::from(number));
    Ok(())
}

/// AOVX: which of light, temperature, humidity and acceleration follow, as bits.
fn climate(reader: &mut Reader<'_>, inputs: &mut Inputs) -> Result<(), ReadError> {
    reader.u8()?;
    let present = reader.u8()?;
    if present & 1 != 0 {
        inputs.push(input!("illuminance_internal"), f64::from(reader.u16_be()?));
    }
    if present & 2 != 0 {
        inputs.push(input!("ext_temp_sensor_1"), scaled(reader.i16_be()?.into(), 0.1));
    }
    if present & 4 != 0 {
        inputs.push(input!("humidity_1"), scaled(reader.u16_be()?.into(), 0.1));
    }
    if present & 8 != 0 {
        axes(reader, inputs)?;
    }
    Ok(())
}

/// Three thousandths of g.
pub(super) fn axes(reader: &mut Reader<'_>, inputs: &mut Inputs) -> Result<(), ReadError> {
    inputs.push(input!("axis_x"), scaled(reader.i16_be()?.into(), 0.001));
    inputs.push(input!("axis_y"), scaled(reader.i16_be()?.into(), 0.001));
    inputs.push(input!("axis_z"), scaled(reader.i16_be()?.into(), 0.001));
    Ok(())
}

/// `+08:00`.
fn zone(text: &[u8]) -> Option<i64> {
    let [sign, h1, h2, b':', m1, m2] = *text else { return None };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let minutes = (digit(h1)? * 10 + digit(h2)?) * 60 + digit(m1)? * 10 + digit(m2)?;
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(-minutes),
        _ => None,
    }
}

/// Lists within an item: BSJ's have a length of two bytes before the number, OBD readers' one of one byte behind it.
/// Only one of them ends where the item does.
fn lists(raw: &[u8], found: &mut Found, inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut reader = Reader::new(raw);
    while !reader.is_empty() {
        match reader.u16_be().ok().map(usize::from).filter(|length| *length >= 2) {
            Some(length) if reader.slice(length).is_ok() => {}
            _ => return obd_list(raw, 0, found, inputs),
        }
    }
    let mut reader = Reader::new(raw);
    while !reader.is_empty() {
        let length = usize::from(reader.u16_be()?);
        let part = reader.slice(length)?;
        let _ = bsj(Reader::new(part), found, inputs);
    }
    Ok(())
}

fn bsj(mut reader: Reader<'_>, found: &mut Found, inputs: &mut Inputs) -> Result<(), ReadError> {
    match reader.u16_be()? {
        // Four bytes in the document, two on the wire.
        0x002D => {
            let millivolts = reader.uint_be(reader.left().min(4))?;
            inputs.push(input!("battery_voltage"), scaled(millivolts as f64, 0.001));
        }
        0x0089 => {
            // A bit that is 0 is an alarm.
            let word = !reader.u32_be()?;
            for (bit, alarm) in [
                (4, Alarm::Collision),
                (8, Alarm::HarshAcceleration),
                (9, Alarm::HarshBraking),
                (12, Alarm::Tamper),
                (25, Alarm::HarshCornering),
                (31, Alarm::Jamming),
            ] {
                if word >> bit & 1 == 1 {
                    found.alarms.raise(alarm);
                }
            }
        }
        0x00A8 | 0x00E1 => inputs.push(input!("battery_level"), f64::from(reader.u8()?.min(100))),
        0x00B2 => {
            if let Some(iccid) = packed_digits(reader.slice(10)?) {
                inputs.push(input!("iccid"), &*iccid);
            }
        }
        0x00B9 => {
            let count = reader.u8()?;
            let list = reader.rest();
            let mut fields = crate::fields::Fields::comma(list);
            for _ in 0..count {
                let (mac, signal) = (fields.text().and_then(mac), fields.integer::<i16>());
                if let Some(mac) = mac {
                    found.cells.access_point(mac, signal);
                }
            }
        }
        0x00C5 => {
            let word = reader.u32_be()?;
            if word >> 6 & 1 == 0 {
                found.alarms.raise(Alarm::Vibration);
            }
            if word >> 14 & 1 == 0 {
                found.alarms.raise(Alarm::Tamper);
            }
            if bits(word.into(), 23, 2) == 0 {
                inputs.push(input!("motion"), true);
            }
        }
        0x00D8 => {
            let (mcc, mnc) = (reader.u16_be()?, reader.u8()?.into());
            let (area, id) = (reader.u16_be()?.into(), reader.u32_be()?.into());
            found.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
        }
        _ => {}
    }
    Ok(())
}

fn mac(text: &str) -> Option<[u8; 6]> {
    crate::hex::parse(&text.replace(':', ""))?.try_into().ok()
}

/// Number of two bytes, length of one, value; `base` tells lists apart that use the same numbers.
fn obd_list(raw: &[u8], base: u16, found: &mut Found, inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut reader = Reader::new(raw);
    while !reader.is_empty() {
        let item = reader.u16_be()?;
        let length = usize::from(reader.u8()?);
        let value = reader.slice(length)?;
        let mut value_reader = Reader::new(value);
        match (base, item, length) {
            // The first byte says how the device came to know.
            (0, 0x0003, 5) => {
                value_reader.u8()?;
                inputs.push(input!("hw_mileage"), scaled(value_reader.u32_be()?.into(), 0.001));
            }
            (0, 0x0004, 5) => {
                value_reader.u8()?;
                inputs.push(input!("can_consumption"), scaled(value_reader.u32_be()?.into(), 0.001));
            }
            (0, 0x0014, 1) => signal(value_reader.u8()?, inputs),
            (0, 0x0018, 1) => found.satellites = plausible::satellites(value_reader.u8()?),
            // The highest bit says litres, otherwise percent; tenths of either.
            (0, 0x62F0, 2) => {
                let raw = value_reader.u16_be()?;
                let name =
                    if raw & 0x8000 == 0 { input!("obd_fuel") } else { input!("obd_custom_fuel_litres") };
                inputs.push(name, scaled((raw & 0x7FFF).into(), 0.1));
            }
            // Texts are filled with zeros.
            _ => {
                table::read(item | base, value, inputs);
            }
        }
    }
    Ok(())
}

/// Terminal attributes: the answer to 0x8107, which some devices also send by themselves (2013, section 8.19).
pub(super) fn attributes(body: &[u8], terminal: &Terminal, inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut reader = Reader::new(body);
    let (model, id) = if matches!(terminal, Terminal::Long(..)) { (30, 30) } else { (20, 7) };
    let (kind, maker) = (2, 5);
    reader.slice(kind + maker + model + id)?;
    if let Some(iccid) = packed_digits(reader.slice(10)?) {
        inputs.push(input!("iccid"), &*iccid);
    }
    let hardware = usize::from(reader.u8()?);
    reader.slice(hardware)?;
    let firmware = usize::from(reader.u8()?);
    let firmware = reader.slice(firmware)?;
    if !firmware.is_empty() {
        inputs.push(input!("firmware_version"), &*readable(firmware));
    }
    Ok(())
}
