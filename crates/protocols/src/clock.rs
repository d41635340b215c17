//! Dates and times as devices write them, in UTC. `None` when there is no such moment: a receiver without a fix prints
//! zeros.

use domain::Timestamp;
use std::time::Duration;

/// Digits `YYYYMMDDHHMMSS` or `YYMMDDHHMMSS`.
pub fn year_first(digits: &[u8]) -> Option<Timestamp> {
    let (year, rest) = match digits.len() {
        14 => (i64::from(number(&digits[..4])?), &digits[4..]),
        12 => (2000 + i64::from(number(&digits[..2])?), &digits[2..]),
        _ => return None,
    };
    let [month, day, hour, minute, second] = pairs(rest)?;
    Timestamp::from_civil((year, month, day), (hour, minute, second))
}

/// Digits `DDMMYY` or `DDMMYYYY`, and `HHMMSS` or `HHMMSS.sss`.
pub fn day_first(date: &[u8], time: &[u8]) -> Option<Timestamp> {
    let year = match date.len() {
        6 => 2000 + i64::from(number(&date[4..])?),
        8 => i64::from(number(&date[4..])?),
        _ => return None,
    };
    let [day, month] = pairs(&date[..4])?;
    let (time, fraction) = match time.iter().position(|byte| *byte == b'.') {
        Some(point) => (&time[..point], &time[point + 1..]),
        None => (time, &[][..]),
    };
    let [hour, minute, second] = pairs(time)?;
    let whole = Timestamp::from_civil((year, month, day), (hour, minute, second))?;
    Some(whole.plus(Duration::from_millis(thousandths(fraction)?)))
}

/// One byte each for the year since 2000, month, day, hour, minute and second.
pub fn binary([year, month, day, hour, minute, second]: [u8; 6]) -> Option<Timestamp> {
    Timestamp::from_civil(
        (2000 + i64::from(year), month.into(), day.into()),
        (hour.into(), minute.into(), second.into()),
    )
}

/// ISO 8601 with seconds, a fraction or none, and `Z`, an offset or nothing for UTC; a space may stand for the `T`.
pub fn iso(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let (clock, rest) = rest.split_at_checked(9)?;
    let [b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] = *clock else { return None };
    let [month, day] = pairs(&[m1, m2, d1, d2])?;
    let [hour, minute, second] = pairs(&[h1, h2, n1, n2, s1, s2])?;
    let year = i64::from(number(&[y1, y2, y3, y4])?);
    let whole = Timestamp::from_civil((year, month, day), (hour, minute, second))?;
    let (fraction, offset) = match rest {
        [b'.' | b',', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            rest.split_at(digits)
        }
        rest => (&[][..], rest),
    };
    let local = whole.plus(Duration::from_millis(thousandths(fraction)?));
    let (sign, hours, minutes) = match offset {
        [] | [b'Z' | b'z'] => return Some(local),
        [sign, h1, h2] => (sign, [*h1, *h2], [b'0'; 2]),
        [sign, h1, h2, n1, n2] | [sign, h1, h2, b':', n1, n2] => (sign, [*h1, *h2], [*n1, *n2]),
        _ => return None,
    };
    let offset = Duration::from_secs(u64::from(number(&hours)?) * 3600 + u64::from(number(&minutes)?) * 60);
    match sign {
        b'+' => Some(local.minus(offset)),
        b'-' => Some(local.plus(offset)),
        _ => None,
    }
}

/// Seconds or milliseconds since 1970, told apart by their size: seconds of that size are later than the year 5000.
pub fn epoch(number: i64) -> Timestamp {
    const FIRST_MILLIS: i64 = 100_000_000_000;
    if number.abs() >= FIRST_MILLIS {
        Timestamp::from_millis(number)
    } else {
        Timestamp::from_seconds(number)
    }
}

fn pairs<const N: usize>(digits: &[u8]) -> Option<[u32; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut pairs = [0; N];
    for (value, pair) in pairs.iter_mut().zip(digits.chunks(2)) {
        *value = number(pair)?;
    }
    Some(pairs)
}

/// Digits only, few enough for the type.
fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

fn thousandths(fraction: &[u8]) -> Option<u64> {
    let mut digits = fraction.iter().copied().chain([b'0'; 3]);
    let three: [u8; 3] = std::array::from_fn(|_| digits.next().unwrap_or(b'0'));
    fraction.iter().all(u8::is_ascii_digit).then(|| number(&three).map(u64::from))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(time: Option<Timestamp>, expected: &str, input: &str) {
        assert_eq!(time.map(|time| time.to_string()).unwrap_or_default(), expected, "{input}");
    }

    #[test]
    fn reads_digits_in_both_orders() {
        for (digits, expected) in [
            ("20240229235959", "2024-02-29T23:59:59Z"),
            ("240229235959", "2024-02-29T23:59:59Z"),
            ("20230229000000", ""),
            ("00000000000000", ""),
            ("2024022923595", ""),
            ("2024022923595x", ""),
            ("", ""),
        ] {
            check(year_first(digits.as_bytes()), expected, digits);
        }
        for (date, time, expected) in [
            ("290224", "235959", "2024-02-29T23:59:59Z"),
            ("29022024", "235959.5", "2024-02-29T23:59:59.500Z"),
            ("290224", "235959.12345", "2024-02-29T23:59:59.123Z"),
            ("290224", "235959.", "2024-02-29T23:59:59Z"),
            ("000000", "000000", ""),
            ("290224", "240000", ""),
            ("290224", "235959.x", ""),
            ("NA", "NA", ""),
        ] {
            check(day_first(date.as_bytes(), time.as_bytes()), expected, date);
        }
        check(binary([24, 2, 29, 23, 59, 59]), "2024-02-29T23:59:59Z", "binary");
        check(binary([0; 6]), "", "binary zeros");
    }

    #[test]
    fn reads_iso_and_epochs() {
        for (text, expected) in [
            ("2025-06-15T13:45:12.862Z", "2025-06-15T13:45:12.862Z"),
            ("2025-06-15 13:45:12", "2025-06-15T13:45:12Z"),
            ("2025-06-15T13:45:12+02:00", "2025-06-15T11:45:12Z"),
            ("2025-06-15T13:45:12.5-0330", "2025-06-15T17:15:12.500Z"),
            ("2025-06-15T13:45:12+02", "2025-06-15T11:45:12Z"),
            ("2025-06-15T13:45", ""),
            ("2025-06-15T13:45:12.Z", ""),
            ("2025-06-15T13:45:12*02:00", ""),
            ("2025-06-31T13:45:12Z", ""),
            ("", ""),
            ("2025-06-15T13:45:1\u{e9}", ""),
        ] {
            check(iso(text.as_bytes()), expected, text);
        }
        check(Some(epoch(1_729_080_000)), "2024-10-16T12:00:00Z", "seconds");
        check(Some(epoch(1_729_080_000_123)), "2024-10-16T12:00:00.123Z", "milliseconds");
    }
}
