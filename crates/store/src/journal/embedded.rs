//! The journal of one process, in files under its data directory.

use super::{
    Appending, Follower, Journal, JournalConfig, JournalError, Position,
    block::MAX_PAYLOAD,
    commits::Commits,
    damage::Damages,
    follower::EmbeddedFollower,
    queue::{Batch, Queue, footprint},
    reader::{Extent, Reader},
    stored::Stored,
    survey::{OpenError, Survey, failed, survey},
    writer::Writer,
};
use crate::{
    disk::{Disk, RealDisk},
    lock::DataDirLock,
};
use domain::{Contact, Record};
use std::{
    future,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError, oneshot};

/// Where under the data directory the segments are.
pub(crate) const FOLDER: &str = "journal";

/// Append-only segment files, written by one thread of its own.
///
/// After a failed write or sync it takes nothing until it is opened again (a full disk excepted, which may become less
/// full): after a failed fdatasync the kernel may forget what it could not write and call the next fdatasync a success,
/// so that only a fresh look at the files tells what is durable.
pub struct EmbeddedJournal {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: Arc<Path>,
    pub(super) queue: Arc<Queue>,
    pub(super) commits: Arc<Commits>,
    damages: Arc<Damages>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The data directory and its lock; `None` on a disk of the caller's.
    pub(super) held: Option<(Box<Path>, DataDirLock)>,
}

impl EmbeddedJournal {
    /// Opens the journal of a data directory and holds the directory's lock as long as the journal lives. Both are
    /// made when they do not exist.
    ///
    /// # Errors
    /// When another process uses the directory, a newer program wrote it, or it cannot be read or repaired.
    pub fn open(data_dir: &Path, config: JournalConfig) -> Result<Self, OpenError> {
        let lock = DataDirLock::take(data_dir)?;
        let mut journal = Self::open_on(Arc::new(RealDisk), data_dir, config)?;
        journal.held = Some((data_dir.into(), lock));
        Ok(journal)
    }

    /// Opens the journal on a disk of the caller's, who sees to it that nobody else has the directory.
    ///
    /// # Errors
    /// Those of `open`, but for the lock.
    pub fn open_on(disk: Arc<dyn Disk>, data_dir: &Path, config: JournalConfig) -> Result<Self, OpenError> {
        let (journal, writer) = Self::open_without_thread(disk, data_dir, config)?;
        let thread = thread::Builder::new().name("journal".into()).spawn(move || writer.run());
        *journal.thread.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(thread.map_err(OpenError::Thread)?);
        Ok(journal)
    }

    /// A journal whose writer the caller drives.
    pub(super) fn open_without_thread(
        disk: Arc<dyn Disk>,
        data_dir: &Path,
        config: JournalConfig,
    ) -> Result<(Self, Writer), OpenError> {
        let dir: Arc<Path> = data_dir.join(FOLDER).into();
        let damages = Arc::new(Damages::default());
        disk.create_dir(&dir).map_err(failed("create", &dir))?;
        let found = survey(&*disk, &dir, &damages)?;
        let extent = repair(&*disk, &dir, found)?;
        let queue = Arc::new(Queue::new(config.queue_bytes));
        let commits = Arc::new(Commits::new(extent, config.recent_bytes));
        let writer = Writer::new(
            Arc::clone(&disk),
            Arc::clone(&dir),
            config,
            Arc::clone(&queue),
            Arc::clone(&commits),
        );
        let thread = Mutex::new(None);
        Ok((Self { disk, dir, queue, commits, damages, thread, held: None }, writer))
    }

    /// Takes nothing more, and ends when all that waited in the queue is durable. Appends that still wait for room in
    /// it are refused. Followers read to the end and then see `Closed`. Dropping the journal does the same.
    pub async fn close(&self) {
        self.queue.close();
        let mut progress = self.commits.watch();
        // The sender lives in `self`.
        let _ = progress.wait_for(|progress| progress.is_over).await;
    }

    /// Damaged places seen since it was opened, each counted once. Those in files that nobody has read since are not
    /// among them.
    pub fn bad_blocks(&self) -> usize {
        self.damages.count()
    }
}

