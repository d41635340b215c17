//! What follows the state of the device in an extended report (GTERI): one block for each bit of its mask. Sources:
//! Queclink @Track of GV300, GV65, GV350M, GV310LAU and GV5xCEU, "+RESP:GTERI". Blocks are read as far as they can be:
//! what cannot be read does not take the position with it.

use super::{bus, draft::Draft, elements::push_member};
use crate::fields;

const DIGITAL_FUEL: u64 = 1;
const ONE_WIRE: u64 = 1 << 1;
const CAN: u64 = 1 << 2;
const FUEL_PERCENT: u64 = 1 << 3;
const FUEL_VOLUME: u64 = 1 << 4;
const ACCESSORIES: u64 = 1 << 8;

/// Vehicle devices: the type of what is connected to the serial line, then the blocks.
pub(super) fn read<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    if let Some((_, left)) = left.split_first() {
        blocks(left, draft);
    }
    Some(&[])
}

/// Portable devices: their own thermometer.
pub(super) fn portable<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    if let (ACCESSORIES, [b"1", temperature, ..]) = (draft.extensions & ACCESSORIES, left)
        && let Some(temperature) = fields::decimal(temperature)
    {
        draft.inputs.push(input!("temp_sensor"), temperature);
    }
    Some(&[])
}

fn blocks(mut left: &[&[u8]], draft: &mut Draft) -> Option<()> {
    let mask = draft.extensions;
    if mask & DIGITAL_FUEL != 0 {
        let (level, rest) = left.split_first()?;
        if let Some(level) = fields::hex(level) {
            draft.inputs.push(input!("fuel_level"), level as f64);
        }
        left = rest;
    }
    if mask & ONE_WIRE != 0 {
        left = one_wire(left, draft)?;
    }
    if mask & CAN != 0 {
        left = bus::can_block(left.get(1..)?, draft)?;
    }
    if mask & (FUEL_PERCENT | FUEL_VOLUME) != 0 {
        left = fuel_sensors(left, mask, draft)?;
    }
    if mask & ACCESSORIES != 0 {
        accessories(left, draft)?;
    }
    Some(())
}

/// Their number, then address, kind and reading of each.
fn one_wire<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (count, mut left) = left.split_first()?;
    let mut probes = 0;
    for _ in 0..fields::integer::<u8>(count).unwrap_or(0) {
        let &[address, kind, reading, ref rest @ ..] = left else { return None };
        match kind {
            b"1" => {
                probes += 1;
                if let Some(address) = fields::text(address) {
                    push_member(family!("ext_temp_sensor_id_#"), probes, address, &mut draft.inputs);
                }
                // Sixteenths of a degree in two's complement.
                if let Some(raw) = fields::hex(reading).and_then(|raw| u16::try_from(raw).ok()) {
                    let degrees = f64::from(raw.cast_signed()) / 16.0;
                    push_member(family!("ext_temp_sensor_#"), probes, degrees, &mut draft.inputs);
                }
            }
            b"2" => {
                if let Some(key) = fields::text(address) {
                    draft.inputs.push(input!("hardware_key"), key);
                }
            }
            _ => {}
        }
        left = rest;
    }
    Some(left)
}

/// Their number, then of each its kind and the values that the mask names.
fn fuel_sensors<'f, 'a>(left: &'f [&'a [u8]], mask: u64, draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (count, mut left) = left.split_first()?;
    let values = (mask & (FUEL_PERCENT | FUEL_VOLUME)).count_ones() as usize;
    for number in 1..=fields::integer::<u32>(count).unwrap_or(0).min(16) {
        let level = left.get(1)?;
        if let Some(level) = fields::decimal(level) {
            push_member(family!("lls_level_#"), number, level, &mut draft.inputs);
        }
        left = left.get(1 + values..)?;
    }
    Some(left)
}

/// Their number, then of each: index, kind, model, raw reading, and what `accessory_data` reads.
fn accessories<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (count, mut left) = left.split_first()?;
    for _ in 0..fields::integer::<u8>(count).unwrap_or(0) {
        left = accessory_data(left.get(4..)?, draft)?;
    }
    Some(left)
}

/// A mask in hexadecimal, and a field for each of its bits.
pub(super) fn accessory_data<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (mask, mut left) = left.split_first()?;
    let mask = if mask.is_empty() { 0 } else { (mask.len() <= 4).then(|| fields::hex(mask))?? };
    draft.accessories += 1;
    let index = draft.accessories;
    for bit in (0..16).filter(|bit| mask >> bit & 1 == 1) {
        let (field, rest) = left.split_first()?;
        left = rest;
        let (family, divisor) = match bit {
            3 => (family!("ble_battery_voltage_#"), 1000.0),
            // The reading with a fraction, where there is one, comes behind the one without.
            4 | 11 => (family!("ble_temp_sensor_#"), 1.0),
            5 => (family!("ble_humidity_#"), 1.0),
            13 => (family!("ble_battery_level_#"), 1.0),
            _ => continue,
        };
        if let Some(value) = fields::decimal(field) {
            push_member(family, index, value / divisor, &mut draft.inputs);
        }
    }
    Some(left)
}
