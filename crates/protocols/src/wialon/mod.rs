//! Wialon IPS 1.1, 2.0 and 2.1 over TCP and UDP: the interchange language of many trackers, phones and other platforms.
//! Source: Gurtam, "Wialon IPS" v.2.1 (2023), sections "Packet Types", "UDP Data Transfer", "Checksum"; v.1.1 (2014)
//! for lines without a checksum.
//!
//! A device says its name and waits for `#AL#1`; each packet is answered with its own letter and a code. Over UDP the
//! name stands before each packet. Compressed packets, video and files are kept as problems.

mod data;
pub mod encode;
mod packet;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, checksum,
    fields::{self, Fields},
    lines,
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, DeviceId, Inputs, Message, Outcome, RecordHash, Transport};
use packet::{Packet, Version};

pub struct Wialon;

/// A black box of some hundred records, or one block of a photograph.
const MAX_FRAME: usize = 64 * 1024;

impl Protocol for Wialon {
    fn name(&self) -> &'static str {
        "wialon"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5039
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        packet::recognise(start)
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[CommandKind::Text, CommandKind::Bytes]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session { speakers: Speakers::new(), version: Version::One })
    }
}

struct Session {
    speakers: Speakers,
    /// As the login said; lines of version 2 end with a checksum.
    version: Version,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        if let [packet::COMPRESSED, ..] = buffer {
            return packet::compressed(buffer);
        }
        Ok(match lines::frame(buffer) {
            Framing::Frame(line) => packet::with_attachment(buffer, line),
            other => other,
        })
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        if let [packet::COMPRESSED, ..] = frame {
            return self.keep(frame, "compressed packets are not decoded", events);
        }
        let packet = Packet::parse(frame)?;
        let version = packet.version.unwrap_or(self.version);
        if packet.letters == b"L" {
            self.version = version;
            return self.login(&packet, frame, events);
        }
        let slot = match packet.device {
            Some(id) => match self.speakers.named(id, frame, events)? {
                Some(slot) => slot,
                None => return Ok(()),
            },
            None => self.speakers.unnamed().ok_or(Broken::OutOfOrder("a packet before a login"))?,
        };
        match packet.letters {
            b"SD" => record(&packet, version, data::Layout::Short, slot, events),
            b"D" => record(&packet, version, data::Layout::Full, slot, events),
            b"B" => black_box(&packet, version, slot, events),
            b"P" => {
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::ReplyNow(b"#AP#\r\n".to_vec()));
                Ok(())
            }
            b"M" => text(&packet, version, slot, events),
            b"AM" => {
                let outcome = if packet.body == b"1" { Outcome::Done } else { Outcome::Refused };
                let text = fields::text(packet.body).unwrap_or_default().to_owned();
                events.push_back(Event::Reply { slot, command: None, outcome, text });
                Ok(())
            }
            b"I" => {
                let error = "photographs are not decoded".to_owned();
                events.push_back(Event::Problem { slot, error, bytes: frame.to_vec() });
                let number = Fields::new(packet.body, b';').nth(1).and_then(fields::text).unwrap_or("0");
                events.push_back(Event::ReplyWhenDurable(format!("#AI#{number};1\r\n").into_bytes()));
                Ok(())
            }
            letters => {
                let error = format!("packets of type {} are not decoded", letters.escape_ascii());
                events.push_back(Event::Problem { slot, error, bytes: frame.to_vec() });
                Ok(())
            }
        }
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Err(broken) = self.decode(&frame, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            Answer::Refused(frame) => {
                if Packet::parse(&frame).is_ok_and(|packet| packet.letters == b"L") {
                    events.push_back(Event::ReplyNow(b"#AL#0\r\n".to_vec()));
                }
                self.speakers.leave(events);
            }
            Answer::Nothing => {}
        }
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        match command {
            Command::Text(text) if text.contains(['\r', '\n']) => {
                Err(CommandError::Unfit("a command is one line"))
            }
            Command::Text(text) if text.len() + AROUND_TEXT > MAX_FRAME => {
                Err(CommandError::Unfit("the text is longer than a packet"))
            }
            // Packets of one's own, such as `#QI#`, which asks for a photograph.
            Command::Text(text) if text.starts_with('#') => {
                wire.extend_from_slice(text.as_bytes());
                wire.extend_from_slice(b"\r\n");
                Ok(Confirmation::Sent)
            }
            Command::Text(text) => {
                wire.extend_from_slice(b"#M#");
                let start = wire.len();
                wire.extend_from_slice(text.as_bytes());
                if self.version == Version::Two {
                    wire.push(b';');
                    let crc = checksum::crc16_arc(&wire[start..]);
                    wire.extend_from_slice(format!("{crc:04X}").as_bytes());
                }
                wire.extend_from_slice(b"\r\n");
                Ok(Confirmation::Reply)
            }
            Command::Bytes(bytes) => {
                wire.extend_from_slice(bytes);
                Ok(Confirmation::Sent)
            }
            _ => Err(CommandError::Unsupported),
        }
    }
}

