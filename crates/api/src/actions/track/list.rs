//! `track/list`: the trips of a tracker.

use super::point::{PointLimit, PointObject, from_cells, is_from_cells, kilometres, whole_kmh, whole_metres};
use crate::{
    action::{Action, Call},
    dates::{Dates, Moment},
    parameters::{Int, parameters},
};
use domain::{Coordinates, ErrorCode, TrackerId};
use fleet::{Bounds, Failure, Summary, Track, TrackListing, TrackPoint, Trip, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        tracker_id: TrackerId,
        from: Moment,
        to: Moment,
        filter: Option<bool>,
        split: Option<bool>,
        include_gsm_lbs: Option<bool>,
        cluster_single_reports: Option<bool>,
        count_events: Option<bool>,
        omit_addresses: Option<bool>,
        with_points: Option<bool>,
        point_limit: Option<PointLimit>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    limit_exceeded: bool,
    list: Vec<TrackObject>,
}

/// So many points are listed of a track when the caller does not say.
const POINT_LIMIT: usize = 300;

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "track/list";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::TimeSpanTooBig];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "from": "2024-10-16 00:00:00",
        "to": "2024-10-16 23:59:59", "filter": true, "split": true, "include_gsm_lbs": true,
        "cluster_single_reports": false, "count_events": false, "omit_addresses": false,
        "with_points": true, "point_limit": 300}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        let span = call.dates.span(which.from, which.to)?;
        let listing = TrackListing {
            filter: which.filter != Some(false),
            split: which.split != Some(false),
            cluster_single_reports: which.cluster_single_reports == Some(true),
            from_cells: from_cells(which.include_gsm_lbs),
            points: (which.with_points == Some(true))
                .then(|| which.point_limit.map_or(POINT_LIMIT, Int::number)),
        };
        let tracks = call.fleet.tracks(&call.caller, which.tracker_id, span, listing).await?;
        let print = Print {
            dates: &call.dates,
            count_events: which.count_events == Some(true),
            with_points: listing.points.is_some(),
        };
        let list = tracks.list.iter().map(|track| print.track(track)).collect();
        Ok(Answer { limit_exceeded: tracks.limit_exceeded, list })
    }
}

/// A track. Which keys it has and their order are those of the service. Addresses are empty: no geocoder is asked.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum TrackObject {
    Travelled(TravelledObject),
    SingleReport(SingleReportObject),
    Cluster(ClusterObject),
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct TravelledObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    start_date: String,
    start_address: &'static str,
    max_speed: i32,
    end_date: String,
    end_address: &'static str,
    length: f64,
    points: u64,
    avg_speed: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_count: Option<u64>,
    r#type: &'static str,
    gsm_lbs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    points_list: Option<Vec<PointObject>>,
    bounds: BoundsObject,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SingleReportObject {
    id: i64,
    start_date: String,
    start_address: &'static str,
    avg_speed: i32,
    gsm_lbs: bool,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points_list: Option<Vec<PointObject>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ClusterObject {
    start_date: String,
    start_address: &'static str,
    end_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<i32>,
    points: Vec<Position>,
    bounds: BoundsObject,
    r#type: &'static str,
    gsm_lbs: bool,
}

#[derive(Serialize, JsonSchema)]
struct Position {
    lat: f64,
    lng: f64,
}

#[derive(Serialize, JsonSchema)]
struct BoundsObject {
    nw: Position,
    se: Position,
}

/// How tracks are printed for one caller.
struct Print<'a> {
    dates: &'a Dates,
    count_events: bool,
    with_points: bool,
}

impl Print<'_> {
    fn track(&self, track: &Track) -> TrackObject {
        match track {
            Track::Trip(Trip { id, summary, points }) => {
                TrackObject::Travelled(self.travelled("regular", Some(*id), summary, points))
            }
            Track::Merged { summary, points } => {
                TrackObject::Travelled(self.travelled("merged", None, summary, points))
            }
            Track::SingleReport(trip) => TrackObject::SingleReport(self.single_report(trip)),
            Track::Cluster { summary, positions } => TrackObject::Cluster(self.cluster(summary, positions)),
        }
    }

    fn travelled(
        &self,
        kind: &'static str,
        id: Option<i64>,
        summary: &Summary,
        points: &[TrackPoint],
    ) -> TravelledObject {
        TravelledObject {
            id,
            start_date: self.dates.moment(summary.first.time),
            start_address: "",
            max_speed: whole_kmh(summary.max_speed),
            end_date: self.dates.moment(summary.last.time),
            end_address: "",
            length: kilometres(summary.length),
            points: summary.points,
            avg_speed: whole_kmh(summary.average_speed()),
            // Nothing makes events yet.
            event_count: self.count_events.then_some(0),
            r#type: kind,
            gsm_lbs: false,
            points_list: self.points(points),
            bounds: bounds(&summary.bounds),
        }
    }

    fn single_report(&self, trip: &Trip) -> SingleReportObject {
        let summary = &trip.summary;
        SingleReportObject {
            id: trip.id,
            start_date: self.dates.moment(summary.first.time),
            start_address: "",
            avg_speed: whole_kmh(summary.average_speed()),
            gsm_lbs: is_from_cells(&summary.first),
            r#type: "single_report",
            precision: summary.first.fix.precision.map(whole_metres),
            points_list: self.points(&trip.points),
        }
    }

    fn cluster(&self, summary: &Summary, positions: &[Coordinates]) -> ClusterObject {
        ClusterObject {
            start_date: self.dates.moment(summary.first.time),
            start_address: "",
            end_date: self.dates.moment(summary.last.time),
            precision: summary.first.fix.precision.map(whole_metres),
            points: positions.iter().map(|at| Position { lat: at.lat(), lng: at.lng() }).collect(),
            bounds: bounds(&summary.bounds),
            r#type: "cluster",
            gsm_lbs: is_from_cells(&summary.first),
        }
    }

    fn points(&self, points: &[TrackPoint]) -> Option<Vec<PointObject>> {
        self.with_points.then(|| points.iter().map(|point| PointObject::of(point, self.dates)).collect())
    }
}

fn bounds(bounds: &Bounds) -> BoundsObject {
    BoundsObject {
        nw: Position { lat: bounds.north, lng: bounds.west },
        se: Position { lat: bounds.south, lng: bounds.east },
    }
}
