//! Cuts a time line into trips: from the record that sets the source moving to its arrival.

use super::Point;
use crate::movement::{Sample, advance};
use domain::{IgnitionSource, Movement, MovementStatus, PositionSource, Telemetry, Timestamp, TripDetection};

/// What the time line consists of, in its order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    /// A trip begins, with the point that follows.
    Start(Timestamp),
    /// A point of the trip under way.
    Travelled(Point),
    /// The trip is over.
    End,
    /// A point outside of all trips.
    Parked(Point),
    /// A position from cells, which is part of no trip.
    FromCells(Point),
}

/// Takes the records of one source in the order of time and gives pieces.
///
/// While the live status would be `Moving`, every point is travelled. Points of a stop wait for what becomes of it:
/// when the ride goes on they are travelled too; when the source parks, the first of them is where it arrived, and the
/// rest of them is parked. So a trip ends when the source came to a stand, not when that was certain.
#[derive(Debug)]
pub struct Trips {
    settings: TripDetection,
    ignition: IgnitionSource,
    movement: Movement,
    stop: Vec<Point>,
}

/// A stop of more points than this is kept by its first ones: the source stands.
const STOP_POINTS: usize = 10_000;

impl Trips {
    /// Begins with a parked source.
    pub fn new(settings: TripDetection, ignition: IgnitionSource) -> Self {
        Self { settings, ignition, movement: Movement::default(), stop: Vec::new() }
    }

    /// What the records so far say about movement.
    pub fn status(&self) -> MovementStatus {
        self.movement.status
    }

    /// The next record. One of suspect time is passed over. A position from cells says nothing of trips; whoever does not
    /// want it leaves it out.
    pub fn take(&mut self, telemetry: &Telemetry, mut give: impl FnMut(Piece)) {
        use MovementStatus::{Moving, Parked, Stopped};
        if let Some(point) = Point::from_cells(telemetry) {
            match self.movement.status {
                // It waits with the points of the stop that came before it.
                Stopped => self.wait(Some(point)),
                Parked | Moving => give(Piece::FromCells(point)),
            }
            return;
        }
        let Some(sample) = Sample::of(telemetry, &self.ignition) else { return };
        let before = self.movement.status;
        advance(&mut self.movement, &sample, &self.settings);
        let point = Point::of(telemetry);
        match (before, self.movement.status) {
            (Parked, Parked) => point.into_iter().for_each(|point| give(Piece::Parked(point))),
            (Parked, Moving | Stopped) => {
                give(Piece::Start(sample.time));
                point.into_iter().for_each(|point| give(Piece::Travelled(point)));
            }
            (Moving | Stopped, Moving) => {
                self.stop.drain(..).chain(point).for_each(|point| give(piece(point, Piece::Travelled)));
            }
            (Moving | Stopped, Stopped) => self.wait(point),
            (Moving | Stopped, Parked) => {
                self.wait(point);
                self.arrive(give);
            }
        }
    }

    /// No more records. A trip under way ends here; a stop that is not over counts as the arrival.
    pub fn finish(mut self, give: impl FnMut(Piece)) {
        if self.movement.status != MovementStatus::Parked {
            self.arrive(give);
        }
    }

    fn wait(&mut self, point: Option<Point>) {
        if self.stop.len() < STOP_POINTS {
            self.stop.extend(point);
        }
    }

    fn arrive(&mut self, mut give: impl FnMut(Piece)) {
        let arrival = self.stop.iter().position(|point| point.fix.source == PositionSource::Gnss);
        let (before, after) = self.stop.split_at(arrival.map_or(0, |arrival| arrival + 1));
        before.iter().for_each(|point| give(piece(*point, Piece::Travelled)));
        give(Piece::End);
        after.iter().for_each(|point| give(piece(*point, Piece::Parked)));
        self.stop.clear();
    }
}

