//! A trip in figures.

use super::{Bounds, Point, kilometres};
use domain::Speed;
use std::time::Duration;

/// Figures of one trip, or of several together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub first: Point,
    pub last: Point,
    pub points: u64,
    /// Kilometres along the points.
    pub length: f64,
    /// Under way, short stops included.
    pub duration: Duration,
    pub max_speed: Speed,
    pub bounds: Bounds,
}

impl Summary {
    pub fn starting_at(first: Point) -> Self {
        Self {
            first,
            last: first,
            points: 1,
            length: 0.0,
            duration: Duration::ZERO,
            max_speed: first.fix.speed.unwrap_or_default(),
            bounds: Bounds::around(first.fix.coordinates),
        }
    }

    /// The next point of the same trip.
    pub fn add(&mut self, point: Point) {
        self.length += kilometres(self.last.fix.coordinates, point.fix.coordinates);
        self.duration += point.time.since(self.last.time);
        self.points += 1;
        self.bounds.include(point.fix.coordinates);
        let speed = point.fix.speed.unwrap_or_default();
        if speed > self.max_speed {
            self.max_speed = speed;
        }
        self.last = point;
    }

    /// A later trip; the way between the two does not count.
    pub fn add_trip(&mut self, later: &Self) {
        self.length += later.length;
        self.duration += later.duration;
        self.points += later.points;
        self.bounds.include_all(&later.bounds);
        if later.max_speed > self.max_speed {
            self.max_speed = later.max_speed;
        }
        self.last = later.last;
    }

    /// Length by duration; of a trip that took no time what the device said.
    pub fn average_speed(&self) -> Speed {
        let hours = self.duration.as_secs_f64() / 3600.0;
        if hours > 0.0 { Speed::from_kmh((self.length / hours) as f32) } else { self.max_speed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Coordinates, Fix, Timestamp};

    fn point(seconds: i64, lng: f64, kmh: f32) -> Point {
        let fix = Fix { speed: Some(Speed::from_kmh(kmh)), ..Fix::at(Coordinates::new(0.0, lng).unwrap()) };
        Point { time: Timestamp::from_seconds(seconds), fix, buffered: false }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
    }

    #[test]
    fn two_trips() {
        let mut morning = Summary::starting_at(point(0, 0.0, 30.0));
        assert_eq!(
            (morning.points, morning.length, morning.average_speed()),
            (1, 0.0, Speed::from_kmh(30.0))
        );
        morning.add(point(1800, 0.5, 90.0));
        morning.add(point(3600, 0.0, 0.0));
        close(morning.length, 111.195);
        close(f64::from(morning.average_speed().kmh()), 111.195);
        assert_eq!((morning.points, morning.max_speed), (3, Speed::from_kmh(90.0)));
        assert_eq!((morning.bounds.west, morning.bounds.east), (0.0, 0.5));

        let mut evening = Summary::starting_at(point(36_000, 2.0, 100.0));
        evening.add(point(39_600, 1.0, 20.0));
        morning.add_trip(&evening);
        close(morning.length, 222.390);
        close(f64::from(morning.average_speed().kmh()), 111.195);
        assert_eq!((morning.points, morning.max_speed), (5, Speed::from_kmh(100.0)));
        assert_eq!((morning.bounds.west, morning.bounds.east), (0.0, 2.0));
        assert_eq!(morning.last.time, Timestamp::from_seconds(39_600));
    }
}
