//! The one writer of the periods' files: packs, merges, erases, drops. Every step may be the last one before a crash:
//! what is packed is noted in the same transaction as how far, and only then leaves the tail.

use super::{
    block::Decoder,
    failure::{Outcome, io_failed},
    file::{MERGED, PeriodFile},
    identities::Identities,
    ledger::{Erased, Ledger},
    maker::{FULL_BLOCK, Makers},
    period::Period,
    shelf::decode,
    store::{Store, touches, without_copies},
    waiting::{Group, Part, Waiting},
};
use domain::{SourceId, Telemetry, TimeOrigin, Timestamp};
use std::{path::Path, sync::Arc};

/// Blocks of so many sources are made before they are inserted.
const PACKED_TOGETHER: usize = 1024;

/// So many sources are merged in one transaction, so that packing does not wait long.
const MERGED_TOGETHER: usize = 64;

pub(super) struct Writer {
    store: Arc<Store>,
    ledger: Ledger,
    packed_to: u64,
    makers: Makers,
    decoder: Decoder,
    #[cfg(test)]
    pub(super) steps: super::crashes::Steps,
}

/// What packing has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Messages that are in blocks now; copies are not counted.
    pub records: u64,
    pub blocks: u64,
}

/// How far merging has come; whoever has one may go on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merging {
    period: Period,
    source: SourceId,
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, ledger: Ledger, dir: &Path) -> Outcome<Self> {
        let decoder = Decoder::new().map_err(io_failed("pack into", dir))?;
        #[cfg(test)]
        let steps = super::crashes::Steps::default();
        Ok(Self {
            store,
            packed_to: ledger.packed_to()?,
            ledger,
            makers: Makers::new(dir)?,
            decoder,
            #[cfg(test)]
            steps,
        })
    }

    /// Packs everything before `end`.
    pub(super) fn pack(&mut self, end: u64) -> Outcome<Packed> {
        let mut packed = Packed::default();
        if end <= self.packed_to {
            return Ok(packed);
        }
        let waiting = self.store.tail.waiting(end);
        for (period, groups) in waiting.periods() {
            if let Some(file) = self.store.shelf.write(period)? {
                self.step("a file is there")?;
                let done = self.pack_period(&file, period, &waiting, groups, end)?;
                packed.records += done.records;
                packed.blocks += done.blocks;
                self.step("a period is packed")?;
            }
        }
        self.ledger.set_packed_to(end)?;
        self.packed_to = end;
        self.step("everything is packed")?;
        self.store.tail.trim(end);
        Ok(packed)
    }

    /// In one transaction.
    fn pack_period(
        &mut self,
        file: &PeriodFile,
        period: Period,
        waiting: &Waiting,
        groups: &[Group],
        end: u64,
    ) -> Outcome<Packed> {
        let writing = file.write()?;
        let mut progress = file.progress()?;
        if progress.packed_to >= end {
            return Ok(Packed::default());
        }
        let mut packed = Packed::default();
        let seg = end as i64;
        for groups in groups.chunks(PACKED_TOGETHER) {
            let mut new = Vec::with_capacity(groups.len());
            for part in groups.iter().map(|group| waiting.part(group, progress.packed_to)) {
                if self.is_all_new(file, &part, waiting)? {
                    packed.records += part.places.len() as u64;
                    new.push(part);
                    continue;
                }
                let messages = waiting.messages(&part)?;
                let messages = self.news(file, period, part.source, messages)?;
                packed.records += messages.len() as u64;
                packed.blocks += self.insert(file, part.source, seg, &messages)?;
            }
            self.makers.forget();
            self.makers.make_all(&new, seg, waiting)?;
            packed.blocks += self.makers.give(|source, header, block| file.insert(source, header, block))?;
        }
        self.step("blocks are inserted")?;
        progress.packed_to = end;
        progress.blocks += packed.blocks;
        progress.unmerged += packed.blocks;
        file.set_progress(progress)?;
        self.step("progress is noted")?;
        file.commit(writing)?;
        Ok(packed)
    }

    /// Whether no message can be a copy of another, here or in the history, which nearly always is so.
    fn is_all_new(&self, file: &PeriodFile, part: &Part<'_>, waiting: &Waiting) -> Outcome<bool> {
        let source = part.source;
        let times: Vec<i64> = part.places.iter().map(|place| place.time).collect();
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(true) };
        let is_alone = times.is_sorted_by(|one, next| one < next);
        if !is_alone || waiting.has_suspects(source) || !self.store.shelf.suspects(source).is_empty() {
            return Ok(false);
        }
        let headers = file.headers(source, &(*first..last.saturating_add(1)))?;
        Ok(!headers.iter().any(|header| touches(header, &times)))
    }

    /// Those of the messages, which are in order of time, that are not in the history yet.
    fn news(
        &mut self,
        file: &PeriodFile,
        period: Period,
        source: SourceId,
        messages: Vec<Telemetry>,
    ) -> Outcome<Vec<Telemetry>> {
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Ok(messages) };
        let span = first.time.millis()..last.time.millis().saturating_add(1);
        let times: Vec<i64> = messages.iter().map(|message| message.time.millis()).collect();
        let mut known = Identities::default();
        for header in file.headers(source, &span)?.iter().filter(|header| touches(header, &times)) {
            let there = decode(file, &mut self.decoder, source, header)?.unwrap_or_default();
            for message in &there {
                known.add(message);
            }
        }
        let mut ranked = (0..).map(|rank| (0, rank)).zip(messages).collect();
        without_copies(&mut ranked);
        let suspects = self.store.shelf.suspects(source);
        let (here, elsewhere): (Vec<_>, Vec<_>) = suspects.into_iter().partition(|other| *other == period);
        let mut news = Vec::with_capacity(ranked.len());
        for (_, message) in ranked {
            if let Some(identity) = message.identity() {
                let is_known = known.contains(&message)
                    || !here.is_empty() && file.knows_suspect(source, identity)?
                    || self.store.shelf.knows_suspect(&elsewhere, source, identity)?;
                if is_known {
                    continue;
                }
                if message.time_origin == TimeOrigin::Suspect {
                    // Before it is there: who looks for a copy of it must not be too early.
                    self.store.shelf.note_suspects(source, period);
                    file.note_suspect(source, identity)?;
                }
            }
            news.push(message);
        }
        Ok(news)
    }

    /// Inserts messages of a source, which are in order; answers with the number of their blocks.
    fn insert(
        &mut self,
        file: &PeriodFile,
        source: SourceId,
        seg: i64,
        messages: &[Telemetry],
    ) -> Outcome<u64> {
        self.makers.forget();
        self.makers.make(source, seg, messages)?;
        self.makers.give(|source, header, block| file.insert(source, header, block))
    }

    /// Merges blocks of some more sources in the periods that end before `closed`; `None` when there are no more.
    pub(super) fn merge(&mut self, closed: Timestamp, from: Option<Merging>) -> Outcome<Option<Merging>> {
        let periods = self.store.shelf.periods().into_iter();
        let is_left = |period: &Period| from.is_none_or(|from| *period >= from.period);
        for period in periods.filter(|period| period.end() <= closed).filter(is_left) {
            let Some(file) = self.store.shelf.write(period)? else { continue };
            let after =
                from.filter(|from| from.period == period).map_or(SourceId(i64::MIN), |from| from.source);
            let sources = match file.progress()?.unmerged {
                0 => Vec::new(),
                _ => file.unmerged_sources(after, MERGED_TOGETHER)?,
            };
            if let Some(last) = sources.last() {
                self.merge_sources(&file, period, &sources)?;
                self.step("sources are merged")?;
                return Ok(Some(Merging { period, source: *last }));
            }
            if file.shrink()? {
                self.step("a file is shrunk")?;
                return Ok(Some(Merging { period, source: SourceId(i64::MAX) }));
            }
        }
        Ok(None)
    }

    /// In one transaction.
    fn merge_sources(&mut self, file: &PeriodFile, period: Period, sources: &[SourceId]) -> Outcome<()> {
        let writing = file.write()?;
        let mut progress = file.progress()?;
        for source in sources {
            let (removed, unmerged, inserted) = self.merge_source(file, period, *source)?;
            progress.blocks = (progress.blocks + inserted).saturating_sub(removed);
            progress.unmerged = progress.unmerged.saturating_sub(unmerged);
        }
        file.set_progress(progress)?;
        self.step("merged blocks are inserted")?;
        file.commit(writing)
    }

    /// Answers with the blocks that were removed, those of them that were not merged, and those that were inserted.
    /// Damaged ones stay.
    fn merge_source(
        &mut self,
        file: &PeriodFile,
        period: Period,
        source: SourceId,
    ) -> Outcome<(u64, u64, u64)> {
        let headers = file.headers(source, &period.span())?;
        let (mut removed, mut unmerged, mut inserted) = (0, 0, 0);
        let mut gathered = Vec::new();
        for (at, header) in headers.iter().enumerate() {
            if let Some(messages) = decode(file, &mut self.decoder, source, header)? {
                gathered
                    .extend(messages.into_iter().map(|message| ((header.seg, header.id as u64), message)));
                file.delete(header.id)?;
                removed += 1;
                unmerged += u64::from(header.seg != MERGED);
            }
            // What is before the next block has all its neighbours; two blocks' worth of it can be written.
            let complete_before = headers.get(at + 1).map(|next| next.t0);
            inserted += self.write_complete(file, source, &mut gathered, complete_before)?;
        }
        Ok((removed, unmerged, inserted))
    }

    fn write_complete(
        &mut self,
        file: &PeriodFile,
        source: SourceId,
        gathered: &mut Vec<((i64, u64), Telemetry)>,
        before: Option<i64>,
    ) -> Outcome<u64> {
        if before.is_some() && gathered.len() < 2 * FULL_BLOCK {
            return Ok(0);
        }
        without_copies(gathered);
        let complete = before.map_or(gathered.len(), |before| {
            gathered.partition_point(|(_, message)| message.time.millis() < before)
        });
        let count = match before {
            None => complete,
            Some(_) => complete.saturating_sub(FULL_BLOCK) / FULL_BLOCK * FULL_BLOCK,
        };
        let messages: Vec<Telemetry> = gathered.drain(..count).map(|(_, message)| message).collect();
        self.insert(file, source, MERGED, &messages)
    }

    /// Forgets what came in from a source before `before`, in every file and for ever.
    pub(super) fn erase(&mut self, source: SourceId, before: u64) -> Outcome<()> {
        self.ledger.note_erased(Erased { source, before, is_done: false })?;
        self.step("the erasure is noted")?;
        self.finish_erasing(source, before)
    }

    /// Nothing of the source after `before` is packed yet.
    pub(super) fn finish_erasing(&mut self, source: SourceId, before: u64) -> Outcome<()> {
        self.store.tail.erase(source, before);
        for period in self.store.shelf.periods() {
            if let Some(file) = self.store.shelf.write(period)? {
                file.erase(source)?;
                self.step("a source is out of a file")?;
            }
        }
        self.store.shelf.forget_suspects(source);
        self.ledger.note_erased(Erased { source, before, is_done: true })
    }

    pub(super) fn drop_before(&mut self, time: Timestamp) -> Outcome<usize> {
        let dropped = self.store.shelf.drop_before(time)?;
        self.step("files are dropped")?;
        Ok(dropped)
    }

    /// Blocks in all files.
    pub(super) fn blocks(&self) -> Outcome<u64> {
        let mut blocks = 0;
        for period in self.store.shelf.periods() {
            let progress = self.store.shelf.read(period, |reading| reading.file.progress())?;
            blocks += progress.map_or(0, |progress| progress.blocks);
        }
        Ok(blocks)
    }

    #[cfg(test)]
    fn step(&self, name: &'static str) -> Outcome<()> {
        self.steps.reached(name)
    }

    /// A place where the process may die; tests let it.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "they are used in tests")]
    fn step(&self, _name: &'static str) -> Outcome<()> {
        Ok(())
    }
}
