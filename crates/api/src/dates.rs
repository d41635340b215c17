//! Dates as a caller wants them: `yyyy-MM-dd HH:mm:ss` in the user's time zone, or ISO 8601 with its offset.

use domain::Timestamp;
use jiff::tz::TimeZone;

pub(crate) struct Dates {
    zone: TimeZone,
    iso: bool,
}

impl Dates {
    /// An unknown zone counts as UTC: settings take only known ones.
    pub(crate) fn new(zone: &str, iso: bool) -> Self {
        Self { zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC), iso }
    }

    /// A moment, to the second.
    pub(crate) fn moment(&self, time: Timestamp) -> String {
        let local = self.local(time);
        if self.iso {
            local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        } else {
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
    }

    pub(crate) fn optional(&self, time: Option<Timestamp>) -> Option<String> {
        time.map(|time| self.moment(time))
    }

    /// The calendar day, the same in both forms.
    pub(crate) fn day(&self, time: Timestamp) -> String {
        self.local(time).strftime("%Y-%m-%d").to_string()
    }

    fn local(&self, time: Timestamp) -> jiff::Zoned {
        // What lies beyond jiff's years −9999..=9999 never passes `plausible_time`.
        let time = jiff::Timestamp::from_second(time.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        time.to_zoned(self.zone.clone())
    }
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
            assert_eq!(Dates::new(zone, false).moment(time), plain);
            assert_eq!(Dates::new(zone, true).moment(time), iso);
            assert_eq!(Dates::new(zone, true).day(time), day);
        }
    }
}
