//! Queclink: no login; each report has a running number, and stays until the server has repeated it (`+SACK`); commands
//! are `AT+GT…`. What is sent again is a report from the buffer.
//! Source: Queclink @Track of GV55Lite, "SACK", "Command and Acknowledgement", AT+GTOUT.

use super::{Attempt, Language, Nonsense, Packet, Said, Speaker, Waiting, fitting, line, outputs::Outputs};
use crate::{imei::Imei, reading::Reading};
use domain::Timestamp;
use protocols::gl200::encode::{self, Record};
use std::collections::VecDeque;

pub(super) const LANGUAGE: Language = Language {
    protocol: "gl200",
    speaker: |imei| {
        Box::new(Device {
            imei,
            count: 0,
            in_flight: VecDeque::new(),
            outputs: Outputs::default(),
            clock: Timestamp::from_seconds(0),
            place: Box::default(),
        })
    },
};

struct Device {
    imei: Imei,
    count: u16,
    /// The numbers of the reports in flight.
    in_flight: VecDeque<u16>,
    outputs: Outputs,
    /// When the last record was made.
    clock: Timestamp,
    /// The last report, for who asks where the device is.
    place: Box<[u8]>,
}

/// A segment of the network's is not longer.
const BURST: usize = 1400;
/// Head, count and end of a report.
const AROUND: usize = 14;
const MOST: usize = 15;

impl Device {
    fn next(&mut self) -> u16 {
        self.count = self.count.wrapping_add(1);
        self.count
    }

    /// Does what it is told: the answer.
    fn obey(&mut self, command: &str) -> Option<Vec<u8>> {
        let (name, parameters) = command.strip_prefix("AT+GT")?.split_once('=')?;
        let fields: Vec<_> = parameters.split(',').collect();
        if name == "OUT" {
            // State, duration and number of pulses of each output, behind the password.
            let states = fields.iter().skip(1).step_by(3).take(4);
            self.outputs.set(states.map(|state| state.chars().next().unwrap_or(' ')));
        }
        let serial = fields.last().copied().unwrap_or_default();
        let count = self.next();
        Some(encode::answer(&self.imei.to_string(), name, serial, self.clock, count))
    }
}

impl Speaker for Device {
    fn greeting(&mut self) -> Vec<u8> {
        self.in_flight.clear();
        Vec::new()
    }

    fn record(&mut self, reading: &Reading) -> Box<[u8]> {
        self.clock = reading.time;
        let record = Record {
            time: reading.time,
            lat: reading.lat,
            lng: reading.lng,
            altitude: reading.altitude,
            heading: reading.heading,
            speed: reading.speed,
            accuracy: if reading.satellites > 0 { (reading.hdop / 10).max(1) as u8 } else { 0 },
            mcc: reading.mcc,
            mnc: reading.mnc,
            mileage: reading.odometer,
            power: reading.board_voltage,
            battery: reading.battery_level,
            fuel: reading.engine.map(|engine| engine.fuel_level),
            ignition: reading.ignition,
            motion: reading.moving,
            outputs: self.outputs.bits(),
        };
        self.place = encode::report(&self.imei.to_string(), &record).into();
        self.place.clone()
    }

    fn packet(&mut self, waiting: &mut dyn Iterator<Item = &Waiting>) -> Packet {
        let records = fitting(waiting, BURST, AROUND, MOST);
        self.in_flight.clear();
        let mut bytes = Vec::new();
        for record in &records {
            let count = self.next();
            self.in_flight.push_back(count);
            bytes.extend(match record.attempt {
                Attempt::First => encode::fresh(&record.bytes, count),
                Attempt::Further => encode::buffered(&record.bytes, count),
            });
        }
        Packet { bytes, records: records.len() }
    }

    fn hear(&mut self, buffer: &[u8]) -> Result<Option<(usize, Said)>, Nonsense> {
        let Some(line) = line(buffer, b'$')? else { return Ok(None) };
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('$').trim();
        let said = match text.strip_prefix("+SACK:") {
            Some(count) => match u16::from_str_radix(count, 16) {
                Ok(count) if self.in_flight.front() == Some(&count) => {
                    self.in_flight.pop_front();
                    Said::Taken(1)
                }
                _ => Said::Nothing,
            },
            None => self.obey(text).map_or(Said::Nothing, Said::Ordered),
        };
        Ok(Some((line.len(), said)))
    }

    /// It writes as it speaks. Asked where it is (AT+GTRTO with 1), it answers with a report of that name.
    fn text(&mut self, text: &str) -> Option<String> {
        let command = text.trim().trim_end_matches('$');
        let mut fields = command.strip_prefix("AT+GTRTO=").into_iter().flat_map(|fields| fields.split(','));
        let report = self.place.strip_prefix(b"FRI").map(|rest| [b"RTL", rest].concat());
        let answer = match report {
            Some(report) if fields.nth(1) == Some("1") => encode::fresh(&report, self.next()),
            _ => self.obey(command)?,
        };
        String::from_utf8(answer).ok()
    }
}
