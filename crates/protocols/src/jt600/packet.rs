//! Binary data: `$`, the device's number in packed decimals, the kind, a length, records, a serial number. Padlocks say
//! the version of their protocol before the kind, and count the serial number.

use crate::{Broken, Framing, bcd};

/// Fifteen records of 27 bytes are the longest packet that is known.
pub(super) const MAX_FRAME: usize = 2048;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) id: String,
    pub(super) form: Form,
    /// The records.
    pub(super) records: &'a [u8],
    pub(super) serial: u8,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A padlock's, with the version of its protocol.
    Lock(u8),
    /// A tracker's, with its kind; 27 bytes each.
    Tracker(u8),
}

impl<'a> Packet<'a> {
    /// # Errors
    /// When `frame` is not exactly one packet.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let head = Head::read(frame)?.filter(|head| head.whole == frame.len()).ok_or(WRONG_LENGTH)?;
        let id = frame.get(1..6).and_then(bcd::digits).ok_or(Broken::NotAFrame("a number that is none"))?;
        let body = frame.get(head.start..).unwrap_or_default();
        let (&serial, records) = body.split_last().ok_or(WRONG_LENGTH)?;
        Ok(Self { id, form: head.form, records, serial })
    }
}

pub(super) fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    Ok(match Head::read(buffer)? {
        Some(head) if buffer.len() >= head.whole => Framing::Frame(head.whole),
        _ => Framing::Incomplete,
    })
}

/// Bytes of a tracker's record.
pub(super) const RECORD: usize = 27;

const WRONG_LENGTH: Broken = Broken::NotAFrame("the packet's length is not what it says");

struct Head {
    form: Form,
    /// Where the records begin.
    start: usize,
    whole: usize,
}

impl Head {
    /// `None` when more bytes are needed.
    fn read(buffer: &[u8]) -> Result<Option<Self>, Broken> {
        let [b'$', _, _, _, _, _, first, second, third, fourth, ..] = *buffer else {
            return if buffer.first() == Some(&b'$') && buffer.len() < 10 {
                Ok(None)
            } else {
                Err(NO_PACKET)
            };
        };
        // No tracker's records are a multiple of 256 bytes long.
        let head = if third == 0 {
            let length = usize::from(fourth);
            Self { form: Form::Lock(first), start: 10, whole: 10 + length }
        } else {
            let length = usize::from(u16::from_be_bytes([second, third]));
            if !length.is_multiple_of(RECORD) {
                return Err(NO_PACKET);
            }
            Self { form: Form::Tracker(first >> 4), start: 9, whole: 9 + length + 1 }
        };
        if head.whole > MAX_FRAME {
            return Err(Broken::TooLong { length: head.whole, limit: MAX_FRAME });
        }
        if head.whole <= head.start { Err(NO_PACKET) } else { Ok(Some(head)) }
    }
}

const NO_PACKET: Broken = Broken::NotAFrame("not a packet");
