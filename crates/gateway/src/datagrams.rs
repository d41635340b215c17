//! Datagrams: each is understood, made durable and acknowledged on its own. Those from one address and port to one of ours
//! go one after the other, those of different ones at the same time. What does not fit into the queue is dropped
//! unacknowledged: the device sends it again. Who was not here lately has a small part of the queue: strangers do not keep
//! devices out.

use crate::{
    Limits, Registered,
    admission::Denied,
    budget::{Holder, Share},
    detection,
    gateway::{Entrance, observe},
    lock, moments,
    reception::Reception,
    turn::{Guests, Turn, turn},
    visitors::{ONE_DEVICE, Origin, Place, Visitor},
};
use domain::{CommandId, Contact, ContactKind, DeviceId, Outcome, SourceId, Transport};
use protocols::{Connection, DeviceSlot, Protocol};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::OwnedMutexGuard,
    task::JoinSet,
    time::{Instant, sleep},
};

/// No datagram is longer.
const MAX_DATAGRAM: usize = 64 << 10;
/// A reply of so many bytes goes out however short the question was: the signs of life of some protocols are shorter than
/// their answers, and IP, UDP and the link around such a question make most of what this adds to it.
const SHORT_REPLY: usize = 64;
/// After a failed receive.
const RECEIVE_PAUSE: Duration = Duration::from_millis(100);

/// What waits, by where it came from.
pub(crate) struct Queue {
    total: usize,
    per_address: usize,
    of_strangers: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// With those that are at work.
    total: usize,
    /// Among them.
    of_strangers: usize,
    /// There is an entry as long as somebody works on it.
    by_way: HashMap<Way, VecDeque<Parcel>>,
}

/// Whence and whither a datagram goes. What comes from one address to different ports may be of different protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Way {
    address: SocketAddr,
    /// The address that the gateway listens on.
    to: SocketAddr,
}

struct Parcel {
    bytes: Vec<u8>,
    /// Whose it was when it came.
    sender: Holder,
    _share: Share,
}

/// Takes the datagrams of one way until none is left. However it ends, the next one finds its place.
struct Work {
    reception: Arc<Reception>,
    way: Way,
    /// Of the one at work.
    sender: Holder,
    ended: Ended,
}

/// Whether another may have begun to work on the same way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}

impl Queue {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (total, per_address) = (limits.datagrams, limits.datagrams_per_address);
        Self { total, per_address, of_strangers: limits.datagrams_of_strangers, waiting: Mutex::default() }
    }

    /// `Ok(true)`: somebody must begin to work on the way.
    fn put(&self, way: Way, parcel: Parcel) -> Result<bool, &'static str> {
        let waiting = &mut *lock(&self.waiting);
        if waiting.total >= self.total {
            return Err("datagrams");
        }
        if parcel.sender == Holder::Stranger && waiting.of_strangers >= self.of_strangers {
            return Err("datagrams_of_strangers");
        }
        let begin = !waiting.by_way.contains_key(&way);
        let own = waiting.by_way.entry(way).or_default();
        // The one at work is not in the queue any longer, and counts.
        if !begin && own.len() + 1 >= self.per_address {
            return Err("datagrams_per_address");
        }
        waiting.total += 1;
        waiting.of_strangers += usize::from(parcel.sender == Holder::Stranger);
        own.push_back(parcel);
        Ok(begin)
    }
}

impl Waiting {
    fn left(&mut self, sender: Holder) {
        self.total -= 1;
        self.of_strangers -= usize::from(sender == Holder::Stranger);
    }
}

impl Work {
    fn next(&mut self) -> Option<Parcel> {
        let parcel = lock(&self.reception.datagrams.waiting).by_way.get_mut(&self.way)?.pop_front()?;
        self.sender = parcel.sender;
        Some(parcel)
    }

    /// The one at work is done; `false` when there is no other.
    fn done(&mut self) -> bool {
        let waiting = &mut *lock(&self.reception.datagrams.waiting);
        waiting.left(self.sender);
        let more = waiting.by_way.get(&self.way).is_some_and(|own| !own.is_empty());
        if !more {
            waiting.by_way.remove(&self.way);
            self.ended = Ended::Yes;
        }
        more
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.ended == Ended::Yes {
            return;
        }
        // After a fault: the one at work has gone with it, and the others come again.
        let waiting = &mut *lock(&self.reception.datagrams.waiting);
        if let Some(left) = waiting.by_way.remove(&self.way) {
            waiting.left(self.sender);
            left.iter().for_each(|parcel| waiting.left(parcel.sender));
        }
    }
}

/// Receives until the gateway stops, and then ends what has come.
pub(crate) async fn receive(
    socket: UdpSocket,
    to: SocketAddr,
    entrance: Entrance,
    reception: Arc<Reception>,
) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut work = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = reception.stopping.cancelled() => break,
            Some(ended) = work.join_next() => observe(ended),
            received = socket.recv_from(&mut buffer) => match received {
                Ok((length, address)) => {
                    let Some(bytes) = buffer.get(..length) else { continue };
                    let way = Way { address, to };
                    match accept(&reception, bytes, way) {
                        Ok(true) => {
                            let reception = Arc::clone(&reception);
                            let one = Work { reception, way, sender: Holder::Stranger, ended: Ended::No };
                            work.spawn(attend_all(one, entrance, Arc::clone(&socket)));
                        }
                        Ok(false) => {}
                        Err(reason) => moments::datagram_dropped(reason),
                    }
                }
                Err(error) => {
                    moments::not_received(&error);
                    sleep(RECEIVE_PAUSE).await;
                }
            },
        }
    }
    while let Some(ended) = work.join_next().await {
        observe(ended);
    }
}

