//! Reads the time line of a tracker from history, leg by leg.

use super::Collector;
use crate::Failure;
use domain::{SourceId, Timestamp, TripDetection};
use std::{ops::Range, time::Duration};
use store::history::{History, HistoryError, Order};
use telemetry::{
    movement::Sample,
    trips::{Lookback, Piece, Trips},
};

/// A time during which the tracker stood on one source.
pub(super) struct Leg {
    pub(super) source: SourceId,
    /// When it came to stand there; nothing earlier of the source is its own. `None`: from the beginning.
    pub(super) since: Option<Timestamp>,
    /// What is asked for.
    pub(super) span: Range<Timestamp>,
    pub(super) settings: TripDetection,
}

/// How far back a trip is followed. One that goes on for longer is taken to begin there.
const LOOKBACK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Gives the pieces of all legs to the collector. A trip that began before its leg's span keeps its beginning; its
/// points before the span are left out.
pub(super) async fn read(
    history: &dyn History,
    legs: &[Leg],
    collector: &mut impl Collector,
) -> Result<(), Failure> {
    let mut pieces = Vec::new();
    for leg in legs {
        let begin = beginning(history, leg).await?;
        let mut trips = Trips::new(leg.settings);
        let mut messages = history.read(leg.source, begin..leg.span.end, Order::Ascending);
        while let Some(batch) = messages.next().await? {
            batch.iter().for_each(|telemetry| trips.take(telemetry, |piece| pieces.push(piece)));
            hand_over(&mut pieces, leg.span.start, collector)?;
        }
        trips.finish(|piece| pieces.push(piece));
        hand_over(&mut pieces, leg.span.start, collector)?;
    }
    Ok(())
}

/// Where to begin so that the leg's span is cut as if all of the source's history had been read.
async fn beginning(history: &dyn History, leg: &Leg) -> Result<Timestamp, HistoryError> {
    let start = leg.span.start;
    let horizon = leg.since.map_or(start.minus(LOOKBACK), |since| since.max(start.minus(LOOKBACK)));
    // Nothing ever parks at threshold 0: the way back would have no end.
    if leg.settings.idle_speed_threshold == 0 {
        return Ok(horizon);
    }
    let mut lookback = Lookback::new(leg.settings);
    let mut messages = history.read(leg.source, horizon..start, Order::Descending);
    while let Some(batch) = messages.next().await? {
        let known =
            batch.iter().find(|telemetry| Sample::of(telemetry).is_some_and(|sample| lookback.take(&sample)));
        if let Some(known) = known {
            return Ok(known.time);
        }
    }
    Ok(horizon)
}

fn hand_over(
    pieces: &mut Vec<Piece>,
    start: Timestamp,
    collector: &mut impl Collector,
) -> Result<(), Failure> {
    let within = |piece: &Piece| match piece {
        Piece::Travelled(point) | Piece::Parked(point) => point.time >= start,
        Piece::Start(_) | Piece::End => true,
    };
    pieces.drain(..).filter(within).try_for_each(|piece| collector.take(piece))
}