/// What a point is that waited.
fn piece(point: Point, of_receiver: fn(Point) -> Piece) -> Piece {
    match point.fix.source {
        PositionSource::Gnss => of_receiver(point),
        PositionSource::Cells => Piece::FromCells(point),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{Row, rows, settings, telemetry},
        *,
    };
    use crate::{SourceSettings, apply};
    use domain::State;
    use proptest::prelude::*;

    fn pieces(records: &[Telemetry], settings: TripDetection) -> Vec<Piece> {
        let mut trips = Trips::new(settings, IgnitionSource::Reported);
        let mut pieces = Vec::new();
        for record in records {
            trips.take(record, |piece| pieces.push(piece));
        }
        trips.finish(|piece| pieces.push(piece));
        pieces
    }

    /// `(start second [travelled seconds])` and `parked seconds`.
    fn printed(pieces: &[Piece]) -> String {
        let words = pieces.iter().map(|piece| match piece {
            Piece::Start(time) => format!("({}", time.seconds()),
            Piece::Travelled(point) => point.time.seconds().to_string(),
            Piece::End => ")".to_owned(),
            Piece::Parked(point) => format!("p{}", point.time.seconds()),
            Piece::FromCells(point) => format!("c{}", point.time.seconds()),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_morning() {
        let minutes = |rows: &[(i64, Option<f32>)]| {
            let rows = rows.iter().map(|(minute, speed)| Row { speed: *speed, ..Row::at(minute * 60) });
            rows.map(telemetry).collect::<Vec<_>>()
        };
        let plain = TripDetection::default();
        for (records, expected) in [
            (minutes(&[]), ""),
            (minutes(&[(0, Some(0.0)), (1, None)]), "p0"),
            (minutes(&[(0, Some(9.0))]), "(0 0 )"),
            // A stop of 4 minutes, then one of 5: the arrival is the first point of the last stop.
            (
                minutes(&[
                    (0, Some(0.0)),
                    (1, Some(9.0)),
                    (2, Some(0.0)),
                    (6, Some(9.0)),
                    (7, Some(0.0)),
                    (9, Some(0.0)),
                    (12, Some(0.0)),
                    (13, Some(0.0)),
                ]),
                "p0 (60 60 120 360 420 ) p540 p720 p780",
            ),
            // A stop that is not over.
            (minutes(&[(1, Some(9.0)), (2, Some(0.0)), (3, Some(0.0))]), "(60 60 120 ) p180"),
            // Without a fix nothing is drawn: the arrival is where the source was seen first.
            (
                minutes(&[
                    (1, Some(9.0)),
                    (2, None),
                    (3, Some(0.0)),
                    (4, Some(0.0)),
                    (9, None),
                    (10, Some(5.0)),
                ]),
                "(60 60 180 ) p240 (600 600 )",
            ),
        ] {
            assert_eq!(printed(&pieces(&records, plain)), expected);
        }
    }

    #[test]
    fn the_ignition_ends_a_trip_at_once() {
        let aware = TripDetection { ignition_aware: true, ..TripDetection::default() };
        let row =
            |second, speed, on| telemetry(Row { speed: Some(speed), ignition: Some(on), ..Row::at(second) });
        let records = [
            row(0, 50.0, true),
            row(10, 50.0, true),
            row(20, 0.0, false),
            row(30, 0.0, false),
            row(40, 9.0, true),
        ];
        assert_eq!(printed(&pieces(&records, aware)), "(0 0 10 20 ) p30 (40 40 )");
    }

    #[test]
    fn a_suspect_time_is_nowhere() {
        let suspect = Row { speed: Some(50.0), suspect: true, ..Row::at(5) };
        let records = [Row::at(0), suspect, Row::at(9)].map(telemetry);
        assert_eq!(printed(&pieces(&records, TripDetection::default())), "");
    }

    /// The status that live shows after each record.
    fn live(records: &[Telemetry], trips: TripDetection) -> Vec<MovementStatus> {
        let settings = SourceSettings { trips, ..SourceSettings::default() };
        let mut state = State::default();
        let shown = |record: &Telemetry| {
            apply(&mut state, &domain::Record::Telemetry(record.clone()), &settings);
            state.movement.status
        };
        records.iter().map(shown).collect()
    }

    /// The pieces as they follow from the statuses alone, once all are known.
    fn expected(records: &[Telemetry], statuses: &[MovementStatus]) -> Vec<Piece> {
        use MovementStatus::{Moving, Parked};
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < records.len() {
            let begin = at;
            if statuses[begin] == Parked {
                pieces.extend(Point::of(&records[begin]).map(Piece::Parked));
                at += 1;
                continue;
            }
            // The record that shows "parked" may be the arrival, so it belongs here.
            let parked =
                (begin..records.len()).find(|at| statuses[*at] == Parked).unwrap_or(records.len() - 1);
            let rode = (begin..=parked).rfind(|at| statuses[*at] == Moving).unwrap();
            let seen_in = |from: usize, to: usize| records[from..to].iter().filter_map(Point::of);
            pieces.push(Piece::Start(records[begin].time));
            pieces.extend(
                seen_in(begin, rode + 1).chain(seen_in(rode + 1, parked + 1).take(1)).map(Piece::Travelled),
            );
            pieces.push(Piece::End);
            pieces.extend(seen_in(rode + 1, parked + 1).skip(1).map(Piece::Parked));
            at = parked + 1;
        }
        pieces
    }

    proptest! {
        #[test]
        fn trips_are_what_live_showed(rows in rows(), settings in settings()) {
            let records: Vec<_> = rows.into_iter().filter(|row| !row.suspect).map(telemetry).collect();
            prop_assert_eq!(pieces(&records, settings), expected(&records, &live(&records, settings)));
        }

        /// Wherever they stand, they change nothing of the rest, and none is lost or moved.
        #[test]
        fn positions_from_cells_make_no_trips(
            rows in rows(),
            settings in settings(),
            after in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let without: Vec<_> = rows.into_iter().map(telemetry).collect();
            let mut with = without.clone();
            for at in after {
                let at = at.index(with.len() + 1);
                let second = at.checked_sub(1).map_or(0, |before| with[before].time.seconds());
                let mut from_cells = telemetry(Row { speed: Some(90.0), ..Row::at(second) });
                from_cells.message.fix.as_mut().unwrap().source = PositionSource::Cells;
                with.insert(at, from_cells);
            }
            let (cells, others): (Vec<_>, Vec<_>) =
                pieces(&with, settings).into_iter().partition(|piece| matches!(piece, Piece::FromCells(_)));
            prop_assert_eq!(others, pieces(&without, settings));
            let expected: Vec<_> = with.iter().filter_map(Point::from_cells).map(Piece::FromCells).collect();
            prop_assert_eq!(cells, expected);
        }

        #[test]
        fn no_point_is_lost_or_moved(rows in rows(), settings in settings()) {
            let records: Vec<_> = rows.into_iter().map(telemetry).collect();
            let mut open = false;
            let mut points = Vec::new();
            for piece in pieces(&records, settings) {
                match piece {
                    Piece::Start(_) => prop_assert!(!std::mem::replace(&mut open, true)),
                    Piece::End => prop_assert!(std::mem::replace(&mut open, false)),
                    Piece::Travelled(point) => {
                        prop_assert!(open);
                        points.push(point);
                    }
                    Piece::Parked(point) => {
                        prop_assert!(!open);
                        points.push(point);
                    }
                    Piece::FromCells(_) => prop_assert!(false, "there are none"),
                }
            }
            prop_assert!(!open);
            prop_assert_eq!(points, records.iter().filter_map(Point::of).collect::<Vec<_>>());
        }
    }
}
