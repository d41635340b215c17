//! What a report means by its name alone: alarms and the ignition.

use super::draft::Draft;
use crate::alarm::Alarm;

/// Reports that are alarms whatever they say. Source: Queclink @Track of GV300, GV500 and GL300, "Event report".
const ALARMS: [(&str, Alarm); 19] = [
    ("SOS", Alarm::Sos),
    ("TOW", Alarm::Towing),
    ("SPD", Alarm::Overspeed),
    ("IDN", Alarm::Idling),
    ("PFA", Alarm::PowerOff),
    ("PNA", Alarm::PowerOn),
    ("MPF", Alarm::PowerCut),
    ("MPN", Alarm::PowerRestored),
    ("BPL", Alarm::LowBattery),
    ("EPF", Alarm::PowerCut),
    ("EPN", Alarm::PowerRestored),
    ("JDR", Alarm::Jamming),
    ("CRA", Alarm::Collision),
    ("GIN", Alarm::GeofenceEnter),
    ("GOT", Alarm::GeofenceExit),
    ("ANT", Alarm::GnssAntennaCut),
    ("TEM", Alarm::Temperature),
    ("FLA", Alarm::FuelLeak),
    ("LBA", Alarm::LowBattery),
];

/// Adds what the report's name says to what its fields said.
pub(super) fn apply(report: &str, draft: &mut Draft) {
    if let Some((_, alarm)) = ALARMS.iter().find(|(name, _)| *name == report) {
        draft.alarms.raise(*alarm);
    }
    // The lower four bits are the type of the report.
    let kind = draft.kind.map(|kind| kind & 0x0F);
    let mut ignition = |on: bool| draft.inputs.push(input!("ignition"), on);
    match (report, kind) {
        ("IGN" | "VGN", _) | ("IGL" | "VGL", Some(0)) => ignition(true),
        ("IGF" | "VGF", _) | ("IGL" | "VGL", Some(1)) => ignition(false),
        ("IDF", _) => draft.inputs.push(input!("idling"), false),
        ("GEO", Some(0)) => drop(draft.alarms.raise(Alarm::GeofenceExit)),
        ("GEO", Some(1)) => drop(draft.alarms.raise(Alarm::GeofenceEnter)),
        ("HBM", Some(0)) => harsh(Alarm::HarshBraking, 2, draft),
        ("HBM", Some(1)) => harsh(Alarm::HarshAcceleration, 1, draft),
        ("HBM", Some(2)) => harsh(Alarm::HarshCornering, 3, draft),
        _ => {}
    }
}

fn harsh(alarm: Alarm, kind: i64, draft: &mut Draft) {
    draft.alarms.raise(alarm);
    draft.inputs.push(input!("green_driving_type"), kind);
}
