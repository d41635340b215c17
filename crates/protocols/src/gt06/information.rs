//! Message 94, information of many kinds by a number of its own, and 9B, bytes from a serial port.
//! Source: Concox JM-VL01 protocol V19 (2021), AM01 protocol V1.10.0 (2020), "Information transmission packet".

use super::{draft::Draft, gnss, status};
use crate::{
    clock,
    fields::{self, Fields},
    hex,
    reader::{ReadError, Reader},
};

pub(super) fn read(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let kind = reader.u8()?;
    match kind {
        0x00 => draft.inputs.push(input!("board_voltage"), f64::from(reader.u16_be()?) / 100.0),
        0x04 => parameters(reader.rest(), draft),
        0x05 => {
            date_if_any(reader, draft)?;
            draft.inputs.push(input!("door_state_1"), i64::from(reader.u8()? & 1));
        }
        0x0A => {
            // IMEI and IMSI.
            reader.slice(16)?;
            iccid(reader.slice(10)?, draft);
        }
        0x0B => {
            // 2G or 4G, in the numbers of the input.
            draft.inputs.push(input!("network_type"), if reader.u8()? == 0 { 1_i64 } else { 2 });
        }
        0x0D => {
            date_if_any(reader, draft)?;
            fuel(reader.rest(), draft);
        }
        0x1B => key_text(reader.rest(), draft),
        0x1E => {
            draft.inputs.push(input!("ext_temp_sensor_1"), f64::from(reader.i32_be()?) / 10.0);
            draft.inputs.push(input!("humidity_1"), f64::from(reader.i32_be()?) / 10.0);
        }
        _ => {
            let text = format!("94{kind:02X}={}", hex::upper(bounded(reader.rest())));
            draft.inputs.push(input!("custom_params"), &*text);
        }
    }
    Ok(())
}

/// Which port, then what came out of it.
pub(super) fn serial_port(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    reader.u8()?;
    let data = reader.rest();
    match fields::text(data) {
        Some(text) => draft.inputs.push(input!("serial_data"), text),
        None if data.is_empty() => {}
        None => draft.inputs.push(input!("serial_data"), &*hex::upper(bounded(data))),
    }
    Ok(())
}

/// Packed digits that end with F where their number is odd.
pub(super) fn iccid(bytes: &[u8], draft: &mut Draft) {
    let text = hex::upper(bytes);
    let digits = text.trim_end_matches('F');
    if digits.bytes().any(|digit| digit != b'0') {
        draft.inputs.push(input!("iccid"), digits);
    }
}

/// A key that is not all zeros.
pub(super) fn key(bytes: &[u8], draft: &mut Draft) {
    if bytes.iter().any(|byte| *byte != 0) {
        draft.inputs.push(input!("hardware_key"), &*hex::upper(bytes));
    }
}

/// A reader's own packet at the end: STX, its length where that fits, the key as text or bytes, a checksum where there
/// is a length, ETX.
pub(super) fn key_text(bytes: &[u8], draft: &mut Draft) {
    const STX: u8 = 2;
    const ETX: u8 = 3;
    let Some((&ETX, before)) = bytes.split_last() else { return };
    let start =
        if before.starts_with(&[STX]) { Some(0) } else { before.iter().rposition(|byte| *byte == STX) };
    let Some(start) = start else { return };
    match &before[start + 1..] {
        [length, key @ .., _checksum] if usize::from(*length) == key.len() + 4 => self::key(key, draft),
        text => {
            if let Some(text) = fields::text(text) {
                draft.inputs.push(input!("hardware_key"), text);
            }
        }
    }
}

fn date_if_any(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let mut ahead = reader.clone();
    if ahead.array().is_ok_and(|bytes| clock::binary(bytes).is_some()) {
        return gnss::date(reader, draft);
    }
    Ok(())
}

/// `KEY=value;…` with all that is set in the device.
fn parameters(text: &[u8], draft: &mut Draft) {
    let Some(text) = fields::text(text) else { return };
    for parameter in text.split(';') {
        let (name, value) = parameter.split_once(['=', ':']).unwrap_or((parameter, ""));
        match name {
            "ICCID" if !value.is_empty() => draft.inputs.push(input!("iccid"), value),
            "DYD" => {
                if let Some(bits) = fields::hex(value.as_bytes()) {
                    status::relay(bits & 1 == 1, draft);
                }
            }
            _ => {}
        }
    }
    draft.inputs.push(input!("status"), text);
}

/// The line of an ultrasonic probe: `!AIOIL,address,level,temperature,…`.
fn fuel(line: &[u8], draft: &mut Draft) {
    let mut fields = Fields::comma(line);
    if fields.field() != b"!AIOIL" {
        return;
    }
    fields.field();
    if let Some(level) = fields.decimal() {
        draft.inputs.push(input!("lls_level_1"), level);
    }
    if let Some(temperature) = fields.decimal() {
        draft.inputs.push(input!("lls_temperature_1"), temperature);
    }
}

fn bounded(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(crate::sanity::MAX_TEXT / 2 - 8)]
}
