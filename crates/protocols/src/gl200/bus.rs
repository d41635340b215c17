//! Values of the vehicle's bus: a mask, and a field for each of its bits. What the bits mean is in `bus.tsv`.

use super::{
    draft::{CELL_FIELDS, Draft, FIX_FIELDS},
    elements::{Form, rows},
    layout::fix_at,
};
use crate::fields;
use domain::{InputName, Inputs};
use std::sync::LazyLock;

/// The mask of a second group of values follows those of the first. The bits behind it announce fix and cell.
const MORE: u32 = 29;

/// GTCAN from its mask on.
pub(super) fn can<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let mask = left.first().filter(|mask| mask.len() == 8)?;
    fields::hex(mask)?;
    let position = (1..left.len()).find(|at| fix_at(left, *at).is_some());
    // Values that are not understood do not take the position with them.
    let _ = can_block(&left[..position.unwrap_or(left.len())], draft);
    position_behind(left, position, draft)
}

/// GTOBD from its mask on.
pub(super) fn obd<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (mask, rest) = left.split_first()?;
    let mask = (mask.len() == 6).then(|| fields::hex(mask))??;
    let position = (1..left.len()).find(|at| fix_at(left, *at).is_some());
    // From bit 20 on: the cell, the fix, the odometer.
    let values = &rest[..position.map_or(rest.len(), |at| at - 1)];
    let _ = values_of(Block::Obd, mask & 0xF_FFFF, values, &mut draft.inputs);
    position_behind(left, position, draft)
}

fn position_behind<'f, 'a>(
    left: &'f [&'a [u8]],
    position: Option<usize>,
    draft: &mut Draft,
) -> Option<&'f [&'a [u8]]> {
    if let Some(at) = position
        && let Some(mut position) = fix_at(left, at)
    {
        let behind = &left[at + FIX_FIELDS..];
        if behind.len() >= CELL_FIELDS {
            let _ = position.cell(behind);
        }
        draft.positions.push(position);
    }
    Some(&[])
}

/// The mask and the values of the bus within a report.
pub(super) fn can_block<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (mask, left) = left.split_first()?;
    let mask = fields::hex(mask)?;
    let first = mask & ((1 << MORE) - 1);
    let left = values_of(Block::Can, first, left, &mut draft.inputs)?;
    if mask >> MORE & 1 == 0 {
        return Some(left);
    }
    let (mask, left) = left.split_first()?;
    match fields::hex(mask) {
        Some(mask) => values_of(Block::More, mask, left, &mut draft.inputs),
        None => Some(left),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Can,
    More,
    Obd,
}

struct Row {
    block: Block,
    bit: u32,
    name: Option<InputName>,
    form: BusForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BusForm {
    Plain(Form),
    Millivolts,
    /// 0 off, 1 key turned, 2 engine runs.
    Key,
    /// `H` and hundreds of metres; `I` and impulses have no length.
    Hectometres,
    /// A letter says the unit.
    Prefixed,
    Indicators,
    Doors,
    /// Four digits in hexadecimal for each trouble code.
    Codes,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let parsed = rows(include_str!("bus.tsv"))
        .map(|row| parse(&row).unwrap_or_else(|| unreachable!("bad row: {row:?}")));
    parsed.collect()
});

fn parse(row: &[&'static str]) -> Option<Row> {
    let &[block, bit, input, form] = row else { return None };
    let block = match block {
        "can" => Block::Can,
        "more" => Block::More,
        "obd" => Block::Obd,
        _ => return None,
    };
    let name = if input == "-" { None } else { Some(InputName::find(input)?) };
    let form = match form {
        "millivolts" => BusForm::Millivolts,
        "key" => BusForm::Key,
        "hectometres" => BusForm::Hectometres,
        "prefixed" => BusForm::Prefixed,
        "indicators" => BusForm::Indicators,
        "doors" => BusForm::Doors,
        "codes" => BusForm::Codes,
        form => BusForm::Plain(Form::named(form)?),
    };
    Some(Row { block, bit: bit.parse().ok()?, name, form })
}

fn values_of<'f, 'a>(
    block: Block,
    mask: u64,
    mut left: &'f [&'a [u8]],
    inputs: &mut Inputs,
) -> Option<&'f [&'a [u8]]> {
    for bit in (0..32).filter(|bit| mask >> bit & 1 == 1) {
        let (field, rest) = left.split_first()?;
        left = rest;
        let row = ROWS.iter().find(|row| row.block == block && row.bit == bit);
        if let Some(row) = row.filter(|_| !field.is_empty()) {
            // A value of another form is left out.
            let _ = row.read(field, inputs);
        }
    }
    Some(left)
}

