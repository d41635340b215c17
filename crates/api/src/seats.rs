//! How many connections may be open: in all, and of one address. IPv6 is counted by its network of 64 bits.

use fleet::origin;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The seats of a listener.
pub struct Seats {
    total: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_origin: HashMap<IpAddr, usize>,
}

/// An open connection; dropping it makes room for another.
pub struct Seat {
    seats: Arc<Seats>,
    origin: IpAddr,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    InAll,
    OfAddress,
}

impl Seats {
    pub fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total, taken: Mutex::default() })
    }

    /// A seat for a connection from `address`, which may have so many.
    ///
    /// # Errors
    /// `Full`.
    pub fn take(self: &Arc<Self>, address: IpAddr, of_address: usize) -> Result<Seat, Full> {
        let origin = origin(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total >= self.total {
            return Err(Full::InAll);
        }
        let here = taken.by_origin.get(&origin).copied().unwrap_or(0);
        if here >= of_address {
            return Err(Full::OfAddress);
        }
        taken.by_origin.insert(origin, here + 1);
        taken.total += 1;
        Ok(Seat { seats: Arc::clone(self), origin })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let taken = &mut *self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        if let Some(here) = taken.by_origin.get_mut(&self.origin) {
            *here -= 1;
            if *here == 0 {
                taken.by_origin.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_origin_and_in_all() {
        let seats = Seats::new(3);
        let take = |address: &str| seats.take(address.parse().unwrap(), 2);
        let mut taken = Vec::new();
        for (address, full) in [
            ("2001:db8:1:2::1", None),
            ("2001:db8:1:2::2", None),
            ("2001:db8:1:2::3", Some(Full::OfAddress)),
            ("192.0.2.1", None),
            ("2001:db8:1:3::1", Some(Full::InAll)),
        ] {
            let seat = take(address);
            assert_eq!(seat.as_ref().err().copied(), full, "{address}");
            taken.extend(seat);
        }
        taken.remove(0);
        taken.push(take("2001:db8:1:2::3").ok().unwrap());
        taken.clear();
        assert!(seats.taken.lock().unwrap().by_origin.is_empty());
        assert_eq!(seats.taken.lock().unwrap().total, 0);
    }
}
