//! Whether a device may speak: it is registered, not blocked, its model has this protocol, and it speaks over one
//! connection at a time.

use crate::{
    Refusal, Registered, RosterError,
    ending::Ended,
    reception::Reception,
    sessions::{Leash, OpenSession},
};
use domain::{Contact, ContactKind, DeviceId, SourceId, Transport};
use protocols::DeviceSlot;
use std::sync::Arc;
use tokio::time::timeout;

/// Why a device was not admitted.
#[derive(Debug)]
pub(crate) enum Denied {
    Refused(Refusal),
    Unknowable(RosterError),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What the roster says about a device that speaks `protocol`.
pub(crate) fn welcome(found: Option<Registered>, protocol: &str) -> Result<Registered, Refusal> {
    let registered = found.ok_or(Refusal::UnknownDevice)?;
    if !registered.model.speaks(protocol) {
        return Err(Refusal::WrongProtocol);
    }
    if registered.blocked {
        return Err(Refusal::Blocked);
    }
    Ok(registered)
}

/// The devices of one connection. However the connection ends, dropping this lets the next one in.
pub(crate) struct Stay {
    reception: Arc<Reception>,
    leash: Arc<Leash>,
    devices: Vec<(DeviceSlot, Registered)>,
    last_contact: ContactKind,
}

impl Stay {
    pub(crate) fn new(reception: Arc<Reception>) -> Self {
        let last_contact = Ended::Panicked.contact();
        Self { reception, leash: Arc::default(), devices: Vec::new(), last_contact }
    }

    pub(crate) fn leash(&self) -> &Leash {
        &self.leash
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    pub(crate) fn device(&self, slot: DeviceSlot) -> Option<Registered> {
        self.devices.iter().find_map(|(of, registered)| (*of == slot).then_some(*registered))
    }

    /// The source of the first device, for the log.
    pub(crate) fn source(&self) -> Option<SourceId> {
        self.devices.first().map(|(_, registered)| registered.source)
    }

    /// Admits a device in place of the one that had `slot`. An older session of its source ends first, so that the
    /// records of a source keep their order.
    pub(crate) async fn admit(
        &mut self,
        slot: DeviceSlot,
        device_id: &DeviceId,
        protocol: &str,
    ) -> Result<Registered, Denied> {
        self.vacate(slot, ContactKind::Closed);
        if self.devices.len() >= self.reception.limits.devices_per_connection {
            return Err(Refusal::DevicesPerConnection.into());
        }
        let changes = self.reception.changes();
        let found = self.reception.find(device_id).await.map_err(Denied::Unknowable)?;
        let registered = welcome(found, protocol)?;
        let source = registered.source;
        let session =
            OpenSession { device_id: device_id.clone(), registered, leash: Arc::clone(&self.leash) };
        let older = self.reception.sessions.enter(session)?;
        self.devices.push((slot, registered));
        if let Some(older) = older
            && timeout(self.reception.limits.take_over_wait, older.ended()).await.is_err()
        {
            self.vacate(slot, ContactKind::Lost);
            return Err(Refusal::TakeOverWait.into());
        }
        if self.reception.changes() != changes {
            // Whoever looked for sessions to close after that change may have done so before this one had entered.
            self.reception.check(source).await;
        }
        self.note(source, ContactKind::Login(Transport::Tcp));
        Ok(registered)
    }

    /// Lets the devices go, because of `ended`.
    pub(crate) fn end(mut self, ended: &Ended) {
        self.last_contact = ended.contact();
    }

    fn vacate(&mut self, slot: DeviceSlot, last_contact: ContactKind) {
        let Some(at) = self.devices.iter().position(|(of, _)| *of == slot) else { return };
        let (_, gone) = self.devices.swap_remove(at);
        if !self.devices.iter().any(|(_, other)| other.source == gone.source) {
            self.leave(gone.source, last_contact);
        }
    }

    /// A session that was taken over says no last word: the newer one speaks for the source.
    fn leave(&self, source: SourceId, kind: ContactKind) {
        if self.reception.sessions.leave(source, &self.leash) {
            self.note(source, kind);
        }
    }

    fn note(&self, source: SourceId, kind: ContactKind) {
        let received = self.reception.clock.now();
        self.reception.contacts.note(Contact { source, received, kind });
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        for (_, registered) in &self.devices {
            self.leave(registered.source, self.last_contact);
        }
        self.leash.end();
    }
}
