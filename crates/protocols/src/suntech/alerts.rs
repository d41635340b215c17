//! Numbers of alerts and emergencies. Sources: manual of ST300/340, 6-3 "Emergency Report" and 6-4 "Alert Report";
//! "Universal Protocol", "Alert ID".

use crate::alarm::{Alarm, Alarms};
use domain::Inputs;

pub(super) fn emergency(number: i64, alarms: &mut Alarms, inputs: &mut Inputs) {
    inputs.push(input!("event_code"), number);
    alarms.raise(match number {
        1 => Alarm::Sos,
        2 => Alarm::Parking,
        3 => Alarm::PowerCut,
        5 | 6 => Alarm::Door,
        7 => Alarm::Movement,
        8 => Alarm::Vibration,
        _ => Alarm::General,
    });
}

pub(super) fn alert(number: i64, alarms: &mut Alarms, inputs: &mut Inputs) {
    inputs.push(input!("event_code"), number);
    match number {
        33 => inputs.push(input!("ignition"), true),
        34 => inputs.push(input!("ignition"), false),
        _ => {}
    }
    let alarm = match number {
        1 => Alarm::Overspeed,
        3 => Alarm::GnssAntennaCut,
        5 => Alarm::GeofenceExit,
        6 => Alarm::GeofenceEnter,
        8 => Alarm::GnssAntennaShort,
        13 => Alarm::BatteryFailure,
        14 => Alarm::LowBattery,
        15 => Alarm::Vibration,
        16 => Alarm::Collision,
        40 => Alarm::PowerRestored,
        41 => Alarm::PowerCut,
        42 => Alarm::Sos,
        46 => Alarm::HarshAcceleration,
        47 => Alarm::HarshBraking,
        48 => Alarm::HarshCornering,
        50 => Alarm::Jamming,
        132 => Alarm::Door,
        _ => return,
    };
    alarms.raise(alarm);
}
