//! The one writer: takes everything that waits, writes it as one block, syncs, and only then answers.

use super::{
    Committed, JournalConfig, JournalError, Position,
    block::{BLOCK_HEADER, BlockHeader, SEGMENT_HEADER, segment_header, segment_path},
    commits::Commits,
    queue::{Batch, Queue, footprint},
    reader::Segment,
    stored::Stored,
};
use crate::disk::{Disk, DiskFile};
use domain::Record;
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

/// Free space is measured again after so many bytes or commits, whichever comes first.
const MEASURE_AFTER_BYTES: u64 = 4 << 20;
const MEASURE_AFTER_COMMITS: u32 = 64;

pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    config: JournalConfig,
    queue: Arc<Queue>,
    commits: Arc<Commits>,
    /// The file that is written. `None` at the start and after a failure: no file of an earlier process and none that
    /// failed is ever written again.
    active: Option<Active>,
    end: u64,
    health: Health,
    /// Written since free space was measured.
    unmeasured: (u64, u32),
}

struct Active {
    file: Arc<dyn DiskFile>,
    segment: Segment,
}

enum Health {
    Good,
    /// So many bytes could not be written.
    LowSpace(u64),
    Failed(JournalError),
}

impl Writer {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        dir: Arc<Path>,
        config: JournalConfig,
        queue: Arc<Queue>,
        commits: Arc<Commits>,
    ) -> Self {
        let mut writer = Self {
            end: commits.end(),
            disk,
            dir,
            config,
            queue,
            commits,
            active: None,
            health: Health::Good,
            unmeasured: (0, 0),
        };
        writer.measure(0);
        writer
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        // Also when this thread panics, nobody waits for ever.
        let _ending = Ending { queue: Arc::clone(&self.queue), commits: Arc::clone(&self.commits) };
        while let Some(batches) = self.queue.take(self.patience()) {
            self.commit(batches);
        }
    }

    /// Makes the batches durable together and answers their callers. Without any, only measures the free space when
    /// there was too little.
    pub(super) fn commit(&mut self, batches: Vec<Batch>) {
        if self.queue.take_seal() {
            self.active = None;
            self.commits.seal();
        }
        let Some(mut block) = Block::of(batches) else {
            // Nobody is there to be told.
            let _ = self.ready(0);
            return;
        };
        let started = Instant::now();
        let stored = self.ready(block.length()).and_then(|()| self.write(&mut block));
        match stored {
            Ok(segment) => self.publish(block, segment, started),
            Err(error) => block.refuse(&error),
        }
    }

    /// Shows a durable block to followers and answers its callers.
    fn publish(&mut self, block: Block, segment: Segment, started: Instant) {
        let Block { records, stored, callers, .. } = block;
        let first = self.end;
        let (count, bytes) = (records.len() as u64, stored.bytes().len());
        self.end += count;
        let footprint = footprint(&records, bytes);
        let batch = Committed { first: Position(first), records, stored };
        let old = self.commits.publish(batch, footprint, segment.length);
        for (caller, offset) in callers {
            // A caller that has gone away needs no answer.
            let _ = caller.send(Ok(Position(first + offset)));
        }
        metrics::counter!("journal_records_total").increment(count);
        metrics::counter!("journal_bytes_total").increment((BLOCK_HEADER + bytes) as u64);
        metrics::histogram!("journal_commit_seconds").record(started.elapsed().as_secs_f64());
        // It takes its time to go, and nobody waits for that any more.
        drop(old);
    }

    /// How long to wait for work before free space is measured again.
    fn patience(&self) -> Option<Duration> {
        matches!(self.health, Health::LowSpace(_)).then_some(self.config.low_space_recheck)
    }

    /// Whether the disk may be written.
    fn ready(&mut self, wanted: u64) -> Result<(), JournalError> {
        let (bytes, commits) = self.unmeasured;
        let is_due = bytes + wanted > MEASURE_AFTER_BYTES || commits >= MEASURE_AFTER_COMMITS;
        match &self.health {
            Health::Failed(error) => return Err(error.clone()),
            Health::LowSpace(refused) => self.measure(wanted.max(*refused)),
            Health::Good if is_due => self.measure(wanted),
            Health::Good => {}
        }
        match self.health {
            Health::Good => Ok(()),
            _ => Err(JournalError::LowSpace),
        }
    }

    fn measure(&mut self, wanted: u64) {
        let enough = wanted.saturating_add(self.config.min_free_bytes);
        // A disk that cannot tell its free space will say so when it is written.
        let is_enough = self.disk.free_space(&self.dir).map_or(true, |free| free >= enough);
        self.unmeasured = (0, 0);
        match (is_enough, &self.health) {
            (true, Health::LowSpace(_)) => {
                tracing::info!("the journal has space again");
                self.health = Health::Good;
                self.commits.set_trouble(None);
            }
            (false, Health::Good) => self.low_space(wanted),
            _ => {}
        }
    }

    fn low_space(&mut self, refused: u64) {
        tracing::error!(
            min_free_bytes = self.config.min_free_bytes,
            "the journal takes nothing: too little free space"
        );
        self.health = Health::LowSpace(refused);
        self.commits.set_trouble(Some(JournalError::LowSpace));
    }

    /// Completes the block and makes it durable; answers with the segment that it is in now.
    fn write(&mut self, block: &mut Block) -> Result<Segment, JournalError> {
        let length = block.length();
        let has_room = |active: &Active| {
            let used = active.segment.length;
            let records = self.end - active.segment.first + block.records.len() as u64;
            let fits = used + length <= self.config.segment_bytes && records <= self.config.segment_records;
            used == SEGMENT_HEADER as u64 || fits
        };
        // Whatever fails from here on, the file before is not used again: records of later positions may be elsewhere.
        let active = match self.active.take().filter(has_room) {
            Some(active) => active,
            None => self.begin_segment().map_err(|failure| self.give_up(failure, length))?,
        };
        let Active { file, mut segment } = active;
        let written =
            file.append(block.complete(self.end, segment)).map_err(Failure::writing("write", segment.first));
        let durable =
            written.and_then(|()| file.sync_data().map_err(Failure::syncing("sync", segment.first)));
        // After a failure the file is not used again, and readers stop before this block: its positions go to others.
        durable.map_err(|failure| self.give_up(failure, length))?;
        segment.length += length;
        self.unmeasured.0 += length;
        self.unmeasured.1 += 1;
        self.active = Some(Active { file, segment });
        Ok(segment)
    }

    /// Makes the next file, named by the next position, durable with its name.
    fn begin_segment(&self) -> Result<Active, Failure> {
        let first = self.end;
        let path = segment_path(&self.dir, first);
        match self.disk.remove(&path) {
            // Left over from a beginning that failed.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::writing("remove", first)(error)),
        }
        let file = self.disk.create(&path).map_err(Failure::writing("create", first))?;
        file.append(&segment_header(first)).map_err(Failure::writing("write", first))?;
        file.sync_data().map_err(Failure::syncing("sync", first))?;
        self.disk.sync_dir(&self.dir).map_err(Failure::syncing("sync the directory of", first))?;
        let segment = Segment { first, length: SEGMENT_HEADER as u64 };
        self.commits.begin_segment(segment);
        Ok(Active { file, segment })
    }

    fn give_up(&mut self, failure: Failure, refused: u64) -> JournalError {
        self.commits.seal();
        let reason = match failure {
            Failure::Full => {
                self.low_space(refused);
                return JournalError::LowSpace;
            }
            Failure::Broken(reason) => reason,
        };
        tracing::error!(reason, "the journal takes nothing until it is opened again");
        let error = JournalError::Failed(reason.into());
        self.health = Health::Failed(error.clone());
        self.commits.set_trouble(Some(error.clone()));
        error
    }
}

