//! Reports as text: `*HQ,number,kind,…#`.
//! Source: "LKGPS protocol" and "H02 GPRS protocol" V1.0.5 (2016) of the family's makers; what stands behind the state
//! differs from device to device.

use super::{battery_level, binary::KMH_PER_KNOT, status};
use crate::{
    cells::{Cell, Cells, percent_of_csq},
    clock,
    fields::{self, decimal, integer, text},
    nmea, plausible,
};
use domain::{Coordinates, Fix, Inputs, Message};

/// A line taken apart.
pub(super) struct Line<'a> {
    pub(super) maker: &'a [u8],
    pub(super) id: &'a str,
    pub(super) kind: &'a [u8],
    pub(super) fields: Vec<&'a [u8]>,
}

/// What a line says.
pub(super) enum Said {
    Message(Message),
    /// What became of a command, by the time that it had; the position then.
    Confirmation {
        time: String,
        text: String,
        message: Option<Message>,
    },
    Heartbeat,
    Unknown,
}

impl<'a> Line<'a> {
    /// Without its `#`. `None` when it is no line of the protocol.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.strip_prefix(b"*")?.split(|byte| *byte == b',');
        let maker = fields.next()?;
        let id = std::str::from_utf8(fields.next()?).ok()?.trim();
        let kind = fields.next().unwrap_or_default();
        let letters = maker.len() == 2 && maker.iter().all(u8::is_ascii_alphabetic);
        letters.then(|| Self { maker, id, kind, fields: fields.collect() })
    }

    pub(super) fn read(&self) -> Said {
        let fields = &*self.fields;
        match self.kind {
            b"" | b"V0" => Said::Heartbeat,
            b"HTBT" => battery(fields.first()),
            b"XT" => battery(fields.get(1)),
            b"LINK" => link(fields),
            b"NBR" => neighbours(fields),
            b"V3" => cells_of_v3(fields),
            b"BS" => base_stations(fields),
            b"VP1" => vp1(fields),
            b"V4" => confirmation(fields),
            _ => position(self.kind, fields).map_or(Said::Unknown, Said::Message),
        }
    }
}

fn battery(field: Option<&&[u8]>) -> Said {
    let mut inputs = Inputs::default();
    if let Some(level) = field.and_then(|level| integer(level)) {
        battery_level(level, &mut inputs);
    }
    if inputs.is_empty() { Said::Heartbeat } else { message(None, inputs) }
}

/// Time, signal, satellites, battery, steps, turns, date, state.
fn link(fields: &[&[u8]]) -> Said {
    let [time, signal, _, battery, _, _, date, state, ..] = *fields else { return Said::Unknown };
    let mut inputs = Inputs::default();
    if let Some(signal) = integer(signal).and_then(percent_of_csq) {
        inputs.push(input!("gsm_signal_level"), signal);
    }
    if let Some(level) = integer(battery) {
        battery_level(level, &mut inputs);
    }
    state_of(state, &mut inputs);
    message(clock::day_first(date, time), inputs)
}

/// Time, country, operator, timing advance, count, then area, cell and strength of each; date, state, battery.
fn neighbours(fields: &[&[u8]]) -> Said {
    let [time, mcc, mnc, _, count, rest @ ..] = fields else { return Said::Unknown };
    let count = integer::<u8>(count).map_or(0, |count| usize::from(count) * 3).min(rest.len());
    let (list, rest) = rest.split_at(count);
    let (Some(mcc), Some(mnc)) = (integer(mcc), integer(mnc)) else { return Said::Unknown };
    let mut cells = Cells::new();
    for cell in list.chunks_exact(3) {
        add(&mut cells, (mcc, mnc), integer(cell[0]), integer(cell[1]), cell[2]);
    }
    let mut inputs = Inputs::default();
    cells.write(&mut inputs);
    let [date, state, rest @ ..] = rest else { return message(None, inputs) };
    if let Some(level) = rest.first().and_then(|level| integer(level)) {
        battery_level(level, &mut inputs);
    }
    state_of(state, &mut inputs);
    message(clock::day_first(date, time), inputs)
}

