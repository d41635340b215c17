//! Why a record was made. Source: MEITRACK T622 GPRS Protocol, section 1.5 "Event Code".

use crate::alarm::Alarm;

/// The alarm that an event is; most events are none.
pub(super) fn alarm(event: i64) -> Option<Alarm> {
    Some(match event {
        1 => Alarm::Sos,
        17 => Alarm::LowBattery,
        18 => Alarm::LowPower,
        19 => Alarm::Overspeed,
        20 => Alarm::GeofenceEnter,
        21 => Alarm::GeofenceExit,
        22 => Alarm::PowerRestored,
        23 => Alarm::PowerCut,
        28 => Alarm::GnssAntennaCut,
        36 => Alarm::Towing,
        44 => Alarm::Jamming,
        50 | 51 => Alarm::Temperature,
        54 => Alarm::FuelLeak,
        73 => Alarm::Tamper,
        78 | 79 => Alarm::Collision,
        90 | 91 => Alarm::HarshCornering,
        129 => Alarm::HarshBraking,
        130 => Alarm::HarshAcceleration,
        133 => Alarm::Idling,
        135 | 136 => Alarm::FatigueDriving,
        _ => return None,
    })
}

/// The answer to a question for the place.
pub(super) const ON_DEMAND: i32 = 34;
/// A card was read; it stands beside the event.
pub(super) const CARD: i64 = 37;
