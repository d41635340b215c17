//! Makes blocks of messages, on as many threads as there are processors.

use super::{
    block::{Encoder, Keeping},
    failure::{Outcome, io_failed},
    file::{Header, MERGED},
    waiting::{Part, Room, Waiting},
};
use domain::{SourceId, Telemetry};
use std::{
    num::NonZero,
    ops::Range,
    panic,
    path::{Path, PathBuf},
    thread,
};

/// A block has about this many messages at most, and at least half of it where a source has them.
pub(super) const FULL_BLOCK: usize = 400;

/// Room for more than this is not kept.
const KEPT: usize = 8 << 20;

pub(super) struct Makers {
    /// One for each thread.
    all: Vec<Maker>,
}

struct Maker {
    encoder: Encoder,
    room: Room,
    made: Vec<Made>,
    /// Of all that were made.
    bytes: Vec<u8>,
    /// For errors.
    dir: PathBuf,
}

/// A block, and where its bytes are.
struct Made {
    source: SourceId,
    header: Header,
    bytes: Range<usize>,
}

impl Makers {
    pub(super) fn new(dir: &Path) -> Outcome<Self> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self { all: (0..count).map(|_| Maker::new(dir)).collect::<Outcome<_>>()? })
    }

    /// Makes blocks of some messages of a source, which are in order.
    pub(super) fn make(&mut self, source: SourceId, seg: i64, messages: &[Telemetry]) -> Outcome<()> {
        let Some(maker) = self.all.first_mut() else { return Ok(()) };
        maker.make(source, seg, messages.len(), |range, _, take| {
            let _ = messages[range].iter().all(take);
            Ok(())
        })
    }

    /// Makes blocks of what some sources have waiting.
    pub(super) fn make_all(&mut self, parts: &[Part<'_>], seg: i64, waiting: &Waiting) -> Outcome<()> {
        let share = parts.len().div_ceil(self.all.len()).max(1);
        thread::scope(|scope| {
            let work = |(maker, parts): (&'_ mut Maker, &'_ [Part<'_>])| {
                parts.iter().try_for_each(|part| maker.make_part(part, seg, waiting))
            };
            let mut shares = self.all.iter_mut().zip(parts.chunks(share));
            // The first is this thread's own.
            let own = shares.next();
            let threads: Vec<_> = shares.map(|share| scope.spawn(move || work(share))).collect();
            own.map_or(Ok(()), work)?;
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
        })
    }

    /// Gives what was made since the last time; answers with how many blocks.
    pub(super) fn give(
        &mut self,
        mut take: impl FnMut(SourceId, &Header, &[u8]) -> Outcome<()>,
    ) -> Outcome<u64> {
        let mut count = 0;
        for maker in &mut self.all {
            for Made { source, header, bytes } in &maker.made {
                take(*source, header, &maker.bytes[bytes.clone()])?;
            }
            count += maker.made.len() as u64;
        }
        self.forget();
        Ok(count)
    }

    /// Forgets what was made and not given.
    pub(super) fn forget(&mut self) {
        for maker in &mut self.all {
            maker.made.clear();
            maker.bytes.clear();
            maker.bytes.shrink_to(KEPT);
        }
    }
}

impl Maker {
    fn new(dir: &Path) -> Outcome<Self> {
        let encoder = Encoder::new().map_err(io_failed("pack into", dir))?;
        Ok(Self { encoder, room: Room::default(), made: Vec::new(), bytes: Vec::new(), dir: dir.to_owned() })
    }

    fn make_part(&mut self, part: &Part<'_>, seg: i64, waiting: &Waiting) -> Outcome<()> {
        let places = &part.places;
        self.make(part.source, seg, places.len(), |range, room, take| {
            waiting.give(&places[range], room, take)
        })
    }

    /// Makes blocks of about the same length. `give` gives some of the messages until one is refused.
    fn make(
        &mut self,
        source: SourceId,
        seg: i64,
        count: usize,
        give: impl Fn(Range<usize>, &mut Room, &mut dyn FnMut(&Telemetry) -> bool) -> Outcome<()>,
    ) -> Outcome<()> {
        let keeping = if seg == MERGED { Keeping::ForLong } else { Keeping::UntilMerged };
        let mut done = 0;
        while done < count {
            let Self { encoder, room, .. } = self;
            encoder.begin();
            give(done..done + share(count - done), room, &mut |message| {
                let fits = encoder.fits(message);
                if fits {
                    encoder.push(message);
                }
                fits
            })?;
            let points = encoder.len();
            // The first always fits.
            done += points;
            let start = self.bytes.len();
            let (t0, t1) = encoder.span();
            encoder.finish(keeping, &mut self.bytes).map_err(io_failed("pack into", &self.dir))?;
            let header = Header { id: 0, t0, t1, seg, points: points as u64 };
            self.made.push(Made { source, header, bytes: start..self.bytes.len() });
        }
        Ok(())
    }
}

/// How many of so many messages the next block has, so that all are about the same.
fn share(messages: usize) -> usize {
    messages.div_ceil(messages.div_ceil(FULL_BLOCK).max(1))
}
