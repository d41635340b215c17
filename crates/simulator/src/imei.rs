//! IMEIs of virtual devices: consecutive, with the check digit that every real one has.

use std::{fmt, str::FromStr};

/// 15 digits, the last of which is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imei {
    /// The first 14 digits.
    body: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImei {
    #[error("an IMEI has 15 digits")]
    NotDigits,
    #[error("the last digit of this IMEI should be {0}")]
    CheckDigit(u8),
}

const BODIES: u64 = 100_000_000_000_000;

impl Imei {
    /// Type allocation codes that begin with 00 are kept for test equipment (GSMA TS.06), so no real device has it.
    pub const TEST: Self = Self { body: 101_700_000_000 };

    /// The one so many places later; after the last comes the first.
    #[must_use]
    pub fn plus(self, places: u64) -> Self {
        Self { body: (self.body + places % BODIES) % BODIES }
    }

    /// Luhn's: from the right, every second digit counts double, and the digits of all that add up to a multiple of
    /// ten (3GPP TS 23.003, annex B).
    fn check_digit(self) -> u8 {
        let (mut left, mut sum, mut factor) = (self.body, 0, 2);
        while left > 0 {
            let weighted = left % 10 * factor;
            sum += weighted / 10 + weighted % 10;
            (left, factor) = (left / 10, 3 - factor);
        }
        ((10 - sum % 10) % 10) as u8
    }
}

impl fmt::Display for Imei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}{}", self.body, self.check_digit())
    }
}

impl FromStr for Imei {
    type Err = InvalidImei;

    fn from_str(text: &str) -> Result<Self, InvalidImei> {
        let all_digits = text.len() == 15 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = text.parse().ok().filter(|_| all_digits).ok_or(InvalidImei::NotDigits)?;
        let imei = Self { body: number / 10 };
        let right = imei.check_digit();
        (number % 10 == u64::from(right)).then_some(imei).ok_or(InvalidImei::CheckDigit(right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_right_ones_from_wrong_ones() {
        for (text, expected) in [
            // The example of 3GPP TS 23.003 and others from vendors' manuals.
            ("490154203237518", Ok("490154203237518")),
            ("352093081452251", Ok("352093081452251")),
            ("000000000000000", Ok("000000000000000")),
            ("490154203237510", Err(InvalidImei::CheckDigit(8))),
            ("49015420323751", Err(InvalidImei::NotDigits)),
            ("49015420323751a", Err(InvalidImei::NotDigits)),
            ("+90154203237518", Err(InvalidImei::NotDigits)),
        ] {
            assert_eq!(
                text.parse::<Imei>().map(|imei| imei.to_string()),
                expected.map(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn neighbours_differ_in_the_body_and_are_right() {
        let mut seen = Vec::new();
        for number in 0..1000 {
            let text = Imei::TEST.plus(number).to_string();
            assert_eq!(text.parse(), Ok(Imei::TEST.plus(number)));
            seen.push(text[..14].parse::<u64>().unwrap());
        }
        assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let last: Imei = "999999999999994".parse().unwrap();
        assert_eq!(last.plus(1).to_string(), "000000000000000");
    }
}
