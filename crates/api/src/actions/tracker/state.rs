//! `tracker/get_state`, `tracker/get_states`: where trackers are and how they do.

use crate::{
    action::{Action, Call},
    dates::{Dates, Written},
    openapi::words,
    parameters::{List, parameters},
};
use domain::{ConnectionStatus, ErrorCode, InputName, MovementStatus, TrackerId};
use fleet::{Additional, Failure, GpsView, GsmView, StateOf, StateView, UserCaller};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashSet};

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    user_time: String,
    state: StateObject,
}

pub(crate) struct GetState;

impl Action for GetState {
    const PATH: &'static str = "tracker/get_state";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        call.fleet.catch_up().await;
        let view = call.fleet.state(&call.caller, which.tracker_id, call.now)?;
        Ok(Answer { user_time: call.dates.moment(call.now), state: StateObject::of(view, &call.dates) })
    }
}

parameters! {
    struct Several {
        trackers: List<TrackerId, 0, 2000>,
        list_blocked: Option<bool>,
        allow_not_exist: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answers {
    user_time: String,
    #[serde(serialize_with = "as_states")]
    #[schemars(with = "BTreeMap<String, StateObject>")]
    states: Vec<(TrackerId, StateObject)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<i64>>")]
    blocked: Option<Vec<TrackerId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<i64>>")]
    not_exist: Option<Vec<TrackerId>>,
}

pub(crate) struct GetStates;

impl Action for GetStates {
    const PATH: &'static str = "tracker/get_states";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::DeviceBlocked, ErrorCode::ListHasNonexistent];
    const EXAMPLE: &'static str = r#"{"trackers": [123456], "list_blocked": true, "allow_not_exist": true}"#;
    type Caller = UserCaller;
    type Parameters = Several;
    type Answer = Answers;

    async fn run(call: &Call<UserCaller>, several: Several) -> Result<Answers, Failure> {
        call.fleet.catch_up().await;
        let list_blocked = several.list_blocked == Some(true);
        let allow_not_exist = several.allow_not_exist == Some(true);
        let (mut states, mut blocked, mut not_exist) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_corrupted = false;
        let mut asked = HashSet::new();
        // Each is answered once: the states are the keys of one object.
        for tracker in several.trackers.0.into_iter().filter(|tracker| asked.insert(*tracker)) {
            match call.fleet.state_of(&call.caller, tracker, call.now) {
                StateOf::Known(view) => states.push((tracker, StateObject::of(*view, &call.dates))),
                StateOf::Blocked => blocked.push(tracker),
                StateOf::Missing if !allow_not_exist => return Err(ErrorCode::ListHasNonexistent.into()),
                StateOf::Missing => not_exist.push(tracker),
                StateOf::Corrupted => {
                    is_corrupted = true;
                    not_exist.push(tracker);
                }
            }
        }
        // Of several reasons to refuse the one that comes first in the order of checks, whatever the list's order.
        if is_corrupted && !allow_not_exist {
            return Err(ErrorCode::NotFound.into());
        }
        if !blocked.is_empty() && !list_blocked {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        Ok(Answers {
            user_time: call.dates.moment(call.now),
            states,
            blocked: list_blocked.then_some(blocked),
            not_exist: allow_not_exist.then_some(not_exist),
        })
    }
}

/// The state of a tracker's source. Key order is that of the service.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StateObject {
    source_id: i64,
    gps: Gps,
    #[schemars(schema_with = "connection_status")]
    connection_status: &'static str,
    #[schemars(schema_with = "movement_status")]
    movement_status: &'static str,
    movement_status_update: Option<Written>,
    ignition: Option<bool>,
    ignition_update: Option<Written>,
    last_update: Option<Written>,
    gsm: Option<Gsm>,
    battery_level: Option<u8>,
    battery_update: Option<Written>,
    inputs: Vec<bool>,
    inputs_update: Option<Written>,
    outputs: Vec<bool>,
    outputs_update: Option<Written>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_additional")]
    #[schemars(with = "BTreeMap<String, AdditionalObject>")]
    additional: Vec<(InputName, AdditionalObject)>,
    actual_track_update: Option<Written>,
}

impl StateObject {
    pub(crate) fn of(view: StateView, dates: &Dates) -> Self {
        let additional = |Additional { name, value, updated }| {
            (name, AdditionalObject { value, updated: dates.written(updated) })
        };
        Self {
            source_id: view.source_id.0,
            gps: Gps::of(&view.gps, dates),
            connection_status: view.connection_status.as_str(),
            movement_status: view.movement_status.as_str(),
            movement_status_update: dates.optional(view.movement_status_update),
            ignition: view.ignition,
            ignition_update: dates.optional(view.ignition_update),
            last_update: dates.optional(view.last_update),
            gsm: view.gsm.map(|gsm| Gsm::of(gsm, dates)),
            battery_level: view.battery_level,
            battery_update: dates.optional(view.battery_update),
            inputs: view.inputs,
            inputs_update: dates.optional(view.inputs_update),
            outputs: view.outputs,
            outputs_update: dates.optional(view.outputs_update),
            additional: view.additional.into_iter().map(additional).collect(),
            actual_track_update: dates.optional(view.actual_track_update),
        }
    }
}

/// What the compact form of the WebSocket shows of a state.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CompactStateObject {
    source_id: i64,
    gps: Gps,
    #[schemars(schema_with = "connection_status")]
    connection_status: &'static str,
    #[schemars(schema_with = "movement_status")]
    movement_status: &'static str,
    movement_status_update: Option<Written>,
    ignition: Option<bool>,
    ignition_update: Option<Written>,
    last_update: Option<Written>,
}

impl CompactStateObject {
    pub(crate) fn of(view: &StateView, dates: &Dates) -> Self {
        Self {
            source_id: view.source_id.0,
            gps: Gps::of(&view.gps, dates),
            connection_status: view.connection_status.as_str(),
            movement_status: view.movement_status.as_str(),
            movement_status_update: dates.optional(view.movement_status_update),
            ignition: view.ignition,
            ignition_update: dates.optional(view.ignition_update),
            last_update: dates.optional(view.last_update),
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Gps {
    updated: Option<Written>,
    signal_level: Option<u8>,
    location: Location,
    heading: u16,
    speed: i32,
    alt: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<i32>,
    #[serde(skip_serializing_if = "is_false")]
    gsm_lbs: bool,
}

/// 0,0 as long as `updated` is null: clients read the coordinates without a check.
#[derive(Serialize, JsonSchema)]
struct Location {
    lat: f64,
    lng: f64,
}

impl Gps {
    fn of(gps: &GpsView, dates: &Dates) -> Self {
        let (lat, lng) = gps.location.map_or((0.0, 0.0), |location| (location.lat(), location.lng()));
        Self {
            updated: dates.optional(gps.updated),
            signal_level: gps.signal_level,
            location: Location { lat, lng },
            heading: gps.heading,
            speed: gps.speed,
            alt: gps.alt,
            precision: gps.precision,
            gsm_lbs: gps.gsm_lbs,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Gsm {
    updated: Option<Written>,
    signal_level: Option<u8>,
    network_name: Option<String>,
    roaming: Option<bool>,
}

impl Gsm {
    fn of(gsm: GsmView, dates: &Dates) -> Self {
        let GsmView { updated, signal_level, network_name, roaming } = gsm;
        Self { updated: dates.optional(updated), signal_level, network_name, roaming }
    }
}

#[derive(Serialize, JsonSchema)]
struct AdditionalObject {
    value: String,
    updated: Written,
}

fn as_additional<S: Serializer>(
    additional: &[(InputName, AdditionalObject)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(additional.iter().map(|(name, object)| (Key(*name), object)))
}

fn connection_status(_: &mut SchemaGenerator) -> Schema {
    use ConnectionStatus::{Active, Idle, JustRegistered, Offline, SignalLost};
    words([SignalLost, JustRegistered, Offline, Idle, Active].map(ConnectionStatus::as_str))
}

fn movement_status(_: &mut SchemaGenerator) -> Schema {
    use MovementStatus::{Moving, Parked, Stopped};
    words([Moving, Stopped, Parked].map(MovementStatus::as_str))
}

/// The name as a key of a map.
struct Key(InputName);

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn as_states<S: Serializer>(states: &[(TrackerId, StateObject)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(states.iter().map(|(tracker, state)| (tracker.0, state)))
}

/// For `skip_serializing_if`, which passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}
