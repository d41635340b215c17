//! Binary records, all numbers with the lowest byte first: CCC of a fixed form, CCE of numbered parameters in groups by
//! their length. Sources: MEITRACK T622 GPRS Protocol, section 3.45 (CCC); T366 and MVT100 GPRS Protocol (CCE).

use super::record::{Record, Switched, Wiring};
use super::text::temperature;
use crate::{
    cells::Cell,
    reader::{ReadError, Reader},
};
use domain::{InputName, Message, RecordHash, Timestamp};

/// Seconds from 1970 to 2000, where the device's clock begins.
pub(super) const YEAR_2000: i64 = 946_684_800;

/// What a packet of records held: how many, for the answer.
pub(super) struct Batch {
    pub(super) records: u16,
    pub(super) problem: Option<ReadError>,
}

pub(super) fn fixed(data: &[u8], wiring: Wiring, tell: &mut impl FnMut(Message, RecordHash)) -> Batch {
    let mut batch = Batch { records: 0, problem: None };
    let mut reader = Reader::new(data);
    batch.problem = fixed_records(&mut reader, wiring, &mut batch.records, tell).err();
    batch
}

fn fixed_records(
    reader: &mut Reader<'_>,
    wiring: Wiring,
    count: &mut u16,
    tell: &mut impl FnMut(Message, RecordHash),
) -> Result<(), ReadError> {
    let (_version, length, _waiting) = (reader.u16_le()?, reader.u16_le()?, reader.u32_le()?);
    while !reader.is_empty() {
        // Also one that is cut: the device would send it again for ever.
        *count = count.saturating_add(1);
        let raw = reader.slice(usize::from(length).max(1))?;
        tell(fixed_record(raw, wiring)?.finish(), RecordHash::of(raw));
    }
    Ok(())
}

fn fixed_record(raw: &[u8], wiring: Wiring) -> Result<Record, ReadError> {
    let mut reader = Reader::new(raw);
    let mut record = Record { event: Some(reader.u8()?.into()), ..Record::default() };
    record.lat = Some(f64::from(reader.i32_le()?) / 1e6);
    record.lng = Some(f64::from(reader.i32_le()?) / 1e6);
    record.time = Some(time(reader.u32_le()?));
    record.valid = reader.u8()? == 1;
    record.satellites = Some(reader.u8()?);
    record.signal(Some(reader.u8()?.into()));
    record.speed = Some(reader.u16_le()?.into());
    record.heading = Some(reader.u16_le()?);
    record.inputs.push(input!("hdop"), f64::from(reader.u16_le()?) / 10.0);
    record.altitude = Some(reader.i16_le()?.into());
    record.inputs.push(input!("hw_mileage"), f64::from(reader.u32_le()?) / 1000.0);
    record.inputs.push(input!("hw_engine_hours"), f64::from(reader.u32_le()?) / 3600.0);
    let (mcc, mnc) = (reader.u16_le()?, reader.u16_le()?);
    let (area, id) = (reader.u16_le()?.into(), reader.u16_le()?.into());
    record.cells.cell(Cell { mcc, mnc, area, id, dbm: None });
    let (outputs, inputs) = (reader.u8()?, reader.u8()?);
    record.switched(Switched::Inputs(inputs, wiring));
    record.switched(Switched::Outputs(outputs));
    record.inputs.push(input!("analog_1"), f64::from(reader.u16_le()?) / 100.0);
    record.inputs.push(input!("battery_voltage"), f64::from(reader.u16_le()?) / 100.0);
    record.inputs.push(input!("board_voltage"), f64::from(reader.u16_le()?) / 100.0);
    Ok(record)
}

pub(super) fn numbered(data: &[u8], wiring: Wiring, tell: &mut impl FnMut(Message, RecordHash)) -> Batch {
    let mut batch = Batch { records: 0, problem: None };
    let mut reader = Reader::new(data);
    batch.problem = numbered_records(&mut reader, wiring, &mut batch.records, tell).err();
    batch
}

fn numbered_records(
    reader: &mut Reader<'_>,
    wiring: Wiring,
    count: &mut u16,
    tell: &mut impl FnMut(Message, RecordHash),
) -> Result<(), ReadError> {
    let _waiting = reader.u32_le()?;
    let records = reader.u16_le()?;
    // The whole number, for the same reason.
    *count = records;
    for _ in 0..records {
        let length = reader.u16_le()?;
        let raw = reader.slice(length.into())?;
        tell(numbered_record(raw, wiring)?.finish(), RecordHash::of(raw));
    }
    Ok(())
}

fn numbered_record(raw: &[u8], wiring: Wiring) -> Result<Record, ReadError> {
    let mut reader = Reader::new(raw);
    let mut record = Record::default();
    let _parameters = reader.u16_le()?;
    for width in [1, 2, 4] {
        for _ in 0..reader.u8()? {
            let id = parameter(&mut reader)?;
            let value = reader.uint_le(width)?;
            number(id, value, width, wiring, &mut record);
        }
    }
    for _ in 0..reader.u8()? {
        let id = parameter(&mut reader)?;
        let length = reader.u8()?;
        // A record is not lost for one of these that is longer than the record, or shorter than its meaning.
        let Ok(value) = reader.slice(length.into()) else { break };
        let _ = bytes(id, value, &mut record);
    }
    Ok(record)
}

