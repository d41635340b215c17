//! Device protocols as sans-IO machines: bytes and answers go in, events come out. Nothing here opens a socket,
//! reads a clock or writes an acknowledgement: a machine only says which reply may be sent, and when.
//!
//! One folder per protocol, one line in `PROTOCOLS`.

mod connection;
mod contract;

/// A name of the vocabulary, looked up once. A test reads every use in this crate and fails on an unlisted name.
macro_rules! input {
    ($name:literal) => {{
        static NAME: std::sync::LazyLock<domain::InputName> = std::sync::LazyLock::new(|| {
            domain::InputName::find($name).unwrap_or_else(|| unreachable!("not in the vocabulary: {}", $name))
        });
        *NAME
    }};
}

/// A family of the vocabulary such as `analog_#`, looked up once; `member` gives the name of one.
macro_rules! family {
    ($name:literal) => {{
        static FAMILY: std::sync::LazyLock<&'static domain::InputSpec> = std::sync::LazyLock::new(|| {
            let spec = domain::input_specs().iter().find(|spec| spec.name == $name && spec.range.is_some());
            spec.unwrap_or_else(|| unreachable!("no family of the vocabulary: {}", $name))
        });
        *FAMILY
    }};
}

pub mod alarm;
pub mod atrack;
pub mod bcd;
pub mod cells;
pub mod checksum;
pub mod clock;
pub mod custom_params;
pub mod decode;
pub mod fields;
pub mod gl200;
pub mod gt06;
pub mod h02;
pub mod hex;
pub mod http;
pub mod jt600;
pub mod jt808;
pub mod lines;
pub mod meitrack;
pub mod nmea;
pub mod osmand;
pub mod owntracks;
mod parameters;
pub mod plausible;
pub mod ports;
pub mod reader;
pub mod ruptela;
pub mod sanity;
pub mod speakers;
pub mod suntech;
pub mod teltonika;
pub mod wialon;
pub mod wondex;
pub mod writer;

pub use connection::Connection;
pub use contract::{
    Admission, Broken, CommandError, Confirmation, DeviceSettings, DeviceSlot, Event, Events, Framing,
    KnownDevice, Machine, Protocol, Recognition,
};

/// Every protocol that the server speaks, by name.
pub static PROTOCOLS: &[&dyn Protocol] = &[
    &teltonika::Teltonika,
    &jt808::Jt808,
    &meitrack::Meitrack,
    &ruptela::Ruptela,
    &wondex::Wondex,
    &wialon::Wialon,
    &gt06::Gt06,
    &gl200::Gl200,
    &h02::H02,
    &osmand::Osmand,
    &owntracks::Owntracks,
    &jt600::Jt600,
    &suntech::Suntech,
    &atrack::Atrack,
];

/// The protocol of that name.
pub fn protocol(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.iter().copied().find(|protocol| protocol.name() == name)
}
