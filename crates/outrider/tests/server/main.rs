//! The server through its doors: the real process, real sockets, a fresh data directory for each test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "in a test nothing is reachable; `pub` tells what a module offers")]

mod durability;
mod first_light;
mod support;
