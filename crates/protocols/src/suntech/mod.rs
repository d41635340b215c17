//! Suntech's vehicle and portable devices: the reports of ST300, ST600, ST340 and SA200, of ST910 and of ST4xx, those of all
//! newer devices ("universal"), and the binary forms of the first ("zip") and the last. Sources: Suntech "ST300/340
//! Operation Manual – LATAM" 1.41, "ST310U Operation Manual" 1.08, "ST3940 User Manual" 1.06, "ST910 manual", "Universal
//! Protocol" and "Suntech Messages to Back-End Server" 1.60. Every report carries the device's number; nothing has a checksum.

mod alerts;
mod binary;
mod command;
mod framing;
mod legacy;
mod portable;
mod universal;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, cells, fields, plausible,
    speakers::{Answer, Speakers},
};
use domain::{
    Command, CommandId, CommandKind, Coordinates, DeviceId, Fix, Inputs, Message, Outcome, RecordHash,
    Timestamp, Transport,
};

pub struct Suntech;

/// Reports have a few hundred bytes; those that pass data on have up to 1,000 of it.
const MAX_FRAME: usize = 4 * 1024;

impl Protocol for Suntech {
    fn name(&self) -> &'static str {
        "suntech"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5011
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        match framing::find(start, MAX_FRAME) {
            Ok(Framing::Frame(length)) => name_of(&start[..length])
                .and_then(|id| DeviceId::new(&id).ok())
                .map_or(Recognition::No, Recognition::Login),
            Ok(Framing::Incomplete) => Recognition::Unsure,
            _ => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        command::KINDS
    }

    fn machine(&self, transport: Transport) -> Box<dyn Machine> {
        let acknowledgement = match transport {
            Transport::Udp => Acknowledgement::Always,
            Transport::Tcp | Transport::Http => Acknowledgement::Emergencies,
        };
        Box::new(Session { acknowledgement, speakers: Speakers::new(), dialects: Vec::new() })
    }
}

/// What is acknowledged: over TCP only emergencies, which the device repeats until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acknowledgement {
    Always,
    Emergencies,
}

/// How a device writes, which is how it wants to be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Dialect {
    /// Name of the family: `ST300`, `SA200`, `ST600` …
    Legacy(Box<str>),
    /// The zip form of such a family, which is not named in it.
    Zip,
    /// ST910, whose commands are in no document at hand.
    Portable,
    Universal,
}

struct Session {
    acknowledgement: Acknowledgement,
    speakers: Speakers,
    /// By slot.
    dialects: Vec<(DeviceSlot, Dialect)>,
}

