//! GT06: Concox and Jimi devices and their many clones, over TCP.
//! Sources: "GT06 GPS Tracker Communication Protocol" 1.8.1 (Concox), and those of later devices that `layout` names.
//!
//! A device says its IMEI (message 01) and waits for the answer. Every message but the answers to commands is answered
//! with its number and serial when it is durable, in a packet of the same size; a device that hears nothing connects
//! again and repeats.

mod alarms;
mod answer;
mod commands;
mod draft;
pub mod encode;
mod gnss;
mod information;
mod layout;
mod modules;
mod network;
mod packet;
mod status;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, bcd,
};
use answer::Answer;
use commands::Commands;
use domain::{Command, CommandId, CommandKind, DeviceId, RecordHash, Timestamp, Transport};
use draft::Draft;
use packet::{Packet, Size};

pub struct Gt06;

impl Protocol for Gt06 {
    fn name(&self) -> &'static str {
        "gt06"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn default_port(&self) -> u16 {
        5023
    }

    fn max_frame(&self) -> usize {
        packet::MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        match packet::frame(start) {
            Ok(Framing::Frame(length)) => match Packet::parse(&start[..length]) {
                Ok(packet) if packet.number == LOGIN => {
                    login(&packet).map_or(Recognition::No, Recognition::Login)
                }
                Ok(_) => Recognition::Frame,
                Err(_) => Recognition::No,
            },
            Ok(_) => Recognition::Unsure,
            Err(_) => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        commands::KINDS
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session { device: Device::Unknown, commands: Commands::default(), asked: None })
    }
}

/// The one device of a connection.
const SLOT: DeviceSlot = DeviceSlot(0);

const LOGIN: u8 = 0x01;
const ANSWERS: [u8; 2] = [0x15, 0x21];
/// Information (94), for which the documents say that the server does not answer.
const INFORMATION: u8 = 0x94;
/// Answered with the date and the time of day in UTC, one byte each.
const TIME: u8 = 0x8A;

struct Session {
    device: Device,
    commands: Commands,
    /// Size and serial of a question for the time.
    asked: Option<(Size, u16)>,
}

/// Whom the session talks to.
enum Device {
    Unknown,
    /// It has said its name and waits for this answer.
    AtTheDoor(Vec<u8>),
    Admitted,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        packet::frame(buffer)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let packet = Packet::parse(frame)?;
        if packet.number == LOGIN {
            let id = login(&packet).ok_or(Broken::NotAFrame("a login without an IMEI"))?;
            self.device = Device::AtTheDoor(acknowledgement(&packet));
            events.push_back(Event::Identify { slot: SLOT, id });
            return Ok(());
        }
        if !matches!(self.device, Device::Admitted) {
            return Err(Broken::OutOfOrder("a message before a login"));
        }
        if ANSWERS.contains(&packet.number) {
            self.answer(&packet, frame, events);
            return Ok(());
        }
        if packet.number == TIME {
            self.asked = Some((packet.size, packet.serial));
            events.push_back(Event::Heartbeat { slot: SLOT });
            events.push_back(Event::TimeWanted { slot: SLOT });
            return Ok(());
        }
        message(&packet, frame, events);
        if packet.number != INFORMATION {
            events.push_back(Event::ReplyWhenDurable(acknowledgement(&packet)));
        }
        Ok(())
    }

    fn identified(&mut self, _: DeviceSlot, admission: &Admission, events: &mut Events) {
        let before = std::mem::replace(&mut self.device, Device::Unknown);
        match admission {
            Admission::Known(_) => {
                self.device = Device::Admitted;
                if let Device::AtTheDoor(answer) = before {
                    events.push_back(Event::ReplyNow(answer));
                }
            }
            Admission::Refused => events.push_back(Event::Close),
        }
    }

    fn tell_time(&mut self, _: DeviceSlot, now: Timestamp, events: &mut Events) {
        let Some((size, serial)) = self.asked.take() else { return };
        let ((year, month, day), (hour, minute, second)) = now.to_civil();
        let time = [(year - 2000) as u8, month as u8, day as u8, hour as u8, minute as u8, second as u8];
        events.push_back(Event::ReplyNow(packet::write(size, TIME, &time, serial)));
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        self.commands.write(id, command, wire)
    }
}

impl Session {
    fn answer(&mut self, packet: &Packet<'_>, frame: &[u8], events: &mut Events) {
        let answer = match Answer::read(packet) {
            Ok(answer) => answer,
            Err(error) => return events.push_back(problem(packet, &error.to_string(), frame)),
        };
        if let Some(draft) = answer.draft() {
            events.push_back(record(packet, draft));
        }
        let command = self.commands.answered(answer.flag);
        let outcome = answer.outcome();
        events.push_back(Event::Reply { slot: SLOT, command, outcome, text: answer.text });
    }
}

/// The IMEI in eight bytes, a zero before its fifteen digits.
fn login(packet: &Packet<'_>) -> Option<DeviceId> {
    let digits = bcd::digits(packet.content.get(..8)?)?;
    DeviceId::new(digits.strip_prefix('0').unwrap_or(&digits)).ok()
}

fn message(packet: &Packet<'_>, frame: &[u8], events: &mut Events) {
    let mut draft = Draft::default();
    events.push_back(match layout::read(packet, &mut draft) {
        Some(Ok(())) => record(packet, draft),
        Some(Err(error)) => problem(packet, &error.to_string(), frame),
        None if packet.content.is_empty() || HEARTBEATS.contains(&packet.number) => {
            Event::Heartbeat { slot: SLOT }
        }
        None => problem(packet, "nothing is known of it", frame),
    });
}

/// Signs of life: strengths of satellites among them.
const HEARTBEATS: [u8; 2] = [0x14, 0x1F];

/// The record is number and content; a mark in it that it is sent again is none of its own.
fn record(packet: &Packet<'_>, draft: Draft) -> Event {
    let mut own = Vec::with_capacity(packet.content.len() + 1);
    own.push(packet.number);
    own.extend_from_slice(packet.content);
    if let Some(mark) = draft.resend_mark.and_then(|at| own.get_mut(at + 1)) {
        *mark = 0;
    }
    Event::Message { slot: SLOT, message: draft.finish(), hash: RecordHash::of(&own) }
}

fn problem(packet: &Packet<'_>, error: &str, frame: &[u8]) -> Event {
    let error = format!("message {:02X}: {error}", packet.number);
    Event::Problem { slot: SLOT, error, bytes: frame.to_vec() }
}

fn acknowledgement(packet: &Packet<'_>) -> Vec<u8> {
    packet::write(packet.size, packet.number, &[], packet.serial)
}
