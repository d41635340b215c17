//! Messages to a device, and its answers to them, which name the serial number of the message.
//! Sources: 0x8300, 0x8105, 0x8103, 0x8201, 0x0001, 0x0201 of JT/T 808-2013, sections 8.2 to 8.20; 0x6006 of G10LS; the
//! control words 0xF0 and 0xF1 and HHD's parameter 0x24 of message 0x0310 as vendors' platforms send them.

use super::{
    location::{self, Edition},
    lock,
    packet::{self, Packet, Terminal},
};
use crate::{CommandError, Confirmation, DeviceSlot, Event, Events, bcd, reader::Reader};
use domain::{Command, CommandId, DeviceId, LockAction, ModelCode, Outcome, RecordHash};
use std::collections::VecDeque;

const TEXT: u16 = 0x8300;
const CONTROL: u16 = 0x8105;
const QUERY: u16 = 0x8201;
const LOCK_PARAMETERS: u16 = 0x0310;
/// The longest text, in bytes.
const MAX_TEXT: usize = 1000;
/// So many answers may be outstanding; one is at most asked for at a time.
const MAX_SENT: usize = 16;

/// What was sent and may still be answered.
#[derive(Default)]
pub(super) struct Sent {
    serial: u16,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    slot: DeviceSlot,
    serial: u16,
    message: u16,
    command: CommandId,
}

impl Sent {
    /// Writes `command` for a device.
    ///
    /// # Errors
    /// As `Machine::command`.
    pub(super) fn write(
        &mut self,
        slot: DeviceSlot,
        (device, terminal, model): (&DeviceId, Option<Terminal>, Option<ModelCode>),
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        if let Some(line) = as_line(device, terminal, model, command)? {
            wire.extend(line);
            return Ok(Confirmation::Reply);
        }
        if let Command::Bytes(bytes) = command
            && bytes.first() == Some(&packet::DELIMITER)
        {
            wire.extend(bytes);
            return Ok(Confirmation::Sent);
        }
        let terminal = match terminal {
            Some(Terminal::Lock(number)) => Terminal::Short(number),
            Some(terminal) => terminal,
            None => bcd::pack(device.as_str())
                .map(Terminal::Short)
                .ok_or(CommandError::NotNow("no header yet"))?,
        };
        let (message, body) = body(&terminal, command)?;
        wire.extend(packet::write(&terminal, self.serial, message, &body));
        if self.waiting.len() == MAX_SENT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { slot, serial: self.serial, message, command: id });
        self.serial = self.serial.wrapping_add(1);
        Ok(Confirmation::Reply)
    }

    /// Understands an answer.
    ///
    /// # Errors
    /// Why its body cannot be understood.
    pub(super) fn answered(
        &mut self,
        slot: DeviceSlot,
        packet: &Packet,
        edition: Edition,
        events: &mut Events,
    ) -> Result<(), String> {
        let mut reader = Reader::new(&packet.body);
        if packet.message == 0x6006 {
            // The text that a device writes after it has taken one; it does not name it.
            reader.u8().map_err(|error| error.to_string())?;
            let command =
                self.waiting.iter().rev().find(|waiting| (waiting.slot, waiting.message) == (slot, TEXT));
            let command = command.map(|waiting| waiting.command);
            let text = packet::readable(reader.rest());
            events.push_back(Event::Reply { slot, command, outcome: Outcome::Done, text });
            return Ok(());
        }
        let serial = reader.u16_be().map_err(|error| error.to_string())?;
        if packet.message == 0x0001 {
            let message = reader.u16_be().map_err(|error| error.to_string())?;
            let (outcome, text) = match reader.u8().map_err(|error| error.to_string())? {
                0 | 4 => (Outcome::Done, "success"),
                1 => (Outcome::Refused, "failure"),
                2 => (Outcome::Refused, "wrong message"),
                _ => (Outcome::Refused, "not supported"),
            };
            match self.find(slot, serial, Some(message)) {
                Some(waiting) => {
                    let command = Some(waiting.command);
                    events.push_back(Event::Reply { slot, command, outcome, text: text.to_owned() });
                }
                // Such as the answer to an acknowledgement.
                None => events.push_back(Event::Heartbeat { slot }),
            }
            return Ok(());
        }
        let command = self.find(slot, serial, None).map(|waiting| waiting.command);
        let text = if packet.message == 0x0104 {
            crate::hex::upper(&packet.body)
        } else {
            let record = reader.rest();
            let message = location::read(record, edition).map_err(|error| error.to_string())?;
            events.push_back(Event::Message { slot, message, hash: RecordHash::of(record) });
            "position".to_owned()
        };
        if command.is_some() {
            events.push_back(Event::Reply { slot, command, outcome: Outcome::Done, text });
        } else if packet.message == 0x0104 {
            events.push_back(Event::Heartbeat { slot });
        }
        Ok(())
    }

    /// What an answer is for; a text stays known, for the words that may follow its answer.
    fn find(&mut self, slot: DeviceSlot, serial: u16, message: Option<u16>) -> Option<Waiting> {
        let same = |waiting: &Waiting| {
            (waiting.slot, waiting.serial) == (slot, serial)
                && message.is_none_or(|message| waiting.message == message)
        };
        let at = self.waiting.iter().position(same)?;
        match self.waiting[at].message {
            TEXT => self.waiting.get(at).copied(),
            _ => self.waiting.remove(at),
        }
    }
}

