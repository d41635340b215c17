//! The devices that sent datagrams lately: what they were admitted on, in whose turn each is handled, and where a command
//! still reaches them.

use crate::{
    Limits, Refusal, Registered,
    admission::{Denied, welcome},
    errands::Errands,
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
use tokio::{net::UdpSocket, sync, time::Instant};

pub(crate) struct Visitors {
    capacity: usize,
    reach: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_device: HashMap<DeviceId, Arc<Visitor>>,
    by_source: HashMap<SourceId, DeviceId>,
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
        Self { capacity: limits.datagram_devices, reach: limits.datagram_reach, known: Mutex::default() }
    }

    /// The device, if it may speak `protocol`; asks the roster unless it was here lately.
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
        let found = reception.find(device_id).await.map_err(Denied::Unknowable)?;
        let registered = welcome(found, protocol.name())?;
        moments::admitted(protocol.name(), registered.source);
        let place = Place { errands: Errands::new(Arc::clone(reception)), origin: None };
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
        // Whoever forgets after a change may have done so before this one is remembered.
        if reception.changes() == changes && known.by_device.len() < self.capacity {
            known.by_source.insert(source, device_id.clone());
            known.by_device.insert(device_id.clone(), Arc::clone(&visitor));
        }
        Ok(visitor)
    }

    /// What a device that was here lately was admitted on.
    pub(crate) fn registered(&self, device_id: &DeviceId) -> Option<Registered> {
        lock(&self.known).by_device.get(device_id).map(|visitor| visitor.registered.clone())
    }

    /// Its next datagram asks the roster again.
    pub(crate) fn forget(&self, source: SourceId) {
        let known = &mut *lock(&self.known);
        if let Some(device_id) = known.by_source.remove(&source) {
            known.by_device.remove(&device_id);
        }
    }

    pub(crate) fn forget_all(&self) {
        *lock(&self.known) = Known::default();
    }

    /// Forgets who has said nothing for so long that a command would not reach it.
    pub(crate) fn forget_silent(&self) {
        let known = &mut *lock(&self.known);
        let silent = |visitor: &Visitor| lock(&visitor.heard).elapsed() > self.reach;
        known.by_device.retain(|_, visitor| !silent(visitor));
        let Known { by_device, by_source } = known;
        by_source.retain(|_, device_id| by_device.contains_key(device_id));
    }

    /// The device of the source, if a command still reaches it.
    pub(crate) fn of(&self, source: SourceId) -> Option<Arc<Visitor>> {
        let known = lock(&self.known);
        let visitor = known.by_device.get(known.by_source.get(&source)?)?;
        (lock(&visitor.heard).elapsed() <= self.reach).then(|| Arc::clone(visitor))
    }

    pub(crate) fn all(&self) -> Vec<Arc<Visitor>> {
        lock(&self.known).by_device.values().cloned().collect()
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
