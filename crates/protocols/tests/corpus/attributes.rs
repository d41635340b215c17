//! `corpus_attributes.tsv`: what the corpus calls an attribute, and what we call it.

use domain::{InputName, Message, Value};
use serde_json::Value as Json;
use std::collections::HashMap;

/// The rows that hold for one protocol.
pub(crate) struct Attributes(HashMap<&'static str, Row>);

enum Row {
    /// Our number × factor is theirs; texts are equal but for upper and lower case. Of several inputs the first that the
    /// message has: what they call by one name is more than one thing to us.
    Input(Vec<InputName>, f64),
    /// A field of the fix, × factor.
    Fix(&'static str, f64),
    Cells,
    /// Deliberately not compared.
    Left,
    /// `attribute=word` of theirs is a word of ours.
    Word(InputName, &'static str),
}

impl Attributes {
    /// Rows of the protocol itself stand before those of all.
    pub(crate) fn of(protocol: &str) -> Self {
        let mut rows = HashMap::new();
        for wanted in ["*", protocol] {
            let lines = include_str!("../../corpus_attributes.tsv").lines();
            for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let columns: Vec<_> = line.split('\t').collect();
                let [of, attribute, input, rule] = columns[..] else { panic!("not four columns: {line}") };
                if of == wanted {
                    rows.insert(attribute, row(attribute, input, rule));
                }
            }
        }
        Self(rows)
    }

    pub(crate) fn compare(&self, attribute: &str, theirs: &Json, message: &Message) -> Result<(), String> {
        let words = theirs.as_str().into_iter().flat_map(|words| words.split(','));
        let mut word_rows = words.map(|word| self.0.get(&*format!("{attribute}={word}"))).peekable();
        if let Some(Some(_)) = word_rows.peek() {
            for row in word_rows {
                let Some(Row::Word(input, word)) = row else { return Err(format!("no row for {theirs}")) };
                let ours = message.inputs.get(*input).map(ToString::to_string).unwrap_or_default();
                if !ours.split(',').any(|ours| ours == *word) {
                    return Err(format!("{input} is {ours:?}, expected {word}"));
                }
            }
            return Ok(());
        }
        match self.0.get(attribute) {
            None => Err(format!("corpus_attributes.tsv has no row for {attribute} {theirs}")),
            Some(Row::Left | Row::Word(..)) => Ok(()),
            Some(Row::Cells) => same(Some(&Value::Text(cells(message).into())), 1.0, &network(theirs).into()),
            Some(Row::Input(names, factor)) => {
                let ours = names.iter().find_map(|name| message.inputs.get(*name));
                same(ours, *factor, theirs)
            }
            Some(Row::Fix(field, factor)) => {
                let fix = message.fix.ok_or("no position")?;
                let ours = match *field {
                    "altitude" => fix.altitude.map(|altitude| f64::from(altitude.0)),
                    "satellites" => fix.satellites.map(f64::from),
                    other => panic!("no field {other} of a fix"),
                };
                same(ours.map(Value::Float).as_ref(), *factor, theirs)
            }
        }
        .map_err(|difference| format!("{attribute}: {difference}"))
    }
}

fn row(attribute: &str, input: &'static str, rule: &'static str) -> Row {
    if let Some(field) = input.strip_prefix('@') {
        return Row::Fix(field, factor(rule));
    }
    if input == "-" {
        return Row::Left;
    }
    if rule == "cells" {
        return Row::Cells;
    }
    let name = |input| InputName::find(input).unwrap_or_else(|| panic!("no input of that name: {input}"));
    if attribute.contains('=') {
        return Row::Word(name(input), rule);
    }
    Row::Input(input.split('|').map(name).collect(), factor(rule))
}

fn factor(rule: &str) -> f64 {
    rule.parse().unwrap_or_else(|_| panic!("neither a factor nor a rule: {rule}"))
}

fn same(ours: Option<&Value>, factor: f64, theirs: &Json) -> Result<(), String> {
    let equal = match (ours, theirs) {
        (None, Json::Null) => true,
        (Some(Value::Text(ours)), Json::String(theirs)) => ours.eq_ignore_ascii_case(theirs),
        (Some(ours), Json::Bool(theirs)) => ours.flag() == Some(*theirs),
        (Some(ours), theirs) => match (ours.number(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours * factor - theirs).abs() <= theirs.abs() * 1e-6 + 1e-9,
            _ => false,
        },
        _ => false,
    };
    if equal { Ok(()) } else { Err(format!("ours is {ours:?}, expected {theirs}")) }
}

/// All cells of a message as `mcc,mnc,area,cell`.
fn cells(message: &Message) -> String {
    let get = |name| InputName::find(name).and_then(|name| message.inputs.get(name));
    let text = match get("network_cells") {
        Some(cells) => cells.to_string(),
        None => ["gsm_mcc", "gsm_mnc", "gsm_area_code", "gsm_cell_id"]
            .map(|name| get(name).map(ToString::to_string).unwrap_or_default())
            .join(","),
    };
    let without_strength = text.split(';').map(|cell| cell.split(',').take(4).collect::<Vec<_>>().join(","));
    without_strength.collect::<Vec<_>>().join(";")
}

fn network(theirs: &Json) -> String {
    let cells = theirs["args"].as_array().into_iter().flatten();
    let cells = cells.map(|cell| ["mcc", "mnc", "lac", "cid"].map(|name| cell[name].to_string()).join(","));
    cells.collect::<Vec<_>>().join(";")
}
