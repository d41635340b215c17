//! `status/tracker/…`: the working status of trackers.

use super::StatusObject;
use crate::{
    action::{Action, Call},
    answer::Value,
    dates::Dates,
    parameters::{List as Items, parameters},
};
use domain::{ErrorCode, StatusId, TrackerId};
use fleet::{CurrentStatus, Failure, StatusChange, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize, JsonSchema)]
pub(crate) struct StatusAnswer {
    current_status: Option<StatusObject>,
    last_change: Option<ChangeObject>,
}

#[derive(Serialize, JsonSchema)]
struct ChangeObject {
    id: i64,
    old_status_id: Option<i64>,
    new_status_id: Option<i64>,
    /// Null when it was not known where the device was.
    location: Option<LocationObject>,
    changed: String,
    origin: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct LocationObject {
    lat: f64,
    lng: f64,
    address: &'static str,
}

impl StatusAnswer {
    fn of(current: CurrentStatus, dates: &Dates) -> Self {
        Self {
            current_status: current.status.map(StatusObject::of),
            last_change: current.last_change.map(|change| ChangeObject::of(change, dates)),
        }
    }
}

impl ChangeObject {
    fn of(change: StatusChange, dates: &Dates) -> Self {
        Self {
            id: change.id,
            old_status_id: change.old.map(|status| status.0),
            new_status_id: change.new.map(|status| status.0),
            location: change.location.map(|(lat, lng)| LocationObject { lat, lng, address: "" }),
            changed: dates.moment(change.changed),
            // Users change it; drivers have no app of ours.
            origin: "supervisor",
        }
    }
}

parameters! {
    struct Assignment {
        tracker_id: TrackerId,
        new_status_id: StatusId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Changed {
    last_change: ChangeObject,
}

pub(crate) struct Assign;

impl Action for Assign {
    const PATH: &'static str = "status/tracker/assign";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceBlocked,
        ErrorCode::TariffRestriction,
        ErrorCode::EntityNotFound,
        ErrorCode::NotPermitted,
        ErrorCode::NoChangeNeeded,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "new_status_id": 5}"#;
    type Caller = UserCaller;
    type Parameters = Assignment;
    type Answer = Changed;

    async fn run(call: &Call<UserCaller>, assignment: Assignment) -> Result<Changed, Failure> {
        let Assignment { tracker_id, new_status_id } = assignment;
        call.fleet.catch_up().await;
        let change = call.fleet.change_status(&call.caller, tracker_id, new_status_id).await?;
        Ok(Changed { last_change: ChangeObject::of(change, &call.dates) })
    }
}

parameters! {
    struct Several {
        trackers: Items<TrackerId, 0, 100_000>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "status/tracker/list";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::DeviceLimitExceeded, ErrorCode::ListHasNonexistent, ErrorCode::TariffRestriction];
    const EXAMPLE: &'static str = r#"{"trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Value<BTreeMap<i64, StatusAnswer>>;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Self::Answer, Failure> {
        let statuses = call.fleet.current_statuses(&call.caller, &several.trackers.0).await?;
        let answer = |(tracker, status): (TrackerId, _)| (tracker.0, StatusAnswer::of(status, &call.dates));
        Ok(Value { value: statuses.into_iter().map(answer).collect() })
    }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "status/tracker/read";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceBlocked,
        ErrorCode::TariffRestriction,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = StatusAnswer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<StatusAnswer, Failure> {
        let status = call.fleet.current_status(&call.caller, which.tracker_id).await?;
        Ok(StatusAnswer::of(status, &call.dates))
    }
}
