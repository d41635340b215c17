//! The records that a device has made and the server has not acknowledged. They leave oldest first, in packets of the
//! vendor's size, one packet at a time, and stay until their number is confirmed.

use crate::teltonika::{Codec, Record, framed, record};
use std::collections::VecDeque;

pub(crate) struct Outbox {
    codec: Codec,
    /// The packet in flight first, then by age unless somebody shuffled.
    waiting: VecDeque<Waiting>,
    /// How many of them the packet in flight has.
    in_flight: usize,
}

struct Waiting {
    bytes: Box<[u8]>,
    attempt: Attempt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Further,
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
/// The vendor's devices send no longer packets ("Teltonika Data Sending Protocols": 1,280 bytes at most).
const PACKET: usize = 1280;
/// Of a packet around its records: preamble, length, codec, two counts, checksum.
const AROUND: usize = 15;

impl Outbox {
    pub(crate) fn new(codec: Codec) -> Self {
        Self { codec, waiting: VecDeque::new(), in_flight: 0 }
    }

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

    pub(crate) fn push(&mut self, made: &Record) {
        let bytes = record(self.codec, made).into();
        self.waiting.push_back(Waiting { bytes, attempt: Attempt::First });
    }

    /// The next packet; `None` while one is in flight or nothing waits.
    pub(crate) fn packet(&mut self) -> Option<Packet> {
        if self.is_in_flight() || self.waiting.is_empty() {
            return None;
        }
        let (mut body, mut count, mut first) = (vec![0], 0, 0);
        for waiting in self.waiting.iter_mut().take(usize::from(u8::MAX)) {
            if count > 0 && body.len() + waiting.bytes.len() + AROUND > PACKET {
                break;
            }
            body.extend_from_slice(&waiting.bytes);
            first += u64::from(waiting.attempt == Attempt::First);
            waiting.attempt = Attempt::Further;
            count += 1;
        }
        body[0] = count as u8;
        body.push(count as u8);
        self.in_flight = count;
        let bytes = framed(self.codec.number(), &body);
        Some(Packet { bytes, first, again: count as u64 - first })
    }

    /// The server has so many records of the packet in flight. Forgets them when it has all, else they leave again.
    /// Answers how many are done with.
    pub(crate) fn acknowledged(&mut self, taken: u32) -> u64 {
        let done = if usize::try_from(taken) == Ok(self.in_flight) { self.in_flight } else { 0 };
        self.waiting.drain(..done);
        self.in_flight = 0;
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
    use domain::Timestamp;

    fn made(second: i64) -> Record {
        Record {
            time: Timestamp::from_seconds(second),
            priority: 0,
            lat: 535_500_000,
            lng: 100_000_000,
            altitude: 10,
            heading: 0,
            satellites: 9,
            speed: 0,
            event: 0,
            generation: 0,
            parameters: vec![(66, vec![0x31, 0x06]); 10],
        }
    }

    fn outbox(records: i64) -> Outbox {
        let mut outbox = Outbox::new(Codec::Codec8);
        (0..records).for_each(|second| outbox.push(&made(second)));
        outbox
    }

    #[test]
    fn records_stay_until_all_of_their_packet_are_acknowledged() {
        let mut outbox = outbox(3);
        let packet = outbox.packet().unwrap();
        assert_eq!((packet.first, packet.again), (3, 0));
        assert_eq!(outbox.packet(), None, "one packet at a time");
        outbox.push(&made(3));
        assert_eq!(outbox.acknowledged(2), 0, "one of three is missing");
        let packet = outbox.packet().unwrap();
        assert_eq!((packet.first, packet.again), (1, 3));
        outbox.unanswered();
        let packet = outbox.packet().unwrap();
        assert_eq!((packet.first, packet.again), (0, 4));
        assert_eq!(outbox.acknowledged(4), 4);
        assert!(outbox.is_empty() && outbox.packet().is_none());
    }

    #[test]
    fn a_burst_leaves_in_packets_of_the_vendors_size() {
        let mut outbox = outbox(250);
        let mut total = 0;
        while let Some(packet) = outbox.packet() {
            assert!(packet.bytes.len() <= PACKET, "{} bytes", packet.bytes.len());
            assert!(packet.first > 10 || total + packet.first == 250);
            total += outbox.acknowledged(packet.first as u32);
        }
        assert_eq!(total, 250);
    }

    #[test]
    fn the_newest_go_first_when_told_so() {
        let mut outbox = outbox(4);
        outbox.newest_first();
        let records: Vec<_> = [2, 3, 0, 1].map(made).to_vec();
        assert_eq!(outbox.packet().unwrap().bytes, crate::teltonika::packet(Codec::Codec8, &records));
    }

    #[test]
    fn makes_no_more_when_full() {
        assert!(!outbox(ROOM as i64 - 1).is_full());
        assert!(outbox(ROOM as i64).is_full());
    }
}
