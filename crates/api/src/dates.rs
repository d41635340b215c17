//! Dates as a caller wants them: `yyyy-MM-dd HH:mm:ss` in the user's time zone, or ISO 8601 with its offset.

use domain::Timestamp;
use jiff::tz::{Offset, TimeZone};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

pub(crate) struct Dates {
    zone: TimeZone,
    iso: bool,
    /// Where nearly all dates lie, so that the zone's rules need not be asked for each.
    current: Period,
}

/// Between two changes of a zone's offset; in seconds since 1970.
struct Period {
    from: i64,
    until: i64,
    offset: Offset,
}

impl Dates {
    /// Dates near `now` are written fastest. An unknown zone counts as UTC: settings take only known ones.
    pub(crate) fn new(zone: &str, iso: bool, now: Timestamp) -> Self {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let now = moment(now);
        // A change at `now` itself has happened.
        let before = zone.preceding(now.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now));
        let before = before.take(1).map(|change| change.timestamp().as_second()).next();
        let after = zone.following(now).next().map(|change| change.timestamp().as_second());
        let current = Period {
            from: before.unwrap_or(i64::MIN),
            until: after.unwrap_or(i64::MAX),
            offset: zone.to_offset(now),
        };
        Self { zone, iso, current }
    }

    /// A moment, to the second.
    pub(crate) fn moment(&self, time: Timestamp) -> String {
        self.written(time).as_str().to_owned()
    }

    pub(crate) fn optional(&self, time: Option<Timestamp>) -> Option<Written> {
        time.map(|time| self.written(time))
    }

    /// A moment, to the second, without a heap allocation.
    pub(crate) fn written(&self, time: Timestamp) -> Written {
        let offset = self.offset(time);
        let local = offset.to_datetime(moment(time));
        let mut written = Written { text: [0; 25], len: 0 };
        // What lies beyond the years 0 to 9999 never passes `plausible_time`.
        written.number(local.year().clamp(0, 9999).unsigned_abs().into(), 4);
        for (mark, number) in [
            (b'-', local.month()),
            (b'-', local.day()),
            (if self.iso { b'T' } else { b' ' }, local.hour()),
            (b':', local.minute()),
            (b':', local.second()),
        ] {
            written.push(mark);
            written.number(number.unsigned_abs().into(), 2);
        }
        if self.iso {
            let seconds = offset.seconds();
            written.push(if seconds < 0 { b'-' } else { b'+' });
            written.number(seconds.unsigned_abs() / 3600, 2);
            written.push(b':');
            written.number(seconds.unsigned_abs() / 60 % 60, 2);
        }
        written
    }

    /// The calendar day, the same in both forms.
    pub(crate) fn day(&self, time: Timestamp) -> String {
        self.moment(time)[..10].to_owned()
    }

    fn offset(&self, time: Timestamp) -> Offset {
        let Period { from, until, offset } = self.current;
        if (from..until).contains(&time.seconds()) { offset } else { self.zone.to_offset(moment(time)) }
    }
}

/// A date as text.
#[derive(Clone, Copy, JsonSchema)]
#[schemars(with = "String", inline)]
pub(crate) struct Written {
    text: [u8; 25],
    len: usize,
}

impl Written {
    pub(crate) fn as_str(&self) -> &str {
        // It holds ASCII only.
        std::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        self.text[self.len] = byte;
        self.len += 1;
    }

    fn number(&mut self, number: u32, digits: u32) {
        for digit in (0..digits).rev() {
            self.push(b'0' + (number / 10_u32.pow(digit) % 10) as u8);
        }
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What lies beyond jiff's years −9999..=9999 never passes `plausible_time`.
fn moment(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_both_forms_in_the_users_zone() {
        let time = Timestamp::from_millis(1_729_080_000_123);
        for (zone, plain, iso, day) in [
            ("UTC", "2024-10-16 12:00:00", "2024-10-16T12:00:00+00:00", "2024-10-16"),
            ("Asia/Yekaterinburg", "2024-10-16 17:00:00", "2024-10-16T17:00:00+05:00", "2024-10-16"),
            ("Pacific/Kiritimati", "2024-10-17 02:00:00", "2024-10-17T02:00:00+14:00", "2024-10-17"),
            ("America/St_Johns", "2024-10-16 09:30:00", "2024-10-16T09:30:00-02:30", "2024-10-16"),
        ] {
            assert_eq!(Dates::new(zone, false, time).moment(time), plain);
            assert_eq!(Dates::new(zone, true, time).moment(time), iso);
            assert_eq!(Dates::new(zone, true, time).day(time), day);
        }
    }

    #[test]
    fn what_is_near_makes_no_difference() {
        let year = 365 * 86_400;
        for zone in ["UTC", "Europe/Berlin", "America/St_Johns", "Africa/Casablanca", "Asia/Kolkata"] {
            let rules = TimeZone::get(zone).unwrap();
            for now in (0..40).map(|n| 1_700_000_000 + n * year / 13) {
                let changes: Vec<_> = rules.preceding(moment(Timestamp::from_seconds(now))).take(2).collect();
                let near = changes.iter().map(|change| change.timestamp().as_second());
                let near: Vec<_> =
                    near.flat_map(|at| [at - 1, at, at + 1]).chain([now, now + year]).collect();
                for now in &near {
                    let dates = Dates::new(zone, true, Timestamp::from_seconds(*now));
                    for time in &near {
                        let expected = jiff::Timestamp::from_second(*time).unwrap().to_zoned(rules.clone());
                        let expected = expected.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
                        assert_eq!(dates.moment(Timestamp::from_seconds(*time)), expected, "{zone}");
                    }
                }
            }
        }
    }
}
