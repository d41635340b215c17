//! One record of a tracker, before any protocol has put it into bytes.

use domain::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub time: Timestamp,
    pub cause: Cause,
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
    /// 0 without a view of the sky.
    pub satellites: u8,
    /// Tenths.
    pub pdop: u16,
    /// Tenths.
    pub hdop: u16,
    pub ignition: bool,
    pub moving: bool,
    /// 0 to 5.
    pub gsm_bars: u8,
    /// Of the network.
    pub mcc: u16,
    /// Of the network.
    pub mnc: u16,
    /// Percent.
    pub battery_level: u8,
    /// Millivolts.
    pub battery_voltage: u16,
    /// Millivolts.
    pub board_voltage: u16,
    /// Metres.
    pub odometer: u32,
    /// Metres since the trip began.
    pub trip: u32,
    /// With the ignition on.
    pub engine: Option<EngineReading>,
    /// Tenths of a degree, in vehicles with a cooler.
    pub cargo_temperature: Option<i16>,
}

/// Why a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was time, or the vehicle turned or stopped.
    Motion,
    /// The ignition was turned.
    Ignition,
}

/// What the vehicle's bus tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineReading {
    /// Percent.
    pub load: u8,
    /// °C.
    pub coolant: i8,
    /// Revolutions per minute.
    pub rpm: u16,
    /// km/h.
    pub speed: u8,
    /// Percent.
    pub fuel_level: u8,
}

impl Reading {
    /// A coordinate in parts of a degree, so many to one.
    pub(crate) fn parts(degrees: f64, of_degree: f64) -> i32 {
        (degrees * of_degree).round() as i32
    }

    /// The signal as GSM modules count it, 0 to 31.
    pub(crate) fn csq(&self) -> u8 {
        self.gsm_bars.min(5) * 6
    }
}