/// What one frame says.
struct Report {
    /// Its messages; none for a sign of life.
    messages: Vec<Message>,
    /// The device's answer to a command.
    answer: Option<String>,
    kind: Kind,
    dialect: Dialect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Alive,
    Status,
    Emergency,
    Other,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        framing::find(buffer, MAX_FRAME)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let name = name_of(frame).ok_or(Broken::NotAFrame("a report without the device's number"))?;
        let Some(slot) = self.speakers.named(&name, frame, events)? else { return Ok(()) };
        let Some(report) = read(frame) else {
            let (error, bytes) = ("a report of no known kind".to_owned(), frame.to_vec());
            events.push_back(Event::Problem { slot, error, bytes });
            // Otherwise the device would send it again for ever.
            let reply = match (self.acknowledgement, head(frame)) {
                (Acknowledgement::Always, Some((dialect, _)))
                | (Acknowledgement::Emergencies, Some((dialect, Kind::Emergency))) => {
                    acknowledgement(self.acknowledgement, &dialect, &name)
                }
                _ => None,
            };
            events.extend(reply.map(Event::ReplyWhenDurable));
            return Ok(());
        };
        if report.kind == Kind::Alive {
            events.push_back(Event::Heartbeat { slot });
        }
        if let Some(text) = report.answer {
            events.push_back(Event::Reply { slot, command: None, outcome: Outcome::Done, text });
        }
        let acknowledged = match (self.acknowledgement, report.kind) {
            (_, Kind::Alive) => false,
            (Acknowledgement::Always, _) => !report.messages.is_empty(),
            (Acknowledgement::Emergencies, kind) => kind == Kind::Emergency,
        };
        for message in report.messages {
            let hash = RecordHash::of(own_bytes(frame));
            events.push_back(Event::Message { slot, message, hash });
        }
        if acknowledged {
            let reply = acknowledgement(self.acknowledgement, &report.dialect, &name);
            events.extend(reply.map(Event::ReplyWhenDurable));
        }
        match self.dialects.iter_mut().find(|(of, _)| *of == slot) {
            Some((_, dialect)) => *dialect = report.dialect,
            None => self.dialects.push((slot, report.dialect)),
        }
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Err(broken) = self.decode(&frame, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            Answer::Refused(_) => self.speakers.leave(events),
            Answer::Nothing => {}
        }
    }

    fn command(
        &mut self,
        slot: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let not_yet = CommandError::NotNow("the device has not said its name");
        let id = self.speakers.id(slot).ok_or(not_yet)?;
        let dialect = self.dialects.iter().find(|(of, _)| *of == slot).map(|(_, dialect)| dialect);
        command::write(dialect.ok_or(not_yet)?, id.as_str(), command, wire)
    }
}

/// Over UDP a device sends a report again until it is acknowledged (manual of ST300/340, "ACK in case of UDP"); an
/// emergency stops when it is acknowledged by a command ("ACK of Emergency"). What universal devices and
/// ST910 wait for over UDP is in no document at hand.
fn acknowledgement(what: Acknowledgement, dialect: &Dialect, id: &str) -> Option<Vec<u8>> {
    match (what, dialect) {
        (Acknowledgement::Always, Dialect::Legacy(family)) => Some(format!("{family}ACK;{id}").into_bytes()),
        (Acknowledgement::Always, Dialect::Zip) => {
            let digits: [u8; 5] = crate::bcd::pack(&format!("{id}0"))?;
            Some([&[0x15], &digits[..]].concat())
        }
        (Acknowledgement::Emergencies, Dialect::Legacy(family)) => {
            Some(format!("{family}CMD;{id};02;AckEmerg\r").into_bytes())
        }
        (Acknowledgement::Emergencies, Dialect::Zip) => {
            Some(format!("ST300CMD;{id};02;AckEmerg\r").into_bytes())
        }
        (_, Dialect::Universal | Dialect::Portable) => None,
    }
}

/// The record is the report itself, without the end of its line.
fn own_bytes(frame: &[u8]) -> &[u8] {
    if binary::begins(frame) { frame } else { frame.trim_ascii_end() }
}

/// The device's number.
fn name_of(frame: &[u8]) -> Option<String> {
    if binary::begins(frame) {
        return binary::name(frame);
    }
    let mut words = fields::Fields::new(frame.trim_ascii_end(), b';');
    let head = words.text()?;
    let second = words.text()?;
    let name = match (head, second) {
        // A report of ST910, or an answer to a command: the word before the number says which.
        (head, word) if head == "ST910" || word == "Res" => words.text()?,
        (_, name) => name,
    };
    let digits = name.bytes().all(|byte| byte.is_ascii_digit()) && (5..=15).contains(&name.len());
    digits.then(|| name.to_owned())
}

fn read(frame: &[u8]) -> Option<Report> {
    if binary::begins(frame) {
        return binary::read(frame);
    }
    let line = frame.trim_ascii_end();
    let head = first_word(line)?;
    match head {
        "ST910" => portable::read(line),
        "CRR" => universal::crash(line),
        "STT" | "ALT" | "EMG" | "EVT" | "UEX" | "ALV" | "BLE" | "BSA" | "RES" | "CMD" => {
            universal::read(head, line)
        }
        head => {
            let (family, kind) = family_and_kind(head)?;
            legacy::read(family, kind, line)
        }
    }
}

