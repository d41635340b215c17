//! Messages that come in parts (section 4.4.3): one at a time for a connection, of a bounded number of parts. Parts are
//! answered together when the last one is there, so that none of them is answered before what it carries is durable.

use super::packet::{Packet, Part};
use crate::DeviceSlot;

/// Of the longest message that is put together; each is a frame.
const MAX_PARTS: u16 = 64;

#[derive(Default)]
pub(super) struct Parts(Option<Collection>);

struct Collection {
    slot: DeviceSlot,
    message: u16,
    /// By number.
    parts: Vec<Option<Held>>,
}

/// A part, and the frame that it came in.
pub(super) struct Held {
    pub(super) packet: Packet,
    pub(super) frame: Vec<u8>,
}

/// What its parts make.
pub(super) struct Whole {
    pub(super) packet: Packet,
    /// Each is answered.
    pub(super) serials: Vec<u16>,
    /// One after the other, as they would be read again.
    pub(super) frames: Vec<u8>,
}

pub(super) enum Added {
    Waiting,
    Whole(Whole),
    /// The part is not kept.
    Refused(Packet),
}

impl Parts {
    pub(super) fn add(&mut self, slot: DeviceSlot, part: Part, packet: Packet, frame: &[u8]) -> Added {
        let Part { total, number } = part;
        if !(1..=MAX_PARTS).contains(&total) || !(1..=total).contains(&number) {
            return Added::Refused(packet);
        }
        let (total, number) = (usize::from(total), usize::from(number));
        let fits = |known: &&mut Collection| {
            (known.slot, known.message, known.parts.len()) == (slot, packet.message, total)
        };
        let collection = match self.0.as_mut().filter(fits) {
            Some(collection) => collection,
            // What was not finished is sent again by its device, which got no answer.
            None => {
                let parts = (0..total).map(|_| None).collect();
                self.0.insert(Collection { slot, message: packet.message, parts })
            }
        };
        collection.parts[number - 1] = Some(Held { packet, frame: frame.to_vec() });
        if collection.parts.iter().any(Option::is_none) {
            return Added::Waiting;
        }
        let mut parts = self.take();
        let Some(Held { packet, frame }) = parts.next() else { return Added::Waiting };
        let mut whole = Whole { serials: vec![packet.serial], packet, frames: frame };
        for Held { packet, frame } in parts {
            whole.serials.push(packet.serial);
            whole.packet.body.extend(packet.body);
            whole.frames.extend(frame);
        }
        Added::Whole(whole)
    }

    /// The device speaks no longer: its parts are none of the next one's in its slot.
    pub(super) fn forget(&mut self, slot: DeviceSlot) {
        self.0.take_if(|collection| collection.slot == slot);
    }

    /// The parts that wait for others.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Held> + use<> {
        self.0.take().into_iter().flat_map(|collection| collection.parts).flatten()
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
        match parts.add(SLOT, Part { total, number }, packet(serial, body), body) {
            Added::Whole(whole) => {
                assert_eq!(whole.frames, whole.packet.body, "the tests' frames are their bodies");
                Ok((whole.packet.body, whole.serials))
            }
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
        for number in 1..MAX_PARTS {
            assert_eq!(add(&mut parts, MAX_PARTS, number, number, &[0; 1023]), Err("waiting"), "{number}");
        }
        let (body, serials) = add(&mut parts, MAX_PARTS, MAX_PARTS, MAX_PARTS, &[0; 1023]).unwrap();
        assert_eq!((body.len(), serials), (64 * 1023, (1..=MAX_PARTS).collect()));
    }

    #[test]
    fn parts_that_wait_can_be_taken_back() {
        let mut parts = Parts::default();
        assert_eq!(add(&mut parts, 3, 3, 7, b"c"), Err("waiting"));
        let taken: Vec<_> = parts.take().map(|held| (held.packet.serial, held.frame)).collect();
        assert_eq!((taken, parts.take().count()), (vec![(7, b"c".to_vec())], 0));
    }
}
