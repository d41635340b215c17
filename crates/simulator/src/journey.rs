//! A vehicle on its way through its timetable, and the moments at which its tracker makes a record.

use crate::{
    drive::Drive,
    kind::Kind,
    path::{Path, Temper},
    reading::Cause,
    readings::{Engine, Situation},
    roads::{Point, Roads, turn},
    seed::Seed,
    timetable::{Timetable, Trip},
    vehicle::{Network, Report, Reporting},
};
use domain::Timestamp;
use std::time::Duration;

pub(crate) struct Journey {
    seed: Seed,
    kind: Kind,
    reporting: Reporting,
    /// Records before this are of no interest.
    from: Timestamp,
    temper: Temper,
    timetable: Timetable,
    /// Of the day that is driven, those after `trip`, the next one last.
    trips: Vec<Trip>,
    day: i64,
    /// The one that is driven, or made next when parked.
    trip: Trip,
    phase: Phase,
    now: Timestamp,
    ignition_since: Timestamp,
    /// Where the sky was seen last, and the bearing there.
    seen: (Point, f32),
    reported: Reported,
}

enum Phase {
    Parked,
    /// The engine runs, the vehicle still stands.
    Starting(Timestamp),
    Driving(Box<Drive>),
    /// Arrived, the engine still runs.
    Idling(Timestamp),
}

/// The last record.
struct Reported {
    time: Timestamp,
    bearing: f32,
    moving: bool,
}

/// How closely a ride is watched.
const TICK: Duration = Duration::from_secs(1);
const STANDING: Duration = Duration::from_secs(60);
/// A little under the five minutes after which a server may call a position old.
const PARKED: Duration = Duration::from_secs(280);
/// Degrees.
const TURN: f32 = 10.0;
/// Slower than this, in m/s, nothing is a turn and nothing moves.
const MOVING: f32 = 0.8;
/// With the engine on before the first metre.
pub(crate) const LONGEST_START: Duration = Duration::from_secs(25);
/// The least time between arrival and the next departure.
pub(crate) const BREATH: Duration = Duration::from_secs(30);

impl Journey {
    /// Begins with the departure of the last trip before `from`, where nothing of the past matters any more.
    pub(crate) fn new(seed: Seed, kind: Kind, reporting: Reporting, from: Timestamp) -> Self {
        let timetable = Timetable::new(seed, kind);
        let mut day = timetable.day_of(from);
        let mut trips = timetable.trips(day);
        if trips[0].departs > from {
            day -= 1;
            trips = timetable.trips(day);
        }
        let begun = trips.iter().rposition(|trip| trip.departs <= from).unwrap_or(0);
        trips.drain(..begun);
        trips.reverse();
        let trip = trips.pop().unwrap_or_else(|| unreachable!("every day has a trip"));
        Self {
            seed,
            kind,
            reporting,
            from,
            temper: kind.temper(seed),
            timetable,
            trips,
            day,
            trip,
            phase: Phase::Parked,
            now: trip.departs,
            ignition_since: trip.departs,
            seen: (Roads::shipped().point_of(trip.from), 0.0),
            reported: Reported { time: trip.departs, bearing: 0.0, moving: false },
        }
    }

    /// Goes on to the next moment at which something may happen.
    fn step(&mut self) -> Option<Report> {
        let due = self.due();
        match &mut self.phase {
            Phase::Parked if self.trip.departs <= due => Some(self.depart()),
            Phase::Starting(until) if *until <= due => {
                self.now = *until;
                self.phase = Phase::Driving(Box::new(self.drive()));
                None
            }
            Phase::Idling(until) if *until <= due => {
                self.now = *until;
                Some(self.park())
            }
            Phase::Parked | Phase::Starting(_) | Phase::Idling(_) => {
                self.now = due;
                Some(self.report(Cause::Motion))
            }
            Phase::Driving(drive) => {
                let then = self.now.plus(TICK).min(due.max(self.now));
                drive.advance(then);
                self.now = then;
                self.ride_on()
            }
        }
    }

    /// When the next record falls due if nothing else happens.
    fn due(&self) -> Timestamp {
        let last = self.reported.time;
        match (self.reporting, &self.phase) {
            (Reporting::Every(interval), _) => {
                let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
                let offset = self.seed.named("offset").below(interval as usize) as i64;
                // At a short interval the way to `from` would make thousands of records in vain.
                let last = last.max(self.from.minus(Duration::from_millis(1)));
                let passed = (last.millis() - offset).div_euclid(interval);
                Timestamp::from_millis((passed + 1).saturating_mul(interval).saturating_add(offset))
            }
            (Reporting::AsDevice, Phase::Parked) => last.plus(PARKED),
            (Reporting::AsDevice, Phase::Driving(drive)) if drive.speed() > MOVING => {
                last.plus(Duration::from_secs(5 + self.seed.named("period").below(6) as u64))
            }
            (Reporting::AsDevice, _) => last.plus(STANDING),
        }
    }

