//! The devices that sent datagrams lately: what they were admitted on, in whose turn each is handled, and where a command
//! still reaches them.

use crate::{
    Limits, Refusal, Registered, RosterError,
    admission::{Denied, welcome},
    errands::{Errands, Road},
    lock, moments,
    reception::Reception,
};
use domain::{DeviceId, SourceId};
use protocols::{Connection, Protocol};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::{self, Semaphore},
    time::{Instant, timeout},
};

pub(crate) struct Visitors {
    capacity: usize,
    refusals: usize,
    reach: Duration,
    lookups: Semaphore,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_device: HashMap<DeviceId, Arc<Visitor>>,
    by_source: HashMap<SourceId, Whereabouts>,
    /// The source whose last datagram came from there.
    by_address: HashMap<SocketAddr, SourceId>,
    /// What the roster said of devices that may not speak.
    turned_away: HashMap<DeviceId, Option<Registered>>,
}

struct Whereabouts {
    device_id: DeviceId,
    address: Option<SocketAddr>,
}

pub(crate) struct Visitor {
    pub(crate) registered: Registered,
    heard: Mutex<Instant>,
    /// Held from a device's datagram to its acknowledgement: the records of a source keep their order.
    pub(crate) turn: Arc<sync::Mutex<Place>>,
}

/// What is known of a device beside its admission.
pub(crate) struct Place {
    pub(crate) errands: Errands,
    /// Whence its last datagram came.
    pub(crate) origin: Option<Origin>,
}

pub(crate) struct Origin {
    pub(crate) protocol: &'static dyn Protocol,
    /// It has understood that datagram.
    pub(crate) connection: Connection,
    pub(crate) socket: Arc<UdpSocket>,
    pub(crate) address: SocketAddr,
}

