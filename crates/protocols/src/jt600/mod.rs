//! Jointech: padlocks JT701 and JT701D, trackers JT600 and GP6000, over TCP. Positions are binary and begin with `$`;
//! events, answers and older reports are text between brackets.
//! Source: "JT701D Protocol Manual" V1.4 (Jointech, 2021).
//!
//! Every frame names its device. A lock keeps its data until it is answered: a JT701D by `(P69,0,serial)`, a JT701 by
//! `(P35)` for positions and `(P46)` for lock reports; trackers that speak U words by `(S39)` and `(S20)`.

mod packet;
mod record;
mod text;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition,
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, DeviceId, LockAction, RecordHash, Timestamp, Transport};
use packet::{Form, Packet};
use std::collections::VecDeque;
use text::{Said, Text};

pub struct Jt600;

impl Protocol for Jt600 {
    fn name(&self) -> &'static str {
        "jt600"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn default_port(&self) -> u16 {
        5014
    }

    fn max_frame(&self) -> usize {
        packet::MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        const DIGITS: usize = 10;
        let login = |id: &str| DeviceId::new(id).map_or(Recognition::No, Recognition::Login);
        match start {
            [] => Recognition::Unsure,
            [b'(', rest @ ..] => {
                let digits = rest.iter().take(DIGITS).all(u8::is_ascii_digit);
                if !digits || !matches!(rest.get(DIGITS), None | Some(b',')) {
                    return Recognition::No;
                }
                match start.iter().position(|byte| *byte == b')') {
                    Some(end) => Text::parse(&start[..end]).map_or(Recognition::No, |text| login(text.id)),
                    None if start.len() > packet::MAX_FRAME => Recognition::No,
                    None => Recognition::Unsure,
                }
            }
            _ => match packet::frame(start) {
                Ok(Framing::Frame(length)) => {
                    let packet = Packet::parse(&start[..length]);
                    packet.map_or(Recognition::No, |packet| login(&packet.id))
                }
                Ok(_) => Recognition::Unsure,
                Err(_) => Recognition::No,
            },
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[
            CommandKind::Text,
            CommandKind::Bytes,
            CommandKind::Output,
            CommandKind::Outputs,
            CommandKind::Immobilize,
            CommandKind::Lock,
        ]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
    /// The version that the lock's last binary data had.
    version: Option<u8>,
    /// Commands that may be answered, with their words; bounded.
    sent: VecDeque<(String, CommandId)>,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        match buffer {
            [b'(', ..] => {
                let end = buffer.iter().position(|byte| *byte == b')');
                Ok(end.map_or(Framing::Incomplete, |end| Framing::Frame(end + 1)))
            }
            [b'$', ..] => packet::frame(buffer),
            [b'\r' | b'\n', ..] => Ok(Framing::Skip(1)),
            _ => Err(NO_FRAME),
        }
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        match frame {
            [b'$', ..] => self.binary(frame, events),
            [b'(', ..] => match text::peripheral(frame) {
                Some((id, data)) => self.peripheral(id, data, frame, events),
                None => self.text(frame, events),
            },
            _ => Err(NO_FRAME),
        }
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

    fn tell_time(&mut self, _: DeviceSlot, now: Timestamp, events: &mut Events) {
        let ((year, month, day), (hour, minute, second)) = now.to_civil();
        let year = year.rem_euclid(100);
        let answer = format!("(P22,{day:02}{month:02}{year:02}{hour:02}{minute:02}{second:02})");
        events.push_back(Event::ReplyNow(answer.into_bytes()));
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let relay = |cut: bool| if cut { "S07,0" } else { "S07,1" }.to_owned();
        let text = match command {
            Command::Text(text) if !text.is_ascii() || text.contains(char::is_control) => {
                return Err(CommandError::Unfit("a command is ASCII"));
            }
            Command::Text(text) if text.len() + 2 > packet::MAX_FRAME => {
                return Err(CommandError::Unfit("the text is too long"));
            }
            Command::Text(text) => text.trim_start_matches('(').trim_end_matches(')').to_owned(),
            Command::Bytes(bytes) => {
                wire.extend_from_slice(bytes);
                return Ok(Confirmation::Sent);
            }
            Command::Output { number: 1, on } | Command::Immobilize(on) => relay(*on),
            Command::Outputs(outputs) if outputs.len() == 1 => relay(outputs[0]),
            Command::Output { .. } | Command::Outputs(_) => {
                return Err(CommandError::Unfit("the device has one output"));
            }
            Command::Lock { action: LockAction::Seal, .. } => {
                return Err(CommandError::Unfit("the lock shuts by itself when its rope is put in"));
            }
            Command::Lock { action: LockAction::Unseal, password } => {
                let fits = |byte: u8| byte.is_ascii_graphic() && !b",()".contains(&byte);
                if password.len() != 6 || !password.bytes().all(fits) {
                    return Err(CommandError::Unfit("a password has six digits, letters or signs"));
                }
                format!("P43,{password}")
            }
            Command::Locate => return Err(CommandError::Unsupported),
        };
        wire.push(b'(');
        wire.extend_from_slice(text.as_bytes());
        wire.push(b')');
        let word = text.split(',').next().unwrap_or_default().to_owned();
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back((word, id));
        Ok(Confirmation::Reply)
    }
}

const NO_FRAME: Broken = Broken::NotAFrame("neither binary data nor text between brackets");
/// A device is given one command at a time; a few may stay unanswered.
const REMEMBERED: usize = 8;

impl Session {
    fn binary(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let packet = Packet::parse(frame)?;
        let Some(slot) = self.speakers.named(&packet.id, frame, events)? else { return Ok(()) };
        let mut records = Vec::new();
        let outcome = record::read(&packet, &mut records);
        let wants_answer = records.iter().any(|record| record.wants_answer) || outcome.is_err();
        for record in records {
            let hash = RecordHash::of(record.own);
            events.push_back(Event::Message { slot, message: record.message, hash });
        }
        if let Err(error) = outcome {
            let (error, bytes) = (error.to_string(), frame.to_vec());
            events.push_back(Event::Problem { slot, error, bytes });
        }
        if let Form::Lock(version) = packet.form {
            self.version = Some(version);
            if wants_answer {
                let answer = match version {
                    record::JT701D => format!("(P69,0,{})", packet.serial),
                    _ => "(P35)".to_owned(),
                };
                events.push_back(Event::ReplyWhenDurable(answer.into_bytes()));
            }
        }
        Ok(())
    }

    fn peripheral(&mut self, id: &str, data: &[u8], frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let Some(slot) = self.speakers.named(id, frame, events)? else { return Ok(()) };
        let data = text::unescape(data);
        match text::sensor(&data) {
            Ok(message) => {
                let hash = RecordHash::of(&data);
                events.push_back(Event::Message { slot, message, hash });
            }
            Err(error) => {
                let (error, bytes) = (error.to_string(), frame.to_vec());
                events.push_back(Event::Problem { slot, error, bytes });
            }
        }
        let answer = text::sensor_answer(&data);
        events.extend(answer.map(|answer| Event::ReplyWhenDurable(answer.into_bytes())));
        Ok(())
    }

    fn text(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let text = Text::parse(frame).ok_or(NO_FRAME)?;
        let Some(slot) = self.speakers.named(text.id, frame, events)? else { return Ok(()) };
        let hash = RecordHash::of(frame);
        let reply = |answer: String| Event::ReplyWhenDurable(answer.into_bytes());
        match text.read() {
            Said::Report { message, answer } => {
                events.push_back(Event::Message { slot, message, hash });
                events.extend(answer.map(|answer| reply(answer.to_owned())));
            }
            Said::LockEvent { message, serial, has_mileage } => {
                events.push_back(Event::Message { slot, message, hash });
                let is_jt701d = match self.version {
                    Some(version) => version == record::JT701D,
                    None => has_mileage,
                };
                events.push_back(reply(match serial {
                    Some(serial) if is_jt701d => format!("(P69,0,{serial})"),
                    _ => text::LOCK_ANSWER.to_owned(),
                }));
            }
            Said::Heartbeat { answer } => {
                events.push_back(Event::Heartbeat { slot });
                events.extend(answer.map(reply));
            }
            Said::TimeWanted => {
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::TimeWanted { slot });
            }
            Said::Answer { outcome, text: said } => {
                let at = self.sent.iter().position(|(word, _)| word.as_bytes() == text.word);
                let command = at.and_then(|at| self.sent.remove(at)).map(|(_, id)| id);
                events.push_back(Event::Reply { slot, command, outcome, text: said });
            }
            Said::Problem { error, answer } => {
                events.push_back(Event::Problem { slot, error, bytes: frame.to_vec() });
                // A device keeps what is not answered and sends it again, before all that is newer.
                events.extend(answer.map(|answer| reply(answer.to_owned())));
            }
        }
        Ok(())
    }
}
