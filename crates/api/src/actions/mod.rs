//! The actions, one folder per resource.

pub(crate) mod panel;
pub(crate) mod plugin;
pub(crate) mod track;
pub(crate) mod tracker;
pub(crate) mod user;
