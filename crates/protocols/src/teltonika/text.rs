//! Codecs 12, 13, 14 and 15: what a device answers to commands, and texts from its serial port. Source: Teltonika
//! Telematics Wiki, "Teltonika Data Sending Protocols", "Codec for communication over GPRS messages".
//!
//! A frame has a number of texts, each with its type, its length and its bytes, and the number again. Codec 12 carries
//! the bytes alone; 13 puts a time before them, 14 the IMEI, 15 both.

use super::SLOT;
use crate::{
    Event, Events,
    fields::{Fields, decimal, integer},
    hex, plausible,
    reader::{ReadError, Reader},
    sanity::MAX_TEXT,
};
use domain::{Coordinates, Fix, Inputs, Message, Outcome, RecordHash, Timestamp};

/// Which codec of texts a frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextCodec {
    Codec12,
    Codec13,
    Codec14,
    Codec15,
}

/// Why a frame of texts could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TextError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("type {kind} of codec {codec}")]
    Type { codec: u8, kind: u8 },
    #[error("{left} bytes behind the texts, or another number of them")]
    End { left: usize },
}

/// What a server sends.
pub(super) const COMMAND: u8 = 0x05;
/// What a device answers.
pub(super) const ANSWER: u8 = 0x06;
const SERIAL_TEXT: u8 = 0x0B;
/// The IMEI of the command is another device's.
const NOT_MINE: u8 = 0x11;

impl TextCodec {
    const ALL: [Self; 4] = [Self::Codec12, Self::Codec13, Self::Codec14, Self::Codec15];

    pub(super) fn number(self) -> u8 {
        match self {
            Self::Codec12 => 0x0C,
            Self::Codec13 => 0x0D,
            Self::Codec14 => 0x0E,
            Self::Codec15 => 0x0F,
        }
    }

    pub(super) fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.number() == number)
    }
}

/// Reads what stands between the codec and the checksum.
///
/// # Errors
/// When something cannot be read. What the texts before it say is in `events`.
pub(super) fn texts(codec: TextCodec, body: &[u8], events: &mut Events) -> Result<(), TextError> {
    let mut reader = Reader::new(body);
    let count = reader.u8()?;
    for _ in 0..count {
        let kind = reader.u8()?;
        let length = usize::try_from(reader.u32_be()?).unwrap_or(usize::MAX);
        text(codec, kind, reader.slice(length)?, events)?;
    }
    match (reader.u8(), reader.left()) {
        (Ok(after), 0) if after == count => Ok(()),
        (_, left) => Err(TextError::End { left }),
    }
}

fn text(codec: TextCodec, kind: u8, content: &[u8], events: &mut Events) -> Result<(), TextError> {
    let mut reader = Reader::new(content);
    let time = match codec {
        TextCodec::Codec12 | TextCodec::Codec14 => None,
        TextCodec::Codec13 | TextCodec::Codec15 => Some(Timestamp::from_seconds(i64::from(reader.u32_be()?))),
    };
    if matches!(codec, TextCodec::Codec14 | TextCodec::Codec15) {
        // Whose it is was said at the login.
        reader.slice(8)?;
    }
    let text = printed(reader.rest());
    match (codec, kind) {
        (TextCodec::Codec12 | TextCodec::Codec14, ANSWER) => {
            if let Some(message) = position(&text) {
                events.push_back(Event::Message { slot: SLOT, message, hash: RecordHash::of(content) });
            }
            let outcome = Outcome::Done;
            events.push_back(Event::Reply { slot: SLOT, command: None, outcome, text });
        }
        (TextCodec::Codec14, NOT_MINE) => {
            let (outcome, text) = (Outcome::Refused, "the device has another IMEI".to_owned());
            events.push_back(Event::Reply { slot: SLOT, command: None, outcome, text });
        }
        (TextCodec::Codec13, ANSWER) | (TextCodec::Codec15, SERIAL_TEXT) => {
            let message = Message { time, inputs: serial(text), ..Message::default() };
            events.push_back(Event::Message { slot: SLOT, message, hash: RecordHash::of(content) });
        }
        _ => return Err(TextError::Type { codec: codec.number(), kind }),
    }
    Ok(())
}

