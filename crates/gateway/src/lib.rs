//! Where devices connect: listeners, sessions, protocol detection, admission, acknowledgement after durability, and the
//! delivery of commands.
//!
//! A connection is one task. It reads a chunk, hands it to a sans-IO machine of `protocols`, appends what came out to
//! the journal, waits until that is durable, sends the replies, and only then reads again: a slow journal slows the
//! devices down instead of filling memory. A datagram goes the same way alone; those of one address go one after the
//! other, and are dropped when too many wait. Every bound stands in `limits`.

mod admission;
mod budget;
mod config;
mod contacts;
mod datagrams;
mod detection;
mod ending;
mod errands;
mod gateway;
mod limits;
mod line;
mod moments;
mod queue;
mod reception;
mod records;
mod refused;
mod roster;
mod seats;
mod session;
mod sessions;
mod turn;
mod visitors;

pub use config::{GatewayConfig, Tls};
pub use gateway::{Bound, Gateway, Presence, StartError};
pub use limits::Limits;
pub use queue::{Asking, CommandQueue, Rest, Swept};
pub use refused::{Refusal, Refusals, RefusedDevice};
pub use roster::{Finding, Registered, Roster, RosterError};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a map. One whose holder panicked stays usable: no change under a lock of this crate is left half made.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
