//! The device's side of a conversation, one file for each protocol: what it writes (the encoders stand beside the
//! decoders, in `protocols`), how it reads what the server says, and what it does when it is told to.

mod concox;
mod gl200;
mod gt06;
mod jt808;
mod meitrack;
mod outputs;
pub mod teltonika;
mod wialon;

use crate::{imei::Imei, reading::Reading};

/// A protocol that simulated devices speak.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    /// Its name among those of the server.
    pub protocol: &'static str,
    pub(crate) speaker: fn(Imei) -> Box<dyn Speaker>,
}

/// All of them, by name.
pub static LANGUAGES: &[Language] = &[
    gl200::LANGUAGE,
    gt06::LANGUAGE,
    jt808::LANGUAGE,
    meitrack::LANGUAGE,
    teltonika::CODEC_8_EXTENDED,
    wialon::LANGUAGE,
];

/// The language of a protocol.
pub fn language(protocol: &str) -> Option<Language> {
    LANGUAGES.iter().copied().find(|language| language.protocol == protocol)
}

/// A device that speaks a language: what it remembers of the conversation, and the state of its outputs.
pub(crate) trait Speaker: Send + Sync {
    /// Begins a new connection. Answers what is said first; nothing in a protocol where nobody asks who calls.
    fn greeting(&mut self) -> Vec<u8>;

    /// The bytes that stay while the record waits.
    fn record(&mut self, reading: &Reading) -> Box<[u8]>;

    /// A packet of the first records of `waiting`, which has some.
    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet;

    /// Takes the first thing that the server says off `buffer`: its length, and what it means. `None` when more bytes
    /// are needed.
    ///
    /// # Errors
    /// When it can never become something that a server says.
    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense>;

    /// Takes a short message; answers with what the device writes back. Many devices know none.
    fn text(&mut self, _: &str) -> Option<String> {
        None
    }
}

/// A record that the server is not known to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) attempt: Attempt,
}

/// Whether a record has been sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    First,
    Further,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    /// How many of the waiting records it has; 1 or more.
    pub(crate) records: usize,
}

/// What a server's words mean to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The device may speak.
    Admitted,
    /// The device may not speak.
    Refused,
    /// So many of the records in flight have arrived, the first ones.
    Taken(usize),
    /// The records in flight have not arrived, or not all of them.
    NotTaken,
    /// A question of the conversation, with the device's answer.
    Asked(Vec<u8>),
    /// A command, with the device's answer.
    Ordered(Vec<u8>),
    /// Nothing that concerns the device.
    Nothing,
}

/// What no server says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Nonsense {
    #[error("a login is answered with 0 or 1, not with {0:#04x}")]
    Login(u8),
    #[error(transparent)]
    Frame(#[from] protocols::Broken),
    #[error("what the server says has no end")]
    Endless,
}

/// The longest that a server says in one piece.
const LONGEST: usize = 4096;

/// The first records that fit `room` bytes, each with `around` bytes about it; one at least, `most` at most.
fn fitting<'a>(
    waiting: &mut dyn Iterator<Item = &'a Waiting>,
    room: usize,
    around: usize,
    most: usize,
) -> Vec<&'a Waiting> {
    let (mut taken, mut length) = (Vec::new(), 0);
    for record in waiting.take(most) {
        length += record.bytes.len() + around;
        if !taken.is_empty() && length > room {
            break;
        }
        taken.push(record);
    }
    taken
}

/// The line at the start of a buffer, with its end, in protocols of text.
fn line(buffer: &[u8], end: u8) -> Result<Option<&[u8]>, Nonsense> {
    match buffer.iter().position(|byte| *byte == end) {
        Some(at) => Ok(Some(&buffer[..=at])),
        None if buffer.len() > LONGEST => Err(Nonsense::Endless),
        None => Ok(None),
    }
}
