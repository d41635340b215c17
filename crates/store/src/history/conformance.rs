//! What every history has to do, whatever it is made of. An implementation's tests call `check`.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use super::{History, Order};
use crate::journal::{Journal, Position};
use domain::{
    Coordinates, Derived, Fix, InputName, Message, PositionSource, Record, RecordHash, SourceId, Telemetry,
    TimeOrigin, Timestamp,
};
use std::{future::Future, ops::Range, sync::Arc};

/// A place where a journal and its history live, empty at first.
pub trait Place: Send + Sync {
    /// Opens what is here, with all that was there before.
    fn open(&self) -> impl Future<Output = (Arc<dyn Journal>, Arc<dyn History>)> + Send;

    /// Does what the implementation does from time to time: packs, merges, rewrites what came in so far. With nothing
    /// to do it does nothing.
    fn work(&self) -> impl Future<Output = ()> + Send;

    /// Closes both.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Runs the whole suite, each case in a place of its own: before the implementation has worked, after, and in between.
/// Needs a Tokio runtime.
///
/// # Panics
/// When the implementation does not conform.
pub async fn check<P: Place + 'static>(make_place: impl Fn() -> P) {
    for work in [Work::Never, Work::AtTheEnd, Work::Always] {
        what_came_in_is_read_in_both_orders(&make_place(), work).await;
        spans_have_a_start_and_no_end(&make_place(), work).await;
        late_messages_are_in_their_place(&make_place(), work).await;
        a_record_is_there_once(&make_place(), work).await;
        records_without_device_time_are_never_copies(&make_place(), work).await;
        copies_under_another_time_are_found(&make_place(), work).await;
        the_last_before_a_time_is_found(&make_place(), work).await;
        a_long_span_comes_in_pieces(&make_place(), work).await;
        an_erased_source_is_forgotten(&make_place(), work).await;
        what_is_old_is_dropped(&make_place(), work).await;
        many_of_one_moment_keep_their_order(&make_place(), work).await;
        what_was_learned_later_is_in_its_place(&make_place(), work).await;
        only_telemetry_is_kept(&make_place(), work).await;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Never,
    AtTheEnd,
    Always,
}

/// 2025-11-24, a Monday.
const START: i64 = 1_763_942_400;
const DAY: i64 = 86_400;

/// An opened place that works when it should.
struct World<'a, P> {
    place: &'a P,
    journal: Arc<dyn Journal>,
    history: Arc<dyn History>,
    work: Work,
}

impl<'a, P: Place> World<'a, P> {
    async fn open(place: &'a P, work: Work) -> Self {
        let (journal, history) = place.open().await;
        Self { place, journal, history, work }
    }

    async fn add(&self, messages: Vec<Telemetry>) {
        let count = messages.len() as u64;
        let records = messages.into_iter().map(Record::Telemetry).collect();
        let first = self.journal.append(records).await.unwrap();
        self.history.caught_up_to(Position(first.0 + count)).await.unwrap();
        if self.work == Work::Always {
            self.place.work().await;
        }
    }

    /// What is read of a source, in every way, is this; also after more work and when it is opened again.
    async fn expect(&mut self, source: i64, span: Range<Timestamp>, expected: &[Telemetry]) {
        self.expect_now(source, span.clone(), expected).await;
        if self.work != Work::Never {
            self.place.work().await;
            self.expect_now(source, span.clone(), expected).await;
        }
        self.place.close().await;
        (self.journal, self.history) = self.place.open().await;
        self.history.caught_up_to(self.journal.end()).await.unwrap();
        self.expect_now(source, span, expected).await;
    }

