//! Commands: `ST300CMD;number;02;Enable1` for the first families, `CMD;number;04;01` for universal devices. Sources: manual
//! of ST300/340, chapter 7; "Suntech Messages to Back-End Server" 1.60, groups 03 and 04.

use super::Dialect;
use crate::{CommandError, Confirmation};
use domain::{Command, CommandKind};

pub(super) const KINDS: &[CommandKind] = &[
    CommandKind::Text,
    CommandKind::Bytes,
    CommandKind::Output,
    CommandKind::Immobilize,
    CommandKind::Locate,
];

/// The device answers with a line that repeats the command; nothing in it numbers it.
pub(super) fn write(
    dialect: &Dialect,
    id: &str,
    command: &Command,
    wire: &mut Vec<u8>,
) -> Result<Confirmation, CommandError> {
    let known = match command {
        Command::Text(text) => {
            let text = text.trim();
            if text.is_empty() || text.contains(|c: char| !c.is_ascii() || c.is_control()) {
                return Err(CommandError::Unfit("a command is one line of ASCII characters"));
            }
            wire.extend_from_slice(text.as_bytes());
            wire.push(b'\r');
            return Ok(Confirmation::Reply);
        }
        Command::Bytes(bytes) => {
            wire.extend_from_slice(bytes);
            return Ok(Confirmation::Reply);
        }
        Command::Locate => Known::Locate,
        // The relay that cuts the engine is on the first output.
        Command::Immobilize(blocked) => Known::Output { number: 1, on: *blocked },
        Command::Output { number, on } if (1..=2).contains(number) => {
            Known::Output { number: *number, on: *on }
        }
        Command::Output { .. } => return Err(CommandError::Unfit("outputs have the numbers 1 and 2")),
        Command::Outputs(_) | Command::Lock { .. } => return Err(CommandError::Unsupported),
    };
    let line = match dialect {
        Dialect::Legacy(family) => format!("{family}CMD;{id};02;{}\r", known.word()),
        Dialect::Zip => format!("ST300CMD;{id};02;{}\r", known.word()),
        Dialect::Universal => format!("CMD;{id};{}\r", known.number()),
        Dialect::Portable => return Err(CommandError::Unsupported),
    };
    wire.extend_from_slice(line.as_bytes());
    Ok(Confirmation::Reply)
}

enum Known {
    Locate,
    /// 1 or 2.
    Output {
        number: u8,
        on: bool,
    },
}

impl Known {
    fn word(&self) -> String {
        match self {
            Self::Locate => "StatusReq".to_owned(),
            Self::Output { number, on: true } => format!("Enable{number}"),
            Self::Output { number, on: false } => format!("Disable{number}"),
        }
    }

    /// Group and number.
    fn number(&self) -> String {
        match self {
            Self::Locate => "03;01".to_owned(),
            Self::Output { number, on } => format!("04;{:02}", number * 2 - u8::from(*on)),
        }
    }
}
