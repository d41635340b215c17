//! OwnTracks' phone apps in HTTP mode: one JSON object a request, answered with a list of objects for the app.
//! Source: OwnTracks Booklet, "JSON" (`_type=cmd` among it) and "HTTP" (2025).
//!
//! A phone is named by the last part of its topic, `owntracks/user/device`, by the header `X-Limit-D`, by `d` of the
//! query, or by its tracker id of two letters, whichever comes first. A command is an object of the list that answers
//! its next request: a word is the action of a `cmd`, anything else is a whole object. The app confirms none.

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition,
    alarm::{Alarm, Alarms},
    cells::Cells,
    clock, fields,
    http::{self, Persistence, Request, Status},
    plausible,
    speakers::{Answer, Speakers},
};
use domain::{
    Command, CommandId, CommandKind, Coordinates, DeviceId, Fix, Inputs, Message, Metres, RecordHash,
    Transport,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub struct Owntracks;

/// Waypoints and pictures of people come with some of the objects.
const MAX_REQUEST: usize = 256 * 1024;
const JSON: &str = "application/json";
/// Nothing for the app to do.
const NOTHING: &[u8] = b"[]";

impl Protocol for Owntracks {
    fn name(&self) -> &'static str {
        "owntracks"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Http]
    }

    fn default_port(&self) -> u16 {
        5144
    }

    fn max_frame(&self) -> usize {
        MAX_REQUEST
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        http::recognise_device(start, MAX_REQUEST, |request| {
            let object: Object = serde_json::from_slice(&request.body).ok()?;
            object.device(request)
        })
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[CommandKind::Text, CommandKind::Bytes, CommandKind::Locate]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session { speakers: Speakers::of_requests(), connection: Persistence::default() })
    }
}

/// What the app may post; fields of objects that are not decoded are left out.
#[derive(Deserialize)]
struct Object {
    #[serde(rename = "_type")]
    kind: String,
    topic: Option<String>,
    tid: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    /// When it was measured, seconds since 1970.
    tst: Option<i64>,
    /// Metres.
    acc: Option<f32>,
    /// Metres.
    alt: Option<f32>,
    /// km/h.
    vel: Option<f32>,
    cog: Option<f32>,
    /// Per cent.
    batt: Option<f64>,
    /// State of the battery: 0 unknown, 1 unplugged, 2 charging, 3 full.
    bs: Option<u8>,
    /// kPa.
    p: Option<f64>,
    #[serde(rename = "BSSID")]
    bssid: Option<String>,
    #[serde(default)]
    motionactivities: Vec<String>,
    /// Of a transition: `enter` or `leave`.
    event: Option<String>,
    /// What made the app report.
    t: Option<String>,
}

