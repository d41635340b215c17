//! Settings of a source that decide how its records are understood.

use crate::{CalcMethod, InputName};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When is a device moving, stopped, parked (`tracker/settings/trip_detection`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TripDetection {
    /// Below the speed threshold for this long ends a trip. 1..=1440 minutes.
    pub min_idle_duration_minutes: u16,
    /// km/h, 0..=200; 0 means that speed never ends a trip.
    pub idle_speed_threshold: u16,
    pub ignition_aware: bool,
    pub motion_sensor_aware: bool,
}

impl Default for TripDetection {
    fn default() -> Self {
        Self {
            min_idle_duration_minutes: 5,
            idle_speed_threshold: 3,
            ignition_aware: false,
            motion_sensor_aware: false,
        }
    }
}

/// When does a silent device stop being active, and when is it offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionTimeouts {
    /// After this long without a current fix: idle. Less than `offline`.
    pub idle: Duration,
    /// After this long without any packet: offline.
    pub offline: Duration,
}

impl Default for ConnectionTimeouts {
    fn default() -> Self {
        Self { idle: Duration::from_secs(5 * 60), offline: Duration::from_secs(10 * 60) }
    }
}

/// What tells whether the ignition of a source is on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum IgnitionSource {
    /// The device's own report.
    #[default]
    Reported,
    /// A wired input.
    Input(u8),
    /// Any other input; on when the method's result is not 0.
    Computed { input: InputName, method: CalcMethod },
}