impl Journal for EmbeddedJournal {
    fn append(&self, records: Vec<Record>) -> Appending {
        if let Some(error @ (JournalError::Failed(_) | JournalError::Closed)) = self.trouble() {
            return Box::pin(future::ready(Err(error)));
        }
        if records.is_empty() {
            return Box::pin(future::ready(Ok(self.end())));
        }
        let stored = Stored::of(&records);
        let bytes = stored.bytes().len();
        if bytes > MAX_PAYLOAD {
            return Box::pin(future::ready(Err(JournalError::TooLarge { bytes, limit: MAX_PAYLOAD })));
        }
        let footprint = footprint(&records, bytes);
        let commits = Arc::clone(&self.commits);
        match self.queue.try_room(footprint) {
            Ok(room) => {
                let answer = submit(&self.queue, records, stored, room);
                Box::pin(async move { outcome(&commits, answer).await })
            }
            Err(TryAcquireError::Closed) => Box::pin(future::ready(Err(JournalError::Closed))),
            Err(TryAcquireError::NoPermits) => {
                let queue = Arc::clone(&self.queue);
                Box::pin(async move {
                    let room = queue.room(footprint).await.ok_or(JournalError::Closed)?;
                    outcome(&commits, submit(&queue, records, stored, room)).await
                })
            }
        }
    }

    fn note(&self, contact: Contact) {
        let records = vec![Record::Contact(contact)];
        let stored = Stored::of(&records);
        let is_queued = match self.queue.try_room(footprint(&records, stored.bytes().len())) {
            Ok(room) => self.queue.push(Batch { records, stored, caller: None, room }).is_ok(),
            Err(_) => false,
        };
        if !is_queued {
            metrics::counter!("journal_notes_dropped_total").increment(1);
        }
    }

    fn follow(&self, from: Position) -> Box<dyn Follower> {
        let reader = Reader::new(Arc::clone(&self.disk), Arc::clone(&self.dir), from.0);
        Box::new(EmbeddedFollower::new(Arc::clone(&self.commits), Arc::clone(&self.damages), reader))
    }

    fn end(&self) -> Position {
        Position(self.commits.end())
    }

    fn trouble(&self) -> Option<JournalError> {
        self.commits.trouble().clone()
    }
}

#[cfg(test)]
impl EmbeddedJournal {
    /// What the caller that drives the writer has to commit next; `None` when nothing waits.
    pub(super) fn take_waiting(&self) -> Option<Vec<Batch>> {
        self.queue.has_waiting().then(|| self.queue.take(None)).flatten()
    }

    pub(super) fn commits(&self) -> &Commits {
        &self.commits
    }
}

impl Drop for EmbeddedJournal {
    fn drop(&mut self) {
        self.queue.close();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the writer has been printed and has refused its callers.
            let _ = thread.join();
        }
    }
}

type Answer = oneshot::Receiver<Result<Position, JournalError>>;

fn submit(queue: &Queue, records: Vec<Record>, stored: Stored, room: OwnedSemaphorePermit) -> Answer {
    let (caller, answer) = oneshot::channel();
    // When the queue has closed, dropping the batch answers for it.
    let _ = queue.push(Batch { records, stored, caller: Some(caller), room });
    answer
}

async fn outcome(commits: &Commits, answer: Answer) -> Result<Position, JournalError> {
    match answer.await {
        Ok(outcome) => outcome,
        // The batch was dropped unwritten.
        Err(_) => Err(commits.trouble().clone().unwrap_or(JournalError::Closed)),
    }
}

