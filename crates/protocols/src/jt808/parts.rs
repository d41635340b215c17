//! Messages that come in parts (section 4.4.3): one at a time for a connection, of bounded length. Parts are answered
//! together when the last one is there, so that none of them is answered before what it carries is durable.

use super::packet::{Packet, Part};
use crate::DeviceSlot;

/// The longest message that is put together, in bytes and in parts.
const MAX_BYTES: usize = 32 * 1024;
const MAX_PARTS: u16 = 64;

#[derive(Default)]
pub(super) struct Parts(Option<Collection>);

struct Collection {
    slot: DeviceSlot,
    message: u16,
    total: u16,
    bytes: usize,
    /// By number; the serial number of each is answered.
    parts: Vec<Option<Packet>>,
}

pub(super) enum Added {
    Waiting,
    /// All of it, and the serial numbers of its parts.
    Whole(Packet, Vec<u16>),
    /// The part is not kept.
    Refused(Packet),
}

impl Parts {
    pub(super) fn add(&mut self, slot: DeviceSlot, part: Part, packet: Packet) -> Added {
        let Part { total, number } = part;
        if !(1..=MAX_PARTS).contains(&total) || !(1..=total).contains(&number) {
            return Added::Refused(packet);
        }
        let fits = |known: &&mut Collection| {
            (known.slot, known.message, known.total) == (slot, packet.message, total)
        };
        let collection = match self.0.as_mut().filter(fits) {
            Some(collection) => collection,
            // What was not finished is sent again by its device, which got no answer.
            None => self.0.insert(Collection::new(slot, packet.message, total)),
        };
        if collection.bytes + packet.body.len() > MAX_BYTES {
            self.0 = None;
            return Added::Refused(packet);
        }
        let place = &mut collection.parts[usize::from(number) - 1];
        if let Some(before) = place {
            collection.bytes -= before.body.len();
        }
        collection.bytes += packet.body.len();
        *place = Some(packet);
        if collection.parts.iter().any(Option::is_none) {
            return Added::Waiting;
        }
        let mut parts = self.0.take().into_iter().flat_map(|collection| collection.parts).flatten();
        let Some(mut whole) = parts.next() else { return Added::Waiting };
        let mut serials = vec![whole.serial];
        for part in parts {
            serials.push(part.serial);
            whole.body.extend(part.body);
        }
        Added::Whole(whole, serials)
    }
}

impl Collection {
    fn new(slot: DeviceSlot, message: u16, total: u16) -> Self {
        let parts = (0..total).map(|_| None).collect();
        Self { slot, message, total, bytes: 0, parts }
    }
}
