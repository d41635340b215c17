//! The records that a device has made and the server has not acknowledged. They leave oldest first, in packets of the
//! vendor's size, one packet at a time, and stay until their number is confirmed.

use crate::language::{self, Attempt, Waiting};
use std::collections::VecDeque;

#[derive(Default)]
pub(crate) struct Outbox {
    /// The packet in flight first, then by age unless somebody shuffled.
    waiting: VecDeque<Waiting>,
    /// How many of them are in flight.
    in_flight: usize,
}

/// A packet, and how many of its records leave for the first time, how many again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    pub(crate) first: u64,
    pub(crate) again: u64,
}

/// When so many wait, no more are made: a device has much memory, a simulation of thousands has not.
const ROOM: usize = 256;
impl Outbox {
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= ROOM
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a packet waits for its answer.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight > 0
    }

    pub(crate) fn push(&mut self, bytes: Box<[u8]>) {
        self.waiting.push_back(Waiting { bytes, attempt: Attempt::First });
    }

    /// The next packet, in the words of a device; `None` while one is in flight or nothing waits.
    pub(crate) fn packet(
        &mut self,
        words: impl FnOnce(&mut dyn Iterator<Item = &Waiting>) -> language::Packet,
    ) -> Option<Packet> {
        if self.is_in_flight() || self.waiting.is_empty() {
            return None;
        }
        let language::Packet { bytes, records } = words(&mut self.waiting.iter());
        let mut first = 0;
        for waiting in self.waiting.iter_mut().take(records) {
            first += u64::from(waiting.attempt == Attempt::First);
            waiting.attempt = Attempt::Further;
        }
        self.in_flight = records;
        Some(Packet { bytes, first, again: records as u64 - first })
    }

    /// The server has the first so many of the records in flight: they are forgotten. Answers how many.
    pub(crate) fn acknowledged(&mut self, taken: usize) -> u64 {
        let done = taken.min(self.in_flight);
        self.waiting.drain(..done);
        self.in_flight -= done;
        if self.waiting.is_empty() {
            // An idle device holds no memory for its next burst.
            self.waiting = VecDeque::new();
        }
        done as u64
    }

    /// There will be no answer, or it is not heard: the packet leaves again.
    pub(crate) fn unanswered(&mut self) {
        self.in_flight = 0;
    }

    /// Brings the newest half to the front, as devices do that are told to report the newest first.
    pub(crate) fn newest_first(&mut self) {
        if !self.is_in_flight() {
            self.waiting.rotate_right(self.waiting.len() / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(records: u8) -> Outbox {
        let mut outbox = Outbox::default();
        (0..records).for_each(|number| outbox.push([number].into()));
        outbox
    }

    /// Up to `most` records, one after the other.
    fn words(most: usize) -> impl Fn(&mut dyn Iterator<Item = &Waiting>) -> language::Packet {
        move |waiting| {
            let bytes: Vec<_> = waiting.take(most).flat_map(|waiting| waiting.bytes.to_vec()).collect();
            language::Packet { records: bytes.len(), bytes }
        }
    }

    #[test]
    fn records_stay_until_they_are_acknowledged() {
        let mut outbox = outbox(3);
        let packet = outbox.packet(words(9)).unwrap();
        assert_eq!((packet.first, packet.again), (3, 0));
        assert_eq!(outbox.packet(words(9)), None, "one packet at a time");
        outbox.push([3].into());
        assert_eq!(outbox.acknowledged(2), 2);
        assert_eq!(outbox.packet(words(9)), None, "one of three is still in flight");
        outbox.unanswered();
        let packet = outbox.packet(words(9)).unwrap();
        assert_eq!((packet.first, packet.again, &*packet.bytes), (1, 1, &[2, 3][..]));
        assert_eq!(outbox.acknowledged(4), 2);
        assert!(outbox.is_empty() && outbox.packet(words(9)).is_none());
    }

    #[test]
    fn a_burst_leaves_oldest_first() {
        let mut outbox = outbox(250);
        let mut sent = Vec::new();
        while let Some(packet) = outbox.packet(words(60)) {
            sent.extend(packet.bytes);
            outbox.acknowledged(packet.first as usize);
        }
        assert!(sent.into_iter().eq(0..250));
    }

    #[test]
    fn the_newest_go_first_when_told_so() {
        let mut outbox = outbox(4);
        outbox.newest_first();
        assert_eq!(outbox.packet(words(4)).unwrap().bytes, [2, 3, 0, 1]);
    }

    #[test]
    fn makes_no_more_when_full() {
        assert!(!outbox(u8::MAX).is_full());
        let mut full = outbox(u8::MAX);
        full.push([0].into());
        assert!(full.is_full());
    }
}
