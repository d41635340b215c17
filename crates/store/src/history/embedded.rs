//! The history of one process, in files under its data directory: it follows the journal into memory, and whoever calls
//! `pack` puts what has gathered there into files.

use super::{
    Answer, FileError, History, HistoryConfig, HistoryError, Merging, Messages, Order, Packed,
    failure::{Outcome, io_failed},
    jobs::Jobs,
    ledger::Ledger,
    shelf::Shelf,
    store::{Page, Store},
    tail::Tail,
    writer::Writer,
};
use crate::journal::{Journal, JournalError, Position};
use domain::{SourceId, Telemetry, Timestamp};
use std::{
    fs,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle, time};

/// Where under the data directory the files are.
pub(crate) const FOLDER: &str = "history";

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Blocks in SQLite files, one for each week, and what is not packed yet in memory.
pub struct EmbeddedHistory {
    shared: Arc<Shared>,
    writer: Arc<Mutex<Writer>>,
    reading: Arc<Jobs>,
    writing: Jobs,
    following: JoinHandle<()>,
    batch: usize,
}

struct Shared {
    store: Arc<Store>,
    journal: Arc<dyn Journal>,
    /// How far the journal was followed.
    reached: watch::Sender<Reached>,
    packed_to: watch::Sender<Position>,
    unpacked_bytes: usize,
    trouble: Mutex<Option<JournalError>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reached {
    position: Position,
    /// There is no room for more until something is packed.
    is_full: bool,
    is_over: bool,
}

/// What the files hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub blocks: u64,
    /// Length of all files.
    pub bytes: u64,
}

impl EmbeddedHistory {
    /// Opens the history of a data directory, which is made when it does not exist, and follows the journal of the same
    /// directory in a task of the current tokio runtime. The journal's lock keeps others away.
    ///
    /// # Errors
    /// When a newer program wrote it, or it cannot be read.
    pub fn open(
        journal: Arc<dyn Journal>,
        data_dir: &Path,
        config: &HistoryConfig,
    ) -> Result<Self, FileError> {
        let dir = data_dir.join(FOLDER);
        fs::create_dir_all(&dir).map_err(io_failed("create", &dir))?;
        let ledger = Ledger::open(&dir)?;
        let shelf = Shelf::open(&dir)?;
        let packed_to = begin(&ledger, &shelf, journal.end())?;
        let store = Arc::new(Store { tail: Tail::default(), shelf });
        let erased = ledger.erased()?;
        let mut writer = Writer::new(Arc::clone(&store), ledger, &dir)?;
        for erased in erased {
            store.tail.erase(erased.source, erased.before);
            if !erased.is_done {
                writer.finish_erasing(erased.source, erased.before)?;
            }
        }
        let reached = Reached { position: packed_to, is_full: false, is_over: false };
        let shared = Arc::new(Shared {
            store,
            journal,
            reached: watch::Sender::new(reached),
            packed_to: watch::Sender::new(packed_to),
            unpacked_bytes: config.unpacked_bytes,
            trouble: Mutex::default(),
        });
        Ok(Self {
            following: tokio::spawn(follow(Arc::clone(&shared))),
            shared,
            writer: Arc::new(Mutex::new(writer)),
            reading: Arc::new(Jobs::new(config.readers)),
            writing: Jobs::new(1),
            batch: config.batch.max(1),
        })
    }

    /// Every record before this position is in the files: the journal may forget it.
    pub fn packed_to(&self) -> Position {
        *self.shared.packed_to.borrow()
    }

    /// Puts everything before `end` into the files; less when there is no room in memory for all of it.
    ///
    /// # Errors
    /// When the files cannot be written. Nothing is lost: packing can be tried again.
    pub async fn pack(&self, end: Position) -> Result<Packed, HistoryError> {
        let mut reached = self.shared.reached.subscribe();
        let is_there = |reached: &Reached| reached.position >= end || reached.is_full || reached.is_over;
        let there = *reached.wait_for(is_there).await.map_err(|_| HistoryError::Closed)?;
        let end = there.position.min(end);
        if end <= self.packed_to() {
            return Ok(Packed::default());
        }
        let shared = Arc::clone(&self.shared);
        self.write(move |writer| {
            let packed = writer.pack(end.0)?;
            shared.packed_to.send_replace(end);
            Ok(packed)
        })
        .await
    }

    /// Merges some blocks of periods that ended before `closed`, so that a part of a source's day is few blocks. Goes on
    /// after what it answered before; answers `None` when everything is merged.
    ///
    /// # Errors
    /// When the files cannot be read or written. Nothing is lost: merging can be tried again.
    pub async fn merge(
        &self,
        closed: Timestamp,
        from: Option<Merging>,
    ) -> Result<Option<Merging>, HistoryError> {
        self.write(move |writer| writer.merge(closed, from)).await
    }

