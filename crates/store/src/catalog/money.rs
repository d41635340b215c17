//! Money as an integer, so that sums are exact.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in ten-thousandths of the platform's currency: a text message may cost less than a cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

const PARTS: i64 = 10_000;

impl Money {
    pub const ZERO: Self = Self(0);

    pub const fn from_ten_thousandths(amount: i64) -> Self {
        Self(amount)
    }

    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// Rounded to the nearest ten-thousandth. `None` beyond ±1e12, where a `f64` no longer tells them apart.
    pub fn from_units(units: f64) -> Option<Self> {
        (units.abs() <= 1e12).then(|| Self((units * PARTS as f64).round() as i64))
    }

    /// For output: 12.5 is twelve and a half.
    pub fn units(self) -> f64 {
        self.0 as f64 / PARTS as f64
    }
}

impl fmt::Display for Money {
    /// `12.50`, with as many decimals as needed but at least two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        let (units, parts) = (amount / PARTS.unsigned_abs(), amount % PARTS.unsigned_abs());
        match parts % 100 {
            0 => write!(f, "{sign}{units}.{:02}", parts / 100),
            _ => write!(f, "{sign}{units}.{parts:04}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        for (units, text) in [(0.0, "0.00"), (12.5, "12.50"), (-0.055, "-0.0550"), (0.1 + 0.2, "0.30")] {
            let money = Money::from_units(units).unwrap();
            assert_eq!(money.to_string(), text);
            assert_eq!(Money::from_units(money.units()), Some(money));
        }
        assert_eq!(Money::from_units(f64::NAN), None);
        assert_eq!(Money::from_units(1e13), None);
    }
}
