//! The stored form of a snapshot, version 2; version 1 had no totals. Numbers are little-endian; `varint` is LEB128, `int` a zigzag varint, a
//! time an `int` of milliseconds.
//!
//! ```text
//! file     "OUTRLIVE", version u16, position u64, state*, CRC-32 (IEEE) of all before u32
//! state    source int, values varint n, value{n}, fixes u8 (1 own, 2 from cells), fix*,
//!          connection u8 (1 packet, 2 message, 4 current, 8 activated, 16 lost), time*, movement
//! value    input varint, time, kind u8 (0 int, 1 float, 2 false, 3 true, 4 text), int | f64 | - | varint length, UTF-8
//! fix      time, has u8 (1 valid, 2 speed, 4 heading, 8 altitude, 16 satellites, 32 precision), lat f64, lng f64,
//!          f32 | varint | f32 | u8 | f32
//! movement status u8 (0 moving, 1 stopped, 2 parked), has u8 (1 since, 2 moved, 4 sample, 8 ignition known,
//!          16 ignition on, 32 motion known, 64 motion on), time*, totals
//! totals   distance f64, engine varint of milliseconds, has u8 (1 place, 2 engine until), time, lat f64, lng f64 | -,
//!          time | -
//! ```
//!
//! Every version begins with the magic and its number and ends with the checksum.

use super::Snapshot;
use domain::{
    Connection, Coordinates, Fix, Heading, InputName, LatestFix, Metres, Movement, MovementStatus,
    PositionSource, SourceId, Speed, State, Timestamp, Totals, Value,
};
use std::time::Duration;
use store::journal::Position;

