//! `tracker/settings/trip_detection/…`: when a tracker is moving, stopped, parked.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Int, parameters},
};
use domain::{ErrorCode, Right, TrackerId, TripDetection};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    min_idle_duration_minutes: u16,
    idle_speed_threshold: u16,
    ignition_aware: bool,
    motion_sensor_aware: bool,
}

pub(crate) struct ReadTripDetection;

impl Action for ReadTripDetection {
    const PATH: &'static str = "tracker/settings/trip_detection/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        let TripDetection {
            min_idle_duration_minutes,
            idle_speed_threshold,
            ignition_aware,
            motion_sensor_aware,
        } = call.fleet.trip_detection(&call.caller, which.tracker_id)?;
        Ok(Answer { min_idle_duration_minutes, idle_speed_threshold, ignition_aware, motion_sensor_aware })
    }
}

parameters! {
    struct Change {
        tracker_id: TrackerId,
        min_idle_duration_minutes: Int<1, 1440>,
        idle_speed_threshold: Int<0, 200>,
        ignition_aware: Option<bool>,
        motion_sensor_aware: Option<bool>,
    }
}

pub(crate) struct UpdateTripDetection;

impl Action for UpdateTripDetection {
    const PATH: &'static str = "tracker/settings/trip_detection/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "min_idle_duration_minutes": 5,
        "idle_speed_threshold": 3, "ignition_aware": false, "motion_sensor_aware": false}"#;
    type Caller = UserCaller;
    type Parameters = Change;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, change: Change) -> Result<Done, Failure> {
        let before = call.fleet.trip_detection(&call.caller, change.tracker_id)?;
        let trips = TripDetection {
            min_idle_duration_minutes: change.min_idle_duration_minutes.number(),
            idle_speed_threshold: change.idle_speed_threshold.number(),
            ignition_aware: change.ignition_aware.unwrap_or(before.ignition_aware),
            motion_sensor_aware: change.motion_sensor_aware.unwrap_or(before.motion_sensor_aware),
        };
        call.fleet.set_trip_detection(&call.caller, change.tracker_id, trips).await?;
        Ok(Done {})
    }
}
