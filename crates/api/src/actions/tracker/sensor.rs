//! `tracker/sensor/…`: what users define on the inputs of their trackers.

use super::sensor_object::{Draft, SensorObject, required};
use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    parameters::{List as Items, parameters},
};
use domain::{ErrorCode, Right, SensorId, TrackerId};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tracker/sensor/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = answer::List<SensorObject>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let sensors = call.fleet.sensors(&call.caller, which.tracker_id).await?;
        Ok(answer::List { list: sensors.iter().map(SensorObject::from).collect() })
    }
}

parameters! {
    struct Several {
        trackers: Items<TrackerId, 0, 100_000>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Lists {
    #[serde(serialize_with = "by_tracker")]
    #[schemars(with = "BTreeMap<String, Vec<SensorObject>>")]
    result: Vec<(TrackerId, Vec<SensorObject>)>,
}

pub(crate) struct BatchList;

impl Action for BatchList {
    const PATH: &'static str = "tracker/sensor/batch_list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::ListHasNonexistent, ErrorCode::DeviceLimitExceeded];
    const EXAMPLE: &'static str = r#"{"trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Lists;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Lists, Failure> {
        let all = call.fleet.sensors_of_all(&call.caller, &several.trackers.0).await?;
        let objects = all
            .into_iter()
            .map(|(tracker, sensors)| (tracker, sensors.iter().map(SensorObject::from).collect()));
        Ok(Lists { result: objects.collect() })
    }
}

parameters! {
    struct SensorOfTracker {
        tracker_id: TrackerId,
        sensor: Draft,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "tracker/sensor/create";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::InputInUse,
        ErrorCode::TooManySensors,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "sensor": {"type": "metering", "sensor_type": "temperature",
        "name": "Cargo", "input_name": "ble_temp_sensor_3", "divider": 1.0, "accuracy": 0.0, "units": "°C",
        "units_type": "celsius"}}"#;
    type Caller = UserCaller;
    type Parameters = SensorOfTracker;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: SensorOfTracker) -> Result<Created, Failure> {
        let Draft { name, kind, .. } = new.sensor;
        let id = call.fleet.create_sensor(&call.caller, new.tracker_id, name, kind).await?;
        Ok(Created { id: id.0 })
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/sensor/update";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::InputInUse,
        ErrorCode::TooManySensors,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "sensor": {"type": "metering", "id": 860250,
        "sensor_type": "power", "name": "Supply", "input_name": "analog_1", "divider": 1.0, "accuracy": 0.0,
        "units": "V", "units_type": "volt"}}"#;
    type Caller = UserCaller;
    type Parameters = SensorOfTracker;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: SensorOfTracker) -> Result<Done, Failure> {
        let Draft { id, name, kind } = changed.sensor;
        call.fleet.update_sensor(&call.caller, changed.tracker_id, required(id)?, name, kind).await?;
        Ok(Done {})
    }
}

parameters! {
    struct WhichSensor {
        tracker_id: TrackerId,
        sensor_id: SensorId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "tracker/sensor/delete";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "sensor_id": 860250}"#;
    type Caller = UserCaller;
    type Parameters = WhichSensor;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: WhichSensor) -> Result<Done, Failure> {
        call.fleet.delete_sensor(&call.caller, which.tracker_id, which.sensor_id).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Copying {
        base_tracker_id: TrackerId,
        trackers: Items<TrackerId, 1, 500>,
    }
}

pub(crate) struct BatchCopy;

impl Action for BatchCopy {
    const PATH: &'static str = "tracker/sensor/batch_copy";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DifferentModels,
    ];
    const EXAMPLE: &'static str = r#"{"base_tracker_id": 123456, "trackers": [123457]}"#;
    type Caller = UserCaller;
    type Parameters = Copying;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, copying: Copying) -> Result<Done, Failure> {
        let Copying { base_tracker_id, trackers } = copying;
        call.fleet.copy_sensors(&call.caller, base_tracker_id, &trackers.0).await?;
        Ok(Done {})
    }
}

/// A map with the trackers' numbers as its keys.
pub(super) fn by_tracker<T: Serialize, S: Serializer>(
    values: &[(TrackerId, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(tracker, value)| (tracker.0, value)))
}
