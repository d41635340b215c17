//! What an opened journal makes of files that were torn, damaged, or written by a newer program.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use domain::{Problem, Record, Timestamp};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{
    disk::{Disk, SimulatedDisk},
    journal::{
        EmbeddedJournal, Journal, JournalConfig, JournalError, OpenError, Position, read_all, read_all_on,
    },
};

const SEGMENT_HEADER: usize = 24;
const BLOCK_HEADER: usize = 28;
/// A block of one record of this test.
const BLOCK: usize = BLOCK_HEADER + 100;

fn record(number: u64) -> Record {
    // 11 bytes stand around them.
    Record::Problem(Problem {
        source: None,
        received: Timestamp::from_millis(1 << 30),
        protocol: "".into(),
        error: "".into(),
        bytes: vec![number as u8; 100 - 10].into(),
    })
}

fn segment(first: u64) -> PathBuf {
    Path::new("/data/journal").join(format!("{first:020}.seg"))
}

/// Where block `number` of a segment stands.
fn block(number: usize) -> Range<usize> {
    let start = SEGMENT_HEADER + number * BLOCK;
    start..start + BLOCK
}

/// Four blocks of one record in each file.
fn config() -> JournalConfig {
    let segment_bytes = block(3).end as u64;
    JournalConfig { segment_bytes, min_free_bytes: 0, ..JournalConfig::default() }
}

fn open(disk: &SimulatedDisk) -> EmbeddedJournal {
    EmbeddedJournal::open_on(Arc::new(disk.clone()), Path::new("/data"), config()).unwrap()
}

async fn append(journal: &EmbeddedJournal, numbers: Range<u64>) {
    for number in numbers {
        assert_eq!(journal.append(vec![record(number)]).await, Ok(Position(number)));
    }
}

/// Ten records: in the files of 0, 4 and 8.
async fn ten_records() -> SimulatedDisk {
    let disk = SimulatedDisk::new(7);
    let journal = open(&disk);
    append(&journal, 0..10).await;
    journal.close().await;
    disk
}

/// What a follower sees, and what `read_all` sees; they agree.
async fn all(disk: &SimulatedDisk, journal: &EmbeddedJournal) -> Vec<u64> {
    let mut followed = BTreeMap::new();
    let mut follower = journal.follow(Position(0));
    while followed.last_key_value().is_none_or(|(position, _)| position + 1 < journal.end().0) {
        let batch = follower.next().await.unwrap();
        followed.extend((batch.first.0..).zip(batch.records.clone()));
    }
    let read = read_all_on(Arc::new(disk.clone()), Path::new("/data")).unwrap();
    let read = read.flat_map(|batch| {
        let batch = batch.unwrap();
        (batch.first.0..).zip(batch.records)
    });
    assert_eq!(read.collect::<BTreeMap<_, _>>(), followed);
    for (position, found) in &followed {
        assert_eq!(found, &record(*position));
    }
    followed.into_keys().collect()
}

#[tokio::test]
async fn damage_is_counted_and_skipped() {
    let header = |number| block(number).start..block(number).start + BLOCK_HEADER;
    let payload = |number| block(number).start + BLOCK_HEADER..block(number).end;
    for (what, file, range, lost) in [
        ("records of a block", 0, payload(1), 1..2),
        ("the header of a block", 0, header(1), 1..2),
        ("two blocks", 0, block(1).start..block(2).end, 1..3),
        ("one byte of a length", 0, header(2).start + 4..header(2).start + 5, 2..3),
        ("the last block of an older file", 0, payload(3), 3..4),
        ("the last header of an older file", 4, header(3), 7..8),
        ("the header of an older file", 0, 0..SEGMENT_HEADER, 0..0),
        ("the version of an older file", 4, 8..9, 0..0),
        ("a block of the last file that has another behind it", 8, payload(0), 8..9),
    ] {
        let disk = ten_records().await;
        disk.damage(&segment(file), range);
        let journal = open(&disk);
        append(&journal, 10..12).await;
        let expected: Vec<u64> = (0..12).filter(|position| !lost.contains(position)).collect();
        assert_eq!(all(&disk, &journal).await, expected, "{what}");
        assert_eq!(journal.bad_blocks(), 1, "{what}");
        // A second reader tells nothing new.
        all(&disk, &journal).await;
        assert_eq!(journal.bad_blocks(), 1, "{what}");
    }
}

