//! A point of a track, as every action prints it, and what tracks and points have in common.

use crate::{dates::Dates, parameters::Int};
use domain::{Metres, PositionSource, Speed};
use fleet::{FromCells, Point, TrackPoint};
use schemars::JsonSchema;
use serde::Serialize;

/// How many points an answer is simplified to.
pub(super) type PointLimit = Int<2, 3000>;

#[derive(Serialize, JsonSchema)]
pub(crate) struct PointObject {
    lat: f64,
    lng: f64,
    alt: i32,
    satellites: u8,
    mileage: f64,
    get_time: String,
    /// Always empty: no geocoder is asked.
    address: &'static str,
    heading: u16,
    speed: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<i32>,
    gsm_lbs: bool,
    parking: bool,
    buffered: bool,
}

impl PointObject {
    pub(crate) fn of(track_point: &TrackPoint, dates: &Dates) -> Self {
        let TrackPoint { point, mileage, parking } = *track_point;
        let fix = point.fix;
        Self {
            lat: fix.coordinates.lat(),
            lng: fix.coordinates.lng(),
            alt: fix.altitude.map_or(0, whole_metres),
            satellites: fix.satellites.unwrap_or(0),
            mileage: kilometres(mileage),
            get_time: dates.moment(point.time),
            address: "",
            heading: fix.heading.map_or(0, domain::Heading::degrees),
            speed: fix.speed.map_or(0, whole_kmh),
            precision: fix.precision.map(whole_metres).filter(|metres| *metres != 0),
            gsm_lbs: is_from_cells(&point),
            parking,
            buffered: point.buffered,
        }
    }
}

/// Positions from cells are told unless the caller does not want them.
pub(super) fn from_cells(include: Option<bool>) -> FromCells {
    if include == Some(false) { FromCells::LeftOut } else { FromCells::Included }
}

pub(super) fn is_from_cells(point: &Point) -> bool {
    point.fix.source == PositionSource::Cells
}

pub(super) fn whole_metres(length: Metres) -> i32 {
    length.0.round() as i32
}

pub(super) fn whole_kmh(speed: Speed) -> i32 {
    speed.kmh().round() as i32
}

/// To the metre.
pub(super) fn kilometres(length: f64) -> f64 {
    (length * 1000.0).round() / 1000.0
}
