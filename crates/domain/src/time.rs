//! Points in time, and which of a device's claims about time are believed.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// A date of the Gregorian calendar and a time of day, in UTC. `None` when there is no such moment.
    pub fn from_civil(date: (i64, u32, u32), time: (u32, u32, u32)) -> Option<Self> {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_since_1970(year, i64::from(month), i64::from(day));
        let date = (year, i64::from(month), i64::from(day));
        let exists = (1..=9999).contains(&year) && (1..=12).contains(&month) && civil_date(days) == date;
        exists.then(|| Self::from_seconds(days * 86_400 + i64::from(hour * 3600 + minute * 60 + second)))
    }

    /// Year, month and day of the Gregorian calendar, and hour, minute and second, in UTC.
    pub fn to_civil(self) -> ((i64, u32, u32), (u32, u32, u32)) {
        let (year, month, day) = civil_date(self.0.div_euclid(86_400_000));
        let of_day = self.0.rem_euclid(86_400_000) / 1000;
        let time = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        ((year, month as u32, day as u32), (time.0 as u32, time.1 as u32, time.2 as u32))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC with milliseconds only when there are any: `2024-10-16T12:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_date(self.0.div_euclid(86_400_000));
        let of_day = self.0.rem_euclid(86_400_000);
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match of_day % 1000 {
            0 => f.write_str("Z"),
            millis => write!(f, ".{millis:03}Z"),
        }
    }
}

/// The inverse of `civil_date`; a day that its month does not have is one of the next month.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of the proleptic Gregorian calendar for days since 1970-01-01.
fn civil_date(days: i64) -> (i64, i64, i64) {
    // Counting from 0000-03-01 puts the leap day at the end of a year, so that months have a fixed offset.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A GPS receiver counts weeks modulo 1,024; one that missed a rollover is late by exactly this much.
const WEEK_ROLLOVER: Duration = Duration::from_secs(1024 * 7 * 86_400);
/// How far ahead of the server a device's clock may run and still be believed.
const CLOCK_AHEAD: Duration = Duration::from_secs(600);

/// The time at which a record is filed, if the device's claim can be believed: within
/// [received − retention, received + 10 min], or brought there by adding 1,024 weeks once.
/// `None` means that the claim is suspect and the receive time stands in for it.
pub fn plausible_time(claimed: Timestamp, received: Timestamp, retention: Duration) -> Option<Timestamp> {
    let believed = |time: &Timestamp| (received.minus(retention)..=received.plus(CLOCK_AHEAD)).contains(time);
    [claimed, claimed.plus(WEEK_ROLLOVER)].into_iter().find(believed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_iso_8601() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_729_080_000_123, "2024-10-16T12:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (4_102_444_799_000, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), expected);
        }
    }

    #[test]
    fn a_civil_date_is_a_moment_or_nothing() {
        for (date, time, expected) in [
            ((1970, 1, 1), (0, 0, 0), "1970-01-01T00:00:00Z"),
            ((2000, 2, 29), (12, 0, 0), "2000-02-29T12:00:00Z"),
            ((2024, 12, 31), (23, 59, 59), "2024-12-31T23:59:59Z"),
            ((1899, 3, 1), (1, 2, 3), "1899-03-01T01:02:03Z"),
            ((2023, 2, 29), (0, 0, 0), ""),
            ((2023, 4, 31), (0, 0, 0), ""),
            ((2023, 0, 1), (0, 0, 0), ""),
            ((2023, 13, 1), (0, 0, 0), ""),
            ((2023, 1, 0), (0, 0, 0), ""),
            ((2023, 1, 1), (24, 0, 0), ""),
            ((2023, 1, 1), (0, 60, 0), ""),
            ((2023, 1, 1), (0, 0, 60), ""),
            ((0, 1, 1), (0, 0, 0), ""),
        ] {
            let moment = Timestamp::from_civil(date, time);
            assert_eq!(
                moment.map(|time| time.to_string()).unwrap_or_default(),
                expected,
                "{date:?} {time:?}"
            );
            assert!(moment.is_none_or(|moment| moment.to_civil() == (date, time)), "{date:?} {time:?}");
        }
    }

    #[test]
    fn believes_only_plausible_device_times() {
        let day = Duration::from_secs(86_400);
        let now = Timestamp::from_seconds(1_800_000_000);
        let year = day * 365;
        for (claimed, expected) in [
            (now, Some(now)),
            (now.plus(Duration::from_secs(600)), Some(now.plus(Duration::from_secs(600)))),
            (now.plus(Duration::from_secs(601)), None),
            (now.minus(year), Some(now.minus(year))),
            (now.minus(year + Duration::from_millis(1)), None),
            (now.minus(WEEK_ROLLOVER), Some(now)),
            (now.minus(WEEK_ROLLOVER + day), Some(now.minus(day))),
            (now.minus(WEEK_ROLLOVER * 2), None),
            (Timestamp::from_millis(0), None),
            (Timestamp::from_millis(i64::MAX), None),
            (Timestamp::from_millis(i64::MIN), None),
        ] {
            assert_eq!(plausible_time(claimed, now, year), expected, "{claimed}");
        }
    }
}
