//! The gateway from outside: real sockets on the loopback, a toy protocol, and doubles of journal, roster and clock
//! that do what the test says. `end_to_end` and `power_cut` use the real ones.
#![allow(clippy::unwrap_used, clippy::panic)]

mod admission;
mod commands;
mod datagrams;
mod detection;
mod durability;
mod end_to_end;
mod http;
mod limits;
mod metrics;
mod power_cut;
mod relays;
mod site;
mod start;
mod tls;
mod toy;
