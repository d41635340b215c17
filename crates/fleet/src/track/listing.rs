//! Makes a list of tracks of a time line.

use super::{ANSWER_LIMIT, Collector, SIMPLIFIER_CAPACITY, Track, TrackListing, TrackPoint, Trip};
use crate::Failure;
use domain::{ErrorCode, Fix, PositionSource};
use telemetry::trips::{Piece, Point, Simplifier, Summary, kilometres};

/// A trip that is shorter than this and has fewer points is the noise of a receiver that stands.
const SHORTEST_KM: f64 = 0.1;
const FEWEST_POINTS: u64 = 5;
/// Single reports within this distance of the first are of one place.
const CLUSTER_KM: f64 = 0.5;

pub(super) struct Listing {
    listing: TrackListing,
    tracks: Vec<Track>,
    /// Of the tracks listed.
    points: usize,
    /// Number of the trip under way, and what there is of it.
    id: i64,
    trip: Option<OpenTrip>,
    /// Positions from cells since the last point of the trip under way; `None` between trips.
    meanwhile: Option<Vec<Point>>,
}

struct OpenTrip {
    summary: Summary,
    /// `None` when no points are asked for.
    line: Option<Simplifier<TrackPoint>>,
}

impl Listing {
    pub(super) fn new(listing: TrackListing) -> Self {
        Self { listing, tracks: Vec::new(), points: 0, id: 0, trip: None, meanwhile: None }
    }

    pub(super) fn finish(self) -> Vec<Track> {
        if self.listing.split {
            self.tracks
        } else {
            merged(self.tracks, self.listing.points).into_iter().collect()
        }
    }

    fn travelled(&mut self, point: Point) {
        // The receiver knows better where it went.
        self.meanwhile.get_or_insert_default().clear();
        match &mut self.trip {
            None => self.trip = Some(OpenTrip::starting_at(point, self.listing.points.is_some())),
            Some(trip) => trip.add(point),
        }
    }

    fn located_by_cells(&mut self, point: Point) -> Result<(), Failure> {
        let mut trip = OpenTrip::starting_at(point, self.listing.points.is_some());
        let points = trip.line.take().zip(self.listing.points);
        let points = points.map_or_else(Vec::new, |(line, limit)| line.finish(limit));
        self.points += points.len();
        self.single_report(Trip { id: point.time.seconds(), summary: trip.summary, points });
        self.within_limit()
    }

    fn within_limit(&self) -> Result<(), Failure> {
        if self.tracks.len() + self.points > ANSWER_LIMIT {
            return Err(ErrorCode::TimeSpanTooBig.into());
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        let Some(OpenTrip { summary, line }) = self.trip.take() else { return Ok(()) };
        let too_short = summary.points > 1 && summary.points < FEWEST_POINTS && summary.length < SHORTEST_KM;
        if too_short && self.listing.filter {
            return Ok(());
        }
        let points = line.zip(self.listing.points).map_or_else(Vec::new, |(line, limit)| line.finish(limit));
        self.points += points.len();
        let trip = Trip { id: self.id, summary, points };
        if summary.points > 1 {
            self.tracks.push(Track::Trip(trip));
        } else {
            self.single_report(trip);
        }
        self.within_limit()
    }

    fn single_report(&mut self, trip: Trip) {
        let fix = trip.summary.first.fix;
        let at = fix.coordinates;
        let cluster = self.listing.cluster_single_reports && self.listing.split;
        let track = match self.tracks.pop_if(|last| cluster && is_report_near(last, fix)) {
            Some(Track::Cluster { mut summary, mut positions }) => {
                summary.add_trip(&trip.summary);
                positions.push(at);
                self.points += 1;
                Track::Cluster { summary, positions }
            }
            Some(Track::SingleReport(Trip { mut summary, .. })) => {
                let positions = vec![summary.first.fix.coordinates, at];
                summary.add_trip(&trip.summary);
                self.points += positions.len();
                Track::Cluster { summary, positions }
            }
            _ => Track::SingleReport(trip),
        };
        self.tracks.push(track);
    }
}

impl OpenTrip {
    fn starting_at(point: Point, with_points: bool) -> Self {
        let line = with_points.then(|| Simplifier::new(SIMPLIFIER_CAPACITY));
        let mut trip = Self { summary: Summary::starting_at(point), line };
        trip.draw(point);
        trip
    }

