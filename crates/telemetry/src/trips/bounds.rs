//! The box around positions. It may lie across the 180th meridian: then its west is greater than its east.

use domain::Coordinates;

/// In degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub north: f64,
    pub south: f64,
    pub west: f64,
    pub east: f64,
}

impl Bounds {
    pub fn around(position: Coordinates) -> Self {
        let (lat, lng) = (position.lat(), position.lng());
        Self { north: lat, south: lat, west: lng, east: lng }
    }

    /// Grows to hold the position, to the nearer side.
    pub fn include(&mut self, position: Coordinates) {
        self.north = self.north.max(position.lat());
        self.south = self.south.min(position.lat());
        let beyond_west = eastward(self.west, position.lng());
        let width = eastward(self.west, self.east);
        if beyond_west > width {
            if beyond_west - width <= 360.0 - beyond_west {
                self.east = position.lng();
            } else {
                self.west = position.lng();
            }
        }
    }

    /// Grows to hold the corners of another box.
    pub fn include_all(&mut self, other: &Self) {
        let corners = [(other.north, other.west), (other.south, other.east)];
        for corner in corners.into_iter().filter_map(|(lat, lng)| Coordinates::new(lat, lng)) {
            self.include(corner);
        }
    }
}

/// Degrees from one meridian to another, going east: 0 or more, less than 360.
fn eastward(from: f64, to: f64) -> f64 {
    (to - from).rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn around(positions: &[(f64, f64)]) -> Bounds {
        let mut at = positions.iter().map(|(lat, lng)| Coordinates::new(*lat, *lng).unwrap());
        let mut bounds = Bounds::around(at.next().unwrap());
        at.for_each(|position| bounds.include(position));
        bounds
    }

    #[test]
    fn across_the_180th_meridian() {
        let bounds = around(&[(-16.0, 179.0), (-17.0, -179.5), (-18.0, 178.5)]);
        assert_eq!(bounds, Bounds { north: -16.0, south: -18.0, west: 178.5, east: -179.5 });
        let mut west = around(&[(1.0, 170.0)]);
        west.include_all(&bounds);
        assert_eq!(west, Bounds { north: 1.0, south: -18.0, west: 170.0, east: -179.5 });
    }

    proptest! {
        #[test]
        fn within_a_half_of_the_earth_it_is_the_extremes(
            positions in prop::collection::vec((-90.0..90.0f64, -89.0..89.0f64), 1..20),
        ) {
            let least = |values: &dyn Fn(&(f64, f64)) -> f64| positions.iter().map(values).fold(f64::MAX, f64::min);
            let bounds = around(&positions);
            prop_assert_eq!(bounds.south, least(&|at| at.0));
            prop_assert_eq!(bounds.north, -least(&|at| -at.0));
            prop_assert_eq!(bounds.west, least(&|at| at.1));
            prop_assert_eq!(bounds.east, -least(&|at| -at.1));
        }
    }
}
