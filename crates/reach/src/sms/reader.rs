//! Reads what devices wrote: where one says where it is, its position goes into the journal. What a message turned out to
//! be is noted behind that, so a message whose reader ended in between is read again; the journal's readers keep a position
//! that comes twice once.

use super::position::{Place, place, time_of};
use crate::location_response::location_response;
use domain::{Clock, Derived, ModelCode, Record};
use std::{error::Error, sync::Arc, time::Duration};
use store::{
    catalog::{Catalog, CatalogError, SmsReading, UnreadSms},
    journal::{Journal, JournalError},
    signals::{Heard, Signal, Signals, Subscription},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// Messages that are read at once.
const AT_ONCE: u32 = 100;
/// When the catalog or the journal fails.
const PAUSE: Duration = Duration::from_secs(5);
/// Parts that wait for others are looked at that often, and whatever no signal told of.
const LOOK: Duration = Duration::from_secs(60);
/// What came in is kept so long.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
const PURGE_EVERY: Duration = Duration::from_secs(24 * 3600);

pub struct Parts {
    pub catalog: Catalog,
    pub journal: Arc<dyn Journal>,
    pub signals: Signals,
    pub clock: Arc<dyn Clock>,
    /// A position may be so old.
    pub retention: Duration,
}

/// The task that reads.
pub struct Reader {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Reader {
    /// Reads what came in, and what will, until it is stopped.
    pub fn start(parts: Parts) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(parts, stop.clone()));
        Self { stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        _ = self.task.await;
    }
}

async fn run(parts: Parts, stop: CancellationToken) {
    let mut signals = parts.signals.subscribe();
    let mut purge = Instant::now();
    while !stop.is_cancelled() {
        let pause = match read_all(&parts, &mut purge).await {
            Ok(()) => LOOK,
            Err(error) => {
                let error: &dyn Error = &error;
                tracing::warn!(error, "short messages that came in cannot be read");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(pause) => {}
            () = woken(&mut signals), if pause == LOOK => {}
        }
    }
}

async fn woken(signals: &mut Subscription) {
    while !matches!(signals.next().await, Heard::Signal(Signal::SmsCame) | Heard::Lost) {}
}

async fn read_all(parts: &Parts, purge: &mut Instant) -> Result<(), NotRead> {
    let now = parts.clock.now();
    parts.catalog.receive_incomplete_sms(now).await?;
    if Instant::now() >= *purge {
        parts.catalog.purge_received_sms(now.minus(KEPT)).await?;
        *purge = Instant::now() + PURGE_EVERY;
    }
    loop {
        let unread = parts.catalog.unread_sms(AT_ONCE).await?;
        if unread.is_empty() {
            return Ok(());
        }
        let positions: Vec<_> = unread.iter().map(|sms| position(sms, parts.retention)).collect();
        let records: Vec<_> = positions.iter().flatten().cloned().map(Record::Derived).collect();
        if !records.is_empty() {
            parts.journal.append(records).await?;
        }
        for (sms, position) in unread.iter().zip(&positions) {
            let told = position.as_ref().map(|Derived { source, time, fix, .. }| {
                location_response(*source, *time, fix, format!("sms {}", sms.id.0))
            });
            if parts.catalog.note_sms_reading(sms, told.as_ref()).await? {
                parts.signals.publish(Signal::EventHappened(sms.source));
            }
            let reading = if told.is_some() { SmsReading::Position } else { SmsReading::Text };
            metrics::counter!("outrider_sms_read_total", "reading" => reading.as_str()).increment(1);
            tracing::info!(source.id = sms.source.0, reading = reading.as_str(), "a short message was read");
        }
    }
}

/// Where the device was when it wrote; `None` when it does not say so, or nothing is taken from it.
fn position(sms: &UnreadSms, retention: Duration) -> Option<Derived> {
    let model = ModelCode::find(&sms.model)?;
    let Place::At { fix, time } = place(&sms.text, model, sms.device_id.as_ref())? else { return None };
    let time = time_of(time, sms.received, retention)?;
    let taken = !sms.blocked && time >= sms.accepts_from;
    taken.then_some(Derived { source: sms.source, received: sms.received, time, completes: None, fix })
}
