//! Records as background location libraries post them: one `location` or a list of them. Speeds are metres per second;
//! −1 stands for what the phone does not know.

use super::{Report, query, says_something};
use crate::{
    alarm::{Alarm, Alarms},
    fields,
    http::Request,
    plausible,
};
use domain::{Coordinates, Fix, Inputs, Message, Metres, RecordHash, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    device_id: Option<DeviceName>,
}

/// Programs write numbers where they have them.
#[derive(Deserialize)]
#[serde(untagged)]
enum DeviceName {
    Text(String),
    Number(u64),
}

#[derive(Deserialize)]
struct Location<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    coords: Option<Coords>,
    is_moving: Option<bool>,
    odometer: Option<f64>,
    event: Option<String>,
    battery: Option<Battery>,
    activity: Option<Activity>,
    #[serde(default)]
    extras: Extras,
}

#[derive(Deserialize)]
struct Coords {
    latitude: f64,
    longitude: f64,
    accuracy: Option<f32>,
    speed: Option<f32>,
    heading: Option<f32>,
    altitude: Option<f32>,
}

#[derive(Deserialize)]
struct Battery {
    level: Option<f64>,
    is_charging: Option<bool>,
}

#[derive(Deserialize)]
struct Activity {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Default, Deserialize)]
struct Extras {
    alarm: Option<String>,
}

pub(super) fn read(request: &Request<'_>) -> Option<Report> {
    let body: Body<'_> = serde_json::from_slice(&request.body).ok()?;
    let device = match body.device_id {
        Some(DeviceName::Text(name)) => name,
        Some(DeviceName::Number(number)) => number.to_string(),
        None => {
            let mut parameters = request.parameters();
            parameters.find(|(name, _)| matches!(&**name, "id" | "deviceid" | "device_id"))?.1.into_owned()
        }
    };
    let location = body.location.map_or("null", RawValue::get);
    let list =
        serde_json::from_str(location).unwrap_or_else(|_| body.location.into_iter().collect::<Vec<_>>());
    let count = list.len();
    let records: Vec<_> = list.into_iter().filter_map(|one| record(one.get())).collect();
    Some(Report { device, unreadable: count - records.len(), records })
}

fn record(text: &str) -> Option<(Message, RecordHash)> {
    let message = message(serde_json::from_str(text).ok()?);
    says_something(&message).then(|| (message, RecordHash::of(text.as_bytes())))
}

fn message(location: Location<'_>) -> Message {
    let mut inputs = Inputs::with_capacity(6);
    if let Some(moving) = location.is_moving {
        inputs.push(input!("motion"), moving);
    }
    if let Some(metres) = location.odometer.filter(|metres| *metres > 0.0) {
        inputs.push(input!("hw_mileage"), metres / 1000.0);
    }
    if let Some(battery) = location.battery {
        if let Some(level) = battery.level.filter(|level| (0.0..=1.0).contains(level)) {
            // Halves and the like come as 0.57; a float times 100 is not always whole.
            inputs.push(input!("battery_level"), (level * 1e4).round() / 100.0);
        }
        if let Some(charging) = battery.is_charging {
            inputs.push(input!("charging_status"), i64::from(charging));
        }
    }
    let mut text = |name, value: Option<String>| {
        if let Some(value) = value.as_deref().and_then(|value| fields::text(value.as_bytes())) {
            inputs.push(name, value);
        }
    };
    text(input!("activity"), location.activity.and_then(|activity| activity.kind));
    text(input!("status"), location.event);
    if let Some(alarm) = location.extras.alarm {
        Alarms::new().raise(Alarm::named(&alarm).unwrap_or(Alarm::General)).write(&mut inputs);
    }
    Message { time: location.timestamp.and_then(time), fix: location.coords.as_ref().and_then(fix), inputs }
}

/// A number, or a text.
fn time(timestamp: &RawValue) -> Option<Timestamp> {
    let text = timestamp.get();
    query::time(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).as_bytes())
}

fn fix(coords: &Coords) -> Option<Fix> {
    let known = |value: Option<f32>| value.filter(|value| *value >= 0.0);
    Some(Fix {
        speed: known(coords.speed).and_then(|metres| plausible::speed_kmh(metres * 3.6)),
        heading: known(coords.heading).and_then(|degrees| plausible::heading(degrees as u16)),
        altitude: coords.altitude.and_then(plausible::altitude),
        precision: known(coords.accuracy).filter(|metres| *metres > 0.0).map(Metres),
        ..Fix::at(Coordinates::new(coords.latitude, coords.longitude)?)
    })
}
