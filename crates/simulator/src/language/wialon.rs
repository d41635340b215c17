//! Wialon IPS 2.0: a login, single records and black boxes, each answered with how many records arrived; commands are
//! messages to the driver.
//! Source: Gurtam, "Wialon IPS" v.2.1 (2023), "Packet Types".

use super::{Language, Nonsense, Packet, Said, Speaker, Waiting, fitting, line};
use crate::{imei::Imei, reading::Reading};
use protocols::wialon::encode::{self, Record};

pub(super) const LANGUAGE: Language =
    Language { protocol: "wialon", speaker: |imei| Box::new(Device { imei, in_flight: 0 }) };

struct Device {
    imei: Imei,
    /// Records of the packet in flight.
    in_flight: usize,
}

const PACKET: usize = 8000;
/// What divides records.
const AROUND: usize = 1;
const MOST: usize = 50;

impl Speaker for Device {
    fn greeting(&mut self) -> Vec<u8> {
        self.in_flight = 0;
        encode::login(&self.imei.to_string())
    }

    fn record(&mut self, reading: &Reading) -> Box<[u8]> {
        let mut parameters = vec![
            ("pwr_ext", f64::from(reading.board_voltage) / 1000.0),
            ("pwr_int", f64::from(reading.battery_voltage) / 1000.0),
        ];
        if let Some(engine) = reading.engine {
            parameters.push(("can_rpm", engine.rpm.into()));
            parameters.push(("can_speed", engine.speed.into()));
            parameters.push(("can_coolant_t", engine.coolant.into()));
        }
        let record = Record {
            time: reading.time,
            lat: reading.lat,
            lng: reading.lng,
            speed: reading.speed,
            course: reading.heading,
            altitude: reading.altitude,
            satellites: reading.satellites,
            hdop: f64::from(reading.hdop) / 10.0,
            // The wire of the ignition.
            inputs: reading.ignition.into(),
            outputs: 0,
            parameters,
        };
        encode::record(&record).into()
    }

    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet {
        let records = fitting(waiting, PACKET, AROUND, MOST);
        self.in_flight = records.len();
        let bytes: Vec<_> = records.iter().map(|record| &*record.bytes).collect();
        Packet { bytes: encode::packet(&bytes), records: records.len() }
    }

    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense> {
        let Some(line) = line(buffer, b'\n')? else { return Ok(None) };
        let text = String::from_utf8_lossy(line);
        let said = match text.trim().trim_start_matches('#').split_once('#') {
            Some(("AL", "1")) => Said::Admitted,
            Some(("AL", _)) => Said::Refused,
            Some(("AD" | "AB", taken)) => match taken.parse() {
                Ok(taken) if taken == self.in_flight => Said::Taken(taken),
                _ => Said::NotTaken,
            },
            Some(("M", _)) => Said::Ordered(encode::answer(true)),
            _ => Said::Nothing,
        };
        Ok(Some((line.len(), said)))
    }
}
