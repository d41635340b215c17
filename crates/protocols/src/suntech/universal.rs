//! Reports of all newer devices in text: kind, number, a map of the fields that follow, and the fields. Source: Suntech
//! "Universal Protocol"; bit 0 of the map is the number itself, bits 1 to 21 the fields in the order of `place`.

use super::{Dialect, Kind, Report, alerts, bits, cell, engine_hours, fix, key, legacy, moment, words};
use crate::{alarm::Alarms, cells::Cells, fields, hex, plausible, ports};
use domain::{Inputs, Message};

/// Places of fields behind the map when all are there, and the bits that announce them.
mod place {
    pub(super) const DATE: usize = 3;
    pub(super) const TIME: usize = 4;
    pub(super) const CELL: usize = 5;
    pub(super) const MCC: usize = 6;
    pub(super) const MNC: usize = 7;
    pub(super) const AREA: usize = 8;
    pub(super) const STRENGTH: usize = 9;
    pub(super) const LAT: usize = 10;
    pub(super) const LNG: usize = 11;
    pub(super) const SPEED: usize = 12;
    pub(super) const HEADING: usize = 13;
    pub(super) const SATELLITES: usize = 14;
    pub(super) const VALID: usize = 15;
    pub(super) const INPUTS: usize = 16;
    pub(super) const OUTPUTS: usize = 17;
    /// Mode of a status report, number of an alert, length of data.
    pub(super) const FIRST: usize = 18;
    pub(super) const THIRD: usize = 20;
    pub(super) const COUNT: usize = 21;
}
/// A field without use here, and the map of the values that follow it.
const RESERVED: u32 = 22;
const ASSIGNED: u32 = 23;

pub(super) fn read(head: &str, line: &[u8]) -> Option<Report> {
    let list = words(line);
    let report = |messages, kind| Report { messages, answer: None, kind, dialect: Dialect::Universal };
    match head {
        "ALV" => Some(report(Vec::new(), Kind::Alive)),
        "RES" | "CMD" => {
            let text = list.get(2..)?.join(&b';');
            let answer = fields::text(&text).map(str::to_owned);
            Some(Report { answer, ..report(Vec::new(), Kind::Other) })
        }
        "BLE" => Some(report(vec![tag(&list, 2)?], Kind::Other)),
        // Beacons have a map, of whose bits only those of this form are known.
        "BSA" => Some(report(vec![tag(&list, 3)?], Kind::Other)),
        "STT" => Some(report(vec![mapped(head, &list, line)?], Kind::Status)),
        "EMG" => Some(report(vec![mapped(head, &list, line)?], Kind::Emergency)),
        _ => Some(report(vec![mapped(head, &list, line)?], Kind::Other)),
    }
}

fn mapped(head: &str, list: &[&[u8]], line: &[u8]) -> Option<Message> {
    let map = list.get(2).filter(|map| map.len() >= 4).and_then(|map| fields::hex(map))?;
    let has = |bit: u32| map >> bit & 1 == 1;
    // Fields at their places, empty where the map leaves them out.
    let mut all: [&[u8]; place::COUNT] = [b""; place::COUNT];
    let mut next = 3;
    for (bit, field) in (1_u32..).zip(&mut all) {
        if has(bit) {
            *field = list.get(next).copied().unwrap_or_default();
            next += 1;
        }
    }
    let (mut inputs, mut alarms, mut cells) = (Inputs::with_capacity(16), Alarms::new(), Cells::new());
    let time = moment(all[place::DATE], all[place::TIME]);
    let strength = fields::integer::<i16>(all[place::STRENGTH]);
    let (area, id) = (fields::hex(all[place::AREA]), fields::hex(all[place::CELL]));
    cell(all[place::MCC], all[place::MNC], area, id, strength.filter(|dbm| (-150..0).contains(dbm)))
        .map(|it| cells.cell(it));
    let position = fix(&[all[place::LAT], all[place::LNG], all[place::SPEED], all[place::HEADING]]);
    let position = position.map(|mut fix| {
        fix.satellites = fields::integer(all[place::SATELLITES]).and_then(plausible::satellites);
        fix.valid = all[place::VALID] == b"1";
        fix
    });
    wires(bits(all[place::INPUTS]), bits(all[place::OUTPUTS]), &mut inputs);
    let number = fields::integer::<i64>(all[place::FIRST]);
    match (head, number) {
        ("STT", Some(mode)) => {
            if let 1 | 2 = mode {
                inputs.push(input!("motion"), mode == 2);
            }
        }
        ("ALT", Some(number)) => {
            alerts::alert(number, &mut alarms, &mut inputs);
            if number == DRIVER_IDENTIFIED {
                key(all[place::THIRD], &mut inputs);
            }
        }
        ("EMG", Some(number)) => alerts::emergency(number, &mut alarms, &mut inputs),
        ("EVT", Some(number)) => inputs.push(input!("event_code"), number),
        ("UEX", Some(_)) => {
            if let Some((data, _)) = legacy::data_and_rest(line, length_place(map)) {
                legacy::accessory(data, &mut inputs);
            }
        }
        _ => {}
    }
    if head == "STT" && has(ASSIGNED) {
        assigned(list.get(next + usize::from(has(RESERVED))..).unwrap_or_default(), &mut inputs);
    }
    cells.write(&mut inputs);
    alarms.write(&mut inputs);
    Some(Message { time, fix: position, inputs })
}

