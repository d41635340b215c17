//! Locations: 0x0200 and whatever carries the same body. Source: JT/T 808-2019, tables 23 to 25; clock: Beijing time,
//! unless the record itself names another.

use super::{
    items::{self, Found},
    packet::Terminal,
};
use crate::{
    alarm::Alarm,
    bcd, plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, Timestamp};
use std::time::Duration;

/// Minutes east of Greenwich of the standard's clock.
const BEIJING: i64 = 8 * 60;

/// Which of two readings a bit has that the standard gave a meaning only in 2019.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    Before2019,
    Since2019,
}

impl Edition {
    pub(super) fn of(terminal: &Terminal) -> Self {
        if matches!(terminal, Terminal::Long(..)) { Self::Since2019 } else { Self::Before2019 }
    }
}

pub(super) fn read(body: &[u8], edition: Edition) -> Result<Message, ReadError> {
    let mut reader = Reader::new(body);
    let (alarms, status) = (reader.u32_be()?, reader.u32_be()?);
    let (lat, lng) = (reader.u32_be()?, reader.u32_be()?);
    let (altitude, speed, heading) = (reader.i16_be()?, reader.u16_be()?, reader.u16_be()?);
    let time = bcd::time(reader.array()?);

    let mut found = Found::default();
    let mut inputs = Inputs::with_capacity(24);
    raise(alarms, edition, &mut found);
    states(alarms, status, &mut inputs);
    items::read(reader.rest(), &mut found, &mut inputs);
    found.cells.write(&mut inputs);
    found.alarms.write(&mut inputs);
    let fix = coordinates(status, lat, lng).map(|at| Fix {
        valid: status >> 1 & 1 == 1,
        speed: plausible::speed_kmh(f32::from(speed) / 10.0),
        heading: plausible::heading(heading),
        altitude: plausible::altitude(altitude.into()),
        satellites: found.satellites,
        ..Fix::at(at)
    });
    let time = time.map(|local| in_utc(local, found.zone.unwrap_or(BEIJING)));
    Ok(Message { time, fix, inputs })
}

/// `local` as a clock shows it that is so many minutes east of Greenwich.
pub(super) fn in_utc(local: Timestamp, east: i64) -> Timestamp {
    let offset = Duration::from_secs(east.unsigned_abs() * 60);
    if east < 0 { local.plus(offset) } else { local.minus(offset) }
}

/// Beijing time of six packed bytes.
pub(super) fn time(bytes: [u8; 6]) -> Option<Timestamp> {
    bcd::time(bytes).map(|local| in_utc(local, BEIJING))
}

/// Degrees × 10⁶ without a sign; the status says south and west. Zeros are no place.
pub(super) fn coordinates(status: u32, lat: u32, lng: u32) -> Option<Coordinates> {
    let sign = |bit: u32| if status >> bit & 1 == 1 { -1.0 } else { 1.0 };
    let at = Coordinates::new(sign(2) * f64::from(lat) / 1e6, sign(3) * f64::from(lng) / 1e6)?;
    (!at.is_null_island()).then_some(at)
}

fn states(alarms: u32, status: u32, inputs: &mut Inputs) {
    let bit = |word: u32, bit: u32| word >> bit & 1 == 1;
    inputs.push(input!("ignition"), bit(status, 0));
    // Bits 10 and 11: the supply of fuel and of electricity is cut, by the one relay that a terminal has.
    let is_cut = bit(status, 10) || bit(status, 11);
    inputs.push(input!("digital_output_1"), is_cut);
    inputs.push(input!("engine_blocked"), is_cut);
    inputs.push(input!("door_state_1"), i64::from(bit(status, 13)));
    inputs.push(input!("door_state_2"), i64::from(bit(status, 14)));
    inputs.push(input!("door_state_3"), i64::from(bit(status, 15)));
    inputs.push(input!("door_state_4"), i64::from(bit(status, 16)));
    inputs.push(input!("door_state_5"), i64::from(bit(status, 17)));
    // These two are states: their end is told by their absence.
    if !bit(alarms, 0) {
        inputs.push(input!("alarm"), false);
    }
    if !bit(alarms, 8) {
        inputs.push(input!("unplug"), false);
    }
    if alarms != 0 {
        inputs.push(input!("event_code"), i64::from(alarms));
    }
}

fn raise(word: u32, edition: Edition, found: &mut Found) {
    for bit in (0..32).filter(|bit| word >> bit & 1 == 1) {
        found.alarms.raise(alarm(bit, edition));
    }
}

/// Table 25. Trackers made before 2019 use three bits without a meaning for alarms that every tracker has.
fn alarm(bit: u32, edition: Edition) -> Alarm {
    match (bit, edition) {
        (0, _) => Alarm::Sos,
        (1 | 13, _) => Alarm::Overspeed,
        (2 | 14 | 18, _) => Alarm::FatigueDriving,
        (5, _) => Alarm::GnssAntennaCut,
        (6, _) => Alarm::GnssAntennaShort,
        (7, _) => Alarm::LowPower,
        (8, _) => Alarm::PowerCut,
        (15, Edition::Before2019) => Alarm::LowBattery,
        (16, Edition::Before2019) => Alarm::Vibration,
        (17, Edition::Before2019) => Alarm::Tamper,
        (16, Edition::Since2019) => Alarm::TirePressure,
        (19, _) => Alarm::Parking,
        (20 | 21 | 23, _) => Alarm::Geofence,
        (25, _) => Alarm::FuelLeak,
        (28, _) => Alarm::Towing,
        (29, _) => Alarm::Collision,
        (30, _) => Alarm::Rollover,
        (31, _) => Alarm::Door,
        _ => Alarm::General,
    }
}
