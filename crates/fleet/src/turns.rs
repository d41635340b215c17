//! Taking turns: what reads, decides and writes for one subject (an account, a login) is done one at a time, so that
//! two callers who come at once do not both get the last place, and none undoes what the other did.

use crate::Failure;
use domain::ErrorCode;
use std::{
    array,
    collections::BTreeSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// Subjects that share a stripe wait for each other, which is harmless.
const STRIPES: usize = 64;
/// Who comes when this many wait or work is turned away.
const WAITING: usize = 1000;

pub(crate) struct Turns {
    stripes: [Mutex<()>; STRIPES],
    waiting: Semaphore,
}

/// It is the holder's turn until this is dropped.
#[must_use]
pub(crate) struct Turn<'a> {
    _stripes: Vec<MutexGuard<'a, ()>>,
    _waiting: SemaphorePermit<'a>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stripes: array::from_fn(|_| Mutex::default()), waiting: Semaphore::new(WAITING) }
    }
}

impl Turns {
    /// Waits until nobody else holds the subject's turn. First come, first served.
    ///
    /// # Errors
    /// `QueueUnavailable` when too many wait.
    pub(crate) async fn take(&self, subject: impl Hash) -> Result<Turn<'_>, Failure> {
        self.take_all([subject]).await
    }

    /// The turns of all the subjects; in one order for all callers, so that no two wait for each other.
    ///
    /// # Errors
    /// `QueueUnavailable` when too many wait.
    pub(crate) async fn take_all<S: Hash>(
        &self,
        subjects: impl IntoIterator<Item = S>,
    ) -> Result<Turn<'_>, Failure> {
        let waiting = self.waiting.try_acquire().map_err(|_| ErrorCode::QueueUnavailable)?;
        let stripes: BTreeSet<_> = subjects.into_iter().map(stripe).collect();
        let mut taken = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            taken.push(self.stripes[stripe].lock().await);
        }
        Ok(Turn { _stripes: taken, _waiting: waiting })
    }
}

fn stripe(subject: impl Hash) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(subject);
    usize::try_from(hash % STRIPES as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    #[test]
    fn one_at_a_time_and_not_too_many_wait() {
        let turns = Turns::default();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(first)) = pin!(turns.take("anna")).poll(&mut context) else {
            panic!("nobody else came")
        };
        let mut queue: Vec<_> = (1..WAITING).map(|_| Box::pin(turns.take("anna"))).collect();
        assert!(queue.iter_mut().all(|turn| turn.as_mut().poll(&mut context).is_pending()));
        let refused = pin!(turns.take("berta")).poll(&mut context);
        assert!(matches!(refused, Poll::Ready(Err(failure)) if failure.code == ErrorCode::QueueUnavailable));

        drop(first);
        assert!(queue[1].as_mut().poll(&mut context).is_pending(), "it came later");
        assert!(queue[0].as_mut().poll(&mut context).is_ready());
        // Most others do not share her stripe.
        let free =
            |other: &i32| pin!(turns.take(other)).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!((0..100).filter(free).count() > 90);
    }
}
