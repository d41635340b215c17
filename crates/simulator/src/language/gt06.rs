//! GT06: a login with the IMEI; each message has a serial number, and stays until the server has repeated it; commands
//! are texts, as Concox's devices take them.
//! Source: Concox GT06N/F/E V1.0.0 (2015), sections 4 and 6.

use super::{Attempt, Language, Nonsense, Packet, Said, Speaker, Waiting, concox, fitting, outputs::Outputs};
use crate::{
    imei::Imei,
    reading::{Cause, Reading},
};
use protocols::gt06::encode::{self, Record, Status, Told};
use std::collections::VecDeque;

pub(super) const LANGUAGE: Language = Language {
    protocol: "gt06",
    speaker: |imei| {
        Box::new(Device {
            imei,
            serial: 0,
            in_flight: VecDeque::new(),
            outputs: Outputs::default(),
            reported: Outputs::default(),
            place: None,
        })
    },
};

struct Device {
    imei: Imei,
    serial: u16,
    /// Serial numbers of the messages in flight.
    in_flight: VecDeque<u16>,
    outputs: Outputs,
    /// The outputs as the server knows them.
    reported: Outputs,
    /// The last record, for who asks where the device is.
    place: Option<Reading>,
}

/// A segment of the network's is not longer.
const BURST: usize = 1400;
/// Start, length, serial number, checksum and stop of a message.
const AROUND: usize = 9;
const MOST: usize = 15;
const LOGIN: u8 = 0x01;

impl Device {
    fn next(&mut self) -> u16 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }
}

impl Speaker for Device {
    fn greeting(&mut self) -> Vec<u8> {
        self.in_flight.clear();
        let serial = self.next();
        let login = encode::login(&self.imei.to_string());
        encode::packet(&login.unwrap_or_default(), serial)
    }

    fn record(&mut self, reading: &Reading) -> Box<[u8]> {
        self.place = Some(reading.clone());
        let record = Record {
            time: reading.time,
            lat: Reading::parts(reading.lat, 1_800_000.0),
            lng: Reading::parts(reading.lng, 1_800_000.0),
            heading: reading.heading,
            speed: reading.speed.min(255) as u8,
            satellites: reading.satellites,
            mcc: reading.mcc,
            mnc: reading.mnc as u8,
            ignition: reading.ignition,
            mileage: reading.odometer,
        };
        if reading.cause == Cause::Motion && self.outputs == self.reported {
            return encode::location(&record).into();
        }
        self.reported = self.outputs;
        let alarm = match (reading.cause, reading.ignition) {
            (Cause::Motion, _) => 0,
            (Cause::Ignition, true) => encode::IGNITION_ON,
            (Cause::Ignition, false) => encode::IGNITION_OFF,
        };
        let status = Status {
            alarm,
            battery: (u16::from(reading.battery_level) * 6 / 100) as u8,
            signal: reading.gsm_bars.min(4),
            relay: self.outputs.relay(),
        };
        encode::alarm(&record, status).into()
    }

    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet {
        let records = fitting(waiting, BURST, AROUND, MOST);
        self.in_flight.clear();
        let mut bytes = Vec::new();
        for record in &records {
            let serial = self.next();
            self.in_flight.push_back(serial);
            bytes.extend(match record.attempt {
                Attempt::First => encode::packet(&record.bytes, serial),
                Attempt::Further => encode::packet_again(&record.bytes, serial),
            });
        }
        Packet { bytes, records: records.len() }
    }

    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense> {
        let Some((length, told)) = encode::told(buffer)? else { return Ok(None) };
        let said = match told {
            Told::Taken { number: LOGIN, .. } => Said::Admitted,
            Told::Taken { serial, .. } if self.in_flight.front() == Some(&serial) => {
                self.in_flight.pop_front();
                Said::Taken(1)
            }
            Told::Command { flag, text } => {
                let answer =
                    encode::answer(flag, &concox::obey(&text, &mut self.outputs, self.place.as_ref()));
                let serial = self.next();
                Said::Ordered(encode::packet(&answer, serial))
            }
            Told::Taken { .. } | Told::Other => Said::Nothing,
        };
        Ok(Some((length, said)))
    }

    fn text(&mut self, text: &str) -> Option<String> {
        Some(concox::obey(text, &mut self.outputs, self.place.as_ref()))
    }
}