    /// What the files hold.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn holding(&self) -> Result<Holding, HistoryError> {
        let store = Arc::clone(&self.shared.store);
        self.write(move |writer| Ok(Holding { blocks: writer.blocks()?, bytes: store.shelf.bytes() })).await
    }

    /// Ends, with what has begun. What is not packed stays in the journal. Dropping the history does the same, but for
    /// the waiting.
    pub async fn close(&self) {
        self.following.abort();
        self.shared.reached.send_modify(|reached| reached.is_over = true);
        self.writing.close().await;
        self.reading.close().await;
        self.shared.store.shelf.rest();
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Outcome<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let writer = Arc::clone(&self.writer);
        let job = move || job(&mut writer.lock().unwrap_or_else(PoisonError::into_inner));
        self.writing.run(job).await?.map_err(FileError::of_write)
    }

    #[cfg(test)]
    pub(super) fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EmbeddedHistory {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl History for EmbeddedHistory {
    fn read(&self, source: SourceId, span: Range<Timestamp>, order: Order) -> Box<dyn Messages> {
        Box::new(EmbeddedMessages {
            store: Arc::clone(&self.shared.store),
            jobs: Arc::clone(&self.reading),
            source,
            rest: millis(&span),
            order,
            batch: self.batch,
        })
    }

    fn last_before(&self, source: SourceId, time: Timestamp) -> Answer<'_, Option<Telemetry>> {
        let store = Arc::clone(&self.shared.store);
        Box::pin(async move {
            let read = move || store.page(source, i64::MIN..time.millis(), Order::Descending, 1);
            Ok(self.reading.run(read).await??.messages.into_iter().next())
        })
    }

    fn count(&self, source: SourceId, span: Range<Timestamp>) -> Answer<'_, u64> {
        let store = Arc::clone(&self.shared.store);
        Box::pin(async move { self.reading.run(move || store.count(source, millis(&span))).await? })
    }

    fn caught_up_to(&self, position: Position) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut reached = self.shared.reached.subscribe();
            let is_there = |reached: &Reached| reached.position >= position || reached.is_over;
            match reached.wait_for(is_there).await {
                Ok(reached) if reached.position >= position => Ok(()),
                _ => Err(HistoryError::Closed),
            }
        })
    }

    fn erase(&self, source: SourceId) -> Answer<'_, ()> {
        let before = self.shared.journal.end();
        Box::pin(self.write(move |writer| writer.erase(source, before.0)))
    }

    fn drop_before(&self, time: Timestamp) -> Answer<'_, ()> {
        Box::pin(async move { self.write(move |writer| writer.drop_before(time)).await.map(|_| ()) })
    }

    fn trouble(&self) -> Option<HistoryError> {
        let reached = *self.shared.reached.borrow();
        if reached.position >= self.shared.journal.end() {
            return None;
        }
        let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        trouble.map(HistoryError::Journal).or(reached.is_full.then_some(HistoryError::Lagging))
    }
}

struct EmbeddedMessages {
    store: Arc<Store>,
    jobs: Arc<Jobs>,
    source: SourceId,
    rest: Range<i64>,
    order: Order,
    batch: usize,
}

impl Messages for EmbeddedMessages {
    fn next(&mut self) -> Answer<'_, Option<Vec<Telemetry>>> {
        Box::pin(async move {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let (store, source, order, batch) =
                (Arc::clone(&self.store), self.source, self.order, self.batch);
            let rest = self.rest.clone();
            let Page { messages, rest } =
                self.jobs.run(move || store.page(source, rest, order, batch)).await??;
            self.rest = rest;
            Ok((!messages.is_empty()).then_some(messages))
        })
    }
}

fn millis(span: &Range<Timestamp>) -> Range<i64> {
    span.start.millis()..span.end.millis()
}

/// Where following begins. A journal that ends before what was packed from it is another one: positions of the old one
/// mean nothing any more.
fn begin(ledger: &Ledger, shelf: &Shelf, end: Position) -> Outcome<Position> {
    let mut packed_to = ledger.packed_to()?;
    let mut newest = packed_to;
    let mut files = Vec::new();
    for period in shelf.periods() {
        if let Some(file) = shelf.write(period)? {
            newest = newest.max(file.progress()?.packed_to);
            files.push(file);
        }
    }
    newest = ledger.erased()?.iter().map(|erased| erased.before).fold(newest, u64::max);
    if newest > end.0 {
        tracing::warn!(
            journal.end = end.0,
            packed_to = newest,
            "the journal has begun anew; everything packed is kept"
        );
        for file in files {
            let progress = file.progress()?;
            file.set_progress(super::file::Progress { packed_to: 0, ..progress })?;
        }
        ledger.begin_anew()?;
        packed_to = 0;
    }
    Ok(Position(packed_to))
}

async fn follow(shared: Arc<Shared>) {
    let mut pause = FIRST_RETRY;
    let mut packed = shared.packed_to.subscribe();
    loop {
        let start = shared.reached.borrow().position;
        let mut follower = shared.journal.follow(start);
        let error = loop {
            while shared.store.tail.bytes() >= shared.unpacked_bytes {
                packed.mark_unchanged();
                shared.reached.send_modify(|reached| reached.is_full = true);
                tracing::warn!("the newest messages wait in the journal: packing lags behind");
                // The sender lives in `shared`.
                let _ = packed.changed().await;
            }
            match follower.next().await {
                Ok(batch) => {
                    shared.store.tail.absorb(&batch);
                    let position = Position(batch.first.0 + batch.records.len() as u64);
                    *shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    shared.reached.send_replace(Reached { position, is_full: false, is_over: false });
                    metrics::gauge!("history_unpacked_bytes").set(shared.store.tail.bytes() as f64);
                }
                Err(error) => break error,
            }
            // A journal with much to tell is always ready; others want to run too.
            tokio::task::yield_now().await;
        };
        if error == JournalError::Closed {
            shared.reached.send_modify(|reached| reached.is_over = true);
            return;
        }
        tracing::error!(%error, "the history cannot follow the journal, will try again");
        *shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        if shared.reached.borrow().position > start {
            pause = FIRST_RETRY;
        }
        time::sleep(pause).await;
        pause = LAST_RETRY.min(pause * 2);
    }
}
