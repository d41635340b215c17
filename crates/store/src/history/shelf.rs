//! The periods' files: which there are, and connections to read them with, kept from one read to the next.

use super::{
    block::{BlockError, Decoder},
    failure::{FileError, Outcome, io_failed},
    file::{Header, PeriodFile},
    period::Period,
};
use domain::{RecordIdentity, SourceId, Telemetry, Timestamp};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fs::{self, File},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, RwLock},
};

/// So many connections are kept while nobody reads with them.
const IDLE: usize = 32;

pub(super) struct Shelf {
    dir: PathBuf,
    listing: RwLock<Listing>,
    /// The longest unused first.
    idle: Mutex<VecDeque<(Period, Reading)>>,
}

#[derive(Default)]
struct Listing {
    periods: BTreeSet<Period>,
    /// Periods before this one are dropped.
    oldest: Option<Period>,
    /// In which periods a source has messages that are not filed under their device time.
    suspects: HashMap<SourceId, BTreeSet<Period>>,
}

/// A file with what is needed to read it.
pub(super) struct Reading {
    pub(super) file: PeriodFile,
    pub(super) decoder: Decoder,
}

impl Shelf {
    /// Looks through the directory; makes sure that every file can be read by this program.
    pub(super) fn open(dir: &Path) -> Outcome<Self> {
        let mut listing = Listing::default();
        let mut left_over = Vec::new();
        for entry in fs::read_dir(dir).map_err(io_failed("list", dir))? {
            let name = entry.map_err(io_failed("list", dir))?.file_name();
            let name = name.to_string_lossy();
            listing.periods.extend(Period::from_name(&name));
            let main = name.strip_suffix("-wal").or_else(|| name.strip_suffix("-shm"));
            left_over.extend(main.and_then(Period::from_name));
        }
        // Of files that were dropped.
        for period in left_over.into_iter().filter(|period| !listing.periods.contains(period)) {
            remove(dir, period)?;
        }
        for period in &listing.periods {
            for source in PeriodFile::open(dir, *period)?.sources_with_suspects()? {
                listing.suspects.entry(source).or_default().insert(*period);
            }
        }
        Ok(Self { dir: dir.to_owned(), listing: RwLock::new(listing), idle: Mutex::default() })
    }

    pub(super) fn periods(&self) -> Vec<Period> {
        self.with(|listing| listing.periods.iter().copied().collect())
    }

    /// The first period, or the last, that has a file and a part of `span`.
    pub(super) fn first_in(&self, span: &Range<i64>) -> Option<Period> {
        let (from, to) = bounds(span);
        self.with(|listing| listing.periods.range(from..=to).next().copied())
    }

    pub(super) fn last_in(&self, span: &Range<i64>) -> Option<Period> {
        let (from, to) = bounds(span);
        self.with(|listing| listing.periods.range(from..=to).next_back().copied())
    }

    /// The part of `span` that is not dropped.
    pub(super) fn kept(&self, span: Range<i64>) -> Range<i64> {
        let oldest = self.with(|listing| listing.oldest);
        oldest.map_or(span.start, |oldest| span.start.max(oldest.span().start))..span.end
    }

    /// The file of a period for its one writer; made when it is missing. `None` when the period was dropped.
    pub(super) fn write(&self, period: Period) -> Outcome<Option<PeriodFile>> {
        if self.with(|listing| listing.oldest.is_some_and(|oldest| period < oldest)) {
            return Ok(None);
        }
        let file = PeriodFile::open(&self.dir, period)?;
        // Before anything is in it, so that a reader who misses something elsewhere looks here.
        self.change(|listing| listing.periods.insert(period));
        Ok(Some(file))
    }