pub(crate) const VERSION: u16 = 2;
const MAGIC: &[u8; 8] = b"OUTRLIVE";
const CHECKSUM: usize = 4;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FormatError {
    Newer { found: u16 },
    Broken(&'static str),
}

pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(position: Position) -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(position.0.to_le_bytes());
        Self(bytes)
    }

    pub(crate) fn state(&mut self, source: SourceId, state: &State) {
        self.int(source.0);
        self.varint(state.values().len() as u64);
        for known in state.values() {
            self.varint(u64::from(known.name.code()));
            self.time(known.time);
            self.value(&known.value);
        }
        self.0.push(bits([state.fix.is_some(), state.cell_fix.is_some()]));
        for latest in [&state.fix, &state.cell_fix].into_iter().flatten() {
            self.fix(latest);
        }
        let Connection { last_packet, last_message, last_current, activated, link_lost } = state.connection;
        let times = [last_packet, last_message, last_current, activated, link_lost];
        self.0.push(bits(times.map(|time| time.is_some())));
        self.times(times);
        self.movement(&state.movement);
        self.totals(&state.totals);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let checksum = crc32fast::hash(&self.0);
        self.0.extend(checksum.to_le_bytes());
        self.0
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Int(number) => {
                self.0.push(0);
                self.int(*number);
            }
            Value::Float(number) => {
                self.0.push(1);
                self.0.extend(number.to_le_bytes());
            }
            Value::Flag(flag) => self.0.push(2 + u8::from(*flag)),
            Value::Text(text) => {
                self.0.push(4);
                self.varint(text.len() as u64);
                self.0.extend(text.as_bytes());
            }
        }
    }

    fn fix(&mut self, latest: &LatestFix) {
        // What it was learned from is told by its place.
        let Fix { coordinates, valid, speed, heading, altitude, satellites, precision, source: _ } =
            latest.fix;
        self.time(latest.time);
        self.0.push(bits([
            valid,
            speed.is_some(),
            heading.is_some(),
            altitude.is_some(),
            satellites.is_some(),
            precision.is_some(),
        ]));
        self.0.extend(coordinates.lat().to_le_bytes());
        self.0.extend(coordinates.lng().to_le_bytes());
        self.0.extend(speed.map(|speed| speed.kmh().to_le_bytes()).into_iter().flatten());
        if let Some(heading) = heading {
            self.varint(u64::from(heading.degrees()));
        }
        self.0.extend(altitude.map(|metres| metres.0.to_le_bytes()).into_iter().flatten());
        self.0.extend(satellites);
        self.0.extend(precision.map(|metres| metres.0.to_le_bytes()).into_iter().flatten());
    }

    fn movement(&mut self, movement: &Movement) {
        let Movement { status, since, last_moved, last_sample, ignition, motion } = *movement;
        self.0.push(match status {
            MovementStatus::Moving => 0,
            MovementStatus::Stopped => 1,
            MovementStatus::Parked => 2,
        });
        self.0.push(bits([
            since.is_some(),
            last_moved.is_some(),
            last_sample.is_some(),
            ignition.is_some(),
            ignition == Some(true),
            motion.is_some(),
            motion == Some(true),
        ]));
        self.times([since, last_moved, last_sample]);
    }

    fn totals(&mut self, totals: &Totals) {
        let Totals { distance, place, engine, engine_until } = *totals;
        self.0.extend(distance.to_le_bytes());
        self.varint(u64::try_from(engine.as_millis()).unwrap_or(u64::MAX));
        self.0.push(bits([place.is_some(), engine_until.is_some()]));
        if let Some((time, place)) = place {
            self.time(time);
            self.0.extend(place.lat().to_le_bytes());
            self.0.extend(place.lng().to_le_bytes());
        }
        self.times([engine_until]);
    }

    fn times<const N: usize>(&mut self, times: [Option<Timestamp>; N]) {
        for time in times.into_iter().flatten() {
            self.time(time);
        }
    }

    fn time(&mut self, time: Timestamp) {
        self.int(time.millis());
    }

    fn int(&mut self, number: i64) {
        self.varint(((number << 1) ^ (number >> 63)) as u64);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

/// The first flag in the lowest bit.
fn bits<const N: usize>(flags: [bool; N]) -> u8 {
    flags.into_iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(flag))
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Snapshot, FormatError> {
    let broken = FormatError::Broken;
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(broken("it is too short"))?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err(broken("its checksum is wrong"));
    }
    let mut reader = Reader(content);
    let version = (|| {
        if reader.array::<8>()? != *MAGIC {
            return None;
        }
        Some(u16::from_le_bytes(reader.array()?))
    })()
    .ok_or(broken("it is no snapshot"))?;
    match version {
        0 => Err(broken("it is no snapshot")),
        1..=VERSION => reader.content(version).ok_or(broken("its content makes no sense")),
        found => Err(FormatError::Newer { found }),
    }
}

