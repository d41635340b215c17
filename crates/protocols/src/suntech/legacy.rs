//! Reports of the first families, ST300, ST340, ST600, SA200 and ST4xx, in text: a head with family and kind, the number,
//! fields of fixed place up to the inputs, and behind them what the settings of the device add. Those are told by their
//! looks. Source: manual of ST300/340, chapter 6.

use super::{
    Dialect, Kind, Report, Words, alerts, bits, cell, coordinate, engine_hours, fix, key, mileage, moment,
    words,
};
use crate::{alarm::Alarms, cells::Cells, fields, plausible, ports};
use domain::{Inputs, Message};

pub(super) fn read(family: &str, kind: &str, line: &[u8]) -> Option<Report> {
    let list = words(line);
    let dialect = Dialect::Legacy(family.into());
    if list.get(1) == Some(&&b"Res"[..]) {
        // What stands behind the number answers a command, or a change of settings.
        let text = list.get(3..).map(|rest| rest.join(&b';'))?;
        let answer = fields::text(&text).map(str::to_owned);
        return Some(Report { messages: Vec::new(), answer, kind: Kind::Other, dialect });
    }
    let (messages, kind) = match kind {
        "ALV" => (Vec::new(), Kind::Alive),
        "HTE" => (vec![trip(&list)?], Kind::Other),
        "STT" if family == "ST410" => (vec![cell_report(&list)?], Kind::Status),
        "STT" => (vec![report(kind, &list, line)?], Kind::Status),
        "EMG" => (vec![report(kind, &list, line)?], Kind::Emergency),
        "ALT" | "EVT" | "UEX" => (vec![report(kind, &list, line)?], Kind::Other),
        _ => return None,
    };
    Some(Report { messages, answer: None, kind, dialect })
}

/// Where date and time stand.
fn date_place(list: &Words<'_>) -> Option<usize> {
    (2..list.len().saturating_sub(1).min(8)).find(|at| moment(list[*at], list[at + 1]).is_some())
}

fn report(kind: &str, list: &Words<'_>, line: &[u8]) -> Option<Message> {
    let date = date_place(list)?;
    let time = moment(list[date], list[date + 1]);
    let (mut inputs, mut alarms, mut cells) = (Inputs::with_capacity(16), Alarms::new(), Cells::new());
    // The cell is one field, or five with country, network, area and strength.
    let place = match list.get(date + 3) {
        Some(word) if coordinate(word).is_some() => date + 3,
        _ => date + 7,
    };
    if place == date + 7 {
        let &[id, mcc, mnc, area] = list.get(date + 2..)?.first_chunk::<4>()?;
        cell(mcc, mnc, fields::hex(area), fields::hex(id), None).map(|it| cells.cell(it));
    }
    let mut position = fix(list.get(place..)?)?;
    let &[satellites, valid, distance, power, ports] = list.get(place + 4..)?.first_chunk::<5>()?;
    position.satellites = fields::integer(satellites).and_then(plausible::satellites);
    position.valid = valid == b"1";
    if let Some(metres) = fields::decimal(distance) {
        mileage(metres, &mut inputs);
    }
    if let Some(volts) = fields::decimal(power) {
        inputs.push(input!("board_voltage"), volts);
    }
    wires(ports, &mut inputs);
    let rest = list.get(place + 9..).unwrap_or_default();
    let number = rest.first().and_then(|word| fields::integer::<i64>(word));
    match (kind, number) {
        ("STT", Some(mode)) => {
            if let 1 | 2 = mode {
                inputs.push(input!("motion"), mode == 2);
            }
            added(rest.get(2..).unwrap_or_default(), &mut inputs, &mut cells);
        }
        ("EMG", Some(number)) => {
            alerts::emergency(number, &mut alarms, &mut inputs);
            added(&rest[1..], &mut inputs, &mut cells);
        }
        ("ALT", Some(number)) => {
            alerts::alert(number, &mut alarms, &mut inputs);
            added(&rest[1..], &mut inputs, &mut cells);
        }
        ("EVT", Some(number)) => {
            inputs.push(input!("event_code"), number);
            added(&rest[1..], &mut inputs, &mut cells);
        }
        ("UEX", Some(_)) => passed_on(line, place + 9, &mut inputs, &mut cells),
        _ => {}
    }
    cells.write(&mut inputs);
    alarms.write(&mut inputs);
    Some(Message { time, fix: Some(position), inputs })
}

/// Ignition, inputs, outputs, each a digit: 3 and 2 of them in six digits, 4 and 3 in eight.
fn wires(word: &[u8], inputs: &mut Inputs) {
    let (ins, outs) = match word.len() {
        6 => (3, 2),
        8 => (4, 3),
        _ => return,
    };
    let Some(all) = bits(word) else { return };
    // The first digit is the highest bit; the first input's digit comes first.
    let digit = |at: usize| all >> (word.len() - 1 - at) & 1;
    let collect = |from: usize, count: usize| (0..count).fold(0, |bits, at| bits | digit(from + at) << at);
    inputs.push(input!("ignition"), digit(0) == 1);
    ports::digital_inputs(collect(1, ins), u32::try_from(ins).unwrap_or(0), inputs);
    ports::digital_outputs(collect(1 + ins, outs), u32::try_from(outs).unwrap_or(0), inputs);
}

