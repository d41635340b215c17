//! Records. Extended ones have wider ids, and come in parts when one record has more parameters than fit.

use super::parameters::Collected;
use crate::{
    DeviceSlot, Event, Events, plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, RecordHash, Timestamp};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Usual,
    Extended,
}

/// Why not all records of a packet could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordsError {
    #[error("record {number} of {count}: {error}")]
    Record { number: u8, count: u8, error: ReadError },
    #[error("no number of records")]
    NoCount,
    #[error("{left} bytes behind {count} records")]
    TooMuch { count: u8, left: usize },
}

/// Reads how many records the device keeps, how many follow, and these. Parts of one record become one message.
pub(super) fn read(
    layout: Layout,
    payload: &[u8],
    slot: DeviceSlot,
    events: &mut Events,
) -> Result<(), RecordsError> {
    let mut reader = Reader::new(payload);
    let (Ok(_kept_on_device), Ok(count)) = (reader.u8(), reader.u8()) else {
        return Err(RecordsError::NoCount);
    };
    let mut open: Option<Record> = None;
    let mut finish = |record: Option<Record>| {
        if let Some(record) = record {
            events.push_back(record.finish(payload, slot));
        }
    };
    for number in 1..=count {
        let start = reader.offset();
        let mut part = || {
            let head = Head::read(layout, &mut reader)?;
            let mut record = match open.take() {
                Some(record) if record.head.goes_on_in(&head) => Record { head, ..record },
                done => {
                    finish(done);
                    Record::begin(head, start)
                }
            };
            record.parameters(layout, &mut reader)?;
            record.end = reader.offset();
            open = Some(record);
            Ok(())
        };
        if let Err(error) = part() {
            finish(open);
            return Err(RecordsError::Record { number, count, error });
        }
    }
    finish(open);
    if reader.is_empty() { Ok(()) } else { Err(RecordsError::TooMuch { count, left: reader.left() }) }
}

/// A record to which parts may be added.
struct Record {
    head: Head,
    inputs: Inputs,
    collected: Collected,
    /// Where its bytes stand in the payload.
    start: usize,
    end: usize,
}

/// What stands before the parameters.
struct Head {
    seconds: u32,
    /// Tells apart records of one second.
    extension: u8,
    part: Part,
    priority: u8,
    fix: Option<Fix>,
    hdop: u8,
    event: u16,
}

/// Which part of a record it is; both count from 0.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part {
    last: u8,
    index: u8,
}

impl Head {
    fn read(layout: Layout, reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let (seconds, extension) = (reader.u32_be()?, reader.u8()?);
        let part = match layout {
            Layout::Usual => Part { last: 0, index: 0 },
            Layout::Extended => {
                let part = reader.u8()?;
                Part { last: part >> 4, index: part & 15 }
            }
        };
        let priority = reader.u8()?;
        let fix = fix(reader)?;
        let hdop = reader.u8()?;
        let event = layout.id(reader)?;
        Ok(Self { seconds, extension, part, priority, fix, hdop, event })
    }

    fn goes_on_in(&self, next: &Self) -> bool {
        (self.seconds, self.extension, self.part.last) == (next.seconds, next.extension, next.part.last)
            && next.part.index == self.part.index + 1
            && next.part.index <= next.part.last
    }
}

impl Layout {
    fn id(self, reader: &mut Reader<'_>) -> Result<u16, ReadError> {
        match self {
            Self::Usual => reader.u8().map(u16::from),
            Self::Extended => reader.u16_be(),
        }
    }
}

impl Record {
    fn begin(head: Head, start: usize) -> Self {
        let mut inputs = Inputs::with_capacity(24);
        inputs.push(input!("priority"), i64::from(head.priority));
        inputs.push(input!("event_code"), i64::from(head.event));
        if (1..=254).contains(&head.hdop) {
            inputs.push(input!("hdop"), f64::from(head.hdop) / 10.0);
        }
        Self { head, inputs, collected: Collected::default(), start, end: start }
    }

    fn parameters(&mut self, layout: Layout, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        for width in [1, 2, 4, 8] {
            for _ in 0..reader.u8()? {
                let id = layout.id(reader)?;
                self.collected.number(id, reader.uint_be(width)?, width, &mut self.inputs);
            }
        }
        Ok(())
    }

    fn finish(mut self, payload: &[u8], slot: DeviceSlot) -> Event {
        self.collected.finish(&mut self.inputs);
        let time = Some(Timestamp::from_seconds(self.head.seconds.into()));
        let message = Message { time, fix: self.head.fix, inputs: self.inputs };
        let own = payload.get(self.start..self.end).unwrap_or_default();
        Event::Message { slot, message, hash: RecordHash::of(own) }
    }
}

/// Coordinates of -214 degrees are how a device says that it never had a position.
fn fix(reader: &mut Reader<'_>) -> Result<Option<Fix>, ReadError> {
    let (lng, lat) = (reader.i32_be()?, reader.i32_be()?);
    let altitude = reader.u16_be()?.cast_signed();
    let heading = reader.u16_be()?;
    let satellites = reader.u8()?;
    let speed = reader.u16_be()?;
    Ok(Coordinates::new(f64::from(lat) / 1e7, f64::from(lng) / 1e7).map(|coordinates| Fix {
        coordinates,
        valid: satellites > 0,
        speed: plausible::speed_kmh(f32::from(speed)),
        heading: plausible::heading(heading / 100),
        altitude: plausible::altitude(f32::from(altitude) / 10.0),
        satellites: plausible::satellites(satellites),
        ..Fix::at(coordinates)
    }))
}