/// Reads what `Writer` wrote; `None` where that cannot be.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn content(&mut self, version: u16) -> Option<Snapshot> {
        let position = Position(u64::from_le_bytes(self.array()?));
        let mut states = Vec::new();
        while !self.0.is_empty() {
            states.push((SourceId(self.int()?), self.state(version)?));
        }
        Some(Snapshot { position, states })
    }

    fn state(&mut self, version: u16) -> Option<State> {
        let mut state = State::default();
        for _ in 0..self.varint()? {
            let name = InputName::from_code(self.varint()?.try_into().ok()?)?;
            let time = self.time()?;
            state.put(name, time, &self.value()?);
        }
        let [own, cells] = flags(self.byte()?);
        state.fix = self.when(own, |it| it.fix(PositionSource::Gnss))?;
        state.cell_fix = self.when(cells, |it| it.fix(PositionSource::Cells))?;
        let [packet, message, current, activated, lost] = flags(self.byte()?);
        state.connection = Connection {
            last_packet: self.when(packet, Self::time)?,
            last_message: self.when(message, Self::time)?,
            last_current: self.when(current, Self::time)?,
            activated: self.when(activated, Self::time)?,
            link_lost: self.when(lost, Self::time)?,
        };
        state.movement = self.movement()?;
        if version >= 2 {
            state.totals = self.totals()?;
        }
        Some(state)
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            0 => Value::Int(self.int()?),
            1 => Value::Float(f64::from_le_bytes(self.array()?)),
            2 => Value::Flag(false),
            3 => Value::Flag(true),
            4 => {
                let length = self.varint()?.try_into().ok()?;
                Value::Text(std::str::from_utf8(self.slice(length)?).ok()?.into())
            }
            _ => return None,
        })
    }

    fn fix(&mut self, source: PositionSource) -> Option<LatestFix> {
        let time = self.time()?;
        let [valid, speed, heading, altitude, satellites, precision] = flags(self.byte()?);
        let (lat, lng) = (f64::from_le_bytes(self.array()?), f64::from_le_bytes(self.array()?));
        let fix = Fix {
            coordinates: Coordinates::new(lat, lng)?,
            valid,
            speed: self.when(speed, |it| Some(Speed::from_kmh(it.f32()?)))?,
            heading: self.when(heading, |it| Some(Heading::from_degrees(it.varint()?.try_into().ok()?)))?,
            altitude: self.when(altitude, |it| it.f32().map(Metres))?,
            satellites: self.when(satellites, Self::byte)?,
            precision: self.when(precision, |it| it.f32().map(Metres))?,
            source,
        };
        Some(LatestFix { fix, time })
    }

    fn movement(&mut self) -> Option<Movement> {
        let status = match self.byte()? {
            0 => MovementStatus::Moving,
            1 => MovementStatus::Stopped,
            2 => MovementStatus::Parked,
            _ => return None,
        };
        let [since, moved, sample, ignition, ignition_on, motion, motion_on] = flags(self.byte()?);
        Some(Movement {
            status,
            since: self.when(since, Self::time)?,
            last_moved: self.when(moved, Self::time)?,
            last_sample: self.when(sample, Self::time)?,
            ignition: ignition.then_some(ignition_on),
            motion: motion.then_some(motion_on),
        })
    }

    fn totals(&mut self) -> Option<Totals> {
        let distance = self.f64()?;
        let engine = Duration::from_millis(self.varint()?);
        let [place, engine_until] = flags(self.byte()?);
        Some(Totals {
            distance,
            place: self.when(place, |it| Some((it.time()?, Coordinates::new(it.f64()?, it.f64()?)?)))?,
            engine,
            engine_until: self.when(engine_until, Self::time)?,
        })
    }

    /// What `read` reads when it is there at all.
    fn when<T>(&mut self, present: bool, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if present { read(self).map(Some) } else { Some(None) }
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.int().map(Timestamp::from_millis)
    }

    fn int(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }

    fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn slice(&mut self, length: usize) -> Option<&[u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }
}

