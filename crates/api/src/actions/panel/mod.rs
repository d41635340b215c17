//! `panel/…`: what the people who run the platform do. Its sessions are its own: a user's hash is not accepted here,
//! nor the reverse. Dates are UTC.

pub(crate) mod account;
pub(crate) mod activation_code;
pub(crate) mod bundle;
pub(crate) mod clone;
pub(crate) mod refused;
pub(crate) mod service_settings;
pub(crate) mod tariff;
pub(crate) mod tracker;
pub(crate) mod user;
