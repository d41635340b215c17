//! A device on the line: calls the server, says who it is, sends its records, keeps them until they are acknowledged,
//! and calls again when the connection breaks.

mod backoff;
mod counts;
mod habits;
mod outbox;

pub use counts::{Counts, Figures};
pub use habits::Habits;

use crate::{
    handset::Handset,
    imei::Imei,
    language::{Language, Nonsense, Said},
    seed::Seed,
    vehicle::{Network, Report},
};
use backoff::Backoff;
use domain::Clock;
use outbox::Outbox;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// How a device reaches the server.
pub trait Dial: Send + Sync + 'static {
    type Line: AsyncRead + AsyncWrite + Unpin + Send;

    /// # Errors
    /// When the server does not answer the call.
    fn dial(&self) -> impl Future<Output = io::Result<Self::Line>> + Send;
}

/// Over the network.
#[derive(Clone, Copy, Debug)]
pub struct Tcp(pub SocketAddr);

impl Dial for Tcp {
    type Line = TcpStream;

    async fn dial(&self) -> io::Result<TcpStream> {
        let line = TcpStream::connect(self.0).await?;
        line.set_nodelay(true)?;
        Ok(line)
    }
}

/// What all devices of a run have in common.
pub struct Surroundings<D> {
    pub dial: D,
    pub clock: Arc<dyn Clock>,
    pub habits: Habits,
    pub counts: Counts,
    pub stop: CancellationToken,
}

pub struct Client<D, R> {
    handset: Handset,
    surroundings: Arc<Surroundings<D>>,
    reports: R,
    /// The report that falls due next; `None` when there are no more.
    next: Option<Report>,
    outbox: Outbox,
    /// At the last record.
    network: Network,
    backoff: Backoff,
    chance: Seed,
}

/// The server has so long to answer a call, a login or a packet.
const PATIENCE: Duration = Duration::from_secs(30);
/// At the end of a run it has so long to answer the packet in flight.
const FAREWELL: Duration = Duration::from_secs(3);
/// A device that was turned away does not knock more often.
const REFUSED: Duration = Duration::from_secs(15);
/// A device that hangs up calls again after this.
const REDIAL: Duration = Duration::from_secs(1);

