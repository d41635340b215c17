//! What a device heard of mobile networks, out of the inputs of its message.

use domain::{InputName, State, Timestamp, Value};
use std::sync::LazyLock;

/// Names a cell in the whole world. Sorted as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellName {
    pub mcc: u16,
    pub mnc: u16,
    /// Location area or tracking area.
    pub area: u32,
    pub id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeardCell {
    pub name: CellName,
    /// Received strength.
    pub dbm: Option<i16>,
}

/// No device hears more that help.
const MAX: usize = 16;

struct Names {
    mcc: InputName,
    mnc: InputName,
    area: InputName,
    cell: InputName,
    lte_cell: InputName,
    dbm: InputName,
    all: InputName,
    operator: InputName,
}

fn names() -> &'static Names {
    static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
        mcc: name("gsm_mcc"),
        mnc: name("gsm_mnc"),
        area: name("gsm_area_code"),
        cell: name("gsm_cell_id"),
        lte_cell: name("lte_cell_id"),
        dbm: name("gsm_signal_dbm"),
        all: name("network_cells"),
        operator: name("gsm_network_name"),
    });
    &NAMES
}

fn name(name: &str) -> InputName {
    InputName::find(name).unwrap_or_else(|| unreachable!("inputs.tsv has no {name}"))
}

/// The cells that inputs name, the serving one first; none when they do not name one completely.
pub fn heard<'v>(input: impl Fn(InputName) -> Option<&'v Value>) -> Vec<HeardCell> {
    let names = names();
    if let Some(Value::Text(all)) = input(names.all) {
        let mut cells: Vec<HeardCell> = Vec::new();
        for cell in all.split(';').filter_map(listed).take(MAX) {
            if cells.iter().all(|known| known.name != cell.name) {
                cells.push(cell);
            }
        }
        if !cells.is_empty() {
            return cells;
        }
    }
    let number = |name| whole(input(name)?);
    let serving = || {
        let (mcc, mnc) = match (number(names.mcc), number(names.mnc)) {
            (Some(mcc), Some(mnc)) => (mcc, mnc),
            // Some devices name the network by its two numbers in one.
            _ => match input(names.operator)? {
                Value::Text(operator) => network(operator)?,
                _ => return None,
            },
        };
        let cell = |name| number(name).filter(|id| *id != 0);
        let id = cell(names.cell).or_else(|| cell(names.lte_cell))?;
        let dbm = number(names.dbm).and_then(|dbm| i16::try_from(dbm).ok());
        complete(mcc, mnc, number(names.area)?, id, dbm)
    };
    serving().into_iter().collect()
}

/// The cells that a source told of last, and when; `None` when it never did, or not of one completely.
pub fn last_heard(state: &State) -> Option<(Timestamp, Vec<HeardCell>)> {
    let Names { all, cell, lte_cell, .. } = *names();
    let newest = [all, cell, lte_cell]
        .into_iter()
        .filter_map(|name| state.value(name))
        .map(|known| known.time)
        .max()?;
    // What an older message told is of another place.
    let cells =
        heard(|name| state.value(name).filter(|known| known.time == newest).map(|known| &known.value));
    (!cells.is_empty()).then_some((newest, cells))
}

/// `mcc,mnc,area,cell[,dBm]`, as inputs.tsv has it.
fn listed(cell: &str) -> Option<HeardCell> {
    let mut numbers = cell.split(',').map(|number| number.parse::<i64>().ok());
    let mut next = || numbers.next().flatten();
    let (mcc, mnc, area, id) = (next()?, next()?, next()?, next()?);
    complete(mcc, mnc, area, id, next().and_then(|dbm| i16::try_from(dbm).ok()))
}

/// Country and network out of five or six digits (ITU-T E.212: the first three are the country).
fn network(operator: &str) -> Option<(i64, i64)> {
    let is_number = matches!(operator.len(), 5 | 6) && operator.bytes().all(|digit| digit.is_ascii_digit());
    let (mcc, mnc) = is_number.then(|| operator.split_at(3))?;
    Some((mcc.parse().ok()?, mnc.parse().ok()?))
}

