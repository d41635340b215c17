//! Device protocols as sans-IO machines: bytes and answers go in, events come out. Nothing here opens a socket,
//! reads a clock or writes an acknowledgement: a machine only says which reply may be sent, and when.
//!
//! One folder per protocol, one line in `PROTOCOLS`.

mod connection;
mod contract;

pub use connection::Connection;
pub use contract::{
    Admission, Broken, DeviceSettings, DeviceSlot, Event, Events, Framing, KnownDevice, Machine, Protocol,
    Recognition,
};

/// Every protocol that the server speaks, by name.
pub static PROTOCOLS: &[&dyn Protocol] = &[];

/// The protocol of that name.
pub fn protocol(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.iter().copied().find(|protocol| protocol.name() == name)
}
