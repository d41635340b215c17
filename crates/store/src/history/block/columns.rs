//! What the columns of a block are, in the order in which they stand.
//!
//! ```text
//! columns  times; receive times − times; flags; device times − times; latitudes; longitudes; speeds; headings;
//!          altitudes; satellites; precisions; shapes; shape of each record; values of each input
//! flags    1|2 time origin (0 device, 1 received, 2 suspect), 4 device time, 8 fix, 16 valid, 32 speed, 64 heading,
//!          128 altitude, 256 satellites, 512 precision, 1024 from cells
//! shapes   their number varint, each: number of inputs varint, each: code × 4 + kind (0 whole number, 1 decimal,
//!          2 flag, 3 text) varint
//! texts    number of different ones varint, each: length varint, UTF-8; which one each is (`integers`)
//! ```
//!
//! A shape is what inputs a record has, in its order: the records of a device have few different ones. Inputs are in the
//! order in which shapes first name them; a column has only the values that are there.

use super::{MAX_INPUTS, decimals, integers};
use crate::wire::{DecodeError, Unread, put_bytes, put_varint};
use domain::{
    Coordinates, Fix, Heading, InputName, Inputs, Message, Metres, PositionSource, RecordHash, SourceId,
    Speed, Telemetry, TimeOrigin, Timestamp, Value,
};
use std::collections::HashMap;

const TIME_ORIGIN: i64 = 0b11;
const HAS_DEVICE_TIME: i64 = 1 << 2;
const HAS_FIX: i64 = 1 << 3;
const VALID: i64 = 1 << 4;
const HAS_SPEED: i64 = 1 << 5;
const HAS_HEADING: i64 = 1 << 6;
const HAS_ALTITUDE: i64 = 1 << 7;
const HAS_SATELLITES: i64 = 1 << 8;
const HAS_PRECISION: i64 = 1 << 9;
const FROM_CELLS: i64 = 1 << 10;
const ALL_FLAGS: i64 = (1 << 11) - 1;

/// An input of a shape: code × 4 + kind.
type Slot = u64;

const KIND: Slot = 0b11;
const WHOLE: Slot = 0;
const DECIMAL: Slot = 1;
const FLAG: Slot = 2;
const TEXT: Slot = 3;

/// Room for the columns of a block, kept from one to the next.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
    numbers: Vec<i64>,
    wide: Vec<f64>,
    narrow: Vec<f32>,
}

impl Writer {
    pub(super) fn write(&mut self, records: &[Telemetry]) -> &[u8] {
        self.out.clear();
        let fixes = || records.iter().filter_map(|record| record.message.fix.as_ref());
        self.integers(records.iter().map(|record| record.time.millis()));
        self.integers(records.iter().map(|record| offset(record.received, record)));
        self.integers(records.iter().map(flags));
        self.integers(records.iter().filter_map(|record| Some(offset(record.message.time?, record))));
        self.wide(fixes().map(|fix| fix.coordinates.lat()));
        self.wide(fixes().map(|fix| fix.coordinates.lng()));
        self.narrow(fixes().filter_map(|fix| fix.speed.map(Speed::kmh)));
        self.integers(fixes().filter_map(|fix| fix.heading.map(|heading| heading.degrees().into())));
        self.narrow(fixes().filter_map(|fix| fix.altitude.map(|metres| metres.0)));
        self.integers(fixes().filter_map(|fix| fix.satellites.map(i64::from)));
        self.narrow(fixes().filter_map(|fix| fix.precision.map(|metres| metres.0)));
        self.inputs(records);
        &self.out
    }

    fn integers(&mut self, numbers: impl Iterator<Item = i64>) {
        self.numbers.clear();
        self.numbers.extend(numbers);
        integers::write(&self.numbers, &mut self.out);
    }

    fn wide(&mut self, numbers: impl Iterator<Item = f64>) {
        self.wide.clear();
        self.wide.extend(numbers);
        decimals::write(&self.wide, &mut self.numbers, &mut self.out);
    }

    fn narrow(&mut self, numbers: impl Iterator<Item = f32>) {
        self.narrow.clear();
        self.narrow.extend(numbers);
        decimals::write(&self.narrow, &mut self.numbers, &mut self.out);
    }