fn flags<const N: usize>(bits: u8) -> [bool; N] {
    std::array::from_fn(|at| bits >> at & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// Every field of the format, present and absent.
    fn example() -> Snapshot {
        let mut full = State::default();
        for (name, value) in [
            ("ignition", Value::Flag(true)),
            ("motion", Value::Flag(false)),
            ("analog_1", Value::Float(12.75)),
            ("input_status", Value::Int(i64::MIN)),
            ("hardware_key", Value::Text("7427é".into())),
        ] {
            full.put(InputName::find(name).unwrap(), at(1_700_000_000), &value);
        }
        let fix = Fix {
            coordinates: Coordinates::new(45.0888968, -10.0343262).unwrap(),
            valid: true,
            speed: Some(Speed::from_kmh(64.5)),
            heading: Some(Heading::from_degrees(304)),
            altitude: Some(Metres(-3.5)),
            satellites: Some(11),
            precision: Some(Metres(4.0)),
            source: PositionSource::Gnss,
        };
        full.fix = Some(LatestFix { fix, time: at(1_700_000_001) });
        let from_cells =
            Fix { source: PositionSource::Cells, ..Fix::at(Coordinates::new(1.0, 2.0).unwrap()) };
        full.cell_fix = Some(LatestFix { fix: from_cells, time: at(1_600_000_000) });
        full.connection = Connection {
            last_packet: Some(at(1_700_000_005)),
            last_message: Some(at(1_700_000_004)),
            last_current: Some(at(1_700_000_003)),
            activated: Some(at(1_700_000_002)),
            link_lost: Some(at(1_700_000_006)),
        };
        full.movement = Movement {
            status: MovementStatus::Stopped,
            since: Some(at(-1)),
            last_moved: Some(at(0)),
            last_sample: Some(Timestamp::from_millis(1_700_000_001_234)),
            ignition: Some(true),
            motion: Some(false),
        };
        full.totals = Totals {
            distance: 12_345.678,
            place: Some((at(1_700_000_001), Coordinates::new(45.0888968, -10.0343262).unwrap())),
            engine: Duration::from_millis(9_876_543),
            engine_until: Some(at(1_700_000_001)),
        };
        let mut silent = State::default();
        silent.movement.status = MovementStatus::Moving;
        Snapshot {
            position: Position(123_456_789_012),
            states: vec![(SourceId(7), full), (SourceId(1_000_000), State::default()), (SourceId(8), silent)],
        }
    }

    fn encoded(snapshot: &Snapshot) -> Vec<u8> {
        let mut writer = Writer::new(snapshot.position);
        for (source, state) in &snapshot.states {
            writer.state(*source, state);
        }
        writer.finish()
    }

    /// Files of every version are readable for ever. A golden file is never written again: a new version gets its own.
    #[test]
    fn every_version_is_readable() {
        let golden = include_bytes!("../../tests/golden/snapshot-v2.bin");
        assert_eq!(decode(golden), Ok(example()));
        assert_eq!(encoded(&example()), golden);

        let mut before_totals = example();
        before_totals.states.iter_mut().for_each(|(_, state)| state.totals = Totals::default());
        let golden = include_bytes!("../../tests/golden/snapshot-v1.bin");
        assert_eq!(decode(golden), Ok(before_totals));
    }

    #[test]
    fn what_is_no_snapshot_is_told_apart() {
        let broken = |bytes: &[u8]| matches!(decode(bytes), Err(FormatError::Broken(_)));
        let sealed = |content: &[u8]| [content, &crc32fast::hash(content).to_le_bytes()].concat();
        let good = encoded(&example());
        let content = &good[..good.len() - CHECKSUM];
        assert!(decode(&sealed(content)).is_ok());
        assert!(broken(b"") && broken(b"OUTR") && broken(&sealed(b"")) && broken(&sealed(b"SOMETHING ELSE")));
        for length in 0..good.len() {
            assert!(broken(&good[..length]), "cut at {length}");
        }
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            assert!(broken(&bytes), "flipped at {at}");
        }
        let version = |version: u16| {
            let mut content = content.to_vec();
            content[8..10].copy_from_slice(&version.to_le_bytes());
            decode(&sealed(&content))
        };
        assert_eq!(version(3), Err(FormatError::Newer { found: 3 }));
        assert!(matches!(version(0), Err(FormatError::Broken(_))));
    }

    proptest! {
        /// A right checksum over nonsense is answered, not believed.
        #[test]
        fn nonsense_is_survived(mut content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Writer::new(Position(1)).0;
            bytes.append(&mut content);
            let _ = decode(&Writer(bytes).finish());
        }

        #[test]
        fn numbers_come_back(number in any::<i64>()) {
            let mut writer = Writer(vec![]);
            writer.int(number);
            prop_assert_eq!(Reader(&writer.0).int(), Some(number));
            writer.0.pop();
            prop_assert_eq!(Reader(&writer.0).int(), None);
        }
    }
}
