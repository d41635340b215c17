//! The gateway as a whole: binds, accepts, stops.

use crate::{
    CommandQueue, GatewayConfig, Refusals, RefusedDevice, Rest, Roster, Swept, Tls, datagrams,
    detection::{self, STREAMS},
    ending::Ended,
    line::{Line, Stream},
    moments,
    reception::Reception,
    session::Session,
    visitors::Visitor,
};
use domain::{Clock, SourceId, Transport};
use protocols::Protocol;
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Weak},
    time::Duration,
};
use store::{
    journal::Journal,
    signals::{Heard, Signal, Signals, Subscription},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, UdpSocket},
    task::{JoinError, JoinSet},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Connections that the system holds until they are accepted: a whole fleet may call back at once after a restart.
const BACKLOG: u32 = 4096;
/// After a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What has expired is never sent; this only makes it last no longer in the lists of those that wait.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// A running gateway. Dropping it closes everything at once; `stop` does so in order.
pub struct Gateway {
    reception: Arc<Reception>,
    bound: Bound,
    /// One for each listener, which ends after its connections.
    listeners: JoinSet<()>,
    /// What goes on until the end.
    background: JoinSet<()>,
}

/// Which devices are here, now and later; none after the gateway has stopped.
pub struct Presence(Weak<Reception>);

impl Presence {
    /// Whether the device has been let in: it has a session, or sent a datagram lately. That is so before it is answered.
    pub fn is_here(&self, source: SourceId) -> bool {
        self.0.upgrade().is_some_and(|reception| {
            reception.sessions.of(source).is_some() || reception.visitors.of(source).is_some()
        })
    }
}

