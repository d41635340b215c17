//! H02: SinoTrack and many other low-cost trackers, over TCP and UDP; text reports that begin with `*HQ` (or another
//! maker's two letters) and end with `#`, and binary ones that begin with `$` or `X`.
//! Source: "LKGPS protocol"; "H02 GPRS protocol" V1.0.5 (2016).
//!
//! Every report names its device. Reports are not answered; the login (V0) and the sign of life (HTBT) are, by
//! themselves. A command carries a time that its confirmation (V4) repeats: the machine puts the command's number there.

mod binary;
mod status;
mod text;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition,
    speakers::{Answer, Speakers},
};
use binary::{REPORT, TAIL};
use domain::{Command, CommandId, CommandKind, DeviceId, Inputs, Message, Outcome, RecordHash, Transport};
use std::collections::VecDeque;
use text::{Line, Said};

pub struct H02;

/// The longest lists of cells have some hundred bytes.
const MAX_FRAME: usize = 2048;

impl Protocol for H02 {
    fn name(&self) -> &'static str {
        "h02"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5013
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        let login = |id: &str| DeviceId::new(id).map_or(Recognition::No, Recognition::Login);
        match start {
            [] => Recognition::Unsure,
            [b'*', rest @ ..] => {
                let maker = rest.iter().take(2).all(u8::is_ascii_alphabetic);
                if !maker || !matches!(rest.get(2), None | Some(b',')) || start.len() > MAX_FRAME {
                    return Recognition::No;
                }
                match start.iter().position(|byte| *byte == b'#') {
                    Some(end) => Line::parse(&start[..end]).map_or(Recognition::No, |line| login(line.id)),
                    None => Recognition::Unsure,
                }
            }
            [first, ..] if binary::is_start(*first) && start.len() < REPORT => Recognition::Unsure,
            [first, ..] if binary::is_start(*first) && binary::is_plausible(start) => {
                binary::id(start).map_or(Recognition::No, |id| login(&id))
            }
            _ => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[
            CommandKind::Text,
            CommandKind::Bytes,
            CommandKind::Output,
            CommandKind::Outputs,
            CommandKind::Immobilize,
        ]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
    /// The binary report to which the next bytes may belong.
    report: Option<Message>,
    may_have_tail: bool,
    /// The two letters that devices listen to.
    maker: Option<[u8; 2]>,
    /// Commands that may be confirmed, bounded.
    sent: VecDeque<CommandId>,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        let may_have_tail = std::mem::take(&mut self.may_have_tail);
        match buffer {
            [b'*', ..] => {
                let end = buffer.iter().position(|byte| *byte == b'#');
                Ok(end.map_or(Framing::Incomplete, |end| Framing::Frame(end + 1)))
            }
            [first, ..] if binary::is_start(*first) => Ok(match buffer.get(REPORT) {
                _ if buffer.len() < REPORT => Framing::Incomplete,
                Some(next) if *first == b'$' && !is_start(*next) && buffer.len() >= REPORT + TAIL => {
                    Framing::Frame(REPORT + TAIL)
                }
                _ => {
                    self.may_have_tail = *first == b'$';
                    Framing::Frame(REPORT)
                }
            }),
            _ if may_have_tail && buffer.len() < TAIL => {
                self.may_have_tail = true;
                Ok(Framing::Incomplete)
            }
            _ if may_have_tail => Ok(Framing::Frame(TAIL)),
            [b'\r' | b'\n' | b' ' | 0, ..] => Ok(Framing::Skip(1)),
            _ => Err(NO_FRAME),
        }
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        match frame {
            [b'*', ..] => self.lines(frame, events),
            [first, ..] if binary::is_start(*first) => self.binary(frame, events),
            tail if tail.len() == TAIL && self.report.is_some() => {
                self.tail(tail, events);
                Ok(())
            }
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

    fn command(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let relay = |on: bool| if on { "S20,1,1" } else { "S20,1,0" }.to_owned();
        let text = match command {
            Command::Text(text) if !text.is_ascii() || text.contains(char::is_control) => {
                return Err(CommandError::Unfit("a command is one line of ASCII"));
            }
            Command::Text(text) => text.trim_end_matches('#').to_owned(),
            Command::Output { number: 1, on } | Command::Immobilize(on) => relay(*on),
            Command::Outputs(outputs) if outputs.len() == 1 => relay(outputs[0]),
            Command::Output { .. } | Command::Outputs(_) => {
                return Err(CommandError::Unfit("the device has one output"));
            }
            Command::Bytes(bytes) => {
                wire.extend_from_slice(bytes);
                return Ok(Confirmation::Sent);
            }
            Command::Locate | Command::Lock { .. } => return Err(CommandError::Unsupported),
        };
        if text.len() + 64 > MAX_FRAME {
            return Err(CommandError::Unfit("the text is too long for a line"));
        }
        if text.starts_with('*') {
            // A whole line of the user's.
            wire.extend_from_slice(text.as_bytes());
            wire.push(b'#');
            return Ok(Confirmation::Reply);
        }
        let device =
            self.speakers.id(slot).ok_or(CommandError::NotNow("the device has not said its number"))?;
        let (kind, parameters) = text.split_once(',').unwrap_or((&text, ""));
        wire.push(b'*');
        wire.extend_from_slice(&self.maker.unwrap_or(*b"HQ"));
        wire.extend_from_slice(format!(",{},{kind},{}", device.as_str(), time(id)).as_bytes());
        if !parameters.is_empty() {
            wire.push(b',');
            wire.extend_from_slice(parameters.as_bytes());
        }
        wire.push(b'#');
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(id);
        Ok(Confirmation::Reply)
    }
}

const NO_FRAME: Broken = Broken::NotAFrame("neither a line nor a binary report");
/// A device is given one command at a time; a few may stay unconfirmed.
const REMEMBERED: usize = 8;

impl Session {
    /// One line, or the lines of one device in a datagram.
    fn lines(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let whole = frame.trim_ascii();
        let whole = whole.strip_suffix(b"#").unwrap_or(whole);
        for line in whole.split(|byte| *byte == b'#').map(<[u8]>::trim_ascii) {
            let said = Line::parse(line).ok_or(NO_FRAME)?;
            let slot = if said.id.is_empty() {
                self.speakers.unnamed()
            } else {
                self.speakers.named(said.id, frame, events)?
            };
            let Some(slot) = slot else { return Ok(()) };
            if let [first, second] = *said.maker {
                self.maker = Some([first, second]);
            }
            self.line(&said, line, slot, events);
        }
        Ok(())
    }

    fn line(&mut self, said: &Line<'_>, line: &[u8], slot: DeviceSlot, events: &mut Events) {
        let hash = RecordHash::of(line);
        match said.read() {
            Said::Message(message) => events.push_back(Event::Message { slot, message, hash }),
            Said::Heartbeat => events.push_back(Event::Heartbeat { slot }),
            Said::Unknown => {
                let error = format!("nothing is known of {}", String::from_utf8_lossy(said.kind));
                events.push_back(Event::Problem { slot, error, bytes: line.to_vec() });
            }
            Said::Confirmation { time, text, message } => {
                if let Some(message) = message {
                    events.push_back(Event::Message { slot, message, hash });
                }
                let at = self.sent.iter().position(|id| self::time(*id) == time);
                let command = at.and_then(|at| self.sent.remove(at));
                let refused = text.contains("ERROR") || text.contains("FAIL");
                let outcome = if refused { Outcome::Refused } else { Outcome::Done };
                events.push_back(Event::Reply { slot, command, outcome, text });
            }
        }
        if matches!(said.kind, b"V0" | b"HTBT") {
            let mut answer = b"*".to_vec();
            answer.extend([said.maker, said.id.as_bytes(), said.kind].join(&b','));
            answer.push(b'#');
            events.push_back(Event::ReplyWhenDurable(answer));
        }
    }

    fn binary(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let (report, tail) = frame.split_at(frame.len().min(REPORT));
        let id = binary::id(report).ok_or(Broken::NotAFrame("a report without a number"))?;
        let Some(slot) = self.speakers.named(&id, frame, events)? else { return Ok(()) };
        match binary::report(report) {
            Ok((message, hash)) => {
                self.report = Some(Message { inputs: Inputs::default(), ..message.clone() });
                events.push_back(Event::Message { slot, message, hash });
            }
            Err(error) => {
                let (error, bytes) = (error.to_string(), frame.to_vec());
                events.push_back(Event::Problem { slot, error, bytes });
            }
        }
        self.tail(tail, events);
        Ok(())
    }

    fn tail(&mut self, tail: &[u8], events: &mut Events) {
        if tail.is_empty() {
            return;
        }
        let (Some(slot), Some(report)) = (self.speakers.unnamed(), self.report.take()) else { return };
        if let Some(message) = binary::tail(tail, &report) {
            let time = report.time.map_or(0, domain::Timestamp::millis).to_be_bytes();
            let hash = RecordHash::of(&[&time, tail].concat());
            events.push_back(Event::Message { slot, message, hash });
        }
    }
}

/// Whether a frame begins with this byte.
fn is_start(byte: u8) -> bool {
    byte == b'*' || binary::is_start(byte)
}

/// A time of day that stands for a command.
fn time(id: CommandId) -> String {
    let seconds = id.0.rem_euclid(86_400);
    format!("{:02}{:02}{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Charge in steps from 1 to 6, or in percent; 0 is unknown.
fn battery_level(level: i64, inputs: &mut Inputs) {
    let percent = match level {
        1..=3 => (level - 1) * 10,
        4..=6 => (level - 1) * 20,
        7..=100 => level,
        _ => return,
    };
    inputs.push(input!("battery_level"), percent as f64);
}
