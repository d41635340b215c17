//! How many connections may be open: in all, and from one address.

use crate::{Limits, Refusal, lock};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex},
};

pub(crate) struct Seats {
    total: usize,
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Seats {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let (total, per_address) = (limits.sessions, limits.sessions_per_address);
        Arc::new(Self { total, per_address, taken: Mutex::default() })
    }

    /// A seat for a connection from `address`, free again when it is dropped.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Refusal> {
        let address = neighbourhood(address);
        let mut taken = lock(&self.taken);
        if taken.total >= self.total {
            return Err(Refusal::Sessions);
        }
        let here = taken.by_address.get(&address).copied().unwrap_or(0);
        if here >= self.per_address {
            return Err(Refusal::SessionsPerAddress);
        }
        taken.by_address.insert(address, here + 1);
        taken.total += 1;
        metrics::gauge!("gateway_sessions").set(taken.total as f64);
        Ok(Seat { seats: Arc::clone(self), address })
    }

    pub(crate) fn taken(&self) -> usize {
        lock(&self.taken).total
    }
}

pub(crate) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let taken = &mut *lock(&self.seats.taken);
        taken.total -= 1;
        metrics::gauge!("gateway_sessions").set(taken.total as f64);
        if let Some(here) = taken.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// One subscriber of IPv6 holds a whole /64 of addresses (RFC 6177).
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_in_all_and_by_address() {
        let seats = Seats::new(&Limits { sessions: 3, sessions_per_address: 2, ..Limits::default() });
        let take = |address: &str| seats.take(address.parse().unwrap());
        let first = take("10.0.0.1").ok();
        let mapped = take("::ffff:10.0.0.1").ok();
        assert!(first.is_some() && mapped.is_some());
        assert_eq!(take("10.0.0.1").err(), Some(Refusal::SessionsPerAddress));
        let other = take("2001:db8::1").ok();
        assert!(other.is_some());
        assert_eq!(take("2001:db8::2").err(), Some(Refusal::Sessions));
        drop(first);
        let neighbour = take("2001:db8::2").ok();
        assert!(neighbour.is_some());
        drop(mapped);
        assert_eq!(take("2001:db8::3").err(), Some(Refusal::SessionsPerAddress));
        drop((other, neighbour));
        assert_eq!(seats.taken(), 0);
        assert!(lock(&seats.taken).by_address.is_empty());
    }
}
