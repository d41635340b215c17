//! Numbered values, each behind its length: messages 70 (JM-LL301), 36, F1 and F2.

use super::{draft::Draft, gnss, information, status::percent};
use crate::{
    cells::Cell,
    fields, hex, plausible,
    reader::{ReadError, Reader},
};
use domain::{Fix, InputName, InputSpec, Timestamp, input_specs};
use std::sync::LazyLock;

/// A number of two bytes, a length of one.
pub(super) fn short(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let mut unnamed = Unnamed::default();
    while reader.left() >= 3 {
        let number = reader.u16_be()?;
        // Data of peripherals alone can be longer than one byte tells.
        let length = if number == PERIPHERAL { reader.u16_be()?.into() } else { reader.u8()?.into() };
        let value = reader.slice(length)?;
        let mut value = Reader::new(value);
        match (number, length) {
            (0x0005 | 0x0018, 2) => battery(value.u16_be()?, draft),
            (0x006A, 1) => percent(value.u8()?, draft),
            (0x000B, 10) => {
                let course = value.u16_be()?;
                let (lat, lng) = (value.u32_be()?, value.u32_be()?);
                draft.fix = gnss::fix(lat, lng, course, 0.0).map(|fix| Fix { speed: None, ..fix });
            }
            (PERIPHERAL, 10..) => {
                value.u8()?;
                draft.inputs.push(input!("ble_mac"), &*hex::upper(&value.array::<6>()?));
                value.slice(3)?;
                unnamed.text(number, value.rest());
            }
            _ => unnamed.bytes(number, value.rest(), draft),
        }
    }
    unnamed.write(draft);
    Ok(())
}

/// A number and a length of two bytes each.
pub(super) fn long(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let mut unnamed = Unnamed::default();
    let mut satellites = None;
    while reader.left() >= 4 {
        let number = reader.u16_be()?;
        let length = usize::from(reader.u16_be()?);
        let mut value = Reader::new(reader.slice(length)?);
        match (number, length) {
            // IMEI and IMSI.
            (0x0001 | 0x0002, 8) => {}
            (0x0003, 10) => information::iccid(value.rest(), draft),
            (0x0009, 1) => satellites = plausible::satellites(value.u8()?),
            (0x0011, 10) => {
                let (mcc, mnc, area) = (value.u16_be()?, value.u16_be()?, value.u16_be()?);
                let id = value.u32_be()?.into();
                draft.cells.cell(Cell { mcc, mnc, area: area.into(), id, dbm: None });
            }
            (0x0018, 2) => battery(value.u16_be()?, draft),
            (0x0028, 1) => draft.inputs.push(input!("hdop"), f64::from(value.u8()?) / 10.0),
            (0x002C, 4) => draft.time = draft.time.or(seconds(value.u32_be()?)),
            (0x002E, 4) => draft.inputs.push(input!("hw_mileage"), f64::from(value.u32_be()?) / 1000.0),
            (0x0033, 18) => place(&mut value, draft)?,
            (0x007F, 14..) => tag(&mut value, draft)?,
            _ => unnamed.bytes(number, value.rest(), draft),
        }
    }
    if let Some(fix) = &mut draft.fix {
        fix.satellites = fix.satellites.or(satellites);
    }
    unnamed.write(draft);
    Ok(())
}

const PERIPHERAL: u16 = 0x000A;

fn battery(hundredths: u16, draft: &mut Draft) {
    draft.inputs.push(input!("battery_voltage"), f64::from(hundredths) / 100.0);
}

fn seconds(since_1970: u32) -> Option<Timestamp> {
    (since_1970 != 0).then(|| Timestamp::from_seconds(since_1970.into()))
}

/// Zeros stand for no place; then the time of the message counts.
fn place(value: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let time = seconds(value.u32_be()?);
    let satellites = plausible::satellites(value.u8()?);
    let altitude = plausible::altitude(value.i16_be()?.into());
    let (lat, lng) = (value.u32_be()?, value.u32_be()?);
    let speed = value.u8()?;
    let course = value.u16_be()?;
    if time.is_some() {
        draft.time = time;
        let fix = gnss::fix(lat, lng, course, speed.into());
        draft.fix = fix.map(|fix| Fix { satellites, altitude, ..fix });
    }
    Ok(())
}

/// A wireless thermometer: address, two unknown bytes, charge, temperature and humidity in tenths.
fn tag(value: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    draft.inputs.push(input!("ble_mac"), &*hex::upper(&value.array::<6>()?));
    value.u16_be()?;
    let charge = value.u8()?;
    if charge <= 100 {
        draft.inputs.push(input!("ble_battery_level_1"), f64::from(charge));
    }
    draft.inputs.push(input!("ble_temp_sensor_1"), f64::from(value.i16_be()?) / 10.0);
    draft.inputs.push(input!("ble_humidity_1"), f64::from(value.u16_be()?) / 10.0);
    Ok(())
}

/// Values that no document names.
#[derive(Default)]
struct Unnamed(String);

impl Unnamed {
    fn bytes(&mut self, number: u16, value: &[u8], draft: &mut Draft) {
        static FAMILY: LazyLock<Option<&'static InputSpec>> =
            LazyLock::new(|| input_specs().iter().find(|spec| spec.name == "custom_param_#"));
        let name: Option<InputName> = FAMILY.and_then(|family| family.member(number.into()));
        match (name, value.len()) {
            (_, 0) => {}
            (Some(name), 1..=4) => {
                let number = value.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
                draft.inputs.push(name, f64::from(number));
            }
            _ => self.push(number, &hex::upper(value)),
        }
    }

    fn text(&mut self, number: u16, value: &[u8]) {
        if let Some(text) = fields::text(value) {
            self.push(number, text);
        }
    }

    fn push(&mut self, number: u16, value: &str) {
        if self.0.len() + value.len() + 8 > crate::sanity::MAX_TEXT {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(&format!("{number}={value}"));
    }

    fn write(self, draft: &mut Draft) {
        if !self.0.is_empty() {
            draft.inputs.push(input!("custom_params"), &*self.0);
        }
    }
}