/// Where the length of passed-on data stands: behind kind, number, map and the fields before it.
pub(super) fn length_place(map: u64) -> usize {
    3 + (1..=18).filter(|bit| map >> bit & 1 == 1).count()
}

/// Alert whose data is the driver's key.
pub(super) const DRIVER_IDENTIFIED: i64 = 59;

/// Bit 0 is the ignition, the others are inputs and outputs.
pub(super) fn wires(ins: Option<u32>, outs: Option<u32>, inputs: &mut Inputs) {
    if let Some(bits) = ins {
        inputs.push(input!("ignition"), bits & 1 == 1);
        ports::digital_inputs(bits >> 1, 3, inputs);
    }
    if let Some(bits) = outs {
        ports::digital_outputs(bits, 3, inputs);
    }
}

/// A second map and a value for each of its bits.
fn assigned(list: &[&[u8]], inputs: &mut Inputs) {
    let Some((map, values)) = list.split_first() else { return };
    let Some(map) = fields::hex(map) else { return };
    let mut values = values.iter();
    for bit in (0..32).filter(|bit| map >> bit & 1 == 1) {
        let Some(value) = values.next() else { return };
        match (bit, fields::decimal(value)) {
            (0, Some(volts)) => inputs.push(input!("battery_voltage"), volts),
            (1, Some(volts)) => inputs.push(input!("board_voltage"), volts),
            (15, Some(_)) => engine_hours(value, inputs),
            _ => {}
        }
    }
}

/// A wireless tag: model, software, date, time, coordinates, fix, strengths, address; what follows depends on the tag.
fn tag(list: &[&[u8]], first: usize) -> Option<Message> {
    let date =
        (first..list.len().saturating_sub(1).min(8)).find(|at| moment(list[*at], list[at + 1]).is_some())?;
    let &[lat, lng, valid] = list.get(date + 2..)?.first_chunk::<3>()?;
    let position = fix(&[lat, lng, b"", b""]).map(|mut fix| {
        fix.valid = valid == b"1";
        fix
    });
    let mut inputs = Inputs::with_capacity(2);
    let rest = list.get(date + 5..).unwrap_or_default();
    let address =
        rest.iter().map(|word| word.iter().copied().filter(|byte| *byte != b':').collect::<Vec<_>>());
    let mut address = address.filter(|word| word.len() == 12 && word.iter().all(u8::is_ascii_hexdigit));
    if let Some(address) = address.next().as_deref().and_then(fields::text) {
        inputs.push(input!("ble_mac"), address);
    }
    if let Some(dbm) = rest.first().and_then(|word| fields::integer::<i16>(word)).filter(|dbm| *dbm < 0)
        && let Some(name) = family!("ble_signal_strength_#").member(1)
    {
        inputs.push(name, f64::from(dbm));
    }
    Some(Message { time: moment(list[date], list[date + 1]), fix: position, inputs })
}

/// Recorded accelerations of a crash: `CRR;number;part;parts;length;` and the bytes, of which the first six are the date.
pub(super) fn crash(line: &[u8]) -> Option<Report> {
    let mut head = fields::Fields::new(line, b';');
    head.skip_fields(4);
    let length = head.integer::<usize>()?;
    let data = head.rest().get(..length)?;
    let time = crate::clock::binary(*data.first_chunk()?);
    let mut inputs = Inputs::with_capacity(3);
    inputs.push(input!("crash_detection"), 1_i64);
    inputs.push(input!("crash_trace"), &*hex::upper(data));
    let mut alarms = Alarms::new();
    alarms.raise(crate::alarm::Alarm::Collision);
    alarms.write(&mut inputs);
    let messages = vec![Message { time, fix: None, inputs }];
    Some(Report { messages, answer: None, kind: Kind::Other, dialect: Dialect::Universal })
}
