//! Virtual vehicles that speak the real protocols over real sockets: for the demo, for tests, and to load a server.

mod drive;
mod journey;
mod kind;
mod path;
mod readings;
mod roads;
mod seed;
pub mod teltonika;
mod timetable;
mod vehicle;

pub use kind::Kind;
pub use vehicle::{Network, Report, Reporting, Vehicle};
