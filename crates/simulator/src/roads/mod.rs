//! The road network that the vehicles drive on: places and roads from two small tables, with bends, traffic lights and
//! local streets computed from their names, so that it is the same in every run.

mod route;
mod shape;

pub(crate) use shape::{Point, turn};

use crate::seed::Seed;
use route::Guide;
use shape::bends;
use std::sync::LazyLock;

pub(crate) struct Roads {
    /// Stretches between two places, then local streets.
    stretches: Vec<Stretch>,
    /// Ends of local streets.
    addresses: Vec<Address>,
    guide: Guide,
}

/// Where a vehicle stops for a while: the end of a local street.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    place: u16,
    /// Number of the local street's stretch.
    street: u16,
}

/// A road between two places, or a local street from a place to its end.
pub(crate) struct Stretch {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) class: Class,
    pub(crate) line: Vec<Point>,
    /// Metres.
    pub(crate) length: f32,
    /// Metres from its beginning at which traffic lights stand.
    pub(crate) lights: Vec<f32>,
    /// Metres from its beginning between which no mobile network is heard.
    pub(crate) silent: Option<(f32, f32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Motorway,
    Country,
    Street,
    /// A motorway without sky and without network.
    Tunnel,
    /// Where addresses are.
    Local,
}

/// A part of a way through the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) stretch: usize,
    pub(crate) direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forth,
    Back,
}

struct Place {
    name: String,
    point: Point,
    kind: Kind,
    streets: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Town,
    Crossing,
    Ramp,
}

impl Class {
    /// Metres per second.
    pub(crate) fn limit(self) -> f32 {
        let kmh = match self {
            Self::Motorway => 120.0,
            Self::Country => 100.0,
            Self::Street => 50.0,
            Self::Tunnel => 80.0,
            Self::Local => 30.0,
        };
        kmh / 3.6
    }

    /// See `shape::bends`.
    fn winding(self) -> f32 {
        match self {
            Self::Motorway | Self::Tunnel => 0.05,
            Self::Country => 0.09,
            Self::Street => 0.07,
            Self::Local => 0.14,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "motorway" => Self::Motorway,
            "country" => Self::Country,
            "street" => Self::Street,
            "tunnel" => Self::Tunnel,
            _ => return None,
        })
    }
}

impl Roads {
    /// The network that is part of the program.
    pub(crate) fn shipped() -> &'static Self {
        static ROADS: LazyLock<Roads> = LazyLock::new(|| {
            Roads::parse(include_str!("../../data/places.tsv"), include_str!("../../data/roads.tsv"))
                .unwrap_or_else(|line| unreachable!("bad line in the tables of roads: {line}"))
        });
        &ROADS
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    pub(crate) fn point_of(&self, address: Address) -> Point {
        let line = &self.street(address).line;
        line[line.len() - 1]
    }

    pub(crate) fn stretch(&self, number: usize) -> &Stretch {
        &self.stretches[number]
    }

    /// The quickest way between two different addresses.
    pub(crate) fn way(&self, from: Address, to: Address) -> Vec<Leg> {
        let mut way = vec![Leg { stretch: from.street.into(), direction: Direction::Back }];
        self.guide.follow(from.place.into(), to.place.into(), &mut way);
        way.push(Leg { stretch: to.street.into(), direction: Direction::Forth });
        way
    }

    /// Length of `way` in metres.
    pub(crate) fn distance(&self, from: Address, to: Address) -> f32 {
        let local = self.street(from).length + self.street(to).length;
        local + self.guide.distance(from.place.into(), to.place.into())
    }

    /// Seconds that `way` takes at its speed limits, and how many traffic lights may stop it.
    pub(crate) fn effort(&self, from: Address, to: Address) -> (f32, u32) {
        let local = self.street(from).seconds() + self.street(to).seconds();
        let (seconds, lights) = self.guide.effort(from.place.into(), to.place.into());
        (local + seconds, lights + 1)
    }

    fn street(&self, address: Address) -> &Stretch {
        &self.stretches[usize::from(address.street)]
    }

    /// # Errors
    /// The line that cannot be read.
    fn parse(places: &str, roads: &str) -> Result<Self, String> {
        let places: Vec<Place> =
            rows(places).map(|line| place(line).ok_or(line)).collect::<Result<_, _>>()?;
        let mut stretches = Vec::new();
        for line in rows(roads) {
            stretches.extend(road(line, &places).ok_or(line)?);
        }
        let guide = Guide::new(places.len(), &stretches);
        let mut addresses = Vec::new();
        for (number, place) in places.iter().enumerate() {
            for street in 0..place.streets {
                addresses.push(Address { place: number as u16, street: stretches.len() as u16 });
                stretches.push(local_street(number, place, street));
            }
        }
        Ok(Self { stretches, addresses, guide })
    }
}

impl Stretch {
    fn new(seed: Seed, (from, to): (usize, usize), ends: (Point, Point), class: Class) -> Self {
        let line = bends(seed, ends.0, ends.1, class.winding());
        let length = line.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
        let silent = match class {
            Class::Tunnel => Some((0.0, length)),
            // Out of town the network has holes.
            Class::Motorway | Class::Country if length > 5000.0 && seed.named("hole").happens(0.2) => {
                let start = length * seed.named("hole begins").between(0.2, 0.6) as f32;
                Some((start, start + seed.named("hole").between(800.0, 6000.0) as f32))
            }
            _ => None,
        };
        Self { from, to, class, line, length, lights: Vec::new(), silent }
    }

    fn seconds(&self) -> f32 {
        self.length / self.class.limit()
    }
}

fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Columns: name, lat, lng, kind, streets.
fn place(line: &str) -> Option<Place> {
    let mut columns = line.split('\t');
    let name = columns.next()?.to_owned();
    let point = Point::at(columns.next()?.parse().ok()?, columns.next()?.parse().ok()?);
    let kind = match columns.next()? {
        "town" => Kind::Town,
        "crossing" => Kind::Crossing,
        "ramp" => Kind::Ramp,
        _ => return None,
    };
    Some(Place { name, point, kind, streets: columns.next()?.parse().ok()? })
}

/// Columns: name, class, places.
fn road(line: &str, places: &[Place]) -> Option<Vec<Stretch>> {
    let mut columns = line.split('\t');
    let seed = Seed::new(0).named(columns.next()?);
    let class = Class::named(columns.next()?)?;
    let find = |name: &str| places.iter().position(|place| place.name == name);
    let stops: Vec<usize> = columns.map(find).collect::<Option<_>>()?;
    let pairs = stops.windows(2).zip(0..);
    Some(
        pairs
            .map(|(pair, number)| {
                let (from, to) = (pair[0], pair[1]);
                let ends = (places[from].point, places[to].point);
                let mut stretch = Stretch::new(seed.of(number), (from, to), ends, class);
                stretch.lights = lights(seed.of(number).named("lights"), &stretch, places);
                stretch
            })
            .collect(),
    )
}

/// Streets have lights at their crossings and between them, country roads only where they begin and end.
fn lights(seed: Seed, stretch: &Stretch, places: &[Place]) -> Vec<f32> {
    let mut lights = Vec::new();
    if matches!(stretch.class, Class::Motorway | Class::Tunnel) {
        return lights;
    }
    let margin = LIGHT_BEFORE_CROSSING;
    if places[stretch.from].kind != Kind::Ramp {
        lights.push(margin);
    }
    if stretch.class == Class::Street {
        let gaps = (0..).map(|number| seed.of(number).between(450.0, 1100.0) as f32);
        let mut at = margin;
        lights.extend(
            gaps.map(|gap| {
                at += gap;
                at
            })
            .take_while(|at| *at < stretch.length - 300.0),
        );
    }
    if places[stretch.to].kind != Kind::Ramp && stretch.length > 4.0 * margin {
        lights.push(stretch.length - margin);
    }
    lights
}

/// Metres.
const LIGHT_BEFORE_CROSSING: f32 = 15.0;

fn local_street(number: usize, place: &Place, street: usize) -> Stretch {
    let seed = Seed::new(0).named(&place.name).of(street as u64);
    let bearing = (street as f32 + seed.named("bearing").between(0.0, 0.7) as f32) * 360.0
        / place.streets.max(1) as f32;
    let end = place.point.moved(bearing, seed.named("length").between(250.0, 1100.0) as f32);
    Stretch::new(seed, (number, number), (place.point, end), Class::Local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_can_be_reached_from_every_other() {
        let roads = Roads::shipped();
        assert!(roads.addresses().len() > 250, "{} addresses", roads.addresses().len());
        let start = roads.addresses()[0];
        for &end in &roads.addresses()[1..] {
            for (from, to) in [(start, end), (end, start)] {
                let way = roads.way(from, to);
                let mut place = usize::from(from.place);
                let mut length = 0.0;
                for leg in &way[1..way.len() - 1] {
                    let stretch = roads.stretch(leg.stretch);
                    let (enters, leaves) = match leg.direction {
                        Direction::Forth => (stretch.from, stretch.to),
                        Direction::Back => (stretch.to, stretch.from),
                    };
                    assert_eq!(enters, place, "{way:?}");
                    place = leaves;
                }
                assert_eq!(place, usize::from(to.place), "{from:?} to {to:?}");
                length += way.iter().map(|leg| roads.stretch(leg.stretch).length).sum::<f32>();
                assert!((length - roads.distance(from, to)).abs() < 1.0);
            }
        }
    }

    #[test]
    fn the_quickest_way_is_plausible() {
        let roads = Roads::shipped();
        let address = |name: &str| {
            let mut places = rows(include_str!("../../data/places.tsv"));
            let number = places.position(|line| line.split('\t').next() == Some(name)).unwrap();
            *roads.addresses().iter().find(|address| usize::from(address.place) == number).unwrap()
        };
        for (from, to, kilometres, minutes) in [
            ("Hauptbahnhof", "Altona", 4.0..9.0, 4.0..15.0),
            ("Harburg", "Altona", 12.0..25.0, 10.0..30.0),
            ("Luebeck", "Stade", 90.0..160.0, 50.0..110.0),
        ] {
            let (seconds, lights) = roads.effort(address(from), address(to));
            let distance = roads.distance(address(from), address(to)) / 1000.0;
            assert!(kilometres.contains(&distance), "{from}-{to}: {distance} km");
            assert!(minutes.contains(&(seconds / 60.0)), "{from}-{to}: {seconds} s");
            assert!(lights > 1, "{from}-{to}: {lights} lights");
        }
    }

    #[test]
    fn a_bad_table_names_its_line() {
        let places = "A\t53.5\t10.0\ttown\t2\nB\t53.6\t10.0\tramp\t0";
        assert!(Roads::parse(places, "R\tstreet\tA\tB").is_ok());
        assert_eq!(Roads::parse("A\t53.5\tx\ttown\t2", "").err().as_deref(), Some("A\t53.5\tx\ttown\t2"));
        for bad in ["R\tstreet\tA\tC", "R\tpath\tA\tB"] {
            assert_eq!(Roads::parse(places, bad).err().as_deref(), Some(bad));
        }
    }
}
