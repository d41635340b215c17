//! When a vehicle drives where: the trips of each of its days, computed from its seed alone. Its tours come again every
//! week, departures are fixed and leave room for red lights, so any day can be looked at without driving those before.

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
    /// Near enough to home.
    customers: Box<[Address]>,
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
const WEEK: i64 = 7;
/// After so many days, whole weeks, a new vehicle takes the device: no odometer grows for ever.
const LIFE: i64 = 40 * WEEK;

impl Timetable {
    pub(crate) fn new(seed: Seed, kind: Kind) -> Self {
        let addresses = Roads::shipped().addresses();
        let home = addresses[seed.named("home").below(addresses.len())];
        let far = kind.reach().end;
        let near = |address: &Address| *address != home && Roads::shipped().distance(home, *address) < far;
        let customers = addresses.iter().copied().filter(near).collect();
        Self { seed, kind, home, customers, begins: seed.named("begins").below(DAY as usize) as i64 }
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

    /// Whole metres when the device's life in this vehicle begins, then what every day adds.
    fn odometer(&self, day: i64) -> f64 {
        let bought = day - day.rem_euclid(LIFE);
        let mut odometer = self.seed.named("odometer").of(bought.cast_unsigned()).between(4e6, 9e7).floor();
        let mut week = 0.0;
        (0..WEEK).for_each(|day| drop(self.plan(day, &mut week)));
        odometer += week * ((day - bought) / WEEK) as f64;
        (day - day.rem_euclid(WEEK)..day).for_each(|day| drop(self.plan(day, &mut odometer)));
        odometer
    }

    fn plan(&self, day: i64, odometer: &mut f64) -> Vec<Trip> {
        let seed = self.seed.of(day.rem_euclid(WEEK).cast_unsigned());
        let late = self.seed.named("late").of(day.cast_unsigned()).below(900) as i64;
        let mut departs = day * DAY + self.begins + late;
        let end = departs + seed.named("at work").between(AT_WORK.start, AT_WORK.end) as i64;
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

    /// A customer who is not just around the corner, if one is found soon.
    fn destination(&self, seed: Seed, from: Address) -> Address {
        let near = self.kind.reach().start;
        let drawn =
            (0..6).filter_map(|number| self.customers.get(seed.of(number).below(self.customers.len())));
        let mut elsewhere = drawn.copied().filter(|address| *address != from);
        let first = elsewhere.next().unwrap_or(self.home);
        let far = |address: &Address| Roads::shipped().distance(from, *address) >= near;
        std::iter::once(first).chain(elsewhere).find(far).unwrap_or(first)
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

    #[test]
    fn everybody_has_customers() {
        for number in 0..3000 {
            let timetable = Timetable::new(Seed::new(number), Kind::ALL[number as usize % Kind::ALL.len()]);
            assert!(timetable.customers.len() > 2, "{:?} at {:?}", timetable.kind, timetable.home);
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
