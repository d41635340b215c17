//! What every journal has to do, whatever it is made of. An implementation's tests call `check`.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use super::{Committed, Follower, Journal, JournalError, Position};
use domain::{Contact, ContactKind, Problem, Record, SourceId, Timestamp};
use std::{collections::BTreeMap, future::Future, sync::Arc, task::Poll};

/// A place where a journal of the implementation lives, empty at first.
pub trait Place: Send + Sync {
    /// Opens the journal that is here, with all that was committed before.
    fn open(&self) -> impl Future<Output = Arc<dyn Journal>> + Send;

    /// Commits what waits and closes it. It may still be referred to.
    fn close(&self, journal: &Arc<dyn Journal>) -> impl Future<Output = ()> + Send;
}

/// Runs the whole suite, each case in a place of its own. Needs a Tokio runtime.
///
/// # Panics
/// When the implementation does not conform.
pub async fn check<P: Place + 'static>(make_place: impl Fn() -> P) {
    positions_count_records(&make_place()).await;
    followers_start_anywhere(&make_place()).await;
    a_follower_that_waits_gets_the_next_commit(&make_place()).await;
    a_call_given_up_loses_nothing(&make_place()).await;
    notes_are_followed(&make_place()).await;
    appenders_do_not_disturb_each_other(&make_place()).await;
    a_lagging_follower_misses_nothing(&make_place()).await;
    what_was_committed_is_there_when_opened_again(&make_place()).await;
    a_closed_journal_refuses(&make_place()).await;
}

async fn positions_count_records(place: &impl Place) {
    let journal = place.open().await;
    assert_eq!(journal.end(), Position(0));
    assert_eq!(journal.trouble(), None);
    assert_eq!(journal.append(records(1, 0..3)).await, Ok(Position(0)));
    assert_eq!(journal.end(), Position(3));
    assert_eq!(journal.append(Vec::new()).await, Ok(Position(3)));
    assert_eq!(journal.append(records(1, 3..4)).await, Ok(Position(3)));
    assert_eq!(journal.end(), Position(4));
    place.close(&journal).await;
}

async fn followers_start_anywhere(place: &impl Place) {
    let journal = place.open().await;
    for start in [0, 4, 8] {
        journal.append(records(1, start..start + 4)).await.unwrap();
    }
    for from in 0..12 {
        let seen = follow(&mut *journal.follow(Position(from)), 12).await;
        assert_eq!(seen, numbered(from, records(1, from..12)), "from {from}");
    }
    // Those that began at the end, or beyond it, wait.
    let mut at_end = journal.follow(Position(12));
    let mut beyond = journal.follow(Position(14));
    journal.append(records(1, 12..16)).await.unwrap();
    assert_eq!(follow(&mut *at_end, 16).await, numbered(12, records(1, 12..16)));
    assert_eq!(follow(&mut *beyond, 16).await, numbered(14, records(1, 14..16)));
    place.close(&journal).await;
}

async fn a_follower_that_waits_gets_the_next_commit(place: &impl Place) {
    let journal = place.open().await;
    let mut follower = journal.follow(Position(0));
    let waiting = tokio::spawn(async move { follow(&mut *follower, 2).await });
    tokio::task::yield_now().await;
    journal.append(records(1, 0..2)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), numbered(0, records(1, 0..2)));
    place.close(&journal).await;
}

async fn a_call_given_up_loses_nothing(place: &impl Place) {
    let journal = place.open().await;
    journal.append(records(1, 0..20)).await.unwrap();
    let mut follower = journal.follow(Position(0));
    let mut seen = Vec::new();
    while seen.len() < 20 {
        // Polled once and dropped; then awaited.
        let mut given_up = follower.next();
        let once = std::future::poll_fn(|context| Poll::Ready(given_up.as_mut().poll(context))).await;
        drop(given_up);
        let batch = match once {
            Poll::Ready(batch) => batch.unwrap(),
            Poll::Pending => follower.next().await.unwrap(),
        };
        seen.extend(numbered_batch(&batch));
    }
    assert_eq!(seen, numbered(0, records(1, 0..20)));
    place.close(&journal).await;
}

async fn notes_are_followed(place: &impl Place) {
    let journal = place.open().await;
    let contact =
        Contact { source: SourceId(5), received: Timestamp::from_millis(17), kind: ContactKind::Heartbeat };
    journal.note(contact);
    journal.append(records(1, 0..1)).await.unwrap();
    let mut seen = follow(&mut *journal.follow(Position(0)), 2).await;
    seen.sort_by_key(|(_, record)| record.source());
    assert_eq!(seen[1].1, Record::Contact(contact));
    place.close(&journal).await;
}

