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

use super::{MAX_INPUTS, MAX_RECORDS, decimals, integers};
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

/// Takes records of one source apart. Its room is kept from one block to the next.
#[derive(Default)]
pub(super) struct Writer {
    times: Vec<i64>,
    received: Vec<i64>,
    flags: Vec<i64>,
    device_times: Vec<i64>,
    lats: Vec<f64>,
    lngs: Vec<f64>,
    speeds: Vec<f32>,
    headings: Vec<i64>,
    altitudes: Vec<f32>,
    satellites: Vec<i64>,
    precisions: Vec<f32>,
    hashes: Vec<RecordHash>,
    shapes: Shapes,
    /// Shape of each record.
    ids: Vec<i64>,
    /// In the order of `Shapes::order`; those beyond it are room.
    columns: Vec<Values>,
    inputs: usize,
    room: decimals::Room,
    out: Vec<u8>,
}

/// Records as they are written.
pub(super) struct Written<'a> {
    pub columns: &'a [u8],
    /// Bytes of the columns that are no bits of numbers: zstd may make them much shorter.
    pub plain: usize,
    pub hashes: &'a [RecordHash],
}

impl Writer {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// The times of the first and the last.
    pub(super) fn span(&self) -> (i64, i64) {
        let time = |time: Option<&i64>| time.copied().unwrap_or_default();
        (time(self.times.first()), time(self.times.last()))
    }

    /// Whether another record may be in the same block.
    pub(super) fn fits(&self, record: &Telemetry) -> bool {
        let inputs = self.inputs + 1 + record.message.inputs.len();
        self.len() == 0 || self.len() < MAX_RECORDS && inputs <= MAX_INPUTS
    }

    pub(super) fn push(&mut self, record: &Telemetry) {
        let message = &record.message;
        self.times.push(record.time.millis());
        self.received.push(offset(record.received, record));
        self.flags.push(flags(record));
        self.device_times.extend(message.time.map(|time| offset(time, record)));
        if let Some(fix) = &message.fix {
            self.lats.push(fix.coordinates.lat());
            self.lngs.push(fix.coordinates.lng());
            self.speeds.extend(fix.speed.map(Speed::kmh));
            self.headings.extend(fix.heading.map(|heading| i64::from(heading.degrees())));
            self.altitudes.extend(fix.altitude.map(|metres| metres.0));
            self.satellites.extend(fix.satellites.map(i64::from));
            self.precisions.extend(fix.precision.map(|metres| metres.0));
        }
        self.hashes.push(record.hash);
        let shape = self.shapes.of(&message.inputs);
        self.ids.push(shape as i64);
        self.inputs += 1 + message.inputs.len();
        while self.columns.len() < self.shapes.order.slots.len() {
            self.columns.push(Values::default());
        }
        for (column, (_, value)) in self.shapes.all[shape].columns.iter().zip(message.inputs.iter()) {
            self.columns[*column].push(value);
        }
    }

    /// Writes the records that were pushed. They stay until `clear`.
    pub(super) fn write(&mut self) -> Written<'_> {
        let Self { room, out, .. } = self;
        out.clear();
        let mut plain = 0;
        for numbers in [&self.times, &self.received, &self.flags, &self.device_times] {
            integers::write(numbers, &mut room.integers, out);
        }
        plain += decimals::write(&self.lats, room, out);
        plain += decimals::write(&self.lngs, room, out);
        plain += decimals::write(&self.speeds, room, out);
        integers::write(&self.headings, &mut room.integers, out);
        plain += decimals::write(&self.altitudes, room, out);
        integers::write(&self.satellites, &mut room.integers, out);
        plain += decimals::write(&self.precisions, room, out);
        put_varint(out, self.shapes.all.len() as u64);
        for shape in &self.shapes.all {
            put_varint(out, shape.slots.len() as u64);
            shape.slots.iter().for_each(|slot| put_varint(out, *slot));
        }
        integers::write(&self.ids, &mut room.integers, out);
        for (slot, values) in self.shapes.order.slots.iter().zip(&self.columns) {
            plain += values.write(slot & KIND, room, out);
        }
        Written { columns: out, plain, hashes: &self.hashes }
    }

    pub(super) fn clear(&mut self) {
        for numbers in [
            &mut self.times,
            &mut self.received,
            &mut self.flags,
            &mut self.device_times,
            &mut self.headings,
            &mut self.satellites,
            &mut self.ids,
        ] {
            numbers.clear();
        }
        for numbers in [&mut self.speeds, &mut self.altitudes, &mut self.precisions] {
            numbers.clear();
        }
        self.lats.clear();
        self.lngs.clear();
        self.hashes.clear();
        self.columns.iter_mut().take(self.shapes.order.slots.len()).for_each(Values::clear);
        self.shapes.clear();
        self.inputs = 0;
        if self.out.capacity() > super::KEPT_BUFFER {
            // So was the rest of it.
            *self = Self::default();
        }
    }
}

