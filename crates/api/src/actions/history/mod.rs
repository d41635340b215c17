//! `history/…`: what happened to trackers, as a user sees and reads it.

pub(crate) mod entry;
pub(crate) mod list;
pub(crate) mod unread;

use crate::dates::{Dates, Written};
use fleet::{EventView, PlaceAge};
use schemars::JsonSchema;
use serde::Serialize;

/// An event. What the service has beside it and this server has not (tasks, check-ins, geofences, drivers) is null.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EventObject {
    id: i64,
    r#type: &'static str,
    is_read: bool,
    message: String,
    time: Written,
    event: String,
    tracker_id: i64,
    rule_id: (),
    /// 0: tracks are computed when they are asked for.
    track_id: i64,
    location: LocationObject,
    /// Empty: no geocoder is asked.
    address: &'static str,
    extra: ExtraObject,
}

/// 0,0 when no position was known.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventLocation")]
struct LocationObject {
    lat: f64,
    lng: f64,
    precision: u32,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventExtra")]
struct ExtraObject {
    task_id: (),
    parent_task_id: (),
    counter_id: (),
    service_task_id: (),
    checkin_id: (),
    place_ids: (),
    last_known_location: bool,
    tracker_label: String,
    emergency: bool,
    employee_id: (),
    /// The command of which it tells, as `tracker/command/log/list` numbers it.
    command_id: Option<i64>,
}

/// Whether the tracker's label stands in the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labelled {
    Yes,
    No,
}

impl Labelled {
    fn asked(wanted: bool) -> Self {
        if wanted { Self::Yes } else { Self::No }
    }
}

impl EventObject {
    pub(crate) fn of(
        EventView { event, label, place }: EventView,
        labelled: Labelled,
        dates: &Dates,
    ) -> Self {
        let (lat, lng) = place.map_or((0.0, 0.0), |it| (it.coordinates.lat(), it.coordinates.lng()));
        let precision = place.and_then(|place| place.precision).unwrap_or_default();
        Self {
            id: event.id.0,
            r#type: "tracker",
            is_read: event.read,
            message: match labelled {
                Labelled::Yes => format!("{label}: {}", event.message),
                Labelled::No => event.message,
            },
            time: dates.written(event.time),
            event: event.kind,
            tracker_id: event.tracker.0,
            rule_id: (),
            track_id: 0,
            location: LocationObject { lat, lng, precision },
            address: "",
            extra: ExtraObject {
                task_id: (),
                parent_task_id: (),
                counter_id: (),
                service_task_id: (),
                checkin_id: (),
                place_ids: (),
                last_known_location: place.is_none_or(|place| place.age == PlaceAge::LastKnown),
                tracker_label: label,
                emergency: false,
                employee_id: (),
                command_id: event.command.map(|command| command.0),
            },
        }
    }
}
