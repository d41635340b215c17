//! Records of binary data.
//! Source: "JT701D Protocol Manual" V1.4 (Jointech, 2021), "Position and alarm data format"; for trackers JT600 and
//! GP6000 as devices send them.

use super::packet::{Form, Packet, RECORD};
use crate::{
    alarm::{Alarm, Alarms},
    bcd,
    cells::{Cell, Cells, percent_of_csq},
    nmea, plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message};

/// A message, the bytes that make it, and whether the device waits for an answer.
pub(super) struct Record<'a> {
    pub(super) message: Message,
    pub(super) own: &'a [u8],
    pub(super) wants_answer: bool,
}

/// # Errors
/// When a record is cut short. Those before it are in `records`.
pub(super) fn read<'a>(packet: &Packet<'a>, records: &mut Vec<Record<'a>>) -> Result<(), ReadError> {
    match packet.form {
        Form::Lock(version) => records.push(lock(packet.records, version)?),
        Form::Tracker(kind) => {
            for own in packet.records.chunks(RECORD) {
                records.push(Record { message: tracker(own, kind)?, own, wants_answer: false });
            }
        }
    }
    Ok(())
}

/// Version 19 of the locks' protocol: a JT701D.
pub(super) const JT701D: u8 = 0x19;

/// Date, time, place, direction, speed in knots, course in steps of two degrees.
pub(super) fn place(reader: &mut Reader<'_>) -> Result<Message, ReadError> {
    let [day, month, year, hour, minute, second] = reader.array()?;
    let time = bcd::time([year, month, day, hour, minute, second]);
    let lat = reader.clone().bcd(4).ok();
    reader.slice(4)?;
    let lng = bcd::number_and_flags(reader.slice(5)?);
    let (speed, course) = (reader.u8()?, reader.u8()?);
    let fix = lat.zip(lng).and_then(|(lat, (lng, flags))| {
        let is = |bit: u8| flags >> bit & 1 == 1;
        let lat = nmea::degrees_and_minutes(lat as f64 / 1e4)?;
        let lng = nmea::degrees_and_minutes(lng as f64 / 1e4)?;
        let coordinates = Coordinates::new(if is(1) { lat } else { -lat }, if is(2) { lng } else { -lng })?;
        Some(Fix {
            valid: is(0),
            speed: plausible::speed_kmh(f32::from(speed) * 1.852),
            heading: plausible::heading(u16::from(course) * 2),
            ..Fix::at(coordinates)
        })
    });
    Ok(Message { time, fix, inputs: Inputs::default() })
}

fn lock(own: &[u8], version: u8) -> Result<Record<'_>, ReadError> {
    let mut reader = Reader::new(own);
    let mut message = place(&mut reader)?;
    let inputs = &mut message.inputs;
    inputs.push(input!("hw_mileage"), f64::from(reader.u32_be()?));
    let satellites = plausible::satellites(reader.u8()?);
    if let Some(fix) = &mut message.fix {
        fix.satellites = satellites;
    }
    let _bound_vehicle = reader.u32_be()?;
    let state = reader.u16_be()?;
    lock_state(state, inputs);
    charge(reader.u8()?, inputs);
    let (id, area) = (reader.u16_be()?, reader.u16_be()?);
    if let Some(signal) = percent_of_csq(reader.u8()?.into()) {
        inputs.push(input!("gsm_signal_level"), signal);
    }
    match network(&mut reader, id, area, inputs) {
        Ok(()) => {}
        // Older locks end here, and their cell has no network.
        Err(_) if id != 0 => {
            inputs.push(input!("gsm_area_code"), i64::from(area));
            inputs.push(input!("gsm_cell_id"), i64::from(id));
        }
        Err(_) => {}
    }
    let wants_answer = version == JT701D || state >> 5 & 1 == 1;
    Ok(Record { message, own, wants_answer })
}

/// Fence, why the lock woke, operator's high byte, reserved, IMEI, the cell's high bytes, country, operator.
fn network(reader: &mut Reader<'_>, id: u16, area: u16, inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut ahead = reader.clone();
    let [_fence, wake, operator, _] = ahead.array()?;
    ahead.slice(8)?;
    let (high, mcc, mnc) = (ahead.u16_be()?, ahead.u16_be()?, ahead.u8()?);
    inputs.push(input!("wake_reason"), i64::from(wake & 15));
    // Before firmware 20211224 the operator has one byte, and F stands here.
    let mnc = if operator == 0x0F { mnc.into() } else { u16::from_be_bytes([operator, mnc]) };
    let id = u64::from(high) << 16 | u64::from(id);
    Cells::new().cell(Cell { mcc, mnc, area: area.into(), id, dbm: None }).write(inputs);
    Ok(())
}

fn lock_state(state: u16, inputs: &mut Inputs) {
    let is = |bit: u16| state >> bit & 1 == 1;
    inputs.push(input!("lock_state"), i64::from(is(7)));
    inputs.push(input!("lock_rope"), is(6));
    inputs.push(input!("lock_state_raw"), &*crate::hex::upper(&state.to_be_bytes()));
    let mut alarms = Alarms::new();
    for (bit, alarm) in LOCK_ALARMS {
        if is(*bit) {
            alarms.raise(*alarm);
        }
    }
    alarms.write(inputs);
}

/// Unlocked stands for too long a time so; general for wrong passwords, strange cards, and a motor that is stuck.
const LOCK_ALARMS: &[(u16, Alarm)] = &[
    (1, Alarm::GeofenceEnter),
    (2, Alarm::GeofenceExit),
    (3, Alarm::LockForced),
    (4, Alarm::Vibration),
    (8, Alarm::Unlocked),
    (9, Alarm::General),
    (10, Alarm::General),
    (11, Alarm::LowBattery),
    (12, Alarm::Tamper),
    (14, Alarm::General),
];

/// Percent; 255 while it charges.
fn charge(percent: u8, inputs: &mut Inputs) {
    inputs.push(input!("charging_status"), i64::from(percent == 0xFF));
    if percent <= 100 {
        inputs.push(input!("battery_level"), f64::from(percent));
    }
}

fn tracker(own: &[u8], kind: u8) -> Result<Message, ReadError> {
    let mut reader = Reader::new(own);
    let mut message = place(&mut reader)?;
    let inputs = &mut message.inputs;
    match kind {
        1 => {
            let satellites = plausible::satellites(reader.u8()?);
            charge(reader.u8()?, inputs);
            let _flags = reader.u8()?;
            let altitude = plausible::altitude(f32::from(reader.u16_be()?));
            let (id, area) = (reader.u16_be()?, reader.u16_be()?);
            if id != 0 {
                inputs.push(input!("gsm_area_code"), i64::from(area));
                inputs.push(input!("gsm_cell_id"), i64::from(id));
            }
            if let Some(signal) = percent_of_csq(reader.u8()?.into()) {
                inputs.push(input!("gsm_signal_level"), signal);
            }
            if let Some(fix) = &mut message.fix {
                (fix.satellites, fix.altitude) = (satellites, altitude);
            }
        }
        2 => {
            // The fuel's two bytes stand around the rest.
            let high = reader.u8()?;
            inputs.push(input!("status"), &*crate::hex::upper(reader.slice(4)?));
            inputs.push(input!("hw_mileage"), f64::from(reader.u32_be()?));
            let fuel = u16::from_be_bytes([high, reader.u8()?]);
            inputs.push(input!("fuel_level"), f64::from(fuel));
        }
        _ => {}
    }
    Ok(message)
}
