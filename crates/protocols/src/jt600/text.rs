//! Text between brackets: reports, events of a lock, signs of life, answers to commands.
//! Source: "JT701D Protocol Manual" V1.4 (Jointech, 2021); words U and W as the JT600 and GP6000 send them.

use super::record;
use crate::{
    alarm::{Alarm, Alarms},
    cells::percent_of_csq,
    clock,
    fields::{self, decimal, integer},
    nmea, plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, Outcome};

/// A text taken apart.
pub(super) struct Text<'a> {
    pub(super) id: &'a str,
    pub(super) word: &'a [u8],
    /// What follows the word.
    pub(super) fields: Vec<&'a [u8]>,
}

/// What a text says.
pub(super) enum Said {
    Report {
        message: Message,
        answer: Option<&'static str>,
    },
    /// What lock and unlock reports are answered with differs between the products.
    LockEvent {
        message: Message,
        serial: Option<u16>,
        has_mileage: bool,
    },
    Heartbeat {
        answer: Option<String>,
    },
    TimeWanted,
    /// The answer to a command of that word.
    Answer {
        outcome: Outcome,
        text: String,
    },
    Problem {
        error: String,
        /// The device goes on when it has heard this; `None` where what was said does not tell what that is.
        answer: Option<&'static str>,
    },
}

/// What a report of a tracker is answered, and one that was made by an event.
const REPORT_ANSWER: &str = "(S39)";
const EVENT_ANSWER: &str = "(S20)";
/// What a lock report without a serial number is answered.
pub(super) const LOCK_ANSWER: &str = "(P46)";

fn problem(error: &str, answer: Option<&'static str>) -> Said {
    Said::Problem { error: error.to_owned(), answer }
}

impl<'a> Text<'a> {
    /// What stands between the brackets. `None` when it is no text of the protocol.
    pub(super) fn parse(frame: &'a [u8]) -> Option<Self> {
        let inner = frame.strip_prefix(b"(")?;
        let inner = inner.strip_suffix(b")").unwrap_or(inner);
        let mut fields = inner.split(|byte| *byte == b',');
        let id = std::str::from_utf8(fields.next()?).ok()?;
        let word = fields.next()?;
        Some(Self { id, word, fields: fields.collect() })
    }

    pub(super) fn read(&self) -> Said {
        let fields = &*self.fields;
        match self.word {
            b"@JT" | b"U04" => Said::Heartbeat { answer: None },
            b"P45" => lock_event(fields),
            b"P52" if fields.first() == Some(&&b"2"[..]) => {
                // The lock's new password goes back as it came, and nowhere else.
                let password = fields.get(1).and_then(|password| fields::text(password));
                Said::Heartbeat { answer: password.map(|password| format!("(P52,2,{password})")) }
            }
            b"P22" if fields == [b"2"] => Said::TimeWanted,
            b"U01" | b"U02" | b"U03" => report(fields, None, REPORT_ANSWER),
            b"U06" => match fields.split_first() {
                Some((event, fields)) => report(fields, integer(event), EVENT_ANSWER),
                None => problem("U06 without an event", Some(EVENT_ANSWER)),
            },
            b"W01" => old_report(fields),
            [b'P' | b'S', b'0'..=b'9', b'0'..=b'9'] => self.answer(),
            // A device of several layers: address, count, word.
            _ if fields.get(1) == Some(&&b"WLNET"[..]) => problem("a peripheral without data", None),
            word => problem(&format!("nothing is known of {}", String::from_utf8_lossy(word)), None),
        }
    }

    fn answer(&self) -> Said {
        // Unlocking says whether it did: P43,1 and P52,3,1.
        let success = match self.word {
            b"P43" => self.fields.first(),
            b"P52" if self.fields.first() == Some(&&b"3"[..]) => self.fields.get(1),
            _ => None,
        };
        let outcome = if success == Some(&&b"0"[..]) { Outcome::Refused } else { Outcome::Done };
        let said = [&[self.word], &*self.fields].concat().join(&b',');
        Said::Answer { outcome, text: fields::text(&said).unwrap_or_default().to_owned() }
    }
}

