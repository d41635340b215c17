//! Counts failed logins, so that passwords cannot be tried at leisure: per login and per address, in a fixed window
//! that starts with the first failure.

use crate::origin;
use domain::{ErrorCode, Timestamp};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

const WINDOW: Duration = Duration::from_secs(10 * 60);
const FAILURES_PER_LOGIN: u32 = 10;
const FAILURES_PER_ADDRESS: u32 = 100;
/// Subjects remembered at once. When full, ended windows are forgotten, then all of them: an attacker with this many
/// addresses gains a fresh window, the server keeps its memory.
const REMEMBERED: usize = 20_000;

#[derive(Default)]
pub(crate) struct Attempts {
    failures: Mutex<HashMap<Subject, Failures>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Subject {
    Login(String),
    Address(IpAddr),
}

struct Failures {
    since: Timestamp,
    count: u32,
}

impl Subject {
    fn login(login: &str) -> Self {
        Self::Login(login.to_lowercase())
    }

    fn address(address: IpAddr) -> Self {
        Self::Address(origin(address))
    }
}

impl Attempts {
    /// # Errors
    /// `TooManyAttempts` when the login or the address has used up its window.
    pub(crate) fn admit(&self, login: &str, address: IpAddr, now: Timestamp) -> Result<(), ErrorCode> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = |subject: Subject, limit| {
            failures.get(&subject).is_some_and(|f| now.since(f.since) < WINDOW && f.count >= limit)
        };
        let refused = spent(Subject::login(login), FAILURES_PER_LOGIN)
            || spent(Subject::address(address), FAILURES_PER_ADDRESS);
        if refused { Err(ErrorCode::TooManyAttempts) } else { Ok(()) }
    }

    pub(crate) fn failed(&self, login: &str, address: IpAddr, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            failures.retain(|_, f| now.since(f.since) < WINDOW);
        }
        if failures.len() >= REMEMBERED {
            failures.clear();
        }
        for subject in [Subject::login(login), Subject::address(address)] {
            let entry = failures.entry(subject).or_insert(Failures { since: now, count: 0 });
            if now.since(entry.since) >= WINDOW {
                *entry = Failures { since: now, count: 0 };
            }
            entry.count += 1;
        }
    }

    /// A right password gives the login, not the address, a clean sheet.
    pub(crate) fn succeeded(&self, login: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&Subject::login(login));
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

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        for n in 0..REMEMBERED + 10 {
            attempts.failed(&n.to_string(), IpAddr::from([127, 0, 0, 1]), Timestamp::from_seconds(1));
        }
        assert!(attempts.failures.lock().unwrap().len() <= REMEMBERED + 2);
    }
}
