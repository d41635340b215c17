//! Positions: the fields that each of them has, in binary and in text, and the items behind them. Source: ATrack "AP
//! Protocol Document" 1.3.8, 2.2 "Position Format".

use super::items::{self, Form};
use crate::{
    cells::{Cell, Cells},
    clock, fields, plausible, ports,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, Metres, Timestamp};

/// What items add to a position.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) inputs: Inputs,
    pub(super) altitude: Option<Metres>,
    pub(super) satellites: Option<u8>,
    pub(super) cell: Option<u64>,
    pub(super) area: Option<u32>,
    pub(super) network: Option<(u16, u16)>,
}

/// How times are written in a binary position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Seconds since 1970 in four bytes.
    Short,
    /// Year in two bytes, month, day, hour, minute, second.
    Long,
}

/// The fields that every position has.
struct Basics<'a> {
    time: Option<Timestamp>,
    /// Degrees.
    lng: f64,
    lat: f64,
    heading: u16,
    report: u8,
    /// Kilometres.
    odometer: Option<f64>,
    hdop: Option<f64>,
    inputs: u32,
    speed: f64,
    outputs: u32,
    /// Volts.
    analog: Option<f64>,
    driver: &'a [u8],
    /// °C.
    temperatures: [Option<f64>; 2],
    text: &'a [u8],
}

/// Reads a position and the items behind it. A form within the message wins over the device's.
pub(super) fn binary(
    reader: &mut Reader<'_>,
    times: Times,
    form: Option<&Form>,
) -> Result<Message, ReadError> {
    let time = time(reader, times)?;
    let _received = self::time(reader, times)?;
    let _sent = self::time(reader, times)?;
    let (lng, lat) = (f64::from(reader.i32_be()?) / 1e6, f64::from(reader.i32_be()?) / 1e6);
    let (heading, report) = (reader.u16_be()?, reader.u8()?);
    let odometer = Some(f64::from(reader.u32_be()?) / 10.0);
    let hdop = Some(f64::from(reader.u16_be()?) / 10.0);
    let inputs = u32::from(reader.u8()?);
    let speed = f64::from(reader.u16_be()?);
    let outputs = u32::from(reader.u8()?);
    let analog = Some(f64::from(reader.u16_be()?) / 1000.0);
    let driver = items::text(reader)?;
    let temperatures = [temperature(f64::from(reader.i16_be()?)), temperature(f64::from(reader.i16_be()?))];
    let text = items::text(reader)?;
    let basics = Basics {
        time,
        lng,
        lat,
        heading,
        report,
        odometer,
        hdop,
        inputs,
        speed,
        outputs,
        analog,
        driver,
        temperatures,
        text,
    };
    let mut extra = Extra::default();
    if reader.clone().slice(3) == Ok(b"%CI") {
        let own = items::text(reader)?;
        items::binary(&items::form(&String::from_utf8_lossy(own)), reader, &mut extra)?;
    } else if let Some(form) = form {
        items::binary(form, reader, &mut extra)?;
    }
    Ok(basics.message(extra))
}

fn time(reader: &mut Reader<'_>, times: Times) -> Result<Option<Timestamp>, ReadError> {
    Ok(match times {
        Times::Short => Some(Timestamp::from_seconds(i64::from(reader.u32_be()?))),
        Times::Long => {
            let year = i64::from(reader.u16_be()?);
            let [month, day, hour, minute, second] = reader.array()?.map(u32::from);
            Timestamp::from_civil((year, month, day), (hour, minute, second))
        }
    })
}