/// Date, time, place, its validity, speed, direction, source, verification, card, password, wrong entries, serial,
/// mileage.
fn lock_event(fields: &[&[u8]]) -> Said {
    let [date, time, lat, north, lng, east, valid, speed, heading, source, verified, card, rest @ ..] =
        fields
    else {
        return problem("a lock report is too short", Some(LOCK_ANSWER));
    };
    let place = place(lat, north, lng, east);
    let fix = place.map(|coordinates| Fix {
        valid: *valid == b"A",
        speed: decimal(speed).and_then(|kmh| plausible::speed_kmh(kmh as f32)),
        heading: integer(heading).and_then(plausible::heading),
        ..Fix::at(coordinates)
    });
    let (source, verified) = (integer::<u8>(source), integer::<u8>(verified));
    let mut inputs = Inputs::default();
    if let Some(source) = source {
        inputs.push(input!("event_code"), i64::from(source));
    }
    let mut alarms = Alarms::new();
    // 99 is an unlocking outside of its fence.
    let opened = matches!(verified, Some(1..=98)) && source != Some(LOCKED);
    match source {
        Some(LOCKED) => {
            inputs.push(input!("lock_state"), 1_i64);
            alarms.raise(Alarm::Locked);
        }
        _ if opened => {
            inputs.push(input!("lock_state"), 0_i64);
            alarms.raise(Alarm::Unlocked);
        }
        // Somebody has tried.
        _ => {
            alarms.raise(Alarm::General);
        }
    }
    if matches!(source, Some(4 | 6 | 7)) {
        inputs.push(input!("lock_command_result"), if opened { "opened" } else { "refused" });
    }
    if let Some(card) = fields::text(card).filter(|card| card.bytes().any(|digit| digit != b'0')) {
        inputs.push(input!("hardware_key"), card);
    }
    let mileage = rest.get(3).and_then(|mileage| decimal(mileage));
    if let Some(mileage) = mileage {
        inputs.push(input!("hw_mileage"), mileage);
    }
    alarms.write(&mut inputs);
    let message = Message { time: clock::day_first(date, time), fix, inputs };
    let serial = rest.get(2).and_then(|serial| integer(serial));
    Said::LockEvent { message, serial, has_mileage: mileage.is_some() }
}

/// The lock shut by itself, because its rope was put in.
const LOCKED: u8 = 5;

/// Date, time, validity, place, speed, course, satellites, charge, state, cell, area, signal, mileage.
fn report(fields: &[&[u8]], event: Option<i64>, answer: &'static str) -> Said {
    let [
        date,
        time,
        valid,
        lat,
        north,
        lng,
        east,
        speed,
        course,
        satellites,
        charge,
        state,
        id,
        area,
        signal,
        rest @ ..,
    ] = fields
    else {
        return problem("a report is too short", Some(answer));
    };
    let fix = place(lat, north, lng, east).map(|coordinates| Fix {
        valid: *valid == b"T",
        speed: decimal(speed).and_then(|kmh| plausible::speed_kmh(kmh as f32)),
        heading: integer(course).and_then(plausible::heading),
        satellites: integer(satellites).and_then(plausible::satellites),
        ..Fix::at(coordinates)
    });
    let mut inputs = Inputs::default();
    if let Some(event) = event {
        inputs.push(input!("event_code"), event);
    }
    if let Some(level) = decimal(charge.strip_suffix(b"%").unwrap_or(charge)).filter(|level| *level <= 100.0)
    {
        inputs.push(input!("battery_level"), level);
    }
    if let Some(state) = fields::text(state) {
        inputs.push(input!("status"), state);
    }
    if let (Some(id @ 1..), Some(area)) = (integer::<i64>(id), integer::<i64>(area)) {
        inputs.push(input!("gsm_area_code"), area);
        inputs.push(input!("gsm_cell_id"), id);
    }
    if let Some(signal) = integer(signal).and_then(percent_of_csq) {
        inputs.push(input!("gsm_signal_level"), signal);
    }
    if let Some(mileage) = rest.first().and_then(|mileage| decimal(mileage)) {
        inputs.push(input!("hw_mileage"), mileage);
    }
    let message = Message { time: clock::day_first(date, time), fix, inputs };
    Said::Report { message, answer: Some(answer) }
}

