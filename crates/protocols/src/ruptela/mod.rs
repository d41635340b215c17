//! Ruptela FM, Pro, HCV, Plug and Trace devices over TCP: records, extended records, identification, heartbeats,
//! trouble codes, and text commands.
//! Source: Ruptela, "FM communication protocol" v1.70 (2019), sections "Records", "Extended records", "Commands".
//!
//! Every packet names the device by its IMEI and ends with CRC-16/KERMIT. A device keeps its records until the server
//! says that it has them, and sends them again otherwise.

mod parameters;
mod records;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, checksum, fields,
    reader::Reader,
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, Inputs, Message, Outcome, RecordHash, Transport};

pub struct Ruptela;

/// The vendor's packets have up to 1,024 bytes of data; the length field allows more.
const MAX_FRAME: usize = 4 * 1024;
/// Bytes around what the length counts: the length itself, and the checksum.
const AROUND: usize = 4;

impl Protocol for Ruptela {
    fn name(&self) -> &'static str {
        "ruptela"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn default_port(&self) -> u16 {
        5046
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        match frame(start) {
            Ok(Framing::Frame(length)) if Packet::parse(&start[..length]).is_ok() => Recognition::Frame,
            Ok(Framing::Incomplete) if may_name_a_device(start) => Recognition::Unsure,
            _ => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[
            CommandKind::Text,
            CommandKind::Bytes,
            CommandKind::Output,
            CommandKind::Outputs,
            CommandKind::Locate,
        ]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

/// What a packet from a device is, and how the server answers it: "Commands", table of identifiers.
mod kind {
    pub(super) const RECORDS: u8 = 0x01;
    pub(super) const EXTENDED_RECORDS: u8 = 0x44;
    pub(super) const COMMAND_REPLY: u8 = 0x07;
    pub(super) const TROUBLE_CODES: u8 = 0x09;
    pub(super) const IDENTIFICATION: u8 = 0x0F;
    pub(super) const HEARTBEAT: u8 = 0x10;
    pub(super) const COMMAND: u8 = 0x6C;
    pub(super) const RECORDS_ANSWER: u8 = 0x64;
    pub(super) const TROUBLE_CODES_ANSWER: u8 = 0x6D;
    pub(super) const IDENTIFICATION_ANSWER: u8 = 0x73;
    pub(super) const HEARTBEAT_ANSWER: u8 = 0x74;
}

/// "Received".
const POSITIVE: &[u8] = &[1];

/// A packet whose checksum is right.
struct Packet<'a> {
    imei: u64,
    kind: u8,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let mut reader = Reader::new(frame);
        let length = reader.u16_be().map(usize::from).map_err(|_| NO_PACKET)?;
        if frame.len() != length + AROUND {
            return Err(Broken::NotAFrame("the packet's length is not what it says"));
        }
        let body = reader.slice(length).map_err(|_| NO_PACKET)?;
        let (said, computed) = (reader.u16_be().map_err(|_| NO_PACKET)?, checksum::crc16_kermit(body));
        if said != computed {
            return Err(Broken::Checksum { said: said.into(), computed: computed.into() });
        }
        let mut reader = Reader::new(body);
        let (Ok(imei), Ok(kind)) = (reader.u64_be(), reader.u8()) else { return Err(NO_PACKET) };
        Ok(Self { imei, kind, payload: reader.rest() })
    }
}

const NO_PACKET: Broken = Broken::NotAFrame("not a packet");
/// An IMEI and what the packet is.
const SHORTEST: usize = 9;

fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let Ok(length) = Reader::new(buffer).u16_be().map(usize::from) else { return Ok(Framing::Incomplete) };
    match length + AROUND {
        _ if length < SHORTEST => Err(NO_PACKET),
        total if total > MAX_FRAME => Err(Broken::TooLong { length: total, limit: MAX_FRAME }),
        total if buffer.len() < total => Ok(Framing::Incomplete),
        total => Ok(Framing::Frame(total)),
    }
}

/// An IMEI has 15 digits, so its first byte as a number of eight is 0.
fn may_name_a_device(start: &[u8]) -> bool {
    let imei = start.get(2..10).and_then(|bytes| Reader::new(bytes).u64_be().ok());
    start.get(2).is_none_or(|first| *first == 0)
        && imei.is_none_or(|imei| (10_000_000_000_000..1_000_000_000_000_000).contains(&imei))
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        frame(buffer)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let packet = Packet::parse(frame)?;
        // Leading zeros are part of an IMEI.
        let imei = format!("{:015}", packet.imei);
        let Some(slot) = self.speakers.named(&imei, frame, events)? else { return Ok(()) };
        packet.understand(slot, frame, events);
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Ok(packet) = Packet::parse(&frame) {
                    packet.understand(slot, &frame, events);
                }
            }
            Answer::Refused(_) => self.speakers.leave(events),
            Answer::Nothing => {}
        }
    }

    fn command(
        &mut self,
        slot: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        // Text commands are those of SMS: the password, which may be none, then the command.
        let password = self.speakers.known(slot).and_then(|known| known.settings.get("password"));
        let text = |text: &str| format!("{} {text}", password.map_or("", String::as_str));
        let packet = match command {
            Command::Text(text) if text.len() + AROUND < MAX_FRAME => packet(kind::COMMAND, text.as_bytes()),
            Command::Text(_) => return Err(CommandError::Unfit("the text is longer than a packet")),
            Command::Bytes(bytes) => framed(bytes)?,
            Command::Locate => packet(kind::COMMAND, text("coords").as_bytes()),
            Command::Output { number: 1, on } => {
                packet(kind::COMMAND, text(&format!("setio {},2", u8::from(*on))).as_bytes())
            }
            Command::Output { number: 2, on } => {
                packet(kind::COMMAND, text(&format!("setio 2,{}", u8::from(*on))).as_bytes())
            }
            Command::Outputs(states) => match states[..] {
                [first, second] => {
                    let states = format!("setio {},{}", u8::from(first), u8::from(second));
                    packet(kind::COMMAND, text(&states).as_bytes())
                }
                _ => return Err(CommandError::Unfit("the devices have 2 outputs")),
            },
            Command::Output { .. } => return Err(CommandError::Unfit("the devices have 2 outputs")),
            _ => return Err(CommandError::Unsupported),
        };
        wire.extend_from_slice(&packet);
        Ok(Confirmation::Reply)
    }
}

