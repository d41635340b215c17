//! What all devices of a run did, counted.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

#[derive(Debug, Default)]
pub struct Counts {
    connected: AtomicU64,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    resent: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    obeyed: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Devices that are connected and admitted now.
    pub connected: u64,
    /// Records sent for the first time.
    pub sent: u64,
    /// Records that the server has for certain.
    pub acknowledged: u64,
    /// Records sent again.
    pub resent: u64,
    /// Logins that were turned away.
    pub refused: u64,
    /// Calls that failed or broke off against the device's will.
    pub broken: u64,
    /// Commands that were answered.
    pub obeyed: u64,
}

/// Counts a connected device until it is dropped.
pub(crate) struct Online<'a>(&'a AtomicU64);

impl Counts {
    pub fn figures(&self) -> Figures {
        // Read in this order, so that no more are acknowledged than were sent.
        let acknowledged = self.acknowledged.load(Relaxed);
        Figures {
            connected: self.connected.load(Relaxed),
            sent: self.sent.load(Relaxed),
            acknowledged,
            resent: self.resent.load(Relaxed),
            refused: self.refused.load(Relaxed),
            broken: self.broken.load(Relaxed),
            obeyed: self.obeyed.load(Relaxed),
        }
    }

    pub(crate) fn online(&self) -> Online<'_> {
        self.connected.fetch_add(1, Relaxed);
        Online(&self.connected)
    }

    pub(crate) fn sent(&self, first: u64, again: u64) {
        self.sent.fetch_add(first, Relaxed);
        self.resent.fetch_add(again, Relaxed);
    }

    pub(crate) fn acknowledged(&self, records: u64) {
        self.acknowledged.fetch_add(records, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn broken(&self) {
        self.broken.fetch_add(1, Relaxed);
    }

    pub(crate) fn obeyed(&self) {
        self.obeyed.fetch_add(1, Relaxed);
    }
}

impl Drop for Online<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connected, sent, acknowledged, resent, refused, broken, obeyed } = self;
        write!(
            f,
            "connected {connected}, sent {sent}, acknowledged {acknowledged}, resent {resent}, \
             refused {refused}, broken {broken}, commands {obeyed}"
        )
    }
}
