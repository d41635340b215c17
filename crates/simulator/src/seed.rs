//! Randomness without a state: the same seed gives the same answer to the same question, whenever it is asked and in
//! whatever order. So a vehicle can be looked at on any day without driving all days before.

/// Where all that is random about something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const fn new(number: u64) -> Self {
        Self(mixed(number))
    }

    /// The seed of the part that bears this number.
    pub(crate) const fn of(self, part: u64) -> Self {
        Self(mixed(self.0 ^ mixed(part)))
    }

    /// The seed of what bears this name.
    pub(crate) fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |seed, byte| seed.of(byte.into()))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// Between 0 and 1, without 1.
    pub(crate) fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// Below `count`, which is not 0.
    pub(crate) fn below(self, count: usize) -> usize {
        ((u128::from(self.0) * count as u128) >> 64) as usize
    }

    pub(crate) fn happens(self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_spread_evenly_and_stay_in_their_range() {
        let seed = Seed::new(7);
        let mut buckets = [0; 10];
        for part in 0..10_000 {
            let seed = seed.of(part);
            assert!((3.0..5.0).contains(&seed.between(3.0, 5.0)));
            buckets[seed.below(10)] += 1;
            assert_eq!(seed.below(10), (seed.unit() * 10.0) as usize);
        }
        assert!(buckets.iter().all(|count| (900..1100).contains(count)), "{buckets:?}");
    }

    #[test]
    fn different_questions_have_different_answers() {
        let seed = Seed::new(0);
        assert_eq!(seed.of(1), seed.of(1));
        assert_ne!(seed.of(1), seed.of(2));
        assert_ne!(seed.of(1).of(2), seed.of(2).of(1));
        assert_ne!(seed.named("ab"), seed.named("ba"));
    }
}
