//! Coordinates as receivers print them: degrees and minutes in one number, and a letter for the hemisphere.

use crate::fields;
use domain::Coordinates;

/// `DDMM.mmmm`, `N` or `S`, `DDDMM.mmmm`, `E` or `W`; leading zeros may be missing.
pub fn coordinates(lat: &[u8], north: &[u8], lng: &[u8], east: &[u8]) -> Option<Coordinates> {
    Coordinates::new(degrees(lat, north)?, degrees(lng, east)?)
}

/// One coordinate in degrees; south and west are negative. An empty hemisphere leaves the number's own sign.
pub fn degrees(field: &[u8], hemisphere: &[u8]) -> Option<f64> {
    let number = degrees_and_minutes(fields::decimal(field)?)?;
    match hemisphere.trim_ascii() {
        b"N" | b"n" | b"E" | b"e" => Some(number.abs()),
        b"S" | b"s" | b"W" | b"w" => Some(-number.abs()),
        b"" => Some(number),
        _ => None,
    }
}

/// Degrees × 100 + minutes, as one number with a sign. Devices that round print 60 minutes, which is one degree more.
/// To a centimetre (seven decimals), which no receiver knows better. `None` for what is no number.
pub fn degrees_and_minutes(number: f64) -> Option<f64> {
    let whole = (number.abs() / 100.0).trunc();
    let minutes = number.abs() - whole * 100.0;
    let degrees = ((whole + minutes / 60.0) * 1e7).round() / 1e7;
    degrees.is_finite().then_some(degrees.copysign(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_degrees_and_minutes() {
        for (field, hemisphere, expected) in [
            ("5544.6025", "N", Some(55.743_375)),
            ("03739.6834", "E", Some(37.661_39)),
            ("3739.6834", "W", Some(-37.661_39)),
            ("-3739.6834", "", Some(-37.661_39)),
            ("0000.0060", "S", Some(-0.0001)),
            ("5560.0", "N", Some(56.0)),
            ("5544.6025", "X", None),
            ("NA", "N", None),
            ("", "N", None),
        ] {
            let degrees = degrees(field.as_bytes(), hemisphere.as_bytes());
            let same = match (degrees, expected) {
                (Some(ours), Some(expected)) => (ours - expected).abs() < 5e-8,
                (ours, expected) => ours == expected,
            };
            assert!(same, "{field} {hemisphere}: {degrees:?}");
        }
        assert_eq!(coordinates(b"9100.0", b"N", b"0000.0", b"E"), None, "not on earth");
    }
}
