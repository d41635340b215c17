//! Counters: what a vehicle has run up, as its user counts it.

use crate::{Coordinates, CounterId, SensorId, Timestamp, sensor::words};
use serde::{Deserialize, Serialize};
use std::time::Duration;

words! {
    CounterType { Odometer = "odometer", FuelConsumed = "fuel_consumed", EngineHours = "engine_hours" }
}

/// A counter of a source. It shows `offset` + reading × `multiplier`; the reading is what the source has run up (`Totals`),
/// or what a sensor says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counter {
    pub id: CounterId,
    pub counter_type: CounterType,
    pub rule: CounterRule,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterRule {
    /// Corrects what the device counts; more than 0.
    pub multiplier: f64,
    /// In the counter's unit: kilometres, hours, litres.
    pub offset: f64,
    /// Of the odometer: a metering sensor that counts instead of the fixes.
    pub sensor: Option<SensorId>,
    /// When a user last said what the counter shows.
    pub set_at: Option<Timestamp>,
}

impl Default for CounterRule {
    fn default() -> Self {
        Self { multiplier: 1.0, offset: 0.0, sensor: None, set_at: None }
    }
}

impl CounterRule {
    /// What the counter shows at a reading.
    pub fn shown(&self, reading: f64) -> f64 {
        self.offset + reading * self.multiplier
    }

    /// The same rule, so that it shows `value` at a reading; `None` where no number is as large as that takes.
    pub fn showing(self, value: f64, reading: f64) -> Option<Self> {
        let offset = value - reading * self.multiplier;
        offset.is_finite().then_some(Self { offset, ..self })
    }
}

/// What a source has run up since the server knows it. It only grows, whatever the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Kilometres along the fixes of its trips.
    pub distance: f64,
    /// The newest fix, up to which `distance` counts.
    pub place: Option<(Timestamp, Coordinates)>,
    /// With the ignition on.
    pub engine: Duration,
    /// The newest record after the ignition was first heard of, up to which `engine` counts.
    pub engine_until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_shows_what_it_is_set_to_and_goes_on_from_there() {
        let rule = CounterRule { multiplier: 2.0, ..CounterRule::default() };
        assert_eq!(rule.shown(10.0), 20.0);
        let set = rule.showing(1000.0, 10.0).unwrap();
        assert_eq!((set.shown(10.0), set.shown(15.0)), (1000.0, 1010.0));
        assert_eq!(rule.showing(1000.0, f64::MAX), None);
    }
}