/// Text as it is, without the line's end; anything else as hexadecimal digits.
fn printed(bytes: &[u8]) -> String {
    let mut text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.trim_end().contains(|c: char| c.is_control() && !c.is_whitespace()) => {
            text.trim_end().to_owned()
        }
        _ => hex::upper(bytes),
    };
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

/// A driver's key, where the text is a report of one: `GTSL|6|1|0|KEY|1|`.
fn serial(text: String) -> Inputs {
    let mut inputs = Inputs::default();
    if let Some(report) = text.strip_prefix("GTSL|")
        && let Some(key) = report.split('|').nth(3)
    {
        inputs.push(input!("hardware_key"), key);
    }
    inputs.push(input!("serial_text"), &*text);
    inputs
}

/// The position in an answer to `getgps`: `GPS:1 Sat:7 Lat:54.71 Long:25.30 Alt:147 Speed:0 Dir:77 Date:2017/6/16
/// Time:12:11:30`. Source: Teltonika Telematics Wiki, "FMB SMS/GPRS Commands", getgps.
fn position(answer: &str) -> Option<Message> {
    let field = |name: &str| {
        answer
            .split_whitespace()
            .find_map(|field| field.strip_prefix(name)?.strip_prefix(':'))
            .map(str::as_bytes)
    };
    let numbers = |field: &[u8], separator| -> Option<[u32; 3]> {
        let mut fields = Fields::new(field, separator);
        Some([fields.integer()?, fields.integer()?, fields.integer()?])
    };
    let [year, month, day] = numbers(field("Date")?, b'/')?;
    let [hour, minute, second] = numbers(field("Time")?, b':')?;
    let time = Timestamp::from_civil((i64::from(year), month, day), (hour, minute, second))?;
    let coordinates = Coordinates::new(decimal(field("Lat")?)?, decimal(field("Long")?)?)?;
    let fix = Fix {
        valid: field("GPS") == Some(b"1"),
        speed: field("Speed").and_then(decimal).and_then(|speed| plausible::speed_kmh(speed as f32)),
        heading: field("Dir").and_then(integer).and_then(plausible::heading),
        altitude: field("Alt").and_then(decimal).and_then(|altitude| plausible::altitude(altitude as f32)),
        satellites: field("Sat").and_then(integer).and_then(plausible::satellites),
        ..Fix::at(coordinates)
    };
    Some(Message { time: Some(time), fix: Some(fix), ..Message::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_printed_as_digits() {
        for (bytes, text) in [
            (&b"DI1:1 AIN1:0\r\n"[..], "DI1:1 AIN1:0"),
            (b"", ""),
            (b"two\r\nlines", "two\r\nlines"),
            (b"\x01\x03\x00", "010300"),
            (b"\xff", "FF"),
        ] {
            assert_eq!(printed(bytes), text);
        }
        assert_eq!(printed(&[0; 10_000]).len(), MAX_TEXT);
    }

    #[test]
    fn an_answer_with_a_position_has_all_of_it() {
        let answer =
            "GPS:1 Sat:7 Lat:54.71473 Long:25.30304 Alt:147 Speed:0 Dir:77 Date:2017/6/16 Time:12:11:30";
        let message = position(answer).unwrap();
        let fix = message.fix.unwrap();
        assert_eq!(message.time.unwrap().to_string(), "2017-06-16T12:11:30Z");
        assert_eq!((fix.coordinates.lat(), fix.coordinates.lng(), fix.valid), (54.71473, 25.30304, true));
        assert_eq!((fix.satellites, fix.heading.unwrap().degrees()), (Some(7), 77));
        for without in ["GPS:", "Lat:", "Long:", "Date:", "Time:"] {
            let position = position(&answer.replace(without, "x:"));
            let expected = without == "GPS:";
            assert_eq!(position.is_some(), expected, "{without}");
        }
        assert_eq!(position("DI1:1"), None);
    }
}
