//! Tracks: where a tracker was, cut into trips by the machine that decides its live movement status. Read through the
//! sources on which the tracker stood.

mod line;
mod listing;
mod store_period;
mod timeline;

use crate::{Failure, Fleet, TrackerView, UserCaller, tracker::PATIENCE};
use domain::{Coordinates, ErrorCode, TariffId, Timestamp, TrackerId};
use line::Line;
use listing::Listing;
use std::ops::Range;
use telemetry::{
    SourceSettings,
    trips::{Piece, Point, Summary},
};
pub use timeline::FromCells;
use timeline::Leg;
use tokio::time::timeout;

/// Tracks of a time span, the earliest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracks {
    pub list: Vec<Track>,
    /// The span began earlier than the plan keeps history.
    pub limit_exceeded: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Track {
    /// A trip. Its figures are those of the part within the span.
    Trip(Trip),
    /// A trip of which the span has one point, or a position from cells.
    SingleReport(Trip),
    /// All trips as one.
    Merged { summary: Summary, points: Vec<TrackPoint> },
    /// Single reports from one place.
    Cluster { summary: Summary, positions: Vec<Coordinates> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// The second in which it began, whether that is within the span or not.
    pub id: i64,
    pub summary: Summary,
    /// Empty unless asked for.
    pub points: Vec<TrackPoint>,
}

/// Points of a time span in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackPoints {
    pub list: Vec<TrackPoint>,
    /// The span began earlier than the plan keeps history.
    pub limit_exceeded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackPoint {
    pub point: Point,
    /// Kilometres travelled since the first point of the answer, or of the track it is listed with.
    pub mileage: f64,
    /// Outside of all trips.
    pub parking: bool,
}

/// How tracks are to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackListing {
    /// Leave out trips that are too short to be one.
    pub filter: bool,
    /// Each trip for itself; else all as one.
    pub split: bool,
    pub cluster_single_reports: bool,
    /// Each is a single report.
    pub from_cells: FromCells,
    /// With so many points each; `None`: without.
    pub points: Option<usize>,
}

/// Which points are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointChoice {
    /// Of one track only.
    pub track: Option<i64>,
    /// Simplified to so many; `None`: every point.
    pub simplify: Option<usize>,
    /// With those outside of trips, unless one track was named.
    pub parking: bool,
    /// Those from cells too, unless one track was named.
    pub from_cells: FromCells,
}

/// How many tracks and points one answer has at most. Whoever wants more asks for shorter spans.
const ANSWER_LIMIT: usize = 200_000;
/// How many points of a line are weighed against each other while it is simplified. An answer has 3,000 at most.
const SIMPLIFIER_CAPACITY: usize = 16_384;

/// What makes an answer of a time line, piece by piece.
trait Collector: Send {
    /// # Errors
    /// `TimeSpanTooBig` when the answer would grow beyond its limit.
    fn take(&mut self, piece: Piece) -> Result<(), Failure>;
}

impl Fleet {
    /// Trips within `span` (its end not included).
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`, `TimeSpanTooBig`.
    pub async fn tracks(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        span: Range<Timestamp>,
        listing: TrackListing,
    ) -> Result<Tracks, Failure> {
        let mut collector = Listing::new(listing);
        let limit_exceeded = self.collect(caller, tracker, span, listing.from_cells, &mut collector).await?;
        Ok(Tracks { list: collector.finish(), limit_exceeded })
    }

    /// Points within `span` (its end not included).
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`, `TimeSpanTooBig`.
    pub async fn track_points(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        span: Range<Timestamp>,
        choice: PointChoice,
    ) -> Result<TrackPoints, Failure> {
        let mut collector = Line::new(choice);
        let limit_exceeded = self.collect(caller, tracker, span, choice.from_cells, &mut collector).await?;
        Ok(TrackPoints { list: collector.finish(), limit_exceeded })
    }

    /// Answers whether the span began earlier than the plan keeps history.
    async fn collect(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        mut span: Range<Timestamp>,
        from_cells: FromCells,
        collector: &mut impl Collector,
    ) -> Result<bool, Failure> {
        let view = self.tracker(caller, tracker)?;
        if view.source.blocked {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        let kept_from = self.kept_from(caller, &view).await?;
        let limit_exceeded = span.start < kept_from;
        span.start = span.start.max(kept_from);
        if span.start < span.end {
            self.history_catches_up().await;
            let legs = self.legs(&view, &span).await?;
            timeline::read(&*self.history, &legs, from_cells, collector).await?;
        }
        Ok(limit_exceeded)
    }

    /// Lets history catch up with the journal, so that whatever was acknowledged before the call is in the answer.
    pub(crate) async fn history_catches_up(&self) {
        self.catch_up().await;
        // Late or failed: what can be read is answered, and readiness tells why.
        let _ = timeout(PATIENCE, self.history.caught_up_to(self.live.position())).await;
    }

    /// The beginning of what the tracker's plan, and the caller's security group, let the caller see.
    pub(crate) async fn kept_from(
        &self,
        caller: &UserCaller,
        view: &TrackerView,
    ) -> Result<Timestamp, Failure> {
        self.plan_keeps_from(caller, view.source.tariff).await
    }

    /// As `kept_from`, of any tracker on the plan.
    pub(crate) async fn plan_keeps_from(
        &self,
        caller: &UserCaller,
        plan: TariffId,
    ) -> Result<Timestamp, Failure> {
        let tariff = self.catalog.tariff(plan).await?.ok_or(ErrorCode::InvalidTariff)?;
        let periods = [Some(&tariff.terms.store_period), caller.store_period.as_ref()];
        let beginnings =
            periods.into_iter().flatten().map(|period| store_period::beginning(period, self.now()));
        Ok(beginnings.max().unwrap_or(Timestamp::from_millis(i64::MIN)))
    }

    /// The parts of `span` by source. What was chosen for the tracker holds for its whole past, whatever device it had
    /// then; what told the ignition is each device's own.
    pub(crate) async fn legs(
        &self,
        view: &TrackerView,
        span: &Range<Timestamp>,
    ) -> Result<Vec<Leg>, Failure> {
        let sources = self.catalog.tracker_spans(view.tracker.account, view.tracker.id).await?;
        let SourceSettings { trips: settings, cell_radius, .. } = self.live.settings(view.source.id);
        let mut legs = Vec::new();
        for (number, stood) in sources.into_iter().enumerate() {
            // What the first device kept from before its registration is the tracker's too.
            let since = (number > 0).then_some(stood.from);
            let start = since.map_or(span.start, |since| since.max(span.start));
            let end = stood.to.map_or(span.end, |to| to.min(span.end));
            if start < end {
                let (source, span) = (stood.source, start..end);
                let ignition = self.live.settings(source).ignition;
                legs.push(Leg { source, since, span, settings, ignition, cell_radius });
            }
        }
        Ok(legs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Fix, Speed};

    /// On the equator.
    pub(super) fn point(second: i64, lng: f64) -> Point {
        let fix = Fix { speed: Some(Speed::from_kmh(50.0)), ..Fix::at(Coordinates::new(0.0, lng).unwrap()) };
        Point { time: Timestamp::from_seconds(second), fix, buffered: false }
    }
}
