//! Date, place, speed and course as the family writes them (GT06 protocol 1.8.1, 5.2.1.4 to 5.2.1.9).

use super::draft::Draft;
use crate::{
    clock, plausible,
    reader::{ReadError, Reader, bits},
};
use domain::{Coordinates, Fix, Timestamp};

/// Bytes of date, satellites, place, speed and course together.
pub(super) const BLOCK: usize = 18;
/// The same without the date.
pub(super) const PLACE: usize = 12;

/// Year, month, day, hour, minute and second in UTC; zeros are no date.
pub(super) fn date(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let offset = reader.offset();
    let bytes: [u8; 6] = reader.array()?;
    draft.time = clock::binary(bytes);
    if draft.time.is_none() && bytes != [0; 6] {
        return Err(ReadError::Not { offset, what: "a date" });
    }
    Ok(())
}

/// Seconds since 1970.
pub(super) fn seconds(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    draft.time = Some(Timestamp::from_seconds(reader.u32_be()?.into()));
    Ok(())
}

/// Satellites (low half of a byte), place, speed and course.
pub(super) fn place(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let satellites = reader.u8()? & 0x0F;
    let (lat, lng) = (reader.u32_be()?, reader.u32_be()?);
    let speed = reader.u8()?;
    let course = reader.u16_be()?;
    let satellites = plausible::satellites(satellites);
    draft.fix = fix(lat, lng, course, speed.into()).map(|fix| Fix { satellites, ..fix });
    // Bit 14 says that bit 15 is the ignition.
    if bits(course.into(), 14, 1) == 1 {
        draft.inputs.push(input!("ignition"), bits(course.into(), 15, 1) == 1);
    }
    Ok(())
}

/// A place in 1/30,000 of a minute; the hemisphere is with the course.
pub(super) fn fix(lat: u32, lng: u32, course: u16, speed: f32) -> Option<Fix> {
    let bit = |at| bits(course.into(), at, 1) == 1;
    let north = if bit(10) { 1.0 } else { -1.0 };
    let east = if bit(11) { -1.0 } else { 1.0 };
    let coordinates = Coordinates::new(north * degrees(lat), east * degrees(lng))?;
    Some(Fix {
        valid: bit(12),
        speed: plausible::speed_kmh(speed),
        heading: plausible::heading(course & 0x3FF),
        ..Fix::at(coordinates)
    })
}

/// Whether bytes from `at` on can be date, satellites and a place: clones number their messages as they like, so the
/// bytes have to tell.
pub(super) fn stands_at(content: &[u8], at: usize) -> bool {
    let mut reader = Reader::new(content.get(at..).unwrap_or_default());
    let (Ok(date), Ok(_), Ok(lat), Ok(lng)) =
        (reader.array::<6>(), reader.u8(), reader.u32_be(), reader.u32_be())
    else {
        return false;
    };
    let dated = clock::binary(date).is_some() || date == [0; 6];
    dated && reader.left() >= 3 && degrees(lat) <= 90.0 && degrees(lng) <= 180.0
}

fn degrees(raw: u32) -> f64 {
    f64::from(raw) / 1_800_000.0
}
