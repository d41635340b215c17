//! Collects the points of a time line, all or simplified.

use super::{ANSWER_LIMIT, Collector, PointChoice, SIMPLIFIER_CAPACITY, TrackPoint};
use crate::Failure;
use domain::{Coordinates, ErrorCode};
use telemetry::trips::{Piece, Point, Simplifier, kilometres};

pub(super) struct Line {
    choice: PointChoice,
    points: Points,
    mileage: f64,
    trip: Option<OpenTrip>,
}

/// A trip whose points are wanted.
struct OpenTrip {
    last: Option<Coordinates>,
}

enum Points {
    All(Vec<TrackPoint>),
    Simplified(Simplifier<TrackPoint>, usize),
}

impl Line {
    pub(super) fn new(choice: PointChoice) -> Self {
        let points = match choice.simplify {
            None => Points::All(Vec::new()),
            Some(limit) => Points::Simplified(Simplifier::new(SIMPLIFIER_CAPACITY), limit),
        };
        Self { choice, points, mileage: 0.0, trip: None }
    }

    pub(super) fn finish(self) -> Vec<TrackPoint> {
        match self.points {
            Points::All(points) => points,
            Points::Simplified(points, limit) => points.finish(limit),
        }
    }

    /// Both ends of a trip stay when the line is simplified.
    fn pin(&mut self) {
        if let Points::Simplified(points, _) = &mut self.points {
            points.pin();
        }
    }

    fn push(&mut self, point: Point, parking: bool) -> Result<(), Failure> {
        let track_point = TrackPoint { point, mileage: self.mileage, parking };
        let len = match &mut self.points {
            Points::All(points) => {
                points.push(track_point);
                points.len()
            }
            Points::Simplified(points, _) => {
                points.push(point.fix.coordinates, track_point);
                points.len()
            }
        };
        if len > ANSWER_LIMIT { Err(ErrorCode::TimeSpanTooBig.into()) } else { Ok(()) }
    }
}

impl Collector for Line {
    fn take(&mut self, piece: Piece) -> Result<(), Failure> {
        match piece {
            Piece::Start(time) => {
                let wanted = self.choice.track.is_none_or(|track| track == time.seconds());
                self.trip = wanted.then_some(OpenTrip { last: None });
            }
            Piece::Travelled(point) => {
                let Some(trip) = &mut self.trip else { return Ok(()) };
                let at = point.fix.coordinates;
                let before = trip.last.replace(at);
                self.mileage += before.map_or(0.0, |before| kilometres(before, at));
                self.push(point, false)?;
                if before.is_none() {
                    self.pin();
                }
            }
            Piece::End => {
                if self.trip.take().is_some_and(|trip| trip.last.is_some()) {
                    self.pin();
                }
            }
            Piece::FromCells(point) => {
                if self.choice.track.is_none() {
                    self.push(point, false)?;
                }
            }
            Piece::Parked(point) => {
                if self.choice.parking && self.choice.track.is_none() {
                    self.push(point, true)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{FromCells, tests::point},
        *,
    };
    use domain::Timestamp;

    const PARKED_TOO: PointChoice =
        PointChoice { track: None, simplify: None, parking: true, from_cells: FromCells::LeftOut };

    /// Two trips of 1,000 seconds along the equator, a parked point before, between and after them.
    fn line(choice: PointChoice) -> Vec<(i64, bool)> {
        let mut line = Line::new(choice);
        line.take(Piece::Parked(point(0, 0.0))).unwrap();
        for start in [1000, 5000] {
            line.take(Piece::Start(Timestamp::from_seconds(start))).unwrap();
            for second in start..=start + 1000 {
                line.take(Piece::Travelled(point(second, second as f64 * 1e-5))).unwrap();
            }
            line.take(Piece::End).unwrap();
            line.take(Piece::Parked(point(start + 1500, 0.0))).unwrap();
        }
        let points = line.finish();
        assert!(
            points.is_sorted_by(|one, next| one.point.time < next.point.time && one.mileage <= next.mileage)
        );
        points.iter().map(|point| (point.point.time.seconds(), point.parking)).collect()
    }

    #[test]
    fn what_was_chosen() {
        let all =
            PointChoice { track: None, simplify: None, parking: false, from_cells: FromCells::Included };
        assert_eq!(line(all).len(), 2002);
        assert_eq!(line(PointChoice { parking: true, ..all }).len(), 2005);
        assert_eq!(line(PointChoice { track: Some(5000), parking: true, ..all })[0], (5000, false));
        assert_eq!(line(PointChoice { track: Some(5000), ..all }).len(), 1001);
        assert_eq!(line(PointChoice { track: Some(4999), ..all }), []);
        let ends = [(1000, false), (2000, false), (5000, false), (6000, false)];
        assert_eq!(line(PointChoice { simplify: Some(2), ..all }), ends);
        assert_eq!(line(PointChoice { simplify: Some(100), ..all }).len(), 100);
        assert_eq!(line(PointChoice { simplify: Some(100), track: Some(1000), ..all }).len(), 100);
        assert_eq!(line(PointChoice { simplify: Some(3000), parking: true, ..all }).len(), 2005);
    }

    #[test]
    fn mileage_is_what_was_travelled() {
        let mut line = Line::new(PARKED_TOO);
        for (start, lng) in [(0, 0.0), (100, 50.0)] {
            line.take(Piece::Start(Timestamp::from_seconds(start))).unwrap();
            line.take(Piece::Travelled(point(start, lng))).unwrap();
            line.take(Piece::Travelled(point(start + 10, lng + 1.0))).unwrap();
            line.take(Piece::End).unwrap();
            line.take(Piece::Parked(point(start + 20, lng + 1.001))).unwrap();
        }
        let mileage: Vec<_> = line.finish().iter().map(|point| point.mileage.round()).collect();
        assert_eq!(mileage, [0.0, 111.0, 111.0, 111.0, 222.0, 222.0]);
    }

    #[test]
    fn an_answer_does_not_grow_for_ever() {
        let mut line = Line::new(PARKED_TOO);
        let full = (0..)
            .map(|second| line.take(Piece::Parked(point(second, 0.0))))
            .take_while(Result::is_ok)
            .count();
        assert_eq!(full, ANSWER_LIMIT);
    }
}