    async fn expect_now(&self, source: i64, span: Range<Timestamp>, expected: &[Telemetry]) {
        let history = &*self.history;
        let expected = as_read(expected.to_vec());
        let ascending = read(history, source, span.clone(), Order::Ascending).await;
        assert_eq!(ascending, expected, "{:?}", self.work);
        let mut descending = read(history, source, span.clone(), Order::Descending).await;
        descending.reverse();
        assert_eq!(descending, expected, "{:?}", self.work);
        assert_eq!(history.count(SourceId(source), span.clone()).await, Ok(expected.len() as u64));
        if let Some(last) = expected.last() {
            let found = history.last_before(SourceId(source), span.end).await.unwrap();
            assert_eq!(found.map(as_read_alone).as_ref(), Some(last));
        }
        assert_eq!(history.trouble(), None);
    }

    async fn close(self) {
        self.place.close().await;
    }
}

async fn what_came_in_is_read_in_both_orders<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    world.expect(1, all(), &[]).await;
    let of = |source, numbers: Range<i64>| -> Vec<Telemetry> {
        numbers.map(|number| telemetry(source, START + 60 * number, number)).collect()
    };
    world.add(of(1, 0..5).into_iter().chain(of(2, 0..3)).collect()).await;
    world.add(of(2, 3..4).into_iter().chain(of(1, 5..900)).collect()).await;
    world.expect(1, all(), &of(1, 0..900)).await;
    world.expect(2, all(), &of(2, 0..4)).await;
    world.expect(3, all(), &[]).await;
    world.add(of(1, 900..910)).await;
    world.expect(1, all(), &of(1, 0..910)).await;
    world.close().await;
}

async fn spans_have_a_start_and_no_end<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    // Over weeks, months and the end of a year.
    let messages: Vec<_> = (0..60).map(|day| telemetry(1, START + day * DAY, day)).collect();
    for messages in messages.chunks(7) {
        world.add(messages.to_vec()).await;
    }
    for (from, to) in
        [(0, 60), (3, 4), (3, 3), (4, 3), (6, 8), (7, 14), (13, 29), (59, 60), (60, 70), (-9, 0)]
    {
        let expected =
            if from < to { &messages[from.clamp(0, 60) as usize..to.min(60) as usize] } else { &[] };
        world.expect_now(1, at(START + from * DAY)..at(START + to * DAY), expected).await;
    }
    let first = messages[5].time.millis();
    let around =
        |from: i64, to: i64| Timestamp::from_millis(first + from)..Timestamp::from_millis(first + to);
    world.expect(1, around(0, 1), &messages[5..6]).await;
    world.expect(1, around(1, 2), &[]).await;
    world.expect(1, around(-1, 0), &[]).await;
    world.close().await;
}

async fn late_messages_are_in_their_place<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let minute = |number: i64| telemetry(1, START + 60 * number, number);
    // Every third now, one in three a day late, the rest in one heap that lies across everything.
    for hour in 0..20 {
        let now = (hour * 60..hour * 60 + 60).filter(|number| number % 3 == 0).map(minute);
        let late =
            (hour * 60 - 300..hour * 60 - 240).filter(|number| *number >= 0 && number % 3 == 1).map(minute);
        world.add(now.chain(late).collect()).await;
    }
    let late = (900..1200).filter(|number| number % 3 == 1).chain((0..1200).filter(|number| number % 3 == 2));
    let mut late: Vec<_> = late.map(minute).collect();
    late.reverse();
    world.add(late).await;
    let expected: Vec<_> = (0..1200).map(minute).collect();
    world.expect(1, all(), &expected).await;
    world.expect(1, at(START + 60 * 37)..at(START + 60 * 777), &expected[37..777]).await;
    world.close().await;
}