#[tokio::test]
async fn no_damage_stops_the_journal_or_shows_what_was_not_written() {
    for seed in 0..500 {
        let mut random = SmallRng::seed_from_u64(seed);
        let disk = ten_records().await;
        for _ in 0..random.random_range(1..4) {
            let (file, length) = [(0, 4), (4, 4), (8, 2)][random.random_range(0..3)];
            let start = random.random_range(0..block(length - 1).end);
            let end = random.random_range(start..=block(length - 1).end.min(start + 300));
            disk.damage(&segment(file), start..end);
        }
        let journal = open(&disk);
        let start = journal.end().0;
        assert!((8..=10).contains(&start), "seed {seed}");
        append(&journal, start..start + 2).await;
        let found = all(&disk, &journal).await;
        assert!(found.ends_with(&[start, start + 1]), "seed {seed}: {found:?}");
        assert!(found.len() as u64 == start + 2 || journal.bad_blocks() > 0, "seed {seed}: silently lost");
    }
}

#[tokio::test]
async fn followers_start_behind_damage() {
    let disk = ten_records().await;
    disk.damage(&segment(0), block(0).start..block(2).end);
    let journal = open(&disk);
    for from in 0..4 {
        assert_eq!(journal.follow(Position(from)).next().await.unwrap().first, Position(3), "from {from}");
    }
}

#[tokio::test]
async fn a_lost_file_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path(), config()).unwrap();
    append(&journal, 0..10).await;
    drop(journal);
    fs::remove_file(folder.path().join("journal").join(segment(4).file_name().unwrap())).unwrap();
    let mut read = read_all(folder.path()).unwrap();
    let positions: Vec<u64> = read.by_ref().map(|batch| batch.unwrap().first.0).collect();
    assert_eq!(positions, [0, 1, 2, 3, 8, 9]);
    assert_eq!(read.bad_blocks(), 1);
}

#[tokio::test]
async fn an_unfinished_commit_is_cut_off() {
    let whole = {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path(), config()).unwrap();
        append(&journal, 0..2).await;
        drop(journal);
        fs::read(folder.path().join("journal").join(segment(0).file_name().unwrap())).unwrap()
    };
    let garbage = [&whole[..block(0).end], &[0xa5; 60]].concat();
    for (what, bytes, end) in [
        ("half a header", &whole[..block(1).start + 10], 1),
        ("half the records", &whole[..block(1).end - 1], 1),
        ("zeros", &[&whole[..block(1).start], &[0; BLOCK]].concat()[..], 1),
        ("garbage", &garbage, 1),
        ("no whole block", &whole[..block(0).end - 1], 0),
        ("half a file header", &whole[..5], 0),
        ("nothing", &[], 0),
        ("everything", &whole, 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal").join(segment(0).file_name().unwrap());
        fs::create_dir(folder.path().join("journal")).unwrap();
        OpenOptions::new().create_new(true).write(true).open(&file).unwrap().write_all(bytes).unwrap();
        let before = read_all(folder.path()).unwrap().count() as u64;
        assert_eq!(before, end, "{what}: read without opening");
        let journal = EmbeddedJournal::open(folder.path(), config()).unwrap();
        assert_eq!(journal.end(), Position(end), "{what}");
        assert_eq!(journal.bad_blocks(), 0, "{what}");
        if end > 0 {
            assert_eq!(fs::metadata(&file).unwrap().len(), block(end as usize - 1).end as u64, "{what}");
        }
        append(&journal, end..end + 2).await;
        drop(journal);
        let positions: Vec<_> =
            read_all(folder.path()).unwrap().map(|batch| batch.unwrap().first.0).collect();
        assert_eq!(positions, (0..end + 2).collect::<Vec<_>>(), "{what}");
    }
}

#[tokio::test]
async fn positions_are_never_given_twice() {
    // The last commit before a file was begun is damaged, and the new file is still empty.
    let disk = SimulatedDisk::new(7);
    let journal = open(&disk);
    append(&journal, 0..4).await;
    disk.set_capacity(Some((block(3).end + SEGMENT_HEADER) as u64));
    assert_eq!(journal.append(vec![record(4)]).await, Err(JournalError::LowSpace));
    journal.close().await;
    disk.set_capacity(None);
    disk.damage(&segment(0), block(3));
    let journal = open(&disk);
    assert_eq!(journal.end(), Position(4));
    append(&journal, 4..6).await;
    assert_eq!(all(&disk, &journal).await, [0, 1, 2, 4, 5]);
    assert_eq!(journal.bad_blocks(), 1);
}

