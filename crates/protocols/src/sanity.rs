//! What holds for every message of every protocol, and for all that comes of some bytes. Tests and fuzzers run it on
//! whatever comes out of a decoder.

use crate::{Event, plausible};
use domain::{Fix, InputName, Message, Value, ValueKind};

/// No text of an input is longer, in bytes.
pub const MAX_TEXT: usize = 8192;

/// # Panics
/// When a decoder let something through that no device can mean.
pub fn assert_sane(message: &Message) {
    if let Some(fix) = &message.fix {
        assert_sane_fix(fix);
    }
    for (name, value) in message.inputs.iter() {
        assert_sane_input(name, value);
    }
}

/// Whoever sends a byte makes the server keep a few, not thousands: nothing grows faster than what was received.
///
/// # Panics
/// When more comes of `received` bytes than a record of their length can mean.
pub fn assert_bounded(events: &[Event], received: usize) {
    let (mut inputs, mut kept, mut replies) = (0, 0, 0);
    for event in events {
        match event {
            Event::Message { message, .. } => {
                inputs += message.inputs.len();
                kept += message.inputs.iter().map(|(_, value)| text_length(value)).sum::<usize>();
            }
            Event::Problem { error, bytes, .. } => kept += error.len().min(MAX_ERROR) + bytes.len(),
            Event::Reply { text, .. } => kept += text.len(),
            Event::ReplyNow(bytes) | Event::ReplyWhenDurable(bytes) => replies += bytes.len(),
            Event::Identify { .. }
            | Event::Heartbeat { .. }
            | Event::TimeWanted { .. }
            | Event::CommandWanted { .. }
            | Event::Close
            | Event::Broken(_) => {}
        }
    }
    for (what, count, bound) in [
        ("events", events.len(), received + 8),
        ("inputs", inputs, 20 * received + 64),
        ("bytes of texts and problems", kept, 24 * received + 1024),
        ("bytes of replies", replies, 24 * received + 1024),
    ] {
        assert!(count <= bound, "{count} {what} of {received} bytes");
    }
}

/// Errors are sentences: a short frame may have one that is longer than itself.
const MAX_ERROR: usize = 16;

fn text_length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        _ => 0,
    }
}

fn assert_sane_fix(fix: &Fix) {
    let (lat, lng) = (fix.coordinates.lat(), fix.coordinates.lng());
    assert!((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng), "coordinates {lat},{lng}");
    if let Some(speed) = fix.speed {
        assert!((0.0..=plausible::MAX_SPEED_KMH).contains(&speed.kmh()), "speed {}", speed.kmh());
    }
    if let Some(heading) = fix.heading {
        assert!(heading.degrees() < 360, "heading {}", heading.degrees());
    }
    if let Some(altitude) = fix.altitude {
        assert!(plausible::ALTITUDE.contains(&altitude.0), "altitude {}", altitude.0);
    }
    if let Some(satellites) = fix.satellites {
        assert!(satellites <= plausible::MAX_SATELLITES, "{satellites} satellites");
    }
    if let Some(precision) = fix.precision {
        assert!(precision.0.is_finite() && precision.0 >= 0.0, "precision {}", precision.0);
    }
}

fn assert_sane_input(name: InputName, value: &Value) {
    let kind = match value {
        Value::Int(_) => ValueKind::Int,
        Value::Float(number) => {
            assert!(number.is_finite(), "{name} is {number}");
            ValueKind::Float
        }
        Value::Flag(_) => ValueKind::Flag,
        Value::Text(text) => {
            assert!(text.len() <= MAX_TEXT, "{name} has {} bytes", text.len());
            assert!(!text.is_empty(), "{name} is empty");
            assert!(!text.contains(char::is_control), "{name} has control characters: {text:?}");
            ValueKind::Text
        }
    };
    // A parameter without a name has no known kind either: of variable length it is a text.
    let unnamed = name.spec().name == "avl_io_#";
    assert!(kind == name.spec().kind || unnamed, "{name} is {value:?}, not {:?}", name.spec().kind);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Inputs;

    fn refuses(name: &str, value: impl Into<Value>) {
        let mut inputs = Inputs::default();
        inputs.push(InputName::find(name).unwrap(), value);
        let message = Message { inputs, ..Message::default() };
        assert!(std::panic::catch_unwind(|| assert_sane(&message)).is_err(), "{name} passed");
    }

    #[test]
    fn refuses_what_no_device_can_mean() {
        refuses("analog_1", f64::NAN);
        refuses("analog_1", 1_i64);
        refuses("ignition", 1_i64);
        refuses("obd_vin", "");
        refuses("obd_vin", "A\nB");
        refuses("obd_vin", "A".repeat(MAX_TEXT + 1).as_str());
    }
}
