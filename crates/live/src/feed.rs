//! The feed of changes: a bounded broadcast. Nobody who reads slowly holds anything up; they are told what they lost.

use domain::SourceId;
use telemetry::Change;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// What changed; the state itself is read from `Live`, where it may be newer already.
    Changed(SourceId, Change),
    /// So many changes were lost: whatever is shown has to be read again.
    Lost(u64),
}

/// A subscription to the changes of all sources.
pub struct Feed {
    changes: broadcast::Receiver<(SourceId, Change)>,
    stop: CancellationToken,
}

impl Feed {
    /// The next change; `None` when there will be no more. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<FeedEvent> {
        let received = tokio::select! {
            biased;
            received = self.changes.recv() => received,
            () = self.stop.cancelled() => return None,
        };
        match received {
            Ok((source, change)) => Some(FeedEvent::Changed(source, change)),
            Err(RecvError::Lagged(lost)) => Some(FeedEvent::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

pub(crate) struct Publisher(broadcast::Sender<(SourceId, Change)>);

impl Publisher {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity.max(1)))
    }

    pub(crate) fn publish(&self, source: SourceId, change: Change) {
        if !change.is_nothing() && self.0.receiver_count() > 0 {
            // It fails only when the last subscriber has just left.
            let _ = self.0.send((source, change));
        }
    }

    pub(crate) fn subscribe(&self, stop: CancellationToken) -> Feed {
        Feed { changes: self.0.subscribe(), stop }
    }
}
