//! Units of sensors' values, and into which of them a value is converted for a user. The tables are `data/units.tsv`
//! and `data/unit_conversions.tsv`.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::LazyLock};

/// A unit; always one of the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct UnitsType(usize);

impl UnitsType {
    /// No unit of ours: the user's own label tells what it is.
    pub const CUSTOM: Self = Self(0);

    /// By any of its names; `None` when the table has no such name.
    pub fn find(name: &str) -> Option<Self> {
        UNITS.iter().position(|unit| unit.name == name || unit.other_names.contains(&name)).map(Self)
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..UNITS.len()).map(Self)
    }

    pub fn as_str(self) -> &'static str {
        UNITS[self.0].name
    }

    /// Empty for `custom`.
    pub fn symbol(self) -> &'static str {
        UNITS[self.0].symbol
    }

    /// The unit that a user of the system wants, and a value in it; `None` when this one will do.
    pub fn converted(self, value: f64, system: MeasurementSystem) -> Option<(Self, f64)> {
        let rule = CONVERSIONS.iter().find(|rule| rule.system == system && rule.from == self)?;
        Some((rule.to, value * rule.times / rule.by + rule.plus))
    }
}

impl From<UnitsType> for String {
    fn from(unit: UnitsType) -> Self {
        unit.as_str().to_owned()
    }
}

impl TryFrom<String> for UnitsType {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::find(&name).ok_or_else(|| format!("`{name}` is no unit"))
    }
}

impl fmt::Debug for UnitsType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In which units a user reads values (`measurement_system` of the user's settings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeasurementSystem {
    #[default]
    Metric,
    Imperial,
    Us,
    /// Metric, with US gallons.
    MetricGalUs,
    Nautical,
}

impl MeasurementSystem {
    pub const ALL: [Self; 5] = [Self::Metric, Self::Imperial, Self::Us, Self::MetricGalUs, Self::Nautical];

    /// As the API prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Imperial => "imperial",
            Self::Us => "us",
            Self::MetricGalUs => "metric_gal_us",
            Self::Nautical => "nautical",
        }
    }

    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str() == word)
    }
}

struct Unit {
    name: &'static str,
    other_names: Vec<&'static str>,
    symbol: &'static str,
}

struct Conversion {
    system: MeasurementSystem,
    from: UnitsType,
    to: UnitsType,
    times: f64,
    by: f64,
    plus: f64,
}

static UNITS: LazyLock<Vec<Unit>> = LazyLock::new(|| rows(include_str!("../data/units.tsv"), unit));

static CONVERSIONS: LazyLock<Vec<Conversion>> =
    LazyLock::new(|| rows(include_str!("../data/unit_conversions.tsv"), conversion));

/// The rows of a table of ours, which are right as they stand.
pub(crate) fn rows<T>(table: &'static str, parse: fn(&[&'static str]) -> Option<T>) -> Vec<T> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            parse(&columns).unwrap_or_else(|| unreachable!("bad row in a table: {line}"))
        })
        .collect()
}

fn unit(columns: &[&'static str]) -> Option<Unit> {
    let [name, other_names, symbol] = columns else { return None };
    let given = |text: &'static str| if text == "-" { "" } else { text };
    let other_names = given(other_names).split(',').filter(|name| !name.is_empty()).collect();
    Some(Unit { name, other_names, symbol: given(symbol) })
}

fn conversion(columns: &[&'static str]) -> Option<Conversion> {
    let [system, from, to, times, by, plus] = columns else { return None };
    Some(Conversion {
        system: MeasurementSystem::find(system)?,
        from: UnitsType::find(from)?,
        to: UnitsType::find(to)?,
        times: times.parse().ok()?,
        by: by.parse().ok()?,
        plus: plus.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use MeasurementSystem::{Imperial, Metric, MetricGalUs, Nautical, Us};
    use std::collections::HashSet;

    #[test]
    fn every_name_is_one_units() {
        let mut names = HashSet::new();
        for unit in &*UNITS {
            assert!(names.insert(unit.name), "{}", unit.name);
            assert!(unit.other_names.iter().all(|name| names.insert(name)), "{}", unit.name);
        }
        assert_eq!(UnitsType::find("custom"), Some(UnitsType::CUSTOM));
        assert_eq!(UnitsType::find("liter").map(UnitsType::as_str), Some("litre"));
        assert_eq!(UnitsType::find("cubit"), None);
    }

    /// Every unit for a user of every system: the ones that are not named here stay as they are.
    #[test]
    fn values_as_the_user_wants_them() {
        let table = [
            (Imperial, "litre", 100.0, "gallon", 21.996_924_829_908_78),
            (Us, "litre", 100.0, "gallon", 26.417_205_235_814_84),
            (MetricGalUs, "litre", 100.0, "gallon", 26.417_205_235_814_84),
            (Imperial, "kmh", 100.0, "mph", 62.137_119_223_733_4),
            (Us, "kmh", 100.0, "mph", 62.137_119_223_733_4),
            (Imperial, "kilometre", 1.609_344, "mile", 1.0),
            (Us, "kilometre", 100.0, "mile", 62.137_119_223_733_4),
            (Us, "celsius", 100.0, "fahrenheit", 212.0),
        ];
        for system in [Metric, Imperial, Us, MetricGalUs, Nautical] {
            for unit in UnitsType::all() {
                let row = table.iter().find(|row| row.0 == system && row.1 == unit.as_str());
                let value = row.map_or(1.0, |row| row.2);
                match (unit.converted(value, system), row) {
                    (Some((to, found)), Some((_, _, _, name, expected))) => {
                        assert_eq!(to.as_str(), *name);
                        assert!((found - expected).abs() < 1e-12, "{system:?} {unit:?}: {found}");
                    }
                    (converted, row) => {
                        assert_eq!((converted, row.is_some()), (None, false), "{system:?} {unit:?}");
                    }
                }
            }
        }
        assert_eq!(UnitsType::find("celsius").unwrap().converted(-40.0, Us).unwrap().1, -40.0);
    }
}
