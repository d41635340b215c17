//! Distance between two positions.

use domain::Coordinates;

/// Mean radius of the Earth (IUGG) in kilometres.
const EARTH_RADIUS: f64 = 6_371.008_8;

/// Along the great circle of a round Earth, in kilometres.
pub fn kilometres(from: Coordinates, to: Coordinates) -> f64 {
    let half_sine_squared = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let haversine = half_sine_squared(to.lat() - from.lat())
        + from.lat().to_radians().cos()
            * to.lat().to_radians().cos()
            * half_sine_squared(to.lng() - from.lng());
    // Rounding may carry antipodes a little beyond 1.
    2.0 * EARTH_RADIUS * haversine.min(1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        for (from, to, expected) in [
            ((53.5511, 9.9937), (53.5511, 9.9937), 0.0),
            ((0.0, 0.0), (0.0, 1.0), 111.195),
            ((0.0, 0.0), (1.0, 0.0), 111.195),
            ((60.0, 10.0), (60.0, 11.0), 55.597),
            ((0.0, 179.5), (0.0, -179.5), 111.195),
            ((90.0, 0.0), (-90.0, 0.0), 20_015.115),
            ((0.0, 0.0), (0.0, 180.0), 20_015.115),
            ((52.5200, 13.4050), (48.8566, 2.3522), 877.464), // Berlin to Paris
        ] {
            let at = |(lat, lng)| Coordinates::new(lat, lng).unwrap();
            let found = kilometres(at(from), at(to));
            assert!((found - expected).abs() < 0.01, "{from:?} to {to:?}: {found}");
            assert!((kilometres(at(to), at(from)) - found).abs() < 1e-9);
        }
    }
}