impl Packet<'_> {
    fn understand(&self, slot: DeviceSlot, frame: &[u8], events: &mut Events) {
        let problem = |error: String| Event::Problem { slot, error, bytes: frame.to_vec() };
        let message = |inputs| Event::Message {
            slot,
            message: Message { time: None, fix: None, inputs },
            hash: RecordHash::of(self.payload),
        };
        match self.kind {
            kind::RECORDS | kind::EXTENDED_RECORDS => {
                let layout = match self.kind {
                    kind::RECORDS => records::Layout::Usual,
                    _ => records::Layout::Extended,
                };
                if let Err(error) = records::read(layout, self.payload, slot, events) {
                    events.push_back(problem(error.to_string()));
                }
                // Also when a record could not be read: the device would send it again for ever.
                events.push_back(Event::ReplyWhenDurable(packet(kind::RECORDS_ANSWER, POSITIVE)));
            }
            kind::COMMAND_REPLY => {
                let text = printable(self.payload);
                events.push_back(Event::Reply { slot, command: None, outcome: outcome(&text), text });
            }
            kind::IDENTIFICATION => {
                let mut inputs = Inputs::default();
                let version = self.payload.split(|byte| *byte == 0).next().unwrap_or_default();
                if let Some(version) = fields::text(version) {
                    inputs.push(input!("firmware_version"), version);
                    events.push_back(message(inputs));
                }
                events.push_back(Event::ReplyWhenDurable(packet(kind::IDENTIFICATION_ANSWER, POSITIVE)));
            }
            kind::TROUBLE_CODES => {
                if let Some(codes) = trouble_codes(self.payload) {
                    let mut inputs = Inputs::default();
                    inputs.push(input!("obd_dtc_codes"), &*codes);
                    events.push_back(message(inputs));
                } else {
                    events.push_back(problem("trouble codes that cannot be read".to_owned()));
                }
                events.push_back(Event::ReplyWhenDurable(packet(kind::TROUBLE_CODES_ANSWER, POSITIVE)));
            }
            kind::HEARTBEAT => {
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::ReplyNow(packet(kind::HEARTBEAT_ANSWER, POSITIVE)));
            }
            other => events.push_back(problem(format!("packets of kind {other:#04x} are not decoded"))),
        }
    }
}

/// Number of codes, then for each 1 byte of its source and 8 bytes of time and place, and 5 characters.
fn trouble_codes(payload: &[u8]) -> Option<String> {
    const CODE: usize = 5;
    let mut reader = Reader::new(payload);
    let mut codes = String::new();
    for _ in 0..reader.u8().ok()? {
        reader.slice(1 + 4 + 4 + 4).ok()?;
        let code = fields::text(reader.slice(CODE).ok()?)?;
        if !codes.is_empty() {
            codes.push(',');
        }
        codes.push_str(code);
    }
    (!codes.is_empty()).then_some(codes)
}

fn printable(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

fn outcome(text: &str) -> Outcome {
    let text = text.to_ascii_lowercase();
    let refused = ["error", "fail", "unknown", "wrong", "incorrect"].iter().any(|word| text.contains(word));
    if refused { Outcome::Refused } else { Outcome::Done }
}

/// The user's bytes as they are when they are a packet; otherwise the body of one.
fn framed(bytes: &[u8]) -> Result<Vec<u8>, CommandError> {
    if bytes.is_empty() || bytes.len() + AROUND > MAX_FRAME {
        return Err(CommandError::Unfit("a packet has 1 to 4,092 bytes"));
    }
    let whole = bytes.split_first_chunk().is_some_and(|(length, rest)| {
        rest.split_last_chunk().is_some_and(|(body, crc)| {
            body.len() == usize::from(u16::from_be_bytes(*length))
                && checksum::crc16_kermit(body) == u16::from_be_bytes(*crc)
        })
    });
    Ok(if whole { bytes.to_vec() } else { packet(bytes[0], &bytes[1..]) })
}

/// A packet of the server, which names no device.
fn packet(kind: u8, payload: &[u8]) -> Vec<u8> {
    let body = [&[kind], payload].concat();
    // Bodies are bounded by `MAX_FRAME`.
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    let crc = checksum::crc16_kermit(&body);
    [&length.to_be_bytes()[..], &body, &crc.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_the_document() {
        assert_eq!(packet(kind::RECORDS_ANSWER, POSITIVE), [0x00, 0x02, 0x64, 0x01, 0x13, 0xBC]);
        assert_eq!(trouble_codes(&[0]), None);
        let one = [&[2, 1][..], &[0; 12], b"P0100", &[1], &[0; 12], b"P0301"].concat();
        assert_eq!(trouble_codes(&one).as_deref(), Some("P0100,P0301"));
        assert_eq!(trouble_codes(&one[..30]), None);
    }
}
