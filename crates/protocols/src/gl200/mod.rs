//! Queclink's @Track protocol: portable and vehicle devices of the series GL, GB, GMT, GV and CV, as text and in the HEX
//! format. Sources: the vendor's "@Track Air Interface Protocol", one document for each device; `reports.tsv` names those
//! that were used. Every message carries the device's number.

mod binary;
mod bus;
mod command;
mod draft;
mod elements;
mod events;
mod extension;
mod layout;
mod text;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, KnownDevice, Machine,
    Protocol, Recognition, fields,
};
use command::Commands;
use domain::{Command, CommandId, CommandKind, DeviceId, Outcome, Transport};
use text::{Kind, Report};

pub struct Gl200;

/// Reports of a day's positions in the HEX format have less; a text has at most 1,500 bytes and some probes.
const MAX_FRAME: usize = 8 * 1024;
/// The one device of a connection.
const SLOT: DeviceSlot = DeviceSlot(0);

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

/// Finds a frame of either form at the start of bytes that are not empty.
fn find_frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let filler = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'$' | 0)).count();
    if filler > 0 {
        return Ok(Framing::Skip(filler));
    }
    if text::begins(buffer) && (buffer.len() > 1 || !binary::begins(buffer)) && !is_binary(buffer) {
        let end = buffer.iter().position(|byte| text::ENDS.contains(byte));
        return Ok(end.map_or(Framing::Incomplete, |end| Framing::Frame(end + 1)));
    }
    if binary::begins(buffer) {
        return binary::frame(buffer, MAX_FRAME);
    }
    Err(Broken::NotAFrame("a report begins with +RESP, +BUFF, +ACK or a head of the HEX format"))
}

/// Text and the HEX format share `+ACK`; what follows decides.
fn is_binary(buffer: &[u8]) -> bool {
    buffer.len() > 4 && binary::begins(buffer) && !text::begins(buffer)
}

#[derive(Default)]
struct Session {
    /// Whose messages are taken.
    admitted: Option<Box<str>>,
    known: KnownDevice,
    /// Who has been asked about, and the bytes that wait for the answer.
    asked: Option<(Box<str>, Vec<u8>)>,
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
            if self.admitted.as_deref() != Some(message.id()) {
                let id = DeviceId::new(message.id())
                    .map_err(|_| Broken::NotAFrame("a report without the device's number"))?;
                self.asked = Some((id.as_str().into(), rest.to_vec()));
                events.push_back(Event::Identify { slot: SLOT, id });
                return Ok(());
            }
            self.message(&message, one, events);
            rest = behind;
        }
        Ok(())
    }

    fn identified(&mut self, _: DeviceSlot, admission: &Admission, events: &mut Events) {
        match (admission, self.asked.take()) {
            (Admission::Known(known), asked) => {
                self.known = known.clone();
                let Some((id, bytes)) = asked else { return };
                self.admitted = Some(id);
                if let Err(broken) = self.decode(&bytes, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            (Admission::Refused, _) => {
                self.admitted = None;
                events.push_back(Event::Close);
            }
        }
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        self.commands.write(id, command, &self.known, wire)
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
    fn message(&mut self, message: &Message<'_>, bytes: &[u8], events: &mut Events) {
        match message {
            Message::Text(report) => self.report(report, events),
            Message::Hex(frame) => self.hex_frame(frame, bytes, events),
        }
    }

    fn report(&mut self, report: &Report<'_>, events: &mut Events) {
        match (report.kind, report.name) {
            (Kind::Acknowledgement, "HBD") => {
                events.push_back(Event::Heartbeat { slot: SLOT });
                acknowledge_heartbeat(report.version, report.count, events);
            }
            (Kind::Acknowledgement, name) => {
                let serial = report.fields.last().and_then(|last| command::serial_of(last));
                // The first field is the name that the device was given.
                let told = report.fields.iter().skip(1).filter_map(|field| fields::text(field));
                let text = std::iter::once(format!("GT{name}")).chain(told.map(str::to_owned));
                self.answer(serial, text.collect::<Vec<_>>().join(","), events);
            }
            (Kind::Report, name) => {
                let mut draft = layout::read(report);
                events::apply(name, &mut draft);
                draft.finish(report.own, report.sent, events);
                acknowledge(report.count, events);
            }
        }
    }

    fn hex_frame(&mut self, frame: &binary::Frame<'_>, bytes: &[u8], events: &mut Events) {
        match frame.kind {
            binary::Kind::Heartbeat => {
                events.push_back(Event::Heartbeat { slot: SLOT });
                acknowledge_heartbeat(&frame.version, &frame.count, events);
            }
            binary::Kind::Login => {
                events.push_back(Event::Heartbeat { slot: SLOT });
                acknowledge(&frame.count, events);
            }
            binary::Kind::Acknowledgement => {
                let text = frame.serial.map(|serial| format!("{serial:04X}")).unwrap_or_default();
                self.answer(frame.serial, text, events);
            }
            _ => {
                if let Err(error) = frame.decode(events) {
                    let (error, bytes) = (error.to_string(), bytes.to_vec());
                    events.push_back(Event::Problem { slot: SLOT, error, bytes });
                }
                acknowledge(&frame.count, events);
            }
        }
    }

    fn answer(&mut self, serial: Option<u16>, text: String, events: &mut Events) {
        let command = serial.and_then(|serial| self.commands.answered(serial));
        // The device sends nothing when it does not take a command.
        events.push_back(Event::Reply { slot: SLOT, command, outcome: Outcome::Done, text });
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
