//! Thins a line of points out to those that matter most for its shape, after Visvalingam and Whyatt (1993): the point
//! whose triangle with its neighbours is smallest goes first. Takes points one by one in bounded memory.

use domain::Coordinates;
use std::collections::{BTreeMap, BTreeSet};

/// A line that never grows beyond its capacity. Each point costs O(log capacity).
#[derive(Debug)]
pub struct Simplifier<T> {
    capacity: usize,
    nodes: BTreeMap<u64, Node<T>>,
    /// What may go, the least important first.
    ranks: BTreeSet<Rank>,
    next: u64,
}

#[derive(Debug)]
struct Node<T> {
    at: Coordinates,
    item: T,
    pinned: bool,
    rank: Option<Rank>,
}

/// The area of the triangle as bits (those of a number that is not negative are in its order), then the number of the
/// point with its bits reversed: of many points on a straight line every second one goes, then every fourth.
type Rank = (u64, u64);

impl<T> Simplifier<T> {
    /// Holds up to `capacity` points, at least 2, and all that are pinned.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(2), nodes: BTreeMap::new(), ranks: BTreeSet::new(), next: 0 }
    }

    pub fn push(&mut self, at: Coordinates, item: T) {
        self.nodes.insert(self.next, Node { at, item, pinned: false, rank: None });
        self.next += 1;
        if let Some((before, _)) = self.before(self.next - 1) {
            self.rank(before);
        }
        self.thin_out(self.capacity);
    }

    /// The point that was pushed last stays, however small its triangle.
    pub fn pin(&mut self) {
        if let Some(mut last) = self.nodes.last_entry() {
            last.get_mut().pinned = true;
        }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The points in their order, no more than `limit`, at least the first, the last and all that are pinned.
    pub fn finish(mut self, limit: usize) -> Vec<T> {
        self.thin_out(limit.max(2));
        self.nodes.into_values().map(|node| node.item).collect()
    }

    fn thin_out(&mut self, limit: usize) {
        while self.nodes.len() > limit {
            let Some((_, reversed)) = self.ranks.pop_first() else { return };
            let gone = reversed.reverse_bits();
            self.nodes.remove(&gone);
            let neighbours = [self.before(gone), self.after(gone)];
            for (neighbour, _) in neighbours.into_iter().flatten() {
                self.rank(neighbour);
            }
        }
    }

    /// Ranks a point that has neighbours on both sides and is not pinned.
    fn rank(&mut self, number: u64) {
        let (Some((_, before)), Some((_, after))) = (self.before(number), self.after(number)) else { return };
        let Some(node) = self.nodes.get_mut(&number).filter(|node| !node.pinned) else { return };
        let rank = (triangle(before, node.at, after).to_bits(), number.reverse_bits());
        if let Some(old) = node.rank.replace(rank) {
            self.ranks.remove(&old);
        }
        self.ranks.insert(rank);
    }

    fn before(&self, number: u64) -> Option<(u64, Coordinates)> {
        self.nodes.range(..number).next_back().map(|(number, node)| (*number, node.at))
    }

    fn after(&self, number: u64) -> Option<(u64, Coordinates)> {
        self.nodes.range(number + 1..).next().map(|(number, node)| (*number, node.at))
    }
}

/// Twice the area, in square degrees of latitude, on a plane that touches the Earth at `tip`.
fn triangle(before: Coordinates, tip: Coordinates, after: Coordinates) -> f64 {
    let shrink = tip.lat().to_radians().cos();
    let seen_from_tip = |other: Coordinates| {
        let east = (other.lng() - tip.lng() + 180.0).rem_euclid(360.0) - 180.0;
        (east * shrink, other.lat() - tip.lat())
    };
    let ((x1, y1), (x2, y2)) = (seen_from_tip(before), seen_from_tip(after));
    (x1 * y2 - x2 * y1).abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(lat: f64, lng: f64) -> Coordinates {
        Coordinates::new(lat, lng).unwrap()
    }

    /// The numbers of the points that stay.
    fn simplified(line: &[Coordinates], pinned: &[usize], capacity: usize, limit: usize) -> Vec<usize> {
        let mut simplifier = Simplifier::new(capacity);
        for (number, position) in line.iter().enumerate() {
            simplifier.push(*position, number);
            if pinned.contains(&number) {
                simplifier.pin();
            }
            assert!(simplifier.len() <= capacity.max(2) + pinned.len());
        }
        simplifier.finish(limit)
    }

    #[test]
    fn corners_stay_and_straight_lines_are_thinned_out_evenly() {
        // East for 8 steps, north for 8, across the 180th meridian.
        let east = (0..8).map(|step| at(0.0, 179.99 + f64::from(step) * 0.001));
        let north = (0..=8).map(|step| at(f64::from(step) * 0.001, 179.998));
        let line: Vec<_> = east.chain(north).collect();
        assert_eq!(simplified(&line, &[], 100, 3), [0, 8, 16]);
        assert_eq!(simplified(&line, &[3], 100, 4), [0, 3, 8, 16]);
        assert_eq!(simplified(&line, &[], 100, 9).len(), 9);

        let straight: Vec<_> = (0..=64).map(|step| at(0.0, f64::from(step))).collect();
        let kept = simplified(&straight, &[], 100, 17);
        let longest = kept.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest <= 8, "{kept:?}");
    }

    #[test]
    fn a_long_line_in_little_memory_keeps_its_shape() {
        // A zigzag of 10 corners with noise a thousandth of its size.
        let line: Vec<_> = (0..10_000)
            .map(|step| {
                let (leg, along) = (step / 1000, f64::from(step % 1000) / 1000.0);
                let height = if leg % 2 == 0 { along } else { 1.0 - along };
                at(height + f64::from(step * 7919 % 13) * 1e-4, f64::from(step) * 1e-4)
            })
            .collect();
        let kept = simplified(&line, &[], 256, 40);
        for corner in (1..10).map(|leg| leg * 1000) {
            assert!(kept.iter().any(|number| number.abs_diff(corner) < 20), "{corner}: {kept:?}");
        }
    }

    fn lines() -> impl Strategy<Value = Vec<Coordinates>> {
        prop::collection::vec(
            (-90.0..=90.0f64, -180.0..=180.0f64).prop_map(|(lat, lng)| at(lat, lng)),
            0..120,
        )
    }

    proptest! {
        #[test]
        fn ends_and_pins_stay_in_order_and_within_the_limit(
            line in lines(),
            pinned in prop::collection::btree_set(0..120usize, 0..5),
            capacity in 0..150usize,
            limit in 0..150usize,
        ) {
            let pinned: Vec<_> = pinned.into_iter().filter(|number| *number < line.len()).collect();
            let kept = simplified(&line, &pinned, capacity, limit);
            prop_assert!(kept.is_sorted_by(|one, next| one < next));
            let must_stay = pinned.iter().copied().chain((!line.is_empty()).then_some(0)).chain(line.len().checked_sub(1));
            for number in must_stay {
                prop_assert!(kept.contains(&number));
            }
            let room = limit.min(capacity).max(2) + pinned.len();
            prop_assert!(kept.len() <= room);
            if line.len() <= limit.min(capacity) {
                prop_assert_eq!(kept.len(), line.len());
            }
            prop_assert_eq!(simplified(&line, &pinned, capacity, limit), kept);
        }
    }
}
