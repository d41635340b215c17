//! `tracker/get_last_gps_point`: the last point of the receiver; positions from cells do not count.

use crate::{
    action::{Action, Call},
    answer::Value,
    dates::Dates,
    parameters::parameters,
};
use domain::{ErrorCode, LatestFix, TrackerId};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Point {
    get_time: String,
    heading: u16,
    lat: f64,
    lng: f64,
    satellites: u8,
    speed: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<i32>,
}

impl Point {
    fn of(LatestFix { fix, time }: LatestFix, dates: &Dates) -> Self {
        let whole = |metres: domain::Metres| metres.0.round() as i32;
        Self {
            get_time: dates.moment(time),
            heading: fix.heading.map_or(0, domain::Heading::degrees),
            lat: fix.coordinates.lat(),
            lng: fix.coordinates.lng(),
            satellites: fix.satellites.unwrap_or(0),
            speed: fix.speed.map_or(0, |speed| speed.kmh().round() as i32),
            alt: fix.altitude.map(whole),
            precision: fix.precision.map(whole).filter(|metres| *metres != 0),
        }
    }
}

pub(crate) struct GetLastGpsPoint;

impl Action for GetLastGpsPoint {
    const PATH: &'static str = "tracker/get_last_gps_point";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<Option<Point>>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        call.fleet.catch_up().await;
        let point = call.fleet.last_gps_point(&call.caller, which.tracker_id)?;
        Ok(Value { value: point.map(|point| Point::of(point, &call.dates)) })
    }
}