#[tokio::test]
async fn older_files_may_go() {
    let disk = ten_records().await;
    disk.remove(&segment(0)).unwrap();
    let journal = open(&disk);
    assert_eq!(all(&disk, &journal).await, (4..10).collect::<Vec<_>>());
    assert_eq!(journal.bad_blocks(), 0);
    journal.close().await;
    // All but one that was begun and is empty.
    disk.remove(&segment(4)).unwrap();
    disk.damage(&segment(8), block(0).start..block(1).end);
    let journal = open(&disk);
    assert_eq!(journal.end(), Position(8));
    let mut follower = journal.follow(Position(0));
    let (next, ()) = tokio::join!(follower.next(), append(&journal, 8..9));
    assert_eq!(next.unwrap().first, Position(8));
    assert_eq!(all(&disk, &journal).await, [8]);
}

#[tokio::test]
async fn what_was_refused_hides_nothing() {
    let disk = SimulatedDisk::new(7);
    let journal = open(&disk);
    append(&journal, 0..2).await;
    disk.set_capacity(Some(block(2).end as u64 - 1));
    assert_eq!(journal.append(vec![record(2)]).await, Err(JournalError::LowSpace));
    assert_eq!(journal.trouble(), Some(JournalError::LowSpace));
    disk.set_capacity(None);
    append(&journal, 2..4).await;
    assert_eq!(journal.trouble(), None);
    journal.close().await;
    // Without the block before it, only the next file's name tells that the half block in this one was refused.
    disk.damage(&segment(0), block(1).start..block(1).start + BLOCK_HEADER);
    let journal = open(&disk);
    assert_eq!(all(&disk, &journal).await, [0, 2, 3]);
}

#[tokio::test]
async fn a_newer_format_is_refused_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path(), config()).unwrap();
    append(&journal, 0..1).await;
    drop(journal);
    let file = folder.path().join("journal").join(segment(0).file_name().unwrap());
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 3;
    let checksum = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    let expected = format!("{} has format version 3, this program reads up to 2", file.display());
    let refused = EmbeddedJournal::open(folder.path(), config()).err().unwrap();
    assert!(matches!(refused, OpenError::NewerFormat { version: 3, .. }));
    assert_eq!(refused.to_string(), expected);
    assert_eq!(read_all(folder.path()).err().unwrap().to_string(), expected);
}

#[tokio::test]
async fn a_data_directory_has_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path(), config()).unwrap();
    let refused = EmbeddedJournal::open(folder.path(), config()).err().unwrap();
    let expected = format!("the data directory {} is in use by another process", folder.path().display());
    assert_eq!(refused.to_string(), expected);
    append(&journal, 0..3).await;
    assert_eq!(read_all(folder.path()).unwrap().count(), 3, "reading needs no lock");
    drop(journal);
    EmbeddedJournal::open(folder.path(), config()).unwrap();
}

#[tokio::test]
async fn dropping_commits_what_waits() {
    let disk = SimulatedDisk::new(7);
    let journal = open(&disk);
    let waiting: Vec<_> = (0..50).map(|number| journal.append(vec![record(number)])).collect();
    drop(journal);
    for (number, append) in (0..).zip(waiting) {
        assert_eq!(append.await, Ok(Position(number)));
    }
    assert_eq!(open(&disk).end(), Position(50));
}

#[tokio::test]
async fn a_failed_sync_ends_acknowledgements() {
    let disk = SimulatedDisk::new(7);
    let journal = open(&disk);
    append(&journal, 0..2).await;
    disk.fail_sync_after(0);
    let failed = journal.append(vec![record(2)]).await.unwrap_err();
    let expected = "the journal's file failed and takes no more records: \
                    cannot sync segment 0: simulated failure of the medium";
    assert_eq!(failed.to_string(), expected);
    assert_eq!(journal.trouble(), Some(failed.clone()));
    // The disk works again, but nobody can know what it holds.
    assert_eq!(journal.append(vec![record(2)]).await, Err(failed));
    assert_eq!(journal.end(), Position(2));
    drop(journal);
    let journal = open(&disk);
    assert_eq!(journal.trouble(), None);
    let end = journal.end().0;
    append(&journal, end..end + 1).await;
}
