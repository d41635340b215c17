//! JT/T 808, the Chinese standard for vehicle terminals, in its editions of 2011, 2013 and 2019, and what vendors made
//! of it: trackers, dashcams' positions, HHD's and ToTarget's (VG) electronic locks.
//! Sources: JT/T 808-2011, -2013, -2019; G10LS "JT/T808 Protocol"; BSJ "EG01 Protocol" V1.0.0; "4G Wireless Air
//! Protocol" VJT.04.063; ToTarget "TT808 ELOCK Protocol A13"; HHD's list of events of the G-300.
//!
//! A terminal registers once, gets an authentication code and shows it on every connection; here the code is the
//! device's own number, and any code is taken, for only the number decides who may speak. Every message is answered with
//! its serial number; what carries locations is answered when they are durable. Messages in parts are put together
//! first, and all parts answered then, unless nothing of them is kept.

mod commands;
pub mod encode;
mod items;
mod location;
mod lock;
mod packet;
mod parts;
mod table;
mod transparent;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, bcd,
    reader::Reader,
    speakers::{Answer, Speakers},
};
use commands::Sent;
use domain::{Command, CommandId, CommandKind, Inputs, Message, Outcome, RecordHash, Timestamp, Transport};
use location::Edition;
use packet::{Packet, Terminal};
use parts::Parts;
use std::borrow::Cow;

pub struct Jt808;

impl Protocol for Jt808 {
    fn name(&self) -> &'static str {
        "jt808"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5015
    }

    fn max_frame(&self) -> usize {
        packet::MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        match start.first() {
            None => Recognition::Unsure,
            Some(b'(') => match packet::frame(start) {
                Ok(Framing::Frame(length)) if is_answer(&start[..length]) => Recognition::Frame,
                Ok(Framing::Incomplete) => Recognition::Unsure,
                _ => Recognition::No,
            },
            Some(&packet::DELIMITER) => match packet::frame(start) {
                Ok(Framing::Frame(length)) if Packet::parse(&start[..length]).is_ok() => Recognition::Frame,
                Ok(Framing::Frame(_)) | Err(_) => Recognition::No,
                Ok(_) => Recognition::Unsure,
            },
            Some(_) => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[
            CommandKind::Text,
            CommandKind::Bytes,
            CommandKind::Output,
            CommandKind::Immobilize,
            CommandKind::Locate,
            CommandKind::Lock,
        ]
    }

    fn machine(&self, transport: Transport) -> Box<dyn Machine> {
        Box::new(Session {
            transport,
            speakers: Speakers::new(),
            terminals: Vec::new(),
            sent: Sent::default(),
            parts: Parts::default(),
            asked: None,
        })
    }
}

struct Session {
    transport: Transport,
    speakers: Speakers,
    /// How a device addresses itself, which is how it is addressed, by slot. A lock that only wrote lines has no header.
    terminals: Vec<Option<Terminal>>,
    sent: Sent,
    parts: Parts,
    /// Who asked for the time, with which serial number, by which message.
    asked: Option<(Terminal, u16, u16)>,
}

/// A frame of either form.
enum Parsed<'a> {
    Packet(Packet),
    /// What a lock says in words.
    Line {
        device: &'a str,
        text: &'a str,
    },
}

impl<'a> Parsed<'a> {
    fn of(frame: &'a [u8]) -> Result<Self, Broken> {
        if frame.first() != Some(&b'(') {
            return Packet::parse(frame).map(Self::Packet);
        }
        let (device, text) = lock::line(frame).ok_or(Broken::NotAFrame("a text of no lock"))?;
        Ok(Self::Line { device, text })
    }

    fn device(&self) -> Result<Cow<'a, str>, Broken> {
        match self {
            Self::Packet(packet) => {
                let id = packet.terminal.device_id().ok_or(Broken::NotAFrame("a header without a device"))?;
                Ok(Cow::Owned(id))
            }
            Self::Line { device, .. } => Ok(Cow::Borrowed(device)),
        }
    }
}

