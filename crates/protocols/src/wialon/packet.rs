//! A packet: `#`, letters of its type, `#`, its text, from version 2 on a checksum, line end. Over UDP the device's
//! name, and before it the version, stand in front.

use crate::{
    Broken, Framing, Recognition, checksum,
    fields::{self, Fields},
    lines,
};
use domain::DeviceId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Where the packet says it: logins, and packets over UDP.
    pub(super) version: Option<Version>,
    /// The name in front of a packet over UDP.
    pub(super) device: Option<&'a str>,
    pub(super) letters: &'a [u8],
    pub(super) body: &'a [u8],
}

const NO_PACKET: Broken = Broken::NotAFrame("not a packet");
/// The first byte of a compressed packet; its length follows in two bytes, little-endian.
pub(super) const COMPRESSED: u8 = 0xFF;

impl<'a> Packet<'a> {
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let end = frame.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(frame.len());
        let mut fields = Fields::new(lines::content(&frame[..end]), b'#');
        let front = fields.field();
        let letters = fields.field();
        if fields.is_at_end() || letters.is_empty() || !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(NO_PACKET);
        }
        let body = fields.rest();
        let mut packet = Self { version: None, device: None, letters, body };
        if letters == b"L" {
            packet.version = Some(version_of(body));
        }
        if !front.is_empty() {
            let (version, id) = match Fields::new(front, b';').collect::<Vec<_>>()[..] {
                [version, id] => (version, id),
                [id] => (&b""[..], id),
                _ => return Err(NO_PACKET),
            };
            packet.version = Some(if version.starts_with(b"2") { Version::Two } else { Version::One });
            packet.device = Some(fields::text(id).ok_or(NO_PACKET)?);
        }
        Ok(packet)
    }

    /// Name and password of a login.
    pub(super) fn login(&self) -> Option<(&'a str, &'a [u8])> {
        let mut fields = Fields::new(self.body, b';');
        if self.version == Some(Version::Two) {
            fields.field();
        }
        Some((fields.text()?, fields.field()))
    }

    /// The record without its checksum, which stands behind so many fields; version 2 always has one.
    pub(super) fn checked(&self, fields: usize, version: Version) -> Result<&'a [u8], Broken> {
        let separators = self.body.iter().filter(|byte| **byte == b';').count();
        match version {
            _ if separators >= fields => self.check_last(b';'),
            Version::One => Ok(self.body),
            Version::Two => Err(Broken::NotAFrame("a packet of version 2 without a checksum")),
        }
    }

    /// What stands before the last separator, when the checksum behind that one is right. It covers the separator.
    pub(super) fn check_last(&self, separator: u8) -> Result<&'a [u8], Broken> {
        let at = self.body.iter().rposition(|byte| *byte == separator);
        let (covered, said) = self.body.split_at(at.map_or(0, |at| at + 1));
        let digits = said.strip_prefix(b"0x").unwrap_or(said).trim_ascii();
        let said = fields::hex(digits).and_then(|said| u32::try_from(said).ok());
        let said = said.ok_or(Broken::NotAFrame("a packet of version 2 without a checksum"))?;
        let computed = u32::from(checksum::crc16_arc(covered));
        if said != computed {
            return Err(Broken::Checksum { said, computed });
        }
        Ok(covered.strip_suffix(&[separator]).unwrap_or(covered))
    }
}

/// A login of version 2 begins with it: `2.0;name;password;checksum`; one of version 1 is `name;password`.
fn version_of(login: &[u8]) -> Version {
    let mut fields = Fields::new(login, b';');
    let first = fields.field();
    let has_more = fields.count() >= 2;
    if has_more && first.starts_with(b"2.") { Version::Two } else { Version::One }
}

/// A line, and the bytes that it announces: `#I#size;…` is followed by a block of a photograph.
pub(super) fn with_attachment(buffer: &[u8], line: usize) -> Framing {
    let size = buffer[..line].strip_prefix(b"#I#").and_then(|body| Fields::new(body, b';').integer::<u32>());
    let Some(size) = size else { return Framing::Frame(line) };
    let line_end = match buffer.get(line - 1..=line) {
        Some(b"\r\n") => line + 1,
        None => return Framing::Incomplete,
        Some(_) => line,
    };
    let total = line_end.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    // One that is too long is found out by whoever asks.
    if buffer.len() >= total || total > super::MAX_FRAME {
        Framing::Frame(total)
    } else {
        Framing::Incomplete
    }
}

