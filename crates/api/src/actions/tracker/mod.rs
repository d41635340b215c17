//! `tracker/…`: trackers, their groups and their states.

pub(crate) mod group;
pub(crate) mod last_point;
pub(crate) mod list;
pub(crate) mod model;
mod object;
pub(crate) mod read;
pub(crate) mod register;
pub(crate) mod settings;
pub(crate) mod state;
