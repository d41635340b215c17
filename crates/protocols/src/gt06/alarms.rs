//! What devices of the family raise an alarm about, by its number.
//! Source: Concox "GPS Tracker Communication Protocol" of GT06N/F/E V1.0.0 (2015), AM01 V1.10.0 (2020) and JM-VL01 V19
//! (2021), tables of alarm types; harsh manoeuvres also as X3 and the JC dashcams number them.

use super::draft::Draft;
use crate::alarm::Alarm;

/// An alarm packet's number of the alarm.
pub(super) fn terminal(number: u8, draft: &mut Draft) {
    raise(number, TERMINAL, draft);
}

/// The short alarm of a dashcam, in which 1 is any.
pub(super) fn camera(number: u8, draft: &mut Draft) {
    raise(number, &TERMINAL[CAMERA..], draft);
}

/// Bits 3 to 5 of the terminal information (GT06 protocol 1.8.1, 5.3.1.14).
pub(super) fn state(bits: u8, draft: &mut Draft) {
    let alarm = match bits {
        1 => Alarm::Vibration,
        2 => Alarm::PowerCut,
        3 => Alarm::LowBattery,
        4 => Alarm::Sos,
        _ => return,
    };
    draft.alarms.raise(alarm);
}

/// 0 is the end of an alarm, or none.
fn raise(number: u8, table: &[(u8, Alarm)], draft: &mut Draft) {
    draft.inputs.push(input!("event_code"), i64::from(number));
    if number != 0 {
        let row = table.iter().find(|(of, _)| *of == number);
        draft.alarms.raise(row.map_or(Alarm::General, |(_, alarm)| *alarm));
    }
}

const TERMINAL: &[(u8, Alarm)] = &[
    (0x01, Alarm::Sos),
    (0x02, Alarm::PowerCut),
    (0x03, Alarm::Vibration),
    (0x04, Alarm::GeofenceEnter),
    (0x05, Alarm::GeofenceExit),
    (0x06, Alarm::Overspeed),
    (0x09, Alarm::Movement),
    (0x0C, Alarm::PowerOn),
    (0x0E, Alarm::LowPower),
    (0x0F, Alarm::LowPower),
    (0x11, Alarm::PowerOff),
    (0x13, Alarm::Tamper),
    (0x14, Alarm::Door),
    (0x15, Alarm::LowBattery),
    (0x17, Alarm::Jamming),
    (0x18, Alarm::Tamper),
    (0x19, Alarm::LowBattery),
    (0x23, Alarm::FallDown),
    (0x26, Alarm::HarshAcceleration),
    (0x27, Alarm::HarshBraking),
    (0x28, Alarm::HarshCornering),
    (0x29, Alarm::HarshAcceleration),
    (0x2A, Alarm::HarshCornering),
    (0x2B, Alarm::HarshCornering),
    (0x2C, Alarm::Collision),
    (0x30, Alarm::HarshBraking),
    (0xFE, Alarm::IgnitionOn),
    (0xFF, Alarm::IgnitionOff),
    (0x80, Alarm::Vibration),
    (0x87, Alarm::Overspeed),
    (0x88, Alarm::PowerCut),
    (0x90, Alarm::HarshAcceleration),
    (0x91, Alarm::HarshBraking),
    (0x92, Alarm::HarshCornering),
    (0x93, Alarm::Collision),
];

/// Where the dashcams' numbers begin.
const CAMERA: usize = TERMINAL.len() - 7;
