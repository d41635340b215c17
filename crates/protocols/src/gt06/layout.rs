//! What stands in the content of each message, by its number: a table of parts in the order of the bytes. A number that
//! devices use in several ways has a row for each, told apart by the bytes themselves.
//!
//! Sources: GT06 protocol 1.8.1; Concox GT06N/F/E V1.0.0 (2015), AM01 V1.10.0 (2020), JM-LL01 V2.1.4 (2020), JM-VL01 V19
//! (2021). Rows marked "field" are of devices without a public document.

use super::{
    alarms,
    draft::Draft,
    gnss, information, modules,
    network::{self, Network, Width},
    packet::{Packet, Size},
    status::{self, Fourth},
};
use crate::{
    hex, plausible,
    reader::{ReadError, Reader},
};
use domain::Fix;

/// Adds all that the content says to the draft. `None` when no row fits.
pub(super) fn read(packet: &Packet<'_>, draft: &mut Draft) -> Option<Result<(), ReadError>> {
    let row = ROWS.iter().find(|row| row.numbers.contains(&packet.number) && row.when.holds(packet));
    let parts = match row {
        Some(row) => row.parts,
        // A clone's own number, but a place of the family.
        None if gnss::stands_at(packet.content, 0) => &[Part::Gnss, Part::CellIfAny],
        None => return None,
    };
    let mut reader = Reader::new(packet.content);
    Some(parts.iter().try_for_each(|part| part.read(&mut reader, draft)))
}

struct Row {
    numbers: &'static [u8],
    when: When,
    parts: &'static [Part],
}

