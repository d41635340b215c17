//! Signals: who must wake up because an object changed. Publishing is up to whoever made the change, after the
//! catalog has committed it; the catalog itself publishes nothing.

use domain::{AccountId, SourceId, UserId};
use tokio::sync::broadcast::{self, error::RecvError};

/// Names what changed, not how: the hearer reads the catalog again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Users, settings, groups or trackers of the account, or the account itself.
    AccountChanged(AccountId),
    /// Made, blocked, unblocked or retired: sessions of its device must be looked at again.
    SourceChanged(SourceId),
    /// A command waits for the source's device.
    CommandWaits(SourceId),
    /// Something stands in the history of events of trackers on the source.
    EventHappened(SourceId),
    /// A short message waits in the outbox.
    SmsWaits,
    /// A short message came in.
    SmsCame,
    /// One or all of the user's sessions were ended.
    SessionsEnded(UserId),
    /// A plan or the defaults.
    TariffsChanged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Signal(Signal),
    /// Some were missed: read everything again.
    Lost,
}

/// A subscriber that falls this far behind loses the oldest signals, and is told.
const CAPACITY: usize = 1024;

/// Signals within this process. Clones reach the same subscribers.
#[derive(Clone, Debug)]
pub struct Signals(broadcast::Sender<Signal>);

#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Signal>);

impl Default for Signals {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Signals {
    /// Reaches every subscription made before; does not wait.
    pub fn publish(&self, signal: Signal) {
        // The error says that nobody listens.
        _ = self.0.send(signal);
    }

    /// Hears what is published from now on. Subscribe first, then read the catalog: then nothing falls in between.
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl Subscription {
    /// The next signal in order. Never answers again when all that could publish are gone. Nothing is lost when the
    /// future is dropped.
    pub async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(signal) => Heard::Signal(signal),
            Err(RecvError::Lagged(_)) => Heard::Lost,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn subscribers_hear_everything_in_order() {
        let signals = Signals::default();
        let (mut first, mut second) = (signals.subscribe(), signals.clone().subscribe());
        for id in 0..CAPACITY as i64 {
            signals.publish(Signal::SourceChanged(SourceId(id)));
        }
        for subscription in [&mut first, &mut second] {
            for id in 0..CAPACITY as i64 {
                assert_eq!(subscription.next().await, Heard::Signal(Signal::SourceChanged(SourceId(id))));
            }
        }
    }

    #[tokio::test]
    async fn a_subscriber_that_lags_is_told_and_goes_on() {
        let signals = Signals::default();
        let mut subscription = signals.subscribe();
        for id in 0..=CAPACITY as i64 {
            signals.publish(Signal::AccountChanged(AccountId(id)));
        }
        assert_eq!(subscription.next().await, Heard::Lost);
        assert_eq!(subscription.next().await, Heard::Signal(Signal::AccountChanged(AccountId(1))));
    }
}
