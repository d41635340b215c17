//! What a client was told last, as fingerprints: only what is new is told again.

use std::hash::{DefaultHasher, Hasher};

/// What was told of one source.
#[derive(Default)]
pub struct Told {
    /// In order.
    fingerprints: Option<Vec<u64>>,
}

/// Takes the place of what was told before when it is dropped.
pub struct Round<'a> {
    told: &'a mut Told,
    now: Vec<u64>,
}

impl Told {
    pub fn round(&mut self) -> Round<'_> {
        Round { told: self, now: Vec::new() }
    }
}

impl Round<'_> {
    /// Whether nothing was told before.
    pub fn is_first(&self) -> bool {
        self.told.fingerprints.is_none()
    }

    /// Whether this was not told the last time.
    pub fn is_new(&mut self, rendered: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(rendered);
        let fingerprint = hasher.finish();
        self.now.push(fingerprint);
        let before = self.told.fingerprints.as_deref().unwrap_or_default();
        before.binary_search(&fingerprint).is_err()
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.now.sort_unstable();
        self.told.fingerprints = Some(std::mem::take(&mut self.now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_last_round_did_not_have_is_new() {
        let mut told = Told::default();
        for (items, new, first) in [
            ("ab", "ab", true),
            ("ab", "", false),
            ("cb", "c", false),
            ("ba", "a", false),
            ("", "", false),
            ("a", "a", false),
        ] {
            let mut round = told.round();
            assert_eq!(round.is_first(), first);
            let is_new = |item: &char| round.is_new(item.to_string().as_bytes());
            assert_eq!(items.chars().filter(is_new).collect::<String>(), new);
        }
    }
}