    fn add(&mut self, point: Point) {
        self.summary.add(point);
        self.draw(point);
    }

    fn draw(&mut self, point: Point) {
        if let Some(line) = &mut self.line {
            let track_point = TrackPoint { point, mileage: self.summary.length, parking: false };
            line.push(point.fix.coordinates, track_point);
        }
    }
}

impl Collector for Listing {
    fn take(&mut self, piece: Piece) -> Result<(), Failure> {
        match piece {
            Piece::Start(time) => {
                self.id = time.seconds();
                self.meanwhile = Some(Vec::new());
            }
            Piece::Travelled(point) => self.travelled(point),
            Piece::End => {
                self.end()?;
                for point in self.meanwhile.take().into_iter().flatten() {
                    self.located_by_cells(point)?;
                }
            }
            Piece::Parked(_) => {}
            Piece::FromCells(point) => match &mut self.meanwhile {
                // A trip has a handful of them; a device that only ever says "moving" has no more than these.
                Some(meanwhile) if meanwhile.len() < ANSWER_LIMIT => meanwhile.push(point),
                Some(_) => return Err(ErrorCode::TimeSpanTooBig.into()),
                None => self.located_by_cells(point)?,
            },
        }
        Ok(())
    }
}

fn is_report_near(track: &Track, at: Fix) -> bool {
    match track {
        Track::SingleReport(Trip { summary, .. }) | Track::Cluster { summary, .. } => {
            summary.first.fix.source == at.source
                && kilometres(summary.first.fix.coordinates, at.coordinates) <= CLUSTER_KM
        }
        Track::Trip(_) | Track::Merged { .. } => false,
    }
}

/// All trips as one; `None` of none.
fn merged(tracks: Vec<Track>, limit: Option<usize>) -> Option<Track> {
    let mut trips = tracks.into_iter().filter_map(|track| match track {
        Track::SingleReport(trip) if trip.summary.first.fix.source == PositionSource::Cells => None,
        Track::Trip(trip) | Track::SingleReport(trip) => Some(trip),
        Track::Merged { .. } | Track::Cluster { .. } => None,
    });
    let first = trips.next()?;
    let mut summary = first.summary;
    let mut line = Simplifier::new(SIMPLIFIER_CAPACITY);
    draw(&mut line, first.points, 0.0);
    for later in trips {
        draw(&mut line, later.points, summary.length);
        summary.add_trip(&later.summary);
    }
    Some(Track::Merged { summary, points: limit.map_or_else(Vec::new, |limit| line.finish(limit)) })
}

/// Draws a trip that begins at a mileage; its ends stay.
fn draw(line: &mut Simplifier<TrackPoint>, points: Vec<TrackPoint>, mileage: f64) {
    for (number, point) in points.into_iter().enumerate() {
        line.push(point.point.fix.coordinates, TrackPoint { mileage: mileage + point.mileage, ..point });
        if number == 0 {
            line.pin();
        }
    }
    line.pin();
}

#[cfg(test)]
mod tests {
    use super::{
        super::{FromCells, tests::point},
        *,
    };
    use domain::Timestamp;

    const PLAIN: TrackListing = TrackListing {
        filter: true,
        split: true,
        cluster_single_reports: false,
        from_cells: FromCells::Included,
        points: None,
    };