    fn inputs(&mut self, records: &[Telemetry]) {
        let mut shapes = Shapes::default();
        let ids: Vec<i64> = records.iter().map(|record| shapes.of(&record.message.inputs) as i64).collect();
        put_varint(&mut self.out, shapes.slots.len() as u64);
        for slots in &shapes.slots {
            put_varint(&mut self.out, slots.len() as u64);
            slots.iter().for_each(|slot| put_varint(&mut self.out, *slot));
        }
        integers::write(&ids, &mut self.out);
        let (order, columns) = order(&shapes.slots);
        let mut values: Vec<Vec<&Value>> = vec![Vec::new(); order.len()];
        for (record, shape) in records.iter().zip(ids) {
            for (column, (_, value)) in columns[shape as usize].iter().zip(record.message.inputs.iter()) {
                values[*column].push(value);
            }
        }
        for (slot, values) in order.into_iter().zip(values) {
            self.values(slot & KIND, &values);
        }
    }

    /// Values that are all of one kind.
    fn values(&mut self, kind: Slot, values: &[&Value]) {
        let whole = |value: &&Value| match value {
            Value::Int(number) => Some(*number),
            Value::Flag(flag) => Some(i64::from(*flag)),
            Value::Float(_) | Value::Text(_) => None,
        };
        let decimal = |value: &&Value| if let Value::Float(number) = value { Some(*number) } else { None };
        match kind {
            DECIMAL => self.wide(values.iter().filter_map(decimal)),
            TEXT => self.texts(values),
            _ => self.integers(values.iter().filter_map(whole)),
        }
    }

    fn texts(&mut self, values: &[&Value]) {
        let mut different = Vec::new();
        let mut numbers = HashMap::new();
        let texts =
            values.iter().filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None });
        let ids: Vec<i64> = texts
            .map(|text| {
                *numbers.entry(text).or_insert_with(|| {
                    different.push(text);
                    different.len() as i64 - 1
                })
            })
            .collect();
        put_varint(&mut self.out, different.len() as u64);
        different.iter().for_each(|text| put_bytes(&mut self.out, text.as_bytes()));
        integers::write(&ids, &mut self.out);
    }
}

/// The shapes of a block's records, in the order in which they come.
#[derive(Default)]
struct Shapes {
    slots: Vec<Vec<Slot>>,
    numbers: HashMap<Vec<Slot>, usize>,
    last: usize,
}

impl Shapes {
    fn of(&mut self, inputs: &Inputs) -> usize {
        let is_last = |last: &Vec<Slot>| {
            last.len() == inputs.len()
                && last.iter().zip(inputs.iter()).all(|(slot, input)| *slot == slot_of(input))
        };
        if !self.slots.get(self.last).is_some_and(is_last) {
            let slots: Vec<Slot> = inputs.iter().map(slot_of).collect();
            let next = self.slots.len();
            self.last = *self.numbers.entry(slots.clone()).or_insert(next);
            if self.last == next {
                self.slots.push(slots);
            }
        }
        self.last
    }
}

fn slot_of((name, value): (InputName, &Value)) -> Slot {
    let kind = match value {
        Value::Int(_) => WHOLE,
        Value::Float(_) => DECIMAL,
        Value::Flag(_) => FLAG,
        Value::Text(_) => TEXT,
    };
    Slot::from(name.code()) << 2 | kind
}

/// The columns that shapes name, and for each shape the columns of its inputs.
fn order(shapes: &[Vec<Slot>]) -> (Vec<Slot>, Vec<Vec<usize>>) {
    let mut order = Vec::new();
    let mut numbers = HashMap::new();
    let mut column = |slot: &Slot| {
        *numbers.entry(*slot).or_insert_with(|| {
            order.push(*slot);
            order.len() - 1
        })
    };
    let columns = shapes.iter().map(|slots| slots.iter().map(&mut column).collect()).collect();
    (order, columns)
}

fn offset(time: Timestamp, record: &Telemetry) -> i64 {
    time.millis().wrapping_sub(record.time.millis())
}

