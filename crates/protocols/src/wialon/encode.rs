//! What a device sends, for tests, benchmarks and simulated vehicles, in version 2.0.
//! Source: Gurtam, "Wialon IPS" v.2.1 (2023), "Packet Types" L, D, B and M, "Checksum".

use crate::checksum;
use domain::Timestamp;

/// One full record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub time: Timestamp,
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lng: f64,
    /// km/h.
    pub speed: u16,
    /// Degrees.
    pub course: u16,
    /// Metres.
    pub altitude: i16,
    /// 0 without a fix.
    pub satellites: u8,
    pub hdop: f64,
    /// The first one lowest.
    pub inputs: u32,
    /// The first one lowest.
    pub outputs: u32,
    /// Decimals by name, such as `pwr_ext`.
    pub parameters: Vec<(&'static str, f64)>,
}

pub fn login(imei: &str) -> Vec<u8> {
    checked("#L#", format!("2.0;{imei};NA;"))
}

/// A record alone, for who keeps records until they are acknowledged.
pub fn record(record: &Record) -> Vec<u8> {
    let Record { speed, course, altitude, satellites, hdop, inputs, outputs, .. } = record;
    let ((year, month, day), (hour, minute, second)) = record.time.to_civil();
    let millis = record.time.millis().rem_euclid(1000);
    let (lat, lng) = (minutes(record.lat), minutes(record.lng));
    let north = if record.lat < 0.0 { 'S' } else { 'N' };
    let east = if record.lng < 0.0 { 'W' } else { 'E' };
    let parameters: Vec<_> =
        record.parameters.iter().map(|(name, value)| format!("{name}:2:{value:.3}")).collect();
    let parameters = parameters.join(",");
    format!(
        "{day:02}{month:02}{:02};{hour:02}{minute:02}{second:02}.{millis:03};{lat:012.7};{north};{lng:013.7};{east};\
         {speed};{course};{altitude};{satellites};{hdop:.1};{inputs};{outputs};;NA;{parameters}",
        year % 100
    )
    .into_bytes()
}

/// One record in a packet, or several in a black box.
pub fn packet(records: &[&[u8]]) -> Vec<u8> {
    let text = |record: &[u8]| String::from_utf8_lossy(record).into_owned();
    match records {
        [record] => checked("#D#", text(record) + ";"),
        records => checked("#B#", records.iter().map(|record| text(record) + "|").collect()),
    }
}

/// Whether a command was taken.
pub fn answer(taken: bool) -> Vec<u8> {
    format!("#AM#{}\r\n", u8::from(taken)).into_bytes()
}

/// What is checked ends with the separator before the checksum.
fn checked(letters: &str, body: String) -> Vec<u8> {
    let checksum = checksum::crc16_arc(body.as_bytes());
    format!("{letters}{body}{checksum:04X}\r\n").into_bytes()
}

/// Degrees × 100 + minutes.
fn minutes(degrees: f64) -> f64 {
    let whole = degrees.abs().trunc();
    whole * 100.0 + (degrees.abs() - whole) * 60.0
}