/// Where the gateway listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// For connections, and for datagrams when a protocol has them.
    pub any: Option<SocketAddr>,
    /// By protocol; for HTTP too.
    pub tcp: BTreeMap<&'static str, SocketAddr>,
    pub udp: BTreeMap<&'static str, SocketAddr>,
    /// Within TLS, by protocol or `any`.
    pub tls: BTreeMap<&'static str, SocketAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("[devices.{0}] {1}: there is no such protocol")]
    UnknownProtocol(&'static str, String),
    #[error("[devices.tls] {0}: the protocol has datagrams only")]
    NoStream(&'static str),
    #[error("cannot listen on {address} for {listener}")]
    Bind { listener: &'static str, address: SocketAddr, source: io::Error },
}

#[derive(Clone, Copy)]
pub(crate) enum Entrance {
    Any,
    Of(&'static dyn Protocol),
}

impl Entrance {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Of(protocol) => protocol.name(),
        }
    }
}

impl Gateway {
    /// Binds every listener, then accepts. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When the configuration names a protocol that does not exist, or an address cannot be bound.
    pub fn start(
        config: GatewayConfig,
        journal: Arc<dyn Journal>,
        roster: Arc<dyn Roster>,
        commands: Arc<dyn CommandQueue>,
        signals: &Signals,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let sockets = bind(&config)?;
        let mut bound = Bound::default();
        for socket in &sockets {
            match (socket.entrance, &socket.kind) {
                (entrance, Kind::Stream(_, Some(_))) => _ = bound.tls.insert(entrance.name(), socket.address),
                (Entrance::Any, _) => bound.any = Some(socket.address),
                (Entrance::Of(protocol), Kind::Stream(..)) => {
                    _ = bound.tcp.insert(protocol.name(), socket.address)
                }
                (Entrance::Of(protocol), Kind::Datagram(_)) => {
                    _ = bound.udp.insert(protocol.name(), socket.address)
                }
            }
        }
        let reception = Arc::new(Reception::new(&config, journal, roster, commands, signals.clone(), clock));
        let mut listeners = JoinSet::new();
        for Socket { entrance, kind, address } in sockets {
            let reception = Arc::clone(&reception);
            match kind {
                Kind::Stream(listener, tls) => listeners.spawn(accept(listener, tls, entrance, reception)),
                Kind::Datagram(socket) => {
                    listeners.spawn(datagrams::receive(socket, address, entrance, reception))
                }
            };
        }
        let mut background = JoinSet::new();
        background.spawn(watch(signals.subscribe(), Arc::clone(&reception)));
        background.spawn({
            let reception = Arc::clone(&reception);
            async move { reception.contacts.run().await }
        });
        background.spawn({
            let reception = Arc::clone(&reception);
            async move {
                loop {
                    sleep(reception.limits.datagram_reach).await;
                    reception.visitors.forget_silent();
                }
            }
        });
        background.spawn(sweep(Arc::clone(&reception)));
        Ok(Self { reception, bound, listeners, background })
    }

    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Open connections.
    pub fn sessions(&self) -> usize {
        self.reception.seats.taken()
    }

    /// The devices that were turned away, newest first.
    pub fn refused(&self) -> Vec<RefusedDevice> {
        self.reception.refused.newest_first()
    }

    /// As `refused`, for whoever asks later and elsewhere.
    pub fn refusals(&self) -> Refusals {
        Refusals(Arc::clone(&self.reception.refused))
    }

    /// Who is here, for whoever asks later and elsewhere.
    pub fn presence(&self) -> Presence {
        Presence(Arc::downgrade(&self.reception))
    }

    /// Stops accepting and reading; what was read becomes durable and is acknowledged; then all connections close.
    /// Those that are not done `within` that time are cut.
    pub async fn stop(mut self, within: Duration) {
        self.reception.stopping.cancel();
        let all_ended = async { while self.listeners.join_next().await.is_some() {} };
        if timeout(within, all_ended).await.is_err() {
            tracing::warn!(
                sessions = self.sessions(),
                "connections cut: their last records are not durable yet"
            );
            self.listeners.shutdown().await;
        }
        self.background.shutdown().await;
        self.reception.contacts.flush();
    }
}

impl Drop for Gateway {
    /// The reception remembers the visitors, and their errands know the reception: it would stay, and they would be here.
    fn drop(&mut self) {
        self.reception.stopping.cancel();
        self.reception.visitors.forget_all();
    }
}

struct Socket {
    entrance: Entrance,
    kind: Kind,
    address: SocketAddr,
}

enum Kind {
    /// Within TLS if there is something to accept it with.
    Stream(TcpListener, Option<TlsAcceptor>),
    Datagram(UdpSocket),
}

/// What binds one port number.
struct Plan {
    entrance: Entrance,
    name: &'static str,
    port: u16,
    streams: Wanted,
    datagrams: Wanted,
    tls: Option<TlsAcceptor>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Yes,
    No,
}

fn bind(config: &GatewayConfig) -> Result<Vec<Socket>, StartError> {
    let protocol = |section, name: &String| {
        let found = config.protocols.iter().copied().find(|protocol| protocol.name() == name);
        found.ok_or_else(|| StartError::UnknownProtocol(section, name.clone()))
    };
    for name in config.ports.keys() {
        protocol("ports", name)?;
    }
    let wanted = |protocols: &[&dyn Protocol], transports: &[Transport]| {
        let speaks =
            |protocol: &&dyn Protocol| protocol.transports().iter().any(|it| transports.contains(it));
        if protocols.iter().any(speaks) { Wanted::Yes } else { Wanted::No }
    };
    let plan = |entrance, name, port, protocols: &[&dyn Protocol]| {
        let (streams, datagrams) = (wanted(protocols, STREAMS), wanted(protocols, &[Transport::Udp]));
        Plan { entrance, name, port, streams, datagrams, tls: None }
    };
    let any = config.any.map(|port| plan(Entrance::Any, "any", port, config.protocols));
    let named = config.protocols.iter().filter_map(|protocol| {
        let port = config.ports.get(protocol.name()).copied().unwrap_or(Some(protocol.default_port()));
        port.map(|port| plan(Entrance::Of(*protocol), protocol.name(), port, &[*protocol]))
    });
    let mut secure = Vec::new();
    if let Some(Tls { acceptor, any, ports }) = &config.tls {
        let mut add =
            |plan: Plan| secure.push(Plan { datagrams: Wanted::No, tls: Some(acceptor.clone()), ..plan });
        if let Some(port) = any {
            add(plan(Entrance::Any, "any", *port, config.protocols));
        }
        for (name, port) in ports {
            let protocol = protocol("tls", name)?;
            let plan = plan(Entrance::Of(protocol), protocol.name(), *port, &[protocol]);
            if plan.streams == Wanted::No {
                return Err(StartError::NoStream(plan.name));
            }
            add(plan);
        }
    }
    let mut sockets = Vec::new();
    for plan in any.into_iter().chain(named).chain(secure) {
        sockets.extend(plan.bind(config.bind)?);
    }
    Ok(sockets)
}

/// So often a free number is looked for that connections and datagrams can both have.
const TRIES: usize = 16;

impl Plan {
    fn bind(&self, ip: IpAddr) -> Result<Vec<Socket>, StartError> {
        let mut tries = if self.port == 0 { TRIES } else { 1 };
        loop {
            tries -= 1;
            match self.try_bind(ip) {
                Err(StartError::Bind { source, .. })
                    if tries > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
                done => return done,
            }
        }
    }

    fn try_bind(&self, ip: IpAddr) -> Result<Vec<Socket>, StartError> {
        let (entrance, listener) = (self.entrance, self.name);
        let mut address = SocketAddr::new(ip, self.port);
        let mut sockets = Vec::new();
        if self.streams == Wanted::Yes {
            let bound = listen(address).and_then(|bound| Ok((bound.local_addr()?, bound)));
            let (at, bound) = bound.map_err(|source| StartError::Bind { listener, address, source })?;
            sockets.push(Socket { entrance, kind: Kind::Stream(bound, self.tls.clone()), address: at });
            address = at;
        }
        if self.datagrams == Wanted::Yes {
            let bound = datagram_socket(address).and_then(|bound| Ok((bound.local_addr()?, bound)));
            let (at, bound) = bound.map_err(|source| StartError::Bind { listener, address, source })?;
            sockets.push(Socket { entrance, kind: Kind::Datagram(bound), address: at });
        }
        Ok(sockets)
    }
}

fn datagram_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart may not wait for connections of the past.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    entrance: Entrance,
    reception: Arc<Reception>,
) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = reception.stopping.cancelled() => break,
            Some(ended) = sessions.join_next() => observe(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => receive(stream, tls.clone(), peer, entrance, &reception, &mut sessions),
                Err(error) => {
                    moments::not_accepted(&error);
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while let Some(ended) = sessions.join_next().await {
        observe(ended);
    }
}

/// Closes sessions whose admission is not true any longer, and wakes those for which a command waits.
async fn watch(mut signals: Subscription, reception: Arc<Reception>) {
    let mut deliveries = JoinSet::new();
    loop {
        while deliveries.try_join_next().is_some() {}
        let mut deliver =
            |visitor: Arc<Visitor>| _ = deliveries.spawn(async move { visitor.deliver().await });
        match signals.next().await {
            Heard::Signal(Signal::SourceChanged(source)) => reception.source_changed(source).await,
            Heard::Signal(Signal::CommandWaits(source)) => {
                reception.wake(source).into_iter().for_each(&mut deliver);
            }
            Heard::Signal(_) => {}
            Heard::Lost => {
                reception.anything_changed().await;
                reception.wake_all().into_iter().for_each(&mut deliver);
            }
        }
    }
}

/// Writes down which commands have expired, and forgets those that were over, and what happened, before everything else of
/// that time is forgotten. A thousand at a time, so that others are not kept waiting.
async fn sweep(reception: Arc<Reception>) {
    loop {
        sleep(SWEEP_INTERVAL).await;
        loop {
            let now = reception.clock.now();
            match reception.commands.sweep(now, now.minus(reception.retention)).await {
                Ok(Swept { sources, rest }) => {
                    sources.into_iter().for_each(|source| reception.event_happened(source));
                    if rest == Rest::None {
                        break;
                    }
                }
                Err(error) => {
                    moments::queue_failed(&error);
                    break;
                }
            }
        }
    }
}

/// A task is the boundary of a session's faults.
pub(crate) fn observe(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        moments::panicked();
    }
}

