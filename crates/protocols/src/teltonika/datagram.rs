//! The packet around a codec's data over UDP: the length of what follows, the packet's number, a byte 1, the number of
//! the data, the IMEI behind its length; no checksum, for UDP has its own. Source: Teltonika Telematics Wiki, "Teltonika
//! Data Sending Protocols", "Communication with server" over UDP.

use crate::{Broken, Recognition, reader::Reader, writer::Writer};
use domain::DeviceId;

/// A datagram whose length is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    pub(super) imei: DeviceId,
    packet: u16,
    data: u8,
    /// The codec and its data.
    pub(super) payload: Vec<u8>,
}

impl Datagram {
    /// # Errors
    /// When `bytes` are not exactly one packet of a device.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        Self::read(bytes).ok_or(Broken::NotAFrame("not a datagram of records"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let length = usize::from(reader.u16_be().ok()?);
        if length != reader.left() {
            return None;
        }
        let packet = reader.u16_be().ok()?;
        if reader.u8().ok()? != UNUSED {
            return None;
        }
        let data = reader.u8().ok()?;
        let name = usize::from(reader.u16_be().ok()?);
        let imei = std::str::from_utf8(reader.slice(name).ok()?).ok()?;
        let imei = DeviceId::new(imei).ok()?;
        let payload = reader.rest().to_vec();
        (!payload.is_empty()).then_some(Self { imei, packet, data, payload })
    }

    /// What tells the device that the server has so many of its records.
    pub(super) fn acknowledgement(&self, records: u8) -> Vec<u8> {
        let mut writer = Writer::new();
        let length = writer.length_field::<2>();
        writer.u16_be(self.packet).u8(UNUSED).u8(self.data).u8(records).fill_be(length);
        writer.finish()
    }
}

pub(super) fn recognise(bytes: &[u8]) -> Recognition {
    match Datagram::read(bytes) {
        Some(datagram) => Recognition::Login(datagram.imei),
        None => Recognition::No,
    }
}

/// "Not usable byte" of the document.
const UNUSED: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"\x00\x17\xca\xfe\x01\x07\x00\x0f356938035643809\x08\x00";

    #[test]
    fn a_datagram_is_whole_or_nothing() {
        let datagram = Datagram::parse(WHOLE).unwrap();
        assert_eq!(datagram.imei.as_str(), "356938035643809");
        assert_eq!(datagram.payload, [8, 0]);
        assert_eq!(datagram.acknowledgement(3), [0, 5, 0xCA, 0xFE, 1, 7, 3]);
        assert_eq!(recognise(WHOLE), Recognition::Login(datagram.imei));
        for cut in 0..WHOLE.len() {
            assert!(Datagram::parse(&WHOLE[..cut]).is_err(), "{cut} bytes");
            assert_eq!(recognise(&WHOLE[..cut]), Recognition::No, "{cut} bytes");
        }
        for (at, byte) in [(1, 0x18), (4, 0), (7, 0x10), (8, b' ')] {
            let mut wrong = WHOLE.to_vec();
            wrong[at] = byte;
            assert!(Datagram::parse(&wrong).is_err(), "{byte} at {at}");
        }
    }
}
