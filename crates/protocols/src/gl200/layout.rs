//! Which fields a report has: the rows of `reports.tsv`, and how a row is laid over the fields of a report.

use super::{
    bus,
    draft::{CELL_FIELDS, Draft, FIX_FIELDS, Position},
    elements::{self, Element},
    extension,
    text::Report,
};
use std::{collections::HashMap, sync::LazyLock};

/// No report has more positions.
const MAX_POSITIONS: usize = 64;

struct Row {
    /// Beginnings of protocol versions; none for all devices.
    devices: Vec<&'static str>,
    steps: Vec<Step>,
}

enum Step {
    One(Element),
    /// As often as the report says it has positions.
    Repeat(Vec<Element>),
}

/// Rows by the name of the report, in the order of the table.
static ROWS: LazyLock<HashMap<&'static str, Vec<Row>>> =
    LazyLock::new(|| parse(include_str!("reports.tsv")).unwrap_or_else(|e| unreachable!("bad table: {e}")));

/// What the fields of a report say. Positions are read from a report of any layout, for they look like nothing else.
pub(super) fn read(report: &Report<'_>) -> Draft {
    let rows = |name| ROWS.get(name).map_or(&[][..], Vec::as_slice);
    let names_device = |row: &&Row| row.devices.iter().any(|start| report.version.starts_with(start));
    let own = rows(report.name);
    let first = own.iter().filter(|row| names_device(row));
    let then = own.iter().filter(|row| row.devices.is_empty());
    let last = own.iter().filter(|row| !row.devices.is_empty() && !names_device(row));
    first
        .chain(then)
        .chain(last)
        .chain(rows("*"))
        .find_map(|row| row.read(&report.fields))
        .unwrap_or_else(|| positions_anywhere(&report.fields))
}

impl Row {
    /// `None` when the row does not fit.
    fn read(&self, fields: &[&[u8]]) -> Option<Draft> {
        let mut draft = Draft { number: 1, ..Draft::default() };
        let mut left = fields;
        for step in &self.steps {
            match step {
                Step::One(element) => left = element_read(element, left, &mut draft)?,
                Step::Repeat(elements) => {
                    for _ in 0..draft.number {
                        for element in elements {
                            left = element_read(element, left, &mut draft)?;
                        }
                    }
                }
            }
        }
        left.is_empty().then_some(draft)
    }
}

/// Reads one element and answers what is left behind it.
fn element_read<'f, 'a>(
    element: &Element,
    left: &'f [&'a [u8]],
    draft: &mut Draft,
) -> Option<&'f [&'a [u8]]> {
    match element {
        Element::Position | Element::Fix => {
            let mut position = Position::fix(left)?;
            let mut used = FIX_FIELDS;
            if matches!(element, Element::Position) {
                position.cell(&left[FIX_FIELDS..])?;
                used += CELL_FIELDS;
            }
            draft.positions.push(position);
            Some(&left[used..])
        }
        Element::Number => {
            let number = crate::fields::integer::<usize>(left.first()?)?;
            draft.number = Some(number).filter(|number| (1..=MAX_POSITIONS).contains(number))?;
            Some(&left[1..])
        }
        Element::Can => bus::can(left, draft),
        Element::Obd => bus::obd(left, draft),
        Element::Extension => extension::read(left, draft),
        Element::PortableExtension => extension::portable(left, draft),
        Element::Accessory => extension::accessory_data(left, draft),
        Element::Several(read) => read(left, draft),
        Element::One(field) => {
            field.read(left.first()?, draft)?;
            Some(&left[1..])
        }
    }
}

fn positions_anywhere(fields: &[&[u8]]) -> Draft {
    let mut draft = Draft::default();
    let mut at = 0;
    while at + FIX_FIELDS <= fields.len() && draft.positions.len() < MAX_POSITIONS {
        match fix_at(fields, at) {
            Some(mut position) => {
                // What follows is the cell, in all reports but few.
                let _ = position.cell(&fields[at + FIX_FIELDS..]);
                draft.positions.push(position);
                at += FIX_FIELDS;
            }
            None => at += 1,
        }
    }
    draft
}

/// The fix of a position that begins with field `at`.
pub(super) fn fix_at(fields: &[&[u8]], at: usize) -> Option<Position> {
    Position::fix(fields.get(at..)?).filter(|position| position.fix.is_some() && position.time.is_some())
}

fn parse(table: &'static str) -> Result<HashMap<&'static str, Vec<Row>>, String> {
    let mut rows: HashMap<_, Vec<Row>> = HashMap::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [reports, devices, steps] = columns[..] else { return Err(format!("not three columns: {line}")) };
        for report in reports.split(',') {
            let devices = devices.split(',').filter(|device| *device != "*").collect();
            let steps = parse_steps(steps).ok_or_else(|| format!("an unknown element: {line}"))?;
            rows.entry(report).or_default().push(Row { devices, steps });
        }
    }
    Ok(rows)
}

fn parse_steps(text: &'static str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut repeated: Option<Vec<Element>> = None;
    for word in text.split(' ') {
        match (word, &mut repeated) {
            ("[", None) => repeated = Some(Vec::new()),
            ("]", Some(_)) => steps.push(Step::Repeat(repeated.take()?)),
            (word, Some(inner)) => inner.push(elements::named(word)?),
            (word, None) => steps.push(Step::One(elements::named(word)?)),
        }
    }
    repeated.is_none().then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(ROWS.len() > 25);
        for bad in ["FRI\t*", "FRI\t*\tnonsense", "FRI\t*\t[ name", "FRI\t*\tname ]"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