/// What settings add: hour meter, voltage of the battery and mark of a stored report; engine speed or analog inputs; the
/// driver; probes; the cell.
fn added(list: &Words<'_>, inputs: &mut Inputs, cells: &mut Cells) {
    let meter = list.windows(3).position(|three| {
        let whole = !three[0].is_empty() && fields::decimal(three[0]).is_some();
        let volts = fields::decimal(three[1]).is_some_and(|volts| (0.0..10.0).contains(&volts));
        whole && volts && matches!(three[2], b"0" | b"1")
    });
    let Some(meter) = meter.filter(|meter| *meter <= 2) else { return };
    engine_hours(list[meter], inputs);
    if let Some(volts) = fields::decimal(list[meter + 1]) {
        inputs.push(input!("battery_voltage"), volts);
    }
    let rest = &list[meter + 3..];
    driver_and_probes(rest, inputs);
    serving_cell(rest, cells);
}

fn driver_and_probes(list: &Words<'_>, inputs: &mut Inputs) {
    const DRIVER: usize = 14;
    let is_driver = |word: &&[u8]| word.len() == DRIVER && word.iter().all(u8::is_ascii_hexdigit);
    let driver = list.iter().position(is_driver);
    if let Some(at) = driver {
        key(list[at], inputs);
    }
    let before = &list[..driver.unwrap_or(list.len())];
    match before {
        // A whole number alone is the engine's speed.
        [rpm] if driver.is_some() && !rpm.contains(&b'.') => {
            if let Some(rpm) = fields::integer::<u16>(rpm) {
                inputs.push(input!("can_rpm"), f64::from(rpm));
            }
        }
        before => {
            let volts =
                before.iter().filter(|word| word.contains(&b'.')).map_while(|word| fields::decimal(word));
            for (number, volts) in (1..).zip(volts.take(3)) {
                if let Some(name) = family!("analog_#").member(number) {
                    inputs.push(name, volts);
                }
            }
        }
    }
    let probes = list.iter().filter(|word| word.contains(&b':')).enumerate();
    for (place, word) in probes.take(3) {
        let mut parts = fields::Fields::new(word, b':');
        let (address, degrees) = (parts.text(), parts.decimal());
        let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
        if let (Some(degrees), Some(name)) = (degrees, family!("ext_temp_sensor_#").member(number)) {
            inputs.push(name, degrees);
        }
        if let (Some(address), Some(name)) = (address, family!("ext_temp_sensor_id_#").member(number)) {
            inputs.push(name, address);
        }
    }
}

/// Cell, country, network, strength below zero, area.
fn serving_cell(list: &Words<'_>, cells: &mut Cells) {
    let found = list.windows(5).find(|five| five[3].starts_with(b"-") && five[1].len() == 3);
    if let Some(&[id, mcc, mnc, strength, area]) = found.and_then(|five| five.first_chunk::<5>()) {
        // Families with third-generation modems write decimals, the first ones hexadecimal with leading zeros.
        let hexadecimal = id.starts_with(b"0") || !id.iter().all(u8::is_ascii_digit);
        let id =
            if hexadecimal { fields::hex(id) } else { fields::integer::<i64>(id).map(i64::cast_unsigned) };
        let area = fields::integer::<u32>(area).map(u64::from);
        cell(mcc, mnc, area, id, dbm(strength)).map(|it| cells.cell(it));
    }
}

fn dbm(word: &[u8]) -> Option<i16> {
    fields::integer::<i16>(word).filter(|dbm| (-150..0).contains(dbm))
}

/// UEX: the length, the data of an accessory on the serial line, its checksum, and what settings add.
fn passed_on(line: &[u8], place: usize, inputs: &mut Inputs, cells: &mut Cells) {
    let Some((data, rest)) = data_and_rest(line, place) else { return };
    accessory(data, inputs);
    let rest: Vec<&[u8]> = fields::Fields::new(rest, b';').skip(2).collect();
    added(&rest, inputs, cells);
}

/// The data of a report that passes it on, and what stands behind it; field `place` is the length.
pub(super) fn data_and_rest(line: &[u8], place: usize) -> Option<(&[u8], &[u8])> {
    let semicolon =
        |nth: usize| line.iter().enumerate().filter(|(_, byte)| **byte == b';').nth(nth).map(|(at, _)| at);
    let start = semicolon(place)? + 1;
    let length = fields::integer::<usize>(&line[semicolon(place - 1)? + 1..start - 1])?;
    let data = &line[start..];
    let by_length = data.get(length).filter(|byte| **byte == b';').map(|_| length);
    // Data that was cut or escaped on its way ends with its field.
    let end = by_length.or_else(|| data.iter().position(|byte| *byte == b';')).unwrap_or(data.len());
    Some(data.split_at(end))
}

