//! What all connections share.

use crate::{
    CommandQueue, GatewayConfig, Limits, Registered, Roster, RosterError,
    budget::Budget,
    contacts::Contacts,
    datagrams::Queue,
    ending::Ended,
    refused::RefusedDevices,
    seats::Seats,
    sessions::Sessions,
    visitors::{Visitor, Visitors},
};
use domain::{Clock, DeviceId, SourceId};
use protocols::Protocol;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{
    journal::Journal,
    signals::{Signal, Signals},
};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;

pub(crate) struct Reception {
    pub(crate) limits: Limits,
    pub(crate) retention: Duration,
    /// Those that are spoken.
    pub(crate) protocols: &'static [&'static dyn Protocol],
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) sessions: Sessions,
    pub(crate) datagrams: Queue,
    pub(crate) visitors: Visitors,
    pub(crate) refused: Arc<RefusedDevices>,
    pub(crate) contacts: Contacts,
    pub(crate) stopping: CancellationToken,
    pub(crate) commands: Arc<dyn CommandQueue>,
    signals: Signals,
    roster: Arc<dyn Roster>,
    lookups: Semaphore,
    /// Counts the times that the roster may have changed.
    changes: AtomicU64,
}

impl Reception {
    pub(crate) fn new(
        config: &GatewayConfig,
        journal: Arc<dyn Journal>,
        roster: Arc<dyn Roster>,
        commands: Arc<dyn CommandQueue>,
        signals: Signals,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let limits = config.limits.clone();
        let contacts = Contacts::new(Arc::clone(&journal), limits.contact_interval, limits.contact_sources);
        Self {
            retention: config.retention,
            protocols: config.protocols,
            journal,
            clock,
            seats: Seats::new(&limits),
            budget: Budget::new(&limits),
            sessions: Sessions::new(limits.take_overs_per_minute),
            datagrams: Queue::new(&limits),
            visitors: Visitors::new(&limits),
            refused: Arc::new(RefusedDevices::new(limits.refused_devices)),
            contacts,
            stopping: CancellationToken::new(),
            commands,
            signals,
            roster,
            lookups: Semaphore::new(limits.lookups),
            changes: AtomicU64::new(0),
            limits,
        }
    }

    /// Asks the roster, which is never asked by more than `Limits::lookups` at a time.
    pub(crate) async fn find(&self, device_id: &DeviceId) -> Result<Option<Registered>, RosterError> {
        let found = timeout(self.limits.login_timeout, async {
            let _turn = self.lookups.acquire().await;
            self.roster.find(device_id).await
        });
        found.await.unwrap_or(Err(RosterError::Slow))
    }

    /// A number that is another one after the roster may have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Something about `source` has changed: its session keeps it only if it would be admitted alike.
    pub(crate) async fn source_changed(&self, source: SourceId) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.visitors.forget(source);
        self.check(source).await;
    }

    /// Anything may have changed.
    pub(crate) async fn anything_changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.visitors.forget_all();
        for source in self.sessions.sources() {
            self.check(source).await;
        }
    }

    /// A command of the source may have come to its end, which the catalog has written down.
    pub(crate) fn event_happened(&self, source: SourceId) {
        self.signals.publish(Signal::EventHappened(source));
    }

    /// A command waits for the source: its session sends it, or the one who answers here can.
    pub(crate) fn wake(&self, source: SourceId) -> Option<Arc<Visitor>> {
        if let Some(session) = self.sessions.of(source) {
            session.leash.wake();
            return None;
        }
        self.visitors.of(source)
    }

    /// Commands may wait for anybody.
    pub(crate) fn wake_all(&self) -> Vec<Arc<Visitor>> {
        for session in self.sessions.sources().into_iter().filter_map(|source| self.sessions.of(source)) {
            session.leash.wake();
        }
        self.visitors.all()
    }

    /// Makes the session of `source` let it go unless what it was admitted on is still true. When that cannot be found
    /// out too: the device calls again and is asked anew.
    pub(crate) async fn check(&self, source: SourceId) {
        let Some(session) = self.sessions.of(source) else { return };
        let found = self.find(&session.device_id).await;
        if !matches!(found, Ok(Some(registered)) if registered == session.registered) {
            session.leash.let_go(source, Ended::NoLongerWelcome);
        }
    }
}
