//! What a receiver can truly have measured. A field outside these ranges is the device's way to say "unknown", so it
//! is left out instead of being believed.

use domain::{Heading, Metres, Speed};

/// No vehicle of a fleet is faster.
pub const MAX_SPEED_KMH: f32 = 1000.0;
/// All the constellations in the sky together show fewer.
pub const MAX_SATELLITES: u8 = 99;
/// From below the Dead Sea to above any airliner, in metres.
pub const ALTITUDE: std::ops::RangeInclusive<f32> = -1000.0..=20_000.0;

pub fn speed_kmh(kmh: f32) -> Option<Speed> {
    (0.0..=MAX_SPEED_KMH).contains(&kmh).then(|| Speed::from_kmh(kmh))
}

/// Degrees clockwise from north; 360 is north too.
pub fn heading(degrees: u16) -> Option<Heading> {
    (degrees <= 360).then(|| Heading::from_degrees(degrees))
}

pub fn satellites(count: u8) -> Option<u8> {
    (count <= MAX_SATELLITES).then_some(count)
}

pub fn altitude(metres: f32) -> Option<Metres> {
    ALTITUDE.contains(&metres).then_some(Metres(metres))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_nobody_measured() {
        assert_eq!(speed_kmh(1000.0).map(Speed::kmh), Some(1000.0));
        assert_eq!(speed_kmh(65_535.0), None);
        assert_eq!(speed_kmh(f32::NAN), None);
        assert_eq!(heading(360).map(Heading::degrees), Some(0));
        assert_eq!(heading(361), None);
        assert_eq!(satellites(255), None);
        assert_eq!(altitude(-430.5), Some(Metres(-430.5)));
        assert_eq!(altitude(-32_768.0), None);
        assert_eq!(altitude(f32::INFINITY), None);
    }
}