fn flags(record: &Telemetry) -> i64 {
    let flag = |bit, is_set| if is_set { bit } else { 0 };
    let origin = match record.time_origin {
        TimeOrigin::Device => 0,
        TimeOrigin::Received => 1,
        TimeOrigin::Suspect => 2,
    };
    let fix = record.message.fix.map_or(0, |fix| {
        HAS_FIX
            | flag(VALID, fix.valid)
            | flag(HAS_SPEED, fix.speed.is_some())
            | flag(HAS_HEADING, fix.heading.is_some())
            | flag(HAS_ALTITUDE, fix.altitude.is_some())
            | flag(HAS_SATELLITES, fix.satellites.is_some())
            | flag(HAS_PRECISION, fix.precision.is_some())
            | flag(FROM_CELLS, fix.source == PositionSource::Cells)
    });
    origin | flag(HAS_DEVICE_TIME, record.message.time.is_some()) | fix
}

/// Reads the columns of `count` records; their hashes are not among them.
pub(super) fn read(bytes: &[u8], source: SourceId, count: usize) -> Result<Vec<Telemetry>, DecodeError> {
    let mut from = Unread(bytes);
    let times = integers::read(&mut from, count)?;
    let received = integers::read(&mut from, count)?;
    let flags = integers::read(&mut from, count)?;
    if let Some(code) = flags.iter().find(|flags| **flags & !ALL_FLAGS != 0) {
        return Err(DecodeError::Unknown { field: "flags", code: *code as u64 });
    }
    let with = |bits: i64| flags.iter().filter(|flags| **flags & bits == bits).count();
    let mut device_times = integers::read(&mut from, with(HAS_DEVICE_TIME))?.into_iter();
    let mut lats = decimals::read::<f64>(&mut from, with(HAS_FIX))?.into_iter();
    let mut lngs = decimals::read::<f64>(&mut from, with(HAS_FIX))?.into_iter();
    let mut speeds = decimals::read::<f32>(&mut from, with(HAS_FIX | HAS_SPEED))?.into_iter();
    let mut headings = integers::read(&mut from, with(HAS_FIX | HAS_HEADING))?.into_iter();
    let mut altitudes = decimals::read::<f32>(&mut from, with(HAS_FIX | HAS_ALTITUDE))?.into_iter();
    let mut satellites = integers::read(&mut from, with(HAS_FIX | HAS_SATELLITES))?.into_iter();
    let mut precisions = decimals::read::<f32>(&mut from, with(HAS_FIX | HAS_PRECISION))?.into_iter();
    let mut fix = |flags: i64| {
        // Each column was read with as many numbers as there are flags for it.
        let has = |bit| flags & bit != 0;
        let (lat, lng) = (lats.next().unwrap_or(f64::NAN), lngs.next().unwrap_or(f64::NAN));
        let heading = has(HAS_HEADING).then(|| headings.next()).flatten();
        let count = has(HAS_SATELLITES).then(|| satellites.next()).flatten();
        Ok(Fix {
            coordinates: Coordinates::new(lat, lng).ok_or(DecodeError::OutOfRange("a coordinate"))?,
            valid: has(VALID),
            speed: has(HAS_SPEED).then(|| speeds.next()).flatten().map(Speed::from_kmh),
            heading: heading.map(heading_of).transpose()?,
            altitude: has(HAS_ALTITUDE).then(|| altitudes.next()).flatten().map(Metres),
            satellites: count
                .map(|count| u8::try_from(count).map_err(|_| DecodeError::OutOfRange("satellites")))
                .transpose()?,
            precision: has(HAS_PRECISION).then(|| precisions.next()).flatten().map(Metres),
            source: if has(FROM_CELLS) { PositionSource::Cells } else { PositionSource::Gnss },
        })
    };
    let mut records = Vec::with_capacity(count);
    for ((time, received), flags) in times.iter().zip(received).zip(&flags) {
        let near = |offset: i64| Timestamp::from_millis(time.wrapping_add(offset));
        let message = Message {
            time: (flags & HAS_DEVICE_TIME != 0).then(|| device_times.next()).flatten().map(near),
            fix: (flags & HAS_FIX != 0).then(|| fix(*flags)).transpose()?,
            inputs: Inputs::default(),
        };
        let time_origin = time_origin(*flags)?;
        let (received, time) = (near(received), near(0));
        records.push(Telemetry { source, received, time, time_origin, hash: RecordHash(0), message });
    }
    read_inputs(&mut from, &mut records)?;
    match from.0.len() {
        0 => Ok(records),
        rest => Err(DecodeError::Trailing(rest)),
    }
}