/// Reads a line of a message in text. `None` when it is not a position.
pub(super) fn words(line: &[u8], form: Option<&Form>) -> Option<Message> {
    let mut words = fields::Fields::comma(line);
    let time = moment(words.field())?;
    words.skip_fields(2);
    let (lng, lat) = (words.integer::<i64>()? as f64 / 1e6, words.integer::<i64>()? as f64 / 1e6);
    let heading = words.integer::<u16>().unwrap_or(u16::MAX);
    let report = words.integer::<u8>()?;
    let odometer = tenths(words.field());
    let hdop = tenths(words.field());
    let inputs = words.integer::<u32>().unwrap_or(0);
    let speed = words.decimal().unwrap_or(-1.0);
    let outputs = words.integer::<u32>().unwrap_or(0);
    let analog = words.decimal().map(|millivolts| millivolts / 1000.0);
    let driver = words.field();
    let temperatures = [words.decimal().and_then(temperature), words.decimal().and_then(temperature)];
    let text = words.field();
    let basics = Basics {
        time: Some(time),
        lng,
        lat,
        heading,
        report,
        odometer,
        hdop,
        inputs,
        speed,
        outputs,
        analog,
        driver,
        temperatures,
        text,
    };
    let mut extra = Extra::default();
    if words.rest().starts_with(b"%CI") {
        let own = words.text().unwrap_or_default();
        items::words(&items::form(own), words, &mut extra);
    } else if let Some(form) = form {
        items::words(form, words, &mut extra);
    }
    Some(basics.message(extra))
}

/// Seconds since 1970, or `YYYYMMDDhhmmss`.
fn moment(word: &[u8]) -> Option<Timestamp> {
    match word.len() {
        14 => clock::year_first(word),
        _ => fields::integer::<u32>(word).map(|seconds| Timestamp::from_seconds(i64::from(seconds))),
    }
}

/// A whole number counts tenths; newer firmware writes the point.
fn tenths(word: &[u8]) -> Option<f64> {
    let number = fields::decimal(word)?;
    Some(if word.contains(&b'.') { number } else { number / 10.0 })
}

/// What a receiver without a value writes.
const NO_HDOP: f64 = 99.0;

/// Tenths of a degree; 2000 says that there is no probe.
fn temperature(raw: f64) -> Option<f64> {
    (-1000.0..2000.0).contains(&raw).then_some(raw / 10.0)
}

impl Basics<'_> {
    fn message(self, extra: Extra) -> Message {
        let fix = Coordinates::new(self.lat, self.lng).map(|coordinates| Fix {
            valid: extra.satellites != Some(0),
            speed: plausible::speed_kmh(self.speed as f32),
            heading: plausible::heading(self.heading),
            altitude: extra.altitude,
            satellites: extra.satellites,
            ..Fix::at(coordinates)
        });
        let mut inputs = Inputs::with_capacity(16 + extra.inputs.len());
        inputs.push(input!("event_code"), i64::from(self.report));
        if let Some(odometer) = self.odometer {
            inputs.push(input!("hw_mileage"), odometer);
        }
        if let Some(hdop) = self.hdop.filter(|hdop| *hdop > 0.0 && *hdop < NO_HDOP) {
            inputs.push(input!("hdop"), hdop);
        }
        // Input 0 is the ignition's wire.
        inputs.push(input!("ignition"), self.inputs & 1 == 1);
        ports::digital_inputs(self.inputs >> 1, 3, &mut inputs);
        ports::digital_outputs(self.outputs, 3, &mut inputs);
        if let (Some(volts), Some(name)) = (self.analog, family!("analog_#").member(1)) {
            inputs.push(name, volts);
        }
        for (number, degrees) in (1..).zip(self.temperatures) {
            if let (Some(degrees), Some(name)) = (degrees, family!("ext_temp_sensor_#").member(number)) {
                inputs.push(name, degrees);
            }
        }
        if let Some(driver) =
            fields::text(self.driver).filter(|driver| driver.bytes().any(|byte| byte != b'0'))
        {
            inputs.push(input!("hardware_key"), &*driver.to_ascii_uppercase());
        }
        if let Some(text) = fields::text(self.text) {
            inputs.push(input!("text_message"), text);
        }
        for (name, value) in extra.inputs.iter() {
            inputs.push(name, value.clone());
        }
        if let (Some((mcc, mnc)), Some(id)) = (extra.network, extra.cell) {
            let area = extra.area.unwrap_or(0);
            Cells::new().cell(Cell { mcc, mnc, area, id, dbm: None }).write(&mut inputs);
        }
        Message { time: self.time, fix, inputs }
    }
}