fn is_answer(frame: &[u8]) -> bool {
    lock::line(frame).is_some_and(|(_, text)| text.contains(",ELOCK,"))
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        packet::frame(buffer)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        if self.transport != Transport::Udp {
            let parsed = Parsed::of(frame)?;
            let Some(slot) = self.speakers.named(&parsed.device()?, frame, events)? else { return Ok(()) };
            self.understand(slot, parsed, frame, events);
            return Ok(());
        }
        // A datagram may carry several packets, all of one device.
        let mut left = frame;
        let mut slot = None;
        while !left.is_empty() {
            let length = match packet::frame(left)? {
                Framing::Frame(length) => length,
                Framing::Skip(length) => {
                    left = &left[length..];
                    continue;
                }
                Framing::Incomplete => left.len(),
            };
            let (packet, rest) = left.split_at(length);
            let parsed = Parsed::of(packet)?;
            if slot.is_none() {
                slot = self.speakers.named(&parsed.device()?, frame, events)?;
            }
            let Some(slot) = slot else { return Ok(()) };
            self.understand(slot, parsed, packet, events);
            left = rest;
        }
        if let Some(slot) = slot {
            // Another datagram has a machine of its own.
            for parts::Held { packet, frame } in self.parts.take() {
                events.push_back(problem(slot, "a part without the others in its datagram", &frame));
                acknowledge(&packet, &[packet.serial], events);
            }
        }
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        // Of whoever had the slot before.
        self.parts.forget(slot);
        if let Some(terminal) = self.terminals.get_mut(usize::from(slot.0)) {
            *terminal = None;
        }
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Err(broken) = self.decode(&frame, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            Answer::Refused(frame) => {
                if let Ok(Parsed::Packet(packet)) = Parsed::of(&frame) {
                    events.push_back(Event::ReplyNow(refusal(&packet)));
                }
                self.speakers.leave(events);
            }
            Answer::Nothing => {}
        }
    }

    fn tell_time(&mut self, _: DeviceSlot, now: Timestamp, events: &mut Events) {
        let Some((terminal, serial, asked)) = self.asked.take() else { return };
        let ((year, month, day), (hour, minute, second)) = now.to_civil();
        // In UTC, both.
        let (answer, time) = if asked == ASKED_SINCE_2019 {
            let digits = format!("{:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}", year % 100);
            (0x8004, bcd::pack::<6>(&digits).unwrap_or_default().to_vec())
        } else {
            let year = u16::try_from(year).unwrap_or_default().to_be_bytes();
            let rest = [month, day, hour, minute, second].map(|part| part as u8);
            (0x8109, [&year[..], &rest].concat())
        };
        events.push_back(Event::ReplyNow(packet::write(&terminal, serial, answer, &time)));
    }

    fn command(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let device = self.speakers.id(slot).ok_or(CommandError::NotNow("it has not spoken yet"))?;
        let model = self.speakers.known(slot).and_then(|known| known.model);
        let terminal = self.terminals.get(usize::from(slot.0)).copied().flatten();
        self.sent.write(slot, (device, terminal, model), id, command, wire)
    }
}

/// Questions for the time: of the edition of 2019 (section 8.5), and of trackers before it.
const ASKED_SINCE_2019: u16 = 0x0004;
const ASKED_BY_VENDORS: u16 = 0x0109;
const GENERAL_ANSWER: u16 = 0x8001;
const LOCK_ANSWER: u16 = 0x4401;
const REGISTRATION_ANSWER: u16 = 0x8100;
const DONE: u8 = 0;
/// "The terminal is not in the database".
const STRANGER: u8 = 4;
const FAILED: u8 = 1;

