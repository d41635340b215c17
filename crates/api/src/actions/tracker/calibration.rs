//! `tracker/sensor/calibration_data/…`: from what a sensor sends to what it stands for.

use super::sensor_object::{Calibration, CalibrationObject};
use crate::{
    action::{Action, Call},
    answer::{Done, Value},
    parameters::parameters,
};
use domain::{ErrorCode, Right, SensorId, TrackerId};
use fleet::{Failure, UserCaller};

parameters! {
    struct Which {
        tracker_id: TrackerId,
        sensor_id: SensorId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/sensor/calibration_data/read";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::UnsupportedBySensor];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "sensor_id": 860250}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<Vec<CalibrationObject>>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let table = call.fleet.calibration(&call.caller, which.tracker_id, which.sensor_id).await?;
        Ok(Value { value: table.into_iter().map(CalibrationObject::from).collect() })
    }
}

parameters! {
    struct Table {
        tracker_id: TrackerId,
        sensor_id: SensorId,
        data: Calibration,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/sensor/calibration_data/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::UnsupportedBySensor,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "sensor_id": 860250,
        "data": [{"in": 0.0, "out": 0.0}, {"in": 0.7, "out": 60.0}]}"#;
    type Caller = UserCaller;
    type Parameters = Table;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, table: Table) -> Result<Done, Failure> {
        let Table { tracker_id, sensor_id, data } = table;
        call.fleet.set_calibration(&call.caller, tracker_id, sensor_id, data.0).await?;
        Ok(Done {})
    }
}