/// The batches of one commit, joined.
struct Block {
    records: Vec<Record>,
    /// The same.
    stored: Stored,
    /// Each caller with the number of records before its own.
    callers: Vec<(oneshot::Sender<Result<Position, JournalError>>, u64)>,
    /// Records for which nobody waits.
    notes: u64,
    /// Room in the queue, held until the commit is over.
    _rooms: Vec<OwnedSemaphorePermit>,
}

impl Block {
    /// `None` when there are no batches.
    fn of(batches: Vec<Batch>) -> Option<Self> {
        let count: usize = batches.iter().map(|batch| batch.records.len()).sum();
        let mut callers = Vec::with_capacity(batches.len());
        let mut rooms = Vec::with_capacity(batches.len());
        let mut notes = 0;
        let mut before = 0;
        let mut parts = Vec::with_capacity(batches.len());
        for Batch { records, stored, caller, room } in batches {
            match caller {
                Some(caller) => callers.push((caller, before)),
                None => notes += records.len() as u64,
            }
            before += records.len() as u64;
            rooms.push(room);
            parts.push((records, stored));
        }
        let mut parts = parts.into_iter();
        // Mostly there is one; it is taken as it is.
        let (mut records, mut stored) = parts.next()?;
        stored.extend(parts.as_slice().iter().map(|(_, stored)| stored));
        records.reserve_exact(count - records.len());
        parts.for_each(|(mut more, _)| records.append(&mut more));
        Some(Self { records, stored, callers, notes, _rooms: rooms })
    }

    fn length(&self) -> u64 {
        (BLOCK_HEADER + self.stored.bytes().len()) as u64
    }

    /// The bytes of the block at this place.
    fn complete(&mut self, first: u64, segment: Segment) -> &[u8] {
        let payload = self.stored.bytes();
        let (count, length) = (self.records.len() as u32, payload.len() as u32);
        let block = BlockHeader { first, count, payload: length, checksum: crc32fast::hash(payload) };
        self.stored.block(block.to_bytes(segment.first, segment.length))
    }

    /// Tells the callers.
    fn refuse(self, error: &JournalError) {
        metrics::counter!("journal_notes_dropped_total").increment(self.notes);
        for (caller, _) in self.callers {
            let _ = caller.send(Err(error.clone()));
        }
    }
}

/// Why a block is not durable.
enum Failure {
    /// The disk is full, and nothing was promised that is now in doubt.
    Full,
    Broken(String),
}

impl Failure {
    fn writing(action: &'static str, segment: u64) -> impl FnOnce(io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        move |error| match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            _ => Self::syncing(action, segment)(error),
        }
    }

    /// After a sync has failed, no matter why, nobody knows what the disk holds.
    fn syncing(action: &'static str, segment: u64) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Broken(format!("cannot {action} segment {segment}: {error}"))
    }
}

struct Ending {
    queue: Arc<Queue>,
    commits: Arc<Commits>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.queue.close();
        // Nothing is left unless the writer panicked; dropping a batch tells its caller.
        while self.queue.take(None).is_some() {}
        self.commits.finish();
    }
}