async fn a_record_is_there_once<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let message = |number: i64| telemetry(1, START + 60 * (number / 2), number);
    let again = |number: i64| Telemetry { received: at(START + DAY + number), ..message(number) };
    world.add((0..40).map(message).collect()).await;
    world.add((20..60).map(again).collect()).await;
    // Sent twice at once, and by another source.
    world.add((50..70).chain(50..70).map(again).collect()).await;
    world.add(vec![Telemetry { source: SourceId(2), ..message(3) }]).await;
    let mut expected: Vec<_> = (0..40).map(message).chain((40..70).map(again)).collect();
    expected.sort_by_key(|message| message.time);
    world.expect(1, all(), &expected).await;
    world.expect(2, all(), &[Telemetry { source: SourceId(2), ..message(3) }]).await;
    world.add((0..70).map(again).collect()).await;
    world.expect(1, all(), &expected).await;
    world.close().await;
}

async fn records_without_device_time_are_never_copies<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let mut message = telemetry(1, START, 1);
    message.message.time = None;
    message.time_origin = TimeOrigin::Received;
    world.add(vec![message.clone(), message.clone()]).await;
    world.add(vec![message.clone()]).await;
    world.expect(1, all(), &vec![message.clone(); 3]).await;
    world.add(vec![message.clone()]).await;
    world.expect(1, all(), &vec![message; 4]).await;
    world.close().await;
}

/// A clock that is wrong files each copy under the time of its receipt.
async fn copies_under_another_time_are_found<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let suspect = |number: i64, received: i64| {
        let mut message = telemetry(1, received, number);
        message.time_origin = TimeOrigin::Suspect;
        message.message.time = Some(at(number));
        message
    };
    world.add((0..10).map(|number| suspect(number, START + number)).collect()).await;
    world.add((5..15).map(|number| suspect(number, START + 100 + number)).collect()).await;
    // Weeks later, and at once by two ways.
    world.add((10..20).map(|number| suspect(number, START + 30 * DAY + number)).collect()).await;
    let doubled = (15..25).chain(15..25).enumerate();
    world.add(doubled.map(|(at, number)| suspect(number, START + 40 * DAY + at as i64)).collect()).await;
    // By a clock that now is right.
    let right = Telemetry { time: at(7), time_origin: TimeOrigin::Device, ..suspect(7, START + 41 * DAY) };
    world.add(vec![right]).await;
    let expected: Vec<_> = [(0..10, START), (10..15, START + 100), (15..20, START + 30 * DAY)]
        .into_iter()
        .flat_map(|(numbers, received)| numbers.map(move |number| (number, received + number)))
        .chain((20..25).map(|number| (number, START + 40 * DAY + number - 15)))
        .map(|(number, received)| suspect(number, received))
        .collect();
    world.expect(1, all(), &expected).await;
    let later = at(START + 20 * DAY)..at(START + 99 * DAY);
    world.expect(1, later, &expected[15..]).await;
    world.close().await;
}

async fn the_last_before_a_time_is_found<P: Place>(place: &P, work: Work) {
    let world = World::open(place, work).await;
    let message = |day: i64| telemetry(1, START + day * DAY, day);
    let days = [0, 1, 2, 200, 201];
    for day in [2, 0, 201, 1, 200] {
        world.add(vec![message(day), telemetry(2, START + 100 * DAY, day)]).await;
    }
    for (before, expected) in [
        (START, None),
        (START + 1, Some(0)),
        (START + DAY, Some(0)),
        (START + 3 * DAY, Some(2)),
        (START + 200 * DAY, Some(2)),
        (START + 201 * DAY, Some(200)),
        (START + 9999 * DAY, Some(201)),
    ] {
        let expected = expected.map(message);
        assert!(
            expected
                .as_ref()
                .is_none_or(|message| days.contains(&(message.time.seconds() / DAY - START / DAY)))
        );
        let found = world.history.last_before(SourceId(1), at(before)).await.unwrap();
        assert_eq!(found.map(as_read_alone), expected.map(as_read_alone), "{work:?}");
    }
    assert_eq!(world.history.last_before(SourceId(3), at(START)).await, Ok(None));
    world.close().await;
}

