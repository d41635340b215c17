//! Meitrack: no login; binary records, which stay in the device until the server has said how many of them it has.
//! Source: T366 and MVT100 GPRS Protocol, "CCE"; MEITRACK T622 GPRS Protocol, C01 and A10.

use super::{Language, Nonsense, Packet, Said, Speaker, Waiting, fitting, line, outputs::Outputs};
use crate::{
    imei::Imei,
    reading::{Cause, Reading},
};
use protocols::meitrack::encode::{self, Record};

pub(super) const LANGUAGE: Language = Language {
    protocol: "meitrack",
    speaker: |imei| {
        let outputs = Outputs::default();
        Box::new(Device { imei, identifier: FIRST, in_flight: None, outputs, place: None })
    },
};

struct Device {
    imei: Imei,
    /// Of the last packet.
    identifier: u8,
    /// The records of the packet in flight.
    in_flight: Option<usize>,
    outputs: Outputs,
    /// The last record, for who asks where the device is.
    place: Option<Record>,
}

const FIRST: u8 = b'A';
const LAST: u8 = b'z';
/// The vendor's packets have up to 1,100 bytes.
const PACKET: usize = 1000;
/// The length before each record.
const AROUND: usize = 2;
const MOST: usize = 20;

/// Events: at the interval, the third input on and off, asked for.
const INTERVAL: u8 = 35;
const INPUT_3_ON: u8 = 3;
const INPUT_3_OFF: u8 = 11;
const ON_DEMAND: u8 = 34;
/// The wire of the ignition.
const INPUT_3: u8 = 1 << 2;

impl Device {
    /// Takes a packet of the server.
    fn told(&mut self, packet: &str) -> Said {
        let Some((identifier, command)) = parts(packet) else { return Said::Nothing };
        let mut words = command.split(',');
        let word = words.next().unwrap_or_default();
        match (word, self.in_flight) {
            ("CCE", Some(records)) if identifier == self.identifier => {
                self.in_flight = None;
                let taken = words.next().and_then(|taken| taken.parse().ok());
                if taken == Some(records) { Said::Taken(records) } else { Said::NotTaken }
            }
            ("CCE", _) => Said::Nothing,
            ("A10", _) if let Some(place) = &self.place => {
                let place = encode::record(&Record { event: ON_DEMAND, ..place.clone() });
                Said::Ordered(encode::packet(identifier, &self.imei.to_string(), 0, &[&place]))
            }
            _ => {
                if word == "C01" {
                    self.outputs.set(words.nth(1).unwrap_or_default().chars());
                }
                Said::Ordered(encode::answer(identifier, &self.imei.to_string(), word, "OK"))
            }
        }
    }
}

impl Speaker for Device {
    fn greeting(&mut self) -> Vec<u8> {
        self.in_flight = None;
        Vec::new()
    }

    fn record(&mut self, reading: &Reading) -> Box<[u8]> {
        let event = match (reading.cause, reading.ignition) {
            (Cause::Motion, _) => INTERVAL,
            (Cause::Ignition, true) => INPUT_3_ON,
            (Cause::Ignition, false) => INPUT_3_OFF,
        };
        let record = Record {
            time: reading.time,
            event,
            lat: Reading::parts(reading.lat, 1e6),
            lng: Reading::parts(reading.lng, 1e6),
            altitude: reading.altitude,
            heading: reading.heading,
            speed: reading.speed,
            satellites: reading.satellites,
            hdop: reading.hdop,
            signal: reading.csq(),
            inputs: if reading.ignition { INPUT_3 } else { 0 },
            outputs: self.outputs.bits(),
            mileage: reading.odometer,
            battery: reading.battery_voltage / 10,
            power: reading.board_voltage / 10,
            fuel: reading.engine.map(|engine| u16::from(engine.fuel_level) * 100),
            temperature: reading.cargo_temperature.map(|tenths| tenths * 10),
        };
        let bytes = encode::record(&record);
        self.place = Some(record);
        bytes.into()
    }

    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet {
        let records = fitting(waiting, PACKET, AROUND, MOST);
        self.identifier = if self.identifier == LAST { FIRST } else { self.identifier + 1 };
        self.in_flight = Some(records.len());
        let left = waiting.count() as u32;
        let bytes: Vec<_> = records.iter().map(|record| &*record.bytes).collect();
        let bytes = encode::packet(self.identifier, &self.imei.to_string(), left, &bytes);
        Packet { bytes, records: records.len() }
    }

    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense> {
        let Some(line) = line(buffer, b'\n')? else { return Ok(None) };
        let packet = String::from_utf8_lossy(line).into_owned();
        Ok(Some((line.len(), self.told(packet.trim_end()))))
    }
}

/// Identifier and command of `@@<identifier><length>,<IMEI>,<command>*<checksum>`.
fn parts(packet: &str) -> Option<(u8, &str)> {
    let (body, _checksum) = packet.strip_prefix("@@")?.rsplit_once('*')?;
    let identifier = *body.as_bytes().first()?;
    body.splitn(3, ',').nth(2).map(|command| (identifier, command))
}