    /// Reads a period's file; `None` when there is none.
    pub(super) fn read<T>(
        &self,
        period: Period,
        read: impl FnOnce(&mut Reading) -> Outcome<T>,
    ) -> Outcome<Option<T>> {
        let exists = || self.with(|listing| listing.periods.contains(&period));
        if !exists() {
            return Ok(None);
        }
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let at = idle.iter().rposition(|(candidate, _)| *candidate == period);
            at.and_then(|at| idle.remove(at))
        };
        let opened = match idle {
            Some((_, reading)) => Ok(reading),
            None => Reading::open(&self.dir, period),
        };
        let mut reading = match opened {
            Ok(reading) => reading,
            // Dropped since.
            Err(_) if !exists() => return Ok(None),
            Err(error) => return Err(error),
        };
        let answer = read(&mut reading);
        if answer.is_ok() && exists() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push_back((period, reading));
            if idle.len() > IDLE {
                idle.pop_front();
            }
        }
        answer.map(Some)
    }

    /// In which periods a source has messages that are not filed under their device time.
    pub(super) fn suspects(&self, source: SourceId) -> Vec<Period> {
        self.with(|listing| listing.suspects.get(&source).into_iter().flatten().copied().collect())
    }

    pub(super) fn note_suspects(&self, source: SourceId, period: Period) {
        self.change(|listing| listing.suspects.entry(source).or_default().insert(period));
    }

    /// Whether a message with this identity is filed under another time in one of `periods`.
    pub(super) fn knows_suspect(
        &self,
        periods: &[Period],
        source: SourceId,
        identity: RecordIdentity,
    ) -> Outcome<bool> {
        for period in periods {
            if self.read(*period, |reading| reading.file.knows_suspect(source, identity))? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn forget_suspects(&self, source: SourceId) {
        self.change(|listing| listing.suspects.remove(&source));
    }

    /// Removes the files that have only messages before `time`.
    pub(super) fn drop_before(&self, time: Timestamp) -> Outcome<usize> {
        let oldest = Period::of(time);
        let dropped = self.change(|listing| {
            listing.oldest = listing.oldest.max(Some(oldest));
            let kept = listing.periods.split_off(&oldest);
            let dropped = std::mem::replace(&mut listing.periods, kept);
            listing.suspects.retain(|_, periods| {
                periods.retain(|period| *period >= oldest);
                !periods.is_empty()
            });
            dropped
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).retain(|(period, _)| *period >= oldest);
        for period in &dropped {
            remove(&self.dir, *period)?;
        }
        Ok(dropped.len())
    }

    /// Length of all files.
    pub(super) fn bytes(&self) -> u64 {
        let length =
            |period: Period| fs::metadata(period.path(&self.dir)).map_or(0, |metadata| metadata.len());
        self.periods().into_iter().map(length).sum()
    }

    /// Closes what nobody reads with.
    pub(super) fn rest(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn with<T>(&self, read: impl FnOnce(&Listing) -> T) -> T {
        read(&self.listing.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Listing) -> T) -> T {
        change(&mut self.listing.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reading {
    fn open(dir: &Path, period: Period) -> Outcome<Self> {
        let file = PeriodFile::open_for_reading(dir, period)?;
        let decoder = Decoder::new().map_err(io_failed("read", dir))?;
        Ok(Self { file, decoder })
    }
}

/// The messages of a block; `None` when it is damaged, which is reported: the others can be read all the same.
pub(super) fn decode(
    file: &PeriodFile,
    decoder: &mut Decoder,
    source: SourceId,
    header: &Header,
) -> Outcome<Option<Vec<Telemetry>>> {
    match file.block(header.id, |bytes| decoder.decode(source, bytes))? {
        Ok(messages) => Ok(Some(messages)),
        Err(error @ BlockError::Newer(_)) => Err(FileError::Block { path: file.path.clone(), source: error }),
        Err(error) => {
            metrics::counter!("history_bad_blocks_total").increment(1);
            let file = file.path.display();
            tracing::error!(%file, block = header.id, %error, "messages of the history are damaged and were skipped");
            Ok(None)
        }
    }
}

fn bounds(span: &Range<i64>) -> (Period, Period) {
    let period = |time| Period::of(Timestamp::from_millis(time));
    let from = period(span.start);
    // An empty span has no part of any period, but a range must not end before it starts.
    (from, period(span.end.saturating_sub(1)).max(from))
}

/// Its log first: without its file it would be taken for that of the next file of this name.
fn remove(dir: &Path, period: Period) -> Outcome<()> {
    let path = period.path(dir);
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_failed("remove", Path::new(&name))(error));
            }
            _ => {}
        }
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_failed("sync", dir))
}
