//! Where a device is between the cells that it hears, whose places and ranges are known.

use super::{Whereabouts, table::Located};
use domain::{Coordinates, Metres};

/// A cell whose place is further than this from that of the first one is in the list at a wrong place: no cell is heard
/// over more than 35 km (GSM's timing advance ends there).
const FURTHEST: f64 = 70_000.0;

/// A cell whose range the list does not know.
const UNKNOWN_RANGE: f64 = 2000.0;

/// What strength counts as that is not known, and the bounds of what is believed, dBm (3GPP TS 27.007, 8.5).
const USUAL_DBM: i16 = -95;
const WEAKEST_DBM: i16 = -113;
const STRONGEST_DBM: i16 = -51;

/// Metres of a degree of latitude.
const DEGREE: f64 = 111_195.0;

/// Places weighed by how strongly their cells are heard, and by how small these are. The precision is the range of the
/// smallest cell, or the way to the furthest place if that is longer. `None` without a place.
pub(super) fn centre(heard: &[(Located, Option<i16>)]) -> Option<Whereabouts> {
    let (first, _) = heard.first()?;
    let near: Vec<_> =
        heard.iter().filter(|(cell, _)| metres(first, cell.lat, cell.lng) <= FURTHEST).collect();
    let mut sums = [0.0; 3];
    for (cell, dbm) in &near {
        let dbm = dbm.unwrap_or(USUAL_DBM).clamp(WEAKEST_DBM, STRONGEST_DBM);
        // Field strength falls with the distance.
        let weight = 10_f64.powf(f64::from(dbm - WEAKEST_DBM) / 20.0) / range(cell);
        // Across the date line the shorter way counts.
        let east = (cell.lng - first.lng + 540.0).rem_euclid(360.0) - 180.0;
        sums[0] += weight * cell.lat;
        sums[1] += weight * (first.lng + east);
        sums[2] += weight;
    }
    let (lat, lng) = (sums[0] / sums[2], (sums[1] / sums[2] + 540.0).rem_euclid(360.0) - 180.0);
    let smallest = near.iter().map(|(cell, _)| range(cell)).fold(f64::INFINITY, f64::min);
    let spread = near.iter().map(|(cell, _)| metres(cell, lat, lng)).fold(0.0, f64::max);
    let precision = Metres(smallest.max(spread).ceil() as f32);
    Some(Whereabouts { coordinates: Coordinates::new(lat, lng)?, precision })
}

fn range(cell: &Located) -> f64 {
    if cell.range == 0 { UNKNOWN_RANGE } else { f64::from(cell.range) }
}

/// On a plane, which is right enough for what cells tell.
fn metres(from: &Located, lat: f64, lng: f64) -> f64 {
    let east = ((lng - from.lng + 540.0).rem_euclid(360.0) - 180.0) * from.lat.to_radians().cos();
    DEGREE * east.hypot(lat - from.lat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_cells() {
        let cell = |lat, lng, range, dbm| (Located { lat, lng, range }, dbm);
        for (heard, expected) in [
            (&[][..], None),
            (&[cell(54.0, 25.0, 800, None)], Some((54.0, 25.0, 800.0))),
            (&[cell(54.0, 25.0, 0, Some(-60))], Some((54.0, 25.0, 2000.0))),
            (&[cell(54.0, 25.0, 800, None), cell(54.0, 25.0, 500, None)], Some((54.0, 25.0, 500.0))),
            // Halfway, and so 556 m from both.
            (&[cell(54.0, 25.0, 100, None), cell(54.01, 25.0, 100, None)], Some((54.005, 25.0, 556.0))),
            // Twenty decibels are ten times the strength.
            (
                &[cell(0.0, 25.0, 100, Some(-60)), cell(0.011, 25.0, 100, Some(-80))],
                Some((0.001, 25.0, 1112.0)),
            ),
            (&[cell(0.0, 25.0, 100, None), cell(0.011, 25.0, 1000, None)], Some((0.001, 25.0, 1112.0))),
            // One at a wrong place.
            (&[cell(54.0, 25.0, 800, None), cell(55.0, 25.0, 800, None)], Some((54.0, 25.0, 800.0))),
            (&[cell(0.0, 179.999, 100, None), cell(0.0, -179.999, 100, None)], Some((0.0, -180.0, 112.0))),
        ] {
            let found = centre(heard).map(|found| {
                let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
                (round(found.coordinates.lat()), round(found.coordinates.lng()), f64::from(found.precision.0))
            });
            assert_eq!(found, expected, "{heard:?}");
        }
    }
}
