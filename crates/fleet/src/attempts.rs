//! Counts failed logins, so that passwords cannot be tried at leisure: per login and per address, in a fixed window
//! that starts with the first failure.

use crate::origin;
use domain::{ErrorCode, Timestamp};
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const WINDOW: Duration = Duration::from_secs(10 * 60);
const FAILURES_PER_LOGIN: u32 = 10;
const FAILURES_PER_ADDRESS: u32 = 100;
/// Logins remembered at once, and addresses. When there are more, ended windows are forgotten, then those that are not
/// used up, then all: many addresses that try many logins make nobody's used window fresh, unless they use up this many.
const REMEMBERED: usize = 20_000;

#[derive(Default)]
pub(crate) struct Attempts {
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    by_login: Windows<String>,
    by_address: Windows<IpAddr>,
}

struct Windows<K>(HashMap<K, Window>);

struct Window {
    since: Timestamp,
    failures: u32,
}

impl Window {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.since) >= WINDOW
    }
}

impl Attempts {
    /// # Errors
    /// `TooManyAttempts` when the login or the address has used up its window.
    pub(crate) fn admit(&self, login: &str, address: IpAddr, now: Timestamp) -> Result<(), ErrorCode> {
        let failures = self.failures();
        let refused = failures.by_login.is_used_up(&login.to_lowercase(), FAILURES_PER_LOGIN, now)
            || failures.by_address.is_used_up(&origin(address), FAILURES_PER_ADDRESS, now);
        if refused { Err(ErrorCode::TooManyAttempts) } else { Ok(()) }
    }

    pub(crate) fn failed(&self, login: &str, address: IpAddr, now: Timestamp) {
        let mut failures = self.failures();
        failures.by_login.count(login.to_lowercase(), FAILURES_PER_LOGIN, now);
        failures.by_address.count(origin(address), FAILURES_PER_ADDRESS, now);
    }

    /// A right password gives the login, not the address, a clean sheet.
    pub(crate) fn succeeded(&self, login: &str) {
        self.failures().by_login.0.remove(&login.to_lowercase());
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Windows<K> {
    fn is_used_up(&self, subject: &K, limit: u32, now: Timestamp) -> bool {
        self.0.get(subject).is_some_and(|window| !window.is_over(now) && window.failures >= limit)
    }

    fn count(&mut self, subject: K, limit: u32, now: Timestamp) {
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&subject) {
            self.make_room(limit, now);
        }
        let window = self.0.entry(subject).or_insert(Window { since: now, failures: 0 });
        if window.is_over(now) {
            *window = Window { since: now, failures: 0 };
        }
        window.failures += 1;
    }

    fn make_room(&mut self, limit: u32, now: Timestamp) {
        self.0.retain(|_, window| !window.is_over(now));
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, window| window.failures >= limit);
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_used_up_and_opens_again() {
        let attempts = Attempts::default();
        let (near, far) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let start = Timestamp::from_seconds(1_000_000);
        for _ in 0..FAILURES_PER_LOGIN {
            assert_eq!(attempts.admit("Anna", near, start), Ok(()));
            attempts.failed("anna", near, start);
        }
        assert_eq!(attempts.admit("ANNA", far, start), Err(ErrorCode::TooManyAttempts));
        assert_eq!(attempts.admit("berta", near, start), Ok(()));
        assert_eq!(attempts.admit("anna", near, start.plus(WINDOW)), Ok(()));
        for n in 0..FAILURES_PER_ADDRESS {
            attempts.failed(&format!("guess {n}"), near, start);
        }
        assert_eq!(attempts.admit("berta", near, start), Err(ErrorCode::TooManyAttempts));
        assert_eq!(attempts.admit("berta", far, start), Ok(()));
    }

    fn address(number: usize) -> IpAddr {
        IpAddr::from((0x7F00_0000 + number as u32).to_be_bytes())
    }

    #[test]
    fn many_logins_from_many_addresses_make_no_used_window_fresh() {
        let attempts = Attempts::default();
        let now = Timestamp::from_seconds(1);
        for _ in 0..FAILURES_PER_LOGIN {
            attempts.failed("anna", address(0), now);
        }
        // Each address uses up its window, with logins of its own.
        let addresses = 1..=2 * REMEMBERED / FAILURES_PER_ADDRESS as usize;
        for from in addresses.clone() {
            for n in 0..FAILURES_PER_ADDRESS {
                attempts.failed(&format!("{from} {n}"), address(from), now);
            }
        }
        let refused = Err(ErrorCode::TooManyAttempts);
        assert_eq!(attempts.admit("anna", address(0), now), refused);
        assert!(addresses.clone().all(|from| attempts.admit("berta", address(from), now) == refused));
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        // Nobody's window is used up; then that of each login is.
        for failures in [1, FAILURES_PER_LOGIN] {
            for n in 0..REMEMBERED + 10 {
                for _ in 0..failures {
                    attempts.failed(&n.to_string(), address(n), Timestamp::from_seconds(1));
                }
            }
            let remembered = attempts.failures();
            assert!(remembered.by_login.0.len() <= REMEMBERED);
            assert!(remembered.by_address.0.len() <= REMEMBERED);
        }
    }
}
