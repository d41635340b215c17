//! The packet around every message: `$$` from the device or `@@` to it, an identifier of one character, the length of
//! what follows it, the IMEI, the command and its data between commas, `*`, checksum, line end.
//! Source: MEITRACK GPRS Protocol, section 1.1 "GPRS Command Format" (T622, T366 and others).

use crate::{Broken, Framing, checksum, fields};

/// The vendor's packets have up to 1,100 bytes, pictures included.
pub(super) const MAX_FRAME: usize = 8 * 1024;
pub(super) const TAIL: usize = b"*CC\r\n".len();

/// A packet whose checksum is right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Of the device's own count, or that of the command which it answers.
    pub(super) identifier: u8,
    pub(super) device: &'a str,
    pub(super) command: &'a [u8],
    /// What stands between the command and the checksum.
    pub(super) data: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The line end may be missing.
    ///
    /// # Errors
    /// When the checksum is wrong, or it is no packet.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let line = frame.strip_suffix(b"\r\n").unwrap_or(frame);
        let (body, said) = line.split_last_chunk::<2>().ok_or(NO_PACKET)?;
        let said = u8::try_from(fields::hex(said).ok_or(NO_PACKET)?).map_err(|_| NO_PACKET)?;
        let computed = checksum::sum(body);
        if said != computed {
            return Err(Broken::Checksum { said: said.into(), computed: computed.into() });
        }
        let inner = body.strip_suffix(b"*").ok_or(NO_PACKET)?;
        let Some(([b'$', b'$', identifier], rest)) = inner.split_first_chunk::<3>() else {
            return Err(NO_PACKET);
        };
        let mut words = rest.splitn(4, |byte| *byte == b',');
        let mut word = || words.next().unwrap_or_default();
        let (_length, device, command, data) = (word(), word(), word(), word());
        let device = fields::text(device).ok_or(Broken::NotAFrame("a packet without an IMEI"))?;
        Ok(Self { identifier: *identifier, device, command, data })
    }
}

const NO_PACKET: Broken = Broken::NotAFrame("not a packet");

/// # Errors
/// When the bytes are not the start of a packet.
pub(super) fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let length = match buffer {
        [b'\r' | b'\n', ..] => return Ok(Framing::Skip(1)),
        [b'$'] | [b'$', b'$'] => return Ok(Framing::Incomplete),
        [b'$', b'$', b'A'..=b'z', rest @ ..] => match length(rest)? {
            Some(length) => 3 + length,
            None => return Ok(Framing::Incomplete),
        },
        _ => return Err(NO_PACKET),
    };
    match buffer.get(..length) {
        Some(frame) if frame.ends_with(b"\r\n") => Ok(Framing::Frame(length)),
        Some(_) => Err(Broken::NotAFrame("no line end where the length says")),
        None if length > MAX_FRAME => Err(Broken::TooLong { length, limit: MAX_FRAME }),
        None => Ok(Framing::Incomplete),
    }
}

/// The digits, and so many bytes as they say. `None` when more bytes are needed.
fn length(rest: &[u8]) -> Result<Option<usize>, Broken> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits) {
        None if digits <= 4 => Ok(None),
        Some(b',') if (1..=4).contains(&digits) => {
            let length: usize = fields::integer::<u16>(&rest[..digits]).ok_or(NO_PACKET)?.into();
            if length < TAIL { Err(NO_PACKET) } else { Ok(Some(digits + length)) }
        }
        _ => Err(NO_PACKET),
    }
}

/// A packet to a device.
pub(super) fn write(identifier: u8, device: &str, command: &str) -> Vec<u8> {
    let length = 1 + device.len() + 1 + command.len() + TAIL;
    let mut packet = b"@@".to_vec();
    packet.push(identifier);
    packet.extend(format!("{length},{device},{command}*").into_bytes());
    let check = checksum::sum(&packet);
    packet.extend(format!("{check:02X}\r\n").into_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the document.
    const WHOLE: &[u8] = b"$$f28,353358017784062,C47,OK*1C\r\n";

    #[test]
    fn a_packet_is_whole_and_right_or_nothing() {
        let packet = Packet { identifier: b'f', device: "353358017784062", command: b"C47", data: b"OK" };
        assert_eq!(Packet::parse(WHOLE), Ok(packet));
        assert_eq!(frame(WHOLE), Ok(Framing::Frame(WHOLE.len())));
        for cut in 1..WHOLE.len() {
            assert_eq!(frame(&WHOLE[..cut]), Ok(Framing::Incomplete), "{cut} bytes");
        }
        for changed in 0..WHOLE.len() - 4 {
            let mut wrong = WHOLE.to_vec();
            wrong[changed] ^= 1;
            assert!(Packet::parse(&wrong).is_err(), "byte {changed}");
        }
    }

    #[test]
    fn what_cannot_become_a_packet_is_refused_at_once() {
        for start in [&b"A"[..], b"$A", b"$$1", b"$$A,", b"$$Ax", b"$$A12345", b"$$A3,", b"@@A25,"] {
            assert!(frame(start).is_err(), "{}", start.escape_ascii());
        }
        assert_eq!(frame(b"$$A9999,"), Err(Broken::TooLong { length: 10_006, limit: MAX_FRAME }));
    }

    #[test]
    fn writes_as_the_document_does() {
        assert_eq!(
            write(b'f', "353358017784062", "C47,2,90,10"),
            b"@@f33,353358017784062,C47,2,90,10*0A\r\n"
        );
    }
}
