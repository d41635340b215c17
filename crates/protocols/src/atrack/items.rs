//! Items behind a position: which they are says the form, in the message itself (it begins with `%CI`) or in the device's
//! setting `form`, as AT$FORM prints it.

use super::record::Extra;
use crate::{
    cells, fields, plausible,
    reader::{ReadError, Reader},
};
use domain::{InputName, ValueKind};
use std::{collections::HashMap, sync::LazyLock};

/// Items in their order; `None` for one that is in no document at hand.
pub(super) type Form = Vec<Option<&'static Item>>;

pub(super) struct Item {
    width: Width,
    target: Target,
    divisor: f64,
}

#[derive(Clone, Copy)]
enum Width {
    Text,
    Unsigned(usize),
    Signed(usize),
}

#[derive(Clone, Copy)]
enum Target {
    Nothing,
    Input(InputName),
    Altitude,
    Satellites,
    Csq,
    Cell,
    Area,
    /// Country and network as decimal digits, three of the country.
    Network,
}

static ITEMS: LazyLock<HashMap<&'static str, Item>> = LazyLock::new(|| {
    let lines = include_str!("items.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| item(line).unwrap_or_else(|| unreachable!("bad row: {line}"))).collect()
});

fn item(line: &'static str) -> Option<(&'static str, Item)> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, bytes, target, divisor] = columns[..] else { return None };
    let width = match bytes.strip_suffix('s') {
        _ if bytes == "text" => Width::Text,
        Some(bytes) => Width::Signed(bytes.parse().ok()?),
        None => Width::Unsigned(bytes.parse().ok()?),
    };
    let target = match target {
        "-" => Target::Nothing,
        "@altitude" => Target::Altitude,
        "@satellites" => Target::Satellites,
        "+csq" => Target::Csq,
        "+cell" => Target::Cell,
        "+area" => Target::Area,
        "+network" => Target::Network,
        input => Target::Input(InputName::find(input)?),
    };
    let divisor = if divisor == "-" { 1.0 } else { divisor.parse().ok()? };
    Some((name, Item { width, target, divisor }))
}

/// `%AT%BV…`; the mark `%CI` of a form within a message is not an item.
pub(super) fn form(text: &str) -> Form {
    let names = text.trim().split('%').map(str::trim).filter(|name| !name.is_empty() && *name != "CI");
    names.map(|name| ITEMS.get(name)).collect()
}

/// Reads the values of a binary position.
pub(super) fn binary(form: &Form, reader: &mut Reader<'_>, extra: &mut Extra) -> Result<(), ReadError> {
    for item in form {
        let offset = reader.offset();
        let item = item.ok_or(ReadError::Not { offset, what: "an item of known width" })?;
        match item.width {
            Width::Text => item.text(text(reader)?, extra),
            // What is wider than a number has no use here.
            Width::Unsigned(width) if width > 8 => {
                reader.slice(width)?;
            }
            Width::Unsigned(width) => item.number(reader.uint_be(width)? as f64, extra),
            Width::Signed(width) => {
                let unused = 64 - 8 * width as u32;
                let raw = (reader.uint_be(width)? << unused).cast_signed() >> unused;
                item.number(raw as f64, extra);
            }
        }
    }
    Ok(())
}

/// A text that ends with a zero.
pub(super) fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ReadError> {
    let mut rest = reader.clone();
    let rest = rest.rest();
    let Some(length) = rest.iter().position(|byte| *byte == 0) else {
        return Err(ReadError::Not { offset: reader.offset(), what: "a text that ends" });
    };
    reader.slice(length + 1).map(|text| &text[..length])
}

/// Reads the values of a position in text; values that are missing at the end are not there.
pub(super) fn words<'a>(form: &Form, words: impl Iterator<Item = &'a [u8]>, extra: &mut Extra) {
    for (item, word) in form.iter().zip(words) {
        match item {
            Some(item) if matches!(item.width, Width::Text) => item.text(word, extra),
            Some(item) => {
                if let Some(number) = fields::decimal(word) {
                    item.number(number, extra);
                }
            }
            None => {}
        }
    }
}

impl Item {
    fn text(&self, text: &[u8], extra: &mut Extra) {
        // A zero stands for a text that is not known.
        let text = fields::text(text).filter(|text| *text != "0");
        if let (Target::Input(name), Some(text)) = (self.target, text) {
            extra.inputs.push(name, text);
        }
    }

    fn number(&self, raw: f64, extra: &mut Extra) {
        let number = raw / self.divisor;
        let whole = (0.0..=f64::from(u32::MAX)).contains(&raw).then_some(raw as u64);
        match self.target {
            Target::Nothing => {}
            Target::Input(name) => match name.spec().kind {
                ValueKind::Flag => extra.inputs.push(name, raw != 0.0),
                ValueKind::Int => extra.inputs.push(name, number as i64),
                _ => extra.inputs.push(name, number),
            },
            Target::Altitude => extra.altitude = plausible::altitude(number as f32),
            Target::Satellites => {
                extra.satellites = whole.and_then(|it| u8::try_from(it).ok()).and_then(plausible::satellites);
            }
            Target::Csq => {
                if let Some(percent) = cells::percent_of_csq(raw as i64) {
                    extra.inputs.push(input!("gsm_signal_level"), percent);
                }
            }
            Target::Cell => extra.cell = whole,
            Target::Area => extra.area = whole.and_then(|it| u32::try_from(it).ok()),
            Target::Network => {
                // Two or three digits of the network follow those of the country.
                let digits = whole.unwrap_or(0);
                let split = if digits >= 100_000 { 1000 } else { 100 };
                extra.network = u16::try_from(digits / split).ok().zip(u16::try_from(digits % split).ok());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_name_items() {
        assert!(ITEMS.len() > 40);
        let form = form("%CI%MV%ZZ%AT");
        assert_eq!(form.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        assert!(super::form(" ").is_empty());
    }
}
