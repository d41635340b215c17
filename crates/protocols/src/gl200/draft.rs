//! What a report says, collected field by field, before it becomes messages: one for each position in it.

use crate::{
    DeviceSlot, Event, Events,
    alarm::Alarms,
    cells::{Cell, Cells},
    fields, plausible,
};
use domain::{Coordinates, Fix, Inputs, Message, RecordHash, Timestamp};

#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) positions: Vec<Position>,
    /// Of the report as a whole; they are its last position's.
    pub(super) inputs: Inputs,
    pub(super) alarms: Alarms,
    pub(super) cells: Cells,
    /// How many positions the report says it has.
    pub(super) number: usize,
    /// Which blocks an extended report has.
    pub(super) extensions: u64,
    /// How many wireless accessories were read.
    pub(super) accessories: u32,
    /// Report identifier and report type, four bits each.
    pub(super) kind: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Position {
    pub(super) time: Option<Timestamp>,
    pub(super) fix: Option<Fix>,
    pub(super) hdop: Option<f64>,
    pub(super) cell: Option<Cell>,
    /// Kilometres.
    pub(super) odometer: Option<f64>,
}

/// Accuracy, speed, heading, altitude, longitude, latitude, time.
pub(super) const FIX_FIELDS: usize = 7;
/// Country, network, area, cell.
pub(super) const CELL_FIELDS: usize = 4;

impl Position {
    /// Reads the fields of a fix. `None` when they cannot be one; all of them may be empty.
    pub(super) fn fix(fields: &[&[u8]]) -> Option<Self> {
        let &[accuracy, speed, heading, altitude, lng, lat, time] = fields.first_chunk::<FIX_FIELDS>()?;
        let hdop = optional(accuracy, fields::decimal)?;
        let speed = optional(speed, fields::decimal)?;
        let heading = optional(heading, fields::integer::<i64>)?;
        let altitude = optional(altitude, fields::decimal)?;
        let (lng, lat) = (optional(lng, with_point)?, optional(lat, with_point)?);
        let time = match time {
            [] => None,
            time if time.len() == 14 && time.iter().all(u8::is_ascii_digit) => crate::clock::year_first(time),
            _ => return None,
        };
        let fix = match (lat, lng) {
            (Some(lat), Some(lng)) => Coordinates::new(lat, lng),
            (None, None) => None,
            _ => return None,
        };
        let fix = fix.map(|coordinates| Fix {
            // "0: no fix", the coordinates are those of the last one.
            valid: hdop != Some(0.0) && time.is_some(),
            speed: speed.and_then(|speed| plausible::speed_kmh(speed as f32)),
            heading: heading.and_then(|it| u16::try_from(it).ok()).and_then(plausible::heading),
            altitude: altitude.and_then(|altitude| plausible::altitude(altitude as f32)),
            ..Fix::at(coordinates)
        });
        let hdop = hdop.filter(|hdop| *hdop > 0.0);
        Some(Self { time, fix, hdop, ..Self::default() })
    }

    /// Reads the fields of a cell behind the fix. `None` when they cannot be one; all of them may be empty.
    pub(super) fn cell(&mut self, fields: &[&[u8]]) -> Option<()> {
        self.cell = cell(fields)?;
        Some(())
    }
}

/// Outside: whether the fields can be a cell; inside: whether they are one.
pub(super) fn cell(fields: &[&[u8]]) -> Option<Option<Cell>> {
    let &[mcc, mnc, area, id] = fields.first_chunk::<CELL_FIELDS>()?;
    let (mcc, mnc) = (optional(mcc, fields::integer::<u16>)?, optional(mnc, fields::integer::<u16>)?);
    let (area, id) = (optional(area, fields::hex)?, optional(id, fields::hex)?);
    Some((|| Some(Cell { mcc: mcc?, mnc: mnc?, area: u32::try_from(area?).ok()?, id: id?, dbm: None }))())
}

/// A field that may be empty: `None` when it is not what it should be.
pub(super) fn optional<T>(field: &[u8], read: fn(&[u8]) -> Option<T>) -> Option<Option<T>> {
    match field {
        [] | b"nan" => Some(None),
        field => read(field).map(Some),
    }
}

fn with_point(field: &[u8]) -> Option<f64> {
    field.contains(&b'.').then(|| fields::decimal(field))?
}

impl Draft {
    /// Makes the messages. `own` are the bytes of the report that name it; several positions are told apart by their
    /// place in it.
    pub(super) fn finish(
        mut self,
        slot: DeviceSlot,
        own: &[u8],
        sent: Option<Timestamp>,
        events: &mut Events,
    ) {
        let positions = std::mem::take(&mut self.positions);
        let last = positions.len().saturating_sub(1);
        let several = positions.len() > 1;
        let mut rest = Some((self.inputs, self.alarms, self.cells));
        for (place, position) in positions.into_iter().enumerate() {
            let whole = if place == last { rest.take() } else { None };
            let (mut inputs, alarms, mut cells) = whole.unwrap_or_default();
            if let Some(hdop) = position.hdop {
                inputs.push(input!("hdop"), hdop);
            }
            if let Some(odometer) = position.odometer {
                inputs.push(input!("hw_mileage"), odometer);
            }
            if let Some(cell) = position.cell {
                cells.cell(cell);
            }
            cells.write(&mut inputs);
            alarms.write(&mut inputs);
            let hash = match several {
                true => RecordHash::of(&[own, &place.to_be_bytes()].concat()),
                false => RecordHash::of(own),
            };
            let time = position.time.or(sent);
            let message = Message { time, fix: position.fix, inputs };
            events.push_back(Event::Message { slot, message, hash });
        }
        if let Some((mut inputs, alarms, cells)) = rest {
            cells.write(&mut inputs);
            alarms.write(&mut inputs);
            let message = Message { time: sent, fix: None, inputs };
            events.push_back(Event::Message { slot, message, hash: RecordHash::of(own) });
        }
    }
}
