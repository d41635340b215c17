//! Kinds of vehicle: how far they go, how long they stop, how they are driven, what they burn.

use crate::{path::Temper, seed::Seed};
use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Delivers in town, with many short stops.
    Van,
    /// Hauls between towns, never faster than 85 km/h.
    Truck,
    /// Takes somebody to customers.
    Car,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Van, Self::Truck, Self::Car];

    /// Metres between two stops.
    pub(crate) fn reach(self) -> Range<f32> {
        match self {
            Self::Van => 1500.0..14_000.0,
            Self::Truck => 15_000.0..110_000.0,
            Self::Car => 4000.0..45_000.0,
        }
    }

    /// Seconds at a stop.
    pub(crate) fn pause(self, seed: Seed) -> i64 {
        let (low, high) = match self {
            Self::Van => (45.0, 300.0),
            Self::Truck => (600.0, 1500.0),
            Self::Car => (180.0, 1200.0),
        };
        seed.between(low, high) as i64
    }

    pub(crate) fn temper(self, seed: Seed) -> Temper {
        let haste = seed.named("haste").between(0.93, 1.04) as f32;
        let (top, acceleration, braking) = match self {
            Self::Van => (125.0, 1.9, 1.7),
            Self::Truck => (85.0, 0.9, 1.1),
            Self::Car => (135.0, 2.3, 1.9),
        };
        Temper { haste, top: top / 3.6, acceleration, braking }
    }

    /// How many times the seconds at the speed limits a way surely takes, waiting at lights not counted.
    pub(crate) fn slowness(self) -> f32 {
        match self {
            Self::Van | Self::Car => 1.08,
            Self::Truck => 1.42,
        }
    }

    /// Litres in a full tank, and litres per kilometre.
    pub(crate) fn fuel(self) -> (f64, f64) {
        match self {
            Self::Van => (75.0, 0.10),
            Self::Truck => (400.0, 0.30),
            Self::Car => (55.0, 0.06),
        }
    }

    /// Revolutions per minute: standing, at the beginning and at the end of a gear.
    pub(crate) fn revolutions(self) -> (f32, f32, f32) {
        match self {
            Self::Van => (780.0, 1250.0, 2500.0),
            Self::Truck => (560.0, 900.0, 1550.0),
            Self::Car => (800.0, 1300.0, 2800.0),
        }
    }
}
