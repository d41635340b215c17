//! Terminal information, supply and signal: the end of alarm packets, and all of a heartbeat.
//! Source: GT06 protocol 1.8.1, 5.3.1.14 to 5.3.1.18, and what clones put in the same places.

use super::{alarms, draft::Draft};
use crate::reader::{ReadError, Reader, bits};

/// Bytes of information, voltage, signal, and alarm with language.
pub(super) const BLOCK: usize = 5;

/// Whether the fourth byte is an alarm, or reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fourth {
    Alarm,
    Reserved,
}

/// Information, then supply and signal in one of the three ways that are in use.
pub(super) fn block(reader: &mut Reader<'_>, fourth: Fourth, draft: &mut Draft) -> Result<(), ReadError> {
    let [information, second, third, alarm, last] = reader.array()?;
    self::information(information, draft);
    let volts = u16::from_be_bytes([second, third]);
    if (second > LEVELS || third > SIGNALS) && is_supply(volts) && alarm <= SIGNALS && last == 0 {
        // Hundredths of a volt in two bytes, then the signal; no alarm but that of the information.
        draft.inputs.push(input!("board_voltage"), f64::from(volts) / 100.0);
        signal(alarm, draft);
        alarms::state(information_alarm(information), draft);
        return Ok(());
    }
    battery_level(second, draft);
    signal(third, draft);
    match fourth {
        Fourth::Alarm => {
            alarms::terminal(alarm, draft);
            if alarm == 0 {
                alarms::state(information_alarm(information), draft);
            }
        }
        Fourth::Reserved => {
            alarms::state(information_alarm(information), draft);
            match u16::from_be_bytes([alarm, last]) {
                // Twelve bits in tenths of a volt.
                word @ 0xF000.. => {
                    draft.inputs.push(input!("board_voltage"), f64::from(word & 0xFFF) / 10.0);
                }
                // Older devices repeat the first alarms here.
                0x0100..=0x04FF => alarms::terminal(alarm, draft),
                // Whole volts, where other documents have a reserved byte.
                0x0500..=0x40FF => draft.inputs.push(input!("board_voltage"), f64::from(alarm)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// All of a heartbeat with number 13.
pub(super) fn heartbeat(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let left = reader.left();
    let mut ahead = reader.clone();
    let [status, flag] = ahead.array()?;
    if left >= 14 && flag == 0x80 {
        // Watches and asset tags: charge in percent, one byte, hundredths of a volt.
        information(status, draft);
        ahead.slice(3)?;
        percent(ahead.u8()?, draft);
        ahead.u8()?;
        draft.inputs.push(input!("battery_voltage"), f64::from(ahead.u16_be()?) / 100.0);
    } else if left == 14 {
        // A temperature in tenths of a degree at the end.
        information(status, draft);
        ahead.slice(10)?;
        draft.inputs.push(input!("ext_temp_sensor_1"), f64::from(ahead.i16_be()?) / 10.0);
    } else {
        return block(reader, Fourth::Reserved, draft);
    }
    *reader = ahead;
    Ok(())
}

/// A heartbeat with number 23: its voltage is that of the device's own battery (AM01 protocol 1.10.0).
pub(super) fn battery_heartbeat(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    // An asset tracker has no ignition and no relay.
    draft.inputs.push(input!("charging_status"), i64::from(reader.u8()? >> 2 & 1));
    draft.inputs.push(input!("battery_voltage"), f64::from(reader.u16_be()?) / 100.0);
    signal(reader.u8()?, draft);
    Ok(())
}

/// The information byte, without its alarm.
pub(super) fn information(byte: u8, draft: &mut Draft) {
    let bit = |at| bits(byte.into(), at, 1) == 1;
    draft.inputs.push(input!("ignition"), bit(1));
    draft.inputs.push(input!("charging_status"), i64::from(bit(2)));
    draft.inputs.push(input!("armed"), bit(0));
    relay(bit(7), draft);
}

/// The relay is the one output, and cuts fuel or ignition.
pub(super) fn relay(on: bool, draft: &mut Draft) {
    draft.inputs.push(input!("digital_output_1"), on);
    draft.inputs.push(input!("engine_blocked"), on);
}

/// Charge in steps from 0 to 6, or in percent.
pub(super) fn battery_level(level: u8, draft: &mut Draft) {
    match level {
        0..=LEVELS => {
            let percent = f64::from(level) * 100.0 / f64::from(LEVELS);
            draft.inputs.push(input!("battery_level"), percent.round());
        }
        _ => percent(level, draft),
    }
}

pub(super) fn percent(level: u8, draft: &mut Draft) {
    if level <= 100 {
        draft.inputs.push(input!("battery_level"), f64::from(level));
    }
}

/// Signal in steps from 0 to 4; what others mean is not known.
pub(super) fn signal(steps: u8, draft: &mut Draft) {
    if steps <= SIGNALS {
        draft.inputs.push(input!("gsm_signal_level"), i64::from(steps) * 25);
    }
}

const LEVELS: u8 = 6;
const SIGNALS: u8 = 4;

fn information_alarm(byte: u8) -> u8 {
    byte >> 3 & 7
}

/// Hundredths of a volt that a vehicle can have.
fn is_supply(volts: u16) -> bool {
    (500..=6000).contains(&volts)
}
