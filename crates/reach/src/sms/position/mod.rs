//! Where a device says it is in the text of a short message: in the words of its family (`domain/data/short_messages.toml`),
//! with a link to a map, or in the words of the protocol that it also speaks over its connection.

mod link;
mod native;
mod template;

use domain::{DeviceId, Fix, ModelCode, ShortMessages, Timestamp, plausible_time};
use std::time::Duration;

/// What a text says of its device's place.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The device is or was here. `time` is what the text says, unchecked.
    At { fix: Fix, time: Option<Timestamp> },
    /// The device says that it does not know.
    Unknown,
}

/// `None` when the text is about something else.
pub fn place(text: &str, model: ModelCode, device_id: Option<&DeviceId>) -> Option<Place> {
    ShortMessages::answers(model.model())
        .find_map(|template| template::read(template, text))
        .or_else(|| native::read(text, model, device_id))
        .or_else(|| link::find(text).map(|coordinates| Place::At { fix: Fix::at(coordinates), time: None }))
}

/// So far ahead of us are clocks that show the local time.
const TIME_ZONES: Duration = Duration::from_secs(14 * 3600);

/// Where a place stands on the time line: there where the text says, when that can be. A clock that is ahead by hours shows
/// its local time: then, as when the text has none, the device answered just now. `None` when the text is of another time.
pub fn time_of(said: Option<Timestamp>, received: Timestamp, retention: Duration) -> Option<Timestamp> {
    let Some(said) = said else { return Some(received) };
    plausible_time(said, received, retention)
        .or_else(|| plausible_time(said, received.plus(TIME_ZONES), TIME_ZONES).map(|_| received))
}

#[cfg(test)]
mod tests;
