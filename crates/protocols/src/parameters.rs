//! Numbered parameters of devices: a table says what each means. Teltonika and Ruptela number theirs.
//! The columns are explained at the head of `teltonika/parameters.tsv`.

use crate::hex;
use domain::{InputName, InputSpec, Inputs, ModelCode, Value, ValueKind, input_specs};

pub(crate) struct Parameters {
    /// Device models that number their parameters this way; none for the table of all others.
    models: Vec<ModelCode>,
    /// By id, where its rows begin in `rows`. Ids above the last one have none.
    first: Vec<u16>,
    /// By ascending id; an id has a row for every width whose meaning differs.
    rows: Vec<Row>,
    /// The family of ids without a row.
    unnamed: &'static InputSpec,
}

impl Parameters {
    /// A table that is part of the program; a test reads each.
    pub(crate) fn built_in(table: &str) -> Self {
        Self::parse(table).unwrap_or_else(|e| unreachable!("bad table: {e}"))
    }

    /// Whether the table says that it holds for the model.
    pub(crate) fn is_for(&self, model: ModelCode) -> bool {
        self.models.contains(&model)
    }

    /// A parameter of 1, 2, 4 or 8 bytes, big-endian.
    pub(crate) fn number(&self, id: u16, raw: u64, width: usize, inputs: &mut Inputs) {
        match self.row(id, width) {
            Some(row) => row.number(raw, width, inputs),
            // Of eight bytes only their bits are known: two's complement keeps them all.
            None => self.push_unnamed(id, raw.cast_signed(), inputs),
        }
    }

    /// A parameter of any other width.
    pub(crate) fn bytes(&self, id: u16, raw: &[u8], inputs: &mut Inputs) {
        if raw.is_empty() {
            return;
        }
        match self.row(id, raw.len()) {
            Some(row) if row.reading.takes_bytes() => row.bytes(raw, inputs),
            Some(row) if raw.len() <= 8 => {
                let number = raw.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
                row.number(number, raw.len(), inputs);
            }
            _ => self.push_unnamed(id, &*hex::upper(raw), inputs),
        }
    }

    fn row(&self, id: u16, width: usize) -> Option<&Row> {
        let first = usize::from(*self.first.get(usize::from(id))?);
        let rows = self.rows.get(first..)?.iter().take_while(|row| row.id == id);
        rows.into_iter().find(|row| row.widths.hold(width))
    }

    fn push_unnamed(&self, id: u16, value: impl Into<Value>, inputs: &mut Inputs) {
        if let Some(name) = self.unnamed.member(u32::from(id)) {
            inputs.push(name, value);
        }
    }

    /// Columns: id, bytes, input, type, multiplier, note; see above.
    fn parse(table: &str) -> Result<Self, String> {
        let models = table.lines().find_map(|line| line.strip_prefix("# models\t")).unwrap_or_default();
        let model = |code| ModelCode::find(code).ok_or_else(|| format!("no device model {code}"));
        let models = models.split_terminator('\t').map(model).collect::<Result<_, _>>()?;
        let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut rows = lines
            .map(|line| Row::parse(line).map_err(|problem| format!("{problem}: {line}")))
            .collect::<Result<Vec<_>, _>>()?;
        rows.sort_by_key(|row| row.id);
        let mut pairs = rows.windows(2);
        if let Some(pair) =
            pairs.find(|pair| pair[0].id == pair[1].id && pair[0].widths.overlap(pair[1].widths))
        {
            return Err(format!("{} stands twice", pair[0].id));
        }
        let last = rows.last().map_or(0, |row| row.id);
        let first = (0..=last).map(|id| rows.partition_point(|row| row.id < id));
        let first = first.map(u16::try_from).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let unnamed = input_specs().iter().find(|spec| spec.name == "avl_io_#");
        let unnamed = unnamed.ok_or("the vocabulary has no family avl_io_#")?;
        Ok(Self { models, first, rows, unnamed })
    }
}

