//! The packet around every codec: four zero bytes, length, codec and its data, CRC-16/ARC in four bytes.

use crate::{Broken, Framing, Recognition, checksum, reader::Reader};

/// The vendor's packets have up to 1,280 bytes; files and texts of other codecs are somewhat longer.
pub(super) const MAX_FRAME: usize = 16 * 1024;

/// A packet whose checksum is right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) codec: u8,
    /// What stands between the codec and the checksum.
    pub(super) body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// # Errors
    /// When `frame` is not exactly one packet, or its checksum is wrong.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let length = match data_length(frame)? {
            Some(length) if frame.len() == HEAD + length + TAIL => length,
            _ => return Err(Broken::NotAFrame("the packet's length is not what it says")),
        };
        let mut reader = Reader::new(&frame[HEAD..]);
        let (Ok(data), Ok(said)) = (reader.slice(length), reader.u32_be()) else { return Err(NO_PACKET) };
        let computed = u32::from(checksum::crc16_arc(data));
        if said != computed {
            return Err(Broken::Checksum { said, computed });
        }
        let (&codec, body) = data.split_first().ok_or(NO_PACKET)?;
        Ok(Self { codec, body })
    }
}

pub(super) fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    Ok(match data_length(buffer)? {
        Some(length) if buffer.len() >= HEAD + length + TAIL => Framing::Frame(HEAD + length + TAIL),
        _ => Framing::Incomplete,
    })
}

pub(super) fn recognise(start: &[u8]) -> Recognition {
    match frame(start) {
        Ok(Framing::Frame(length)) if Packet::parse(&start[..length]).is_ok() => Recognition::Frame,
        Ok(Framing::Incomplete) => Recognition::Unsure,
        _ => Recognition::No,
    }
}

/// Bytes before and after the data that the length field counts.
const HEAD: usize = 8;
const TAIL: usize = 4;
const NO_PACKET: Broken = Broken::NotAFrame("not a packet");

/// `None` when more bytes are needed.
fn data_length(buffer: &[u8]) -> Result<Option<usize>, Broken> {
    let mut reader = Reader::new(buffer);
    if buffer.iter().take(4).any(|byte| *byte != 0) {
        return Err(NO_PACKET);
    }
    let (Ok(_), Ok(length)) = (reader.u32_be(), reader.u32_be()) else { return Ok(None) };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match length.saturating_add(HEAD + TAIL) {
        _ if length == 0 => Err(NO_PACKET),
        length if length > MAX_FRAME => Err(Broken::TooLong { length, limit: MAX_FRAME }),
        _ => Ok(Some(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codec 0x63 with the data 1, 2, 3.
    const WHOLE: &[u8] = b"\0\0\0\0\0\0\0\x04\x63\x01\x02\x03\0\0\xe5\x0e";

    #[test]
    fn a_packet_is_whole_and_right_or_nothing() {
        assert_eq!(Packet::parse(WHOLE), Ok(Packet { codec: 0x63, body: &[1, 2, 3] }));
        assert_eq!(recognise(WHOLE), Recognition::Frame);
        for cut in 2..WHOLE.len() {
            assert_eq!(frame(&WHOLE[..cut]), Ok(Framing::Incomplete), "{cut} bytes");
            assert_eq!(recognise(&WHOLE[..cut]), Recognition::Unsure, "{cut} bytes");
            assert!(matches!(Packet::parse(&WHOLE[..cut]), Err(Broken::NotAFrame(_))), "{cut} bytes");
        }
        for changed in 8..WHOLE.len() {
            let mut wrong = WHOLE.to_vec();
            wrong[changed] ^= 0x10;
            assert!(matches!(Packet::parse(&wrong), Err(Broken::Checksum { .. })), "byte {changed}");
            assert_eq!(recognise(&wrong), Recognition::No, "byte {changed}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_at_once() {
        for (length, expected) in [
            (0_u32, NO_PACKET),
            (16_373, Broken::TooLong { length: 16_385, limit: 16_384 }),
            (u32::MAX, Broken::TooLong { length: 0x1_0000_000B, limit: 16_384 }),
        ] {
            let head = [[0; 4], length.to_be_bytes()].concat();
            assert_eq!(frame(&head), Err(expected), "{length}");
        }
        assert_eq!(frame(&[0, 0, 1]), Err(NO_PACKET));
    }
}
