//! The gateway from outside: real sockets on the loopback, a toy protocol, and doubles of journal, roster and clock
//! that do what the test says.
#![allow(clippy::unwrap_used, clippy::panic)]

mod admission;
mod detection;
mod durability;
mod limits;
mod site;
mod toy;
