//! Whether a device may speak: it is registered, not blocked, its model has this protocol, and it speaks over one
//! connection at a time. One that calls again takes itself from its older connection, which goes on with the others.

use crate::{
    Refusal, Registered, RosterError,
    ending::Ended,
    reception::Reception,
    sessions::{Leash, OpenSession},
};
use domain::{Contact, ContactKind, DeviceId, SourceId, Transport};
use protocols::DeviceSlot;
use std::{collections::HashMap, sync::Arc};
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
///
/// Over TCP a source has one connection, and a signal makes that let the device go when its admission is not true any
/// longer. Over HTTP devices call as often as they like: such a connection asks again when it reads and anything has
/// changed.
pub(crate) struct Stay {
    reception: Arc<Reception>,
    transport: Transport,
    leash: Arc<Leash>,
    devices: Vec<Guest>,
    /// Up to which change of the roster the admissions are true; for HTTP.
    changes: u64,
    turned_away: TurnedAway,
    last_contact: ContactKind,
}

/// Devices that may not speak, as the roster said after so many changes: a relay carries them on all the same.
#[derive(Default)]
struct TurnedAway {
    changes: u64,
    refusals: HashMap<DeviceId, Refusal>,
}

struct Guest {
    slot: DeviceSlot,
    registered: Registered,
    device_id: DeviceId,
}

impl Stay {
    pub(crate) fn new(reception: Arc<Reception>, transport: Transport) -> Self {
        let last_contact = Ended::Panicked.contact();
        let changes = reception.changes();
        let (leash, turned_away) = (Arc::default(), TurnedAway::default());
        Self { reception, transport, leash, devices: Vec::new(), changes, turned_away, last_contact }
    }

    pub(crate) fn leash(&self) -> &Leash {
        &self.leash
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    pub(crate) fn device(&self, slot: DeviceSlot) -> Option<Registered> {
        self.devices.iter().find_map(|guest| (guest.slot == slot).then(|| guest.registered.clone()))
    }

    /// The source of the first device, for the log.
    pub(crate) fn source(&self) -> Option<SourceId> {
        self.devices.first().map(|guest| guest.registered.source)
    }

    /// Admits a device in place of the one that had `slot`. An older session of its source lets it go first, so that the
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
        let registered = self.ask(device_id, protocol, changes).await?;
        let source = registered.source;
        let guest = Guest { slot, registered: registered.clone(), device_id: device_id.clone() };
        if self.transport == Transport::Http {
            self.changes = self.changes.min(changes);
            self.devices.push(guest);
            self.note(source, ContactKind::Login(self.transport));
            return Ok(registered);
        }
        let session = OpenSession {
            device_id: device_id.clone(),
            registered: registered.clone(),
            leash: Arc::clone(&self.leash),
        };
        let older = self.reception.sessions.enter(session)?;
        self.devices.push(guest);
        if let Some(older) = older
            && timeout(self.reception.limits.take_over_wait, older.cancelled()).await.is_err()
        {
            self.vacate(slot, ContactKind::Lost);
            return Err(Refusal::TakeOverWait.into());
        }
        if self.reception.changes() != changes {
            // Whoever looked for sessions to close after that change may have done so before this one had entered.
            self.reception.check(source).await;
        }
        self.note(source, ContactKind::Login(self.transport));
        Ok(registered)
    }

    /// Asks the roster, unless it has said no and not changed since.
    async fn ask(
        &mut self,
        device_id: &DeviceId,
        protocol: &str,
        changes: u64,
    ) -> Result<Registered, Denied> {
        if self.turned_away.changes != changes {
            self.turned_away = TurnedAway { changes, refusals: HashMap::new() };
        }
        if let Some(refusal) = self.turned_away.refusals.get(device_id) {
            return Err((*refusal).into());
        }
        let found = self.reception.find(device_id).await.map_err(Denied::Unknowable)?;
        welcome(found, protocol).map_err(|refusal| {
            if self.turned_away.refusals.len() < self.reception.limits.devices_per_connection {
                self.turned_away.refusals.insert(device_id.clone(), refusal);
            }
            refusal.into()
        })
    }

    /// Sees that the admissions of an HTTP connection are still true.
    pub(crate) async fn check(&mut self) -> Result<(), Ended> {
        let changes = self.reception.changes();
        if self.transport != Transport::Http || self.changes == changes {
            return Ok(());
        }
        for guest in &self.devices {
            if self.reception.find(&guest.device_id).await?.as_ref() != Some(&guest.registered) {
                return Err(Ended::NoLongerWelcome);
            }
        }
        self.changes = changes;
        Ok(())
    }

    /// Lets the device of `source` go, and tells which slots it had.
    pub(crate) fn let_go(&mut self, source: SourceId) -> Vec<DeviceSlot> {
        let gone = self.devices.extract_if(.., |guest| guest.registered.source == source);
        let slots: Vec<_> = gone.map(|guest| guest.slot).collect();
        if !slots.is_empty() {
            self.leave(source, ContactKind::Closed);
        }
        slots
    }

    /// Lets the devices go, because of `ended`.
    pub(crate) fn end(mut self, ended: &Ended) {
        self.last_contact = ended.contact();
    }

    fn vacate(&mut self, slot: DeviceSlot, last_contact: ContactKind) {
        let Some(at) = self.devices.iter().position(|guest| guest.slot == slot) else { return };
        let gone = self.devices.swap_remove(at).registered.source;
        if !self.devices.iter().any(|other| other.registered.source == gone) {
            self.leave(gone, last_contact);
        }
    }

    /// A session that was taken over says no last word: the newer one speaks for the source. Nor does one over HTTP:
    /// its end means nothing.
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
        for guest in &self.devices {
            self.leave(guest.registered.source, self.last_contact);
        }
        // Whoever waits for one of them has it now.
        drop(self.leash.partings());
    }
}