    /// Tracks of trips that begin at these seconds, with a point at each of these longitudes, 10 seconds apart.
    fn list(listing: TrackListing, trips: &[(i64, &[f64])]) -> Vec<Track> {
        let mut collector = Listing::new(listing);
        for (start, longitudes) in trips {
            collector.take(Piece::Start(Timestamp::from_seconds(*start))).unwrap();
            for (number, lng) in longitudes.iter().enumerate() {
                collector.take(Piece::Travelled(point(start + 10 * number as i64, *lng))).unwrap();
            }
            collector.take(Piece::End).unwrap();
            collector.take(Piece::Parked(point(start + 500, 0.0))).unwrap();
        }
        collector.finish()
    }

    /// Kind, id and number of points, and those that are listed.
    fn printed(tracks: &[Track]) -> String {
        let print = |track: &Track| match track {
            Track::Trip(trip) => format!("trip {} {}:{}", trip.id, trip.summary.points, trip.points.len()),
            Track::SingleReport(trip) => {
                format!("single {} {}:{}", trip.id, trip.summary.points, trip.points.len())
            }
            Track::Merged { summary, points } => format!("merged {}:{}", summary.points, points.len()),
            Track::Cluster { summary, positions } => {
                format!("cluster {}:{}", summary.points, positions.len())
            }
        };
        tracks.iter().map(print).collect::<Vec<_>>().join(", ")
    }

    /// A trip of 3 km, the noise of a stand, reports from two places, and a trip that lies before the span.
    const DAY: &[(i64, &[f64])] = &[
        (0, &[]),
        (1000, &[0.0, 0.01, 0.02, 0.03]),
        (2000, &[0.03, 0.0301, 0.03]),
        (3000, &[0.5]),
        (4000, &[0.504]),
        (5000, &[0.503]),
        (6000, &[0.6]),
        (7000, &[0.6, 0.5999, 0.6, 0.5999, 0.6]),
    ];

    #[test]
    fn a_day() {
        let with_points = TrackListing { points: Some(3), ..PLAIN };
        let clustered = TrackListing { cluster_single_reports: true, ..PLAIN };
        for (listing, expected) in [
            (
                PLAIN,
                "trip 1000 4:0, single 3000 1:0, single 4000 1:0, single 5000 1:0, single 6000 1:0, trip 7000 5:0",
            ),
            (
                TrackListing { filter: false, ..PLAIN },
                "trip 1000 4:0, trip 2000 3:0, single 3000 1:0, single 4000 1:0, single 5000 1:0, single 6000 1:0, \
                 trip 7000 5:0",
            ),
            (clustered, "trip 1000 4:0, cluster 3:3, single 6000 1:0, trip 7000 5:0"),
            (
                with_points,
                "trip 1000 4:3, single 3000 1:1, single 4000 1:1, single 5000 1:1, single 6000 1:1, trip 7000 5:3",
            ),
            (TrackListing { split: false, ..clustered }, "merged 13:0"),
            // Two ends of two trips, four reports and no more.
            (TrackListing { split: false, ..with_points }, "merged 13:8"),
        ] {
            assert_eq!(printed(&list(listing, DAY)), expected);
        }
        assert_eq!(list(TrackListing { split: false, ..PLAIN }, &[]), []);
    }

    #[test]
    fn merged_mileage_and_figures_leave_the_ways_between_out() {
        let listing = TrackListing { split: false, points: Some(100), ..PLAIN };
        let tracks = list(listing, &[(0, &[0.0, 1.0]), (3600, &[5.0, 6.0])]);
        let [Track::Merged { summary, points }] = &*tracks else { panic!("{tracks:?}") };
        assert_eq!(
            points.iter().map(|point| point.mileage.round()).collect::<Vec<_>>(),
            [0.0, 111.0, 111.0, 222.0]
        );
        assert_eq!((summary.length.round(), summary.duration.as_secs()), (222.0, 20));
        assert_eq!((summary.first.time.seconds(), summary.last.time.seconds()), (0, 3610));
    }
}
