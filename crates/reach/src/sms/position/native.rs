//! Texts in the words of the device's own protocol: many devices send by short message what they would send over their
//! connection, when that is what they are set to, or have none.

use super::Place;
use domain::{DeviceId, ModelCode, Transport};
use protocols::{Admission, Connection, Event, KnownDevice};

/// The protocols whose words fit into a short message: Queclink's `+RESP:GTRTL,…$` ("@Track Air Interface Protocol", report
/// mode: forced SMS), Suntech's reports, Meitrack's `$$`, ATrack's text, H02's `*HQ,…#`.
const OF_TEXT: [&str; 5] = ["gl200", "suntech", "meitrack", "atrack", "h02"];

/// `None` when it is not in these words, or another device says it of itself.
pub(super) fn read(text: &str, model: ModelCode, device_id: Option<&DeviceId>) -> Option<Place> {
    let protocol = model.model().protocols.iter().find(|name| OF_TEXT.contains(&&***name))?;
    let mut connection = Connection::new(protocols::protocol(protocol)?, Transport::Udp);
    connection.receive_frame(text.trim().as_bytes());
    let mut place = None;
    while let Some(event) = connection.poll() {
        match event {
            Event::Identify { id, .. } if device_id != Some(&id) => return None,
            Event::Identify { slot, .. } => {
                let known = KnownDevice { model: Some(model), ..KnownDevice::default() };
                connection.identified(slot, &Admission::Known(known));
            }
            Event::Message { message, .. } => {
                let fix = message.fix?;
                place = Some(match fix.is_usable() {
                    true => Place::At { fix, time: message.time },
                    false => Place::Unknown,
                });
            }
            Event::Broken(_) => return None,
            _ => {}
        }
    }
    place
}
