//! The end of a segment's life: a file that takes no more can be packed by whoever follows the journal, and is removed
//! when nobody needs it any longer.

use super::{EmbeddedJournal, Position, block::segment_path};
use crate::lock::RemovalLock;
use std::io;

/// A segment that takes no more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Position of its first record.
    pub first: Position,
    /// Position after its last record.
    pub end: Position,
    /// Length of its file.
    pub bytes: u64,
}

impl EmbeddedJournal {
    /// Asks that the file that is written now takes no more; the next commit begins another. It is soon among
    /// `sealed`. Nothing happens when the file is empty.
    pub fn seal(&self) {
        self.queue.ask_for_seal();
    }

    /// The segments that take no more, in order of their positions.
    pub fn sealed(&self) -> Vec<Sealed> {
        self.commits.sealed()
    }

    /// Waits until a record at `position` or after it is in a segment that takes no more, or the journal has closed.
    pub async fn sealed_beyond(&self, position: Position) {
        let mut progress = self.commits.watch();
        // The sender lives in `self`.
        let _ = progress.wait_for(|progress| progress.sealed > position.0 || progress.is_over).await;
    }

    /// Removes the segments that lie before `position`, oldest first; answers with how many. The newest with records
    /// always stays: positions go on from it. Nothing is removed while somebody copies the data directory. Reads and
    /// writes the disk in the calling thread.
    ///
    /// # Errors
    /// When a file cannot be removed: it stays until the journal is opened again.
    pub fn forget_before(&self, position: Position) -> io::Result<usize> {
        let removing = self.held.as_ref().map(|(data_dir, _)| RemovalLock::try_take(data_dir)).transpose()?;
        if let Some(None) = removing {
            return Ok(0);
        }
        let mut forgotten = 0;
        while let Some(first) = self.commits.forget_oldest(position.0) {
            self.disk.remove(&segment_path(&self.dir, first))?;
            // One by one: a power cut must not take a later file and leave an earlier one.
            self.disk.sync_dir(&self.dir)?;
            forgotten += 1;
        }
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Journal, JournalConfig, JournalError, read_all_on},
        *,
    };
    use crate::{disk::SimulatedDisk, lock::CopyLock};
    use domain::{Contact, ContactKind, Record, SourceId, Timestamp};
    use std::{path::Path, sync::Arc};

    const DATA_DIR: &str = "/data";

    fn open(disk: &SimulatedDisk, segment_records: u64) -> EmbeddedJournal {
        let config =
            JournalConfig { min_free_bytes: 0, recent_bytes: 0, segment_records, ..JournalConfig::default() };
        EmbeddedJournal::open_on(Arc::new(disk.clone()), Path::new(DATA_DIR), config).unwrap()
    }

    fn record(number: u64) -> Record {
        let received = Timestamp::from_millis(number as i64);
        Record::Contact(Contact { source: SourceId(1), received, kind: ContactKind::Heartbeat })
    }

    async fn append(journal: &EmbeddedJournal, count: u64) {
        let end = journal.end().0;
        for number in end..end + count {
            assert_eq!(journal.append(vec![record(number)]).await, Ok(Position(number)));
        }
    }

    fn spans(journal: &EmbeddedJournal) -> Vec<(u64, u64)> {
        journal.sealed().iter().map(|sealed| (sealed.first.0, sealed.end.0)).collect()
    }

    #[tokio::test]
    async fn segments_are_sealed_by_count_on_request_and_by_opening() {
        let disk = SimulatedDisk::new(1);
        let journal = open(&disk, 3);
        append(&journal, 7).await;
        assert_eq!(spans(&journal), [(0, 3), (3, 6)]);
        journal.seal();
        journal.sealed_beyond(Position(6)).await;
        assert_eq!(spans(&journal), [(0, 3), (3, 6), (6, 7)]);
        journal.seal();
        append(&journal, 2).await;
        assert_eq!(spans(&journal), [(0, 3), (3, 6), (6, 7)]);
        drop(journal);
        assert_eq!(spans(&open(&disk, 3)), [(0, 3), (3, 6), (6, 7), (7, 9)]);
    }

    #[tokio::test]
    async fn what_lies_before_a_position_is_removed() {
        let disk = SimulatedDisk::new(1);
        let journal = open(&disk, 3);
        append(&journal, 8).await;
        assert_eq!(journal.forget_before(Position(5)).unwrap(), 1);
        assert_eq!(journal.forget_before(Position(5)).unwrap(), 0);
        let batch = journal.follow(Position(1)).next().await.unwrap();
        assert_eq!((batch.first, &batch.records[..]), (Position(3), &[record(3)][..]));
        // Positions go on, even when everything may go and the power is cut.
        assert_eq!(journal.forget_before(Position(u64::MAX)).unwrap(), 1);
        journal.seal();
        journal.sealed_beyond(Position(7)).await;
        assert_eq!(journal.forget_before(Position(u64::MAX)).unwrap(), 0);
        drop(journal);
        disk.restart_power();
        let journal = open(&disk, 3);
        assert_eq!((spans(&journal), journal.end()), (vec![(6, 8)], Position(8)));
        append(&journal, 1).await;
        assert_eq!(journal.forget_before(Position(8)).unwrap(), 1);
        let stored: Vec<_> =
            read_all_on(Arc::new(disk.clone()), Path::new(DATA_DIR)).unwrap().map(Result::unwrap).collect();
        assert_eq!(stored.iter().map(|batch| batch.first.0).collect::<Vec<_>>(), [8]);
        assert_eq!(journal.bad_blocks(), 0);
    }

    #[tokio::test]
    async fn nothing_is_removed_while_somebody_copies() {
        let folder = tempfile::tempdir().unwrap();
        let config = JournalConfig { min_free_bytes: 0, segment_records: 1, ..JournalConfig::default() };
        let journal = EmbeddedJournal::open(folder.path(), config).unwrap();
        append(&journal, 3).await;
        let copying = [CopyLock::take(folder.path()).unwrap(), CopyLock::take(folder.path()).unwrap()];
        assert_eq!(journal.forget_before(Position(2)).unwrap(), 0);
        drop(copying);
        assert_eq!(journal.forget_before(Position(2)).unwrap(), 2);
    }

    /// A removal that stops at any operation leaves the newest records and no gap.
    #[tokio::test]
    async fn removal_can_be_interrupted_anywhere() {
        for seed in 0..200 {
            let disk = SimulatedDisk::new(seed);
            let journal = open(&disk, 1);
            append(&journal, 6).await;
            disk.stop_after(seed % 10);
            let outcome = journal.forget_before(Position(4));
            // Followers of what stays are not disturbed while it goes on.
            let rest = journal.follow(Position(4)).next().await;
            assert!(rest.is_ok() || !disk.is_on());
            assert!(outcome.is_ok() || !disk.is_on(), "seed {seed}");
            drop(journal);
            disk.restart_power();
            let journal = open(&disk, 1);
            let firsts: Vec<_> = spans(&journal).into_iter().map(|(first, _)| first).collect();
            assert!(
                (0..=4).any(|oldest| firsts == (oldest..6).collect::<Vec<_>>()),
                "seed {seed}: {firsts:?}"
            );
            assert_eq!(journal.end(), Position(6), "seed {seed}");
            let first = journal.follow(Position(0)).next().await.unwrap().first.0;
            assert_eq!(Some(&first), firsts.first(), "seed {seed}");
            assert_eq!(journal.trouble(), None::<JournalError>);
        }
    }
}
