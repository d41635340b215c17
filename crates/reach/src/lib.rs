//! The world beside devices: short messages, over HTTP or SMPP, with a durable outbox; and the one guarded client of all
//! outbound HTTP.

pub mod cells;
mod location_response;
pub mod outbound;
pub mod sms;

pub use location_response::LocationResponses;
