//! The wall clock of the process, the one that everything else is given.

use domain::{Clock, Timestamp};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// The system's time, held back where the system steps backwards: it never runs backwards within the process.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl SystemClock {
    fn not_before_the_latest(&self, millis: i64) -> Timestamp {
        Timestamp::from_millis(self.latest.fetch_max(millis, Ordering::Relaxed).max(millis))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.not_before_the_latest(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_runs_backwards() {
        let clock = SystemClock::default();
        let told = [5, 9, 3, 8, 9, 10].map(|millis| clock.not_before_the_latest(millis).millis());
        assert_eq!(told, [5, 9, 9, 9, 9, 10]);
    }

    #[test]
    fn tells_the_time_of_this_century() {
        assert!(SystemClock::default().now() > Timestamp::from_seconds(1_700_000_000));
    }
}
