//! Records of codecs 8, 8 Extended and 16. They differ in the width of ids and counts and in the last group of
//! parameters. Source: Teltonika Telematics Wiki, "Teltonika Data Sending Protocols", sections of the three codecs.

use super::{Codec, SLOT};
use crate::{
    Event, Events,
    parameters::Parameters,
    plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, RecordHash, Timestamp};

/// Why not all records of a packet could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AvlError {
    #[error("record {number} of {count}: {error}")]
    Record { number: u8, count: u8, error: ReadError },
    #[error("the packet says {before} records before them and {after} behind them")]
    Counts { before: u8, after: u8 },
    #[error("no number of records")]
    NoCount,
    #[error("{left} bytes behind {count} records")]
    TooMuch { count: u8, left: usize },
}

/// Reads what stands between the codec and the checksum: the number of records, the records, the number again.
///
/// # Errors
/// When something cannot be read. The messages of the records before it are in `events`.
pub(super) fn records(
    codec: Codec,
    parameters: &Parameters,
    body: &[u8],
    events: &mut Events,
) -> Result<(), AvlError> {
    let start = events.len();
    let layout = codec.layout();
    let outcome = records_in(layout, parameters, body, events);
    if outcome.is_err() && codec == Codec::Codec8 {
        // Some firmware adds parameters of 16 bytes to codec 8 and does not say so. Such a packet cannot be read
        // without them, so they are tried when the documented layout does not fit to the last byte.
        let layout = Layout { last: LastGroup::SixteenBytes, ..layout };
        let mut second = Events::new();
        if records_in(layout, parameters, body, &mut second).is_ok() {
            events.truncate(start);
            events.append(&mut second);
            return Ok(());
        }
    }
    outcome
}

/// How a codec writes what the others write differently.
#[derive(Clone, Copy)]
struct Layout {
    id: Width,
    count: Width,
    generation: Generation,
    last: LastGroup,
}

#[derive(Clone, Copy)]
enum Width {
    One,
    Two,
}

#[derive(Clone, Copy)]
enum Generation {
    NotSaid,
    OneByte,
}

/// What follows the parameters of 1, 2, 4 and 8 bytes.
#[derive(Clone, Copy)]
enum LastGroup {
    None,
    SixteenBytes,
    OwnLengths,
}

impl Codec {
    fn layout(self) -> Layout {
        let (id, count, generation, last) = match self {
            Self::Codec8 => (Width::One, Width::One, Generation::NotSaid, LastGroup::None),
            Self::Codec8Extended => (Width::Two, Width::Two, Generation::NotSaid, LastGroup::OwnLengths),
            Self::Codec16 => (Width::Two, Width::One, Generation::OneByte, LastGroup::None),
        };
        Layout { id, count, generation, last }
    }
}

impl Width {
    fn read(self, reader: &mut Reader<'_>) -> Result<u16, ReadError> {
        match self {
            Self::One => reader.u8().map(u16::from),
            Self::Two => reader.u16_be(),
        }
    }
}

fn records_in(
    layout: Layout,
    parameters: &Parameters,
    body: &[u8],
    events: &mut Events,
) -> Result<(), AvlError> {
    counted(body, |reader| record(reader, layout, parameters), events)
}

/// Records between their number, each read by `record`.
pub(super) fn counted(
    body: &[u8],
    record: impl Fn(&mut Reader<'_>) -> Result<Message, ReadError>,
    events: &mut Events,
) -> Result<(), AvlError> {
    let mut reader = Reader::new(body);
    let count = reader.u8().map_err(|_| AvlError::NoCount)?;
    for number in 1..=count {
        let start = reader.offset();
        let message = record(&mut reader).map_err(|error| AvlError::Record { number, count, error })?;
        let hash = RecordHash::of(reader.since(start));
        events.push_back(Event::Message { slot: SLOT, message, hash });
    }
    match (reader.u8(), reader.left()) {
        (Err(_), _) => Err(AvlError::NoCount),
        (Ok(_), left @ 1..) => Err(AvlError::TooMuch { count, left: left + 1 }),
        (Ok(after), _) if after != count => Err(AvlError::Counts { before: count, after }),
        (Ok(_), _) => Ok(()),
    }
}

fn record(reader: &mut Reader<'_>, layout: Layout, parameters: &Parameters) -> Result<Message, ReadError> {
    let time = i64::try_from(reader.u64_be()?).unwrap_or(i64::MAX);
    let priority = reader.u8()?;
    let fix = fix(reader)?;
    let event = layout.id.read(reader)?;
    let generation = match layout.generation {
        Generation::NotSaid => None,
        Generation::OneByte => Some(reader.u8()?),
    };
    // Devices miscount: the total only says how much room to make. A parameter takes two bytes or more.
    let total = usize::from(layout.count.read(reader)?).min(reader.left() / 2);

    let mut inputs = Inputs::with_capacity(total + 3);
    inputs.push(input!("priority"), i64::from(priority));
    inputs.push(input!("event_code"), i64::from(event));
    if let Some(generation) = generation {
        inputs.push(input!("sub_event_code"), i64::from(generation));
    }
    for width in [1, 2, 4, 8] {
        for _ in 0..layout.count.read(reader)? {
            let id = layout.id.read(reader)?;
            parameters.number(id, reader.uint_be(width)?, width, &mut inputs);
        }
    }
    match layout.last {
        LastGroup::None => {}
        LastGroup::SixteenBytes => {
            for _ in 0..layout.count.read(reader)? {
                let id = layout.id.read(reader)?;
                parameters.bytes(id, reader.slice(16)?, &mut inputs);
            }
        }
        LastGroup::OwnLengths => {
            for _ in 0..layout.count.read(reader)? {
                let id = layout.id.read(reader)?;
                let length = usize::from(reader.u16_be()?);
                if length > MAX_PARAMETER {
                    let (offset, what) = (reader.offset(), "a parameter of at most 4,096 bytes");
                    return Err(ReadError::Not { offset, what });
                }
                parameters.bytes(id, reader.slice(length)?, &mut inputs);
            }
        }
    }
    Ok(Message { time: Some(Timestamp::from_millis(time)), fix, inputs })
}

/// More than three times the vendor's longest packet; as hexadecimal text it is the longest text an input takes.
const MAX_PARAMETER: usize = crate::sanity::MAX_TEXT / 2;

/// Without satellites the device repeats its last known coordinates.
fn fix(reader: &mut Reader<'_>) -> Result<Option<Fix>, ReadError> {
    let (lng, lat) = (reader.i32_be()?, reader.i32_be()?);
    let altitude = reader.i16_be()?;
    let heading = reader.u16_be()?;
    let satellites = reader.u8()?;
    let speed = reader.u16_be()?;
    Ok(Coordinates::new(f64::from(lat) / 1e7, f64::from(lng) / 1e7).map(|coordinates| Fix {
        coordinates,
        valid: satellites > 0,
        speed: plausible::speed_kmh(f32::from(speed)),
        heading: plausible::heading(heading),
        altitude: plausible::altitude(f32::from(altitude)),
        satellites: plausible::satellites(satellites),
        ..Fix::at(coordinates)
    }))
}
