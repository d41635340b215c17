//! How many requests a second one user and one address may send. A refused request costs next to nothing.

use domain::{ErrorCode, UserId};
use fleet::{Failure, origin};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

/// Forget idle keys after this many requests, so that the maps hold only who was here lately.
const REQUESTS_BETWEEN_SWEEPS: u32 = 10_000;

pub(crate) struct Throttle {
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    by_user: DefaultKeyedRateLimiter<UserId>,
    requests: AtomicU32,
}

impl Throttle {
    /// `per_second` requests of each user and of each address.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second);
        Self {
            by_address: RateLimiter::keyed(quota),
            by_user: RateLimiter::keyed(quota),
            requests: AtomicU32::new(0),
        }
    }

    pub(crate) fn admit_address(&self, address: IpAddr) -> Result<(), Failure> {
        if self.requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(REQUESTS_BETWEEN_SWEEPS) {
            self.by_address.retain_recent();
            self.by_user.retain_recent();
        }
        self.by_address.check_key(&origin(address)).map_err(|_| ErrorCode::TooManyRequests.into())
    }

    pub(crate) fn admit_user(&self, user: UserId) -> Result<(), Failure> {
        self.by_user.check_key(&user).map_err(|_| ErrorCode::TooManyRequests.into())
    }
}