fn receive(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    peer: SocketAddr,
    entrance: Entrance,
    reception: &Arc<Reception>,
    sessions: &mut JoinSet<()>,
) {
    let seat = match reception.seats.take(peer.ip()) {
        Ok(seat) => seat,
        Err(reason) => return moments::refused(reason),
    };
    // Replies are small and waited for. A socket that cannot do this is broken, which its first read will say.
    let _ = stream.set_nodelay(true);
    let login_by = Instant::now() + reception.limits.login_timeout;
    let reception = Arc::clone(reception);
    sessions.spawn(async move {
        let stream = match tls {
            None => Stream::Left(stream),
            Some(tls) => match shake_hands(&reception, stream, &tls, login_by).await {
                Ok(stream) => Stream::Right(Box::new(stream)),
                Err(ended) => return moments::ended(&ended, entrance.name(), None),
            },
        };
        let (address, share) = (peer.ip().to_canonical(), reception.budget.share());
        let line = Line::new(stream, address, reception.limits.reply_timeout, share, seat);
        attend(reception, entrance, line, login_by).await;
    });
}

async fn shake_hands(
    reception: &Reception,
    stream: TcpStream,
    tls: &TlsAcceptor,
    by: Instant,
) -> Result<TlsStream<TcpStream>, Ended> {
    tokio::select! {
        biased;
        () = reception.stopping.cancelled() => Err(Ended::Stopping),
        done = timeout_at(by, tls.accept(stream)) => match done {
            Ok(done) => done.map_err(Ended::Handshake),
            Err(_) => Err(Ended::LoginTimeout),
        },
    }
}

async fn attend(reception: Arc<Reception>, entrance: Entrance, mut line: Line, login_by: Instant) {
    let (protocol, start) = match entrance {
        Entrance::Of(protocol) => (protocol, Vec::new()),
        Entrance::Any => match detection::detect(&reception, &mut line, login_by).await {
            Ok(detected) => detected,
            Err(ended) => return moments::ended(&ended, "any", None),
        },
    };
    Session::new(reception, protocol, line, login_by).run(start).await;
}
