//! Dates as a caller wants them: `yyyy-MM-dd HH:mm:ss` in the user's time zone, or ISO 8601 with its offset.

use domain::{ErrorCode, Timestamp};
use jiff::{
    ToSpan,
    civil::DateTime,
    tz::{Offset, TimeZone},
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::{ops::Range, time::Duration};

/// The longest span that may be asked for, in calendar days of the user's zone.
const LONGEST_SPAN_DAYS: i64 = 120;

/// A moment as a caller writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What the user's clock shows.
    Local(DateTime),
    /// With an offset.
    Exact(Timestamp),
}

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
        let year = u32::from(local.year().clamp(0, 9999).unsigned_abs());
        written.two_digits(year / 100);
        written.two_digits(year % 100);
        for (mark, number) in [
            (b'-', local.month()),
            (b'-', local.day()),
            (if self.iso { b'T' } else { b' ' }, local.hour()),
            (b':', local.minute()),
            (b':', local.second()),
        ] {
            written.push(mark);
            written.two_digits(number.unsigned_abs().into());
        }
        if self.iso {
            let seconds = offset.seconds();
            written.push(if seconds < 0 { b'-' } else { b'+' });
            written.two_digits(seconds.unsigned_abs() / 3600);
            written.push(b':');
            written.two_digits(seconds.unsigned_abs() / 60 % 60);
        }
        written
    }

    /// The calendar day, the same in both forms.
    pub(crate) fn day(&self, time: Timestamp) -> String {
        self.moment(time)[..10].to_owned()
    }

    /// The moment on the time line. What the user's clock skips in spring is moved forward by as much; of what it shows
    /// twice in autumn it is the earlier.
    pub(crate) fn resolve(&self, moment: Moment) -> Timestamp {
        match moment {
            Moment::Exact(time) => time,
            Moment::Local(shown) => {
                let compatible = self.zone.to_ambiguous_timestamp(shown).compatible();
                // Only the edges of the years that jiff knows have no moment.
                Timestamp::from_millis(compatible.unwrap_or_default().as_millisecond())
            }
        }
    }

    /// From a moment through the whole second of another: dates are written to the second, so whatever was written
    /// with these dates is in it.
    ///
    /// # Errors
    /// `TimeSpanTooBig` unless `from` is before `to`, and for more than 120 days.
    pub(crate) fn span(&self, from: Moment, to: Moment) -> Result<Range<Timestamp>, ErrorCode> {
        let (from, to) = (self.resolve(from), self.resolve(to));
        let longest = moment(from).to_zoned(self.zone.clone()).checked_add(LONGEST_SPAN_DAYS.days());
        let fits = longest.is_ok_and(|longest| to.millis() <= longest.timestamp().as_millisecond());
        if from < to && fits {
            Ok(from..to.plus(Duration::from_secs(1)))
        } else {
            Err(ErrorCode::TimeSpanTooBig)
        }
    }

    fn offset(&self, time: Timestamp) -> Offset {
        let Period { from, until, offset } = self.current;
        if (from..until).contains(&time.seconds()) { offset } else { self.zone.to_offset(moment(time)) }
    }
}

