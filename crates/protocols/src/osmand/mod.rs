//! OsmAnd's live monitoring over HTTP, as Traccar Client, OsmAnd and home-made devices speak it: a query or a form, or
//! the JSON of background location libraries.
//! Source: traccar.org, "OsmAnd protocol" (2025); OsmAnd documentation, "Trip recording plugin, online tracking" (4.9);
//! Transistor Software, "Background Geolocation, HTTP JSON" (v4).
//!
//! A request is answered with 200 when what it carries is durable; whoever gets another answer sends it again.

mod json;
mod query;

use crate::{
    Admission, Broken, DeviceSlot, Event, Events, Framing, Machine, Protocol, Recognition,
    http::{self, Request, Status},
    speakers::{Answer, Speakers},
};
use domain::{DeviceId, Message, RecordHash, Transport};

pub struct Osmand;

/// A batch of a phone that was a day without a network.
const MAX_REQUEST: usize = 1024 * 1024;

impl Protocol for Osmand {
    fn name(&self) -> &'static str {
        "osmand"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Http]
    }

    fn default_port(&self) -> u16 {
        5055
    }

    fn max_frame(&self) -> usize {
        MAX_REQUEST
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        http::recognise_device(start, MAX_REQUEST, |request| Some(Report::read(request)?.device))
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

/// What a request says: whose it is, and its records.
struct Report {
    device: String,
    records: Vec<(Message, RecordHash)>,
    /// How many more there are that cannot be read.
    unreadable: usize,
}

/// Whether a record says anything beside its time.
fn says_something(message: &Message) -> bool {
    message.fix.is_some() || !message.inputs.is_empty()
}

impl Report {
    /// `None` when it names no device.
    fn read(request: &Request<'_>) -> Option<Self> {
        if request.is_json() { json::read(request) } else { query::read(request) }
    }
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        http::frame(buffer, MAX_REQUEST)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let request = Request::parse(frame)?;
        let answer = |status| http::response(status, "", b"", request.connection);
        let Some(report) = Report::read(&request).filter(|report| DeviceId::new(&report.device).is_ok())
        else {
            events.push_back(Event::ReplyNow(answer(Status::BadRequest)));
            request.leave(events);
            return Ok(());
        };
        let Some(slot) = self.speakers.named(&report.device, frame, events)? else { return Ok(()) };
        if report.records.is_empty() {
            events.push_back(Event::Heartbeat { slot });
        }
        for (message, hash) in report.records {
            events.push_back(Event::Message { slot, message, hash });
        }
        if report.unreadable > 0 {
            let error = format!("{} locations that cannot be read", report.unreadable);
            events.push_back(Event::Problem { slot, error, bytes: request.body.to_vec() });
        }
        events.push_back(Event::ReplyWhenDurable(answer(Status::Ok)));
        request.leave(events);
        Ok(())
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
