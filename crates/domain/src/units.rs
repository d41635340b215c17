//! Physical quantities of a fix, each with its unit in the type.

use serde::{Deserialize, Serialize};

/// Speed over ground. Stored in km/h, 0 or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Speed(f32);

impl Speed {
    pub fn from_kmh(kmh: f32) -> Self {
        Self(kmh.max(0.0))
    }

    /// 1 knot is 1.852 km/h exactly.
    pub fn from_knots(knots: f32) -> Self {
        Self::from_kmh(knots * 1.852)
    }

    pub fn kmh(self) -> f32 {
        self.0
    }
}

/// A length in metres: altitude above sea level, accuracy of a fix.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metres(pub f32);

/// Direction over ground in whole degrees clockwise from north, 0..=359.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heading(u16);

impl Heading {
    /// Any number of degrees; turns are taken off (360 is 0).
    pub fn from_degrees(degrees: u16) -> Self {
        Self(degrees % 360)
    }

    pub fn degrees(self) -> u16 {
        self.0
    }
}

/// WGS 84 latitude −90..=90 and longitude −180..=180, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    lat: f64,
    lng: f64,
}

impl Coordinates {
    /// `None` outside the ranges, or for a number that is none.
    pub fn new(lat: f64, lng: f64) -> Option<Self> {
        let on_earth = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        on_earth.then_some(Self { lat, lng })
    }

    pub fn lat(self) -> f64 {
        self.lat
    }

    pub fn lng(self) -> f64 {
        self.lng
    }

    /// 0,0 is what receivers print when they know nothing; no fleet drives there.
    pub fn is_null_island(self) -> bool {
        self.lat == 0.0 && self.lng == 0.0
    }
}
