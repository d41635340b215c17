//! Commands in frames of codec 12, which devices answer in one of the same codec. Source: Teltonika Telematics Wiki,
//! "Teltonika Data Sending Protocols", "Codec 12"; the texts: "FMB SMS/GPRS Commands", getgps and setdigout.

use super::{encode, text};
use crate::{CommandError, writer::Writer};
use domain::{Command, CommandKind};
use std::borrow::Cow;

pub(super) const KINDS: &[CommandKind] =
    &[CommandKind::Text, CommandKind::Bytes, CommandKind::Output, CommandKind::Outputs, CommandKind::Locate];

/// No device has more.
const OUTPUTS: usize = 4;
/// The longest packet that devices take, less what stands around the command.
const MAX_COMMAND: usize = 1024;

pub(super) fn frame(command: &Command) -> Result<Vec<u8>, CommandError> {
    let said: Cow<'_, [u8]> = match command {
        Command::Text(text) => text.as_bytes().into(),
        Command::Bytes(bytes) => bytes.into(),
        Command::Output { number, on } => switch(usize::from(*number), *on)?.into_bytes().into(),
        Command::Outputs(outputs) => switch_all(outputs)?.into_bytes().into(),
        Command::Locate => b"getgps"[..].into(),
        Command::Immobilize(_) | Command::Lock { .. } => return Err(CommandError::Unsupported),
    };
    if said.is_empty() || said.len() > MAX_COMMAND {
        return Err(CommandError::Unfit("a command has 1 to 1,024 bytes"));
    }
    let mut body = Writer::new();
    body.u8(1).u8(text::COMMAND);
    let length = body.length_field::<4>();
    body.bytes(&said).fill_be(length).u8(1);
    Ok(encode::framed(text::TextCodec::Codec12.number(), &body.finish()))
}

/// One mark for each output from the first on: 1 is on, 0 is off, ? stays as it is.
fn switch(number: usize, on: bool) -> Result<String, CommandError> {
    if !(1..=OUTPUTS).contains(&number) {
        return Err(CommandError::Unfit("outputs are numbered from 1 to 4"));
    }
    Ok(format!("setdigout {}{}", "?".repeat(number - 1), mark(on)))
}

fn switch_all(outputs: &[bool]) -> Result<String, CommandError> {
    if !(1..=OUTPUTS).contains(&outputs.len()) {
        return Err(CommandError::Unfit("a device has 1 to 4 outputs"));
    }
    Ok(format!("setdigout {}", outputs.iter().map(|on| mark(*on)).collect::<String>()))
}

fn mark(on: bool) -> char {
    if on { '1' } else { '0' }
}