    /// Turns the ignition on.
    fn depart(&mut self) -> Report {
        self.now = self.trip.departs;
        self.ignition_since = self.now;
        let wait = self.of_trip("starts").between(6.0, LONGEST_START.as_secs_f64()) as u64;
        self.phase = Phase::Starting(self.now.plus(Duration::from_secs(wait)));
        self.seen = (Roads::shipped().point_of(self.trip.from), self.drive().bearing());
        self.report(Cause::Ignition)
    }

    fn drive(&self) -> Drive {
        let roads = Roads::shipped();
        let path = Path::new(roads, &roads.way(self.trip.from, self.trip.to), &self.temper);
        Drive::new(path, self.temper, self.now)
    }

    fn ride_on(&mut self) -> Option<Report> {
        let Phase::Driving(drive) = &self.phase else { return None };
        let (speed, arrived) = (drive.speed(), drive.has_arrived());
        if drive.has_sky() {
            self.seen = (drive.point(), drive.bearing());
        }
        let (_, bearing) = self.seen;
        let stopped = self.reported.moving && speed <= MOVING / 2.0;
        let turned = speed > MOVING && turn(self.reported.bearing, bearing) >= TURN;
        let cause = match self.reporting {
            Reporting::AsDevice if stopped || turned => Some(Cause::Motion),
            _ => (self.due() <= self.now).then_some(Cause::Motion),
        };
        let report = cause.map(|cause| self.report(cause));
        if arrived {
            let seconds = match self.of_trip("unloads").unit() {
                share if share < 0.12 => self.of_trip("runs on").between(90.0, 280.0),
                _ => self.of_trip("runs on").between(5.0, 25.0),
            };
            let until = self.now.plus(Duration::from_secs(seconds as u64));
            let next = self.trips.last().map_or(until, |next| next.departs.minus(BREATH));
            self.phase = Phase::Idling(until.min(next).max(self.now.plus(TICK)));
        }
        report
    }

    /// Turns the ignition off and looks up the next trip.
    fn park(&mut self) -> Report {
        self.phase = Phase::Parked;
        self.ignition_since = self.now;
        let report = self.report(Cause::Ignition);
        if self.trips.is_empty() {
            self.day += 1;
            self.trips = self.timetable.trips(self.day);
            self.trips.reverse();
        }
        if let Some(next) = self.trips.pop() {
            self.trip = next;
            self.trip.departs = next.departs.max(self.now.plus(BREATH));
        }
        report
    }

    fn report(&mut self, cause: Cause) -> Report {
        let (mut speed, mut network, mut sky, mut share) = (0.0, Network::Heard, true, 0.0);
        match &self.phase {
            Phase::Driving(drive) => {
                (speed, sky, share) = (drive.speed(), drive.has_sky(), drive.share());
                if self.reporting == Reporting::AsDevice && !drive.has_network() {
                    network = Network::Silent;
                }
            }
            Phase::Idling(_) => share = 1.0,
            Phase::Parked if cause == Cause::Ignition => share = 1.0,
            Phase::Parked | Phase::Starting(_) => {}
        }
        let (point, bearing) = self.seen;
        self.reported = Reported { time: self.now, bearing, moving: speed > MOVING };
        let engine = match self.phase {
            Phase::Parked => Engine::Off,
            Phase::Starting(_) | Phase::Driving(_) | Phase::Idling(_) => Engine::On,
        };
        let driven = f64::from(self.trip.distance) * share;
        let situation = Situation {
            seed: self.seed,
            kind: self.kind,
            time: self.now,
            engine,
            engine_since: self.ignition_since,
            cold: self.trip.today == 0.0,
            cause,
            point,
            bearing,
            speed,
            sky,
            network,
            odometer: self.trip.odometer + driven,
            trip: driven,
            today: self.trip.today + driven,
        };
        Report { reading: situation.reading(), network }
    }

    fn of_trip(&self, question: &str) -> Seed {
        self.seed.of(self.trip.odometer.to_bits()).named(question)
    }
}

impl Iterator for Journey {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        loop {
            if let Some(report) = self.step() {
                return Some(report);
            }
        }
    }
}