impl Session {
    fn understand(&mut self, slot: DeviceSlot, parsed: Parsed<'_>, frame: &[u8], events: &mut Events) {
        let packet = match parsed {
            Parsed::Packet(packet) => packet,
            Parsed::Line { text, .. } => {
                let text = text.to_owned();
                events.push_back(Event::Reply { slot, command: None, outcome: Outcome::Done, text });
                return;
            }
        };
        let at = usize::from(slot.0);
        if self.terminals.len() <= at {
            self.terminals.resize(at + 1, None);
        }
        self.terminals[at] = Some(packet.terminal);
        let mut serials = vec![packet.serial];
        let mut frames = Cow::Borrowed(frame);
        let packet = match packet.part {
            Some(part) if !is_sign_of_life(packet.message) => {
                match self.parts.add(slot, part, packet, frame) {
                    parts::Added::Whole(whole) => {
                        (serials, frames) = (whole.serials, Cow::Owned(whole.frames));
                        whole.packet
                    }
                    parts::Added::Waiting => return,
                    parts::Added::Refused(packet) => {
                        events.push_back(problem(slot, "parts that do not fit together", frame));
                        return acknowledge(&packet, &[packet.serial], events);
                    }
                }
            }
            _ => packet,
        };
        if packet.encrypted && !is_sign_of_life(packet.message) {
            events.push_back(problem(slot, "the body is encrypted", &frames));
            return acknowledge(&packet, &serials, events);
        }
        match self.message(slot, &packet, events) {
            Ok(Acknowledged::ByUs) => acknowledge(&packet, &serials, events),
            Ok(Acknowledged::Already) => {}
            Err(error) => {
                events.push_back(problem(slot, &error, &frames));
                acknowledge(&packet, &serials, events);
            }
        }
    }

    /// # Errors
    /// Why the body cannot be understood.
    fn message(
        &mut self,
        slot: DeviceSlot,
        packet: &Packet,
        events: &mut Events,
    ) -> Result<Acknowledged, String> {
        let body = &*packet.body;
        let edition = Edition::of(&packet.terminal);
        let mut tell = |message: Message, hashed: &[u8]| {
            events.push_back(Event::Message { slot, message, hash: RecordHash::of(hashed) });
        };
        let text = |error: crate::reader::ReadError| error.to_string();
        // One of several locations that cannot be read does not keep those behind it from being told.
        let mut unread = Ok(());
        let mut tell_location = |record: &[u8]| match location::read(record, edition) {
            Ok(message) => tell(message, record),
            Err(error) => unread = unread.clone().and(Err(text(error))),
        };
        match packet.message {
            0x0001 | 0x0201 | 0x0500 | 0x0104 | 0x6006 => {
                return self.sent.answered(slot, packet, edition, events).map(|()| match packet.message {
                    0x6006 => Acknowledged::ByUs,
                    _ => Acknowledged::Already,
                });
            }
            // Batteries, power saving and the like in a heartbeat of some vendors change nothing here.
            0x0002 | 0x0102 | 0x0506 => events.push_back(Event::Heartbeat { slot }),
            0x0003 => {
                acknowledge(packet, &[packet.serial], events);
                events.push_back(Event::Close);
                return Ok(Acknowledged::Already);
            }
            0x0100 => {
                let mut answer = packet.serial.to_be_bytes().to_vec();
                answer.push(DONE);
                answer.extend(packet.terminal.device_id().unwrap_or_default().into_bytes());
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::ReplyNow(packet.reply(REGISTRATION_ANSWER, &answer)));
                return Ok(Acknowledged::Already);
            }
            0x0107 => {
                let mut inputs = Inputs::default();
                items::attributes(body, &packet.terminal, &mut inputs).map_err(text)?;
                tell(Message { inputs, ..Message::default() }, body);
            }
            0x0200 => tell(location::read(body, edition).map_err(text)?, body),
            0x0704 => {
                let mut reader = Reader::new(body);
                let (count, _kind) = (reader.u16_be().map_err(text)?, reader.u8().map_err(text)?);
                for _ in 0..count {
                    let length = reader.u16_be().map_err(text)?;
                    let record = reader.slice(length.into()).map_err(text)?;
                    tell_location(record);
                }
            }
            // A vendor's battery report: percent and time.
            0x0210 if body.len() == 7 => {
                let mut reader = Reader::new(body);
                let level = reader.u8().map_err(text)?;
                let time = reader.array().ok().and_then(location::time);
                let mut inputs = Inputs::default();
                inputs.push(input!("battery_level"), f64::from(level.min(100)));
                tell(Message { time, fix: None, inputs }, body);
            }
            // HHD's batch: a length of one byte before each.
            0x0210 => {
                let mut reader = Reader::new(body);
                while !reader.is_empty() {
                    let length = reader.u8().map_err(text)?;
                    let record = reader.slice(length.into()).map_err(text)?;
                    tell_location(record);
                }
            }
            0x0701 => {
                let mut reader = Reader::new(body);
                let length = reader.u32_be().map_err(text)?;
                let said = reader.slice(length.try_into().unwrap_or(usize::MAX)).map_err(text)?;
                let text = packet::readable(said);
                events.push_back(Event::Reply { slot, command: None, outcome: Outcome::Done, text });
            }
            0x0702 => tell(driver(body).map_err(text)?, body),
            0x0900 => transparent::read(body, &mut tell)?,
            0x5501 | 0x5502 => tell(lock::location(body).map_err(text)?, body),
            ASKED_SINCE_2019 | ASKED_BY_VENDORS => {
                self.asked = Some((packet.terminal, packet.serial, packet.message));
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::TimeWanted { slot });
                return Ok(Acknowledged::Already);
            }
            message if is_sign_of_life(message) => events.push_back(Event::Heartbeat { slot }),
            message => return Err(format!("messages {message:#06x} are not decoded")),
        }
        unread.map(|()| Acknowledged::ByUs)
    }
}

