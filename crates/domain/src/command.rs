//! Commands: what a device is to be told, and what it answers.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What a device is to be told, in words of no protocol; `protocols` puts it into the device's own. Its serialised form
/// stands in the catalog.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// As the user typed it, without the protocol's framing.
    Text(String),
    /// The user's own bytes; each protocol says whether it frames them.
    Bytes(Vec<u8>),
    /// Switches one output, the first being 1.
    Output { number: u8, on: bool },
    /// Switches all outputs, the first one first.
    Outputs(Vec<bool>),
    /// Keeps the engine from running, or lets it.
    Immobilize(bool),
    /// Asks for the position now.
    Locate,
    /// Closes or opens an electronic lock.
    Lock { action: LockAction, password: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockAction {
    Seal,
    Unseal,
}

/// The variants of `Command` by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    Text,
    Bytes,
    Output,
    Outputs,
    Immobilize,
    Locate,
    Lock,
}

impl CommandKind {
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Bytes, Self::Output, Self::Outputs, Self::Immobilize, Self::Locate, Self::Lock];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Output => "output",
            Self::Outputs => "outputs",
            Self::Immobilize => "immobilize",
            Self::Locate => "locate",
            Self::Lock => "lock",
        }
    }

    /// How long after it was asked for a command of this kind may still be sent. What moves something in the world
    /// belongs to the moment: nobody wants yesterday's engine stop when the car wakes up.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::Text | Self::Bytes | Self::Locate => Duration::from_secs(24 * 3600),
            Self::Output | Self::Outputs | Self::Immobilize | Self::Lock => Duration::from_secs(10 * 60),
        }
    }
}

impl Command {
    pub fn kind(&self) -> CommandKind {
        match self {
            Self::Text(_) => CommandKind::Text,
            Self::Bytes(_) => CommandKind::Bytes,
            Self::Output { .. } => CommandKind::Output,
            Self::Outputs(_) => CommandKind::Outputs,
            Self::Immobilize(_) => CommandKind::Immobilize,
            Self::Locate => CommandKind::Locate,
            Self::Lock { .. } => CommandKind::Lock,
        }
    }
}

/// Only the kind: texts and bytes carry passwords of devices, which belong in no log.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.kind().as_str())
    }
}

/// What a device's answer says of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Done,
    /// The device understood and does not, or did not understand.
    Refused,
}
