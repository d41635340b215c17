//! Teltonika: a login with the IMEI, answered with one byte; packets of many records, answered with their number;
//! commands in codec 12.
//! Source: Teltonika Telematics Wiki, "Teltonika Data Sending Protocols" (2024), "Communication with server"; the texts:
//! "FMB SMS/GPRS Commands", getgps, setdigout, setparam, getparam.

use super::{Language, Nonsense, Packet, Said, Speaker, Waiting, fitting, outputs::Outputs};
use crate::{
    imei::Imei,
    reading::{Cause, Reading},
};
use protocols::teltonika::encode::{self, Told};
pub use protocols::teltonika::{
    Codec,
    encode::{Record, packet},
};

use std::collections::BTreeMap;

pub const CODEC_8: Language =
    Language { protocol: "teltonika", speaker: |imei| Device::boxed(imei, Codec::Codec8) };
pub const CODEC_8_EXTENDED: Language =
    Language { protocol: "teltonika", speaker: |imei| Device::boxed(imei, Codec::Codec8Extended) };

struct Device {
    imei: Imei,
    codec: Codec,
    admitted: bool,
    /// Records of the packet in flight.
    in_flight: usize,
    outputs: Outputs,
    /// Parameters that it was given, by number.
    parameters: BTreeMap<String, String>,
    /// The last record, for who asks where the device is.
    place: Option<Reading>,
}

/// The vendor's devices send no longer packets ("Teltonika Data Sending Protocols": 1,280 bytes at most).
const PACKET: usize = 1280;
/// Of a packet around its records: preamble, length, codec, two counts, checksum.
const AROUND: usize = 15;
const MOST: usize = 255;
/// As many parameters are remembered.
const PARAMETERS: usize = 100;

impl Device {
    fn boxed(imei: Imei, codec: Codec) -> Box<dyn Speaker> {
        Box::new(Self {
            imei,
            codec,
            admitted: false,
            in_flight: 0,
            outputs: Outputs::default(),
            parameters: BTreeMap::new(),
            place: None,
        })
    }

    /// Does what it is told, and answers as the vendor's devices do.
    fn obey(&mut self, command: &str) -> String {
        let mut words = command.split_whitespace();
        match (words.next(), words.next()) {
            (Some("setdigout"), Some(marks)) => {
                self.outputs.set(marks.chars());
                let states: Vec<_> =
                    marks.chars().enumerate().map(|(at, mark)| format!("DOUT{}:{mark}", at + 1)).collect();
                states.join(" ")
            }
            (Some("setparam"), Some(parameters)) => {
                let given: Vec<_> = parameters.split(';').filter_map(|pair| pair.split_once(':')).collect();
                for (id, value) in &given {
                    if self.parameters.len() < PARAMETERS || self.parameters.contains_key(*id) {
                        self.parameters.insert((*id).to_owned(), (*value).to_owned());
                    }
                }
                let told: Vec<_> =
                    given.iter().map(|(id, value)| format!("Param ID:{id} New Val:{value}")).collect();
                told.join(";")
            }
            (Some("getparam"), Some(ids)) => {
                let value = |id: &str| self.parameters.get(id).cloned().unwrap_or_default();
                let told: Vec<_> =
                    ids.split(';').map(|id| format!("Param ID:{id} Val:{}", value(id))).collect();
                told.join(";")
            }
            (Some("getgps"), _) => self.place.as_ref().map_or_else(|| "GPS:0".to_owned(), where_it_is),
            _ => format!("{command} done"),
        }
    }
}

impl Speaker for Device {
    fn greeting(&mut self) -> Vec<u8> {
        self.admitted = false;
        encode::login(&self.imei.to_string())
    }

    fn record(&mut self, reading: &Reading) -> Box<[u8]> {
        self.place = Some(reading.clone());
        let mut record = record(reading);
        if let Some(bits) = self.outputs.once_switched() {
            record.parameters.push((id::DIGITAL_OUTPUT_1, vec![bits & 1]));
            record.parameters.push((id::DIGITAL_OUTPUT_2, vec![bits >> 1 & 1]));
        }
        encode::record(self.codec, &record).into()
    }

    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet {
        let records = fitting(waiting, PACKET - AROUND, 0, MOST);
        let mut body = vec![records.len() as u8];
        records.iter().for_each(|record| body.extend_from_slice(&record.bytes));
        body.push(records.len() as u8);
        self.in_flight = records.len();
        Packet { bytes: encode::framed(self.codec.number(), &body), records: records.len() }
    }

    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense> {
        if !self.admitted {
            let Some(answer) = buffer.first() else { return Ok(None) };
            let said = match answer {
                0 => Said::Refused,
                1 => Said::Admitted,
                other => return Err(Nonsense::Login(*other)),
            };
            self.admitted = said == Said::Admitted;
            return Ok(Some((1, said)));
        }
        let Some((length, told)) = encode::told(buffer)? else { return Ok(None) };
        let said = match told {
            // All or nothing: a device cannot know which ones are missing.
            Told::Taken(taken) if usize::try_from(taken) == Ok(self.in_flight) => Said::Taken(self.in_flight),
            Told::Taken(_) => Said::NotTaken,
            Told::Command(command) => Said::Ordered(encode::answer(&self.obey(&command))),
            Told::Other => Said::Nothing,
        };
        Ok(Some((length, said)))
    }

