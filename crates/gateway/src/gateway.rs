//! The gateway as a whole: binds, accepts, stops.

use crate::{
    GatewayConfig, RefusedDevice, Roster, detection, line::Line, moments, reception::Reception,
    session::Session,
};
use domain::Clock;
use protocols::Protocol;
use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};
use store::{
    journal::Journal,
    signals::{Heard, Signal, Signals, Subscription},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};

/// Connections that the system holds until they are accepted: a whole fleet may call back at once after a restart.
const BACKLOG: u32 = 4096;
/// After a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running gateway. Dropping it closes everything at once; `stop` does so in order.
pub struct Gateway {
    reception: Arc<Reception>,
    bound: Bound,
    /// One for each listener, which ends after its connections.
    listeners: JoinSet<()>,
    /// What goes on until the end.
    background: JoinSet<()>,
}

/// Where the gateway listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    pub any: Option<SocketAddr>,
    /// By protocol.
    pub tcp: BTreeMap<&'static str, SocketAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("[devices.ports] {0}: there is no such protocol")]
    UnknownProtocol(String),
    #[error("cannot listen on {address} for {listener}")]
    Bind { listener: &'static str, address: SocketAddr, source: io::Error },
}

#[derive(Clone, Copy)]
enum Entrance {
    Any,
    Of(&'static dyn Protocol),
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
        signals: &Signals,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let listeners = bind(&config)?;
        let mut bound = Bound::default();
        for (entrance, _, address) in &listeners {
            match entrance {
                Entrance::Any => bound.any = Some(*address),
                Entrance::Of(protocol) => _ = bound.tcp.insert(protocol.name(), *address),
            }
        }
        let reception = Arc::new(Reception::new(&config, journal, roster, clock));
        let accepting = listeners
            .into_iter()
            .map(|(entrance, listener, _)| accept(listener, entrance, Arc::clone(&reception)));
        let listeners = accepting.collect();
        let mut background = JoinSet::new();
        background.spawn(watch(signals.subscribe(), Arc::clone(&reception)));
        background.spawn({
            let reception = Arc::clone(&reception);
            async move { reception.contacts.run().await }
        });
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

type Listener = (Entrance, TcpListener, SocketAddr);

fn bind(config: &GatewayConfig) -> Result<Vec<Listener>, StartError> {
    let known = |name: &String| config.protocols.iter().any(|protocol| protocol.name() == name);
    if let Some(unknown) = config.ports.keys().find(|name| !known(name)) {
        return Err(StartError::UnknownProtocol(unknown.clone()));
    }
    let any = config.any.map(|port| (Entrance::Any, "any", port));
    let named = detection::candidates(config.protocols).into_iter().filter_map(|protocol| {
        let port = config.ports.get(protocol.name()).copied().unwrap_or(Some(protocol.default_port()));
        port.map(|port| (Entrance::Of(protocol), protocol.name(), port))
    });
    any.into_iter()
        .chain(named)
        .map(|(entrance, listener, port)| {
            let address = SocketAddr::new(config.bind, port);
            let bound = listen(address).and_then(|bound| Ok((bound.local_addr()?, bound)));
            let (address, bound) = bound.map_err(|source| StartError::Bind { listener, address, source })?;
            Ok((entrance, bound, address))
        })
        .collect()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart may not wait for connections of the past.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, entrance: Entrance, reception: Arc<Reception>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = reception.stopping.cancelled() => break,
            Some(ended) = sessions.join_next() => observe(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => receive(stream, peer, entrance, &reception, &mut sessions),
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

/// Closes sessions whose admission is not true any longer.
async fn watch(mut signals: Subscription, reception: Arc<Reception>) {
    loop {
        match signals.next().await {
            Heard::Signal(Signal::SourceChanged(source)) => reception.source_changed(source).await,
            Heard::Signal(_) => {}
            Heard::Lost => reception.anything_changed().await,
        }
    }
}

/// A task is the boundary of a session's faults.
fn observe(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        moments::panicked();
    }
}

fn receive(
    stream: TcpStream,
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
    let line = Line::new(
        stream,
        peer.ip().to_canonical(),
        reception.limits.reply_timeout,
        reception.budget.share(),
        seat,
    );
    let login_by = Instant::now() + reception.limits.login_timeout;
    sessions.spawn(attend(Arc::clone(reception), entrance, line, login_by));
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