/// `yyyy-MM-dd HH:mm:ss` in the user's time zone, or ISO 8601 with the offset.
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

    /// Below 100.
    fn two_digits(&mut self, number: u32) {
        self.push(b'0' + (number / 10) as u8);
        self.push(b'0' + (number % 10) as u8);
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
    use crate::parameters::Parameter;

    fn parsed(text: &str) -> Moment {
        Moment::parse(&text.into()).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn reads_both_forms_in_the_users_zone() {
        for (zone, written, expected) in [
            ("UTC", "2024-10-16 12:00:00", "2024-10-16T12:00:00Z"),
            ("Asia/Yekaterinburg", "2024-10-16 17:00:00", "2024-10-16T12:00:00Z"),
            ("America/St_Johns", "2024-10-16 09:30:00", "2024-10-16T12:00:00Z"),
            ("Asia/Yekaterinburg", "2024-10-16T17:00:00+03:00", "2024-10-16T14:00:00Z"),
            ("Asia/Yekaterinburg", "2024-10-16T17:00:00Z", "2024-10-16T17:00:00Z"),
            ("Asia/Yekaterinburg", "2024-10-16T17:00:00.250-0230", "2024-10-16T19:30:00.250Z"),
            // The clock goes from 02:00 to 03:00: half past two is half past three.
            ("Europe/Berlin", "2024-03-31 01:59:59", "2024-03-31T00:59:59Z"),
            ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),
            ("Europe/Berlin", "2024-03-31 03:30:00", "2024-03-31T01:30:00Z"),
            // The clock goes from 03:00 to 02:00: half past two is the first one.
            ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27T00:30:00Z"),
            ("Europe/Berlin", "2024-10-27T02:30:00+01:00", "2024-10-27T01:30:00Z"),
            ("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27T02:00:00Z"),
            // Midnight itself is skipped; half an hour is; a whole day is.
            ("America/Santiago", "2024-09-08 00:00:00", "2024-09-08T04:00:00Z"),
            ("Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05T15:45:00Z"),
            ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30T22:00:00Z"),
        ] {
            assert_eq!(
                Dates::new(zone, false, Timestamp::from_seconds(0)).resolve(parsed(written)).to_string(),
                expected,
                "{written} in {zone}"
            );
        }
    }

    #[test]
    fn days_are_those_of_the_users_zone() {
        for (zone, day, next, hours) in [
            ("UTC", "2024-03-31", "2024-04-01", 24.0),
            ("Europe/Berlin", "2024-03-30", "2024-03-31", 24.0),
            ("Europe/Berlin", "2024-03-31", "2024-04-01", 23.0),
            ("Europe/Berlin", "2024-10-27", "2024-10-28", 25.0),
            ("America/New_York", "2024-03-10", "2024-03-11", 23.0),
            ("America/New_York", "2024-11-03", "2024-11-04", 25.0),
            ("America/Santiago", "2024-09-08", "2024-09-09", 23.0),
            ("Australia/Lord_Howe", "2024-10-06", "2024-10-07", 23.5),
        ] {
            let dates = Dates::new(zone, false, Timestamp::from_seconds(0));
            let span =
                dates.span(parsed(&format!("{day} 00:00:00")), parsed(&format!("{next} 00:00:00"))).unwrap();
            let expected = Duration::from_secs_f64(hours * 3600.0 + 1.0);
            assert_eq!(span.end.since(span.start), expected, "{day} in {zone}");
            assert_eq!(dates.day(span.start), day, "{zone}");
        }
    }

    #[test]
    fn spans_have_a_beginning_and_an_end() {
        for (zone, from, to, fits) in [
            ("UTC", "2024-01-01 00:00:00", "2024-01-01 00:00:01", true),
            ("UTC", "2024-01-01 00:00:00", "2024-01-01 00:00:00", false),
            ("UTC", "2024-01-01 00:00:01", "2024-01-01 00:00:00", false),
            ("UTC", "2024-01-01 00:00:00", "2024-04-30 00:00:00", true),
            ("UTC", "2024-01-01 00:00:00", "2024-04-30 00:00:01", false),
            // 120 days of 24 hours and one more hour; one less.
            ("Europe/Berlin", "2024-09-01 00:00:00", "2024-12-30 00:00:00", true),
            ("Europe/Berlin", "2024-09-01 00:00:00", "2024-12-30 00:00:01", false),
            ("Europe/Berlin", "2024-01-01 00:00:00", "2024-04-30 00:00:00", true),
            ("Europe/Berlin", "2024-01-01 00:00:00", "2024-04-30 00:00:01", false),
            // The same moment, written twice.
            ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 03:30:00", false),
            ("UTC", "0001-01-01 00:00:00", "9999-12-31 23:59:59", false),
            ("UTC", "9999-12-30 00:00:00", "9999-12-30 12:00:00", false),
        ] {
            let span = Dates::new(zone, false, Timestamp::from_seconds(0)).span(parsed(from), parsed(to));
            assert_eq!(span.is_ok(), fits, "{from} to {to} in {zone}: {span:?}");
        }
    }

    #[test]
    fn what_is_no_parsed() {
        for text in [
            "",
            "now",
            "2024-10-16",
            "2024-10-16 12:00",
            "2024-10-16T12:00:00",
            "2024-02-30 12:00:00",
            "2024-10-16 24:00:00",
            "2024-10-16 12:60:00",
            "24-10-16 12:00:00",
            "2024-10-16 12:00:00 ",
            "1729080000",
            "2024-10-16T12:00:00+99:00",
        ] {
            assert!(Moment::parse(&text.into()).is_err(), "{text}");
        }
        assert!(Moment::parse(&1_729_080_000.into()).is_err());
    }

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
                let changes: Vec<_> =
                    rules.preceding(super::moment(Timestamp::from_seconds(now))).take(2).collect();
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
