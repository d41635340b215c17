//! A record as a query or a form. Speeds are knots, as Traccar Client has always sent them.

use super::{Report, says_something};
use crate::{
    alarm::{Alarm, Alarms},
    cells::{Cell, Cells},
    clock,
    custom_params::CustomParams,
    fields::{self, Fields},
    http::Request,
    plausible,
};
use domain::{Coordinates, Fix, Inputs, Message, Metres, RecordHash, Speed, Timestamp};

pub(super) fn read(request: &Request<'_>) -> Option<Report> {
    let mut record = Record::default();
    for (name, value) in request.parameters() {
        record.read(&name, &value);
    }
    let device = record.device.take()?;
    // The same record is the same query, whether it is sent again or not.
    let hash = match (request.query.as_bytes(), &*request.body) {
        (query, b"") => RecordHash::of(query),
        (query, body) => RecordHash::of(&[query, body].concat()),
    };
    let message = record.message();
    let records = if says_something(&message) { vec![(message, hash)] } else { Vec::new() };
    Some(Report { device, records, unreadable: 0 })
}

#[derive(Default)]
struct Record {
    device: Option<String>,
    time: Option<Timestamp>,
    lat: Option<f64>,
    lng: Option<f64>,
    invalid: bool,
    speed: Option<f32>,
    heading: Option<u16>,
    altitude: Option<f32>,
    accuracy: Option<f32>,
    cells: Cells,
    alarms: Alarms,
    custom: CustomParams,
    inputs: Inputs,
}

impl Record {
    fn read(&mut self, name: &str, value: &str) {
        let text = value.as_bytes();
        let number = || fields::decimal(text);
        let inputs = &mut self.inputs;
        match name {
            "id" | "deviceid" => self.device = Some(value.to_owned()),
            "timestamp" => self.time = time(text),
            "lat" => self.lat = number(),
            "lon" => self.lng = number(),
            "location" => {
                let mut fields = Fields::comma(text);
                (self.lat, self.lng) = (fields.decimal(), fields.decimal());
            }
            "valid" => self.invalid = flag(value) == Some(false),
            "speed" => self.speed = number().map(|knots| knots as f32),
            "bearing" | "heading" => {
                self.heading = number().filter(|degrees| *degrees >= 0.0).map(|degrees| degrees as u16);
            }
            "altitude" => self.altitude = number().map(|metres| metres as f32),
            "accuracy" => self.accuracy = number().map(|metres| metres as f32),
            "cell" => {
                if let Some(cell) = cell(text) {
                    self.cells.cell(cell);
                }
            }
            "wifi" => {
                if let Some((mac, dbm)) = access_point(text) {
                    self.cells.access_point(mac, dbm);
                }
            }
            "alarm" => {
                self.alarms.raise(Alarm::named(value).unwrap_or(Alarm::General));
            }
            "driverUniqueId" => {
                if let Some(key) = fields::text(text) {
                    inputs.push(input!("hardware_key"), key);
                }
            }
            _ => {
                let known = match name {
                    "hdop" => number().map(|hdop| inputs.push(input!("hdop"), hdop)),
                    "batt" => number()
                        .filter(|percent| (0.0..=100.0).contains(percent))
                        .map(|percent| inputs.push(input!("battery_level"), percent)),
                    "charge" => flag(value).map(|on| inputs.push(input!("charging_status"), i64::from(on))),
                    "motion" | "is_moving" => flag(value).map(|on| inputs.push(input!("motion"), on)),
                    "ignition" => flag(value).map(|on| inputs.push(input!("ignition"), on)),
                    "odometer" => number().map(|metres| inputs.push(input!("hw_mileage"), metres / 1000.0)),
                    "power" => number().map(|volts| inputs.push(input!("board_voltage"), volts)),
                    "fuel" => number().map(|level| inputs.push(input!("fuel_level"), level)),
                    "activity" => fields::text(text).map(|kind| inputs.push(input!("activity"), kind)),
                    _ => None,
                };
                if known.is_none() {
                    self.custom.push(name, value);
                }
            }
        }
    }

    fn message(mut self) -> Message {
        let coordinates = self.lat.zip(self.lng).and_then(|(lat, lng)| Coordinates::new(lat, lng));
        let fix = coordinates.map(|coordinates| Fix {
            coordinates,
            valid: !self.invalid,
            speed: self.speed.and_then(|knots| plausible::speed_kmh(Speed::from_knots(knots).kmh())),
            heading: self.heading.and_then(plausible::heading),
            altitude: self.altitude.and_then(plausible::altitude),
            precision: self.accuracy.filter(|metres| *metres > 0.0).map(Metres),
            ..Fix::at(coordinates)
        });
        self.cells.write(&mut self.inputs);
        self.alarms.write(&mut self.inputs);
        self.custom.write(&mut self.inputs);
        Message { time: self.time, fix, inputs: self.inputs }
    }
}

/// Seconds or milliseconds since 1970, or a date.
pub(super) fn time(text: &[u8]) -> Option<Timestamp> {
    let number = fields::decimal(text).map(|number| clock::epoch(number as i64));
    number.or_else(|| clock::iso(text)).filter(|time| time.millis() > 0)
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// `mcc,mnc,area,cell[,dBm]`.
fn cell(text: &[u8]) -> Option<Cell> {
    let mut fields = Fields::comma(text);
    Some(Cell {
        mcc: fields.integer()?,
        mnc: fields.integer()?,
        area: fields.integer()?,
        id: fields.integer()?,
        dbm: fields.integer().filter(|dbm| *dbm < 0),
    })
}

/// `mac[,dBm]`, the parts of the address separated by hyphens.
fn access_point(text: &[u8]) -> Option<([u8; 6], Option<i16>)> {
    let mut fields = Fields::comma(text);
    let mut mac = [0; 6];
    let mut parts = Fields::new(fields.field(), b'-');
    for byte in &mut mac {
        *byte = u8::try_from(parts.hex()?).ok()?;
    }
    Some((mac, fields.integer()))
}
