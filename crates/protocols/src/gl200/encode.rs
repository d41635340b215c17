//! What a device sends, for tests, benchmarks and simulated vehicles: fixed reports as a GV55Lite writes them, and its
//! answers to commands. Source: Queclink @Track of GV55Lite (060800), "Position related report" and "Acknowledgement".

use domain::Timestamp;

/// One fixed report with one position.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub time: Timestamp,
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lng: f64,
    /// Metres.
    pub altitude: i16,
    /// Degrees.
    pub heading: u16,
    /// km/h.
    pub speed: u16,
    /// Horizontal dilution of precision; 0 without a fix.
    pub accuracy: u8,
    pub mcc: u16,
    pub mnc: u16,
    /// Metres.
    pub mileage: u32,
    /// Millivolts.
    pub power: u16,
    /// Percent.
    pub battery: u8,
    /// Percent, of a sensor on the second analog input.
    pub fuel: Option<u8>,
    pub ignition: bool,
    pub motion: bool,
    /// The first one lowest.
    pub outputs: u8,
}

/// Device type and version of the protocol.
const VERSION: &str = "060800";

/// A report without what differs when it is sent again: the head before it and the count behind it.
pub fn report(imei: &str, record: &Record) -> Vec<u8> {
    let Record { lat, lng, altitude, heading, speed, accuracy, mcc, mnc, power, battery, outputs, .. } =
        record;
    let time = digits(record.time);
    let kilometres = f64::from(record.mileage) / 1000.0;
    let fuel = record.fuel.map_or_else(String::new, |percent| format!("F{percent}.0"));
    let ignition = if record.ignition { 2 } else { 1 };
    let motion = if record.motion { 2 } else { 1 };
    let wires = u8::from(record.ignition);
    format!(
        "FRI,{VERSION},{imei},gv55lite,{power},10,1,{accuracy},{speed}.0,{heading},{altitude}.0,{lng:.6},{lat:.6},\
         {time},{mcc:04},{mnc:04},18D8,6141,00,{kilometres:.1},,,{fuel},{battery},\
         {ignition}{motion}{wires:02X}{outputs:02X},,,,{time}"
    )
    .into_bytes()
}

/// The report on its way for the first time.
pub fn fresh(report: &[u8], count: u16) -> Vec<u8> {
    [b"+RESP:GT", report, format!(",{count:04X}$").as_bytes()].concat()
}

/// The report on its way again, or late.
pub fn buffered(report: &[u8], count: u16) -> Vec<u8> {
    [b"+BUFF:GT", report, format!(",{count:04X}$").as_bytes()].concat()
}

/// The answer to the command `AT+GT<name>=…,<serial>$`.
pub fn answer(imei: &str, name: &str, serial: &str, time: Timestamp, count: u16) -> Vec<u8> {
    let time = digits(time);
    format!("+ACK:GT{name},{VERSION},{imei},gv55lite,{serial},{time},{count:04X}$").into_bytes()
}

fn digits(time: Timestamp) -> String {
    let ((year, month, day), (hour, minute, second)) = time.to_civil();
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}
