//! The tail against a plain list of what is in it, over the borders of its chunks.

use super::*;
use crate::{
    history::period::Period,
    journal::{Committed, Position},
};
use domain::{InputName, Message, RecordHash, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;

const SOURCES: i64 = 5;
/// 2025-11-24, a Monday.
const MONDAY: i64 = 1_763_942_400_000;

type Listed = (u64, Telemetry);

/// Messages of any source within two weeks, some of one millisecond, and long enough that few fill a chunk.
fn telemetry(random: &mut StdRng, position: u64) -> Telemetry {
    let time = Timestamp::from_millis(MONDAY + 7 * 86_400_000 / 50 * random.random_range(-50..50));
    let mut message = Message { time: Some(time), ..Message::default() };
    let text = "x".repeat(random.random_range(0..60_000));
    message.inputs.push(InputName::find("avl_io_256").unwrap(), &*text);
    Telemetry {
        source: SourceId(random.random_range(0..SOURCES)),
        received: time,
        time,
        time_origin: TimeOrigin::Device,
        hash: RecordHash(position.into()),
        message,
    }
}

fn in_order(mut listed: Vec<Listed>, order: Order) -> Vec<Listed> {
    listed.sort_by_key(|(position, message)| (message.time, *position));
    if order == Order::Descending {
        listed.reverse();
    }
    listed
}

/// What is waiting before `end`, by period and source.
fn waiting(tail: &Tail, end: u64) -> BTreeMap<(Period, SourceId), Vec<Listed>> {
    let waiting = tail.waiting(end);
    let mut found = BTreeMap::new();
    for (period, groups) in waiting.periods() {
        for group in groups {
            let part = waiting.part(group, 0);
            let positions = part.places.iter().map(|place| place.position);
            let messages = positions.zip(waiting.messages(&part).unwrap()).collect();
            assert!(found.insert((period, part.source), messages).is_none(), "a source comes twice");
        }
    }
    found
}

#[test]
fn holds_what_came_and_is_not_packed_or_erased() {
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let tail = Tail::default();
        let (mut listed, mut end): (Vec<Listed>, u64) = (Vec::new(), 0);
        for _ in 0..200 {
            let somewhere = random.random_range(0..=end);
            let source = SourceId(random.random_range(0..SOURCES));
            match random.random_range(0..10) {
                0..5 => {
                    // Positions may have gaps.
                    end += random.random_range(0..3);
                    let count = random.random_range(1..20);
                    let batch: Vec<_> = (end..end + count).map(|at| telemetry(&mut random, at)).collect();
                    let records = batch.iter().cloned().map(Record::Telemetry).collect();
                    tail.absorb(&Committed::new(Position(end), records));
                    listed.extend((end..).zip(batch));
                    end += count;
                }
                5 => {
                    tail.trim(somewhere);
                    listed.retain(|(position, _)| *position >= somewhere);
                }
                6 => {
                    tail.erase(source, somewhere);
                    listed.retain(|(position, message)| message.source != source || *position >= somewhere);
                }
                7 => {
                    let mut expected: BTreeMap<_, Vec<_>> = BTreeMap::new();
                    let before = listed.iter().filter(|(position, _)| *position < somewhere);
                    for (position, message) in in_order(before.cloned().collect(), Order::Ascending) {
                        let group = (Period::of(message.time), message.source);
                        expected.entry(group).or_default().push((position, message));
                    }
                    assert_eq!(waiting(&tail, somewhere), expected, "seed {seed}");
                }
                _ => {
                    let order = if random.random_bool(0.5) { Order::Ascending } else { Order::Descending };
                    let start = MONDAY + random.random_range(-4..4) * 86_400_000;
                    let span = start..start + random.random_range(0..8) * 86_400_000;
                    let inside = |message: &Telemetry| {
                        message.source == source && span.contains(&message.time.millis())
                    };
                    let inside = listed.iter().filter(|(_, message)| inside(message)).cloned().collect();
                    let expected = in_order(inside, order);
                    let wanted = random.random_range(1..8);
                    let taken = tail.take(source, &span, order, wanted).unwrap();
                    let count = taken.messages.len();
                    assert_eq!(taken.messages, expected[..count], "seed {seed}");
                    let time = |listed: &Listed| listed.1.time.millis();
                    assert_eq!(taken.next, expected.get(count).map(time), "seed {seed}");
                    assert!(count >= wanted.min(expected.len()), "seed {seed}");
                    assert_eq!(tail.first(source, &span, order), expected.first().map(time), "seed {seed}");
                }
            }
        }
        assert!(tail.bytes() > 0);
        tail.trim(end);
        assert_eq!(tail.bytes(), 0, "seed {seed}");
        assert_eq!(waiting(&tail, end), BTreeMap::new());
    }
}
