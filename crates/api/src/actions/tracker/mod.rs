//! `tracker/…`: trackers, their groups and their states.

pub(crate) mod calibration;
pub(crate) mod command;
pub(crate) mod counter;
pub(crate) mod diagnostics;
pub(crate) mod fuel;
pub(crate) mod group;
pub(crate) mod inputs;
pub(crate) mod last_point;
pub(crate) mod list;
pub(crate) mod location_request;
pub(crate) mod model;
pub(crate) mod object;
pub(crate) mod outputs;
pub(crate) mod raw_command;
pub(crate) mod read;
pub(crate) mod readings;
pub(crate) mod readings_list;
pub(crate) mod register;
pub(crate) mod rule;
pub(crate) mod sensor;
pub(crate) mod sensor_data;
mod sensor_object;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod switch;
pub(crate) mod tags;
