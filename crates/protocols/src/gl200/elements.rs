//! What the words of `reports.tsv` mean: how one field, or a few that belong together, become inputs.

use super::draft::{CELL_FIELDS, Draft, cell, optional};
use crate::{cells, fields, hex, ports};
use domain::{InputName, InputSpec, Inputs, ValueKind};
use std::{collections::HashMap, sync::LazyLock};

/// Reads several fields and answers what is left behind them; `None` when they do not fit.
pub(super) type Read = for<'f, 'a> fn(&'f [&'a [u8]], &mut Draft) -> Option<&'f [&'a [u8]]>;

#[derive(Clone, Copy)]
pub(super) enum Element {
    /// A fix and the cell behind it.
    Position,
    Fix,
    /// How many positions follow.
    Number,
    Can,
    Obd,
    Extension,
    PortableExtension,
    Accessory,
    Several(Read),
    One(Field),
}

/// A field of its own.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Ignored,
    Input {
        name: InputName,
        form: Form,
        divisor: f64,
    },
    /// Report identifier and report type in hexadecimal.
    Type,
    /// State of motion in hexadecimal: 11, 12, 21, 22, 41, 42, 16, 1A.
    State,
    /// State of motion, inputs and outputs.
    Status(Presence),
    Inputs,
    Outputs,
    /// `HHHHH:MM:SS`
    Hours,
    /// Millivolts, or `F` and the percent of a fuel sensor.
    Analog(u32),
    Csq,
    /// Whether external power is there: the first digit of two is its kind.
    Connected,
    Charging,
    /// Kilometres where there is a point; what else is written here has no use.
    Odometer,
    /// Which blocks the report has, in hexadecimal.
    Extensions,
    Data,
    HexData,
    LastFix,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

/// How an input is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Decimal,
    Integer,
    Hex,
    Text,
    Flag,
    Percent,
    Distance,
}

/// The element of a word of the table.
pub(super) fn named(word: &str) -> Option<Element> {
    Some(match word {
        "position" => Element::Position,
        "fix" => Element::Fix,
        "number" => Element::Number,
        "can" => Element::Can,
        "obd" => Element::Obd,
        "extension" => Element::Extension,
        "portable_extension" => Element::PortableExtension,
        "accessory" => Element::Accessory,
        "append" => Element::Several(append),
        "cell" => Element::Several(one_cell),
        "cells" => Element::Several(all_cells),
        "access_point" => Element::Several(access_point),
        "access_points" => Element::Several(access_points),
        "access_points_to_end" => Element::Several(access_points_to_end),
        word => Element::One(field(word)?),
    })
}

fn field(word: &str) -> Option<Field> {
    Some(match word {
        "_" | "name" | "accessory_model" => Field::Ignored,
        "type" => Field::Type,
        "state" => Field::State,
        "status" => Field::Status(Presence::Optional),
        "status!" => Field::Status(Presence::Required),
        "inputs" => Field::Inputs,
        "outputs" => Field::Outputs,
        "hours" => Field::Hours,
        "analog_1" => Field::Analog(1),
        "analog_2" => Field::Analog(2),
        "analog_3" => Field::Analog(3),
        "csq" => Field::Csq,
        "connected" => Field::Connected,
        "charging" => Field::Charging,
        "odometer" => Field::Odometer,
        "extensions" => Field::Extensions,
        "data" => Field::Data,
        "hex_data" => Field::HexData,
        "last_fix" => Field::LastFix,
        word => {
            static FIELDS: LazyLock<HashMap<&'static str, Field>> = LazyLock::new(|| {
                let rows = rows(include_str!("fields.tsv"));
                rows.map(|row| input_field(&row).unwrap_or_else(|| unreachable!("bad row: {row:?}")))
                    .collect()
            });
            *FIELDS.get(word)?
        }
    })
}

/// The rows of a table beside this file, in columns.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