struct Row {
    id: u16,
    name: InputName,
    widths: Widths,
    reading: Reading,
    /// Raw values by which a device says that it has no value.
    absent: Box<[i64]>,
}

/// For which numbers of bytes a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Widths {
    Any,
    /// Bit n stands for n bytes, 1 to 8.
    These(u16),
}

impl Widths {
    fn hold(self, width: usize) -> bool {
        match self {
            Self::Any => true,
            Self::These(bits) => width <= 8 && bits >> width & 1 == 1,
        }
    }

    fn overlap(self, other: Self) -> bool {
        match (self, other) {
            (Self::These(one), Self::These(other)) => one & other != 0,
            _ => true,
        }
    }

    fn parse(list: &str) -> Option<Self> {
        if list == "-" {
            return Some(Self::Any);
        }
        let mut widths =
            list.split(',').map(|width| width.parse().ok().filter(|width| (1..=8).contains(width)));
        widths.try_fold(0, |bits, width: Option<u32>| Some(bits | 1 << width?)).map(Self::These)
    }
}

/// How raw bytes become a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    Flag,
    Int(Sign, i64),
    Float(Sign, Scale, f64),
    /// An unsigned number, as decimal text.
    Decimal,
    /// Bytes as hexadecimal text.
    Hex,
    /// Bytes as the text that they are.
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Unsigned,
    Signed,
}

/// A small multiplier is kept as its divisor, so that 12345 of 0.001 V is 12.345 and nothing beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Times(f64),
    Over(f64),
}

impl Row {
    fn number(&self, raw: u64, width: usize, inputs: &mut Inputs) {
        // Unsigned values above i64::MAX can only be read as bytes or as a float.
        let value = match self.reading {
            Reading::Int(Sign::Signed, _) | Reading::Float(Sign::Signed, ..) => Some(signed(raw, width)),
            _ => i64::try_from(raw).ok(),
        };
        if value.is_some_and(|value| self.absent.contains(&value)) {
            return;
        }
        match (self.reading, value) {
            (Reading::Flag, _) => inputs.push(self.name, raw != 0),
            (Reading::Int(_, times), Some(value)) => inputs.push(self.name, value.saturating_mul(times)),
            (Reading::Int(..), None) => {}
            (Reading::Float(_, scale, offset), Some(value)) => {
                inputs.push(self.name, scale.apply(value as f64) + offset);
            }
            (Reading::Float(_, scale, offset), None) => {
                inputs.push(self.name, scale.apply(raw as f64) + offset)
            }
            (Reading::Decimal, _) => inputs.push(self.name, &*raw.to_string()),
            (Reading::Hex | Reading::Text, _) => {
                let bytes = raw.to_be_bytes();
                self.bytes(&bytes[bytes.len().saturating_sub(width)..], inputs);
            }
        }
    }

    fn bytes(&self, raw: &[u8], inputs: &mut Inputs) {
        if self.absent.contains(&0) && raw.iter().all(|byte| *byte == 0) {
            return;
        }
        match (self.reading, printable(raw)) {
            (Reading::Text, Some("")) => {}
            (Reading::Text, Some(text)) => inputs.push(self.name, text),
            _ => inputs.push(self.name, &*hex::upper(raw)),
        }
    }

    fn parse(line: &str) -> Result<Self, &'static str> {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, bytes, input, kind, multiplier, note] = columns[..] else { return Err("not six columns") };
        let id = id.parse().map_err(|_| "no id")?;
        let widths = Widths::parse(bytes).ok_or("no width")?;
        let name = InputName::find(input).ok_or("the vocabulary has no such input")?;
        let (multiplier, offset) = multiplier.split_once(',').unwrap_or((multiplier, "0"));
        let multiplier: f64 = multiplier.parse().map_err(|_| "no multiplier")?;
        let offset: f64 = offset.parse().map_err(|_| "no offset")?;
        let reading = Reading::of(kind, multiplier, offset, name.spec().kind)?;
        let absent = match note.strip_prefix("absent=").and_then(|note| note.split_once(';')) {
            Some((list, _)) => list.split(',').map(str::parse).collect::<Result<_, _>>(),
            None => Ok(Vec::new()),
        };
        let absent: Vec<i64> = absent.map_err(|_| "absent values are whole numbers")?;
        if reading.takes_bytes() && absent.iter().any(|value| *value != 0) {
            return Err("bytes are absent only as zeros");
        }
        Ok(Self { id, name, widths, reading, absent: absent.into() })
    }
}