#[derive(Clone, Copy)]
enum When {
    Always,
    Length(usize),
    LengthFrom(usize),
    Short,
    Long,
    /// A date and a place stand at this offset.
    PlaceAt(usize),
    /// Both.
    LengthAndPlace(usize),
    /// The content begins so.
    Begins(&'static [u8]),
}

impl When {
    fn holds(self, packet: &Packet<'_>) -> bool {
        let content = packet.content;
        match self {
            Self::Always => true,
            Self::Length(length) => content.len() == length,
            Self::LengthFrom(length) => content.len() >= length,
            Self::Short => packet.size == Size::Short,
            Self::Long => packet.size == Size::Long,
            Self::PlaceAt(offset) => gnss::stands_at(content, offset),
            Self::LengthAndPlace(length) => content.len() == length && gnss::stands_at(content, 0),
            Self::Begins(bytes) => content.starts_with(bytes),
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Skip(usize),
    Date,
    /// Seconds since 1970.
    Seconds,
    /// Date, satellites, place, speed, course.
    Gnss,
    /// The last bytes of the content: satellites, place, speed, course.
    ClosingPlace,
    /// Satellites, place, course, speed in two bytes, two unknown bytes, number of the alarm, names of files.
    CameraEvent,
    /// The same without satellites and speed.
    CameraEventWithoutSpeed,
    CameraAlarm,
    Cell(Width),
    /// One cell of four bytes whose operator has two.
    CellOfLongOperator,
    /// One narrow cell, where there is room for it.
    CellIfAny,
    /// Country, operator, then cells until so many bytes are left.
    Neighbours(Width, usize),
    /// Country, operator, a count, then cells.
    CountedNeighbours,
    /// Up to seven cells, a byte, a count, then access points.
    Wireless(Width),
    /// Four blocks, each behind its length: place, cell, neighbours, access points.
    Blocks,
    /// A byte of length, a cell, the status block and so many bytes that are not read, or a key of eight.
    Alarm(Width, usize),
    /// The status block with an alarm.
    AlarmStatus,
    /// The status block with hundredths of a volt, if there is one.
    SupplyIfAny,
    Heartbeat,
    BatteryHeartbeat,
    Status,
    Ignition,
    ResendMark,
    /// Metres in four bytes, if they are there.
    MileageIfAny,
    /// Degrees in two bytes.
    Temperature,
    /// Hundredths of a volt in two bytes: vehicle, then device.
    Voltages,
    BoardVoltage,
    /// Tenths of a volt in one byte.
    BatteryTenths,
    BatteryPercent,
    /// Length and cell, information, hundredths of a volt.
    TrackerStatus,
    /// A key as hexadecimal digits, eight bytes.
    Key,
    /// A card's number as it is printed on it, four bytes.
    CardNumber,
    /// A key as text between STX and ETX at the end.
    KeyText,
    /// Numbered values behind a length of one byte.
    Modules,
    /// Numbered values behind a length of two bytes.
    LongModules,
    Information,
    SerialPort,
    /// Bytes whose meaning is not known, but that there are.
    Unknown,
}

impl Part {
    fn read(self, reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
        match self {
            Self::Skip(length) => reader.slice(length).map(drop),
            Self::Date => gnss::date(reader, draft),
            Self::Seconds => gnss::seconds(reader, draft),
            Self::Gnss => {
                gnss::date(reader, draft)?;
                gnss::place(reader, draft)
            }
            Self::ClosingPlace => {
                let rest = reader.rest();
                let start = rest.len().saturating_sub(gnss::PLACE);
                gnss::place(&mut Reader::new(&rest[start..]), draft)
            }
            Self::CameraEvent => camera_event(reader, draft),
            Self::CameraEventWithoutSpeed => {
                let (lat, lng, course) = (reader.u32_be()?, reader.u32_be()?, reader.u16_be()?);
                draft.fix = gnss::fix(lat, lng, course, 0.0).map(|fix| Fix { speed: None, ..fix });
                alarms::terminal(reader.u8()?, draft);
                files(reader, draft)
            }
            Self::CameraAlarm => {
                alarms::camera(reader.u8()?, draft);
                Ok(())
            }
            Self::Cell(width) => network::cell(reader, width, draft),
            Self::CellOfLongOperator => network::cell_of_long_operator(reader, draft),
            Self::CellIfAny => match reader.left() {
                8.. => network::cell(reader, Width::Narrow, draft),
                _ => Ok(()),
            },
            Self::Neighbours(width, end) => {
                let network = Network::read(reader)?;
                network::neighbours(reader, network, width, end, draft)
            }
            Self::CountedNeighbours => {
                let network = Network::read(reader)?;
                let count = usize::from(reader.u8()?);
                let cells = reader.slice(reader.left().min(count * 6))?;
                network::neighbours(&mut Reader::new(cells), network, Width::Narrow, 0, draft)
            }
            Self::Wireless(width) => wireless(reader, width, draft),
            Self::Blocks => blocks(reader, draft),
            Self::Alarm(width, behind) => alarm(reader, width, behind, draft),
            Self::AlarmStatus => status::block(reader, Fourth::Alarm, draft),
            Self::SupplyIfAny => supply_if_any(reader, draft),
            Self::Heartbeat => status::heartbeat(reader, draft),
            Self::BatteryHeartbeat => status::battery_heartbeat(reader, draft),
            Self::Status => status::block(reader, Fourth::Reserved, draft),
            Self::Ignition => {
                draft.inputs.push(input!("ignition"), reader.u8()? != 0);
                Ok(())
            }
            Self::ResendMark => {
                draft.resend_mark = Some(reader.offset());
                reader.u8().map(drop)
            }
            Self::MileageIfAny => {
                if reader.left() >= 4 {
                    draft.inputs.push(input!("hw_mileage"), f64::from(reader.u32_be()?) / 1000.0);
                }
                Ok(())
            }
            Self::Temperature => {
                draft.inputs.push(input!("ext_temp_sensor_1"), f64::from(reader.i16_be()?));
                Ok(())
            }
            Self::Voltages => {
                Self::BoardVoltage.read(reader, draft)?;
                draft.inputs.push(input!("battery_voltage"), f64::from(reader.u16_be()?) / 100.0);
                Ok(())
            }
            Self::BoardVoltage => {
                draft.inputs.push(input!("board_voltage"), f64::from(reader.u16_be()?) / 100.0);
                Ok(())
            }
            Self::BatteryTenths => {
                draft.inputs.push(input!("battery_voltage"), f64::from(reader.u8()?) / 10.0);
                Ok(())
            }
            Self::BatteryPercent => {
                status::percent(reader.u8()?, draft);
                Ok(())
            }
            Self::TrackerStatus => {
                let length = usize::from(reader.u8()?);
                network::cell_of(reader.slice(length)?, Width::Narrow, draft)?;
                status::information(reader.u8()?, draft);
                Self::BoardVoltage.read(reader, draft)
            }
            Self::Key => {
                information::key(reader.slice(8)?, draft);
                Ok(())
            }
            Self::CardNumber => {
                draft.inputs.push(input!("hardware_key"), &*reader.u32_be()?.to_string());
                Ok(())
            }
            Self::KeyText => {
                information::key_text(reader.rest(), draft);
                Ok(())
            }
            Self::Modules => modules::short(reader, draft),
            Self::LongModules => modules::long(reader, draft),
            Self::Information => information::read(reader, draft),
            Self::SerialPort => information::serial_port(reader, draft),
            Self::Unknown => {
                let text = format!("data={}", hex::upper(reader.rest()));
                draft.inputs.push(input!("custom_params"), &*text);
                Ok(())
            }
        }
    }
}

fn camera_event(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let satellites = reader.u8()? & 0x0F;
    let (lat, lng, course) = (reader.u32_be()?, reader.u32_be()?, reader.u16_be()?);
    let speed = f32::from(reader.u16_be()?);
    let satellites = plausible::satellites(satellites);
    draft.fix = gnss::fix(lat, lng, course, speed).map(|fix| Fix { satellites, ..fix });
    reader.u16_be()?;
    alarms::terminal(reader.u8()?, draft);
    files(reader, draft)
}

/// Two reserved bytes and the names of the recordings.
fn files(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    reader.u16_be()?;
    if let Some(names) = crate::fields::text(reader.rest()) {
        draft.inputs.push(input!("event_files"), names);
    }
    Ok(())
}

fn wireless(reader: &mut Reader<'_>, width: Width, draft: &mut Draft) -> Result<(), ReadError> {
    let network = Network::read(reader)?;
    let cells = reader.slice(7 * (width.area() + width.id() + 1))?;
    network::neighbours(&mut Reader::new(cells), network, width, 0, draft)?;
    reader.u8()?;
    let count = usize::from(reader.u8()?);
    let points = reader.slice(reader.left().min(count * 7))?;
    network::access_points(&mut Reader::new(points), draft)
}

fn blocks(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let mut block = || {
        let length = usize::from(reader.u8()?);
        reader.slice(length)
    };
    let place = block()?;
    if !place.is_empty() {
        gnss::place(&mut Reader::new(place), draft)?;
    }
    let serving = block()?;
    if serving.is_empty() {
        return Ok(());
    }
    let mut serving = Reader::new(serving);
    let network = Network::read(&mut serving)?;
    network::neighbours(&mut serving, network, Width::Narrow, 0, draft)?;
    network::neighbours(&mut Reader::new(block()?), network, Width::Narrow, 0, draft)?;
    network::access_points(&mut Reader::new(block()?), draft)
}

/// The length counts itself or it does not: what is left behind the cell tells.
fn alarm(reader: &mut Reader<'_>, width: Width, behind: usize, draft: &mut Draft) -> Result<(), ReadError> {
    const KEY: usize = 8;
    let length = usize::from(reader.u8()?);
    let left = reader.left();
    let ends = [status::BLOCK + behind, status::BLOCK + KEY];
    let fits = |cell: &usize| *cell > 0 && left.checked_sub(*cell).is_some_and(|end| ends.contains(&end));
    match [length.wrapping_sub(1), length].into_iter().find(fits) {
        Some(cell) => network::cell_of(reader.slice(cell)?, width, draft)?,
        // Something else stands here; the status is the end all the same.
        None => reader.slice(left.saturating_sub(status::BLOCK + behind)).map(drop)?,
    }
    status::block(reader, Fourth::Alarm, draft)?;
    if reader.left() == KEY && behind != KEY {
        information::key(reader.rest(), draft);
    }
    Ok(())
}

fn supply_if_any(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let mut ahead = reader.clone();
    let Ok([_, high, low, signal, 0]) = ahead.array::<5>() else { return Ok(()) };
    let vehicle = (500..=6000).contains(&u16::from_be_bytes([high, low]));
    if vehicle && signal <= 4 {
        status::block(reader, Fourth::Reserved, draft)?;
    }
    Ok(())
}

/// Offset of the place where an IMEI stands before it.
const IMEI: usize = 8;
/// Where a version, an IMEI and a second date stand before it (field: XT40).
const TRACKER: usize = 1 + IMEI + 6;

use Part::*;

#[rustfmt::skip]
static ROWS: &[Row] = &[
    Row { numbers: &[0x10, 0x1A], when: When::PlaceAt(0), parts: &[Gnss] },
    Row { numbers: &[0x11], when: When::LengthAndPlace(28), parts: &[Gnss, CellOfLongOperator] },
    Row { numbers: &[0x11], when: When::PlaceAt(0), parts: &[Gnss, CellIfAny] },
    Row { numbers: &[0x11], when: When::LengthFrom(14), parts: &[Date, Cell(Width::Narrow)] },
    // Field: a supply voltage and a temperature behind the cell.
    Row { numbers: &[0x12], when: When::LengthAndPlace(38), parts: &[Gnss, Cell(Width::Narrow), SupplyIfAny, Skip(1), Temperature] },
    Row { numbers: &[0x12], when: When::PlaceAt(0), parts: &[Gnss, CellIfAny, SupplyIfAny] },
    // Field: QH302R.
    Row { numbers: &[0x12], when: When::PlaceAt(IMEI), parts: &[Skip(IMEI), Gnss, CellIfAny] },
    Row { numbers: &[0x13], when: When::LengthFrom(5), parts: &[Heartbeat] },
    Row { numbers: &[0x16, 0x22, 0x25, 0x26], when: When::Begins(&[1]), parts: &[Skip(TRACKER), Gnss, TrackerStatus, BatteryTenths, KeyText] },
    // Field: no length before the cell.
    Row { numbers: &[0x16], when: When::LengthAndPlace(31), parts: &[Gnss, Cell(Width::Narrow), AlarmStatus] },
    Row { numbers: &[0x16, 0x25, 0x26], when: When::PlaceAt(0), parts: &[Gnss, Alarm(Width::Narrow, 0)] },
    Row { numbers: &[0x27], when: When::PlaceAt(0), parts: &[Gnss, Alarm(Width::Narrow, 1)] },
    // Field: the driver's key behind the cell.
    Row { numbers: &[0x17], when: When::LengthAndPlace(35), parts: &[Gnss, Cell(Width::Narrow), Key] },
    Row { numbers: &[0x17], when: When::LengthFrom(8), parts: &[Cell(Width::Narrow)] },
    Row { numbers: &[0x18, 0x28], when: When::LengthFrom(9), parts: &[Date, Neighbours(Width::Narrow, 3)] },
    Row { numbers: &[0x19], when: When::Length(13), parts: &[Cell(Width::Narrow), AlarmStatus] },
    Row { numbers: &[0x19], when: When::LengthFrom(14), parts: &[Date, Cell(Width::Narrow)] },
    Row { numbers: &[0x1E], when: When::PlaceAt(0), parts: &[Gnss, Neighbours(Width::Narrow, 3)] },
    Row { numbers: &[0x22], when: When::PlaceAt(0), parts: &[Gnss, Cell(Width::Narrow), Ignition, Skip(1), ResendMark, MileageIfAny] },
    Row { numbers: &[0x23], when: When::LengthFrom(4), parts: &[BatteryHeartbeat] },
    // Field: a vehicle's and the device's voltage behind the cell.
    Row { numbers: &[0x24], when: When::LengthAndPlace(41), parts: &[Gnss, Cell(Width::Narrow), Ignition, Voltages] },
    Row { numbers: &[0x24], when: When::LengthFrom(11), parts: &[Date, Skip(1), CountedNeighbours] },
    Row { numbers: &[0x2C], when: When::LengthFrom(53), parts: &[Date, Wireless(Width::Narrow)] },
    Row { numbers: &[0x32], when: When::Long, parts: &[Date, Blocks] },
    Row { numbers: &[0x33], when: When::Long, parts: &[Date, Unknown] },
    Row { numbers: &[0x34], when: When::PlaceAt(4), parts: &[Skip(4), Gnss, Skip(6), Cell(Width::Middle)] },
    // Field: state and the driver's key behind a cell of 4G.
    Row { numbers: &[0x36], when: When::LengthAndPlace(48), parts: &[Gnss, Cell(Width::Middle), Ignition, Skip(5), BatteryPercent, Skip(2), BatteryTenths, Skip(3), Key] },
    Row { numbers: &[0x36], when: When::LengthFrom(5), parts: &[Status, Modules] },
    Row { numbers: &[0x37], when: When::PlaceAt(0), parts: &[Gnss, Cell(Width::Narrow), Ignition] },
    Row { numbers: &[0x61], when: When::PlaceAt(IMEI), parts: &[Skip(IMEI), Gnss, Cell(Width::Narrow), Skip(3), CardNumber] },
    // Field: values of an OBD reader as text, then the place.
    Row { numbers: &[0x66, 0x8C], when: When::LengthFrom(gnss::BLOCK), parts: &[Date, ClosingPlace] },
    Row { numbers: &[0x70], when: When::Always, parts: &[LongModules] },
    Row { numbers: &[0x94], when: When::Short, parts: &[BoardVoltage] },
    Row { numbers: &[0x94], when: When::Long, parts: &[Information] },
    Row { numbers: &[0x95], when: When::Begins(&[0xFF, 0xFF]), parts: &[Skip(3), Date, CameraEvent] },
    Row { numbers: &[0x95], when: When::Length(7), parts: &[Date, CameraAlarm] },
    Row { numbers: &[0x95], when: When::LengthFrom(19), parts: &[Date, CameraEventWithoutSpeed] },
    Row { numbers: &[0x9B], when: When::LengthFrom(1), parts: &[SerialPort] },
    Row { numbers: &[0xA0], when: When::PlaceAt(0), parts: &[Gnss, Cell(Width::Wide), Ignition, Skip(1), ResendMark, MileageIfAny] },
    Row { numbers: &[0xA1], when: When::LengthFrom(9), parts: &[Date, Neighbours(Width::Wide, 3)] },
    // Field: a place in the message of access points.
    Row { numbers: &[0xA2], when: When::PlaceAt(0), parts: &[Gnss, Cell(Width::Wide)] },
    Row { numbers: &[0xA2], when: When::LengthFrom(102), parts: &[Date, Wireless(Width::Wide)] },
    Row { numbers: &[0xA3, 0xA4], when: When::PlaceAt(0), parts: &[Gnss, Alarm(Width::Wide, 1)] },
    Row { numbers: &[0xA5], when: When::LengthFrom(20), parts: &[Cell(Width::Wide), AlarmStatus] },
    Row { numbers: &[0xA7], when: When::LengthFrom(15), parts: &[Cell(Width::Wide)] },
    Row { numbers: &[0xF1, 0xF2], when: When::LengthFrom(4), parts: &[Seconds, Modules] },
];
