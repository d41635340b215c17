//! Electronic locks. HHD's report what happened as items of a location (events as in the vendor's list for the G-300,
//! new protocol). ToTarget's VG locks have a location message of their own, 0x5501, and 0x5502 for the one they kept
//! while there was no network, and answer commands as text ("TT808 ELOCK Protocol A13"); the fields of these two are
//! read as the captures of two such locks show them, for the document's tables are not public.

use super::items::Found;
use crate::{
    alarm::Alarm,
    bcd,
    cells::{self, Cell, Cells},
    clock, fields, hex, nmea, plausible,
    reader::{ReadError, Reader, bits},
};
use domain::{Coordinates, Fix, Inputs, LockAction, Message};

/// What a lock tells about itself; the number is also the event code of the record.
enum Meaning {
    Sealed,
    Unsealed,
    Opened,
    Raised(Alarm),
    Told,
}

fn meaning(event: u16) -> Meaning {
    match event {
        0x0002 | 0x0003 | 0x0005 | 0x0007 | 0x0009 | 0x0014 => Meaning::Sealed,
        0x0004 | 0x0006 | 0x0008 | 0x000A => Meaning::Unsealed,
        0x0001 => Meaning::Opened,
        0x000F | 0x0011 => Meaning::Raised(Alarm::LockForced),
        0x0010 => Meaning::Raised(Alarm::Tamper),
        0x0012 | 0x0017 => Meaning::Raised(Alarm::LowBattery),
        0x0013 | 0x0018 => Meaning::Raised(Alarm::General),
        _ => Meaning::Told,
    }
}

/// HHD, item 0x60: event, kind, and who it was: a card of eight digits, behind the number of a companion lock where the
/// event is one of those.
pub(super) fn event(raw: &[u8], found: &mut Found, inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut reader = Reader::new(raw);
    let event = reader.u16_be()?;
    reader.u8()?;
    inputs.push(input!("event_code"), i64::from(event));
    match meaning(event) {
        Meaning::Sealed => inputs.push(input!("lock_state"), 1),
        Meaning::Unsealed | Meaning::Opened => inputs.push(input!("lock_state"), 0),
        Meaning::Raised(alarm) => {
            found.alarms.raise(alarm);
        }
        Meaning::Told => {}
    }
    let who = reader.rest();
    // Bluetooth, the platform and a text message are people or numbers of telephones.
    let by_card = !(0x0005..=0x000A).contains(&event);
    let card = who.last_chunk::<8>().filter(|card| by_card && card.iter().all(u8::is_ascii_alphanumeric));
    if let Some(card) = card.and_then(|card| fields::text(card)) {
        inputs.push(input!("hardware_key"), &*card.to_uppercase());
    }
    Ok(())
}

/// HHD, item 0x63: a companion lock's number, battery and seal.
pub(super) fn companion(raw: &[u8], inputs: &mut Inputs) -> Result<(), ReadError> {
    let mut reader = Reader::new(raw);
    let number = bcd::digits(reader.slice(6)?).unwrap_or_default();
    let (millivolts, level, state) = (reader.u16_be()?, reader.u8()?, reader.u8()?);
    let text = format!("lock={number};battery_mv={millivolts};battery_level={level};state={state}");
    inputs.push(input!("custom_params"), &*text);
    Ok(())
}

/// Item 0x33 of some locks, a text: `*M00,45,11386…`: in the third field the voltage of the battery stands behind two
/// states, in hundredths.
pub(super) fn text_status(raw: &[u8], inputs: &mut Inputs) {
    let mut line = fields::Fields::comma(raw);
    let volts = line.nth(2).and_then(|state| fields::decimal(state.get(2..5)?));
    if let Some(hundredths) = volts {
        inputs.push(input!("battery_voltage"), hundredths / 100.0);
    }
}

