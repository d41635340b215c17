//! Message 80: a command as text, which the device answers with message 15 or 21 and the same flag.
//! Source: GT06 protocol 1.8.1, 6.1; commands of Concox "GT06N user manual" and the JM series.

use super::packet::{self, Size};
use crate::{CommandError, Confirmation, writer::Writer};
use domain::{Command, CommandId, CommandKind};
use std::collections::VecDeque;

pub(super) const KINDS: &[CommandKind] = &[
    CommandKind::Text,
    CommandKind::Bytes,
    CommandKind::Output,
    CommandKind::Outputs,
    CommandKind::Immobilize,
    CommandKind::Locate,
];

/// What was sent on a connection and may be answered.
#[derive(Default)]
pub(super) struct Commands {
    serial: u16,
    sent: VecDeque<CommandId>,
}

impl Commands {
    /// # Errors
    /// `Unfit` when the device has no such output, or the text is too long for a packet.
    pub(super) fn write(
        &mut self,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let text = match command {
            Command::Text(text) => text.as_bytes(),
            // A packet that the user has made goes out as it is.
            Command::Bytes(bytes) if bytes.starts_with(b"\x78\x78") || bytes.starts_with(b"\x79\x79") => {
                wire.extend_from_slice(bytes);
                return Ok(Confirmation::Sent);
            }
            Command::Bytes(bytes) => bytes,
            Command::Output { number: 1, on } | Command::Immobilize(on) => relay(*on),
            Command::Output { .. } => return Err(CommandError::Unfit("the device has one output")),
            Command::Outputs(outputs) => match **outputs {
                [on] => relay(on),
                _ => return Err(CommandError::Unfit("the device has one output")),
            },
            Command::Locate => b"WHERE#",
            Command::Lock { .. } => return Err(CommandError::Unsupported),
        };
        let length = text.len() + 4;
        let Ok(length) = u8::try_from(length) else { return Err(TOO_LONG) };
        let mut content = Writer::new();
        content.u8(length).u32_be(flag(id)).bytes(text);
        let content = content.finish();
        if content.len() > packet::room(Size::Short) {
            return Err(TOO_LONG);
        }
        wire.extend(packet::write(Size::Short, COMMAND, &content, self.serial));
        self.serial = self.serial.wrapping_add(1);
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(id);
        Ok(Confirmation::Reply)
    }

    /// The command that an answer's flag names; each is answered once.
    pub(super) fn answered(&mut self, flag: u32) -> Option<CommandId> {
        let at = self.sent.iter().position(|id| self::flag(*id) == flag)?;
        self.sent.remove(at)
    }
}

const COMMAND: u8 = 0x80;
/// A device is given one command at a time; a few may stay unanswered.
const REMEMBERED: usize = 8;
const TOO_LONG: CommandError = CommandError::Unfit("the text is too long for a packet");

/// Numbers of commands count from 1, flags from 0.
fn flag(id: CommandId) -> u32 {
    (id.0 - 1) as u32
}

/// The one relay cuts fuel or ignition.
fn relay(on: bool) -> &'static [u8] {
    if on { b"Relay,1#" } else { b"Relay,0#" }
}