/// Cuts off what was not finished, and makes what was found durable: a process that was killed may have left a block
/// that the kernel has not written yet or could not write, and nobody may see what a power cut could still take away.
fn repair(disk: &dyn Disk, dir: &Path, found: Survey) -> Result<Extent, OpenError> {
    for path in &found.empty {
        disk.remove(path).map_err(failed("remove", path))?;
    }
    if let Some(last) = found.extent.segments.last() {
        let path = super::block::segment_path(dir, last.first);
        if found.torn > 0 {
            tracing::warn!(file = %path.display(), bytes = found.torn, "cut an unfinished commit off the journal");
        }
        disk.repair(&path, found.last_block).map_err(failed("repair", &path))?;
    }
    Ok(found.extent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{disk::SimulatedDisk, journal::read_all_on};
    use domain::{ContactKind, SourceId, Timestamp};
    use std::task::{Context, Poll, Waker};

    fn contact(number: i64) -> Contact {
        Contact {
            source: SourceId(number),
            received: Timestamp::from_millis(0),
            kind: ContactKind::Heartbeat,
        }
    }

    fn open(disk: &SimulatedDisk, config: JournalConfig) -> (EmbeddedJournal, Writer) {
        EmbeddedJournal::open_without_thread(Arc::new(disk.clone()), Path::new("/data"), config).unwrap()
    }

    fn poll(append: &mut Appending) -> Poll<Result<Position, JournalError>> {
        append.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_queue_holds_no_more_than_its_bytes() {
        let disk = SimulatedDisk::new(1);
        let one = footprint(
            &[Record::Contact(contact(0))],
            Stored::of(&[Record::Contact(contact(0))]).bytes().len(),
        );
        let config = JournalConfig { queue_bytes: 3 * one as u32, ..JournalConfig::default() };
        let (journal, mut writer) = open(&disk, config);
        let mut appends: Vec<_> =
            (0..9).map(|number| journal.append(vec![Record::Contact(contact(number))])).collect();
        let mut answered = 0;
        while answered < 9 {
            assert!(appends[answered..].iter_mut().all(|append| poll(append).is_pending()));
            // There is no room: those that wait for it come first.
            journal.note(contact(99));
            let batches = journal.take_waiting().unwrap();
            assert_eq!(batches.len(), 3);
            writer.commit(batches);
            for append in &mut appends[answered..answered + 3] {
                assert_eq!(poll(append), Poll::Ready(Ok(Position(answered as u64))));
                answered += 1;
            }
        }
        let records = read_all_on(Arc::new(disk), Path::new("/data")).unwrap();
        let sources = records.flat_map(|batch| batch.unwrap().records).filter_map(|record| record.source());
        assert_eq!(sources.collect::<Vec<_>>(), (0..9).map(SourceId).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_larger_than_the_queue_goes_through_alone() {
        let (journal, mut writer) =
            open(&SimulatedDisk::new(1), JournalConfig { queue_bytes: 1, ..JournalConfig::default() });
        let mut first = journal.append((0..100).map(|number| Record::Contact(contact(number))).collect());
        let mut second = journal.append(vec![Record::Contact(contact(100))]);
        assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
        writer.commit(journal.take_waiting().unwrap());
        assert_eq!(poll(&mut first), Poll::Ready(Ok(Position(0))));
        assert!(poll(&mut second).is_pending());
        writer.commit(journal.take_waiting().unwrap());
        assert_eq!(poll(&mut second), Poll::Ready(Ok(Position(100))));
    }

    #[test]
    fn an_append_that_no_block_can_hold_is_refused() {
        let (journal, _writer) = open(&SimulatedDisk::new(1), JournalConfig::default());
        let huge = Record::Reply(domain::Reply {
            source: SourceId(1),
            received: Timestamp::from_millis(0),
            command: None,
            bytes: vec![0; MAX_PAYLOAD].into(),
        });
        let refused = JournalError::TooLarge { bytes: MAX_PAYLOAD + 8, limit: MAX_PAYLOAD };
        assert_eq!(poll(&mut journal.append(vec![huge])), Poll::Ready(Err(refused)));
    }

    #[test]
    fn space_that_comes_back_is_noticed_without_an_append() {
        let disk = SimulatedDisk::new(1);
        disk.set_capacity(Some(1000));
        let (journal, mut writer) =
            open(&disk, JournalConfig { min_free_bytes: 2000, ..JournalConfig::default() });
        assert_eq!(journal.trouble(), Some(JournalError::LowSpace));
        let mut append = journal.append(vec![Record::Contact(contact(1))]);
        writer.commit(journal.take_waiting().unwrap());
        assert_eq!(poll(&mut append), Poll::Ready(Err(JournalError::LowSpace)));
        disk.set_capacity(Some(3000));
        writer.commit(Vec::new());
        assert_eq!(journal.trouble(), None);
        let mut append = journal.append(vec![Record::Contact(contact(1))]);
        writer.commit(journal.take_waiting().unwrap());
        assert_eq!(poll(&mut append), Poll::Ready(Ok(Position(0))));
    }

    #[test]
    fn space_that_others_take_is_noticed_before_it_is_gone() {
        let disk = SimulatedDisk::new(1);
        let (journal, mut writer) =
            open(&disk, JournalConfig { min_free_bytes: 10 << 20, ..JournalConfig::default() });
        let mut outcomes = (0..100).map(|number| {
            disk.set_capacity(Some(9 << 20));
            let mut append = journal.append(vec![Record::Contact(contact(number))]);
            writer.commit(journal.take_waiting().unwrap());
            poll(&mut append)
        });
        let refused = outcomes.position(|outcome| outcome == Poll::Ready(Err(JournalError::LowSpace)));
        assert_eq!(refused, Some(64));
    }
}