/// Longitude, latitude, validity, date, time, speed, course, charge, satellites, signal, alarm.
fn old_report(fields: &[&[u8]]) -> Said {
    let [lng, east, lat, north, valid, date, time, speed, course, charge, satellites, signal, alarm, ..] =
        fields
    else {
        return problem("a report is too short", None);
    };
    let fix = nmea::coordinates(lat, north, lng, east).map(|coordinates| Fix {
        valid: *valid == b"A",
        speed: decimal(speed).and_then(|kmh| plausible::speed_kmh(kmh as f32)),
        heading: integer(course).and_then(plausible::heading),
        satellites: integer(satellites).and_then(plausible::satellites),
        ..Fix::at(coordinates)
    });
    let mut inputs = Inputs::default();
    if let Some(level) = decimal(charge).filter(|level| *level <= 100.0) {
        inputs.push(input!("battery_level"), level);
    }
    if let Some(signal) = integer(signal).and_then(percent_of_csq) {
        inputs.push(input!("gsm_signal_level"), signal);
    }
    if let Some(alarm) = integer::<i64>(alarm) {
        inputs.push(input!("event_code"), alarm);
    }
    Said::Report { message: Message { time: clock::day_first(date, time), fix, inputs }, answer: None }
}

/// Degrees, and the hemisphere.
fn place(lat: &[u8], north: &[u8], lng: &[u8], east: &[u8]) -> Option<Coordinates> {
    let (lat, lng) = (decimal(lat)?.abs(), decimal(lng)?.abs());
    let lat = if north == b"S" { -lat } else { lat };
    Coordinates::new(lat, if east == b"W" { -lng } else { lng })
}

/// Data of a wireless sensor or a bound lock: `(number,1,count,WLNET,5,kind,bytes)`. `None` when it is something else.
pub(super) fn peripheral(frame: &[u8]) -> Option<(&str, &[u8])> {
    let inner = frame.strip_prefix(b"(")?;
    let inner = inner.strip_suffix(b")").unwrap_or(inner);
    let mut fields = inner.splitn(7, |byte| *byte == b',');
    let id = std::str::from_utf8(fields.next()?).ok()?;
    let word = fields.nth(2)?;
    let command = fields.next()?;
    let data = fields.nth(1)?;
    (word == b"WLNET" && command == b"5").then_some((id, data))
}

/// Undoes the escapes that keep brackets and commas out of binary data.
pub(super) fn unescape(data: &[u8]) -> Vec<u8> {
    let (mut plain, mut left) = (Vec::with_capacity(data.len()), data);
    loop {
        left = match *left {
            [0x3D, 0x15, ref rest @ ..] => with(&mut plain, b'(', rest),
            [0x3D, 0x14, ref rest @ ..] => with(&mut plain, b')', rest),
            [0x3D, 0x11, ref rest @ ..] => with(&mut plain, b',', rest),
            [0x3D, 0x00, ref rest @ ..] => with(&mut plain, 0x3D, rest),
            [byte, ref rest @ ..] => with(&mut plain, byte, rest),
            [] => return plain,
        };
    }
}

fn with<'a>(plain: &mut Vec<u8>, byte: u8, rest: &'a [u8]) -> &'a [u8] {
    plain.push(byte);
    rest
}

/// What a sensor's data is answered with its serial number, which stands behind the lock's place, when the sensor spoke,
/// and its number. `None` when the data ends before it.
pub(super) fn sensor_answer(data: &[u8]) -> Option<String> {
    const SERIAL: usize = 28;
    data.get(SERIAL).map(|serial| format!("(P69,0,{serial})"))
}

/// The lock's place, when the sensor spoke, its number, a serial number, its supply, and what it measured.
///
/// # Errors
/// When the data is too short.
pub(super) fn sensor(data: &[u8]) -> Result<Message, ReadError> {
    const THERMOMETER: u8 = 1;
    let mut reader = Reader::new(data);
    let mut message = record::place(&mut reader)?;
    reader.slice(6)?;
    let number = crate::hex::upper(reader.slice(5)?);
    let _serial = reader.u8()?;
    let (voltage, charge) = (reader.u16_be()?, reader.u8()?);
    let _signal = reader.u8()?;
    let kind = reader.u8()?;
    let inputs = &mut message.inputs;
    inputs.push(input!("ble_mac"), &*number);
    inputs.push(input!("ble_battery_voltage_1"), f64::from(voltage) / 100.0);
    if charge <= 100 {
        inputs.push(input!("ble_battery_level_1"), f64::from(charge));
    }
    if kind == THERMOMETER {
        inputs.push(input!("ble_temp_sensor_1"), f64::from(reader.i16_be()?) / 10.0);
        inputs.push(input!("ble_humidity_1"), f64::from(reader.u8()?));
    } else {
        inputs.push(input!("lock_state_raw"), &*crate::hex::upper(reader.rest()));
    }
    Ok(message)
}
