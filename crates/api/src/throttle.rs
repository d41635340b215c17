//! How many requests a second one user, one API key and one address may send. A refused request costs next to nothing.

use domain::{ApiKeyId, ErrorCode, UserId};
use fleet::{Credential, Failure, UserCaller, origin};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

/// Forget idle keys after this many requests, so that the maps hold only who was here lately.
const REQUESTS_BETWEEN_SWEEPS: u32 = 10_000;

/// What calls are counted under: a busy program does not lock its user out, nor the reverse.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    User(UserId),
    ApiKey(ApiKeyId),
}

impl Counted {
    pub(crate) fn of(caller: &UserCaller) -> Self {
        match caller.credential {
            Credential::Session => Self::User(caller.user.id),
            Credential::ApiKey(key) => Self::ApiKey(key),
        }
    }
}

pub(crate) struct Throttle {
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    by_caller: DefaultKeyedRateLimiter<Counted>,
    requests: AtomicU32,
}

impl Throttle {
    /// `per_second` requests of each user, of each API key and of each address.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second);
        Self {
            by_address: RateLimiter::keyed(quota),
            by_caller: RateLimiter::keyed(quota),
            requests: AtomicU32::new(0),
        }
    }

    pub(crate) fn admit_address(&self, address: IpAddr) -> Result<(), Failure> {
        if self.requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(REQUESTS_BETWEEN_SWEEPS) {
            self.by_address.retain_recent();
            self.by_caller.retain_recent();
        }
        self.by_address.check_key(&origin(address)).map_err(|_| ErrorCode::TooManyRequests.into())
    }

    pub(crate) fn admit_caller(&self, caller: Counted) -> Result<(), Failure> {
        self.by_caller.check_key(&caller).map_err(|_| ErrorCode::TooManyRequests.into())
    }
}
