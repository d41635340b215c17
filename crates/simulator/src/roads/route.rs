//! The quickest way between any two places, computed once for the whole network.

use super::{Direction, Leg, Stretch};

/// For every pair of places the first leg of the quickest way, and what the whole of it takes.
pub(super) struct Guide {
    places: usize,
    /// By `from * places + to`.
    ways: Vec<Way>,
}

#[derive(Clone, Copy)]
struct Way {
    /// `None` between a place and itself, or where no road leads.
    first: Option<(Leg, usize)>,
    seconds: f32,
    metres: f32,
    lights: u32,
}

impl Guide {
    /// Floyd and Warshall's algorithm: the network is small, and this is all there is to it.
    pub(super) fn new(places: usize, stretches: &[Stretch]) -> Self {
        let nowhere = Way { first: None, seconds: f32::INFINITY, metres: 0.0, lights: 0 };
        let mut ways = vec![nowhere; places * places];
        for place in 0..places {
            ways[place * places + place].seconds = 0.0;
        }
        for (number, stretch) in stretches.iter().enumerate() {
            for (from, to, direction) in
                [(stretch.from, stretch.to, Direction::Forth), (stretch.to, stretch.from, Direction::Back)]
            {
                let way = &mut ways[from * places + to];
                let lights = stretch.lights.len() as u32;
                let seconds = stretch.seconds();
                if seconds + WAIT * (lights as f32) < way.cost() {
                    let first = Some((Leg { stretch: number, direction }, to));
                    *way = Way { first, seconds, metres: stretch.length, lights };
                }
            }
        }
        for over in 0..places {
            for from in 0..places {
                let there = ways[from * places + over];
                for to in 0..places {
                    let on = ways[over * places + to];
                    if there.cost() + on.cost() < ways[from * places + to].cost() {
                        ways[from * places + to] = Way {
                            first: there.first,
                            seconds: there.seconds + on.seconds,
                            metres: there.metres + on.metres,
                            lights: there.lights + on.lights,
                        };
                    }
                }
            }
        }
        Self { places, ways }
    }

    /// Adds the legs of the quickest way.
    pub(super) fn follow(&self, from: usize, to: usize, way: &mut Vec<Leg>) {
        let mut place = from;
        while let Some((leg, next)) = self.way(place, to).first {
            way.push(leg);
            place = next;
        }
    }

    /// Metres.
    pub(super) fn distance(&self, from: usize, to: usize) -> f32 {
        self.way(from, to).metres
    }

    /// Seconds at the speed limits, and the number of traffic lights.
    pub(super) fn effort(&self, from: usize, to: usize) -> (f32, u32) {
        let way = self.way(from, to);
        (way.seconds, way.lights)
    }

    fn way(&self, from: usize, to: usize) -> &Way {
        &self.ways[from * self.places + to]
    }
}

/// Seconds that drivers reckon with at a traffic light.
const WAIT: f32 = 12.0;

impl Way {
    fn cost(&self) -> f32 {
        self.seconds + WAIT * self.lights as f32
    }
}
