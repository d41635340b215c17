//! Virtual vehicles that speak the real protocols over real sockets: for the demo, for tests, and to load a server.

mod drive;
mod path;
mod roads;
mod seed;
pub mod teltonika;
