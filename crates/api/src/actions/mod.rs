//! The actions, one folder per resource.

pub(crate) mod access_point;
pub(crate) mod api_key;
pub(crate) mod base;
pub(crate) mod dealer;
pub(crate) mod garage;
pub(crate) mod history;
pub(crate) mod panel;
mod person;
pub(crate) mod plugin;
pub(crate) mod status;
pub(crate) mod sub_user;
pub(crate) mod tag;
pub(crate) mod tariff;
pub(crate) mod timezone;
pub(crate) mod track;
pub(crate) mod tracker;
pub(crate) mod user;
pub(crate) mod vehicle;
