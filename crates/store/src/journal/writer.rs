//! The one writer: takes everything that waits, writes it as one block, syncs, and only then answers.

use super::{
    Committed, JournalConfig, JournalError, Position,
    block::{BLOCK_HEADER, BlockHeader, SEGMENT_HEADER, segment_header, segment_path},
    commits::Commits,
    queue::{Batch, Queue, footprint},
    reader::Segment,
};
use crate::disk::{Disk, DiskFile};
use std::{fmt, io, path::Path, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Free space is measured again after so many bytes or commits, whichever comes first.
const MEASURE_AFTER_BYTES: u64 = 4 << 20;
const MEASURE_AFTER_COMMITS: u32 = 64;

/// A buffer longer than this is not kept for the next commit.
const KEPT_BUFFER: usize = 1 << 20;

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
    buffer: Vec<u8>,
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
            buffer: Vec::new(),
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

    /// Makes the batches durable together and answers their callers.
    pub(super) fn commit(&mut self, batches: Vec<Batch>) {
        let started = Instant::now();
        if self.queue.take_seal() {
            self.active = None;
            self.commits.seal();
        }
        let mut block = Block::new(std::mem::take(&mut self.buffer), batches);
        let wanted = block.bytes.len() as u64;
        let outcome = self.ready(wanted).and_then(|()| match block.records.len() {
            0 => Ok(()),
            count => self.write(&mut block.bytes, count as u32),
        });
        match outcome {
            Ok(()) if block.records.is_empty() => {}
            Ok(()) => {
                let length = self.active.as_ref().map_or(0, |active| active.segment.length);
                let first = self.end;
                self.end += block.records.len() as u64;
                metrics::counter!("journal_records_total").increment(block.records.len() as u64);
                metrics::counter!("journal_bytes_total").increment(wanted);
                let footprint = footprint(&block.records, block.bytes.len());
                let batch = Committed { first: Position(first), records: block.records };
                self.commits.publish(batch, footprint, length);
                for (caller, offset) in block.callers {
                    // A caller that has gone away needs no answer.
                    let _ = caller.send(Ok(Position(first + offset)));
                }
                metrics::histogram!("journal_commit_seconds").record(started.elapsed().as_secs_f64());
            }
            Err(error) => {
                metrics::counter!("journal_notes_dropped_total").increment(block.notes);
                for (caller, _) in block.callers {
                    let _ = caller.send(Err(error.clone()));
                }
            }
        }
        if block.bytes.capacity() <= KEPT_BUFFER {
            self.buffer = block.bytes;
        }
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

    /// Completes the block in `bytes` and makes it durable.
    fn write(&mut self, bytes: &mut [u8], count: u32) -> Result<(), JournalError> {
        let length = bytes.len() as u64;
        let is_full = |active: &Active| {
            let used = active.segment.length;
            let records = self.end - active.segment.first + u64::from(count);
            let is_too_much =
                used + length > self.config.segment_bytes || records > self.config.segment_records;
            used > SEGMENT_HEADER as u64 && is_too_much
        };
        let active = match self.active.take_if(|active| !is_full(active)) {
            Some(active) => self.active.insert(active),
            None => {
                let begun = self.begin_segment();
                let active = begun.map_err(|error| self.give_up(error, length))?;
                self.active.insert(active)
            }
        };
        let Segment { first: segment, length: offset } = active.segment;
        let (header, payload) = bytes.split_at_mut(BLOCK_HEADER);
        let checksum = crc32fast::hash(payload);
        let block = BlockHeader { first: self.end, count, payload: payload.len() as u32, checksum };
        header.copy_from_slice(&block.to_bytes(segment, offset));
        let written = active.file.append(bytes).map_err(|error| Failure::new("write", segment, error));
        let synced = written.and_then(|()| {
            active.file.sync_data().map_err(|error| Failure::new("sync", segment, error).of_sync())
        });
        if let Err(failure) = synced {
            // The file is not used again. If a part of the block, or all of it, is there all the same, its positions are
            // given again in a later file, by which a reader knows it.
            self.active = None;
            self.commits.seal();
            return Err(self.give_up(failure, length));
        }
        active.segment.length += length;
        self.unmeasured.0 += length;
        self.unmeasured.1 += 1;
        Ok(())
    }

    /// Makes the next file, named by the next position, durable with its name.
    fn begin_segment(&self) -> Result<Active, Failure> {
        let first = self.end;
        let path = segment_path(&self.dir, first);
        let failed = |action| move |error| Failure::new(action, first, error);
        match self.disk.remove(&path) {
            // Left over from a beginning that failed.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove")(error)),
        }
        let file = self.disk.create(&path).map_err(failed("create"))?;
        file.append(&segment_header(first)).map_err(failed("write"))?;
        file.sync_data().map_err(|error| failed("sync")(error).of_sync())?;
        self.disk.sync_dir(&self.dir).map_err(|error| failed("sync the directory of")(error).of_sync())?;
        let segment = Segment { first, length: SEGMENT_HEADER as u64 };
        self.commits.begin_segment(segment);
        Ok(Active { file, segment })
    }

    fn give_up(&mut self, failure: Failure, refused: u64) -> JournalError {
        if failure.is_full {
            self.low_space(refused);
            return JournalError::LowSpace;
        }
        tracing::error!(%failure, "the journal takes nothing until it is opened again");
        let error = JournalError::Failed(failure.to_string().into());
        self.health = Health::Failed(error.clone());
        self.commits.set_trouble(Some(error.clone()));
        error
    }
}

/// The batches of one commit, joined.
struct Block {
    /// Room for the header, then the records.
    bytes: Vec<u8>,
    records: Vec<domain::Record>,
    /// Each caller with the number of records before its own.
    callers: Vec<(tokio::sync::oneshot::Sender<Result<Position, JournalError>>, u64)>,
    /// Records for which nobody waits.
    notes: u64,
    /// Room in the queue, held until the commit is over.
    _rooms: Vec<tokio::sync::OwnedSemaphorePermit>,
}

impl Block {
    fn new(mut bytes: Vec<u8>, batches: Vec<Batch>) -> Self {
        bytes.clear();
        bytes.resize(BLOCK_HEADER, 0);
        bytes.reserve(batches.iter().map(|batch| batch.bytes.len()).sum());
        let count = batches.iter().map(|batch| batch.records.len()).sum();
        let mut block = Self {
            bytes,
            records: Vec::with_capacity(count),
            callers: Vec::with_capacity(batches.len()),
            notes: 0,
            _rooms: Vec::with_capacity(batches.len()),
        };
        for mut batch in batches {
            match batch.caller {
                Some(caller) => block.callers.push((caller, block.records.len() as u64)),
                None => block.notes += batch.records.len() as u64,
            }
            block.bytes.extend_from_slice(&batch.bytes);
            block.records.append(&mut batch.records);
            block._rooms.push(batch.room);
        }
        block
    }
}

/// Why a file is not written any more.
struct Failure {
    action: &'static str,
    segment: u64,
    error: io::Error,
    /// The disk is full, and nothing was promised that is now in doubt.
    is_full: bool,
}

impl Failure {
    fn new(action: &'static str, segment: u64, error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let is_full = matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge);
        Self { action, segment, error, is_full }
    }

    /// After a sync has failed, no matter why, nobody knows what the disk holds.
    fn of_sync(self) -> Self {
        Self { is_full: false, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} segment {}: {}", self.action, self.segment, self.error)
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