/// What a VG lock is told as a line, beside the packets: its lock commands, and lines of the user's own.
fn as_line(
    device: &DeviceId,
    terminal: Option<Terminal>,
    model: Option<ModelCode>,
    command: &Command,
) -> Result<Option<Vec<u8>>, CommandError> {
    match command {
        Command::Text(text) if text.starts_with('(') && text.ends_with(')') => {
            Ok(Some(text.as_bytes().to_vec()))
        }
        Command::Lock { action, password } => {
            let speaks_lines = matches!(terminal, Some(Terminal::Lock(_)));
            let vg = model
                .map_or(speaks_lines, |model| model.model().special_control.contains("vg_lock_password"));
            if !vg {
                return Ok(None);
            }
            if password.len() != 6 || !password.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(CommandError::Unfit("a VG lock's password has six digits"));
            }
            Ok(Some(lock::order(device.as_str(), *action, password).into_bytes()))
        }
        _ => Ok(None),
    }
}

/// The message and its body.
fn body(terminal: &Terminal, command: &Command) -> Result<(u16, Vec<u8>), CommandError> {
    match command {
        Command::Text(text) => {
            if text.len() > MAX_TEXT {
                return Err(CommandError::Unfit("a text has at most 1000 characters"));
            }
            if !text.is_ascii() {
                return Err(CommandError::Unfit("a text has ASCII characters only"));
            }
            // Urgent, so that the terminal obeys instead of reading it to the driver; since 2019 also its kind.
            let head: &[u8] = if matches!(terminal, Terminal::Long(..)) { &[1, 1] } else { &[1] };
            Ok((TEXT, [head, text.as_bytes()].concat()))
        }
        Command::Bytes(bytes) => match bytes.split_first_chunk() {
            // The number of the message, and its body.
            Some((message, body)) if body.len() < 1024 => Ok((u16::from_be_bytes(*message), body.to_vec())),
            Some(_) => Err(CommandError::Unfit("a message has at most 1023 bytes")),
            None => Err(CommandError::Unfit("a message begins with its number of two bytes")),
        },
        Command::Immobilize(cut) | Command::Output { number: 1, on: cut } => {
            Ok((CONTROL, vec![if *cut { 0xF0 } else { 0xF1 }]))
        }
        Command::Output { .. } => Err(CommandError::Unfit("the device has one output")),
        Command::Locate => Ok((QUERY, Vec::new())),
        Command::Lock { action, password } => {
            if password.len() != 8 || !password.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(CommandError::Unfit("an HHD lock's password has eight digits"));
            }
            let sealed = u8::from(*action == LockAction::Seal);
            // One parameter: number, length, state, who asks.
            let length = 1 + password.len() as u8;
            Ok((LOCK_PARAMETERS, [&[1, 0x24, length, sealed], password.as_bytes()].concat()))
        }
        Command::Outputs(_) => Err(CommandError::Unsupported),
    }
}
