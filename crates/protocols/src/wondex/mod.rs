//! Wonde Proud trackers (VT10, VT300, TT1, SPT10) over TCP and UDP: reports as comma lines, a binary sign of life, text
//! commands.
//! Source: Wonde Proud Technology, "WondeX VT10 Protocol Document" v1.04 (2008) and "WondeX TT1 Protocol Document" v1.00
//! (2009), sections "$WP commands", "Position data", "Handshake". What stands behind the event differs between the
//! products; see `report`.
//!
//! Reports are not acknowledged. The sign of life is eight bytes that the server sends back as they are.

mod report;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, fields, lines,
    reader::Reader,
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, DeviceId, Outcome, Transport};

pub struct Wondex;

const MAX_FRAME: usize = 1024;
/// The sign of life: this, a serial number in two bytes, the device's number in four, little-endian.
const HANDSHAKE: [u8; 2] = [0xD0, 0xD7];
const HANDSHAKE_LENGTH: usize = 8;

impl Protocol for Wondex {
    fn name(&self) -> &'static str {
        "wondex"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5032
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        if start.starts_with(&HANDSHAKE) {
            return match handshake(start).and_then(|id| DeviceId::new(&id).ok()) {
                Some(id) => Recognition::Login(id),
                None if start.len() < HANDSHAKE_LENGTH => Recognition::Unsure,
                None => Recognition::No,
            };
        }
        if start.len() < 2 && HANDSHAKE.starts_with(start) {
            return Recognition::Unsure;
        }
        report::recognise(start)
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[CommandKind::Text, CommandKind::Bytes, CommandKind::Locate]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        if buffer.starts_with(&HANDSHAKE) {
            let whole = buffer.len() >= HANDSHAKE_LENGTH;
            return Ok(if whole { Framing::Frame(HANDSHAKE_LENGTH) } else { Framing::Incomplete });
        }
        Ok(lines::frame(buffer))
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        if frame.starts_with(&HANDSHAKE) {
            let id = handshake(frame).ok_or(Broken::NotAFrame("a sign of life has eight bytes"))?;
            if let Some(slot) = self.speakers.named(&id, frame, events)? {
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::ReplyNow(frame[..HANDSHAKE_LENGTH].to_vec()));
            }
            return Ok(());
        }
        // A datagram may carry several lines; only what one device says is put into one.
        for line in frame.split(|byte| matches!(byte, b'\r' | b'\n')).map(<[u8]>::trim_ascii) {
            match line {
                [] => {}
                [b'$', b'O' | b'E', ..] if is_answer(line) => self.answer(line, events),
                _ => {
                    let id =
                        report::device(line).ok_or(Broken::NotAFrame("neither a report nor an answer"))?;
                    let Some(slot) = self.speakers.named(id, frame, events)? else { return Ok(()) };
                    report::read(line, slot, events);
                }
            }
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
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        match command {
            Command::Text(text) if text.contains(['\r', '\n']) => {
                return Err(CommandError::Unfit("a command is one line"));
            }
            Command::Text(text) if text.len() + 2 > MAX_FRAME => {
                return Err(CommandError::Unfit("the text is longer than a line"));
            }
            Command::Text(text) => {
                if !text.starts_with('$') {
                    wire.extend_from_slice(b"$WP+");
                }
                wire.extend_from_slice(text.as_bytes());
                wire.extend_from_slice(b"\r\n");
            }
            Command::Locate => {
                let password = self.speakers.known(slot).and_then(|known| known.settings.get("password"));
                let password = password.map_or(DEFAULT_PASSWORD, String::as_str);
                wire.extend_from_slice(format!("$WP+GETLOCATION={password}\r\n").as_bytes());
            }
            Command::Bytes(bytes) => wire.extend_from_slice(bytes),
            _ => return Err(CommandError::Unsupported),
        }
        Ok(Confirmation::Reply)
    }
}

/// As devices leave the factory.
const DEFAULT_PASSWORD: &str = "0000";

impl Session {
    /// `$OK:COMMAND[+Tag][=…]` or `$ERR:COMMAND[+Tag]=code`.
    fn answer(&self, line: &[u8], events: &mut Events) {
        let (Some(slot), Some(text)) = (self.speakers.unnamed(), fields::text(line)) else { return };
        let outcome = if text.starts_with("$OK:") { Outcome::Done } else { Outcome::Refused };
        events.push_back(Event::Reply { slot, command: None, outcome, text: text.to_owned() });
    }
}

fn is_answer(line: &[u8]) -> bool {
    line.starts_with(b"$OK:") || line.starts_with(b"$ERR:")
}

fn handshake(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::new(bytes);
    let _head_and_serial = reader.u32_be().ok()?;
    reader.u32_le().ok().filter(|id| *id != 0).map(|id| id.to_string())
}