async fn a_long_span_comes_in_pieces<P: Place>(place: &P, work: Work) {
    const COUNT: i64 = 12_000;
    let world = World::open(place, work).await;
    let message = |number: i64| telemetry(1, START + 300 * number, number);
    for start in (0..COUNT).step_by(2000) {
        world.add((start..start + 2000).map(message).collect()).await;
    }
    if work == Work::AtTheEnd {
        world.place.work().await;
    }
    for order in [Order::Ascending, Order::Descending] {
        let mut messages = world.history.read(SourceId(1), all(), order);
        let mut seen = 0;
        while let Some(piece) = messages.next().await.unwrap() {
            assert!(!piece.is_empty() && piece.len() <= COUNT as usize / 2, "{} at once", piece.len());
            for found in piece {
                let number = if order == Order::Ascending { seen } else { COUNT - 1 - seen };
                assert_eq!(as_read_alone(found), as_read_alone(message(number)));
                seen += 1;
            }
        }
        assert_eq!(seen, COUNT);
        assert_eq!(messages.next().await, Ok(None));
    }
    // What happens between two pieces disturbs neither.
    let mut messages = world.history.read(SourceId(1), at(START)..at(START + 300 * COUNT), Order::Ascending);
    let mut seen = messages.next().await.unwrap().unwrap();
    world.add(vec![message(COUNT), telemetry(2, START, 0)]).await;
    world.place.work().await;
    while let Some(piece) = messages.next().await.unwrap() {
        seen.extend(piece);
        world.place.work().await;
    }
    assert_eq!(as_read(seen), as_read((0..COUNT).map(message).collect()));
    world.close().await;
}

async fn an_erased_source_is_forgotten<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let message = |source: i64, number: i64| telemetry(source, START + number * DAY, number);
    world.add((0..20).flat_map(|number| [message(1, number), message(2, number)]).collect()).await;
    world.place.work().await;
    world.add((20..30).flat_map(|number| [message(1, number), message(2, number)]).collect()).await;
    world.history.erase(SourceId(1)).await.unwrap();
    let others: Vec<_> = (0..30).map(|number| message(2, number)).collect();
    world.expect(1, all(), &[]).await;
    world.expect(2, all(), &others).await;
    // What comes in after it is new, even when it was there before.
    world.add(vec![message(1, 3), message(1, 33)]).await;
    world.expect(1, all(), &[message(1, 3), message(1, 33)]).await;
    world.history.erase(SourceId(77)).await.unwrap();
    world.expect(2, all(), &others).await;
    world.close().await;
}

async fn what_is_old_is_dropped<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let message = |day: i64| telemetry(1, START + day * DAY, day);
    for start in (0..200).step_by(20) {
        world.add((start..start + 20).map(message).collect()).await;
    }
    world.history.drop_before(at(START)).await.unwrap();
    world.expect_now(1, all(), &(0..200).map(message).collect::<Vec<_>>()).await;
    world.history.drop_before(at(START + 100 * DAY)).await.unwrap();
    let kept = read(&*world.history, 1, all(), Order::Ascending).await;
    let dropped = 200 - kept.len() as i64;
    assert!((60..=100).contains(&dropped), "{dropped} days are gone");
    assert_eq!(kept, as_read((dropped..200).map(message).collect()));
    world.history.drop_before(at(START + 100 * DAY)).await.unwrap();
    world.expect_now(1, all(), &kept).await;
    world.place.work().await;
    world.expect(1, at(START + 100 * DAY)..at(START + 999 * DAY), &kept[(100 - dropped) as usize..]).await;
    world.close().await;
}

async fn many_of_one_moment_keep_their_order<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let messages: Vec<_> = (0..2500).map(|number| telemetry(1, START + number / 2400, number)).collect();
    for messages in messages.chunks(500) {
        world.add(messages.to_vec()).await;
    }
    world.expect(1, all(), &messages).await;
    world.close().await;
}

