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
        self.include_all(&Self::around(position));
    }

    /// Grows to hold another box, to the nearer side.
    pub fn include_all(&mut self, other: &Self) {
        self.north = self.north.max(other.north);
        self.south = self.south.min(other.south);
        let from_here = self.width().max(eastward(self.west, other.west) + other.width());
        let from_there = other.width().max(eastward(other.west, self.west) + self.width());
        if from_here.min(from_there) >= 360.0 {
            (self.west, self.east) = (-180.0, 180.0);
        } else if from_here <= from_there {
            if from_here > self.width() {
                self.east = other.east;
            }
        } else {
            self.west = other.west;
            if from_there <= other.width() {
                self.east = other.east;
            }
        }
    }

    /// Degrees from its west to its east: 360 around the whole Earth.
    fn width(&self) -> f64 {
        if self.west <= self.east { self.east - self.west } else { eastward(self.west, self.east) }
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
    }

    #[test]
    fn boxes_are_held_as_a_whole() {
        // West and east of two boxes, and of the one around both.
        for (one, other, both) in [
            ((170.0, 170.0), (178.5, -179.5), (170.0, -179.5)),
            ((-170.0, -160.0), (175.0, 178.0), (175.0, -160.0)),
            ((0.0, 10.0), (5.0, 8.0), (0.0, 10.0)),
            ((0.0, 10.0), (5.0, 12.0), (0.0, 12.0)),
            // The far one is wide: its corners alone would be nearer on the other side.
            ((0.0, 10.0), (100.0, -120.0), (0.0, -120.0)),
            ((0.0, 10.0), (-170.0, 160.0), (-170.0, 160.0)),
            ((0.0, -160.0), (-90.0, 20.0), (-90.0, -160.0)),
            // They meet on both sides.
            ((0.0, 179.0), (170.0, 5.0), (-180.0, 180.0)),
            ((-180.0, 180.0), (7.0, 7.0), (-180.0, 180.0)),
        ] {
            let wide = |(west, east)| Bounds { north: 1.0, south: -1.0, west, east };
            for [one, other] in [[one, other], [other, one]] {
                let mut bounds = wide(one);
                bounds.include_all(&Bounds { north: 2.0, ..wide(other) });
                assert_eq!(bounds, Bounds { north: 2.0, ..wide(both) }, "{one:?} {other:?}");
            }
        }
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
