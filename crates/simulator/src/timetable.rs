//! When a vehicle drives where: the trips of each of its days, computed from its seed alone. Departures are fixed and
//! leave room for red lights, so any day can be looked at without driving the days before.

use crate::{
    kind::Kind,
    roads::{Address, Roads},
    seed::Seed,
};
use domain::Timestamp;

pub(crate) struct Timetable {
    seed: Seed,
    kind: Kind,
    home: Address,
    /// Seconds of the day (UTC) at which the vehicle's day begins.
    begins: i64,
}

/// From one address to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trip {
    pub(crate) departs: Timestamp,
    pub(crate) from: Address,
    pub(crate) to: Address,
    /// Metres.
    pub(crate) distance: f32,
    /// Metres at departure since the vehicle has been driving.
    pub(crate) odometer: f64,
    /// Metres at departure since the day began and the tank was filled.
    pub(crate) today: f64,
}

const DAY: i64 = 86_400;
/// Seconds from the first departure to the last arrival: drivers take turns.
const AT_WORK: std::ops::Range<f64> = 19.5 * 3600.0..21.0 * 3600.0;
/// Drivers rest for so many seconds after so many.
const WORK: i64 = 16_200;
const REST: std::ops::Range<f64> = 1800.0..2700.0;
/// After so many days a new vehicle takes the device: no odometer grows for ever.
const LIFE: i64 = 300;

impl Timetable {
    pub(crate) fn new(seed: Seed, kind: Kind) -> Self {
        let addresses = Roads::shipped().addresses();
        let home = addresses[seed.named("home").below(addresses.len())];
        Self { seed, kind, home, begins: seed.named("begins").below(DAY as usize) as i64 }
    }

    /// The day that `time` falls on.
    pub(crate) fn day_of(&self, time: Timestamp) -> i64 {
        (time.seconds() - self.begins).div_euclid(DAY)
    }

    /// The trips of a day by departure; the last one leads home. There is at least one.
    pub(crate) fn trips(&self, day: i64) -> Vec<Trip> {
        let mut odometer = self.odometer(day);
        self.plan(day, &mut odometer)
    }

    /// Metres when the day begins.
    fn odometer(&self, day: i64) -> f64 {
        let bought = day - day.rem_euclid(LIFE);
        let mut odometer = self.seed.named("odometer").of(bought.cast_unsigned()).between(4e6, 9e7);
        for day in bought..day {
            self.plan(day, &mut odometer);
        }
        odometer
    }

    fn plan(&self, day: i64, odometer: &mut f64) -> Vec<Trip> {
        let seed = self.seed.of(day.cast_unsigned());
        let start = day * DAY + self.begins;
        let end = start + seed.named("at work").between(AT_WORK.start, AT_WORK.end) as i64;
        let mut departs = start + seed.named("late").below(900) as i64;
        let (mut from, mut today, mut rested) = (self.home, 0.0, departs);
        let mut trips = Vec::new();
        for number in 0.. {
            let seed = seed.of(number);
            let visit = self.destination(seed, from);
            let mut pause = self.kind.pause(seed.named("pause"));
            let back = departs + self.reserve(from, visit) + pause + self.reserve(visit, self.home);
            // The first trip is made in any case: a day without one would have no way home.
            let to = if back <= end || trips.is_empty() { visit } else { self.home };
            if departs - rested > WORK {
                pause = pause.max(seed.named("rest").between(REST.start, REST.end) as i64);
                rested = departs + self.reserve(from, to) + pause;
            }
            if to != from {
                let distance = Roads::shipped().distance(from, to);
                trips.push(Trip {
                    departs: Timestamp::from_seconds(departs),
                    from,
                    to,
                    distance,
                    odometer: *odometer,
                    today,
                });
                *odometer += f64::from(distance);
                today += f64::from(distance);
                departs += self.reserve(from, to) + pause;
            }
            if to == self.home && !trips.is_empty() {
                break;
            }
            from = to;
        }
        trips
    }

    /// An address near enough for this kind of vehicle that is neither here nor home.
    fn destination(&self, seed: Seed, from: Address) -> Address {
        let roads = Roads::shipped();
        let candidates = (0..).map(|number| {
            let addresses = roads.addresses();
            addresses[seed.of(number).below(addresses.len())]
        });
        let reach = self.kind.reach();
        let mut elsewhere = candidates.filter(|address| *address != from && *address != self.home);
        let near = |address: &Address| {
            reach.contains(&roads.distance(from, *address)) && roads.distance(*address, self.home) < reach.end
        };
        let mut first = elsewhere.by_ref().take(40);
        let fallback = first.next().unwrap_or(self.home);
        std::iter::once(fallback).chain(first).find(near).unwrap_or(fallback)
    }

    /// Seconds that are enough for a trip, with all its lights red.
    fn reserve(&self, from: Address, to: Address) -> i64 {
        if from == to {
            return 0;
        }
        let (seconds, lights) = Roads::shipped().effort(from, to);
        let lights = lights as f32;
        (seconds * self.kind.slowness() + lights * 12.0 + lights.sqrt() * 25.0) as i64 + 60
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drive::Drive,
        journey::{BREATH, LONGEST_START},
        path::Path,
    };

    #[test]
    fn days_begin_and_end_at_home_and_follow_each_other() {
        for number in 0..60 {
            let kind = Kind::ALL[number as usize % Kind::ALL.len()];
            let timetable = Timetable::new(Seed::new(number), kind);
            let day = 20_740;
            let (today, tomorrow) = (timetable.trips(day), timetable.trips(day + 1));
            assert!(today.len() > 2, "{kind:?}: {} trips", today.len());
            assert_eq!((today[0].from, today[0].today), (timetable.home, 0.0));
            for pair in today.windows(2) {
                assert_eq!(pair[0].to, pair[1].from);
                assert!(pair[0].departs < pair[1].departs);
                assert_eq!(pair[0].odometer + f64::from(pair[0].distance), pair[1].odometer);
            }
            let last = today[today.len() - 1];
            assert_eq!((last.to, tomorrow[0].from), (timetable.home, timetable.home));
            assert_eq!(last.odometer + f64::from(last.distance), tomorrow[0].odometer);
            assert!(tomorrow[0].departs.since(last.departs).as_secs() > 2 * 3600, "a night's rest");
            assert!(today.iter().all(|trip| timetable.day_of(trip.departs) == day));
        }
    }

    /// Else a journey begun later would not agree with one that was late.
    #[test]
    fn departures_leave_time_enough_to_arrive() {
        let roads = Roads::shipped();
        for number in 0..30 {
            let kind = Kind::ALL[number as usize % Kind::ALL.len()];
            let seed = Seed::new(number);
            let temper = kind.temper(seed);
            for pair in Timetable::new(seed, kind).trips(20_740).windows(2) {
                let [trip, next] = pair else { unreachable!() };
                let path = Path::new(roads, &roads.way(trip.from, trip.to), &temper);
                let mut drive = Drive::new(path, temper, trip.departs.plus(LONGEST_START));
                drive.advance(next.departs.minus(BREATH));
                assert!(drive.has_arrived(), "{kind:?} {number}: {trip:?} is late for {next:?}");
            }
        }
    }
}
