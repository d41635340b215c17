//! How long a plan keeps history: `2h`, `3d`, `5m` (months), `1y`.

use domain::Timestamp;
use jiff::{Span, tz::TimeZone};

/// Where the period that ends now begins. A period that cannot be read limits nothing.
pub(super) fn beginning(period: &str, now: Timestamp) -> Timestamp {
    back(period, now).unwrap_or(Timestamp::from_millis(i64::MIN))
}

fn back(period: &str, now: Timestamp) -> Option<Timestamp> {
    let (number, unit) = period.split_at_checked(period.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok()?;
    let span = match unit {
        "h" => Span::new().try_hours(number),
        "d" => Span::new().try_days(number),
        "m" => Span::new().try_months(number),
        "y" => Span::new().try_years(number),
        _ => return None,
    };
    let now = jiff::Timestamp::from_millisecond(now.millis()).ok()?.to_zoned(TimeZone::UTC);
    let beginning = now.checked_sub(span.ok()?).ok()?;
    Some(Timestamp::from_millis(beginning.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        let now = Timestamp::from_millis(1_711_843_200_123); // 2024-03-31T00:00:00.123Z
        for (period, expected) in [
            ("2h", "2024-03-30T22:00:00.123Z"),
            ("3d", "2024-03-28T00:00:00.123Z"),
            ("1m", "2024-02-29T00:00:00.123Z"),
            ("13m", "2023-02-28T00:00:00.123Z"),
            ("1y", "2023-03-31T00:00:00.123Z"),
        ] {
            assert_eq!(beginning(period, now).to_string(), expected, "{period}");
        }
        for unreadable in ["", "y", "1w", "1ü", "99999y"] {
            assert_eq!(beginning(unreadable, now).millis(), i64::MIN, "{unreadable}");
        }
    }
}
