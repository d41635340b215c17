//! Reads the time line of a tracker from history, leg by leg.

use super::Collector;
use crate::Failure;
use domain::{Fix, IgnitionSource, Metres, PositionSource, SourceId, Telemetry, Timestamp, TripDetection};
use std::{ops::Range, time::Duration};
use store::history::{History, HistoryError, Order};
use telemetry::{
    movement::Sample,
    trips::{Lookback, Piece, Trips},
};

/// A time during which the tracker stood on one source.
pub(crate) struct Leg {
    pub(crate) source: SourceId,
    /// When it came to stand there; nothing earlier of the source is its own. `None`: from the beginning.
    pub(super) since: Option<Timestamp>,
    /// What is asked for.
    pub(crate) span: Range<Timestamp>,
    pub(super) settings: TripDetection,
    pub(super) ignition: IgnitionSource,
    /// How far off positions from cells may be.
    pub(super) cell_radius: Metres,
}

/// Whether positions from cells are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromCells {
    Included,
    LeftOut,
}

/// How far back a trip is followed. One that goes on for longer is taken to begin there.
const LOOKBACK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Gives the pieces of all legs to the collector. A trip that began before its leg's span keeps its beginning; its
/// points before the span are left out.
pub(super) async fn read(
    history: &dyn History,
    legs: &[Leg],
    from_cells: FromCells,
    collector: &mut impl Collector,
) -> Result<(), Failure> {
    let mut pieces = Vec::new();
    for leg in legs {
        let is_wanted = |telemetry: &&Telemetry| match telemetry.message.fix {
            Some(Fix { source: PositionSource::Cells, precision, .. }) => {
                from_cells == FromCells::Included && precision.is_some_and(|metres| metres <= leg.cell_radius)
            }
            _ => true,
        };
        let begin = beginning(history, leg).await?;
        let mut trips = Trips::new(leg.settings, leg.ignition);
        let mut messages = history.read(leg.source, begin..leg.span.end, Order::Ascending);
        while let Some(batch) = messages.next().await? {
            batch
                .iter()
                .filter(is_wanted)
                .for_each(|telemetry| trips.take(telemetry, |piece| pieces.push(piece)));
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
        let known = batch.iter().find(|telemetry| {
            Sample::of(telemetry, &leg.ignition).is_some_and(|sample| lookback.take(&sample))
        });
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
        Piece::Travelled(point) | Piece::Parked(point) | Piece::FromCells(point) => point.time >= start,
        Piece::Start(_) | Piece::End => true,
    };
    pieces.drain(..).filter(within).try_for_each(|piece| collector.take(piece))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::point, *};
    use domain::{Fix, Message, RecordHash, Speed, Telemetry, TimeOrigin};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use store::{
        history::{Answer, Messages},
        journal::Position,
    };

    /// Messages in their order, given two by two; counts what was read.
    #[derive(Default)]
    struct Stored {
        messages: Vec<Telemetry>,
        read: Arc<AtomicUsize>,
    }

    struct Reading(std::vec::IntoIter<Telemetry>, Arc<AtomicUsize>);

    impl Messages for Reading {
        fn next(&mut self) -> Answer<'_, Option<Vec<Telemetry>>> {
            let batch: Vec<_> = self.0.by_ref().take(2).collect();
            self.1.fetch_add(batch.len(), Ordering::Relaxed);
            Box::pin(async { Ok(Some(batch).filter(|batch| !batch.is_empty())) })
        }
    }

    impl History for Stored {
        fn read(&self, source: SourceId, span: Range<Timestamp>, order: Order) -> Box<dyn Messages> {
            let within = |message: &&Telemetry| message.source == source && span.contains(&message.time);
            let mut messages: Vec<_> = self.messages.iter().filter(within).cloned().collect();
            if order == Order::Descending {
                messages.reverse();
            }
            Box::new(Reading(messages.into_iter(), self.read.clone()))
        }

        fn last_before(&self, _: SourceId, _: Timestamp) -> Answer<'_, Option<Telemetry>> {
            unreachable!()
        }

        fn count(&self, _: SourceId, _: Range<Timestamp>) -> Answer<'_, u64> {
            unreachable!()
        }

        fn caught_up_to(&self, _: Position) -> Answer<'_, ()> {
            unreachable!()
        }

        fn erase(&self, _: SourceId) -> Answer<'_, ()> {
            unreachable!()
        }

        fn drop_before(&self, _: Timestamp) -> Answer<'_, ()> {
            unreachable!()
        }

        fn trouble(&self) -> Option<HistoryError> {
            None
        }
    }

    /// `(start travelled…)` and `pparked`, in minutes.
    #[derive(Default)]
    struct Printed(Vec<String>);

    impl Collector for Printed {
        fn take(&mut self, piece: Piece) -> Result<(), Failure> {
            let minutes = |time: Timestamp| time.seconds() / 60;
            self.0.push(match piece {
                Piece::Start(time) => format!("({}", minutes(time)),
                Piece::Travelled(point) => minutes(point.time).to_string(),
                Piece::End => ")".to_owned(),
                Piece::Parked(point) => format!("p{}", minutes(point.time)),
                Piece::FromCells(point) => format!("c{}", minutes(point.time)),
            });
            Ok(())
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_seconds(60 * minute)
    }

    fn message(source: i64, minute: i64, kmh: f32) -> Telemetry {
        let fix = Fix { speed: Some(Speed::from_kmh(kmh)), ..point(0, 1.0).fix };
        Telemetry {
            source: SourceId(source),
            received: at(minute),
            time: at(minute),
            time_origin: TimeOrigin::Device,
            hash: RecordHash(0),
            message: Message { fix: Some(fix), ..Message::default() },
        }
    }

    fn leg(source: i64, since: Option<i64>, span: Range<i64>) -> Leg {
        let settings = TripDetection::default();
        let span = at(span.start)..at(span.end);
        let ignition = IgnitionSource::Reported;
        Leg {
            source: SourceId(source),
            since: since.map(at),
            span,
            settings,
            ignition,
            cell_radius: Metres(300.0),
        }
    }

    async fn printed(stored: &Stored, legs: &[Leg]) -> String {
        let mut printed = Printed::default();
        read(stored, legs, FromCells::Included, &mut printed).await.unwrap();
        printed.0.join(" ")
    }

    #[tokio::test]
    async fn a_span_cuts_a_trip_and_keeps_its_beginning() {
        let speeds =
            [(0, 0.0), (5, 0.0), (6, 9.0), (7, 9.0), (8, 0.0), (9, 9.0), (10, 0.0), (15, 0.0), (16, 0.0)];
        let messages = speeds.map(|(minute, kmh)| message(1, minute, kmh)).to_vec();
        let stored = Stored { messages, ..Stored::default() };
        for (span, expected) in [
            (0..99, "p0 p5 (6 6 7 8 9 10 ) p15 p16"),
            (7..99, "(6 7 8 9 10 ) p15 p16"),
            // At a stop the trip goes on.
            (8..10, "(6 8 9 )"),
            (9..10, "(6 9 )"),
            // Of the trip only its arrival.
            (10..12, "(6 10 )"),
            (15..99, "(6 ) p15 p16"),
            (17..99, ""),
            (2..6, "p5"),
        ] {
            let span_text = format!("{span:?}");
            assert_eq!(printed(&stored, &[leg(1, None, span)]).await, expected, "{span_text}");
        }
    }

    #[tokio::test]
    async fn a_tracker_has_several_sources_in_time() {
        // The first goes on to report after it was replaced; the second did so before.
        let mut messages: Vec<_> = (0..20).map(|minute| message(1, minute, 9.0)).collect();
        messages.extend((0..20).map(|minute| message(2, minute, 9.0)));
        let stored = Stored { messages, ..Stored::default() };
        let legs = [leg(1, None, 7..10), leg(2, Some(10), 10..13)];
        assert_eq!(printed(&stored, &legs).await, "(0 7 8 9 ) (10 10 11 12 )");
        assert_eq!(printed(&stored, &[leg(2, Some(10), 11..13)]).await, "(10 11 12 )");
    }

    #[tokio::test]
    async fn the_way_back_is_short() {
        let day = 24 * 60;
        // A ride of an hour every day, else a report of a stand every ten minutes.
        let kmh = |minute: i64| if minute % day < 60 { 50.0 } else { 0.0 };
        let messages = (0..30 * day).step_by(10).map(|minute| message(1, minute, kmh(minute))).collect();
        let stored = Stored { messages, ..Stored::default() };
        let first_of_last_day = 29 * day;
        let cut = printed(&stored, &[leg(1, None, first_of_last_day + 25..first_of_last_day + 70)]).await;
        let start = first_of_last_day;
        assert_eq!(cut, format!("({start} {} {} {} {} )", start + 30, start + 40, start + 50, start + 60));
        let read = stored.read.load(Ordering::Relaxed);
        assert!(read < 25, "{read} messages were read for an hour");
    }

    #[tokio::test]
    async fn a_trip_without_an_end_begins_a_week_back() {
        let week = 7 * 24 * 60;
        let messages = (0..3 * week).step_by(60).map(|minute| message(1, minute, 50.0)).collect();
        let stored = Stored { messages, ..Stored::default() };
        let cut = printed(&stored, &[leg(1, None, 2 * week..2 * week + 61)]).await;
        assert_eq!(cut, format!("({week} {} {} )", 2 * week, 2 * week + 60));
    }
}
