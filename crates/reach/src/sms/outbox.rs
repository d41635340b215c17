//! Sends what waits in the catalog's outbox: a bounded number at once, not faster than the operator allows, again with
//! growing pauses when the gateway failed, and never after a message has expired.

use super::{Gateway, Said};
use domain::{Clock, Timestamp};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use store::{
    catalog::{Catalog, CatalogError, SmsStep, StoredSms},
    signals::{Heard, Signal, Signals},
};
use tokio::{
    sync::Mutex,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// A message whose sender says nothing more is due again after this.
const LEASE: Duration = Duration::from_secs(300);
/// After so many attempts a message has failed.
const ATTEMPTS: u32 = 5;
/// The pause after the first attempt; each further one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// When the gateway takes nothing for the moment.
const LATER: Duration = Duration::from_secs(10);
/// When the catalog fails.
const CATALOG_PAUSE: Duration = Duration::from_secs(5);
/// The outbox is looked at that often even when nothing wakes it.
const LOOK: Duration = Duration::from_secs(60);
/// Messages that are over, and those that came in, are kept so long.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
const PURGE_EVERY: Duration = Duration::from_secs(24 * 3600);
/// What a stop waits for messages that are on their way.
const STOP: Duration = Duration::from_secs(3);

pub struct Parts {
    pub catalog: Catalog,
    pub signals: Signals,
    pub clock: Arc<dyn Clock>,
    pub gateway: Arc<dyn Gateway>,
    /// Messages that are with the gateway at once.
    pub in_flight: usize,
}

/// The task that sends.
pub struct Outbox {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Lets pass no more than so many each second.
#[derive(Debug)]
pub struct Pacing {
    every: Duration,
    next: Mutex<Instant>,
}

impl Pacing {
    pub fn new(per_second: NonZeroU32) -> Self {
        Self { every: Duration::from_secs(1) / per_second.get(), next: Mutex::new(Instant::now()) }
    }

    /// Waits for the caller's turn.
    pub async fn turn(&self) {
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + self.every;
            turn
        };
        sleep_until(turn).await;
    }
}

impl Outbox {
    /// Sends what waits, and what will, until it is stopped.
    pub fn start(parts: Parts) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Arc::new(parts), stop.clone()));
        Self { stop, task }
    }

    /// Messages that are on their way may arrive; what does not is sent again after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        _ = self.task.await;
    }
}

async fn run(parts: Arc<Parts>, stop: CancellationToken) {
    let mut signals = parts.signals.subscribe();
    let mut sending = JoinSet::new();
    let mut purge = Instant::now();
    loop {
        if Instant::now() >= purge {
            purge = Instant::now() + PURGE_EVERY;
            note(parts.catalog.purge_sms(parts.clock.now().minus(KEPT)).await);
        }
        let pause = match send_due(&parts, &mut sending).await {
            Ok(pause) => pause,
            Err(error) => {
                note(Err(error));
                CATALOG_PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(pause) => {}
            // What has ended makes room.
            Some(_) = sending.join_next() => {}
            () = woken(&mut signals) => {}
        }
    }
    _ = timeout(STOP, async { while sending.join_next().await.is_some() {} }).await;
}

async fn woken(signals: &mut store::signals::Subscription) {
    while !matches!(signals.next().await, Heard::Signal(Signal::SmsWaits) | Heard::Lost) {}
}

/// Begins to send what is due, and answers how long there is nothing else to do.
async fn send_due(parts: &Arc<Parts>, sending: &mut JoinSet<()>) -> Result<Duration, CatalogError> {
    let room = parts.in_flight.saturating_sub(sending.len());
    if room == 0 {
        return Ok(LOOK);
    }
    let now = parts.clock.now();
    for sms in parts.catalog.take_sms(now, room, LEASE).await? {
        let parts = Arc::clone(parts);
        sending.spawn(async move { note(send(&parts, &sms).await) });
    }
    let until = |next: Timestamp| next.since(parts.clock.now());
    Ok(parts.catalog.next_sms().await?.map_or(LOOK, until).min(LOOK))
}

async fn send(parts: &Parts, sms: &StoredSms) -> Result<(), CatalogError> {
    let said = parts.gateway.send(sms.id, &sms.phone, &sms.text).await;
    let now = parts.clock.now();
    let step = match said {
        Said::Accepted { reference } => SmsStep::Sent { reference },
        Said::Refused(reason) => SmsStep::Fail { reason },
        Said::Failed(reason) if sms.attempts >= ATTEMPTS => SmsStep::Fail { reason },
        Said::Failed(reason) => {
            let pause = FIRST_PAUSE * 4_u32.pow(sms.attempts.saturating_sub(1));
            SmsStep::Retry { due: now.plus(pause), reason }
        }
        Said::Later(reason) => SmsStep::Postpone { due: now.plus(LATER), reason },
    };
    parts.catalog.step_sms(sms.id, &step, now).await?;
    let (outcome, reason) = match &step {
        SmsStep::Sent { .. } => ("sent", ""),
        SmsStep::Retry { reason, .. } => ("retry", &**reason),
        SmsStep::Postpone { reason, .. } => ("postponed", &**reason),
        SmsStep::Fail { reason } => ("failed", &**reason),
    };
    metrics::counter!("outrider_sms_total", "outcome" => outcome).increment(1);
    let source = sms.source.map(|source| source.0);
    tracing::info!(
        sms.id = sms.id.0,
        source.id = source,
        outcome,
        reason,
        "a short message was given to the gateway"
    );
    Ok(())
}

fn note(outcome: Result<(), CatalogError>) {
    if let Err(error) = outcome {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "the outbox of short messages cannot reach the catalog");
    }
}
