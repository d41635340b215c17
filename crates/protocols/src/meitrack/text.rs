//! The record as text, AAA, and AFF, the same from the device's memory. Source: MEITRACK T622 GPRS Protocol, section 1.2.

use super::{
    events,
    record::{Record, Switched, Wiring},
};
use crate::{
    cells::Cell,
    clock,
    fields::{self, Fields},
};
use domain::Message;

pub(super) fn read(data: &[u8], wiring: Wiring) -> Message {
    let mut line = Fields::comma(data);
    let mut record =
        Record { event: line.integer(), lat: line.decimal(), lng: line.decimal(), ..Record::default() };
    record.time = clock::year_first(line.field());
    record.valid = line.field() == b"A";
    record.satellites = line.integer();
    record.signal(line.integer());
    record.speed = line.decimal().map(|speed| speed as f32);
    record.heading = line.decimal().map(|heading| heading as u16);
    if let Some(hdop) = line.decimal() {
        record.inputs.push(input!("hdop"), hdop);
    }
    record.altitude = line.decimal().map(|altitude| altitude as f32);
    if let Some(metres) = line.integer::<i64>() {
        record.inputs.push(input!("hw_mileage"), metres as f64 / 1000.0);
    }
    if let Some(seconds) = line.integer::<i64>() {
        record.inputs.push(input!("hw_engine_hours"), seconds as f64 / 3600.0);
    }
    cell(line.field(), &mut record);
    if let Some(bits) = fields::hex(line.field()).and_then(|bits| u16::try_from(bits).ok()) {
        let [inputs, outputs] = bits.to_be_bytes();
        record.switched(Switched::Inputs(inputs, wiring));
        record.switched(Switched::Outputs(outputs));
    }
    analog(line.field(), &mut record);
    let beside = line.field();
    match record.event {
        Some(events::CARD) => {
            if let Some(key) = fields::text(beside) {
                record.inputs.push(input!("hardware_key"), &*key.to_uppercase());
            }
        }
        Some(20 | 21) => {
            if let Some(zone) = fields::hex(beside) {
                let inside = i64::from(record.event == Some(20));
                record.member(input!("geofence_zone_1"), u32::try_from(zone).unwrap_or(0), inside);
            }
        }
        _ => {}
    }
    // Data of the customer and the version of the protocol.
    line.skip_fields(2);
    if let Some(hundredths) = fields::hex(line.field()) {
        record.inputs.push(input!("fuel_level"), hundredths as f64 / 100.0);
    }
    for probe in Fields::new(line.field(), b'|') {
        let Some((number, value)) = probe.split_at_checked(2) else { continue };
        let raw = fields::hex(value).and_then(|raw| u16::try_from(raw).ok());
        if let (Some(number), Some(raw)) = (fields::hex(number), raw) {
            temperature(u32::try_from(number).unwrap_or(0), raw.cast_signed(), &mut record);
        }
    }
    record.finish()
}

/// Hundredths of a degree. A probe that is not there reads as what its chip has after power-on.
pub(super) fn temperature(number: u32, hundredths: i16, record: &mut Record) {
    if hundredths != 8500 {
        record.member(input!("ext_temp_sensor_1"), number, f64::from(hundredths) / 100.0);
    }
}

/// `460|01|101C|A3AE`: the first two decimal, the others hexadecimal.
fn cell(field: &[u8], record: &mut Record) {
    let mut parts = Fields::new(field, b'|');
    let (mcc, mnc) = (parts.integer(), parts.integer());
    let (area, id) = (parts.hex().and_then(|area| u32::try_from(area).ok()), parts.hex());
    if let (Some(mcc), Some(mnc), Some(area), Some(id)) = (mcc, mnc, area, id) {
        record.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
    }
}

/// Three inputs, the device's battery, the vehicle's.
fn analog(field: &[u8], record: &mut Record) {
    let mut parts = Fields::new(field, b'|');
    let inputs = [parts.hex(), parts.hex(), parts.hex()];
    let Some(battery) = parts.hex() else { return };
    let Some(scale) = Scale::of(battery) else { return };
    for (number, raw) in (1..).zip(inputs) {
        if let Some(raw) = raw {
            record.member(input!("analog_1"), number, scale.near(raw));
        }
    }
    record.inputs.push(input!("battery_voltage"), scale.near(battery));
    if let Some(raw) = parts.hex() {
        record.inputs.push(input!("board_voltage"), scale.far(raw));
    }
}

/// How a family of devices writes voltages: as its converter reads them, of 10 or 12 bits, or in hundredths of a volt.
/// The battery is one cell of 2.9 to 4.5 V, which is a different range of numbers in each.
enum Scale {
    Hundredths,
    TenBits,
    TwelveBits,
}

impl Scale {
    fn of(battery: u64) -> Option<Self> {
        match battery {
            250..=450 => Some(Self::Hundredths),
            480..=800 => Some(Self::TenBits),
            1700..=2900 => Some(Self::TwelveBits),
            _ => None,
        }
    }

    /// The battery, and inputs, behind a divider by two.
    fn near(&self, raw: u64) -> f64 {
        let raw = raw as f64;
        match self {
            Self::Hundredths => raw / 100.0,
            Self::TenBits => raw * 3.0 * 2.0 / 1024.0,
            Self::TwelveBits => raw * 3.3 * 2.0 / 4096.0,
        }
    }

    /// The vehicle's supply, behind a divider by sixteen.
    fn far(&self, raw: u64) -> f64 {
        match self {
            Self::Hundredths => raw as f64 / 100.0,
            Self::TenBits | Self::TwelveBits => self.near(raw) * 8.0,
        }
    }
}
