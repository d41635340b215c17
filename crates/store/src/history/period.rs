//! Which file a message is in: each holds one week of UTC, from Monday on.
//!
//! A week is little enough that retention by unlink keeps hardly more than it was told, that a merge and its free space
//! are a fiftieth of a year's, and that yesterday is soon merged; it is long enough that a year is some fifty files and
//! that a device's late messages rarely leave the file that is written.

use domain::Timestamp;
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

const WEEK: i64 = 7 * 86_400_000;
/// 1970-01-05 was the first Monday.
const FIRST_MONDAY: i64 = 4 * 86_400_000;

/// Weeks since 1970-01-05.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Period(i64);

impl Period {
    pub(super) fn of(time: Timestamp) -> Self {
        Self((i128::from(time.millis()) - i128::from(FIRST_MONDAY)).div_euclid(i128::from(WEEK)) as i64)
    }

    /// Milliseconds of the week's start and end.
    pub(super) fn span(self) -> Range<i64> {
        let monday = |week: i64| week.saturating_mul(WEEK).saturating_add(FIRST_MONDAY);
        monday(self.0)..monday(self.0.saturating_add(1))
    }

    pub(super) fn end(self) -> Timestamp {
        Timestamp::from_millis(self.span().end)
    }

    /// Named by its number, and for people by its Monday.
    pub(super) fn path(self, dir: &Path) -> PathBuf {
        let monday = Timestamp::from_millis(self.span().start).to_string();
        let date = monday.split('T').next().unwrap_or_default();
        dir.join(format!("{:04}_{date}.db", self.0))
    }

    /// `None` when it is no period's name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let (number, _) = name.strip_suffix(".db")?.split_once('_')?;
        let period = Self(number.parse().ok()?);
        (period.path(Path::new("")) == Path::new(name)).then_some(period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday() {
        for (seconds, name) in [
            (1_763_942_399, "2915_2025-11-17.db"),
            (1_763_942_400, "2916_2025-11-24.db"),
            (345_600, "0000_1970-01-05.db"),
            (345_599, "-001_1969-12-29.db"),
        ] {
            let time = Timestamp::from_seconds(seconds);
            let period = Period::of(time);
            assert_eq!(period.path(Path::new("")), Path::new(name));
            assert_eq!(Period::from_name(name), Some(period));
            assert!(period.span().contains(&time.millis()));
        }
        for foreign in ["index.db", "2915_2025-11-17.db-wal", "2915_2025-11-18.db", "_.db", "2915.db"] {
            assert_eq!(Period::from_name(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn every_time_has_a_week() {
        for time in [i64::MIN, -1, i64::MAX] {
            let period = Period::of(Timestamp::from_millis(time));
            assert!(period.span().contains(&time) || time == i64::MAX || time == i64::MIN);
            assert_eq!(Period::from_name(period.path(Path::new("")).to_str().unwrap()), Some(period));
        }
    }
}