/// Pictures and sounds of dashcams, results of upgrades: nothing of them is kept, nor looked at.
fn is_sign_of_life(message: u16) -> bool {
    matches!(message, 0x0108 | 0x0800 | 0x0801)
}

/// Who has answered a message.
enum Acknowledged {
    /// Nobody yet: it gets the general answer.
    ByUs,
    /// It has its answer, or expects none.
    Already,
}

/// Card of the driver: state, time, result, name and number (2013, section 8.35).
fn driver(body: &[u8]) -> Result<Message, crate::reader::ReadError> {
    let mut reader = Reader::new(body);
    let state = reader.u8()?;
    let time = location::time(reader.array()?);
    let mut inputs = Inputs::default();
    inputs.push(input!("driver_card_event"), i64::from(state == 2));
    if reader.u8().is_ok_and(|result| result == 0) {
        let length = reader.u8()?;
        let name = reader.slice(length.into())?;
        if !name.is_empty() {
            inputs.push(input!("new_driver_name"), &*packet::readable(name));
        }
        let number = reader.slice(20.min(reader.left()))?;
        let number = packet::readable(number).to_uppercase();
        if number.bytes().any(|digit| digit != b'0') {
            inputs.push(input!("hardware_key"), &*number);
        }
    }
    Ok(Message { time, fix: None, inputs })
}

fn acknowledge(packet: &Packet, serials: &[u16], events: &mut Events) {
    for serial in serials {
        let answer = match packet.terminal {
            // ToTarget's answer names the message alone.
            Terminal::Lock(_) => {
                packet.reply(LOCK_ANSWER, &[&packet.message.to_be_bytes()[..], &[DONE]].concat())
            }
            _ => packet.reply(GENERAL_ANSWER, &general(*serial, packet.message, DONE)),
        };
        events.push_back(Event::ReplyWhenDurable(answer));
    }
}

fn refusal(packet: &Packet) -> Vec<u8> {
    if packet.message == 0x0100 {
        let [high, low] = packet.serial.to_be_bytes();
        return packet.reply(REGISTRATION_ANSWER, &[high, low, STRANGER]);
    }
    packet.reply(GENERAL_ANSWER, &general(packet.serial, packet.message, FAILED))
}

fn general(serial: u16, message: u16, result: u8) -> [u8; 5] {
    let ([s1, s2], [m1, m2]) = (serial.to_be_bytes(), message.to_be_bytes());
    [s1, s2, m1, m2, result]
}

fn problem(slot: DeviceSlot, error: &str, frame: &[u8]) -> Event {
    Event::Problem { slot, error: error.to_owned(), bytes: frame.to_vec() }
}
