//! The shape of roads: points in a plane of metres around the middle of the region, and the bends between them.

use crate::seed::Seed;

/// Metres east and north of the region's middle. Within 60 km of it the plane is off by less than 1 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

const MIDDLE_LAT: f64 = 53.55;
const MIDDLE_LNG: f64 = 10.0;
const METRES_PER_DEGREE: f64 = 111_195.0;

impl Point {
    pub(crate) fn at(lat: f64, lng: f64) -> Self {
        Self {
            x: ((lng - MIDDLE_LNG) * METRES_PER_DEGREE * MIDDLE_LAT.to_radians().cos()) as f32,
            y: ((lat - MIDDLE_LAT) * METRES_PER_DEGREE) as f32,
        }
    }

    pub(crate) fn lat(self) -> f64 {
        MIDDLE_LAT + f64::from(self.y) / METRES_PER_DEGREE
    }

    pub(crate) fn lng(self) -> f64 {
        MIDDLE_LNG + f64::from(self.x) / (METRES_PER_DEGREE * MIDDLE_LAT.to_radians().cos())
    }

    pub(crate) fn distance(self, other: Self) -> f32 {
        (other.x - self.x).hypot(other.y - self.y)
    }

    /// The point that lies `share` of the way to `other`.
    pub(crate) fn towards(self, other: Self, share: f32) -> Self {
        Self { x: self.x + (other.x - self.x) * share, y: self.y + (other.y - self.y) * share }
    }

    /// Degrees clockwise from north.
    pub(crate) fn bearing(self, other: Self) -> f32 {
        (other.x - self.x).atan2(other.y - self.y).to_degrees().rem_euclid(360.0)
    }

    pub(crate) fn moved(self, bearing: f32, metres: f32) -> Self {
        let (sine, cosine) = bearing.to_radians().sin_cos();
        Self { x: self.x + sine * metres, y: self.y + cosine * metres }
    }
}

/// How far two bearings lie apart, 0..=180.
pub(crate) fn turn(from: f32, to: f32) -> f32 {
    let turn = (to - from).rem_euclid(360.0);
    turn.min(360.0 - turn)
}

/// A winding line between two points, both included. `winding` is how far its middle may lie aside, as a share of
/// the distance.
pub(crate) fn bends(seed: Seed, from: Point, to: Point, winding: f32) -> Vec<Point> {
    let mut corners = vec![from];
    displace(seed, from, to, winding, &mut corners);
    rounded(&corners)
}

/// No straight piece is longer, in metres, before its corners are rounded.
const PIECE: f32 = 200.0;

/// Moves the middle aside, then the middles of both halves, and so on.
fn displace(seed: Seed, from: Point, to: Point, winding: f32, line: &mut Vec<Point>) {
    let distance = from.distance(to);
    if distance < PIECE {
        line.push(to);
        return;
    }
    let aside = seed.between(-1.0, 1.0) as f32 * winding * distance;
    let middle = from.towards(to, 0.5).moved(from.bearing(to) + 90.0, aside);
    // Roads wind less the closer one looks.
    let winding = winding * 0.9;
    displace(seed.of(0), from, middle, winding, line);
    displace(seed.of(1), middle, to, winding, line);
}

/// Cuts every corner once (Chaikin 1974); the ends stay.
fn rounded(corners: &[Point]) -> Vec<Point> {
    let [first, .., last] = *corners else { return corners.to_vec() };
    let mut line = vec![first];
    for pair in corners.windows(2) {
        line.extend([pair[0].towards(pair[1], 0.25), pair[0].towards(pair[1], 0.75)]);
    }
    line.push(last);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_and_the_globe_agree() {
        for (lat, lng) in [(53.55, 10.0), (53.9, 9.5), (53.25, 10.75)] {
            let point = Point::at(lat, lng);
            assert!((point.lat() - lat).abs() < 1e-6 && (point.lng() - lng).abs() < 1e-6, "{point:?}");
        }
    }

    #[test]
    fn bearings_go_clockwise_from_north() {
        let middle = Point { x: 0.0, y: 0.0 };
        for (x, y, bearing) in [(0.0, 1.0, 0.0), (1.0, 0.0, 90.0), (0.0, -1.0, 180.0), (-1.0, 0.0, 270.0)] {
            assert_eq!(middle.bearing(Point { x, y }), bearing);
            assert!(middle.moved(bearing, 1.0).distance(Point { x, y }) < 1e-6);
        }
        assert_eq!(turn(350.0, 10.0), 20.0);
        assert_eq!(turn(10.0, 350.0), 20.0);
        assert_eq!(turn(90.0, 270.0), 180.0);
    }

    #[test]
    fn a_line_bends_between_its_ends_and_has_no_hairpins() {
        let (from, to) = (Point { x: 0.0, y: 0.0 }, Point { x: 9000.0, y: 4000.0 });
        for number in 0..50 {
            let line = bends(Seed::new(number), from, to, 0.09);
            assert_eq!((line[0], line[line.len() - 1]), (from, to));
            let length: f32 = line.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
            assert!((1.0005..1.25).contains(&(length / from.distance(to))), "{length} m");
            for three in line.windows(3) {
                let angle = turn(three[0].bearing(three[1]), three[1].bearing(three[2]));
                assert!(angle < 60.0, "{angle} degrees");
            }
        }
    }
}
