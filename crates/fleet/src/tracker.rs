//! Queries about trackers: which the caller sees, and in what state they are.

use crate::{Failure, Fleet, UserCaller, directory::Tables};
use domain::{ErrorCode, LatestFix, ModelCode, SourceId, State, Timestamp, TrackerId};
use std::{sync::Arc, time::Duration};
use store::catalog::{Source, TagBinding, Tracker};
use telemetry::{StateView, last_gps_point};

/// A tracker and the source it stands on.
#[derive(Clone, Debug)]
pub struct TrackerView {
    pub tracker: Arc<Tracker>,
    pub source: Arc<Source>,
    /// What it carries, by ordinal.
    pub tags: Vec<TagBinding>,
}

/// What a caller learns about the state of a tracker.
pub enum StateOf {
    Known(Box<StateView>),
    Blocked,
    /// It was the caller's, until its registration was undone.
    Corrupted,
    /// Unknown, or not the caller's.
    Missing,
}

/// How long a caller waits for live state or history that lags, as they do right after a start.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

impl Fleet {
    /// Lets live state catch up with the journal, so that whatever was acknowledged to a device before the call shows
    /// in the answer. For queries of states, before them.
    pub async fn catch_up(&self) {
        // Late or ended: the states are answered as they are, and readiness tells why.
        let _ = tokio::time::timeout(PATIENCE, self.live.caught_up()).await;
    }

    /// # Errors
    /// `NotFound`, also for a tracker that the caller does not see.
    pub fn tracker(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.visible(&self.directory.read(), caller, id);
        view.ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// All that the caller sees, by ascending id.
    pub fn trackers(&self, caller: &UserCaller) -> Vec<TrackerView> {
        let tables = self.directory.read();
        let visible = tables.trackers(caller.account()).filter(|tracker| tables.sees(caller, tracker.id));
        visible.filter_map(|tracker| with_source(&tables, tracker)).collect()
    }

    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub fn state(&self, caller: &UserCaller, id: TrackerId, now: Timestamp) -> Result<StateView, Failure> {
        match self.state_of(caller, id, now) {
            StateOf::Known(view) => Ok(*view),
            StateOf::Blocked => Err(ErrorCode::DeviceBlocked.into()),
            StateOf::Missing | StateOf::Corrupted => Err(ErrorCode::NotFound.into()),
        }
    }

    pub fn state_of(&self, caller: &UserCaller, id: TrackerId, now: Timestamp) -> StateOf {
        match self.tracker(caller, id) {
            Err(_) if self.was_corrupted(caller, id) => StateOf::Corrupted,
            Err(_) => StateOf::Missing,
            Ok(view) if view.source.blocked => StateOf::Blocked,
            Ok(view) => {
                let Some(model) = ModelCode::find(&view.source.model) else { return StateOf::Missing };
                StateOf::Known(Box::new(self.view(view.source.id, model, now)))
            }
        }
    }

    pub(crate) fn view(&self, source: SourceId, model: ModelCode, now: Timestamp) -> StateView {
        let settings = self.live.settings(source);
        let of = |state: &State| StateView::of(source, state, model.model(), now, &settings);
        self.live.with_state(source, of).unwrap_or_else(|| of(&State::default()))
    }

    /// The last point of the receiver; `None` before there was one.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub fn last_gps_point(&self, caller: &UserCaller, id: TrackerId) -> Result<Option<LatestFix>, Failure> {
        let view = self.tracker(caller, id)?;
        if view.source.blocked {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        Ok(self.live.with_state(view.source.id, |state| last_gps_point(state).copied()).flatten())
    }

    pub(crate) fn visible(&self, tables: &Tables, caller: &UserCaller, id: TrackerId) -> Option<TrackerView> {
        let tracker = tables.tracker(caller.account(), id).filter(|_| tables.sees(caller, id))?;
        with_source(tables, tracker)
    }
}

pub(crate) fn with_source(tables: &Tables, tracker: &Arc<Tracker>) -> Option<TrackerView> {
    let source = tables.source(tracker.source)?;
    let tags = tables.tags(tracker.id).to_vec();
    Some(TrackerView { tracker: Arc::clone(tracker), source: Arc::clone(source), tags })
}
