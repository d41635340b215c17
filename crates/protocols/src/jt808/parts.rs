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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jt808::packet::Terminal;

    const SLOT: DeviceSlot = DeviceSlot(0);

    fn packet(serial: u16, body: &[u8]) -> Packet {
        let terminal = Terminal::Short([1; 6]);
        Packet { message: 0x0704, terminal, serial, part: None, encrypted: false, body: body.to_vec() }
    }

    /// What came of a part: the whole body with all serial numbers, or a word.
    fn add(
        parts: &mut Parts,
        total: u16,
        number: u16,
        serial: u16,
        body: &[u8],
    ) -> Result<(Vec<u8>, Vec<u16>), &'static str> {
        match parts.add(SLOT, Part { total, number }, packet(serial, body)) {
            Added::Whole(whole, serials) => Ok((whole.body, serials)),
            Added::Waiting => Err("waiting"),
            Added::Refused(_) => Err("refused"),
        }
    }

    #[test]
    fn parts_make_one_message_in_any_order() {
        let mut parts = Parts::default();
        assert_eq!(add(&mut parts, 3, 3, 12, b"c"), Err("waiting"));
        assert_eq!(add(&mut parts, 3, 1, 10, b"a"), Err("waiting"));
        // A part that is sent again stands for the first.
        assert_eq!(add(&mut parts, 3, 1, 10, b"A"), Err("waiting"));
        assert_eq!(add(&mut parts, 3, 2, 11, b"b"), Ok((b"Abc".to_vec(), vec![10, 11, 12])));
        assert_eq!(add(&mut parts, 1, 1, 13, b"d"), Ok((b"d".to_vec(), vec![13])));
    }

    #[test]
    fn another_message_takes_the_place_of_one_that_was_not_finished() {
        let mut parts = Parts::default();
        assert_eq!(add(&mut parts, 2, 1, 1, b"a"), Err("waiting"));
        assert_eq!(add(&mut parts, 3, 1, 2, b"x"), Err("waiting"));
        assert_eq!(add(&mut parts, 2, 2, 3, b"b"), Err("waiting"));
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut parts = Parts::default();
        for (total, number) in [(0, 1), (2, 0), (2, 3), (MAX_PARTS + 1, 1)] {
            assert_eq!(add(&mut parts, total, number, 1, b"a"), Err("refused"), "{number} of {total}");
        }
        let part = vec![0; 1023];
        let fits = MAX_BYTES / part.len();
        for number in 1..=fits {
            let number = u16::try_from(number).unwrap();
            assert_eq!(add(&mut parts, MAX_PARTS, number, number, &part), Err("waiting"), "{number}");
        }
        assert_eq!(add(&mut parts, MAX_PARTS, 60, 60, &part), Err("refused"));
        assert_eq!(add(&mut parts, MAX_PARTS, 61, 61, &part), Err("waiting"), "all before is forgotten");
    }
}
