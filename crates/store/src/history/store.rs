//! What is read: a source's packed blocks, merged with its messages that are not packed yet.
//!
//! A message is in a file as soon as it is packed and leaves the tail only after that; the file says up to which
//! position it holds everything. So a read looks into the tail first and at the file, in one snapshot, second, and takes
//! from the tail what the file does not claim: nothing is missed, nothing comes twice.

use super::{
    HistoryError, Order,
    failure::Outcome,
    file::Header,
    identities::Identities,
    period::Period,
    shelf::{Reading, Shelf, decode},
    tail::{Tail, Taken},
};
use domain::{SourceId, Telemetry};
use std::ops::Range;

pub(super) struct Store {
    pub(super) tail: Tail,
    pub(super) shelf: Shelf,
}

/// A piece of what is read.
pub(super) struct Page {
    /// In the order asked for. None only when there are no more.
    pub messages: Vec<Telemetry>,
    /// What is not read yet.
    pub rest: Range<i64>,
}

/// What came in first has a lower one: a block's `seg` and `id`, or the position of what is not packed.
type Rank = (i64, u64);

const UNPACKED: i64 = i64::MAX;

impl Store {
    /// The first messages of a span, about `wanted` of them.
    pub(super) fn page(
        &self,
        source: SourceId,
        span: Range<i64>,
        order: Order,
        wanted: usize,
    ) -> Result<Page, HistoryError> {
        let mut rest = self.shelf.kept(span);
        while !rest.is_empty() {
            let Some(period) = self.next_period(source, &rest, order) else { break };
            let here = part(&rest, period);
            let piece = self.piece(source, period, &here, order, wanted).map_err(|error| error.of_read())?;
            rest = match (order, piece.next) {
                (Order::Ascending, Some(next)) => next..rest.end,
                (Order::Ascending, None) => here.end..rest.end,
                (Order::Descending, Some(next)) => rest.start..next.saturating_add(1),
                (Order::Descending, None) => rest.start..here.start,
            };
            if !piece.messages.is_empty() {
                return Ok(Page { messages: piece.messages, rest });
            }
        }
        Ok(Page { messages: Vec::new(), rest: 0..0 })
    }

    /// How many messages a span has.
    pub(super) fn count(&self, source: SourceId, span: Range<i64>) -> Result<u64, HistoryError> {
        let mut rest = self.shelf.kept(span);
        let mut count = 0;
        while !rest.is_empty() {
            let Some(period) = self.next_period(source, &rest, Order::Ascending) else { break };
            let here = part(&rest, period);
            count += self.count_piece(source, period, &here).map_err(|error| error.of_read())?;
            rest = here.end..rest.end;
        }
        Ok(count)
    }

    /// The period in which reading goes on.
    fn next_period(&self, source: SourceId, span: &Range<i64>, order: Order) -> Option<Period> {
        let unpacked = self.tail.first(source, span, order);
        let unpacked = unpacked.map(|time| Period::of(domain::Timestamp::from_millis(time)));
        match order {
            Order::Ascending => unpacked.into_iter().chain(self.shelf.first_in(span)).min(),
            Order::Descending => unpacked.into_iter().chain(self.shelf.last_in(span)).max(),
        }
    }

    /// The first messages of a span within a period.
    fn piece(
        &self,
        source: SourceId,
        period: Period,
        span: &Range<i64>,
        order: Order,
        wanted: usize,
    ) -> Outcome<Piece> {
        let unpacked = self.tail.take(source, span, order, wanted)?;
        let suspects = self.shelf.suspects(source);
        let mut gathering = Gathering { order, found: Vec::new(), next: unpacked.next };
        let packed = self.shelf.read(period, |Reading { file, decoder }| {
            let snapshot = file.read()?;
            let packed_to = file.progress()?.packed_to;
            let is_news = |(position, _): &(u64, Telemetry)| *position >= packed_to;
            let news = unpacked.messages.iter().filter(|message| is_news(message));
            for (position, message) in news.cloned() {
                let is_copy = match message.identity() {
                    Some(identity) if suspects.contains(&period) => file.knows_suspect(source, identity)?,
                    _ => false,
                };
                if !is_copy {
                    gathering.found.push(((UNPACKED, position), message));
                }
            }
            for header in gathering.in_order(file.headers(source, span)?) {
                if !gathering.needs(&header, wanted) {
                    break;
                }
                let messages = decode(file, decoder, source, &header)?.unwrap_or_default();
                let inside = messages.into_iter().filter(|message| span.contains(&message.time.millis()));
                gathering.found.extend(inside.map(|message| ((header.seg, header.id as u64), message)));
            }
            drop(snapshot);
            Ok(())
        })?;
        if packed.is_none() {
            let unpacked = unpacked.messages.into_iter();
            gathering.found.extend(unpacked.map(|(position, message)| ((UNPACKED, position), message)));
        }
        let elsewhere: Vec<_> = suspects.into_iter().filter(|other| *other != period).collect();
        let mut piece = gathering.finish();
        self.remove_copies(source, &elsewhere, &mut piece.messages)?;
        Ok(Piece {
            messages: piece.messages.into_iter().map(|(_, message)| message).collect(),
            next: piece.next,
        })
    }

