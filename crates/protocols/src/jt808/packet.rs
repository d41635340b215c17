//! The packet around every message: 0x7E, header, body, XOR of both, 0x7E; within it 0x7E is written 0x7D 0x02 and
//! 0x7D is written 0x7D 0x01. Source: JT/T 808-2011, -2013 and -2019, section 4.4.

use crate::{Broken, Framing, bcd, checksum, hex, reader::Reader, writer::Writer};
use std::borrow::Cow;

/// A body has 1,023 bytes at most; escapes can double every byte.
pub(super) const MAX_FRAME: usize = 2 * (1023 + 32);
pub(super) const DELIMITER: u8 = 0x7E;
const ESCAPE: u8 = 0x7D;

/// Who speaks, as the header has it, and how the header is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terminal {
    /// 2011 and 2013: six bytes.
    Short([u8; 6]),
    /// 2019: a version of the protocol and ten bytes.
    Long(u8, [u8; 10]),
    /// ToTarget's locks: six bytes, and a serial number of one byte.
    Lock([u8; 6]),
}

impl Terminal {
    /// The digits of the header. Devices with an IMEI of which six bytes take only a part write its first 14 digits
    /// as one binary number; it shows as a half byte that is no digit, and the check digit is computed.
    pub(super) fn device_id(&self) -> Option<String> {
        Some(match self {
            Self::Short(bytes) | Self::Lock(bytes) => bcd::digits(bytes).unwrap_or_else(|| imei(bytes)),
            Self::Long(_, bytes) => {
                // The number stands at the end: 12 digits as before 2019, or a longer one in full. Of an IMEI also the
                // zeros that it begins with, which its check digit tells.
                let digits = bcd::digits(bytes)?;
                let number = digits.trim_start_matches('0').len();
                let imei = &digits[digits.len() - IMEI..];
                let is_imei = (13..IMEI).contains(&number) && imei == with_check_digit(&imei[..IMEI - 1]);
                let length = if is_imei { IMEI } else { number.max(12) };
                digits[digits.len() - length..].to_owned()
            }
        })
    }
}

const IMEI: usize = 15;

fn imei(bytes: &[u8; 6]) -> String {
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    with_check_digit(&format!("{number:014}"))
}

/// The first 14 digits of an IMEI with the last one (3GPP TS 23.003, annex B).
fn with_check_digit(digits: &str) -> String {
    let sum = digits.bytes().rev().enumerate().fold(0, |sum, (place, digit)| {
        let digit = u32::from(digit - b'0');
        sum + if place % 2 == 1 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
    });
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A long message comes in parts, numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) total: u16,
    pub(super) number: u16,
}

/// A message whose checksum is right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) message: u16,
    pub(super) terminal: Terminal,
    pub(super) serial: u16,
    pub(super) part: Option<Part>,
    pub(super) encrypted: bool,
    pub(super) body: Vec<u8>,
}

impl Packet {
    /// # Errors
    /// When the checksum is wrong, or the header is not whole.
    pub(super) fn parse(frame: &[u8]) -> Result<Self, Broken> {
        let inner = frame.strip_prefix(&[DELIMITER]).unwrap_or(frame);
        let inner = inner.strip_suffix(&[DELIMITER]).unwrap_or(inner);
        let plain = unescaped(inner);
        let message = checked(&plain).or_else(|broken| match inner.contains(&ESCAPE) {
            // What a relay passed on without its escapes.
            true => checked(inner).map_err(|_| broken),
            false => Err(broken),
        })?;
        header(message).ok_or(Broken::NotAFrame("no whole header"))
    }

    /// A message that answers this one.
    pub(super) fn reply(&self, message: u16, body: &[u8]) -> Vec<u8> {
        // The platform's serial number means nothing to a device that gets an answer; the device's own is as good.
        write(&self.terminal, self.serial, message, body)
    }
}

/// The message without its checksum.
fn checked(bytes: &[u8]) -> Result<&[u8], Broken> {
    let Some((&said, message)) = bytes.split_last() else { return Err(Broken::NotAFrame("an empty frame")) };
    match checksum::xor(message) {
        computed if computed == said => Ok(message),
        computed => Err(Broken::Checksum { said: said.into(), computed: computed.into() }),
    }
}

const LONG_HEADER: u16 = 0x4000;
const IN_PARTS: u16 = 0x2000;
const ENCRYPTION: u16 = 0x1C00;

fn header(message: &[u8]) -> Option<Packet> {
    let mut reader = Reader::new(message);
    let id = reader.u16_be().ok()?;
    let properties = reader.u16_be().ok()?;
    if id >> 8 == 0x55 {
        let terminal = Terminal::Lock(reader.array().ok()?);
        let serial = reader.u8().ok()?.into();
        let body = reader.rest().to_vec();
        return Some(Packet { message: id, terminal, serial, part: None, encrypted: false, body });
    }
    let terminal = match properties & LONG_HEADER {
        0 => Terminal::Short(reader.array().ok()?),
        _ => Terminal::Long(reader.u8().ok()?, reader.array().ok()?),
    };
    let serial = reader.u16_be().ok()?;
    let part = match properties & IN_PARTS {
        0 => None,
        _ => Some(Part { total: reader.u16_be().ok()?, number: reader.u16_be().ok()? }),
    };
    let encrypted = properties & ENCRYPTION != 0;
    Some(Packet { message: id, terminal, serial, part, encrypted, body: reader.rest().to_vec() })
}

