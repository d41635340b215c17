//! The packet around every message: start `78 78` and a length of one byte, or `79 79` and one of two; message number,
//! content, serial number, CRC-ITU over all between start and checksum, stop `0D 0A`.

use crate::{Broken, Framing, checksum, reader::Reader, writer::Writer};

/// The vendors' longest messages, lists of cells and texts, have some hundred bytes.
pub(super) const MAX_FRAME: usize = 8 * 1024;

/// Which of the two starts a packet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Short,
    Long,
}

/// A packet whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) size: Size,
    pub(super) number: u8,
    pub(super) content: &'a [u8],
    pub(super) serial: u16,
}

impl<'a> Packet<'a> {
    /// # Errors
    /// When `frame` is not exactly one packet (its stop may be missing), or its checksum is wrong.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let (size, length) = head(frame)?.ok_or(NO_PACKET)?;
        let (covered, rest) = frame.split_at_checked(size.start() + length - 2).ok_or(WRONG_LENGTH)?;
        let (said, stop) = rest.split_first_chunk().ok_or(WRONG_LENGTH)?;
        if !stop.is_empty() && stop != STOP {
            return Err(WRONG_LENGTH);
        }
        let (said, computed) = (u16::from_be_bytes(*said), checksum::crc16_x25(&covered[2..]));
        if said != computed {
            return Err(Broken::Checksum { said: said.into(), computed: computed.into() });
        }
        let mut reader = Reader::new(&covered[size.start()..]);
        let content = reader.left().checked_sub(3).ok_or(WRONG_LENGTH)?;
        let parts = (reader.u8(), reader.slice(content), reader.u16_be());
        let (Ok(number), Ok(content), Ok(serial)) = parts else { return Err(WRONG_LENGTH) };
        Ok(Self { size, number, content, serial })
    }
}

/// Finds the packet at the start of a stream. Where the stop is not where the length says, the next stop ends the
/// frame, which is then refused: a device that miscounts is heard, and told apart from one that speaks otherwise.
pub(super) fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let Some((size, length)) = head(buffer)? else { return Ok(Framing::Incomplete) };
    if is_login_without_checksum(buffer) {
        return Ok(Framing::Frame(BARE_LOGIN));
    }
    let end = size.start() + length + STOP.len();
    if buffer.len() < end {
        return Ok(Framing::Incomplete);
    }
    if buffer[..end].ends_with(&STOP) {
        return Ok(Framing::Frame(end));
    }
    let stop = buffer.windows(STOP.len()).skip(size.start()).position(|bytes| bytes == STOP);
    Ok(stop.map_or(Framing::Incomplete, |at| Framing::Frame(size.start() + at + STOP.len())))
}

/// A packet for the device.
pub(super) fn write(size: Size, number: u8, content: &[u8], serial: u16) -> Vec<u8> {
    let mut writer = Writer::new();
    match size {
        Size::Short => {
            writer.bytes(&[0x78, 0x78]).u8((content.len() + 5) as u8);
        }
        Size::Long => {
            writer.bytes(&[0x79, 0x79]).u16_be((content.len() + 5) as u16);
        }
    }
    writer.u8(number).bytes(content).u16_be(serial);
    let checksum = checksum::crc16_x25(writer.since(2));
    writer.u16_be(checksum).bytes(&STOP);
    writer.finish()
}

/// Longest content of a packet of either size.
pub(super) fn room(size: Size) -> usize {
    match size {
        Size::Short => 250,
        Size::Long => MAX_FRAME - Size::Long.start() - 7,
    }
}

impl Size {
    /// Bytes before those that the length counts.
    fn start(self) -> usize {
        match self {
            Self::Short => 3,
            Self::Long => 4,
        }
    }
}

const STOP: [u8; 2] = *b"\r\n";
const NO_PACKET: Broken = Broken::NotAFrame("neither 78 78 nor 79 79");
const WRONG_LENGTH: Broken = Broken::NotAFrame("the packet's length is not what it says");
/// Number, serial and checksum.
const SHORTEST: usize = 5;

