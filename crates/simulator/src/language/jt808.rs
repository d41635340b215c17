//! JT/T 808: a terminal registers once, shows the code that it got on every connection, and keeps locations until the
//! platform's general answer names their message.
//! Source: JT/T 808-2019, sections 8.1 to 8.12, 8.28; the control words 0xF0 and 0xF1 as vendors' platforms send them.

use super::{Language, Nonsense, Packet, Said, Speaker, Waiting, concox, fitting, outputs::Outputs};
use crate::{imei::Imei, reading::Reading};
use protocols::jt808::encode::{self, Header, MAX_BODY, Record, Told};

pub(super) const LANGUAGE: Language = Language {
    protocol: "jt808",
    speaker: |imei| {
        Box::new(Device {
            imei,
            serial: 0,
            code: None,
            in_flight: None,
            outputs: Outputs::default(),
            place: Box::default(),
            reading: None,
        })
    },
};

struct Device {
    imei: Imei,
    serial: u16,
    /// From the registration.
    code: Option<Box<[u8]>>,
    /// The serial number of the message in flight, and its locations.
    in_flight: Option<(u16, usize)>,
    outputs: Outputs,
    /// The last location, for who asks where the terminal is.
    place: Box<[u8]>,
    /// The same, for who asks by short message.
    reading: Option<Reading>,
}

/// Count and kind of a batch.
const BATCH: usize = 3;
/// The length before each location of a batch.
const AROUND: usize = 2;
const MOST: usize = 50;

const GENERAL: u16 = 0x8001;
const REGISTRATION: u16 = 0x8100;
const PARAMETERS: u16 = 0x8103;
const CONTROL: u16 = 0x8105;
const WHERE: u16 = 0x8201;
const TEXT: u16 = 0x8300;
const AUTHENTICATION: u16 = 0x0102;
const DONE: u8 = 0;
const FAILED: u8 = 1;
const NOT_SUPPORTED: u8 = 3;
const CUT: u8 = 0xF0;
const RESTORE: u8 = 0xF1;

impl Device {
    fn header(&self) -> Header {
        let number = self.imei.to_string();
        Header::new(&number).unwrap_or_else(|| unreachable!("an IMEI has 15 digits"))
    }

    fn next(&mut self) -> u16 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    fn authentication(&mut self, code: &[u8]) -> Vec<u8> {
        let serial = self.next();
        self.header().authentication(serial, code, &self.imei.to_string())
    }

    fn told(&mut self, told: &Told) -> Said {
        match (told.message, &*told.body) {
            (REGISTRATION, [_, _, DONE, code @ ..]) => {
                self.code = Some(code.into());
                Said::Asked(self.authentication(code))
            }
            (REGISTRATION, _) => Said::Refused,
            (GENERAL, &[s1, s2, m1, m2, result]) => {
                let (serial, message) = (u16::from_be_bytes([s1, s2]), u16::from_be_bytes([m1, m2]));
                self.answered(serial, message, result)
            }
            (TEXT | PARAMETERS, _) => self.answer(told, DONE),
            (CONTROL, [word @ (CUT | RESTORE), ..]) => {
                self.outputs.set(if *word == CUT { Some('1') } else { Some('0') });
                self.answer(told, DONE)
            }
            (WHERE, _) if !self.place.is_empty() => {
                let serial = self.next();
                Said::Ordered(self.header().position(serial, told, &self.place))
            }
            (WHERE, _) => self.answer(told, FAILED),
            _ => self.answer(told, NOT_SUPPORTED),
        }
    }

    fn answered(&mut self, serial: u16, message: u16, result: u8) -> Said {
        match (message, self.in_flight) {
            (AUTHENTICATION, _) if result == DONE => Said::Admitted,
            (AUTHENTICATION, _) => {
                self.code = None;
                Said::Refused
            }
            (_, Some((sent, locations))) if sent == serial => {
                self.in_flight = None;
                if result == DONE { Said::Taken(locations) } else { Said::NotTaken }
            }
            _ => Said::Nothing,
        }
    }

    fn answer(&mut self, told: &Told, result: u8) -> Said {
        let serial = self.next();
        Said::Ordered(self.header().answer(serial, told, result))
    }
}

impl Speaker for Device {
    fn greeting(&mut self) -> Vec<u8> {
        self.in_flight = None;
        match self.code.clone() {
            Some(code) => self.authentication(&code),
            None => {
                let serial = self.next();
                self.header().registration(serial)
            }
        }
    }

    fn record(&mut self, reading: &Reading) -> Box<[u8]> {
        let record = Record {
            time: reading.time,
            lat: Reading::parts(reading.lat, 1e6),
            lng: Reading::parts(reading.lng, 1e6),
            altitude: reading.altitude,
            speed: reading.speed * 10,
            heading: reading.heading,
            satellites: reading.satellites,
            ignition: reading.ignition,
            cut: self.outputs.relay(),
            mileage: reading.odometer / 100,
            signal: reading.csq(),
            board_voltage: reading.board_voltage / 10,
            battery_voltage: reading.battery_voltage / 10,
            temperature: reading.cargo_temperature,
        };
        self.reading = Some(reading.clone());
        self.place = encode::location(&record).into();
        self.place.clone()
    }

    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet {
        let records = fitting(waiting, MAX_BODY - BATCH, AROUND, MOST);
        let serial = self.next();
        self.in_flight = Some((serial, records.len()));
        let locations: Vec<_> = records.iter().map(|record| &*record.bytes).collect();
        Packet { bytes: self.header().locations(serial, &locations), records: records.len() }
    }

    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense> {
        let Some((length, told)) = encode::told(buffer)? else { return Ok(None) };
        Ok(Some((length, told.map_or(Said::Nothing, |told| self.told(&told)))))
    }

    /// As Jimi's terminals do.
    fn text(&mut self, text: &str) -> Option<String> {
        Some(concox::obey(text, &mut self.outputs, self.reading.as_ref()))
    }
}