fn read_inputs(from: &mut Unread<'_>, records: &mut [Telemetry]) -> Result<(), DecodeError> {
    let all = from.0.len();
    let mut shapes = Vec::new();
    // Counts are not trusted with an allocation: each shape and each slot has to be there.
    for _ in 0..from.varint()? {
        let mut slots = Vec::new();
        for _ in 0..from.varint()? {
            slots.push(from.varint()?);
        }
        shapes.push(slots);
    }
    let (order, columns) = order(&shapes);
    let ids = integers::read(from, records.len())?;
    let mut counts = vec![0; order.len()];
    let mut inputs = 0;
    for id in &ids {
        let shape = usize::try_from(*id).ok().and_then(|id| columns.get(id));
        let shape = shape.ok_or(DecodeError::OutOfRange("a shape"))?;
        inputs += shape.len();
        // One record alone may have more, which its shape then says at length.
        if inputs > MAX_INPUTS.max(all) {
            return Err(DecodeError::OutOfRange("a number of inputs"));
        }
        shape.iter().for_each(|column| counts[*column] += 1);
    }
    let mut names = Vec::with_capacity(order.len());
    let mut values = Vec::with_capacity(order.len());
    for (slot, count) in order.iter().zip(counts) {
        let name = u32::try_from(slot >> 2).ok().and_then(InputName::from_code);
        names.push(name.ok_or(DecodeError::Unknown { field: "input", code: slot >> 2 })?);
        values.push(read_values(from, slot & KIND, count)?.into_iter());
    }
    for (record, id) in records.iter_mut().zip(ids) {
        let shape = &columns[id as usize];
        let mut inputs = Inputs::with_capacity(shape.len());
        for column in shape {
            // The column was read with as many values as shapes name it.
            if let Some(value) = values[*column].next() {
                inputs.push(names[*column], value);
            }
        }
        record.message.inputs = inputs;
    }
    Ok(())
}

fn read_values(from: &mut Unread<'_>, kind: Slot, count: usize) -> Result<Vec<Value>, DecodeError> {
    Ok(match kind {
        WHOLE => integers::read(from, count)?.into_iter().map(Value::Int).collect(),
        DECIMAL => decimals::read(from, count)?.into_iter().map(Value::Float).collect(),
        FLAG => {
            let flag = |number| match number {
                0 => Ok(Value::Flag(false)),
                1 => Ok(Value::Flag(true)),
                _ => Err(DecodeError::OutOfRange("a flag")),
            };
            integers::read(from, count)?.into_iter().map(flag).collect::<Result<_, _>>()?
        }
        _ => {
            let mut different: Vec<&str> = Vec::new();
            for _ in 0..from.varint()? {
                different.push(from.text()?);
            }
            let text = |number| {
                let text = usize::try_from(number).ok().and_then(|number| different.get(number));
                text.map(|text| Value::Text((*text).into())).ok_or(DecodeError::OutOfRange("a text"))
            };
            integers::read(from, count)?.into_iter().map(text).collect::<Result<_, _>>()?
        }
    })
}

fn time_origin(flags: i64) -> Result<TimeOrigin, DecodeError> {
    match flags & TIME_ORIGIN {
        0 => Ok(TimeOrigin::Device),
        1 => Ok(TimeOrigin::Received),
        2 => Ok(TimeOrigin::Suspect),
        code => Err(DecodeError::Unknown { field: "time origin", code: code as u64 }),
    }
}

fn heading_of(degrees: i64) -> Result<Heading, DecodeError> {
    match u16::try_from(degrees) {
        Ok(degrees @ 0..360) => Ok(Heading::from_degrees(degrees)),
        _ => Err(DecodeError::OutOfRange("a heading")),
    }
}