/// What is known of accessories' texts: cards by `GTSL`, fuel probes by `t_0`, `N_0` and by `CabMensaje`.
pub(super) fn accessory(data: &[u8], inputs: &mut Inputs) {
    let data = data.trim_ascii_end();
    let Some(text) = fields::text(data) else {
        return;
    };
    if let Some(card) = text.strip_prefix("GTSL|").and_then(|rest| rest.split('|').nth(3)) {
        if !card.is_empty() {
            inputs.push(input!("hardware_key"), card);
        }
        return;
    }
    if let Some(card) = text.strip_prefix("RFID:") {
        key(card.as_bytes(), inputs);
    }
    let mut total = None;
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else { continue };
        let Some((name, number)) = name.split_once('_') else { continue };
        let Some(number) = number.parse::<u32>().ok().and_then(|number| number.checked_add(1)) else {
            continue;
        };
        let raw = value.split('.').next().and_then(|value| fields::hex(value.as_bytes()));
        let Some(raw) = raw.map(|raw| raw as f64) else { continue };
        match name {
            "N" => {
                *total.get_or_insert(0.0) += raw;
                if let Some(name) = family!("lls_level_#").member(number) {
                    inputs.push(name, raw);
                }
            }
            "t" => {
                if let Some(name) = family!("lls_temperature_#").member(number) {
                    inputs.push(name, raw);
                }
            }
            _ => {}
        }
    }
    if let Some(total) = total {
        inputs.push(input!("fuel_level"), total);
        return;
    }
    if let Some((_, probes)) = text.split_once("CabMensaje,") {
        let mut probes = fields::Fields::comma(probes.as_bytes());
        for (number, level) in (1..=2).zip(probes.skip_fields(1)) {
            let level = fields::decimal(level).filter(|level| *level >= 0.0);
            if let (Some(level), Some(name)) = (level, family!("lls_level_#").member(number)) {
                inputs.push(name, level);
            }
        }
    }
    inputs.push(input!("text_message"), text);
}

/// The end of a trip: where it began, where it ended, how far, and who drove.
fn trip(list: &Words<'_>) -> Option<Message> {
    let date = date_place(list)?;
    let time = moment(list[date], list[date + 1]);
    let mut inputs = Inputs::with_capacity(6);
    let &[distance, power, meter, battery] = list.get(date + 2..)?.first_chunk::<4>()?;
    if let Some(metres) = fields::decimal(distance) {
        mileage(metres, &mut inputs);
    }
    if let Some(volts) = fields::decimal(power) {
        inputs.push(input!("board_voltage"), volts);
    }
    engine_hours(meter, &mut inputs);
    if let Some(volts) = fields::decimal(battery) {
        inputs.push(input!("battery_voltage"), volts);
    }
    // Four coordinates in a row, of the start and of the end.
    let start = (date + 6..list.len().saturating_sub(3))
        .find(|at| list[*at..at + 4].iter().all(|word| coordinate(word).is_some()))?;
    // What follows are the highest and the mean speed, not those of the place.
    let place = fix(&[list[start + 2], list[start + 3], b"", b""]);
    if let Some(driver) = list.last() {
        key(driver, &mut inputs);
    }
    Some(Message { time, fix: place, inputs })
}

/// ST410: the serving cell and six neighbours, battery, and the last position where there is one.
fn cell_report(list: &Words<'_>) -> Option<Message> {
    let (mut inputs, mut cells) = (Inputs::with_capacity(8), Cells::new());
    let number = |word: &[u8]| fields::integer::<i64>(word).map(i64::cast_unsigned);
    let &[id, mcc, mnc, strength, area, _] = list.get(4..)?.first_chunk::<6>()?;
    cell(mcc, mnc, number(area), number(id), dbm(strength)).map(|it| cells.cell(it));
    let neighbours = list.get(10..)?;
    for group in neighbours.chunks_exact(6).take(6) {
        cell(group[1], group[2], number(group[3]), number(group[0]), dbm(group[4])).map(|it| cells.cell(it));
    }
    let behind = neighbours.get(36..).unwrap_or_default();
    if let Some(volts) = behind.first().and_then(|word| fields::decimal(word)) {
        inputs.push(input!("battery_voltage"), volts);
    }
    cells.write(&mut inputs);
    let date = (0..behind.len().saturating_sub(1)).find(|at| moment(behind[*at], behind[at + 1]).is_some());
    let Some(date) = date else { return Some(Message { time: None, fix: None, inputs }) };
    let position = behind.get(date + 2..).and_then(fix).map(|mut fix| {
        let satellites = behind.get(date + 6).and_then(|word| fields::integer(word));
        fix.satellites = satellites.and_then(plausible::satellites);
        fix.valid = behind.get(date + 7) == Some(&&b"1"[..]);
        fix
    });
    Some(Message { time: moment(behind[date], behind[date + 1]), fix: position, inputs })
}
