//! 0x0900, what a device passes through: the first byte says what it is.

use super::{items, location, table::scaled};
use crate::{
    fields::Fields,
    reader::{ReadError, Reader},
};
use domain::{Fix, Inputs, Message};

/// # Errors
/// Why the body cannot be understood.
pub(super) fn read(body: &[u8], tell: &mut impl FnMut(Message, &[u8])) -> Result<(), String> {
    match body {
        [b'A', line @ ..] if line.starts_with(b"$OBD-RT,") => tell(obd_line(line), body),
        [0x54, rest @ ..] => probes(rest, tell).map_err(|error| error.to_string())?,
        [0xF0, rest @ ..] => tell(event(rest).map_err(|error| error.to_string())?, body),
        [kind, ..] => return Err(format!("passed through: {kind:#04x} is not decoded")),
        [] => return Err("passed through: nothing".to_owned()),
    }
    Ok(())
}

/// An OBD reader on the serial port: voltage, revolutions, speed, throttle, load, coolant, consumption now and on
/// average, distance of the trip and of the vehicle, fuel of the trip and of the vehicle.
fn obd_line(line: &[u8]) -> Message {
    let mut fields = Fields::comma(line);
    fields.skip_fields(1);
    let mut inputs = Inputs::with_capacity(11);
    let names = [
        Some(input!("board_voltage")),
        Some(input!("obd_rpm")),
        Some(input!("obd_speed")),
        Some(input!("obd_throttle")),
        Some(input!("obd_engine_load")),
        Some(input!("obd_coolant_t")),
        None,
        None,
        Some(input!("trip_odometer")),
        Some(input!("obd_custom_odometer")),
        None,
        Some(input!("can_consumption")),
    ];
    for name in names {
        if let (Some(value), Some(name)) = (fields.decimal(), name) {
            inputs.push(name, value);
        }
    }
    Message { inputs, ..Message::default() }
}

/// An event with its own place: time, six bytes of what happened, status, place, time of the place.
fn event(rest: &[u8]) -> Result<Message, ReadError> {
    let mut reader = Reader::new(rest);
    reader.slice(6)?;
    let (kind, number) = (reader.u8()?, reader.u8()?);
    reader.slice(4)?;
    let (status, lat, lng) = (reader.u32_be()?, reader.u32_be()?, reader.u32_be()?);
    let time = location::time(reader.array()?);
    let mut inputs = Inputs::with_capacity(3);
    inputs.push(input!("ignition"), status & 1 == 1);
    inputs.push(input!("event_code"), i64::from(kind));
    inputs.push(input!("sub_event_code"), i64::from(number));
    let fix = location::coordinates(status, lat, lng);
    let fix = fix.map(|at| Fix { valid: status >> 1 & 1 == 1, ..Fix::at(at) });
    Ok(Message { time, fix, inputs })
}

/// AOVX: what the probes of a sleeping tracker measured: present values as bits, time, and eight numbers, of which the
/// second is the temperature, the third the humidity and the last three the acceleration.
fn probes(rest: &[u8], tell: &mut impl FnMut(Message, &[u8])) -> Result<(), ReadError> {
    let mut reader = Reader::new(rest);
    let (head, sent) = (18, 6);
    reader.slice(head + sent)?;
    while !reader.is_empty() {
        let start = reader.offset();
        reader.u16_be()?;
        let time = location::time(reader.array()?);
        let mut inputs = Inputs::with_capacity(5);
        reader.u16_be()?;
        inputs.push(input!("temp_sensor"), scaled(reader.i16_be()?.into(), 0.1));
        inputs.push(input!("humidity_1"), scaled(reader.u16_be()?.into(), 0.1));
        reader.u32_be()?;
        items::axes(&mut reader, &mut inputs)?;
        tell(Message { time, fix: None, inputs }, reader.since(start));
    }
    Ok(())
}
