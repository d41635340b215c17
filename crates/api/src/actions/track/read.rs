//! `track/read`: the points of tracks.

use super::point::{PointLimit, PointObject, from_cells};
use crate::{
    action::{Action, Call},
    dates::Moment,
    parameters::{Int, parameters},
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, PointChoice, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        tracker_id: TrackerId,
        from: Moment,
        to: Moment,
        track_id: Option<Int<0, { i64::MAX }>>,
        include_gsm_lbs: Option<bool>,
        simplify: Option<bool>,
        point_limit: Option<PointLimit>,
        filter: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    limit_exceeded: bool,
    list: Vec<PointObject>,
}

/// So many points are left of a line when the caller does not say.
const POINT_LIMIT: usize = 3000;

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "track/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::TimeSpanTooBig];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "from": "2024-10-16 00:00:00",
        "to": "2024-10-16 23:59:59", "track_id": 1729058400, "include_gsm_lbs": true, "simplify": true,
        "point_limit": 300, "filter": true}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        let span = call.dates.span(which.from, which.to)?;
        let choice = PointChoice {
            track: which.track_id.map(|track| track.0),
            simplify: (which.simplify != Some(false))
                .then(|| which.point_limit.map_or(POINT_LIMIT, Int::number)),
            parking: which.filter == Some(false),
            from_cells: from_cells(which.include_gsm_lbs),
        };
        let points = call.fleet.track_points(&call.caller, which.tracker_id, span, choice).await?;
        let list = points.list.iter().map(|point| PointObject::of(point, &call.dates)).collect();
        Ok(Answer { limit_exceeded: points.limit_exceeded, list })
    }
}