/// Each stands as a message of its own beside the record that it completes, once, as it was learned first.
async fn what_was_learned_later_is_in_its_place<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let messages: Vec<_> = (0..4).map(|number| telemetry(1, START + 60 * number, number)).collect();
    world.add(messages.clone()).await;
    let learned = |of: &Telemetry, received, lng| {
        let place = Coordinates::new(54.0, lng).unwrap();
        let fix = Fix { source: PositionSource::Cells, ..Fix::at(place) };
        let completes = Some(of.hash);
        Derived { source: of.source, received: at(received), time: of.time, completes, fix }
    };
    let first = learned(&messages[1], START + 500, 25.0);
    let again = learned(&messages[1], START + 900, 26.0);
    let weeks_later = learned(&messages[2], START + 30 * DAY, 27.0);
    let alone = Derived { completes: None, time: at(START - 60), ..learned(&messages[3], START, 28.0) };
    for derived in [&first, &again, &weeks_later, &alone, &alone] {
        let position = world.journal.append(vec![Record::Derived(derived.clone())]).await.unwrap();
        world.history.caught_up_to(Position(position.0 + 1)).await.unwrap();
        if work == Work::Always {
            world.place.work().await;
        }
    }
    let [zero, one, two, three] = [0, 1, 2, 3].map(|number: usize| messages[number].clone());
    let [first, weeks_later, alone] = [first, weeks_later, alone].map(|derived| derived.as_telemetry());
    world.expect(1, all(), &[alone, zero, one, first, two, weeks_later, three]).await;
    world.close().await;
}

async fn only_telemetry_is_kept<P: Place>(place: &P, work: Work) {
    let mut world = World::open(place, work).await;
    let contact =
        domain::Contact { source: SourceId(1), received: at(START), kind: domain::ContactKind::Heartbeat };
    let message = telemetry(1, START, 0);
    let first =
        world.journal.append(vec![Record::Contact(contact), Record::Telemetry(message.clone())]).await;
    world.history.caught_up_to(Position(first.unwrap().0 + 2)).await.unwrap();
    world.expect(1, all(), &[message]).await;
    world.close().await;
}

/// Everything that `read` gives, made `as_read`.
///
/// # Panics
/// When it fails.
pub async fn read(
    history: &dyn History,
    source: i64,
    span: Range<Timestamp>,
    order: Order,
) -> Vec<Telemetry> {
    let mut messages = history.read(SourceId(source), span, order);
    let mut read = Vec::new();
    while let Some(piece) = messages.next().await.unwrap() {
        assert!(!piece.is_empty());
        read.extend(piece);
    }
    as_read(read)
}

/// Messages with shortened hashes: an implementation need not keep more of them.
pub fn as_read(messages: Vec<Telemetry>) -> Vec<Telemetry> {
    messages.into_iter().map(as_read_alone).collect()
}

fn as_read_alone(message: Telemetry) -> Telemetry {
    Telemetry { hash: message.hash.shortened(), ..message }
}

/// A message of `source` at a second, like no other of another number.
///
/// # Panics
/// Never: its inputs are in the vocabulary.
pub fn telemetry(source: i64, seconds: i64, number: i64) -> Telemetry {
    let time = at(seconds);
    let degrees = (number % 1_000_000) as f64 / 1e5;
    let mut message = Message { time: Some(time), ..Message::default() };
    message.fix = Some(Fix::at(Coordinates::new(54.0 + degrees, 25.0 - degrees).unwrap()));
    message.inputs.push(InputName::find("ignition").unwrap(), number % 3 == 0);
    message.inputs.push(InputName::find("analog_1").unwrap(), number as f64 / 8.0);
    Telemetry {
        source: SourceId(source),
        received: at(seconds + 2),
        time,
        time_origin: TimeOrigin::Device,
        hash: RecordHash::of(&number.to_le_bytes()),
        message,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn all() -> Range<Timestamp> {
    Timestamp::from_millis(i64::MIN)..Timestamp::from_millis(i64::MAX)
}
