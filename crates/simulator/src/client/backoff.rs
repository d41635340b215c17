//! How long a device waits before it calls again: longer after every failure, never for ever, never all at once.

use crate::seed::Seed;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    seed: Seed,
    failures: u32,
}

const FIRST: Duration = Duration::from_secs(1);
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

impl Backoff {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, failures: 0 }
    }

    /// The server took something.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Between half of the full time and all of it.
    pub(crate) fn next(&mut self) -> Duration {
        let full = (FIRST * 2_u32.pow(self.failures.min(6))).min(LONGEST);
        self.seed = self.seed.of(1);
        self.failures += 1;
        full.mul_f64(self.seed.between(0.5, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_stays_bounded() {
        let mut backoff = Backoff::new(Seed::new(1));
        for full in [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Duration::from_secs) {
            let wait = backoff.next();
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
