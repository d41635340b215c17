//! The sensors of the sources that were asked about lately, so that a reading needs no SQL.

use domain::{Sensor, SourceId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// So many sources are remembered; about 3 kB each.
const SOURCES: usize = 20_000;

#[derive(Default)]
pub(crate) struct SensorCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    sensors: HashMap<SourceId, Arc<[Sensor]>>,
    /// How often anything was forgotten: what was read before that may be old.
    forgotten: u64,
}

/// A moment at which something was not known.
#[derive(Clone, Copy)]
pub(super) struct Since(u64);

impl SensorCache {
    /// # Errors
    /// The moment, for `keep`, when they are not known.
    pub(super) fn find(&self, source: SourceId) -> Result<Arc<[Sensor]>, Since> {
        let known = self.known();
        known.sensors.get(&source).cloned().ok_or(Since(known.forgotten))
    }

    /// Remembers what was read after `since`, unless something has changed meanwhile.
    pub(super) fn keep(&self, source: SourceId, sensors: &Arc<[Sensor]>, since: Since) {
        let mut known = self.known();
        if known.forgotten != since.0 {
            return;
        }
        if known.sensors.len() >= SOURCES {
            known.sensors.clear();
        }
        known.sensors.insert(source, Arc::clone(sensors));
    }

    pub(crate) fn forget(&self, source: SourceId) {
        let mut known = self.known();
        known.sensors.remove(&source);
        known.forgotten += 1;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_old_is_not_kept() {
        let cache = SensorCache::default();
        let (one, other) = (SourceId(1), SourceId(2));
        let none = Arc::<[Sensor]>::from([]);
        let since = cache.find(one).unwrap_err();
        cache.keep(one, &none, since);
        assert!(cache.find(one).is_ok());

        let since = cache.find(other).unwrap_err();
        cache.forget(other);
        cache.keep(other, &none, since);
        assert!(cache.find(other).is_err() && cache.find(one).is_ok());
    }

    #[test]
    fn it_has_a_bound() {
        let (cache, none) = (SensorCache::default(), Arc::<[Sensor]>::from([]));
        for source in 0..=SOURCES as i64 {
            let since = cache.find(SourceId(source)).unwrap_err();
            cache.keep(SourceId(source), &none, since);
        }
        assert!(cache.known().sensors.len() <= SOURCES);
    }
}