/// The values of an input, of whichever kind they are.
#[derive(Default)]
struct Values {
    whole: Vec<i64>,
    decimals: Vec<f64>,
    /// The different ones, and which one each is.
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, i64>,
}

impl Values {
    fn push(&mut self, value: &Value) {
        match value {
            Value::Int(number) => self.whole.push(*number),
            Value::Flag(flag) => self.whole.push(i64::from(*flag)),
            Value::Float(number) => self.decimals.push(*number),
            Value::Text(text) => {
                let number = self.numbers.get(text).copied().unwrap_or_else(|| {
                    let number = self.texts.len() as i64;
                    self.numbers.insert(text.clone(), number);
                    self.texts.push(text.clone());
                    number
                });
                self.whole.push(number);
            }
        }
    }

    /// Values that are all of one kind; answers with the bytes that are no bits of numbers.
    fn write(&self, kind: Slot, room: &mut decimals::Room, out: &mut Vec<u8>) -> usize {
        if kind == DECIMAL {
            return decimals::write(&self.decimals, room, out);
        }
        let start = out.len();
        if kind == TEXT {
            put_varint(out, self.texts.len() as u64);
            self.texts.iter().for_each(|text| put_bytes(out, text.as_bytes()));
        }
        let plain = out.len() - start;
        integers::write(&self.whole, &mut room.integers, out);
        plain
    }

    fn clear(&mut self) {
        self.whole.clear();
        self.decimals.clear();
        self.texts.clear();
        self.numbers.clear();
    }
}

/// The shapes of a block's records, in the order in which they come.
#[derive(Default)]
struct Shapes {
    all: Vec<Shape>,
    numbers: HashMap<Vec<Slot>, usize>,
    /// The one of the record before: nearly always that of the next.
    last: usize,
    order: Order,
}

struct Shape {
    slots: Vec<Slot>,
    /// The column of each.
    columns: Vec<usize>,
}

impl Shapes {
    fn of(&mut self, inputs: &Inputs) -> usize {
        let is_last = |last: &Shape| {
            last.slots.len() == inputs.len()
                && last.slots.iter().zip(inputs.iter()).all(|(slot, input)| *slot == slot_of(input))
        };
        if !self.all.get(self.last).is_some_and(is_last) {
            let slots: Vec<Slot> = inputs.iter().map(slot_of).collect();
            let next = self.all.len();
            self.last = *self.numbers.entry(slots.clone()).or_insert(next);
            if self.last == next {
                let columns = self.order.columns(&slots);
                self.all.push(Shape { slots, columns });
            }
        }
        self.last
    }

    fn clear(&mut self) {
        self.all.clear();
        self.numbers.clear();
        self.last = 0;
        self.order.slots.clear();
        self.order.numbers.clear();
    }
}

/// The columns that shapes name, in the order in which they do so first.
#[derive(Default)]
struct Order {
    slots: Vec<Slot>,
    numbers: HashMap<Slot, usize>,
}

impl Order {
    fn columns(&mut self, shape: &[Slot]) -> Vec<usize> {
        let column = |slot: &Slot| {
            *self.numbers.entry(*slot).or_insert_with(|| {
                self.slots.push(*slot);
                self.slots.len() - 1
            })
        };
        shape.iter().map(column).collect()
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
    let mut order = Order::default();
    let columns: Vec<Vec<usize>> = shapes.iter().map(|slots| order.columns(slots)).collect();
    let order = order.slots;
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
