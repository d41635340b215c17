//! `user/…`: who is logged in, and what they prefer.

pub(crate) mod info;
pub(crate) mod password;
pub(crate) mod person;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod ui;
