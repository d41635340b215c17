//! How many bytes may wait in memory: in one connection, and in all of them.

use crate::Limits;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

pub(crate) struct Budget {
    per_session: usize,
    total: usize,
    held: AtomicUsize,
}

/// Who holds bytes. Strangers share half of all, so that they cannot keep known devices out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Stranger,
    Device,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverBudget;

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let (per_session, total) = (limits.buffered_per_session, limits.buffered_total);
        Arc::new(Self { per_session, total, held: AtomicUsize::new(0) })
    }

    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), held: 0 }
    }
}

/// What one connection holds; given back when it is dropped.
pub(crate) struct Share {
    budget: Arc<Budget>,
    held: usize,
}

impl Share {
    /// Changes what is held to `bytes`; nothing changes when that is too much.
    pub(crate) fn hold(&mut self, bytes: usize, holder: Holder) -> Result<(), OverBudget> {
        let budget = &*self.budget;
        if bytes > self.held {
            let more = bytes - self.held;
            let limit = match holder {
                Holder::Stranger => budget.total / 2,
                Holder::Device => budget.total,
            };
            let sum = budget.held.fetch_add(more, Ordering::Relaxed) + more;
            if sum > limit || bytes > budget.per_session {
                budget.held.fetch_sub(more, Ordering::Relaxed);
                return Err(OverBudget);
            }
        } else {
            budget.held.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_there_is() {
        let limits = Limits { buffered_per_session: 60, buffered_total: 100, ..Limits::default() };
        let budget = Budget::new(&limits);
        let (mut stranger, mut device) = (budget.share(), budget.share());
        assert_eq!(stranger.hold(50, Holder::Stranger), Ok(()));
        assert_eq!(stranger.hold(51, Holder::Stranger), Err(OverBudget), "half of all");
        assert_eq!(device.hold(50, Holder::Device), Ok(()));
        assert_eq!(device.hold(51, Holder::Device), Err(OverBudget), "all");
        drop(stranger);
        assert_eq!(device.hold(60, Holder::Device), Ok(()));
        assert_eq!(device.hold(61, Holder::Device), Err(OverBudget), "one session");
        assert_eq!(device.hold(10, Holder::Device), Ok(()));
        drop(device);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