pub(super) fn compressed(buffer: &[u8]) -> Result<Framing, Broken> {
    let &[_, low, high, ..] = buffer else { return Ok(Framing::Incomplete) };
    let total = 3 + usize::from(u16::from_le_bytes([low, high]));
    if total > super::MAX_FRAME {
        return Err(Broken::TooLong { length: total, limit: super::MAX_FRAME });
    }
    Ok(if buffer.len() >= total { Framing::Frame(total) } else { Framing::Incomplete })
}

/// A connection begins with a login; a datagram with a name and a packet of data.
pub(super) fn recognise(start: &[u8]) -> Recognition {
    let name_end = start.iter().position(|byte| *byte == b'#');
    let name = &start[..name_end.unwrap_or(start.len())];
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b';' | b'.');
    if name.len() > LONGEST_NAME || !name.iter().all(named) {
        return Recognition::No;
    }
    let Some(name_end) = name_end else { return Recognition::Unsure };
    let packet = &start[name_end..];
    let is_stream = name.is_empty();
    let kinds: &[&[u8]] =
        if is_stream { &[b"#L#"] } else { &[b"#SD#", b"#D#", b"#B#", b"#P#", b"#M#", b"#L#"] };
    if kinds.iter().any(|kind| kind.len() > packet.len() && kind.starts_with(packet)) {
        return Recognition::Unsure;
    }
    if !kinds.iter().any(|kind| packet.starts_with(kind)) {
        return Recognition::No;
    }
    if is_stream && !packet.contains(&b'\n') && !packet.contains(&b'\r') {
        return Recognition::Unsure;
    }
    let id = Packet::parse(start).ok().and_then(|packet| match packet.device {
        Some(device) => Some(device),
        None => packet.login().map(|(id, _)| id),
    });
    match id.map(DeviceId::new) {
        Some(Ok(id)) => Recognition::Login(id),
        _ => Recognition::No,
    }
}

/// A version, and a name as long as any.
const LONGEST_NAME: usize = 68;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_logins_and_named_datagrams() {
        let login = |id: &str| Recognition::Login(DeviceId::new(id).unwrap());
        for (start, expected) in [
            ("", Recognition::Unsure),
            ("#L#2.0;861230049876543;NA;ABCD", Recognition::Unsure),
            ("#L#2.0;861230049876543;NA;ABCD\r\n", login("861230049876543")),
            ("#L#861230049876543;NA\r\n#P#\r\n", login("861230049876543")),
            ("#D#", Recognition::No),
            ("#L#a b;NA\r\n", Recognition::No),
            ("86123004", Recognition::Unsure),
            ("86123004#S", Recognition::Unsure),
            ("2.0;86123004#SD#", login("86123004")),
            ("86123004#Q", Recognition::No),
            ("86123004,1", Recognition::No),
            ("GET / HTTP/1.1", Recognition::No),
        ] {
            assert_eq!(recognise(start.as_bytes()), expected, "{start}");
        }
    }

    #[test]
    fn a_photograph_follows_its_line() {
        for (buffer, expected) in [
            ("#I#3;0;1;160124;073122;a.jpg\r\nabc#P#", Framing::Frame(33)),
            ("#I#3;0;1;160124;073122;a.jpg\r\nab", Framing::Incomplete),
            ("#I#3;0;1;160124;073122;a.jpg\r", Framing::Incomplete),
            ("#D#\r\n", Framing::Frame(4)),
        ] {
            let Framing::Frame(line) = lines::frame(buffer.as_bytes()) else { panic!("no line") };
            assert_eq!(with_attachment(buffer.as_bytes(), line), expected, "{buffer}");
        }
        assert_eq!(compressed(b"\xff\x02\x00ab#"), Ok(Framing::Frame(5)));
        assert_eq!(compressed(b"\xff\x02\x00a"), Ok(Framing::Incomplete));
    }
}