async fn appenders_do_not_disturb_each_other(place: &impl Place) {
    const APPENDERS: i64 = 20;
    const APPENDS: u64 = 30;
    let journal = place.open().await;
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|source| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                let mut positions = Vec::new();
                let mut number = 0;
                for length in 0..APPENDS {
                    let batch = records(source, number..number + length % 4 + 1);
                    number += batch.len() as u64;
                    let count = batch.len() as u64;
                    let first = journal.append(batch).await.unwrap().0;
                    positions.extend(first..first + count);
                }
                positions
            })
        })
        .collect();
    let mut expected = BTreeMap::new();
    for (source, task) in (0..APPENDERS).zip(tasks) {
        for (number, position) in (0..).zip(task.await.unwrap()) {
            let before = expected.insert(position, record(source, number));
            assert_eq!(before, None, "position {position} was given twice");
        }
    }
    let end = journal.end().0;
    let seen = follow(&mut *journal.follow(Position(0)), end).await;
    assert_eq!(seen, expected.into_iter().collect::<Vec<_>>());
    place.close(&journal).await;
}

/// Enough to leave what an implementation keeps in memory.
async fn a_lagging_follower_misses_nothing(place: &impl Place) {
    const BYTES: usize = 200_000;
    const RECORDS: u64 = 100;
    let large = |number: u64| {
        Record::Problem(Problem {
            source: None,
            received: Timestamp::from_millis(number as i64),
            protocol: "none".into(),
            error: "large".into(),
            bytes: vec![number as u8; BYTES].into(),
        })
    };
    let journal = place.open().await;
    let mut lagging = journal.follow(Position(0));
    let mut live = journal.follow(Position(0));
    for number in 0..RECORDS {
        assert_eq!(journal.append(vec![large(number)]).await, Ok(Position(number)));
        assert_eq!(follow(&mut *live, number + 1).await, [(number, large(number))]);
        if number == RECORDS / 2 {
            let half = follow(&mut *lagging, number).await;
            assert!(half.iter().map(|(position, _)| *position).eq(0..half.len() as u64));
        }
    }
    // It goes from the stored records to the live ones while more come.
    let rest = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            for number in RECORDS..RECORDS + 20 {
                journal.append(vec![large(number)]).await.unwrap();
            }
        })
    };
    let seen = follow(&mut *lagging, RECORDS + 20).await;
    let first = seen[0].0;
    assert!(first <= RECORDS / 2 + 1);
    for (expected, (position, record)) in (first..).zip(&seen) {
        assert_eq!((position, record), (&expected, &large(expected)));
    }
    rest.await.unwrap();
    place.close(&journal).await;
}

async fn what_was_committed_is_there_when_opened_again(place: &impl Place) {
    for round in 0..3 {
        let journal = place.open().await;
        assert_eq!(journal.end(), Position(round * 10));
        let mut follower = journal.follow(Position(0));
        for number in 0..5 {
            let start = round * 10 + number * 2;
            assert_eq!(journal.append(records(1, start..start + 2)).await, Ok(Position(start)));
        }
        let end = round * 10 + 10;
        assert_eq!(follow(&mut *follower, end).await, numbered(0, records(1, 0..end)));
        place.close(&journal).await;
    }
}

async fn a_closed_journal_refuses(place: &impl Place) {
    let journal = place.open().await;
    let mut follower = journal.follow(Position(0));
    let waiting: Vec<_> = (0..10).map(|number| journal.append(records(1, number..number + 1))).collect();
    place.close(&journal).await;
    // Those that had room in the queue are committed; those that waited for room may be refused.
    let mut committed = 0;
    for append in waiting {
        match append.await {
            Ok(first) => {
                assert_eq!(first, Position(committed));
                committed += 1;
            }
            Err(error) => assert_eq!(error, JournalError::Closed),
        }
    }
    assert!(committed > 0);
    assert_eq!(journal.append(records(1, 10..11)).await, Err(JournalError::Closed));
    assert_eq!(journal.trouble(), Some(JournalError::Closed));
    journal.note(Contact {
        source: SourceId(1),
        received: Timestamp::from_millis(0),
        kind: ContactKind::Lost,
    });
    assert_eq!(follow(&mut *follower, committed).await, numbered(0, records(1, 0..committed)));
    assert_eq!(follower.next().await, Err(JournalError::Closed));
    assert_eq!(journal.end(), Position(committed));
}

/// Reads until the record before `end` was seen.
async fn follow(follower: &mut dyn Follower, end: u64) -> Vec<(u64, Record)> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(position, _)| position + 1 < end) {
        let batch = follower.next().await.unwrap();
        assert!(!batch.records.is_empty());
        seen.extend(numbered_batch(&batch));
    }
    seen
}

fn numbered_batch(batch: &Committed) -> Vec<(u64, Record)> {
    numbered(batch.first.0, batch.records.clone())
}

fn numbered(first: u64, records: Vec<Record>) -> Vec<(u64, Record)> {
    (first..).zip(records).collect()
}

fn records(source: i64, numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers.map(|number| record(source, number)).collect()
}

fn record(source: i64, number: u64) -> Record {
    Record::Contact(Contact {
        source: SourceId(source),
        received: Timestamp::from_millis(number as i64),
        kind: ContactKind::Heartbeat,
    })
}