impl Row {
    fn read(&self, field: &[u8], inputs: &mut Inputs) -> Option<()> {
        match (self.form, self.name) {
            (BusForm::Plain(form), Some(name)) => form.read(field, name, 1.0, inputs)?,
            (BusForm::Millivolts, Some(name)) => {
                inputs.push(name, f64::from(fields::integer::<u32>(field)?) / 1000.0);
            }
            (BusForm::Hectometres, Some(name)) => {
                let hectometres = match field {
                    [b'H', number @ ..] => number,
                    [b'I', ..] => return None,
                    number => number,
                };
                inputs.push(name, fields::decimal(hectometres)? / 10.0);
            }
            (BusForm::Prefixed, Some(name)) => prefixed(name, field, inputs)?,
            (BusForm::Key, _) => {
                let key = fields::integer::<u8>(field)?;
                inputs.push(input!("can_ignition_state"), i64::from(key >= 1));
                inputs.push(input!("can_engine_state"), i64::from(key == 2));
            }
            (BusForm::Indicators, _) => flags(&indicators(), fields::hex(field)?, inputs),
            (BusForm::Doors, _) => flags(&doors(), fields::hex(field)?, inputs),
            (BusForm::Codes, _) => {
                let codes: Vec<String> =
                    field.chunks_exact(4).filter_map(|code| trouble_code(fields::hex(code)?)).collect();
                if !codes.is_empty() {
                    inputs.push(input!("obd_dtc_codes"), &*codes.join(","));
                }
            }
            (_, None) => return None,
        }
        Some(())
    }
}

/// `P` percent, `L` litres, `H` and `L/H` litres an hour; `M`, litres for 100 km, has no input.
fn prefixed(name: InputName, field: &[u8], inputs: &mut Inputs) -> Option<()> {
    let litres = |name: InputName| match name {
        name if name == input!("can_fuel") => Some(input!("can_fuel_litres")),
        name if name == input!("can_adblue_level") => Some(input!("can_adblue_litres")),
        _ => None,
    };
    let rate = name == input!("can_fuel_rate");
    let (name, number) = match field {
        [b'P', number @ ..] if !rate => (name, number),
        [b'L', b'/', b'H', number @ ..] | [b'H', number @ ..] if rate => (name, number),
        [b'L', number @ ..] => (litres(name)?, number),
        _ => return None,
    };
    inputs.push(name, fields::decimal(number)?);
    Some(())
}

fn flags(names: &[Option<InputName>], bits: u64, inputs: &mut Inputs) {
    for (bit, name) in names.iter().enumerate() {
        if let Some(name) = name {
            inputs.push(*name, (bits >> bit & 1).cast_signed());
        }
    }
}

/// Bits of the detailed information, from bit 0.
fn indicators() -> [Option<InputName>; 16] {
    [
        Some(input!("can_low_fuel")),
        Some(input!("can_seat_belt_driver_state")),
        Some(input!("can_air_conditioning")),
        Some(input!("can_cruise_control")),
        Some(input!("can_footbrake_state")),
        Some(input!("can_clutch_state")),
        Some(input!("can_hand_brake_state")),
        Some(input!("can_closed")),
        Some(input!("can_reverse_gear")),
        Some(input!("can_parking_lights")),
        Some(input!("can_dipped_headlights")),
        Some(input!("can_full_beam_headlights")),
        Some(input!("can_rear_fog_lights")),
        Some(input!("can_front_fog_lights")),
        Some(input!("can_door_state")),
        Some(input!("can_trunk_state")),
    ]
}

/// Bits of the doors, from bit 0; 1 is open.
fn doors() -> [Option<InputName>; 6] {
    [
        Some(input!("can_front_left_door")),
        Some(input!("can_front_right_door")),
        Some(input!("can_rear_left_door")),
        Some(input!("can_rear_right_door")),
        Some(input!("can_trunk_state")),
        Some(input!("can_hood_state")),
    ]
}

/// SAE J2012: two bits of letter, two and then twelve of digits.
fn trouble_code(code: u64) -> Option<String> {
    let letter = ['P', 'C', 'B', 'U'][(code >> 14 & 3) as usize];
    (code != 0).then(|| format!("{letter}{}{:03X}", code >> 12 & 3, code & 0xFFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        for (at, row) in ROWS.iter().enumerate() {
            let twice = ROWS[..at].iter().any(|other| (other.block, other.bit) == (row.block, row.bit));
            assert!(!twice, "{:?} {} stands twice", row.block, row.bit);
        }
    }

    #[test]
    fn trouble_codes_have_their_letters() {
        assert_eq!(trouble_code(0x0300).as_deref(), Some("P0300"));
        assert_eq!(trouble_code(0xC123).as_deref(), Some("U0123"));
        assert_eq!(trouble_code(0), None);
    }
}