impl Visitors {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            capacity: limits.datagram_devices,
            refusals: limits.datagram_refusals,
            reach: limits.datagram_reach,
            lookups: Semaphore::new(limits.datagram_lookups),
            known: Mutex::default(),
        }
    }

    /// The device, if it may speak `protocol`.
    pub(crate) async fn admit(
        &self,
        reception: &Arc<Reception>,
        device_id: &DeviceId,
        protocol: &'static dyn Protocol,
    ) -> Result<Arc<Visitor>, Denied> {
        if let Some(visitor) = lock(&self.known).by_device.get(device_id) {
            *lock(&visitor.heard) = Instant::now();
            let registered = welcome(Some(visitor.registered.clone()), protocol.name());
            return registered.map(|_| Arc::clone(visitor)).map_err(Denied::Refused);
        }
        let changes = reception.changes();
        let found = self.find(reception, device_id).await.map_err(Denied::Unknowable)?;
        let registered = match welcome(found.clone(), protocol.name()) {
            Ok(registered) => registered,
            Err(refusal) => {
                self.turn_away(reception, device_id, found, changes);
                return Err(refusal.into());
            }
        };
        moments::admitted(protocol.name(), registered.source);
        let place = Place { errands: Errands::new(Arc::clone(reception), Road::Open), origin: None };
        let source = registered.source;
        let visitor = Arc::new(Visitor {
            registered,
            heard: Mutex::new(Instant::now()),
            turn: Arc::new(sync::Mutex::new(place)),
        });
        let mut known = lock(&self.known);
        if let Some(sooner) = known.by_device.get(device_id) {
            return Ok(Arc::clone(sooner));
        }
        // Whoever forgets after a change, or at the end, may have done so before this one is remembered.
        let is_still_true = reception.changes() == changes && !reception.stopping.is_cancelled();
        if is_still_true && known.by_device.len() < self.capacity {
            known.turned_away.remove(device_id);
            known.by_source.insert(source, Whereabouts { device_id: device_id.clone(), address: None });
            known.by_device.insert(device_id.clone(), Arc::clone(&visitor));
        }
        Ok(visitor)
    }

    /// Who the device is; asks the roster unless it was here lately.
    pub(crate) async fn find(
        &self,
        reception: &Reception,
        device_id: &DeviceId,
    ) -> Result<Option<Registered>, RosterError> {
        if let Some(known) = lock(&self.known).of(device_id) {
            return Ok(known);
        }
        let asking = timeout(reception.limits.login_timeout, self.lookups.acquire());
        let Ok(_turn) = asking.await else { return Err(RosterError::Slow) };
        // The one before may have asked the same.
        if let Some(known) = lock(&self.known).of(device_id) {
            return Ok(known);
        }
        let changes = reception.changes();
        let found = reception.find(device_id).await?;
        if found.is_none() {
            self.turn_away(reception, device_id, None, changes);
        }
        Ok(found)
    }

    /// Remembers who may not speak by what was found before the change after `changes`.
    fn turn_away(
        &self,
        reception: &Reception,
        device_id: &DeviceId,
        found: Option<Registered>,
        changes: u64,
    ) {
        let known = &mut *lock(&self.known);
        if reception.changes() == changes && known.turned_away.len() < self.refusals {
            known.turned_away.insert(device_id.clone(), found);
        }
    }

    /// Whether it is still what the next datagram of its device would find.
    pub(crate) fn stands(&self, visitor: &Arc<Visitor>) -> bool {
        let known = lock(&self.known);
        let whereabouts = known.by_source.get(&visitor.registered.source);
        let found = whereabouts.and_then(|it| known.by_device.get(&it.device_id));
        found.is_some_and(|found| Arc::ptr_eq(found, visitor))
    }

    /// A device that may speak has sent a datagram from there.
    pub(crate) fn came_from(&self, source: SourceId, address: SocketAddr) {
        let Known { by_source, by_address, .. } = &mut *lock(&self.known);
        let Some(whereabouts) = by_source.get_mut(&source) else { return };
        if let Some(before) = whereabouts.address.replace(address).filter(|before| *before != address)
            && by_address.get(&before) == Some(&source)
        {
            by_address.remove(&before);
        }
        by_address.insert(address, source);
    }

    /// Whether a device that may speak was there lately.
    pub(crate) fn is_known(&self, address: SocketAddr) -> bool {
        lock(&self.known).by_address.contains_key(&address)
    }

    /// Its next datagram asks the roster again. Nobody knows which of those that were turned away it may be.
    pub(crate) fn forget(&self, source: SourceId) {
        let known = &mut *lock(&self.known);
        known.turned_away = HashMap::new();
        if let Some(Whereabouts { device_id, address }) = known.by_source.remove(&source) {
            known.by_device.remove(&device_id);
            if let Some(address) = address.filter(|address| known.by_address.get(address) == Some(&source)) {
                known.by_address.remove(&address);
            }
        }
    }

    pub(crate) fn forget_all(&self) {
        *lock(&self.known) = Known::default();
    }

    /// Forgets who has said nothing for so long that a command would not reach it, and who was turned away.
    pub(crate) fn forget_silent(&self) {
        let Known { by_device, by_source, by_address, turned_away } = &mut *lock(&self.known);
        by_device.retain(|_, visitor| lock(&visitor.heard).elapsed() <= self.reach);
        by_source.retain(|_, it| by_device.contains_key(&it.device_id));
        by_address.retain(|_, source| by_source.contains_key(source));
        *turned_away = HashMap::new();
    }

    /// The device of the source, if a command still reaches it.
    pub(crate) fn of(&self, source: SourceId) -> Option<Arc<Visitor>> {
        let known = lock(&self.known);
        let visitor = known.by_device.get(&known.by_source.get(&source)?.device_id)?;
        (lock(&visitor.heard).elapsed() <= self.reach).then(|| Arc::clone(visitor))
    }

    pub(crate) fn all(&self) -> Vec<Arc<Visitor>> {
        lock(&self.known).by_device.values().cloned().collect()
    }
}

impl Known {
    /// What the roster said when the device was here.
    fn of(&self, device_id: &DeviceId) -> Option<Option<Registered>> {
        let visitor = self.by_device.get(device_id).map(|visitor| Some(visitor.registered.clone()));
        visitor.or_else(|| self.turned_away.get(device_id).cloned())
    }
}

impl Visitor {
    /// Sends the commands that wait to where the device's last datagram came from.
    pub(crate) async fn deliver(&self) {
        let mut place = self.turn.lock().await;
        place.errands.wake();
        place.deliver().await;
    }
}

impl Place {
    pub(crate) async fn deliver(&mut self) {
        let Some(Origin { protocol, connection, socket, address }) = &mut self.origin else { return };
        while let Some(outgoing) = self.errands.next(*protocol, connection).await {
            match socket.send_to(&outgoing.bytes, *address).await {
                Ok(_) => self.errands.sent(&outgoing).await,
                // It is taken again when nobody has it any longer.
                Err(error) => return moments::not_sent(&error),
            }
        }
    }
}

/// A datagram speaks for one device.
pub(crate) const ONE_DEVICE: Denied = Denied::Refused(Refusal::DevicesPerConnection);