/// The start and the length that it says; `None` when more bytes are needed. A length under that of any packet counts
/// as the least one, so that such a frame ends at its stop.
fn head(buffer: &[u8]) -> Result<Option<(Size, usize)>, Broken> {
    let (size, length) = match *buffer {
        [0x78, 0x78, length, ..] => (Size::Short, length.into()),
        [0x79, 0x79, high, low, ..] => (Size::Long, usize::from(u16::from_be_bytes([high, low]))),
        [] | [0x78 | 0x79] | [0x78, 0x78] | [0x79, 0x79] | [0x79, 0x79, _] => return Ok(None),
        _ => return Err(NO_PACKET),
    };
    let whole = size.start() + length + STOP.len();
    if whole > MAX_FRAME {
        return Err(Broken::TooLong { length: whole, limit: MAX_FRAME });
    }
    Ok(Some((size, length.max(SHORTEST))))
}

/// Some clones log in with one byte between the IMEI and the stop, count as if serial and checksum were there, and
/// wait for an answer, so that the missing bytes never come. A login that ends so by chance has a checksum whose first
/// byte tells.
fn is_login_without_checksum(buffer: &[u8]) -> bool {
    buffer.get(2..4) == Some(&[0x0D, 0x01])
        && buffer.get(BARE_LOGIN - 2..BARE_LOGIN) == Some(&STOP)
        && checksum::crc16_x25(&buffer[2..BARE_LOGIN - 1]).to_be_bytes()[0] != STOP[1]
}

const BARE_LOGIN: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    /// The login of the vendor's document (GT06 protocol 1.8.1, appendix A).
    const LOGIN: &[u8] = b"\x78\x78\x0D\x01\x01\x23\x45\x67\x89\x01\x23\x45\x00\x01\x8C\xDD\x0D\x0A";

    #[test]
    fn a_packet_is_whole_and_right_or_nothing() {
        let packet = Packet::parse(LOGIN).unwrap();
        assert_eq!((packet.size, packet.number, packet.serial), (Size::Short, 1, 1));
        assert_eq!(packet.content, &LOGIN[4..12]);
        assert_eq!(Packet::parse(&LOGIN[..16]), Ok(packet), "the stop may be missing");
        assert_eq!(write(Size::Short, 1, packet.content, 1), LOGIN);
        let long = write(Size::Long, 0x94, &[7; 300], 2);
        assert_eq!(Packet::parse(&long).map(|packet| packet.content.len()), Ok(300));
        for frame_bytes in [LOGIN, &long] {
            for cut in 1..frame_bytes.len() {
                assert_eq!(frame(&frame_bytes[..cut]), Ok(Framing::Incomplete), "{cut} bytes");
            }
            assert_eq!(frame(frame_bytes), Ok(Framing::Frame(frame_bytes.len())));
            for changed in 4..frame_bytes.len() - 2 {
                let mut wrong = frame_bytes.to_vec();
                wrong[changed] ^= 0x10;
                assert!(matches!(Packet::parse(&wrong), Err(Broken::Checksum { .. })), "byte {changed}");
            }
        }
    }

    #[test]
    fn lengths_that_lie_end_at_the_stop_and_are_refused() {
        let bare = b"\x78\x78\x0D\x01\x03\x56\x31\x40\x41\x41\x98\x58\x3C\x0D\x0A";
        assert_eq!(frame(bare), Ok(Framing::Frame(15)));
        let longer = [&LOGIN[..3], &[0x10], &[5; 20], &STOP].concat();
        assert_eq!(frame(&longer), Ok(Framing::Frame(longer.len())));
        let no_length = [&[0x78, 0x78, 0, 0x69], &[5; 20][..], &STOP].concat();
        assert_eq!(frame(&no_length), Ok(Framing::Frame(no_length.len())));
        for refused in [&bare[..], &longer, &no_length] {
            assert!(Packet::parse(refused).is_err());
        }
        assert_eq!(frame(b"\x78\x79"), Err(NO_PACKET));
        assert_eq!(frame(b"\x79\x79\xFF\xFF"), Err(Broken::TooLong { length: 65_541, limit: MAX_FRAME }));
    }
}