/// Time, country with operator, count, then area, cell and two strengths of each; four more, of which the last are date
/// and state.
fn cells_of_v3(fields: &[&[u8]]) -> Said {
    let [time, network, count, rest @ ..] = fields else { return Said::Unknown };
    let (Some(mcc), Some(mnc)) = (network.get(..3).and_then(integer), network.get(3..).and_then(integer))
    else {
        return Said::Unknown;
    };
    let count = integer::<u8>(count).map_or(0, |count| usize::from(count) * 4).min(rest.len());
    let (list, rest) = rest.split_at(count);
    let mut cells = Cells::new();
    for cell in list.chunks_exact(4) {
        add(&mut cells, (mcc, mnc), integer(cell[0]), integer(cell[1]), cell[3]);
    }
    let mut inputs = Inputs::default();
    cells.write(&mut inputs);
    let [.., date, state] = rest else { return message(None, inputs) };
    state_of(state, &mut inputs);
    message(clock::day_first(date, time), inputs)
}

/// Time, country, operator, then area, cell and strength of each in hexadecimal, up to an empty field; state, battery.
fn base_stations(fields: &[&[u8]]) -> Said {
    let [_, mcc, mnc, rest @ ..] = fields else { return Said::Unknown };
    let (Some(mcc), Some(mnc)) = (hex(mcc), hex(mnc)) else { return Said::Unknown };
    let (mut cells, mut inputs) = (Cells::new(), Inputs::default());
    let end = rest.iter().position(|field| field.is_empty()).unwrap_or(rest.len());
    for cell in rest[..end].chunks_exact(3) {
        add(&mut cells, (mcc, mnc), hex(cell[0]), hex(cell[1]), b"");
    }
    cells.write(&mut inputs);
    if let Some([state, rest @ ..]) = rest.get(end + 1..) {
        if let Some(level) = rest.first().and_then(|level| integer(level)) {
            battery_level(level, &mut inputs);
        }
        state_of(state, &mut inputs);
    }
    message(None, inputs)
}

/// A place without its time of day, or cells with `Y` between.
fn vp1(fields: &[&[u8]]) -> Said {
    match fields {
        [b"V", mcc, mnc, list @ ..] => {
            let (Some(mcc), Some(mnc)) = (integer(mcc), integer(mnc)) else { return Said::Unknown };
            let mut cells = Cells::new();
            let list = list.join(&b',');
            for cell in list.split(|byte| *byte == b'Y') {
                let mut fields = fields::Fields::comma(cell);
                let (area, id) = (fields.integer(), fields.integer());
                add(&mut cells, (mcc, mnc), area, id, b"");
            }
            let mut inputs = Inputs::default();
            cells.write(&mut inputs);
            message(None, inputs)
        }
        [valid, place @ ..] => match fix(valid, place) {
            Some(fix) => Said::Message(Message { time: None, fix: Some(fix), inputs: Inputs::default() }),
            None => Said::Unknown,
        },
        [] => Said::Unknown,
    }
}

/// The command, what it led to, its time; then a position.
fn confirmation(fields: &[&[u8]]) -> Said {
    let end = match validity(fields) {
        Some(at) => at.saturating_sub(2),
        None => fields.len(),
    };
    let time = fields.get(end).map(|time| String::from_utf8_lossy(time).into_owned()).unwrap_or_default();
    let said = fields[..end].join(&b',');
    Said::Confirmation {
        time,
        text: text(&said).unwrap_or_default().to_owned(),
        message: position(b"V4", fields),
    }
}

/// Time, validity, place, speed, course, date, state, and what the device adds.
fn position(kind: &[u8], fields: &[&[u8]]) -> Option<Message> {
    let at = validity(fields)?;
    let (time, place) = (fields[at - 1], &fields[at + 1..]);
    let fix = fix(fields[at], place);
    // Some have one more number before the date, and some no date before the first fix.
    let date = (6..8).find(|at| place.get(*at).is_some_and(|date| date.len() == 6)).unwrap_or(6);
    let moment = clock::day_first(place.get(date)?, time);
    let rest = &place[date + 1..];
    let mut inputs = Inputs::default();
    let state = rest.iter().position(|field| field.len() == 8 && fields::hex(field).is_some());
    let added = state.map_or(rest, |state| &rest[state + 1..]);
    if let Some(state) = state {
        state_of(rest[state], &mut inputs);
    }
    let mut cells = Cells::new();
    if let [mcc, mnc, area, id, ref more @ ..] = *added {
        let mut charge = more.first();
        if is_decimal_country(mcc) {
            cell_in_decimal(&mut cells, mcc, mnc, area, id);
            // V8 has other values here.
            charge = charge.filter(|_| kind != b"V8");
        } else if let (Some(mcc), Some(mnc)) = (hex(mcc), hex(mnc)) {
            add(&mut cells, (mcc, mnc), hex(area), hex(id), b"");
            charge = None;
        }
        if let Some(level) = charge.and_then(|level| integer(level)) {
            battery_level(level, &mut inputs);
        }
    }
    cells.write(&mut inputs);
    if kind == b"V6" || kind == b"V19" {
        let card = rest.iter().copied().find(|field| field.len() >= 19).and_then(text);
        if let Some(card) = card {
            inputs.push(input!("iccid"), card.trim_end_matches('?'));
        }
    }
    if fix.is_none() && moment.is_none() && inputs.is_empty() {
        return None;
    }
    Some(Message { time: moment, fix, inputs })
}

