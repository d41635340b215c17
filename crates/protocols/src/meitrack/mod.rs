//! Meitrack's trackers (MVT, T and P series) and their kin, text and binary.
//! Sources: "MEITRACK T622 GPRS Protocol" (2017), "MEITRACK P99G GPRS Protocol" V1.0 (2017), "MEITRACK TA255 GPRS
//! Protocol" V1.0 (2022).
//!
//! Text records need no answer. Binary ones stay in the device's memory until the server says how many of them it has.
//! What a device sends under any other command's name is its answer to that command, with the command's identifier.

mod binary;
pub mod encode;
mod events;
mod packet;
mod record;
mod text;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition,
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, Message, Outcome, RecordHash, Transport, Value};
use packet::Packet;
use record::Wiring;
use std::collections::VecDeque;

pub struct Meitrack;

impl Protocol for Meitrack {
    fn name(&self) -> &'static str {
        "meitrack"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5020
    }

    fn max_frame(&self) -> usize {
        packet::MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        match packet::frame(start) {
            _ if start.is_empty() => Recognition::Unsure,
            Ok(Framing::Frame(length)) if Packet::parse(&start[..length]).is_ok() => Recognition::Frame,
            Ok(Framing::Incomplete) => Recognition::Unsure,
            _ => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        &CommandKind::ALL[..6]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session { speakers: Speakers::new(), next: FIRST, waiting: VecDeque::new() })
    }
}

/// Identifiers of packets go from `A` to `z`.
const FIRST: u8 = b'A';
const LAST: u8 = b'z';
/// So many answers may be outstanding; one is at most asked for at a time.
const MAX_WAITING: usize = 16;
/// The longest text of a user.
const MAX_TEXT: usize = 1000;
/// Asks for the place; the answer is a record.
const LOCATE: &str = "A10";

struct Session {
    speakers: Speakers,
    next: u8,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone)]
struct Waiting {
    slot: DeviceSlot,
    identifier: u8,
    word: String,
    command: CommandId,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        packet::frame(buffer)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        // A datagram may carry several packets, all of one device; a line end may be missing from the last.
        let mut left = frame;
        while !left.is_empty() {
            let length = match packet::frame(left) {
                Ok(Framing::Frame(length)) => length,
                Ok(Framing::Skip(length)) => {
                    left = &left[length..];
                    continue;
                }
                _ => left.len(),
            };
            let (packet, rest) = left.split_at(length);
            let packet = Packet::parse(packet)?;
            let Some(slot) = self.speakers.named(packet.device, frame, events)? else { return Ok(()) };
            self.packet(slot, &packet, events);
            left = rest;
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
        let device = self.speakers.id(slot).ok_or(CommandError::NotNow("it has not spoken yet"))?;
        let text = match command {
            Command::Bytes(bytes) => {
                wire.extend(bytes);
                return Ok(Confirmation::Sent);
            }
            Command::Text(text) => checked(text)?.to_owned(),
            Command::Locate => LOCATE.to_owned(),
            Command::Immobilize(cut) => outputs(&[Some(*cut)]),
            Command::Output { number: number @ 1..=5, on } => {
                let mut states = [None; 5];
                states[usize::from(*number) - 1] = Some(*on);
                outputs(&states)
            }
            Command::Outputs(states) if (1..=5).contains(&states.len()) => {
                outputs(&states.iter().copied().map(Some).collect::<Vec<_>>())
            }
            Command::Output { .. } | Command::Outputs(_) => {
                return Err(CommandError::Unfit("the device has five outputs"));
            }
            Command::Lock { .. } => return Err(CommandError::Unsupported),
        };
        let identifier = self.next;
        wire.extend(packet::write(identifier, device.as_str(), &text));
        self.next = if identifier == LAST { FIRST } else { identifier + 1 };
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        let word = text.split(',').next().unwrap_or_default().to_owned();
        self.waiting.push_back(Waiting { slot, identifier, word, command: id });
        Ok(Confirmation::Reply)
    }
}

