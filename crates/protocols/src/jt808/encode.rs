//! What a terminal sends, for tests, benchmarks and simulated vehicles, and how it takes apart what it is told.
//! Source: JT/T 808-2019, sections 8.8 (registration), 8.10 (authentication), 8.12 (location), 8.28 (batch).

use super::packet::{self, Packet, Terminal};
use crate::{Broken, Framing, bcd, writer::Writer};
use domain::Timestamp;
use std::time::Duration;

/// One location in raw units of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub time: Timestamp,
    /// Millionths of a degree.
    pub lat: i32,
    /// Millionths of a degree.
    pub lng: i32,
    /// Metres.
    pub altitude: i16,
    /// Tenths of km/h.
    pub speed: u16,
    /// Degrees.
    pub heading: u16,
    /// 0 without a fix.
    pub satellites: u8,
    pub ignition: bool,
    /// Fuel and electricity are cut.
    pub cut: bool,
    /// In units of 100 m.
    pub mileage: u32,
    /// As GSM modules count it, 0 to 31.
    pub signal: u8,
    /// Hundredths of a volt.
    pub board_voltage: u16,
    /// Hundredths of a volt.
    pub battery_voltage: u16,
    /// Tenths of a degree.
    pub temperature: Option<i16>,
}

const ANSWER: u16 = 0x0001;
const REGISTRATION: u16 = 0x0100;
const AUTHENTICATION: u16 = 0x0102;
const LOCATION: u16 = 0x0200;
const POSITION: u16 = 0x0201;
const BATCH: u16 = 0x0704;
/// The longest body of a message that is not in parts.
pub const MAX_BODY: usize = 1023;

/// A terminal with a header of 2019.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(Terminal);

impl Header {
    /// `None` when the number has not up to 20 digits.
    pub fn new(number: &str) -> Option<Self> {
        Some(Self(Terminal::Long(1, bcd::pack(number)?)))
    }

    fn message(&self, serial: u16, message: u16, body: &[u8]) -> Vec<u8> {
        packet::write(&self.0, serial, message, body)
    }

    /// Of a terminal without a plate.
    pub fn registration(&self, serial: u16) -> Vec<u8> {
        let mut body = Writer::new();
        // Province and city, manufacturer, model, the terminal's number with the maker, colour of the plate.
        body.u16_be(0).u16_be(0).bytes(&[b'0'; 11]).bytes(&[b'0'; 30]).bytes(&[b'0'; 30]).u8(0);
        self.message(serial, REGISTRATION, &body.finish())
    }

    pub fn authentication(&self, serial: u16, code: &[u8], imei: &str) -> Vec<u8> {
        let mut body = Writer::new();
        body.u8(code.len() as u8).bytes(code).bytes(imei.as_bytes()).bytes(&[0; 20]);
        self.message(serial, AUTHENTICATION, &body.finish())
    }

    /// One location, or a batch of them that were kept; all of them in at most `MAX_BODY` bytes.
    pub fn locations(&self, serial: u16, locations: &[&[u8]]) -> Vec<u8> {
        if let [location] = locations {
            return self.message(serial, LOCATION, location);
        }
        let mut body = Writer::new();
        body.u16_be(locations.len() as u16).u8(1);
        for location in locations {
            body.u16_be(location.len() as u16).bytes(location);
        }
        self.message(serial, BATCH, &body.finish())
    }

    /// The general answer to a message of the platform.
    pub fn answer(&self, serial: u16, told: &Told, result: u8) -> Vec<u8> {
        let mut body = Writer::new();
        body.u16_be(told.serial).u16_be(told.message).u8(result);
        self.message(serial, ANSWER, &body.finish())
    }

    /// The answer to a question for the place.
    pub fn position(&self, serial: u16, told: &Told, location: &[u8]) -> Vec<u8> {
        self.message(serial, POSITION, &[&told.serial.to_be_bytes(), location].concat())
    }
}

/// The body of a location; in a batch two bytes more.
pub fn location(record: &Record) -> Vec<u8> {
    let flags = [
        (0, record.ignition),
        (1, record.satellites > 0),
        (2, record.lat < 0),
        (3, record.lng < 0),
        (10, record.cut),
    ];
    let status = flags.iter().fold(0, |word, (bit, set)| word | u32::from(*set) << bit);
    let mut body = Writer::new();
    body.u32_be(0).u32_be(status).u32_be(record.lat.unsigned_abs()).u32_be(record.lng.unsigned_abs());
    body.i16_be(record.altitude).u16_be(record.speed).u16_be(record.heading);
    // The standard's clock is that of Beijing.
    let local = record.time.plus(Duration::from_secs(8 * 3600));
    let ((year, month, day), (hour, minute, second)) = local.to_civil();
    let digits = format!("{:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}", year % 100);
    body.bytes(&bcd::pack::<6>(&digits).unwrap_or_default());
    body.bytes(&[0x01, 4]).u32_be(record.mileage);
    body.bytes(&[0x30, 1, record.signal]).bytes(&[0x31, 1, record.satellites]);
    body.bytes(&[0x61, 2]).u16_be(record.board_voltage).bytes(&[0x69, 2]).u16_be(record.battery_voltage);
    if let Some(temperature) = record.temperature {
        body.bytes(&[0x51, 2]).i16_be(temperature);
    }
    body.finish()
}

/// A message of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub message: u16,
    pub serial: u16,
    pub body: Vec<u8>,
}

/// Takes the first message off `buffer`: its length and what it says, if it says something. `None` when more bytes are
/// needed.
///
/// # Errors
/// When it is no packet, or its checksum is wrong.
pub fn told(buffer: &[u8]) -> Result<Option<(usize, Option<Told>)>, Broken> {
    if buffer.is_empty() {
        return Ok(None);
    }
    match packet::frame(buffer)? {
        Framing::Incomplete => Ok(None),
        Framing::Skip(length) => Ok(Some((length, None))),
        Framing::Frame(length) => {
            let Packet { message, serial, body, .. } = Packet::parse(&buffer[..length])?;
            Ok(Some((length, Some(Told { message, serial, body }))))
        }
    }
}
