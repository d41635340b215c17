//! `Live` over a journal in memory: it folds, tells, remembers, and comes back as it was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod support;

use domain::{ConnectionStatus, ConnectionTimeouts, ContactKind, Record, SourceId, State, Timestamp};
use live::{Feed, FeedEvent, Live, Options, SnapshotError, Stopped};
use proptest::prelude::*;
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use store::journal::{Journal, JournalError, Position};
use support::{MemoryJournal, TestClock, at, contact, message};
use telemetry::{SourceSettings, apply, connection_status};
use tokio::time;

const CAR: SourceId = SourceId(1);

fn start(journal: &MemoryJournal, dir: &Path, options: Options) -> Live {
    Live::start(Arc::new(journal.clone()), TestClock::start(), dir, options).unwrap()
}

fn latitude(live: &Live, source: SourceId) -> Option<f64> {
    live.with_state(source, |state| state.fix.map(|latest| latest.fix.coordinates.lat())).flatten()
}

fn snapshots(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The seconds after `began` at which the connection status of the car changes, and what it becomes, until nothing more
/// is heard.
async fn transitions(
    began: time::Instant,
    live: &Live,
    feed: &mut Feed,
    settings: SourceSettings,
) -> Vec<(u64, ConnectionStatus)> {
    let mut seen = vec![];
    while let Ok(event) = time::timeout(Duration::from_secs(3600), feed.next()).await {
        let Some(FeedEvent::Changed(CAR, change)) = event else { panic!("{event:?}") };
        if change.connection {
            let after = began.elapsed();
            let now = at(0).plus(after);
            let status =
                live.with_state(CAR, |state| connection_status(state, now, &settings.timeouts)).unwrap();
            seen.push((after.as_secs(), status));
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn what_is_committed_shows_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![message(1, -1, 1.0)]);
    let live = start(&journal, dir.path(), Options::default());
    live.caught_up_to(Position(1)).await.unwrap();
    assert_eq!(latitude(&live, CAR), Some(1.0));
    assert_eq!(live.state(SourceId(2)), None);

    let mut feed = live.feed();
    let first = journal.append(vec![message(1, 0, 2.0), message(65, 0, 3.0)]).await.unwrap();
    live.caught_up_to(Position(first.0 + 2)).await.unwrap();
    assert_eq!((latitude(&live, CAR), latitude(&live, SourceId(65))), (Some(2.0), Some(3.0)));
    assert_eq!((live.position(), live.sources()), (Position(3), 2));
    for (source, connection) in [(CAR, false), (SourceId(65), true)] {
        let Some(FeedEvent::Changed(told, change)) = feed.next().await else { panic!() };
        assert_eq!((told, change.fix, change.values, change.connection), (source, true, true, connection));
    }
}

#[tokio::test(start_paused = true)]
async fn changes_by_time_alone_are_told() {
    let began = time::Instant::now();
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![]);
    let live = start(&journal, dir.path(), Options::default());
    let mut feed = live.feed();
    assert!(time::timeout(Duration::from_secs(10), feed.next()).await.is_err(), "nothing happens");
    journal.commit([message(1, 10, 1.0)]);
    use ConnectionStatus::{Active, Idle, Offline};
    let expected = [(10, Active), (310, Idle), (610, Offline)];
    assert_eq!(transitions(began, &live, &mut feed, SourceSettings::default()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_whole_fleet_can_fall_silent_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![]);
    let live = start(&journal, dir.path(), Options::default());
    let end = journal.commit((0..2500).map(|source| message(source, 0, 1.0)));
    live.caught_up_to(end).await.unwrap();
    let mut feed = live.feed();
    let mut idle = HashSet::new();
    while idle.len() < 2500 {
        let Some(FeedEvent::Changed(source, change)) = feed.next().await else { panic!() };
        assert!(change.connection && idle.insert(source));
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_tells_of_what_time_changes_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![message(1, -100, 1.0)]);
    let live = start(&journal, dir.path(), Options::default());
    live.caught_up_to(Position(1)).await.unwrap();
    live.stop().await;

    let began = time::Instant::now();
    let live = start(&journal, dir.path(), Options::default());
    assert_eq!(live.state(CAR).unwrap().connection.last_packet, Some(at(-100)), "known from the snapshot");
    let seen = transitions(began, &live, &mut live.feed(), SourceSettings::default()).await;
    assert_eq!(seen, [(200, ConnectionStatus::Idle), (500, ConnectionStatus::Offline)]);
}

#[tokio::test(start_paused = true)]
async fn new_settings_hold_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let offline_after = |seconds| SourceSettings {
        timeouts: ConnectionTimeouts {
            offline: Duration::from_secs(seconds),
            ..ConnectionTimeouts::default()
        },
        ..SourceSettings::default()
    };
    let journal = MemoryJournal::new(vec![]);
    let began = time::Instant::now();
    let options = Options { settings: vec![(CAR, offline_after(86_400))], ..Options::default() };
    let live = start(&journal, dir.path(), options);
    assert_eq!(live.settings(CAR), offline_after(86_400));
    let mut feed = live.feed();
    journal.commit([message(1, 0, 1.0)]);
    let Some(FeedEvent::Changed(CAR, _)) = feed.next().await else { panic!() };

    // Nothing is due for 5 minutes, then for a day: the time-out is shortened below both.
    live.set_settings(CAR, offline_after(30));
    let seen = transitions(began, &live, &mut feed, offline_after(30)).await;
    assert_eq!(seen, [(30, ConnectionStatus::Offline)]);

    live.set_settings(CAR, SourceSettings::default());
    assert_eq!(live.settings(CAR), SourceSettings::default());
    live.set_settings(CAR, offline_after(86_400));
    let Some(FeedEvent::Changed(CAR, change)) = feed.next().await else { panic!() };
    assert!(change.connection, "an hour after its packet the car is not offline any more");
}

#[tokio::test(start_paused = true)]
async fn who_lags_is_told_how_much_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![]);
    let live = start(&journal, dir.path(), Options { feed_capacity: 4, ..Options::default() });
    let mut feed = live.feed();
    let end = journal.commit((0..10).map(|second| message(1, second, 1.0 + second as f64)));
    live.caught_up_to(end).await.unwrap();
    assert_eq!(feed.next().await, Some(FeedEvent::Lost(6)));
    for _ in 0..4 {
        assert!(matches!(feed.next().await, Some(FeedEvent::Changed(CAR, _))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![message(1, 0, 1.0)]);
    let live = start(&journal, dir.path(), Options::default());
    let mut feed = live.feed();
    live.caught_up_to(Position(1)).await.unwrap();
    let (waited, ()) = tokio::join!(live.caught_up_to(Position(2)), live.stop());
    assert_eq!(waited, Err(Stopped));
    assert!(matches!(feed.next().await, Some(FeedEvent::Changed(..))));
    assert_eq!(feed.next().await, None);
    assert_eq!(latitude(&live, CAR), Some(1.0), "states can still be read");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![message(1, 0, 1.0)]);
    let error = JournalError::Failed("an unreadable sector".into());
    journal.fail_next_read(error.clone());
    let live = start(&journal, dir.path(), Options::default());
    while journal.followed().is_empty() || live.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(live.trouble(), Some(error));
    live.caught_up_to(Position(1)).await.unwrap();
    assert_eq!(live.trouble(), None);
    assert_eq!(journal.followed(), [Position(0), Position(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_taken_every_so_many_records_and_two_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![]);
    let live = start(&journal, dir.path(), Options { snapshot_every: 2000, ..Options::default() });
    let commit = |count: i64| journal.commit((0..count).map(|second| message(second % 7, second, 1.0)));
    live.caught_up_to(commit(2000)).await.unwrap();
    while snapshots(dir.path()).first().is_none_or(|path| path.ends_with("unfinished")) {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        live.caught_up_to(commit(100)).await.unwrap();
    }
    live.stop().await;
    assert_eq!(snapshots(dir.path()), at_positions(dir.path(), [2000, 3000]));

    // A stop with nothing new adds nothing; later ones take the place of the oldest.
    for (more, kept) in [(0, [2000, 3000]), (1, [3000, 3001])] {
        let live = start(&journal, dir.path(), Options::default());
        live.caught_up_to(commit(more)).await.unwrap();
        live.stop().await;
        assert_eq!(snapshots(dir.path()), at_positions(dir.path(), kept));
    }
}

fn at_positions(dir: &Path, positions: [u64; 2]) -> Vec<PathBuf> {
    positions.map(|position| dir.join(format!("{position:020}.snapshot"))).into()
}

/// Two snapshots at 1 and 2, of a car whose latitude is the number of its records.
async fn two_snapshots() -> (MemoryJournal, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new(vec![]);
    for second in 1..=2 {
        let live = start(&journal, dir.path(), Options::default());
        let end = journal.commit([message(1, second, second as f64)]);
        live.caught_up_to(end).await.unwrap();
        live.stop().await;
    }
    (journal, dir)
}

#[tokio::test(start_paused = true)]
async fn a_broken_snapshot_is_passed_over() {
    for break_it in [
        |bytes: &mut Vec<u8>| bytes.truncate(10),
        |bytes: &mut Vec<u8>| bytes.clear(),
        |bytes: &mut Vec<u8>| bytes[20] ^= 1,
        |bytes: &mut Vec<u8>| *bytes = b"something else altogether".to_vec(),
    ] {
        for (broken, position) in [(1..2, 1), (0..2, 0)] {
            let (journal, dir) = two_snapshots().await;
            for path in &snapshots(dir.path())[broken] {
                let mut bytes = fs::read(path).unwrap();
                break_it(&mut bytes);
                fs::write(path, bytes).unwrap();
            }
            let live = start(&journal, dir.path(), Options::default());
            live.caught_up_to(Position(2)).await.unwrap();
            assert_eq!(journal.followed().last(), Some(&Position(position)));
            assert_eq!(latitude(&live, CAR), Some(2.0));
            live.stop().await;
            assert!(snapshots(dir.path()).last().unwrap().ends_with("00000000000000000002.snapshot"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_snapshot_is_refused() {
    let (journal, dir) = two_snapshots().await;
    let newest = snapshots(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes[8] = 3;
    let content = bytes.len() - 4;
    let checksum = crc32fast::hash(&bytes[..content]).to_le_bytes();
    bytes[content..].copy_from_slice(&checksum);
    fs::write(&newest, &bytes).unwrap();

    let started = Live::start(Arc::new(journal), TestClock::start(), dir.path(), Options::default());
    let Err(SnapshotError::Newer { path, found: 3, known: 2 }) = started else { panic!() };
    assert_eq!(path, newest);
    assert_eq!(fs::read(&newest).unwrap(), bytes, "it is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_ahead_of_the_journal_is_passed_over() {
    let (_, dir) = two_snapshots().await;
    let restored = MemoryJournal::new(vec![message(1, 1, 1.0)]);
    let live = start(&restored, dir.path(), Options::default());
    assert_eq!(live.position(), Position(1));
    assert_eq!(latitude(&live, CAR), Some(1.0));
}

/// Records of three sources, some late, and ends of connections.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let record = (1..4_i64, 0..1000_i64, -80.0..80.0_f64, 0..6_u8);
    proptest::collection::vec(record, 0..200).prop_map(|records| {
        let one = |(at, (source, late, lat, kind)): (usize, (i64, i64, f64, u8))| {
            let received = at as i64 * 30;
            match kind {
                0 => contact(source, received, ContactKind::Lost),
                1 => contact(source, received, ContactKind::Heartbeat),
                2 => {
                    let mut record = message(source, received, lat);
                    if let Record::Telemetry(telemetry) = &mut record {
                        telemetry.time = Timestamp::from_seconds(telemetry.time.seconds() - late);
                    }
                    record
                }
                _ => message(source, received, lat),
            }
        };
        records.into_iter().enumerate().map(one).collect()
    })
}

fn folded(records: &[Record]) -> HashMap<SourceId, State> {
    let mut states = HashMap::<_, State>::new();
    for record in records {
        let state = states.entry(record.source().unwrap()).or_default();
        apply(state, record, &SourceSettings::default());
    }
    states
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often it stops and starts on the way, from snapshots or without: the states are those of the journal.
    #[test]
    fn the_journal_alone_decides_the_states(
        records in records(),
        stops in proptest::collection::vec((0..200_usize, any::<bool>()), 0..5),
        snapshot_every in 1..50_u64,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let journal = MemoryJournal::new(vec![]);
            let mut committed = 0;
            let mut stops = stops;
            stops.sort();
            for (stop, forgets) in stops.into_iter().chain([(records.len(), false)]) {
                let stop = stop.clamp(committed, records.len());
                let options = Options { snapshot_every, ..Options::default() };
                let live = start(&journal, dir.path(), options);
                let end = journal.commit(records[committed..stop].iter().cloned());
                committed = stop;
                live.caught_up_to(end).await.unwrap();
                let expected = folded(&records[..stop]);
                prop_assert_eq!(live.sources(), expected.len());
                for (source, state) in expected {
                    prop_assert_eq!(live.state(source), Some(state));
                }
                live.stop().await;
                if forgets {
                    snapshots(dir.path()).into_iter().for_each(|path| fs::remove_file(path).unwrap());
                }
            }
            Ok(())
        })?;
    }
}
