//! A report: device, time, longitude, latitude, speed, heading, altitude, satellites, event; then what the product has.
//!
//! Vehicle trackers go on with mileage (which has a point), inputs, two analog inputs, outputs. Others go on with
//! numbers of their own, which are kept by their place as `custom_param_1` and so on.

use crate::{
    DeviceSlot, Event, Events, Recognition, clock,
    fields::{self, Fields},
    plausible, ports,
};
use domain::{Coordinates, DeviceId, Fix, Inputs, Message, RecordHash};

/// The number of the device that a line begins with.
pub(super) fn device(line: &[u8]) -> Option<&str> {
    let line = line.strip_prefix(b"$").unwrap_or(line);
    let id = fields::text(Fields::comma(line).field())?;
    id.bytes().all(|byte| byte.is_ascii_digit()).then_some(id)
}

pub(super) fn read(line: &[u8], slot: DeviceSlot, events: &mut Events) {
    match message(line) {
        Some(message) => {
            events.push_back(Event::Message { slot, message, hash: RecordHash::of(line) });
        }
        None => {
            let error = "a report that cannot be read".to_owned();
            events.push_back(Event::Problem { slot, error, bytes: line.to_vec() });
        }
    }
}

/// A line of digits, comma, 14 digits of a time, comma: nothing else begins like this.
pub(super) fn recognise(start: &[u8]) -> Recognition {
    let line = start.strip_prefix(b"$").unwrap_or(start);
    let mut fields = Fields::comma(line);
    let id = fields.field();
    if id.len() > ID_DIGITS || !id.iter().all(u8::is_ascii_digit) {
        return Recognition::No;
    }
    if fields.is_at_end() {
        return Recognition::Unsure;
    }
    let time = fields.field();
    match (fields.is_at_end(), time.len()) {
        (false, TIME_DIGITS) if clock::year_first(time).is_some() => match device(line).map(DeviceId::new) {
            Some(Ok(id)) => Recognition::Login(id),
            _ => Recognition::No,
        },
        (true, 0..=TIME_DIGITS) if time.iter().all(u8::is_ascii_digit) => Recognition::Unsure,
        _ => Recognition::No,
    }
}

const MAX_CUSTOM: u32 = 8;
const ID_DIGITS: usize = 15;
const TIME_DIGITS: usize = 14;

fn message(line: &[u8]) -> Option<Message> {
    let mut fields = Fields::comma(line);
    let _device = fields.field();
    let time = clock::year_first(fields.field());
    let (lng, lat) = (fields.decimal()?, fields.decimal()?);
    let speed = fields.decimal();
    let heading = fields.decimal();
    let altitude = fields.decimal();
    let satellites: Option<u8> = fields.integer();
    let mut inputs = Inputs::with_capacity(8);
    if let Some(event) = fields.integer::<i64>() {
        inputs.push(input!("event_code"), event);
    }
    let fix = Coordinates::new(lat, lng).map(|coordinates| Fix {
        coordinates,
        valid: satellites != Some(0),
        speed: speed.and_then(|speed| plausible::speed_kmh(speed as f32)),
        heading: heading.and_then(|heading| plausible::heading(heading as u16)),
        altitude: altitude.and_then(|altitude| plausible::altitude(altitude as f32)),
        satellites: satellites.and_then(plausible::satellites),
        ..Fix::at(coordinates)
    });
    what_the_product_has(fields, &mut inputs);
    Some(Message { time, fix, inputs })
}

fn what_the_product_has(mut fields: Fields<'_>, inputs: &mut Inputs) {
    let is_vehicle = Fields::comma(fields.rest()).field().contains(&b'.');
    if !is_vehicle {
        for (number, field) in (1..=MAX_CUSTOM).zip(fields) {
            if let (Some(value), Some(name)) =
                (fields::decimal(field), family!("custom_param_#").member(number))
            {
                inputs.push(name, value);
            }
        }
        return;
    }
    let voltage = fields.clone().field().strip_suffix(b"V").and_then(fields::decimal);
    if let Some(voltage) = voltage {
        inputs.push(input!("battery_voltage"), voltage);
        fields.field();
    }
    if let Some(mileage) = fields.decimal() {
        inputs.push(input!("hw_mileage"), mileage);
    }
    if let Some(bits) = fields.integer() {
        ports::digital_inputs(bits, 4, inputs);
    }
    if let Some(volts) = fields.decimal() {
        inputs.push(input!("analog_1"), volts);
    }
    if let Some(volts) = fields.decimal() {
        inputs.push(input!("analog_2"), volts);
    }
    if let Some(bits) = fields.integer() {
        ports::digital_outputs(bits, 4, inputs);
    }
}
