//! OsmAnd's live monitoring over HTTP, as Traccar Client, OsmAnd and home-made devices speak it: a query or a form, or
//! the JSON of background location libraries.
//! Source: traccar.org, "OsmAnd protocol" (2025); OsmAnd documentation, "Trip recording plugin, online tracking" (4.9);
//! Transistor Software, "Background Geolocation, HTTP JSON" (v4).
//!
//! A request is answered with 200 when what it carries is durable; whoever gets another answer sends it again. None of
//! the documents knows commands: whoever understands some reads them in the body of the answer, as they were typed.

mod json;
mod query;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition,
    http::{self, Persistence, Request, Status},
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, DeviceId, Message, RecordHash, Transport};

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

    fn commands(&self) -> &'static [CommandKind] {
        &[CommandKind::Text, CommandKind::Bytes]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session { speakers: Speakers::of_requests(), connection: Persistence::default() })
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
        let Some(report) = Report::read(&request).filter(|report| DeviceId::new(&report.device).is_ok())
        else {
            http::answer(Status::BadRequest, "", b"", request.connection, events);
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
        events.push_back(Event::CommandWanted { slot });
        Ok(())
    }

    fn respond(&mut self, _: DeviceSlot, command: Option<&[u8]>, events: &mut Events) {
        let body = command.unwrap_or_default();
        http::answer(Status::Ok, content_type(body), body, self.connection, events);
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let said = match command {
            Command::Text(text) => text.as_bytes(),
            Command::Bytes(bytes) => bytes,
            _ => return Err(CommandError::Unsupported),
        };
        if said.is_empty() {
            return Err(CommandError::Unfit("an empty body tells nothing"));
        }
        wire.extend_from_slice(said);
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

/// Of a command as somebody typed it.
fn content_type(body: &[u8]) -> &'static str {
    match (body.first(), std::str::from_utf8(body)) {
        (Some(b'{' | b'['), Ok(_)) => "application/json",
        (_, Ok(_)) => "text/plain; charset=utf-8",
        (_, Err(_)) => "application/octet-stream",
    }
}
