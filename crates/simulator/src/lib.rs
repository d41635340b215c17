//! Virtual vehicles that speak the real protocols over real sockets: for the demo, for tests, and to load a server.

pub mod teltonika;