/// What can stand in a packet.
fn checked(text: &str) -> Result<&str, CommandError> {
    let text = text.trim_end_matches(['\r', '\n']);
    match text {
        "" => Err(CommandError::Unfit("an empty text")),
        text if text.len() > MAX_TEXT => Err(CommandError::Unfit("a text has at most 1000 characters")),
        text if !text.is_ascii() || text.contains(|c: char| c.is_ascii_control()) => {
            Err(CommandError::Unfit("a text has printable ASCII characters only"))
        }
        text => Ok(text),
    }
}

/// C01: at any speed, and for each of five outputs 0 off, 1 on, 2 as it is.
fn outputs(states: &[Option<bool>]) -> String {
    let state = |at: usize| match states.get(at).copied().flatten() {
        Some(true) => '1',
        Some(false) => '0',
        None => '2',
    };
    format!("C01,0,{}", (0..5).map(state).collect::<String>())
}

impl Session {
    fn packet(&mut self, slot: DeviceSlot, packet: &Packet<'_>, events: &mut Events) {
        let wiring = Wiring::of(self.speakers.known(slot));
        let mut on_demand = false;
        let mut tell = |message: Message, hash: RecordHash| {
            let event = message.inputs.get(input!("event_code")).and_then(Value::number);
            on_demand |= event == Some(f64::from(events::ON_DEMAND));
            events.push_back(Event::Message { slot, message, hash });
        };
        match packet.command {
            b"AAA" => tell(text::read(packet.data, wiring), RecordHash::of(packet.data)),
            // It counts what is kept before the record.
            b"AFF" => {
                let record = packet.data.splitn(2, |byte| *byte == b',').nth(1).unwrap_or_default();
                tell(text::read(record, wiring), RecordHash::of(record));
            }
            b"CCC" | b"CCE" => {
                let batch = match packet.command {
                    b"CCC" => binary::fixed(packet.data, wiring, &mut tell),
                    _ => binary::numbered(packet.data, wiring, &mut tell),
                };
                if let Some(error) = batch.problem {
                    let bytes = packet.data.to_vec();
                    events.push_back(Event::Problem { slot, error: error.to_string(), bytes });
                }
                let word = String::from_utf8_lossy(packet.command);
                let taken = format!("{word},{}", batch.records);
                let answer = packet::write(packet.identifier, packet.device, &taken);
                events.push_back(Event::ReplyWhenDurable(answer));
            }
            // Greetings, and pictures.
            b"AAC" | b"D00" => events.push_back(Event::Heartbeat { slot }),
            command => self.reply(slot, packet, command, events),
        }
        if on_demand && let Some(waiting) = self.answered(slot, packet.identifier, LOCATE) {
            let (command, text) = (Some(waiting.command), "position".to_owned());
            events.push_back(Event::Reply { slot, command, outcome: Outcome::Done, text });
        }
    }

    fn reply(&mut self, slot: DeviceSlot, packet: &Packet<'_>, command: &[u8], events: &mut Events) {
        let word = String::from_utf8_lossy(command);
        let id = self.answered(slot, packet.identifier, &word).map(|waiting| waiting.command);
        let said = crate::fields::text(packet.data).unwrap_or_default();
        let failed = said.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
        let outcome = if failed { Outcome::Refused } else { Outcome::Done };
        let text = format!("{word},{said}");
        events.push_back(Event::Reply { slot, command: id, outcome, text });
    }

    /// The command that is answered: by its identifier, else by its word.
    fn answered(&mut self, slot: DeviceSlot, identifier: u8, word: &str) -> Option<Waiting> {
        let same = |waiting: &Waiting| waiting.slot == slot && waiting.word.eq_ignore_ascii_case(word);
        let exact = self.waiting.iter().position(|waiting| same(waiting) && waiting.identifier == identifier);
        let at = exact.or_else(|| self.waiting.iter().position(same))?;
        self.waiting.remove(at)
    }
}
