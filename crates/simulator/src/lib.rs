//! Virtual vehicles that speak the real protocols over real sockets: for the demo, for tests, and to load a server.
//!
//! A `Vehicle` follows from a seed and the time alone. A `Client` is its tracker on the line, a `Fleet` the demo's
//! company, `swarm` any number of them.

mod client;
mod drive;
mod fleet;
mod handset;
mod imei;
mod journey;
mod kind;
pub mod language;
mod path;
mod reading;
mod readings;
mod roads;
mod seed;
pub mod swarm;
mod timetable;
mod vehicle;

pub use client::{Client, Counts, Dial, Figures, Habits, Surroundings, Tcp};
pub use fleet::{Fleet, History, Member};
pub use handset::{Handset, Handsets};
pub use imei::{Imei, InvalidImei};
pub use kind::Kind;
pub use language::{LANGUAGES, Language, language};
pub use reading::{Cause, EngineReading, Reading};
pub use vehicle::{Network, Report, Reporting, Vehicle};
