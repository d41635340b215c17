//! The vocabulary of inputs: every name that a decoder may emit, with its unit and a code that is stored for ever.
//! The table is `data/inputs.tsv`; an indexed family such as `analog_#` is one row.

use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt, sync::LazyLock};

/// A name of the vocabulary. Stored by its code, which never changes its meaning, or by the name itself where people
/// read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct InputName(u32);

impl InputName {
    /// `None` when the vocabulary has no such name.
    pub fn find(name: &str) -> Option<Self> {
        if let Some(spec) = spec_named(name) {
            return spec.range.is_none().then_some(Self(spec.code));
        }
        // A family's index stands at the end of the name: `analog_3` is member 3 of `analog_#`.
        let (family, index) = name.split_at(name.trim_end_matches(|c: char| c.is_ascii_digit()).len());
        if index.starts_with('0') && index != "0" {
            return None;
        }
        spec_named(&format!("{family}#"))?.member(index.parse().ok()?)
    }

    /// `None` when no row of the vocabulary holds the code.
    pub fn from_code(code: u32) -> Option<Self> {
        is_known(code).then_some(Self(code))
    }

    pub fn code(self) -> u32 {
        self.0
    }

    pub fn spec(self) -> &'static InputSpec {
        // Every constructor has looked the code up.
        spec_of(self.0).expect("an input name is made only from a code of the vocabulary")
    }

    /// The member's number within its family: 3 for `analog_3`.
    pub fn index(self) -> Option<u32> {
        let spec = self.spec();
        spec.range.map(|_| self.0 - spec.code)
    }
}

impl fmt::Display for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = self.spec();
        match spec.name.strip_suffix('#') {
            Some(family) => write!(f, "{family}{}", self.0 - spec.code),
            None => f.write_str(spec.name),
        }
    }
}

impl From<InputName> for String {
    fn from(name: InputName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for InputName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::find(&name).ok_or_else(|| format!("`{name}` is no input"))
    }
}

impl fmt::Debug for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A row of the vocabulary: a name, or a family of names.
#[derive(Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Code of the name; for a family the code of (imagined) member 0.
    pub code: u32,
    /// `#` at the end stands for the member's index.
    pub name: &'static str,
    /// First and last index of a family.
    pub range: Option<(u32, u32)>,
    /// Symbol of the unit; empty when the value has none.
    pub unit: &'static str,
    pub kind: ValueKind,
    pub description: &'static str,
}

impl InputSpec {
    /// Member `index` of a family; `None` outside its range, or for a single name.
    pub fn member(&self, index: u32) -> Option<InputName> {
        let (first, last) = self.range?;
        (first..=last).contains(&index).then(|| InputName(self.code + index))
    }

    fn last_code(&self) -> u32 {
        self.range.map_or(self.code, |(_, last)| self.code + last)
    }

    fn first_code(&self) -> u32 {
        self.range.map_or(self.code, |(first, _)| self.code + first)
    }
}

/// What values an input takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Int,
    Float,
    Flag,
    Text,
}

/// A raw value of an input, in the unit of its row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Int(i64),
    Float(f64),
    Flag(bool),
    Text(Box<str>),
}

impl Value {
    /// The value as a number; a flag is 0 or 1, a text is none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Flag(value) => Some(f64::from(u8::from(*value))),
            Self::Text(_) => None,
        }
    }

    /// Whether a flag is set; a number counts as set when it is not 0.
    pub fn flag(&self) -> Option<bool> {
        self.number().map(|value| value != 0.0)
    }
}

impl fmt::Display for Value {
    /// As the API prints states: flags as `0` and `1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Flag(value) => u8::from(*value).fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

/// Every row of the vocabulary, by ascending code.
pub fn input_specs() -> &'static [InputSpec] {
    static ROWS: LazyLock<Vec<InputSpec>> = LazyLock::new(|| {
        let mut rows: Vec<_> = include_str!("../data/inputs.tsv")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| parse_row(line).unwrap_or_else(|| unreachable!("bad row in inputs.tsv: {line}")))
            .collect();
        rows.sort_by_key(InputSpec::first_code);
        rows
    });
    &ROWS
}

fn spec_named(name: &str) -> Option<&'static InputSpec> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static InputSpec>> =
        LazyLock::new(|| input_specs().iter().map(|spec| (spec.name, spec)).collect());
    BY_NAME.get(name).copied()
}

/// Whether a row holds the code. Asked for every stored input, so that it is a look at one bit.
fn is_known(code: u32) -> bool {
    static KNOWN: LazyLock<Vec<u64>> = LazyLock::new(|| {
        let last = input_specs().iter().map(InputSpec::last_code).max().unwrap_or(0);
        let mut known = vec![0; last as usize / 64 + 1];
        for code in input_specs().iter().flat_map(|spec| spec.first_code()..=spec.last_code()) {
            known[code as usize / 64] |= 1 << (code % 64);
        }
        known
    });
    KNOWN.get(code as usize / 64).is_some_and(|word| word >> (code % 64) & 1 == 1)
}

fn spec_of(code: u32) -> Option<&'static InputSpec> {
    let rows = input_specs();
    let spec = rows[..rows.partition_point(|spec| spec.first_code() <= code)].last()?;
    (code <= spec.last_code()).then_some(spec)
}

fn parse_row(line: &'static str) -> Option<InputSpec> {
    let mut columns = line.split('\t');
    let code = columns.next()?.parse().ok()?;
    let name = columns.next()?;
    let range = match (columns.next()?, columns.next()?) {
        ("-", "-") => None,
        (first, last) => Some((first.parse().ok()?, last.parse().ok()?)),
    };
    let unit = match columns.next()? {
        "-" => "",
        unit => unit,
    };
    let kind = match columns.next()? {
        "int" => ValueKind::Int,
        "float" => ValueKind::Float,
        "flag" => ValueKind::Flag,
        "text" => ValueKind::Text,
        _ => return None,
    };
    Some(InputSpec { code, name, range, unit, kind, description: columns.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_own_code_for_ever() {
        let mut next = 0;
        for spec in input_specs() {
            assert!(spec.first_code() >= next, "{} overlaps the row before it", spec.name);
            assert_eq!(spec.range.is_some(), spec.name.ends_with('#'), "{}", spec.name);
            assert!(spec.range.is_none_or(|(first, last)| first <= last), "{}", spec.name);
            next = spec.last_code() + 1;
        }
    }

    #[test]
    fn names_and_codes_lead_to_each_other() {
        for spec in input_specs() {
            for code in [spec.first_code(), spec.last_code()] {
                assert_eq!(spec_of(code), Some(spec));
                let name = InputName::from_code(code).unwrap();
                assert_eq!(InputName::find(&name.to_string()), Some(name), "{name}");
            }
        }
        for code in 0..input_specs().last().unwrap().last_code() + 1000 {
            assert_eq!(InputName::from_code(code).is_some(), spec_of(code).is_some(), "{code}");
        }
        for missing in ["", "analog_", "analog_0", "analog_9", "analog_01", "analog_#", "nonsense", "7"] {
            assert_eq!(InputName::find(missing), None, "{missing}");
        }
    }
}