/// Numbers from 0xFE00 on have two bytes.
fn parameter(reader: &mut Reader<'_>) -> Result<u16, ReadError> {
    Ok(match reader.u8()? {
        0xFE => 0xFE00 | u16::from(reader.u8()?),
        id => id.into(),
    })
}

fn number(id: u16, value: u64, width: usize, wiring: Wiring, record: &mut Record) {
    let unused = 64 - 8 * width;
    let signed = (value << unused).cast_signed() >> unused;
    let byte = u8::try_from(value).unwrap_or(u8::MAX);
    match (id, width) {
        (0x01, 1) | (0x40, 2) => record.event = Some(signed),
        (0x05, 1) => record.valid = value == 1,
        (0x06, 1) => record.satellites = Some(byte),
        (0x07, 1) => record.signal(Some(signed)),
        (0x14, 1) => record.switched(Switched::Outputs(byte)),
        (0x15, 1) => record.switched(Switched::Inputs(byte, wiring)),
        // 0: no lock is connected.
        (0x47, 1) if value > 0 => record.inputs.push(input!("lock_state"), i64::from(value == 2)),
        (0x02, 4) => record.lat = Some(signed as f64 / 1e6),
        (0x03, 4) => record.lng = Some(signed as f64 / 1e6),
        (0x04, 4) => record.time = Some(time(u32::try_from(value).unwrap_or(0))),
        (0x08, 2) => record.speed = Some(value as f32),
        (0x09, 2) => record.heading = u16::try_from(value).ok(),
        (0x0B, 2) => record.altitude = Some(signed as f32),
        (0x25, 4) if value != 0 => record.inputs.push(input!("hardware_key"), &*format!("{value:08X}")),
        _ => {
            let row = NUMBERS.iter().find(|(of, bytes, ..)| (*of, *bytes) == (id, width));
            let Some((.., name, divisor)) = row else { return };
            if let Some(name) = InputName::find(name) {
                record.inputs.push(name, signed as f64 / divisor);
            }
        }
    }
}

/// Parameters that are one number: id, bytes, input, divisor.
const NUMBERS: &[(u16, usize, &str, f64)] = &[
    (0x0A, 2, "hdop", 10.0),
    (0x0C, 4, "hw_mileage", 1000.0),
    (0x0D, 4, "hw_engine_hours", 3600.0),
    (0x16, 2, "analog_1", 100.0),
    (0x17, 2, "analog_2", 100.0),
    (0x18, 2, "analog_3", 100.0),
    (0x19, 2, "battery_voltage", 100.0),
    (0x1A, 2, "board_voltage", 100.0),
    (0x29, 2, "fuel_level", 100.0),
    (0x91, 2, "obd_speed", 1.0),
    (0x92, 2, "obd_speed", 1.0),
    (0x97, 1, "obd_throttle", 1.0),
    (0x99, 2, "obd_rpm", 1.0),
    (0x9B, 4, "obd_custom_odometer", 1000.0),
    (0x9C, 2, "obd_coolant_t", 1.0),
    (0x9D, 1, "obd_fuel", 1.0),
    (0x9F, 2, "obd_intake_air_t", 1.0),
    (0xA0, 4, "can_consumption", 1000.0),
    (0xFE69, 1, "battery_level", 1.0),
    (0xFEF4, 4, "can_engine_hours", 60.0),
];

fn bytes(id: u16, value: &[u8], record: &mut Record) -> Result<(), ReadError> {
    let mut reader = Reader::new(value);
    match id {
        0x0E => {
            let (mcc, mnc) = (reader.u16_le()?, reader.u16_le()?);
            let (area, id, dbm) = (reader.u16_le()?.into(), reader.u32_le()?.into(), reader.i16_le()?);
            record.cells.cell(Cell { mcc, mnc, area, id, dbm: (-150..0).contains(&dbm).then_some(dbm) });
        }
        0x1D..=0x24 => {
            let (mac, signal) = (reader.array()?, reader.i16_le()?);
            record.cells.access_point(mac, (signal < 0).then_some(signal));
        }
        0x2A..=0x31 => {
            reader.u8()?;
            temperature(u32::from(id) - 0x29, reader.i16_le()?, record);
        }
        // A wireless probe: version, name, address, charge, temperature and humidity with eight bits behind the point.
        0xFE73 => {
            reader.u8()?;
            let name = reader.u8()?;
            reader.slice(usize::from(name) + 6)?;
            record.inputs.push(input!("ble_battery_level_1"), f64::from(reader.u8()?));
            record.inputs.push(input!("ble_temp_sensor_1"), f64::from(reader.i16_le()?) / 256.0);
            record.inputs.push(input!("ble_humidity_1"), f64::from(reader.u16_le()?) / 256.0);
        }
        0xFEA8 => {
            reader.u8()?;
            record.inputs.push(input!("battery_level"), f64::from(reader.u8()?.min(100)));
        }
        _ => {}
    }
    Ok(())
}

fn time(seconds: u32) -> Timestamp {
    Timestamp::from_seconds(YEAR_2000 + i64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_an_input_of_the_vocabulary() {
        for (id, _, name, _) in NUMBERS {
            let spec = InputName::find(name).unwrap_or_else(|| panic!("{id:#06x}: no input {name}")).spec();
            assert_eq!(spec.kind, domain::ValueKind::Float, "{id:#06x}");
        }
    }
}
