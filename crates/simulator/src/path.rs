//! A way through the road network as a driver sees it: where it leads, and how fast each point of it may be passed.

use crate::{
    roads::{Class, Direction, Leg, Point, Roads, turn},
    seed::Seed,
};
use domain::Timestamp;

pub(crate) struct Path {
    waypoints: Vec<Waypoint>,
    /// In the order in which they are met.
    pub(crate) lights: Vec<Light>,
    /// Stretches without sky, in metres from the start.
    tunnels: Vec<(f32, f32)>,
    /// Stretches without mobile network.
    silent: Vec<(f32, f32)>,
}

#[derive(Clone, Copy)]
struct Waypoint {
    point: Point,
    /// Metres from the start.
    at: f32,
    /// Metres per second on the way to the next waypoint.
    limit: f32,
    /// Metres per second here that leave room to brake for all that follows.
    pass: f32,
}

/// A traffic light, by what it shows at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    /// Metres from the start.
    pub(crate) at: f32,
    seed: Seed,
}

/// How somebody drives. Metres and seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Temper {
    /// Share of the speed limit that is driven.
    pub(crate) haste: f32,
    /// The vehicle goes no faster.
    pub(crate) top: f32,
    pub(crate) acceleration: f32,
    pub(crate) braking: f32,
}

/// Sideways acceleration that drivers take in a bend, m/s².
const SIDEWAYS: f32 = 2.4;
/// The sharpest corner is taken at this speed, m/s.
const SLOWEST: f32 = 3.0;

impl Path {
    pub(crate) fn new(roads: &Roads, way: &[Leg], temper: &Temper) -> Self {
        let mut path =
            Self { waypoints: Vec::new(), lights: Vec::new(), tunnels: Vec::new(), silent: Vec::new() };
        for leg in way {
            path.extend(roads, *leg, temper);
        }
        path.slow_down_for_bends();
        path.leave_room_to_brake(temper.braking);
        path
    }

    /// Metres.
    pub(crate) fn length(&self) -> f32 {
        self.waypoints.last().map_or(0.0, |last| last.at)
    }

    /// The number of the waypoint at or before `at`, searched from `hint` on.
    pub(crate) fn segment(&self, hint: usize, at: f32) -> usize {
        let ahead = self.waypoints.get(hint + 1..).unwrap_or_default();
        let passed = ahead.iter().take_while(|waypoint| waypoint.at <= at).count();
        (hint + passed).min(self.waypoints.len().saturating_sub(2))
    }

    pub(crate) fn point(&self, segment: usize, at: f32) -> Point {
        let (here, next) = self.ends(segment);
        here.point.towards(next.point, ((at - here.at) / (next.at - here.at)).clamp(0.0, 1.0))
    }

    /// Degrees clockwise from north.
    pub(crate) fn bearing(&self, segment: usize) -> f32 {
        let (here, next) = self.ends(segment);
        here.point.bearing(next.point)
    }

    /// The highest speed at `at`, in m/s.
    pub(crate) fn allowed(&self, segment: usize, at: f32, braking: f32) -> f32 {
        let (here, next) = self.ends(segment);
        here.limit.min(braked(next.pass, braking, next.at - at))
    }

    pub(crate) fn has_sky(&self, at: f32) -> bool {
        !within(&self.tunnels, at)
    }

    pub(crate) fn has_network(&self, at: f32) -> bool {
        !within(&self.silent, at)
    }

    fn ends(&self, segment: usize) -> (&Waypoint, &Waypoint) {
        (&self.waypoints[segment], &self.waypoints[segment + 1])
    }

    fn extend(&mut self, roads: &Roads, leg: Leg, temper: &Temper) {
        let stretch = roads.stretch(leg.stretch);
        let limit = (stretch.class.limit() * temper.haste).min(temper.top);
        let start = self.length();
        let forth = leg.direction == Direction::Forth;
        let line: Vec<Point> = match leg.direction {
            Direction::Forth => stretch.line.clone(),
            Direction::Back => stretch.line.iter().rev().copied().collect(),
        };
        if let Some(junction) = self.waypoints.last_mut() {
            junction.limit = limit;
        } else {
            self.waypoints.push(Waypoint { point: line[0], at: 0.0, limit, pass: limit });
        }
        let mut at = start;
        for pair in line.windows(2) {
            at += pair[0].distance(pair[1]);
            self.waypoints.push(Waypoint { point: pair[1], at, limit, pass: limit });
        }
        let place = |from_beginning: f32| {
            start + if forth { from_beginning } else { stretch.length - from_beginning }
        };
        let seed = Seed::new(leg.stretch as u64).of(leg.direction as u64);
        let mut lights: Vec<Light> = (0..)
            .zip(&stretch.lights)
            .map(|(number, light)| Light { at: place(*light), seed: seed.of(number) })
            .collect();
        if !forth {
            lights.reverse();
        }
        self.lights.extend(lights);
        if stretch.class == Class::Tunnel {
            self.tunnels.push((start, at));
        }
        if let Some((from, to)) = stretch.silent {
            let (from, to) = (place(from), place(to));
            self.silent.push((from.min(to), from.max(to)));
        }
    }

    fn slow_down_for_bends(&mut self) {
        for number in 1..self.waypoints.len().saturating_sub(1) {
            let [before, here, after] = [number - 1, number, number + 1].map(|n| self.waypoints[n]);
            let angle = turn(before.point.bearing(here.point), here.point.bearing(after.point));
            let room = (here.at - before.at).min(after.at - here.at);
            let radius = room / (2.0 * (angle.to_radians() / 2.0).tan().max(1e-4));
            let bend = (SIDEWAYS * radius).sqrt().max(SLOWEST);
            self.waypoints[number].pass = before.limit.min(here.limit).min(bend);
        }
    }

    /// From the end, where the vehicle stands, back to the start.
    fn leave_room_to_brake(&mut self, braking: f32) {
        let (mut speed, mut at) = (0.0, self.length());
        for waypoint in self.waypoints.iter_mut().rev() {
            waypoint.pass = waypoint.pass.min(braked(speed, braking, at - waypoint.at));
            (speed, at) = (waypoint.pass, waypoint.at);
        }
    }
}

impl Light {
    pub(crate) fn is_red(&self, now: Timestamp) -> bool {
        let cycle = self.seed.between(60_000.0, 95_000.0) as i64;
        let red = (cycle as f64 * self.seed.of(1).between(0.3, 0.5)) as i64;
        let offset = self.seed.of(2).between(0.0, cycle as f64) as i64;
        (now.millis() + offset).rem_euclid(cycle) < red
    }
}

/// The speed from which braking over `metres` leads to `speed`.
pub(crate) fn braked(speed: f32, braking: f32, metres: f32) -> f32 {
    (speed * speed + 2.0 * braking * metres.max(0.0)).sqrt()
}

fn within(spans: &[(f32, f32)], at: f32) -> bool {
    spans.iter().any(|(from, to)| (*from..*to).contains(&at))
}