fn input_field(row: &[&'static str]) -> Option<(&'static str, Field)> {
    let &[word, input, form, divisor] = row else { return None };
    let name = InputName::find(input)?;
    let form = Form::named(form)?;
    let fits = match name.spec().kind {
        ValueKind::Float => true,
        ValueKind::Int => matches!(form, Form::Integer | Form::Hex | Form::Percent),
        ValueKind::Flag => form == Form::Flag,
        ValueKind::Text => form == Form::Text,
    };
    fits.then_some((word, Field::Input { name, form, divisor: divisor.parse().ok()? }))
}

impl Field {
    /// `None` when the field cannot be what it should be; it may always be empty, if it is not required.
    pub(super) fn read(self, field: &[u8], draft: &mut Draft) -> Option<()> {
        if field.is_empty() {
            return (!matches!(self, Self::Status(Presence::Required))).then_some(());
        }
        let inputs = &mut draft.inputs;
        match self {
            Self::Ignored => {}
            Self::Input { name, form, divisor } => form.read(field, name, divisor, inputs)?,
            Self::Type => {
                let kind = (field.len() <= 2).then(|| fields::hex(field))??;
                draft.kind = Some(kind);
                inputs.push(input!("event_code"), kind.cast_signed());
            }
            Self::State => state(field, inputs)?,
            Self::Status(_) => status(field, inputs)?,
            Self::Inputs => {
                let bits = port_bits(field)?;
                // The first input of these devices is the ignition's wire.
                inputs.push(input!("ignition"), bits & 1 == 1);
                ports::digital_inputs(bits, 4, inputs);
            }
            Self::Outputs => ports::digital_outputs(port_bits(field)?, 4, inputs),
            Self::Hours => inputs.push(input!("hw_engine_hours"), hours(field)?),
            Self::Analog(number) => analog(number, field, inputs)?,
            Self::Csq => {
                let csq = fields::integer::<i64>(field)?;
                if let Some(percent) = cells::percent_of_csq(csq) {
                    inputs.push(input!("gsm_signal_level"), percent);
                }
            }
            Self::Connected => {
                let connected = fields::integer::<u8>(field)?;
                inputs.push(input!("unplug"), connected == 0);
            }
            Self::Charging => {
                let charging = fields::integer::<u8>(field).filter(|charging| *charging <= 3)?;
                inputs.push(input!("charging_status"), i64::from(charging != 0));
            }
            Self::Odometer => {
                let odometer = fields::decimal(field)?;
                if let Some(position) = draft.positions.last_mut().filter(|_| field.contains(&b'.')) {
                    position.odometer = Some(odometer);
                }
            }
            Self::Extensions => draft.extensions = (field.len() == 8).then(|| fields::hex(field))??,
            Self::Data => data(field, inputs),
            Self::HexData => data(&hex::parse(std::str::from_utf8(field).ok()?)?, inputs),
            Self::LastFix => {
                (field.len() == 14 && field.iter().all(u8::is_ascii_digit)).then_some(())?;
            }
        }
        Some(())
    }
}

impl Form {
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "decimal" => Self::Decimal,
            "integer" => Self::Integer,
            "hex" => Self::Hex,
            "text" => Self::Text,
            "flag" => Self::Flag,
            "percent" => Self::Percent,
            "distance" => Self::Distance,
            _ => return None,
        })
    }

    pub(super) fn read(self, field: &[u8], name: InputName, divisor: f64, inputs: &mut Inputs) -> Option<()> {
        let number = match self {
            Self::Text => {
                inputs.push(name, fields::text(field)?);
                return Some(());
            }
            Self::Flag => {
                inputs.push(name, fields::integer::<u8>(field).filter(|flag| *flag <= 1)? == 1);
                return Some(());
            }
            Self::Decimal => optional(field, fields::decimal)?,
            Self::Integer => optional(field, fields::integer::<i64>)?.map(|number| number as f64),
            Self::Hex => Some(fields::hex(field)? as f64),
            Self::Percent => Some(f64::from(fields::integer::<u8>(field).filter(|percent| *percent <= 100)?)),
            Self::Distance => {
                let point = field.contains(&b'.') || field == b"0";
                Some(point.then(|| fields::decimal(field))??)
            }
        };
        let Some(number) = number else { return Some(()) };
        match name.spec().kind {
            ValueKind::Int => inputs.push(name, number as i64),
            _ => inputs.push(name, number / divisor),
        }
        Some(())
    }
}

/// States of motion; the last one says that the ignition is not known to the device.
fn state(field: &[u8], inputs: &mut Inputs) -> Option<()> {
    let (ignition, motion, towing) = match field {
        b"11" => (Some(false), false, false),
        b"12" => (Some(false), true, false),
        b"21" => (Some(true), false, false),
        b"22" => (Some(true), true, false),
        b"41" => (None, false, false),
        b"42" => (None, true, false),
        b"16" => (Some(false), true, true),
        b"1A" => (Some(false), true, false),
        // Numbers of no documented meaning, some firmware has them at the start.
        other => return other.iter().all(u8::is_ascii_hexdigit).then_some(()),
    };
    if let Some(ignition) = ignition {
        inputs.push(input!("ignition"), ignition);
    }
    inputs.push(input!("motion"), motion);
    if towing {
        inputs.push(input!("towing"), true);
    }
    Some(())
}

/// Two digits of state, two of inputs, of which the lowest bit is the ignition's wire, two of outputs; newer devices
/// have four each of inputs and outputs.
fn status(field: &[u8], inputs: &mut Inputs) -> Option<()> {
    let width = match field.len() {
        6 => 2,
        10 => 4,
        _ => return None,
    };
    let (of_motion, bits) = field.split_at(2);
    let (wires, outputs) = bits.split_at_checked(width)?;
    let bits_of = |field| fields::hex(field).and_then(|bits| u32::try_from(bits).ok());
    let (wires, outputs) = (bits_of(wires)?, bits_of(outputs)?);
    state(of_motion, inputs)?;
    ports::digital_inputs(wires >> 1, 3, inputs);
    ports::digital_outputs(outputs, 3, inputs);
    Some(())
}

