//! One ride from address to address: speeds up, keeps to limits, slows down for bends, waits at red lights, arrives.

use crate::{
    path::{Path, Temper, braked},
    roads::Point,
};
use domain::Timestamp;
use std::time::Duration;

pub(crate) struct Drive {
    path: Path,
    temper: Temper,
    now: Timestamp,
    /// Metres from the start.
    at: f64,
    /// Metres per second.
    speed: f32,
    segment: usize,
    next_light: usize,
}

/// No driver brakes harder, in m/s².
pub(crate) const HARDEST_BRAKING: f32 = 4.5;
/// Who would have to brake harder for a light that turns red drives on, in m/s².
const LIGHT_BRAKING: f32 = 3.0;
/// Where to stop before a red light, in metres.
const STOP_LINE: f32 = 2.0;
/// How slowly the last metres are rolled, in m/s, and where that ends, in metres.
const ROLLING: f32 = 1.2;
const ARRIVED: f64 = 1.0;
/// The longest step of the computation.
const STEP: Duration = Duration::from_millis(250);

impl Drive {
    pub(crate) fn new(path: Path, temper: Temper, now: Timestamp) -> Self {
        Self { path, temper, now, at: 0.0, speed: 0.0, segment: 0, next_light: 0 }
    }

    /// Drives on until `then`, or to the end.
    pub(crate) fn advance(&mut self, then: Timestamp) {
        while self.now < then && !self.has_arrived() {
            let step = then.since(self.now).min(STEP);
            self.now = self.now.plus(step);
            self.step(step.as_secs_f32());
        }
        self.now = self.now.max(then);
    }

    pub(crate) fn has_arrived(&self) -> bool {
        self.at >= f64::from(self.path.length())
    }

    pub(crate) fn point(&self) -> Point {
        self.path.point(self.segment, self.at as f32)
    }

    /// Degrees clockwise from north.
    pub(crate) fn bearing(&self) -> f32 {
        self.path.bearing(self.segment)
    }

    /// Metres per second.
    pub(crate) fn speed(&self) -> f32 {
        self.speed
    }

    /// How much of the way lies behind, 0..=1.
    pub(crate) fn share(&self) -> f64 {
        self.at / f64::from(self.path.length())
    }

    pub(crate) fn has_sky(&self) -> bool {
        self.path.has_sky(self.at as f32)
    }

    pub(crate) fn has_network(&self) -> bool {
        self.path.has_network(self.at as f32)
    }

    fn step(&mut self, seconds: f32) {
        let ahead = self.at as f32 + self.speed * seconds;
        let wanted = self.wanted(ahead);
        // An engine pulls the less the faster it goes already.
        let pull = self.temper.acceleration * (1.0 - 0.7 * self.speed / self.temper.top).max(0.1);
        let slowest = (self.speed - HARDEST_BRAKING * seconds).max(0.0);
        let speed = wanted.min(self.speed + pull * seconds).max(slowest);
        self.at += f64::from((self.speed + speed) / 2.0 * seconds);
        self.speed = speed;
        self.segment = self.path.segment(self.segment, self.at as f32);
        let lights = self.path.lights.get(self.next_light..).unwrap_or_default();
        self.next_light += lights.iter().take_while(|light| f64::from(light.at) <= self.at).count();
        let end = f64::from(self.path.length());
        if self.at >= end - ARRIVED {
            (self.at, self.speed) = (end, 0.0);
        }
    }

    /// The speed for the point `ahead`, in m/s.
    fn wanted(&self, ahead: f32) -> f32 {
        let segment = self.path.segment(self.segment, ahead);
        let allowed = self.path.allowed(segment, ahead, self.temper.braking).max(ROLLING);
        let Some(light) = self.path.lights.get(self.next_light) else { return allowed };
        let room = light.at - self.at as f32;
        let can_stop = self.speed * self.speed <= 2.0 * LIGHT_BRAKING * room;
        if can_stop && light.is_red(self.now) {
            allowed.min(braked(0.0, self.temper.braking, light.at - STOP_LINE - ahead))
        } else {
            allowed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{roads::Roads, seed::Seed};

    pub(super) const TEMPER: Temper = Temper { haste: 1.0, top: 40.0, acceleration: 2.0, braking: 1.8 };

    #[test]
    fn rides_are_smooth_and_arrive() {
        let roads = Roads::shipped();
        let (mut waited, mut fastest) = (0, 0.0_f32);
        for ride in 0..60 {
            let seed = Seed::new(ride);
            let [from, to] = [0, 1].map(|end| {
                let addresses = roads.addresses();
                addresses[seed.of(end).below(addresses.len())]
            });
            if from == to {
                continue;
            }
            let path = Path::new(roads, &roads.way(from, to), &TEMPER);
            assert!((path.length() - roads.distance(from, to)).abs() < 2.0);
            let start = Timestamp::from_seconds(1_780_000_000 + ride as i64 * 997);
            let mut drive = Drive::new(path, TEMPER, start);
            assert!(drive.point().distance(roads.point_of(from)) < 0.1);
            let (mut before, mut speed, mut seconds) = (drive.point(), 0.0, 0);
            while !drive.has_arrived() {
                seconds += 1;
                drive.advance(start.plus(Duration::from_secs(seconds)));
                let change = drive.speed() - speed;
                assert!((-HARDEST_BRAKING..=TEMPER.acceleration).contains(&change), "{change} m/s²");
                let moved = drive.point().distance(before);
                assert!(moved <= speed.max(drive.speed()) + 1.1, "{moved} m in a second at {speed} m/s");
                (before, speed) = (drive.point(), drive.speed());
                waited += u32::from(speed == 0.0 && !drive.has_arrived());
                fastest = fastest.max(speed);
                assert!(seconds < 4 * 3600, "does not arrive");
            }
            assert!(before.distance(roads.point_of(to)) < 0.1);
        }
        assert!(waited > 500, "{waited} s at red lights");
        assert!((30.0..34.0).contains(&fastest), "{fastest} m/s");
    }

    #[test]
    fn longer_steps_of_the_caller_change_nothing() {
        let roads = Roads::shipped();
        let (from, to) = (roads.addresses()[3], roads.addresses()[200]);
        let start = Timestamp::from_seconds(1_780_000_000);
        let ends = [1, 10, 60].map(|seconds| {
            let mut drive = Drive::new(Path::new(roads, &roads.way(from, to), &TEMPER), TEMPER, start);
            for step in 1..=600 / seconds {
                drive.advance(start.plus(Duration::from_secs(step * seconds)));
            }
            drive.at
        });
        assert!(ends[0] > 1000.0 && ends[0] == ends[1] && ends[1] == ends[2], "{ends:?}");
    }
}
