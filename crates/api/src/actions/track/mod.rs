//! `track/…`: where a tracker was.

pub(crate) mod list;
pub(crate) mod point;
pub(crate) mod read;
