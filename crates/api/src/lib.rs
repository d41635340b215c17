//! The API: a table of actions (`registry`), the three forms in which a call may come (`request`), the shape of every
//! answer (`answer`), the WebSocket beside them (`websocket`), and what describes it all
//! (`openapi`). Knows no SQL and no device's socket.

mod action;
mod actions;
mod answer;
mod dates;
mod forms;
#[cfg(feature = "testing")]
mod fuzzing;
mod http;
mod multipart;
mod openapi;
mod parameters;
mod proxies;
mod registry;
mod request;
mod seats;
mod throttle;
mod websocket;

pub use action::{CallerKind, Entry};
#[cfg(feature = "testing")]
pub use fuzzing::try_call;
pub use http::{Api, ApiConfig, PanelAccess};
pub use registry::ACTIONS;
pub use seats::{Full, Seat, Seats};