    /// Before the command stand login and password, which are empty here: two spaces.
    fn text(&mut self, text: &str) -> Option<String> {
        Some(self.obey(text.strip_prefix("  ")?))
    }
}

/// Ids of the vendor's parameters; `protocols` names them in `teltonika/parameters.tsv`.
mod id {
    pub(super) const DIGITAL_INPUT_1: u16 = 1;
    pub(super) const TOTAL_ODOMETER: u16 = 16;
    pub(super) const GSM_BARS: u16 = 21;
    pub(super) const SPEED: u16 = 24;
    pub(super) const ENGINE_LOAD: u16 = 31;
    pub(super) const COOLANT: u16 = 32;
    pub(super) const RPM: u16 = 36;
    pub(super) const OBD_SPEED: u16 = 37;
    pub(super) const FUEL_LEVEL: u16 = 48;
    pub(super) const EXTERNAL_VOLTAGE: u16 = 66;
    pub(super) const BATTERY_VOLTAGE: u16 = 67;
    pub(super) const BATTERY_CURRENT: u16 = 68;
    pub(super) const GNSS_STATUS: u16 = 69;
    pub(super) const TEMPERATURE_1: u16 = 72;
    pub(super) const BATTERY_LEVEL: u16 = 113;
    pub(super) const DIGITAL_OUTPUT_1: u16 = 179;
    pub(super) const DIGITAL_OUTPUT_2: u16 = 180;
    pub(super) const PDOP: u16 = 181;
    pub(super) const HDOP: u16 = 182;
    pub(super) const TRIP_ODOMETER: u16 = 199;
    pub(super) const IGNITION: u16 = 239;
    pub(super) const MOVEMENT: u16 = 240;
    pub(super) const OPERATOR: u16 = 241;
}

/// The reading as a device of the vendor's has it, outputs excepted.
pub fn record(reading: &Reading) -> Record {
    let by_ignition = reading.cause == Cause::Ignition;
    Record {
        time: reading.time,
        priority: by_ignition.into(),
        lat: Reading::parts(reading.lat, 1e7),
        lng: Reading::parts(reading.lng, 1e7),
        altitude: reading.altitude,
        heading: reading.heading,
        satellites: reading.satellites,
        speed: reading.speed,
        event: if by_ignition { id::IGNITION } else { 0 },
        generation: 0,
        parameters: parameters(reading),
    }
}

fn parameters(reading: &Reading) -> Vec<(u16, Vec<u8>)> {
    let mut parameters = Vec::with_capacity(22);
    let mut byte = |id, value: u8| parameters.push((id, vec![value]));
    byte(id::IGNITION, reading.ignition.into());
    byte(id::MOVEMENT, reading.moving.into());
    byte(id::DIGITAL_INPUT_1, reading.ignition.into());
    byte(id::GSM_BARS, reading.gsm_bars);
    byte(id::GNSS_STATUS, if reading.satellites > 0 { 1 } else { 2 });
    byte(id::BATTERY_LEVEL, reading.battery_level);
    if let Some(engine) = reading.engine {
        byte(id::ENGINE_LOAD, engine.load);
        byte(id::COOLANT, engine.coolant.cast_unsigned());
        byte(id::OBD_SPEED, engine.speed);
        byte(id::FUEL_LEVEL, engine.fuel_level);
    }
    let mut word = |id, value: u16| parameters.push((id, value.to_be_bytes().to_vec()));
    word(id::PDOP, reading.pdop);
    word(id::HDOP, reading.hdop);
    word(id::EXTERNAL_VOLTAGE, reading.board_voltage);
    word(id::BATTERY_VOLTAGE, reading.battery_voltage);
    word(id::BATTERY_CURRENT, 0);
    word(id::SPEED, reading.speed);
    if let Some(engine) = reading.engine {
        word(id::RPM, engine.rpm);
    }
    let mut long = |id, value: u32| parameters.push((id, value.to_be_bytes().to_vec()));
    long(id::OPERATOR, u32::from(reading.mcc) * 100 + u32::from(reading.mnc));
    long(id::TOTAL_ODOMETER, reading.odometer);
    long(id::TRIP_ODOMETER, reading.trip);
    if let Some(temperature) = reading.cargo_temperature {
        long(id::TEMPERATURE_1, i32::from(temperature).cast_unsigned());
    }
    parameters
}

/// The answer to `getgps`.
fn where_it_is(reading: &Reading) -> String {
    let ((year, month, day), (hour, minute, second)) = reading.time.to_civil();
    format!(
        "GPS:{} Sat:{} Lat:{:.6} Long:{:.6} Alt:{} Speed:{} Dir:{} Date:{year}/{month}/{day} \
         Time:{hour:02}:{minute:02}:{second:02}",
        u8::from(reading.satellites > 0),
        reading.satellites,
        reading.lat,
        reading.lng,
        reading.altitude,
        reading.speed,
        reading.heading
    )
}
