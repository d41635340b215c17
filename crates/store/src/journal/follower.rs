//! A follower: live batches from memory, older ones from files, with one position that decides which.

use super::{
    Committed, Follower, Following, JournalError,
    commits::{Commits, Next, Progress},
    damage::Damages,
    reader::{ReadError, Reader},
};
use std::{collections::VecDeque, error::Error, fmt::Write, mem, sync::Arc};
use tokio::sync::watch;

/// A lagging follower reads so many bytes of records at a time.
const READ_AHEAD: usize = 1 << 20;

pub(super) struct EmbeddedFollower {
    commits: Arc<Commits>,
    damages: Arc<Damages>,
    progress: watch::Receiver<Progress>,
    /// The next record to be looked for.
    position: u64,
    /// Read from files and not given out yet.
    ready: VecDeque<Committed>,
    reading: Reading,
}

/// The reader is away while files are read, so that a call that was given up loses nothing.
enum Reading {
    Resting(Reader),
    Away(tokio::task::JoinHandle<(Reader, Result<Vec<Committed>, ReadError>)>),
    /// Only for the moment of a change.
    Gone,
}

impl EmbeddedFollower {
    pub(super) fn new(commits: Arc<Commits>, damages: Arc<Damages>, reader: Reader) -> Self {
        let progress = commits.watch();
        let position = reader.position;
        let reading = Reading::Resting(reader);
        Self { commits, damages, progress, position, ready: VecDeque::new(), reading }
    }

    async fn next_batch(&mut self) -> Result<Arc<Committed>, JournalError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Arc::new(batch));
            }
            // Seen before the search, so that nothing published after it is missed.
            let is_over = self.progress.borrow_and_update().is_over;
            match self.commits.next(self.position) {
                Next::Batch(batch) => {
                    self.position = batch.first.0 + batch.records.len() as u64;
                    return Ok(batch);
                }
                Next::Stored => self.read().await?,
                Next::Future if is_over => return Err(JournalError::Closed),
                // The sender lives as long as `commits`.
                Next::Future => _ = self.progress.changed().await,
            }
        }
    }

    async fn read(&mut self) -> Result<(), JournalError> {
        if let Reading::Resting(_) = self.reading
            && let Reading::Resting(mut reader) = mem::replace(&mut self.reading, Reading::Gone)
        {
            reader.position = self.position;
            let (commits, damages) = (Arc::clone(&self.commits), Arc::clone(&self.damages));
            self.reading = Reading::Away(tokio::task::spawn_blocking(move || {
                let blocks = reader.read(READ_AHEAD, |position| commits.span(position), &damages);
                (reader, blocks)
            }));
        }
        let Reading::Away(away) = &mut self.reading else {
            return Err(JournalError::Unreadable("its reader was lost".into()));
        };
        let (mut reader, blocks) = match away.await {
            Ok(answer) => answer,
            Err(error) => {
                self.reading = Reading::Gone;
                return Err(JournalError::Unreadable(error.to_string().into()));
            }
        };
        self.position = reader.position;
        reader.rest();
        self.reading = Reading::Resting(reader);
        self.ready.extend(blocks.map_err(|error| JournalError::Unreadable(with_sources(&error).into()))?);
        Ok(())
    }
}

impl Follower for EmbeddedFollower {
    fn next(&mut self) -> Following<'_> {
        Box::pin(self.next_batch())
    }
}

fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
