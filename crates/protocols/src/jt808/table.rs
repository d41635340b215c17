//! The table of additional information beside this file.

use super::packet::readable;
use crate::hex;
use domain::{InputName, Inputs, ValueKind};
use std::sync::LazyLock;

/// Puts what the table says of an item into `inputs`; whether it has a row.
pub(super) fn read(item: u16, raw: &[u8], inputs: &mut Inputs) -> bool {
    let rows = &TABLE[TABLE.partition_point(|row| row.item < item)..];
    let mut rows = rows.iter().take_while(|row| row.item == item);
    let Some(row) = rows.find(|row| row.bytes.is_none_or(|bytes| bytes == raw.len())) else { return false };
    row.read(raw, inputs);
    true
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let lines = include_str!("items.tsv").lines().filter(|line| !line.starts_with('#'));
    let row = |line| Row::parse(line).unwrap_or_else(|| unreachable!("bad row in items.tsv: {line}"));
    let mut rows: Vec<_> = lines.map(row).collect();
    rows.sort_by_key(|row| row.item);
    rows
});

struct Row {
    item: u16,
    /// How long the item is; any length where the table does not say.
    bytes: Option<usize>,
    input: InputName,
    reading: Reading,
}

#[derive(Clone, Copy)]
enum Reading {
    Unsigned(f64, f64),
    Signed(f64, f64),
    Text,
    Flag,
}

impl Row {
    fn read(&self, raw: &[u8], inputs: &mut Inputs) {
        let unsigned = || raw.iter().take(8).fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        match self.reading {
            Reading::Text if raw.iter().all(|byte| matches!(byte, 0 | 0xFF | b' ')) => {}
            // A SIM card's number of 19 digits is filled up with an F.
            Reading::Text => inputs.push(self.input, readable(raw).trim_end_matches('F')),
            Reading::Flag => inputs.push(self.input, unsigned() != 0),
            // All ones are the standard's way to say that there is no value.
            Reading::Unsigned(..) if raw.len() > 1 && raw.iter().all(|byte| *byte == 0xFF) => {}
            Reading::Unsigned(multiplier, offset) => {
                self.number(unsigned() as f64, multiplier, offset, inputs)
            }
            Reading::Signed(multiplier, offset) => {
                let unused = 64 - 8 * raw.len().clamp(1, 8);
                let signed = (unsigned() << unused).cast_signed() >> unused;
                self.number(signed as f64, multiplier, offset, inputs);
            }
        }
    }

    fn number(&self, raw: f64, multiplier: f64, offset: f64, inputs: &mut Inputs) {
        let value = scaled(raw, multiplier) + offset;
        match self.input.spec().kind {
            ValueKind::Int => inputs.push(self.input, value as i64),
            _ => inputs.push(self.input, value),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let columns: Vec<_> = line.split('\t').collect();
        let [item, bytes, input, reading, multiplier, offset] = columns[..] else { return None };
        let numbers = || Some((multiplier.parse().ok()?, offset.parse().ok()?));
        let reading = match reading {
            "u" => numbers().map(|(multiplier, offset)| Reading::Unsigned(multiplier, offset))?,
            "i" => numbers().map(|(multiplier, offset)| Reading::Signed(multiplier, offset))?,
            "t" => Reading::Text,
            "f" => Reading::Flag,
            _ => return None,
        };
        let bytes = if bytes == "-" { None } else { Some(bytes.parse().ok()?) };
        let item = u16::from_str_radix(item, 16).ok()?;
        Some(Self { item, bytes, input: InputName::find(input)?, reading })
    }
}

/// Division by a whole number is exact where the product with its reciprocal is not: 37 × 0.1 is not 3.7.
pub(super) fn scaled(raw: f64, multiplier: f64) -> f64 {
    if multiplier < 1.0 { raw / (1.0 / multiplier).round() } else { raw * multiplier }
}

/// Packed digits with filling behind them, such as a SIM card's number.
pub(super) fn packed_digits(raw: &[u8]) -> Option<String> {
    let text = hex::lower(raw);
    let digits = text.trim_end_matches('f');
    (!digits.is_empty() && digits.bytes().any(|digit| digit != b'0')).then(|| digits.to_owned())
}