/// What the head alone says of a report that cannot be read, where such reports are acknowledged.
fn head(frame: &[u8]) -> Option<(Dialect, Kind)> {
    if binary::begins(frame) {
        return binary::zip_kind(frame).map(|kind| (Dialect::Zip, kind));
    }
    match first_word(frame)? {
        "ST910" => None,
        head => {
            let (family, kind) = family_and_kind(head)?;
            let kind = if kind == "EMG" { Kind::Emergency } else { Kind::Other };
            Some((Dialect::Legacy(family.into()), kind))
        }
    }
}

fn first_word(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(fields::Fields::new(line, b';').next()?).ok()
}

/// `ST300` and `STT` of `ST300STT`.
fn family_and_kind(head: &str) -> Option<(&str, &str)> {
    head.split_at_checked(head.len().checked_sub(3)?).filter(|(family, _)| !family.is_empty())
}

/// The fields of a report in text.
type Words<'a> = [&'a [u8]];

fn words(line: &[u8]) -> Vec<&[u8]> {
    fields::Fields::new(line, b';').collect()
}

/// `YYYYMMDD` and `HH:MM:SS`.
fn moment(date: &[u8], time: &[u8]) -> Option<Timestamp> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return None };
    if date.len() != 8 {
        return None;
    }
    crate::clock::year_first(&[date, &[h1, h2, m1, m2, s1, s2]].concat())
}

/// Latitude, longitude, speed (km/h) and heading as decimals.
fn fix(words: &Words<'_>) -> Option<Fix> {
    let &[lat, lng, speed, heading] = words.first_chunk::<4>()?;
    let (lat, lng) = (coordinate(lat)?, coordinate(lng)?);
    let heading = fields::decimal(heading).filter(|heading| (0.0..=360.0).contains(heading));
    Some(Fix {
        speed: fields::decimal(speed).and_then(|speed| plausible::speed_kmh(speed as f32)),
        heading: heading.and_then(|heading| plausible::heading(heading.round() as u16)),
        ..Fix::at(Coordinates::new(lat, lng)?)
    })
}

fn coordinate(word: &[u8]) -> Option<f64> {
    word.contains(&b'.').then(|| fields::decimal(word))?
}

/// Digits 0 and 1, the ignition first or last.
fn bits(word: &[u8]) -> Option<u32> {
    let binary = !word.is_empty() && word.len() <= 16 && word.iter().all(|byte| matches!(byte, b'0' | b'1'));
    binary.then(|| word.iter().fold(0, |bits, byte| bits << 1 | u32::from(byte - b'0')))
}

/// An identification key; only zeros say that there was none.
fn key(word: &[u8], inputs: &mut Inputs) {
    let digits = word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(|byte| *byte != b'0');
    if let Some(text) = fields::text(word).filter(|_| digits) {
        inputs.push(input!("hardware_key"), &*text.to_ascii_uppercase());
    }
}

/// Metres, as kilometres.
fn mileage(metres: f64, inputs: &mut Inputs) {
    inputs.push(input!("hw_mileage"), metres / 1000.0);
}

/// Minutes with the engine running; with a fraction they are hours already.
fn engine_hours(word: &[u8], inputs: &mut Inputs) {
    if let Some(count) = fields::decimal(word) {
        inputs.push(input!("hw_engine_hours"), if word.contains(&b'.') { count } else { count / 60.0 });
    }
}

/// Country, network, area and cell in the form that the reports share.
fn cell(mcc: &[u8], mnc: &[u8], area: Option<u64>, id: Option<u64>, dbm: Option<i16>) -> Option<cells::Cell> {
    let (mcc, mnc) = (fields::integer::<u16>(mcc)?, fields::integer::<u16>(mnc)?);
    Some(cells::Cell { mcc, mnc, area: u32::try_from(area?).ok()?, id: id?, dbm })
}