/// The body of 0x5501 and 0x5502.
pub(super) fn location(body: &[u8]) -> Result<Message, ReadError> {
    let mut reader = Reader::new(body);
    // Day first, and Greenwich time, unlike the standard's.
    let date = hex::lower(reader.slice(3)?);
    let time = hex::lower(reader.slice(3)?);
    let time = clock::day_first(date.as_bytes(), time.as_bytes());
    let lat = reader.bcd(4)? as f64 / 10_000.0;
    let lng = hex::lower(reader.slice(5)?);
    let (lng, flags) = lng.split_at(9);
    let flags = u64::from_str_radix(flags, 16).unwrap_or(0);
    let lng = fields::decimal(lng.as_bytes()).map(|lng| lng / 10_000.0);
    let sign = |bit: u32| if bits(flags, bit, 1) == 1 { 1.0 } else { -1.0 };
    let coordinates = nmea::degrees_and_minutes(lat * sign(1))
        .zip(lng.and_then(|lng| nmea::degrees_and_minutes(lng * sign(2))));
    let coordinates = coordinates.and_then(|(lat, lng)| Coordinates::new(lat, lng));
    let speed = f32::from(reader.u8()?);
    let heading = u16::from(reader.u8()?) * 2;
    let (signal, satellites) = (reader.u8()?, reader.u8()?);

    let mut inputs = Inputs::with_capacity(12);
    inputs.push(input!("hw_mileage"), f64::from(reader.u32_be()?));
    // A number above 100 stands in the battery's place while it is charged.
    match reader.u8()? {
        0xAA | 0xAB => inputs.push(input!("charging_status"), 1),
        level => {
            inputs.push(input!("charging_status"), 0);
            inputs.push(input!("battery_level"), f64::from(level.min(100)));
        }
    }
    if let Some(percent) = cells::percent_of_csq(signal.into()) {
        inputs.push(input!("gsm_signal_level"), percent);
    }
    let (cell, area) = (reader.u32_be()?, reader.u16_be()?);
    // The kind of product, then the states and the alarms of the lock as bits.
    reader.u8()?;
    inputs.push(input!("lock_state_raw"), &*hex::upper(reader.slice(2)?));
    let alarms = reader.u16_be()?;
    if alarms != 0 {
        inputs.push(input!("event_code"), i64::from(alarms));
    }
    let mut network = None;
    while let (Ok(item), Ok(length)) = (reader.u8(), reader.u8()) {
        let mut value = Reader::new(reader.slice(length.into())?);
        match (item, length) {
            (0x0A, 3..) => {
                let mcc = value.u16_be()?;
                network = Some((mcc, u16::try_from(value.uint_be(value.left().min(2))?).unwrap_or(0)));
            }
            (0x0B, 1) => inputs.push(input!("event_code"), i64::from(value.u8()?)),
            _ => {}
        }
    }
    if let Some((mcc, mnc)) = network {
        let cell = Cell { mcc, mnc, area: area.into(), id: cell.into(), dbm: None };
        Cells::new().cell(cell).write(&mut inputs);
    }
    let fix = coordinates.filter(|at| !at.is_null_island()).map(|at| Fix {
        valid: bits(flags, 0, 1) == 1,
        speed: plausible::speed_kmh(speed),
        heading: plausible::heading(heading),
        satellites: plausible::satellites(satellites),
        ..Fix::at(at)
    });
    Ok(Message { time, fix, inputs })
}

/// A line `(740190311185,1,001,ELOCK,3,529439)`: who, and all of it.
pub(super) fn line(frame: &[u8]) -> Option<(&str, &str)> {
    let text = fields::text(frame)?;
    let (device, _) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    (!device.is_empty() && device.bytes().all(|byte| byte.is_ascii_digit())).then_some((device, text))
}

/// The line that a VG lock obeys, with its password of six digits.
pub(super) fn order(device: &str, action: LockAction, password: &str) -> String {
    let number = match action {
        LockAction::Seal => 2,
        LockAction::Unseal => 3,
    };
    format!("({device},1,001,ELOCK,{number},{password})")
}