fn complete(mcc: i64, mnc: i64, area: i64, id: i64, dbm: Option<i16>) -> Option<HeardCell> {
    let (mcc, mnc) = (u16::try_from(mcc).ok()?, u16::try_from(mnc).ok()?);
    let (area, id) = (u32::try_from(area).ok()?, u64::try_from(id).ok()?);
    // E.212: countries have three digits, networks two or three.
    let is_one = (1..=999).contains(&mcc) && mnc <= 999 && id != 0;
    is_one.then_some(HeardCell { name: CellName { mcc, mnc, area, id }, dbm })
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Float(_) | Value::Flag(_) | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Inputs;

    #[test]
    fn cells_of_inputs() {
        for (inputs, expected) in [
            (&[][..], ""),
            (&[("gsm_cell_id", "7")], ""),
            (
                &[("gsm_mcc", "257"), ("gsm_mnc", "2"), ("gsm_area_code", "16"), ("gsm_cell_id", "7")],
                "257 2 16 7",
            ),
            (
                &[
                    ("gsm_mcc", "257"),
                    ("gsm_mnc", "2"),
                    ("gsm_area_code", "16"),
                    ("gsm_cell_id", "7"),
                    ("gsm_signal_dbm", "-70"),
                ],
                "257 2 16 7 -70",
            ),
            // As Teltonika devices say it.
            (&[("gsm_network_name", "24602"), ("gsm_area_code", "1"), ("gsm_cell_id", "9")], "246 2 1 9"),
            (&[("gsm_network_name", "310410"), ("gsm_area_code", "1"), ("lte_cell_id", "9")], "310 410 1 9"),
            (
                &[
                    ("gsm_network_name", "24602"),
                    ("gsm_area_code", "1"),
                    ("gsm_cell_id", "0"),
                    ("lte_cell_id", "9"),
                ],
                "246 2 1 9",
            ),
            (&[("gsm_network_name", "Telia"), ("gsm_area_code", "1"), ("gsm_cell_id", "9")], ""),
            (&[("gsm_network_name", "99"), ("gsm_area_code", "1"), ("gsm_cell_id", "9")], ""),
            (&[("gsm_mcc", "-1"), ("gsm_mnc", "2"), ("gsm_area_code", "1"), ("gsm_cell_id", "9")], ""),
            (&[("gsm_mcc", "1000"), ("gsm_mnc", "2"), ("gsm_area_code", "1"), ("gsm_cell_id", "9")], ""),
            (&[("network_cells", "257,2,16,7,-70;257,2,16,8;257,2,16,7,-90")], "257 2 16 7 -70|257 2 16 8"),
            (
                &[("network_cells", ";,;257,2;a,b,c,d;257,2,16,-8;257,2,16,99999999999,-999999")],
                "257 2 16 99999999999",
            ),
        ] {
            let input = |(name, text): &(&str, &str)| {
                let name = InputName::find(name).unwrap();
                let is_text =
                    *text == "99" || name.to_string().starts_with("network") || name == names().operator;
                let value =
                    if is_text { Value::Text((*text).into()) } else { Value::Int(text.parse().unwrap()) };
                (name, value)
            };
            let inputs: Inputs = inputs.iter().map(input).collect();
            let cells = heard(|name| inputs.get(name));
            let print = |HeardCell { name: CellName { mcc, mnc, area, id }, dbm }: &HeardCell| {
                let dbm = dbm.map(|dbm| format!(" {dbm}")).unwrap_or_default();
                format!("{mcc} {mnc} {area} {id}{dbm}")
            };
            assert_eq!(cells.iter().map(print).collect::<Vec<_>>().join("|"), expected);
        }
    }

    #[test]
    fn only_what_was_told_last_counts() {
        let mut state = State::default();
        let mut put = |name: &str, seconds, value: Value| {
            state.put(InputName::find(name).unwrap(), Timestamp::from_seconds(seconds), &value);
            last_heard(&state).map(|(time, cells)| (time.seconds(), cells[0].name.id))
        };
        assert_eq!(put("gsm_cell_id", 5, Value::Int(7)), None);
        assert_eq!(put("network_cells", 5, "257,2,16,8".into()), Some((5, 8)));
        assert_eq!(put("gsm_cell_id", 9, Value::Int(9)), None, "without a network");
        assert_eq!(put("gsm_network_name", 9, "25702".into()), None);
        assert_eq!(put("gsm_area_code", 9, Value::Int(16)), Some((9, 9)));
    }

    #[test]
    fn no_more_than_help() {
        let all: Vec<String> = (1..100).map(|id| format!("257,2,16,{id}")).collect();
        let all = Value::Text(all.join(";").into());
        assert_eq!(heard(|name| (name == names().all).then_some(&all)).len(), MAX);
    }
}