/// `#M#`, `;`, the checksum and the line's end.
const AROUND_TEXT: usize = 10;

impl Session {
    fn login(&mut self, packet: &Packet<'_>, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let Some((id, password)) = packet.login() else {
            return Err(Broken::NotAFrame("a login without a name"));
        };
        if self.version == Version::Two {
            packet.check_last(b';')?;
        }
        if DeviceId::new(id).is_err() {
            // Names that no device of ours has are answered with a refusal, not with silence.
            events.push_back(Event::ReplyNow(b"#AL#0\r\n".to_vec()));
            events.push_back(Event::Close);
            return Ok(());
        }
        let Some(slot) = self.speakers.named(id, frame, events)? else { return Ok(()) };
        let expected = self.speakers.known(slot).and_then(|known| known.settings.get("password"));
        if expected.is_some_and(|expected| expected.as_bytes() != password) {
            events.push_back(Event::ReplyNow(b"#AL#01\r\n".to_vec()));
            events.push_back(Event::Close);
            return Ok(());
        }
        events.push_back(Event::ReplyNow(b"#AL#1\r\n".to_vec()));
        Ok(())
    }

    fn keep(&self, frame: &[u8], error: &str, events: &mut Events) -> Result<(), Broken> {
        let slot = self.speakers.unnamed().ok_or(Broken::OutOfOrder("a packet before a login"))?;
        events.push_back(Event::Problem { slot, error: error.to_owned(), bytes: frame.to_vec() });
        Ok(())
    }
}

fn record(
    packet: &Packet<'_>,
    version: Version,
    layout: data::Layout,
    slot: DeviceSlot,
    events: &mut Events,
) -> Result<(), Broken> {
    let record = packet.checked(layout.fields(), version)?;
    match data::message(record, layout) {
        Ok(message) => {
            events.push_back(Event::Message { slot, message, hash: RecordHash::of(record) });
        }
        Err(fault) => {
            let error = format!("a record with {fault}");
            events.push_back(Event::Problem { slot, error, bytes: record.to_vec() });
        }
    }
    // Also when it could not be read: the device would send it again for ever, and the problem keeps its bytes.
    let reply: &[u8] = match layout {
        data::Layout::Short => b"#ASD#1\r\n",
        data::Layout::Full => b"#AD#1\r\n",
    };
    events.push_back(Event::ReplyWhenDurable(reply.to_vec()));
    Ok(())
}

/// Records of both layouts between `|`; in version 2 the last one is the checksum.
fn black_box(
    packet: &Packet<'_>,
    version: Version,
    slot: DeviceSlot,
    events: &mut Events,
) -> Result<(), Broken> {
    let mut body = packet.body;
    if version == Version::Two {
        body = packet.check_last(b'|')?;
    }
    let mut count = 0;
    for record in Fields::new(body, b'|').filter(|record| !record.is_empty()) {
        count += 1;
        match data::message(record, data::Layout::of(record)) {
            Ok(message) => {
                events.push_back(Event::Message { slot, message, hash: RecordHash::of(record) });
            }
            Err(fault) => {
                let error = format!("record {count} of a black box with {fault}");
                events.push_back(Event::Problem { slot, error, bytes: record.to_vec() });
            }
        }
    }
    events.push_back(Event::ReplyWhenDurable(format!("#AB#{count}\r\n").into_bytes()));
    Ok(())
}

fn text(packet: &Packet<'_>, version: Version, slot: DeviceSlot, events: &mut Events) -> Result<(), Broken> {
    let text = match version {
        Version::One => packet.body,
        Version::Two => packet.check_last(b';')?,
    };
    if let Some(text) = fields::text(text) {
        let mut inputs = Inputs::with_capacity(1);
        inputs.push(input!("text_message"), text);
        let message = Message { inputs, ..Message::default() };
        events.push_back(Event::Message { slot, message, hash: RecordHash::of(packet.body) });
    }
    events.push_back(Event::ReplyWhenDurable(b"#AM#1\r\n".to_vec()));
    Ok(())
}
