//! What messages mean: the state of a source as a fold of its records, its connection and movement status, and the
//! answer to "what is known now". Pure: time is an argument, nothing is remembered between calls.

pub mod movement;
pub mod sensor;
pub mod trips;

mod fold;
mod status;
mod totals;
mod view;
mod vocabulary;

pub use fold::{Change, SourceSettings, apply};
pub use status::{connection_status, next_change};
pub use totals::Counting;
pub use view::{Additional, GpsView, GsmView, StateView, last_gps_point, position};