    fn count_piece(&self, source: SourceId, period: Period, span: &Range<i64>) -> Outcome<u64> {
        let Taken { messages, .. } = self.tail.take(source, span, Order::Ascending, usize::MAX)?;
        let suspects = self.shelf.suspects(source);
        let mut news: Vec<(Rank, Telemetry)> =
            messages.into_iter().map(|(position, message)| ((UNPACKED, position), message)).collect();
        without_copies(&mut news);
        let mut count = 0;
        self.shelf.read(period, |Reading { file, decoder }| {
            let snapshot = file.read()?;
            let packed_to = file.progress()?.packed_to;
            news.retain(|((_, position), _)| *position >= packed_to);
            let times: Vec<i64> = news.iter().map(|(_, message)| message.time.millis()).collect();
            let mut known = Identities::default();
            for header in file.headers(source, span)? {
                let is_inside = span.contains(&header.t0) && span.contains(&header.t1);
                if is_inside && !touches(&header, &times) {
                    count += header.points;
                    continue;
                }
                let messages = decode(file, decoder, source, &header)?.unwrap_or_default();
                let inside = messages.iter().filter(|message| span.contains(&message.time.millis()));
                for message in inside {
                    count += 1;
                    known.add(message);
                }
            }
            let is_known = |message: &Telemetry| -> Outcome<bool> {
                let Some(identity) = message.identity() else { return Ok(false) };
                let is_suspect = suspects.contains(&period) && file.knows_suspect(source, identity)?;
                Ok(is_suspect || known.contains(message))
            };
            let mut kept = Vec::new();
            for message in news.drain(..) {
                if !is_known(&message.1)? {
                    kept.push(message);
                }
            }
            news = kept;
            drop(snapshot);
            Ok(())
        })?;
        let elsewhere: Vec<_> = suspects.into_iter().filter(|other| *other != period).collect();
        self.remove_copies(source, &elsewhere, &mut news)?;
        Ok(count + news.len() as u64)
    }

    /// Removes messages that are not packed yet and of which one filed in another period is a copy.
    fn remove_copies(
        &self,
        source: SourceId,
        elsewhere: &[Period],
        messages: &mut Vec<(Rank, Telemetry)>,
    ) -> Outcome<()> {
        if elsewhere.is_empty() {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(messages.len());
        for (rank, message) in messages.drain(..) {
            let is_copy = match message.identity() {
                Some(identity) if rank.0 == UNPACKED => {
                    self.shelf.knows_suspect(elsewhere, source, identity)?
                }
                _ => false,
            };
            if !is_copy {
                kept.push((rank, message));
            }
        }
        *messages = kept;
        Ok(())
    }
}

struct Piece<M = Telemetry> {
    messages: Vec<M>,
    /// Time of the first message that is not in it.
    next: Option<i64>,
}

/// Messages from the tail and from blocks, until enough are complete: nothing that comes before them is still to be
/// found. Times are compared as `key`s, so that what comes first is always lower.
struct Gathering {
    order: Order,
    found: Vec<(Rank, Telemetry)>,
    next: Option<i64>,
}

impl Gathering {
    fn key(&self, time: i64) -> i64 {
        match self.order {
            Order::Ascending => time,
            Order::Descending => !time,
        }
    }

    /// The time with which a block begins.
    fn start(&self, header: &Header) -> i64 {
        match self.order {
            Order::Ascending => header.t0,
            Order::Descending => header.t1,
        }
    }

    fn in_order(&self, mut headers: Vec<Header>) -> Vec<Header> {
        headers.sort_by_key(|header| self.key(self.start(header)));
        headers
    }

    /// Whether a block has to be read; from the first that has not, reading ends.
    fn needs(&mut self, header: &Header, wanted: usize) -> bool {
        let start = self.start(header);
        if self.next.is_some_and(|next| self.key(start) >= self.key(next)) {
            return false;
        }
        let is_complete =
            |(_, message): &&(Rank, Telemetry)| self.key(message.time.millis()) < self.key(start);
        if self.found.iter().filter(is_complete).count() >= wanted {
            self.next = Some(start);
            return false;
        }
        true
    }

    fn finish(mut self) -> Piece<(Rank, Telemetry)> {
        if let Some(next) = self.next {
            let (order, limit) = (self.order, self.key(next));
            let key = |time: i64| if order == Order::Ascending { time } else { !time };
            self.found.retain(|(_, message)| key(message.time.millis()) < limit);
        }
        without_copies(&mut self.found);
        if self.order == Order::Descending {
            self.found.reverse();
        }
        Piece { messages: self.found, next: self.next }
    }
}

/// Sorts by time, then by what came in first, and keeps the first of each identity.
pub(super) fn without_copies(messages: &mut Vec<(Rank, Telemetry)>) {
    messages.sort_by_key(|(rank, message)| (message.time, *rank));
    let is_alone = messages.windows(2).all(|pair| pair[0].1.time != pair[1].1.time);
    if is_alone {
        return;
    }
    let mut time = None;
    let mut seen = Identities::default();
    messages.retain(|(_, message)| {
        if time.replace(message.time) != Some(message.time) {
            seen = Identities::default();
        }
        seen.add(message)
    });
}

/// Whether one of the times, which are in order, is within a block.
pub(super) fn touches(header: &Header, times: &[i64]) -> bool {
    let after = times.partition_point(|time| *time < header.t0);
    times.get(after).is_some_and(|time| *time <= header.t1)
}

fn part(span: &Range<i64>, period: Period) -> Range<i64> {
    let whole = period.span();
    span.start.max(whole.start)..span.end.min(whole.end)
}
