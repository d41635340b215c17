//! The login: the length of the device's name in two bytes, then the name as text, which is its IMEI.

use crate::{Broken, Framing, Recognition};
use domain::DeviceId;

const IMEI_DIGITS: usize = 15;

/// What a connection of this protocol starts with. A stranger's bytes must be an IMEI to count as a login here.
pub(super) fn recognise(start: &[u8]) -> Recognition {
    let [0, length, digits @ ..] = start else { return Recognition::No };
    if usize::from(*length) != IMEI_DIGITS || !digits.iter().take(IMEI_DIGITS).all(u8::is_ascii_digit) {
        return Recognition::No;
    }
    match name(start) {
        Ok(Some(imei)) => Recognition::Login(imei),
        Ok(None) => Recognition::Unsure,
        Err(_) => Recognition::No,
    }
}

/// Finds a login at the start of `buffer`, which has two bytes or is wrong already.
pub(super) fn frame(buffer: &[u8]) -> Result<Framing, Broken> {
    let name = name(buffer)?;
    Ok(name.map_or(Framing::Incomplete, |name| Framing::Frame(2 + name.as_str().len())))
}

pub(super) fn parse(frame: &[u8]) -> Result<DeviceId, Broken> {
    match name(frame)? {
        Some(name) if frame.len() == 2 + name.as_str().len() => Ok(name),
        _ => Err(NO_LOGIN),
    }
}

const NO_LOGIN: Broken = Broken::NotAFrame("neither a login nor a packet of records");

/// `None` when its end is missing. Names that are no IMEI pass: they are answered with a refusal, not with silence.
fn name(bytes: &[u8]) -> Result<Option<DeviceId>, Broken> {
    let [0, length @ 1..=64, rest @ ..] = bytes else { return Err(NO_LOGIN) };
    let length = usize::from(*length);
    let name = &rest[..rest.len().min(length)];
    if name.is_empty() {
        return Ok(None);
    }
    let name = std::str::from_utf8(name).ok().and_then(|name| DeviceId::new(name).ok()).ok_or(NO_LOGIN)?;
    Ok((rest.len() >= length).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_known_as_early_as_possible() {
        let imei = b"\x00\x0f356938035643809";
        for cut in 2..imei.len() {
            assert_eq!(recognise(&imei[..cut]), Recognition::Unsure, "{cut} bytes");
            assert_eq!(frame(&imei[..cut]), Ok(Framing::Incomplete), "{cut} bytes");
        }
        let id = DeviceId::new("356938035643809").unwrap();
        assert_eq!(recognise(imei), Recognition::Login(id.clone()));
        assert_eq!(recognise(&[imei, &b"\0\0\0\0"[..]].concat()), Recognition::Login(id));
        assert_eq!(frame(&[imei, &b"\0"[..]].concat()), Ok(Framing::Frame(17)));
    }

    #[test]
    fn refuses_what_is_no_login() {
        for (bytes, reason) in [
            (&b"GET / HTTP/1.1"[..], "too long a name"),
            (b"\x00\x41", "a name of 65 characters"),
            (b"\x00\x0f35693803564380\x00", "a character that no name has"),
        ] {
            assert_eq!(frame(bytes), Err(NO_LOGIN), "{reason}");
            assert_eq!(recognise(bytes), Recognition::No, "{reason}");
        }
        assert_eq!(recognise(b"\x00\x03abc"), Recognition::No, "no IMEI");
        assert_eq!(frame(b"\x00\x03abc"), Ok(Framing::Frame(5)), "the session answers it");
        assert!(parse(b"\x00\x03abcd").is_err(), "a byte too many");
    }
}
