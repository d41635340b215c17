//! Queclink's @Track protocol: portable and vehicle devices of the series GL, GB, GMT, GV and CV, as text and in the HEX
//! format. Sources: the vendor's "@Track Air Interface Protocol", one document for each device; `reports.tsv` names those
//! that were used. Every message carries the device's number.

mod binary;
mod bus;
mod command;
mod draft;
mod elements;
pub mod encode;
mod events;
mod extension;
mod layout;
mod text;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, fields,
    speakers::{Answer, Speakers},
};
use command::Commands;
use domain::{Command, CommandId, CommandKind, DeviceId, Outcome, Transport};
use text::{Kind, Report};

pub struct Gl200;

/// Reports of a day's positions in the HEX format have less; a text has at most 1,500 bytes and some probes.
const MAX_FRAME: usize = 8 * 1024;

impl Protocol for Gl200 {
    fn name(&self) -> &'static str {
        "gl200"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5004
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        if !text::begins(start) && !binary::begins(start) {
            return Recognition::No;
        }
        let Ok(Framing::Frame(length)) = find_frame(start) else {
            // A text names its device before it ends.
            return match Report::parse(start) {
                Some(report) if report.fields.len() > 1 => login(report.id),
                _ if find_frame(start).is_err() => Recognition::No,
                _ => Recognition::Unsure,
            };
        };
        if text::begins(start) {
            return Report::parse(&start[..length]).map_or(Recognition::No, |report| login(report.id));
        }
        match binary::check(&start[..length]) {
            Ok(kind @ binary::Kind::Small) => {
                binary::Frame::parse(kind, &start[..length]).map_or(Recognition::No, |frame| login(&frame.id))
            }
            Ok(_) => Recognition::Frame,
            Err(_) => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        command::KINDS
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

fn login(id: &str) -> Recognition {
    DeviceId::new(id).map_or(Recognition::No, Recognition::Login)
}

/// Finds a frame of either form at the start of bytes that are not empty. The mark at the end of a text is skipped before
/// the next one.
fn find_frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let filler = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'$' | 0)).count();
    if filler > 0 {
        return Ok(Framing::Skip(filler));
    }
    if text::begins(buffer) {
        let end = buffer.iter().position(|byte| text::ENDS.contains(byte));
        return Ok(end.map_or(Framing::Incomplete, Framing::Frame));
    }
    if binary::begins(buffer) {
        return binary::frame(buffer, MAX_FRAME);
    }
    Err(Broken::NotAFrame("a report begins with +RESP, +BUFF, +ACK or a head of the HEX format"))
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
    commands: Commands,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        find_frame(buffer)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        // A datagram may carry several reports.
        let mut rest = frame;
        while !rest.is_empty() {
            let length = match find_frame(rest)? {
                Framing::Skip(length) => {
                    rest = &rest[length..];
                    continue;
                }
                Framing::Frame(length) => length,
                // The end mark may be missing.
                Framing::Incomplete => rest.len(),
            };
            let (one, behind) = rest.split_at(length);
            let message = Message::parse(one)?;
            // What waits for an answer comes back with all that is behind it.
            let Some(slot) = self.speakers.named(message.id(), rest, events)? else { return Ok(()) };
            match &message {
                Message::Text(report) => self.report(slot, report, events),
                Message::Hex(frame) => self.hex_frame(slot, frame, one, events),
            }
            rest = behind;
        }
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Err(broken) = self.decode(&frame, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            Answer::Refused(_) => self.speakers.leave(events),
            Answer::Nothing => {}
        }
    }

    fn command(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let device =
            self.speakers.known(slot).ok_or(CommandError::NotNow("the device has not said its name"))?;
        self.commands.write(slot, id, command, device, wire)
    }
}

/// A message in either form.
enum Message<'a> {
    Text(Report<'a>),
    Hex(binary::Frame<'a>),
}

impl<'a> Message<'a> {
    /// # Errors
    /// When the checksum is wrong, or nobody knows whose message it is.
    fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        if text::begins(frame) {
            let report = Report::parse(frame);
            return report.map(Self::Text).ok_or(Broken::NotAFrame("a report without the device's number"));
        }
        let kind = binary::check(frame)?;
        let frame = binary::Frame::parse(kind, frame);
        frame.map(Self::Hex).map_err(|_| Broken::NotAFrame("a report without the device's number"))
    }

    fn id(&self) -> &str {
        match self {
            Self::Text(report) => report.id,
            Self::Hex(frame) => &frame.id,
        }
    }
}

impl Session {
    fn report(&mut self, slot: DeviceSlot, report: &Report<'_>, events: &mut Events) {
        match (report.kind, report.name) {
            (Kind::Acknowledgement, "HBD") => {
                events.push_back(Event::Heartbeat { slot });
                acknowledge_heartbeat(report.version, report.count, events);
            }
            (Kind::Acknowledgement, name) => {
                let serial = report.fields.last().and_then(|last| command::serial_of(last));
                // The first field is the name that the device was given.
                let told = report.fields.iter().skip(1).filter_map(|field| fields::text(field));
                let text = std::iter::once(format!("GT{name}")).chain(told.map(str::to_owned));
                self.answer(slot, serial, text.collect::<Vec<_>>().join(","), events);
            }
            (Kind::Report, name) => {
                let mut draft = layout::read(report);
                events::apply(name, &mut draft);
                draft.finish(slot, report.own, report.sent, events);
                acknowledge(report.count, events);
            }
        }
    }

    fn hex_frame(&mut self, slot: DeviceSlot, frame: &binary::Frame<'_>, bytes: &[u8], events: &mut Events) {
        match frame.kind {
            binary::Kind::Heartbeat => {
                events.push_back(Event::Heartbeat { slot });
                acknowledge_heartbeat(&frame.version, &frame.count, events);
            }
            binary::Kind::Login => {
                events.push_back(Event::Heartbeat { slot });
                acknowledge(&frame.count, events);
            }
            binary::Kind::Acknowledgement => {
                let text = frame.serial.map(|serial| format!("{serial:04X}")).unwrap_or_default();
                self.answer(slot, frame.serial, text, events);
            }
            _ => {
                if let Err(error) = frame.decode(slot, events) {
                    let (error, bytes) = (error.to_string(), bytes.to_vec());
                    events.push_back(Event::Problem { slot, error, bytes });
                }
                acknowledge(&frame.count, events);
            }
        }
    }

    fn answer(&mut self, slot: DeviceSlot, serial: Option<u16>, text: String, events: &mut Events) {
        let command = serial.and_then(|serial| self.commands.answered(slot, serial));
        // The device sends nothing when it does not take a command.
        events.push_back(Event::Reply { slot, command, outcome: Outcome::Done, text });
    }
}

/// The acknowledgement repeats the running number; a report without one cannot be acknowledged.
fn acknowledge(count: &str, events: &mut Events) {
    if !count.is_empty() {
        events.push_back(Event::ReplyWhenDurable(format!("+SACK:{count}$").into_bytes()));
    }
}

fn acknowledge_heartbeat(version: &str, count: &str, events: &mut Events) {
    events.push_back(Event::ReplyWhenDurable(format!("+SACK:GTHBD,{version},{count}$").into_bytes()));
}