/// Why a call is over before all is said.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the device hangs up to call again")]
    HangsUp,
    #[error("the server knows no such device")]
    Refused,
    #[error("the server does not answer")]
    NoAnswer,
    #[error("the server closed the connection")]
    Closed,
    #[error(transparent)]
    Nonsense(#[from] Nonsense),
    #[error(transparent)]
    Broken(#[from] io::Error),
}

impl<D: Dial, R: Iterator<Item = Report> + Send> Client<D, R> {
    /// `reports` come in the order of time; those of the past are sent at once, packet after packet.
    pub fn new(
        imei: Imei,
        language: Language,
        mut reports: R,
        seed: u64,
        surroundings: Arc<Surroundings<D>>,
    ) -> Self {
        let chance = Seed::new(seed).named("client");
        Self {
            handset: Handset::new((language.speaker)(imei)),
            surroundings,
            next: reports.next(),
            reports,
            outbox: Outbox::default(),
            network: Network::Heard,
            backoff: Backoff::new(chance.named("back-off")),
            chance,
        }
    }

    /// The device as it is written to.
    pub fn handset(&self) -> Handset {
        self.handset.clone()
    }

    /// Runs until it is stopped, or until all of a finite number of reports is acknowledged.
    pub async fn run(mut self) {
        let surroundings = Arc::clone(&self.surroundings);
        let stopped = surroundings.stop.cancelled();
        tokio::pin!(stopped);
        loop {
            let greeting = self.handset.speaker().greeting();
            tokio::select! {
                () = &mut stopped => return,
                () = self.ready_to_call(&greeting) => {}
            }
            let Err(ended) = self.call(&greeting).await else { return };
            self.outbox.unanswered();
            let pause = match ended {
                Ended::HangsUp => REDIAL,
                Ended::Refused => {
                    surroundings.counts.refused();
                    self.backoff.next().max(REFUSED)
                }
                broken => {
                    tracing::debug!(error = %broken, "a call broke off");
                    surroundings.counts.broken();
                    self.backoff.next()
                }
            };
            tokio::select! {
                () = &mut stopped => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// One connection, from the call to its end. `Ok` when the run is over.
    async fn call(&mut self, greeting: &[u8]) -> Result<(), Ended> {
        let surroundings = Arc::clone(&self.surroundings);
        let mut heard = Vec::new();
        let greeting = timeout(PATIENCE, self.greet(greeting, &mut heard));
        let mut line = tokio::select! {
            () = surroundings.stop.cancelled() => return Ok(()),
            line = greeting => line.map_err(|_| Ended::NoAnswer)??,
        };
        let _online = surroundings.counts.online();
        let mut deadline = None;
        loop {
            let before = self.network;
            self.collect();
            if before == Network::Heard && self.may_not_send() && self.happens(surroundings.habits.cut_off) {
                return Err(Ended::HangsUp);
            }
            if !self.may_not_send() && self.send(&mut line).await? {
                deadline = Some(Instant::now() + PATIENCE);
            }
            if self.next.is_none() && self.outbox.is_empty() {
                return Ok(());
            }
            let mut bytes = [0; 256];
            tokio::select! {
                () = surroundings.stop.cancelled() => {
                    let farewell = timeout(FAREWELL, self.farewell(&mut line, &mut heard));
                    return farewell.await.unwrap_or(Ok(()));
                }
                read = line.read(&mut bytes) => {
                    let read = read?;
                    self.hear(&mut line, &mut heard, &bytes[..read]).await?;
                    if !self.outbox.is_in_flight() {
                        deadline = None;
                    }
                }
                () = self.next_due() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    return Err(Ended::NoAnswer);
                }
            }
        }
    }

    /// Calls and says who calls. What the server says beyond its answer is left in `heard`.
    async fn greet(&mut self, greeting: &[u8], heard: &mut Vec<u8>) -> Result<D::Line, Ended> {
        let mut line = self.surroundings.dial.dial().await?;
        if greeting.is_empty() {
            return Ok(line);
        }
        line.write_all(greeting).await?;
        loop {
            let next = self.handset.speaker().hear(heard)?;
            let Some((length, said)) = next else {
                if line.read_buf(heard).await? == 0 {
                    return Err(Ended::Closed);
                }
                continue;
            };
            heard.drain(..length);
            match said {
                Said::Admitted => return Ok(line),
                Said::Refused => return Err(Ended::Refused),
                Said::Asked(answer) | Said::Ordered(answer) => line.write_all(&answer).await?,
                Said::Taken(_) | Said::NotTaken | Said::Nothing => {}
            }
        }
    }

    /// Answers whether there was something to send.
    async fn send(&mut self, line: &mut D::Line) -> Result<bool, Ended> {
        let Some(packet) = self.outbox.packet(|waiting| self.handset.speaker().packet(waiting)) else {
            return Ok(false);
        };
        self.surroundings.counts.sent(packet.first, packet.again);
        let sent = timeout(PATIENCE, line.write_all(&packet.bytes)).await;
        sent.map_err(|_| Ended::NoAnswer)??;
        Ok(true)
    }

    /// Takes what the server says; nothing means that it hung up.
    async fn hear(&mut self, line: &mut D::Line, heard: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Err(Ended::Closed);
        }
        heard.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            let next = self.handset.speaker().hear(&heard[used..])?;
            let Some((length, said)) = next else { break };
            used += length;
            self.told(line, said).await?;
        }
        heard.drain(..used);
        if heard.is_empty() {
            // An idle device holds no memory for the next words.
            *heard = Vec::new();
        }
        Ok(())
    }

    async fn told(&mut self, line: &mut D::Line, said: Said) -> Result<(), Ended> {
        let habits = self.surroundings.habits;
        match said {
            Said::Taken(_) if self.happens(habits.deaf) => self.outbox.unanswered(),
            Said::Taken(taken) => {
                self.surroundings.counts.acknowledged(self.outbox.acknowledged(taken));
                self.backoff.reset();
            }
            Said::NotTaken => self.outbox.unanswered(),
            Said::Asked(answer) => return self.answer(line, &answer).await,
            Said::Ordered(answer) => {
                self.answer(line, &answer).await?;
                self.surroundings.counts.obeyed();
                return Ok(());
            }
            Said::Refused => return Err(Ended::Refused),
            Said::Admitted | Said::Nothing => return Ok(()),
        }
        if self.happens(habits.newest_first) {
            self.outbox.newest_first();
        }
        if self.happens(habits.hang_up) { Err(Ended::HangsUp) } else { Ok(()) }
    }

    async fn answer(&self, line: &mut D::Line, answer: &[u8]) -> Result<(), Ended> {
        let sent = timeout(PATIENCE, line.write_all(answer)).await;
        Ok(sent.map_err(|_| Ended::NoAnswer)??)
    }

    /// Waits for the answer to the packet in flight, so that a run ends with clean figures.
    async fn farewell(&mut self, line: &mut D::Line, heard: &mut Vec<u8>) -> Result<(), Ended> {
        let mut bytes = [0; 256];
        while self.outbox.is_in_flight() {
            let read = line.read(&mut bytes).await?;
            self.hear(line, heard, &bytes[..read]).await?;
        }
        line.shutdown().await?;
        Ok(())
    }

    /// Puts what has fallen due into the outbox, as long as there is room: the rest is made later.
    fn collect(&mut self) {
        let now = self.surroundings.clock.now();
        while !self.outbox.is_full()
            && let Some(report) = self.next.take_if(|next| next.reading.time <= now)
        {
            self.outbox.push(self.handset.speaker().record(&report.reading));
            self.network = report.network;
            self.next = self.reports.next();
        }
    }

    /// Waits until the next report falls due; for ever when there is none, or no room for it.
    async fn next_due(&self) {
        match &self.next {
            Some(next) if !self.outbox.is_full() => {
                sleep(next.reading.time.since(self.surroundings.clock.now())).await;
            }
            _ => std::future::pending().await,
        }
    }

    /// Waits for the network. Whose protocol has no greeting waits for a record too: a connection over which nobody
    /// speaks is closed.
    async fn ready_to_call(&mut self, greeting: &[u8]) {
        self.collect();
        while self.may_not_send() || greeting.is_empty() && self.outbox.is_empty() && self.next.is_some() {
            self.next_due().await;
            self.collect();
        }
    }

    /// Without network records wait, but not when they are too many or the last ones.
    fn may_not_send(&self) -> bool {
        self.network == Network::Silent && !self.outbox.is_full() && self.next.is_some()
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.chance = self.chance.of(1);
        self.chance.happens(probability)
    }
}