/// A message to a device, ready for the wire. Bodies of the platform are shorter than 1,024 bytes.
pub(super) fn write(terminal: &Terminal, serial: u16, message: u16, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    let length = u16::try_from(body.len()).unwrap_or(0x3FF) & 0x3FF;
    writer.u16_be(message);
    match terminal {
        Terminal::Short(number) => {
            writer.u16_be(length).bytes(number).u16_be(serial);
        }
        Terminal::Long(version, number) => {
            writer.u16_be(length | LONG_HEADER).u8(*version).bytes(number).u16_be(serial);
        }
        Terminal::Lock(number) => {
            writer.u16_be(length).bytes(number).u8(serial.to_be_bytes()[1]);
        }
    }
    writer.bytes(body);
    let check = checksum::xor(writer.since(0));
    writer.u8(check);
    let mut wire = vec![DELIMITER];
    for byte in writer.finish() {
        match byte {
            DELIMITER => wire.extend([ESCAPE, 2]),
            ESCAPE => wire.extend([ESCAPE, 1]),
            byte => wire.push(byte),
        }
    }
    wire.push(DELIMITER);
    wire
}

fn unescaped(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&ESCAPE) {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        let (byte, used) = match (byte, behind.first()) {
            (ESCAPE, Some(1)) => (ESCAPE, 2),
            (ESCAPE, Some(2)) => (DELIMITER, 2),
            _ => (byte, 1),
        };
        plain.push(byte);
        rest = &rest[used..];
    }
    Cow::Owned(plain)
}

/// Finds a packet, or a line of text in parentheses.
///
/// # Errors
/// When the bytes begin with neither.
pub(super) fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let end_of = |end: u8| match buffer.iter().skip(1).position(|byte| *byte == end) {
        Some(at) => Framing::Frame(at + 2),
        None => Framing::Incomplete,
    };
    match *buffer {
        [DELIMITER, DELIMITER, ..] | [b'\r' | b'\n', ..] => Ok(Framing::Skip(1)),
        [DELIMITER, ..] => Ok(end_of(DELIMITER)),
        [b'(', ..] => Ok(end_of(b')')),
        _ => Err(Broken::NotAFrame("neither a packet nor a text")),
    }
}

/// Text of digits and letters for the log and for inputs; anything else as hexadecimal.
pub(super) fn readable(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    match crate::fields::text(text) {
        Some(text) => text.to_owned(),
        None => hex::upper(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_device_as_its_header_does() {
        for (terminal, id) in [
            (Terminal::Short(*b"\x01\x35\x67\x77\x77\x77"), "013567777777"),
            (Terminal::Long(1, *b"\0\0\0\0\x01\x35\x67\x77\x77\x77"), "013567777777"),
            (Terminal::Long(1, *b"\0\0\x08\x66\x49\x60\x77\x58\x21\x64"), "866496077582164"),
            (Terminal::Long(1, *b"\0\0\0\x12\x34\x56\x78\x90\x12\x37"), "012345678901237"),
            (Terminal::Long(1, *b"\0\0\0\x12\x34\x56\x78\x90\x12\x38"), "12345678901238"),
            (Terminal::Long(1, *b"\0\0\0\x01\x01\x70\0\0\0\x03"), "001017000000003"),
            (Terminal::Long(1, *b"\0\0\0\0\0\0\0\0\0\x07"), "000000000007"),
            (Terminal::Short(*b"\x4F\x07\x78\x8E\xF6\x76"), "868935060005020"),
            (Terminal::Lock(*b"\x74\x01\x90\x31\x11\x85"), "740190311185"),
        ] {
            assert_eq!(terminal.device_id().as_deref(), Some(id), "{terminal:?}");
        }
        assert_eq!(Terminal::Long(1, [0xAB; 10]).device_id(), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let body = [0x7E, 0x7D, 0x02, 0x01, 0x7D];
        for terminal in [Terminal::Short([0x7E; 6]), Terminal::Long(1, [0x7D; 10])] {
            let wire = write(&terminal, 0x7E7D, 0x8300, &body);
            assert_eq!(frame(&wire), Ok(Framing::Frame(wire.len())));
            let packet = Packet::parse(&wire).unwrap();
            assert_eq!((packet.message, packet.terminal, packet.serial), (0x8300, terminal, 0x7E7D));
            assert_eq!(packet.body, body);
            for (at, byte) in wire.iter().enumerate().take(wire.len() - 1).skip(1) {
                assert_ne!(*byte, DELIMITER, "at {at}");
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let wire = write(&Terminal::Short([1; 6]), 5, 0x0002, &[]);
        for changed in 1..wire.len() - 1 {
            let mut wrong = wire.clone();
            wrong[changed] ^= 0x40;
            assert!(matches!(Packet::parse(&wrong), Err(Broken::Checksum { .. })), "byte {changed}");
        }
    }
}