fn accept(reception: &Reception, bytes: &[u8], way: Way) -> Result<bool, &'static str> {
    if bytes.is_empty() {
        return Err("empty");
    }
    let sender = if reception.visitors.is_known(way.address) { Holder::Device } else { Holder::Stranger };
    let mut share = reception.budget.share();
    share.hold(bytes.len(), sender).map_err(|_| "over_budget")?;
    reception.datagrams.put(way, Parcel { bytes: bytes.to_vec(), sender, _share: share })
}

async fn attend_all(mut work: Work, entrance: Entrance, socket: Arc<UdpSocket>) {
    while let Some(parcel) = work.next() {
        attend(&work.reception, entrance, &socket, work.way.address, &parcel.bytes).await;
        if !work.done() {
            break;
        }
    }
}

async fn attend(
    reception: &Arc<Reception>,
    entrance: Entrance,
    socket: &Arc<UdpSocket>,
    address: SocketAddr,
    bytes: &[u8],
) {
    let read = Instant::now();
    let protocol = match entrance {
        Entrance::Of(protocol) => protocol,
        Entrance::Any => match detection::detect_datagram(reception, bytes).await {
            Ok(protocol) => protocol,
            Err(ended) => return moments::datagram_dropped(ended.label()),
        },
    };
    moments::datagram(protocol.name());
    if bytes.len() > protocol.max_frame() {
        return moments::datagram_dropped("too_long");
    }
    let mut connection = Connection::new(protocol, Transport::Udp);
    connection.receive_frame(bytes);
    let mut visit = Visit { reception, protocol, guest: None };
    let ip = address.ip().to_canonical();
    let turn = turn(reception, protocol, ip, &mut connection, &mut visit).await;
    let Some(mut guest) = visit.guest else {
        let reason = turn.end.as_ref().map_or("stranger", |ended| ended.label());
        return moments::datagram_dropped(reason);
    };
    if let Some(ended) = &turn.end {
        moments::datagram_dropped(ended.label());
    }
    reception.visitors.came_from(guest.registered.source, address);
    guest.contact(reception, turn.records.is_empty());
    let Turn { records, at_once, when_durable, .. } = turn;
    // Whoever writes another's address on a datagram does not make this server shout at it.
    let fits = at_once.len() + when_durable.len() <= bytes.len().max(SHORT_REPLY);
    if !fits {
        moments::datagram_dropped("reply_too_long");
    }
    if fits {
        send(socket, address, &at_once).await;
    }
    if !records.is_empty() {
        moments::received(protocol.name(), records.len());
        if let Err(error) = reception.journal.append(records).await {
            return moments::not_durable(&error);
        }
    }
    if fits && !when_durable.is_empty() {
        send(socket, address, &when_durable).await;
        moments::acknowledged(read.elapsed());
    }
    let socket = Arc::clone(socket);
    guest.place.origin = Some(Origin { protocol, connection, socket, address });
    guest.place.deliver().await;
}

async fn send(socket: &UdpSocket, address: SocketAddr, bytes: &[u8]) {
    if !bytes.is_empty()
        && let Err(error) = socket.send_to(bytes, address).await
    {
        moments::not_sent(&error);
    }
}

/// One datagram and its device.
struct Visit<'a> {
    reception: &'a Arc<Reception>,
    protocol: &'static dyn Protocol,
    guest: Option<Guest>,
}

struct Guest {
    slot: DeviceSlot,
    registered: Registered,
    place: OwnedMutexGuard<Place>,
}

impl Guest {
    fn contact(&self, reception: &Reception, silent: bool) {
        let kind = match self.place.origin {
            None => ContactKind::Login(Transport::Udp),
            Some(_) if silent => ContactKind::Heartbeat,
            // A record is a sign of life itself.
            Some(_) => return,
        };
        let received = reception.clock.now();
        reception.contacts.note(Contact { source: self.registered.source, received, kind });
    }
}

impl Guests for Visit<'_> {
    async fn admit(&mut self, slot: DeviceSlot, device_id: &DeviceId) -> Result<Registered, Denied> {
        if self.guest.is_some() {
            return Err(ONE_DEVICE);
        }
        let visitors = &self.reception.visitors;
        let (registered, mut place) = loop {
            let changes = self.reception.changes();
            let visitor: Arc<Visitor> = visitors.admit(self.reception, device_id, self.protocol).await?;
            let place = Arc::clone(&visitor.turn).lock_owned().await;
            // Whoever came before may have taken so long that this admission is not true any longer.
            if visitors.stands(&visitor) || self.reception.changes() == changes {
                break (visitor.registered.clone(), place);
            }
        };
        if place.origin.is_none() {
            place.errands.met(slot, registered.source);
        }
        self.guest = Some(Guest { slot, registered: registered.clone(), place });
        Ok(registered)
    }

    fn device(&self, slot: DeviceSlot) -> Option<Registered> {
        self.guest.as_ref().filter(|guest| guest.slot == slot).map(|guest| guest.registered.clone())
    }

    fn heard(&mut self, slot: DeviceSlot) {
        if let Some(guest) = &mut self.guest {
            guest.place.errands.heard(slot);
        }
    }

    async fn answered(
        &mut self,
        source: SourceId,
        command: Option<CommandId>,
        outcome: Outcome,
        text: &str,
    ) -> Option<CommandId> {
        let guest = self.guest.as_mut()?;
        guest.place.errands.answered(source, command, outcome, text).await
    }
}