/// Puts a value under a member of a family, where the family has it.
pub(super) fn push_member(
    family: &InputSpec,
    index: u32,
    value: impl Into<domain::Value>,
    inputs: &mut Inputs,
) {
    if let Some(name) = family.member(index) {
        inputs.push(name, value);
    }
}

/// Two digits in hexadecimal.
fn port_bits(field: &[u8]) -> Option<u32> {
    let bits = (field.len() == 2).then(|| fields::hex(field))??;
    u32::try_from(bits).ok()
}

fn hours(field: &[u8]) -> Option<f64> {
    let mut parts = fields::Fields::new(field, b':');
    let (hours, minutes, seconds) = (parts.integer::<u32>()?, parts.integer::<u8>()?, parts.integer::<u8>()?);
    let seconds = u64::from(hours) * 3600 + u64::from(minutes) * 60 + u64::from(seconds);
    parts.is_at_end().then(|| seconds as f64 / 3600.0)
}

fn analog(number: u32, field: &[u8], inputs: &mut Inputs) -> Option<()> {
    match field {
        [b'F', percent @ ..] => {
            push_member(family!("lls_level_#"), number, fields::decimal(percent)?, inputs);
        }
        millivolts => {
            let volts = f64::from(fields::integer::<u32>(millivolts)?) / 1000.0;
            push_member(family!("analog_#"), number, volts, inputs);
        }
    }
    Some(())
}

/// What an accessory on the serial line said. Ultrasonic fuel probes answer `COMB,…,level,temperature,…`.
fn data(bytes: &[u8], inputs: &mut Inputs) {
    let printable: Vec<u8> =
        bytes.iter().map(|byte| if byte.is_ascii_graphic() { *byte } else { b' ' }).collect();
    let Some(text) = fields::text(&printable) else { return };
    if let Some((_, probe)) = text.split_once("COMB,") {
        let mut probe = fields::Fields::comma(probe.as_bytes());
        if let Some(level) = probe.skip_fields(1).decimal().filter(|level| *level >= 0.0) {
            inputs.push(input!("fuel_level"), level);
        }
    }
    inputs.push(input!("text_message"), text);
}

/// A mask in hexadecimal and a field for each bit; bit 0 is the number of satellites.
fn append<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (mask, left) = left.split_first()?;
    let bits = match mask {
        [] => 0,
        mask if mask.len() <= 2 => fields::hex(mask)?,
        _ => return None,
    };
    let (appended, left) = left.split_at_checked(bits.count_ones() as usize)?;
    let position = draft.positions.last_mut().and_then(|position| position.fix.as_mut());
    if let (1, Some(fix), [satellites, ..]) = (bits & 1, position, appended) {
        fix.satellites = optional(satellites, fields::integer::<u8>)?.and_then(crate::plausible::satellites);
    }
    Some(left)
}

fn one_cell<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    if let Some(cell) = cell(left)? {
        draft.cells.cell(cell);
    }
    Some(&left[CELL_FIELDS..])
}

/// Neighbours and at the end the serving cell: the four fields of each, its strength, a reserved one.
fn all_cells<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    const EACH: usize = CELL_FIELDS + 2;
    let (groups, rest) = left.split_at(left.len() / EACH * EACH);
    for group in groups.rchunks(EACH) {
        if let Some(mut cell) = cell(group)? {
            // Strength in steps of a decibel above −110 dBm (3GPP TS 45.008, 8.1.4).
            let strength = fields::integer::<i16>(group[CELL_FIELDS]);
            cell.dbm = strength.filter(|strength| (0..=63).contains(strength)).map(|strength| strength - 110);
            draft.cells.cell(cell);
        }
    }
    rest.is_empty().then_some(rest)
}

fn access_point<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let [mac, dbm, left @ ..] = left else { return None };
    if !mac.is_empty() {
        let mac = hex::parse(std::str::from_utf8(mac).ok()?)?;
        draft.cells.access_point(*mac.first_chunk()?, fields::integer(dbm));
    }
    Some(left)
}

/// Their number, then each with three reserved fields.
fn access_points<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let (number, mut left) = left.split_first()?;
    for _ in 0..optional(number, fields::integer::<u8>)?.unwrap_or(0) {
        left = access_point(left, draft)?.get(3..)?;
    }
    Some(left)
}

/// As many as said, then fields without use here but for the last one.
fn access_points_to_end<'f, 'a>(left: &'f [&'a [u8]], draft: &mut Draft) -> Option<&'f [&'a [u8]]> {
    let left = access_points(left, draft)?;
    left.get(left.len().checked_sub(1)?..)
}
