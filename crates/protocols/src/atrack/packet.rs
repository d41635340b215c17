//! Packets: a prefix of two bytes that can be set (`@P` from the factory), CRC-16/ARC, length, running number, the device's
//! number, positions; in binary, or in text when a comma follows the prefix. Beside them signs of life and answers to
//! commands. Source: ATrack "AP Protocol Document" 1.3.8, 2.2.

use crate::{Broken, Framing, checksum, fields, reader::Reader};

/// Sign of life: `FE 02`, number of the device, running number. It is also the form of every acknowledgement.
const ALIVE: [u8; 2] = [0xFE, 0x02];
const ALIVE_LENGTH: usize = 12;
/// Prefix of a part of a photograph.
const PHOTOGRAPH: &[u8] = b"@R";
/// Prefix, checksum and length.
const HEAD: usize = 6;
/// Running number and number of the device.
const NAMES: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Alive,
    Binary,
    Photograph,
    Text,
    /// What a command gave: `$OK`, `$INFO=…`
    Answer,
}

pub(super) struct Packet<'a> {
    pub(super) kind: Kind,
    /// The device's number; `None` for an answer that does not say it.
    pub(super) id: Option<String>,
    pub(super) sequence: u16,
    /// Positions, or the answer's line.
    pub(super) body: &'a [u8],
    /// Whether the checksum is right; that of a text is not relied upon.
    pub(super) checked: Checked,
    /// What stands behind the packet in its datagram.
    pub(super) rest: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Right,
    Unsure,
}

pub(super) fn find(buffer: &[u8], max: usize) -> Result<Framing, Broken> {
    let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if blank > 0 {
        return Ok(Framing::Skip(blank));
    }
    let length = match buffer {
        [b'$', ..] => buffer.iter().position(|byte| *byte == b'\n').map(|end| end + 1),
        [0xFE, 0x02, ..] => Some(ALIVE_LENGTH),
        [_, _, b',', ..] => text_length(buffer)?,
        _ => buffer.get(4..HEAD).map(|length| HEAD + usize::from(u16::from_be_bytes([length[0], length[1]]))),
    };
    match length {
        Some(length) if length > max => Err(Broken::TooLong { length, limit: max }),
        Some(length) if length < ALIVE_LENGTH && buffer.first() != Some(&b'$') => {
            Err(Broken::NotAFrame("a length that no packet has"))
        }
        Some(length) if length <= buffer.len() => Ok(Framing::Frame(length)),
        _ => Ok(Framing::Incomplete),
    }
}

/// `@P,<checksum>,<length>`, and the length counts from the comma behind it.
fn text_length(buffer: &[u8]) -> Result<Option<usize>, Broken> {
    const LONGEST_HEAD: usize = 16;
    let head = &buffer[..buffer.len().min(LONGEST_HEAD)];
    let mut commas = head.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(at, _)| at);
    let (Some(checksum), Some(length), Some(end)) = (commas.next(), commas.next(), commas.next()) else {
        let never = head.len() == LONGEST_HEAD;
        return if never { Err(Broken::NotAFrame("a packet in text without a length")) } else { Ok(None) };
    };
    let number = fields::integer::<usize>(&head[length + 1..end]);
    let hexadecimal = length == checksum + 5 && head[checksum + 1..length].iter().all(u8::is_ascii_hexdigit);
    match number.filter(|_| hexadecimal) {
        Some(length) => {
            let end = end.saturating_add(length);
            // Some firmware does not count the last byte of the line's end.
            let cut = end.checked_sub(1).and_then(|last| buffer.get(last)) == Some(&b'\r');
            Ok(match buffer.get(end) {
                None if cut => None,
                Some(b'\n') if cut => Some(end + 1),
                _ => Some(end),
            })
        }
        None => Err(Broken::NotAFrame("a packet in text without checksum and length")),
    }
}

impl<'a> Packet<'a> {
    /// # Errors
    /// When the bytes are not a packet, or its checksum is wrong.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        match frame {
            [b'$', ..] => Ok(Self::answer(frame)),
            [0xFE, 0x02, ..] => Self::alive(frame),
            [_, _, b',', ..] => Self::text(frame).ok_or(NO_PACKET),
            _ => Self::binary(frame),
        }
    }

    fn answer(frame: &'a [u8]) -> Self {
        let body = frame.trim_ascii_end();
        // Only this answer begins with the number.
        let own = body.strip_prefix(b"$INFO=").and_then(|rest| fields::Fields::comma(rest).next());
        let id = own.filter(|id| id.len() == 15 && id.iter().all(u8::is_ascii_digit));
        let id = id.and_then(|id| std::str::from_utf8(id).ok()).map(str::to_owned);
        Self { kind: Kind::Answer, id, sequence: 0, body, checked: Checked::Unsure, rest: &[] }
    }

    fn alive(frame: &'a [u8]) -> Result<Self, Broken> {
        let mut reader = Reader::new(frame);
        let (Ok(_), Ok(id), Ok(sequence)) = (reader.u16_be(), reader.u64_be(), reader.u16_be()) else {
            return Err(NO_PACKET);
        };
        let id = Some(format!("{id:015}"));
        let rest = reader.rest();
        Ok(Self { kind: Kind::Alive, id, sequence, body: &[], checked: Checked::Unsure, rest })
    }

    fn binary(frame: &'a [u8]) -> Result<Self, Broken> {
        let mut reader = Reader::new(frame);
        let (Ok(_), Ok(said), Ok(length)) = (reader.u16_be(), reader.u16_be(), reader.u16_be()) else {
            return Err(NO_PACKET);
        };
        let (length, said) = (usize::from(length), u32::from(said));
        let Some(data) = frame.get(HEAD..HEAD + length).filter(|data| data.len() >= NAMES) else {
            return Err(Broken::NotAFrame("the packet's length is not what it says"));
        };
        let computed = u32::from(checksum::crc16_arc(&frame[4..HEAD + length]));
        if said != computed {
            return Err(Broken::Checksum { said, computed });
        }
        let mut names = Reader::new(data);
        let (Ok(sequence), Ok(id)) = (names.u16_be(), names.u64_be()) else { return Err(NO_PACKET) };
        let kind = if frame.starts_with(PHOTOGRAPH) { Kind::Photograph } else { Kind::Binary };
        let id = Some(format!("{id:015}"));
        let rest = &frame[HEAD + length..];
        Ok(Self { kind, id, sequence, body: names.rest(), checked: Checked::Right, rest })
    }

    /// The whole of the bytes is one packet: the length has cut it from its stream.
    fn text(frame: &'a [u8]) -> Option<Self> {
        let mut words = fields::Fields::comma(frame);
        words.skip_fields(1);
        let said = words.hex()?;
        let covered = &frame[frame.len() - words.rest().len() - 1..];
        words.skip_fields(1);
        let sequence = words.integer::<u64>().map_or(0, |number| number as u16);
        let id = words.text()?.to_owned();
        let right = u64::from(checksum::crc16_arc(covered)) == said;
        let checked = if right { Checked::Right } else { Checked::Unsure };
        Some(Self { kind: Kind::Text, id: Some(id), sequence, body: words.rest(), checked, rest: &[] })
    }
}

const NO_PACKET: Broken = Broken::NotAFrame("not a packet");

/// `None` for a device whose number is not one.
pub(super) fn acknowledgement(id: &str, sequence: u16) -> Option<Vec<u8>> {
    let id: u64 = id.parse().ok()?;
    Some([&ALIVE[..], &id.to_be_bytes(), &sequence.to_be_bytes()].concat())
}
