//! Codec 7 of the GH series: masks say which fields a record has. Source: Teltonika, "GH3000 Protocol", sections "AVL
//! data array" and "Global mask".

use super::avl::{self, AvlError};
use crate::{
    Events,
    parameters::Parameters,
    plausible,
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Inputs, Message, Timestamp};
use std::sync::LazyLock;

/// Reads what stands between the codec and the checksum: the number of records, the records, the number again.
///
/// # Errors
/// When something cannot be read. The messages of the records before it are in `events`.
pub(super) fn records(body: &[u8], events: &mut Events) -> Result<(), AvlError> {
    avl::counted(body, record, events)
}

/// 2007-01-01T00:00:00Z.
const EPOCH: i64 = 1_167_609_600;

fn record(reader: &mut Reader<'_>) -> Result<Message, ReadError> {
    static PROPERTIES: LazyLock<Parameters> =
        LazyLock::new(|| Parameters::built_in(include_str!("compact.tsv")));
    let moment = reader.u32_be()?;
    let (priority, seconds) = (moment >> 30, moment & 0x3FFF_FFFF);
    let global = reader.u8()?;
    let mut inputs = Inputs::default();
    inputs.push(input!("priority"), i64::from(priority));
    let fix = if global & 1 == 0 { None } else { position(reader, &mut inputs)? };
    for (bit, width) in [(1, 1), (2, 2), (3, 4)] {
        if global >> bit & 1 == 0 {
            continue;
        }
        for _ in 0..reader.u8()? {
            let id = u16::from(reader.u8()?);
            PROPERTIES.number(id, reader.uint_be(width)?, width, &mut inputs);
        }
    }
    Ok(Message { time: Some(Timestamp::from_seconds(EPOCH + i64::from(seconds))), fix, inputs })
}

fn position(reader: &mut Reader<'_>, inputs: &mut Inputs) -> Result<Option<Fix>, ReadError> {
    let mask = reader.u8()?;
    let has = |bit: u8| mask >> bit & 1 == 1;
    let mut fix = None;
    if has(0) {
        let (lat, lng) = (reader.f32_be()?, reader.f32_be()?);
        fix = Coordinates::new(f64::from(lat), f64::from(lng)).map(Fix::at);
    }
    let altitude = if has(1) { plausible::altitude(f32::from(reader.i16_be()?)) } else { None };
    // A full circle in 256 steps.
    let heading = if has(2) { plausible::heading(u16::from(reader.u8()?) * 45 / 32) } else { None };
    let speed = if has(3) { plausible::speed_kmh(f32::from(reader.u8()?)) } else { None };
    let satellites = if has(4) { plausible::satellites(reader.u8()?) } else { None };
    if has(5) {
        inputs.push(input!("gsm_area_code"), i64::from(reader.u16_be()?));
        inputs.push(input!("gsm_cell_id"), i64::from(reader.u16_be()?));
    }
    if has(6) {
        let quality = i64::from(reader.u8()?);
        if let Some(percent) = crate::cells::percent_of_csq(quality) {
            inputs.push(input!("gsm_signal_level"), percent);
        }
    }
    if has(7) {
        inputs.push(input!("gsm_network_name"), &*reader.u32_be()?.to_string());
    }
    Ok(fix.map(|fix| Fix { valid: satellites != Some(0), altitude, heading, speed, satellites, ..fix }))
}