/// Where the letter for the validity stands: behind a time, before a place.
fn validity(fields: &[&[u8]]) -> Option<usize> {
    let is_time = |field: &[u8]| field.is_empty() || field.len() == 6 && field.iter().all(u8::is_ascii_digit);
    (1..fields.len().saturating_sub(6))
        .find(|at| matches!(fields[*at], b"A" | b"V" | b"B" | b"0" | b"1") && is_time(fields[at - 1]))
}

/// Latitude, its hemisphere, longitude, its hemisphere, speed in knots, course.
fn fix(valid: &[u8], place: &[&[u8]]) -> Option<Fix> {
    let [lat, north, lng, east, speed, course, ..] = *place else { return None };
    let coordinates = Coordinates::new(degrees(lat, north, 2)?, degrees(lng, east, 3)?)?;
    Some(Fix {
        valid: valid == b"A",
        speed: decimal(speed).and_then(|knots| plausible::speed_kmh(knots as f32 * KMH_PER_KNOT)),
        heading: decimal(course).and_then(|degrees| plausible::heading(degrees as u16)),
        ..Fix::at(coordinates)
    })
}

/// `DDMM.mmmm`, the same without its point, or `-DD-MM.mmmm`; `whole` is the number of digits of the degrees.
fn degrees(field: &[u8], hemisphere: &[u8], whole: usize) -> Option<f64> {
    let unsigned = field.strip_prefix(b"-").unwrap_or(field);
    if let Some(at) = unsigned.iter().position(|byte| *byte == b'-') {
        let (degrees, minutes) = (decimal(&unsigned[..at])?, decimal(&unsigned[at + 1..])?);
        let value = degrees + minutes / 60.0;
        return Some(if matches!(hemisphere, b"S" | b"W") { -value } else { value });
    }
    if field.len() == whole + 6 && field.iter().all(u8::is_ascii_digit) {
        let (before, behind) = field.split_at(whole + 2);
        return nmea::degrees(&[before, b".", behind].concat(), hemisphere);
    }
    nmea::degrees(field, hemisphere)
}

/// Countries have three digits from 200 on; what is below that, or longer, is hexadecimal.
fn is_decimal_country(field: &[u8]) -> bool {
    field.len() == 3 && integer::<u16>(field).is_some_and(|mcc| (200..800).contains(&mcc))
}

fn cell_in_decimal(cells: &mut Cells, mcc: &[u8], mnc: &[u8], area: &[u8], id: &[u8]) {
    let (Some(mcc), Some(mnc)) = (integer(mcc), integer(mnc)) else { return };
    match integer::<u32>(area) {
        // Devices for 4G have the cell first, in hexadecimal.
        None => add(cells, (mcc, mnc), integer(id), hex(area), b""),
        Some(area) => add(cells, (mcc, mnc), Some(area), integer(id), b""),
    }
}

fn add(cells: &mut Cells, (mcc, mnc): (u16, u16), area: Option<u32>, id: Option<u32>, strength: &[u8]) {
    if let (Some(area), Some(id)) = (area, id) {
        let dbm = integer(strength).filter(|dbm: &i16| (-150..0).contains(dbm));
        cells.cell(Cell { mcc, mnc, area, id: id.into(), dbm });
    }
}

fn hex<T: TryFrom<u64>>(field: &[u8]) -> Option<T> {
    T::try_from(fields::hex(field.trim_ascii())?).ok()
}

fn state_of(field: &[u8], inputs: &mut Inputs) {
    if let Some(state) = hex(field).filter(|_| field.len() == 8) {
        status::write(state, inputs);
    }
}

fn message(time: Option<domain::Timestamp>, inputs: Inputs) -> Said {
    Said::Message(Message { time, fix: None, inputs })
}