struct Session {
    speakers: Speakers,
    /// Of the request that waits for its answer.
    connection: Persistence,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        http::frame(buffer, MAX_REQUEST)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let request = Request::parse(frame)?;
        self.connection = request.connection;
        if request.body.is_empty() {
            // A friend was deleted from the app: the Booklet says to ignore it.
            http::answer(Status::Ok, JSON, NOTHING, request.connection, events);
            return Ok(());
        }
        let object: Option<Object> = serde_json::from_slice(&request.body).ok();
        let device = object.as_ref().and_then(|object| object.device(&request));
        let (Some(object), Some(device)) = (object, device.filter(|device| DeviceId::new(device).is_ok()))
        else {
            http::answer(Status::BadRequest, JSON, b"", request.connection, events);
            return Ok(());
        };
        let Some(slot) = self.speakers.named(&device, frame, events)? else { return Ok(()) };
        match &*object.kind {
            "location" | "transition" => {
                let hash = RecordHash::of(&request.body);
                events.push_back(Event::Message { slot, message: object.message(), hash });
            }
            "encrypted" => {
                let error = "the app encrypts what it sends".to_owned();
                events.push_back(Event::Problem { slot, error, bytes: request.body.to_vec() });
            }
            _ => events.push_back(Event::Heartbeat { slot }),
        }
        events.push_back(Event::CommandWanted { slot });
        Ok(())
    }

    fn respond(&mut self, _: DeviceSlot, command: Option<&[u8]>, events: &mut Events) {
        let body = command.map_or_else(|| NOTHING.to_vec(), |object| [b"[", object, b"]"].concat());
        http::answer(Status::Ok, JSON, &body, self.connection, events);
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let said = match command {
            Command::Locate => "reportLocation",
            Command::Text(text) => text.trim(),
            Command::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_| NO_OBJECT)?.trim(),
            _ => return Err(CommandError::Unsupported),
        };
        let object = if !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            json!({ "_type": "cmd", "action": said })
        } else {
            let object: Value = serde_json::from_str(said).map_err(|_| NO_OBJECT)?;
            if !object["_type"].is_string() {
                return Err(NO_OBJECT);
            }
            object
        };
        wire.extend(object.to_string().into_bytes());
        Ok(Confirmation::Sent)
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Err(broken) = self.decode(&frame, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            Answer::Refused(_) => http::refuse(events),
            Answer::Nothing => {}
        }
    }
}

const NO_OBJECT: CommandError =
    CommandError::Unfit("a command is the name of an action, or a JSON object with a _type");

impl Object {
    fn device(&self, request: &Request<'_>) -> Option<String> {
        let of_topic = self.topic.as_deref().and_then(|topic| topic.split('/').nth(2));
        let of_query =
            || request.parameters().find(|(name, _)| name == "d").map(|(_, value)| value.into_owned());
        of_topic
            .map(str::to_owned)
            .or_else(|| request.header("X-Limit-D").map(str::to_owned))
            .or_else(of_query)
            .or_else(|| self.tid.clone())
    }

    fn message(&self) -> Message {
        let coordinates = self.lat.zip(self.lon).and_then(|(lat, lng)| Coordinates::new(lat, lng));
        let fix = coordinates.map(|coordinates| Fix {
            coordinates,
            valid: true,
            speed: self.vel.and_then(plausible::speed_kmh),
            heading: self.cog.filter(|degrees| *degrees >= 0.0).and_then(|it| plausible::heading(it as u16)),
            altitude: self.alt.and_then(plausible::altitude),
            precision: self.acc.filter(|metres| *metres > 0.0).map(Metres),
            ..Fix::at(coordinates)
        });
        let mut inputs = Inputs::with_capacity(6);
        if let Some(level) = self.batt.filter(|level| (0.0..=100.0).contains(level)) {
            inputs.push(input!("battery_level"), level);
        }
        if let Some(state @ 1..=3) = self.bs {
            inputs.push(input!("charging_status"), i64::from(state > 1));
        }
        if let Some(pressure) = self.p.filter(|pressure| *pressure > 0.0) {
            inputs.push(input!("air_pressure"), pressure);
        }
        let mut text = |name, value: Option<&String>| {
            if let Some(value) = value.and_then(|value| fields::text(value.as_bytes())) {
                inputs.push(name, value);
            }
        };
        text(input!("activity"), self.motionactivities.first());
        text(input!("status"), self.t.as_ref());
        if let Some(mac) = self.bssid.as_deref().and_then(address) {
            Cells::new().access_point(mac, None).write(&mut inputs);
        }
        let mut alarms = Alarms::new();
        match self.event.as_deref() {
            Some("enter") => _ = alarms.raise(Alarm::GeofenceEnter),
            Some("leave") => _ = alarms.raise(Alarm::GeofenceExit),
            _ => {}
        }
        alarms.write(&mut inputs);
        Message { time: self.tst.map(clock::epoch), fix, inputs }
    }
}

/// Six parts of an address; apps leave out leading zeros.
fn address(text: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut address {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    Some(address)
}