impl Reading {
    fn of(kind: &str, multiplier: f64, offset: f64, target: ValueKind) -> Result<Self, &'static str> {
        let sign = match kind {
            "signed" => Sign::Signed,
            _ => Sign::Unsigned,
        };
        let whole = multiplier.fract() == 0.0 && multiplier.abs() < 1e9 && offset == 0.0;
        let whole = whole.then_some(multiplier as i64);
        match (kind, target, whole) {
            ("flag", ValueKind::Flag, Some(1)) => Ok(Self::Flag),
            ("hex", ValueKind::Text, Some(1)) => Ok(Self::Hex),
            ("text", ValueKind::Text, Some(1)) => Ok(Self::Text),
            ("unsigned", ValueKind::Text, Some(1)) => Ok(Self::Decimal),
            ("unsigned" | "signed", ValueKind::Int, Some(times)) => Ok(Self::Int(sign, times)),
            ("unsigned" | "signed", ValueKind::Float, _) => {
                Ok(Self::Float(sign, Scale::of(multiplier), offset))
            }
            _ => Err("type, multiplier and kind of input do not fit together"),
        }
    }

    fn takes_bytes(self) -> bool {
        matches!(self, Self::Hex | Self::Text)
    }
}

impl Scale {
    fn of(multiplier: f64) -> Self {
        let divisor = (1.0 / multiplier).round();
        if multiplier < 1.0 && (divisor * multiplier - 1.0).abs() < 1e-9 {
            Self::Over(divisor)
        } else {
            Self::Times(multiplier)
        }
    }

    fn apply(self, value: f64) -> f64 {
        match self {
            Self::Times(factor) => value * factor,
            Self::Over(divisor) => value / divisor,
        }
    }
}

/// The number that the lowest `width` bytes are in two's complement.
fn signed(raw: u64, width: usize) -> i64 {
    let unused = 64_usize.saturating_sub(width * 8);
    (raw << unused).cast_signed() >> unused
}

/// Text without the zeros and spaces around it; `None` when it is none.
fn printable(raw: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(raw).ok()?.trim_matches(['\0', ' ']);
    (!text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_table_is_refused() {
        for (row, problem) in [
            ("1\t1\tignition\tflag\t1", "not six columns"),
            ("x\t1\tignition\tflag\t1\t", "no id"),
            ("1\t1,x\tignition\tflag\t1\t", "no width"),
            ("1\t1\tnonsense\tflag\t1\t", "the vocabulary has no such input"),
            ("1\t1\tignition\tunsigned\t1\t", "type, multiplier and kind of input do not fit together"),
            ("1\t1\tevent_code\tunsigned\t0.1\t", "type, multiplier and kind of input do not fit together"),
            ("1\t1\tevent_code\tunsigned\t1\tabsent=x;", "absent values are whole numbers"),
            ("1\t-\tobd_vin\thex\t1\tabsent=1;", "bytes are absent only as zeros"),
        ] {
            assert_eq!(Parameters::parse(row).err(), Some(format!("{problem}: {row}")));
        }
        let twice = "1\t1,2\tignition\tflag\t1\t\n1\t-\tmotion\tflag\t1\t";
        assert_eq!(Parameters::parse(twice).err().as_deref(), Some("1 stands twice"));
        assert_eq!(Parameters::parse("# models\tnone").err().as_deref(), Some("no device model none"));
    }
}
