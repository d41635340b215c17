//! The history of events: what happened to the trackers that a caller sees, where, and what of it the caller has read.

use crate::{Failure, Fleet, UserCaller};
use domain::{Coordinates, ErrorCode, EventId, LatestFix, Timestamp, TrackerId};
use std::{collections::BTreeSet, ops::Range, time::Duration};
use store::{
    catalog::{Direction, EventCount, EventFilter, EventPlace, ReadOrNot, StoredEvent},
    history::Order,
};

/// As many events are listed at once.
pub const LISTED_EVENTS: u32 = 1000;

/// A position that is older is the last one known, not that of the moment.
const CURRENT: Duration = Duration::from_secs(60);
/// So far back a position is looked for.
const LOOK_BACK: Duration = Duration::from_secs(24 * 3600);

/// An event, of which tracker, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct EventView {
    pub event: StoredEvent,
    /// Of the tracker.
    pub label: String,
    pub place: Option<Whereabouts>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whereabouts {
    pub coordinates: Coordinates,
    /// In metres.
    pub precision: Option<u32>,
    pub age: PlaceAge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceAge {
    Current,
    /// The last that was known when it happened.
    LastKnown,
}

impl Fleet {
    /// The first events that pass the filter, of all trackers that the caller sees or of some, and how many there are.
    ///
    /// # Errors
    /// `ListHasNonexistent` when one of the trackers is not the caller's, or blocked; `LimitTooBig`.
    pub async fn events(
        &self,
        caller: &UserCaller,
        trackers: Option<&[TrackerId]>,
        filter: &EventFilter,
        direction: Direction,
        limit: u32,
    ) -> Result<(Vec<EventView>, EventCount), Failure> {
        if limit > LISTED_EVENTS {
            return Err(ErrorCode::LimitTooBig.into());
        }
        let user = caller.user.id;
        let (events, count) = match trackers {
            None => self.catalog.events(user, filter, direction, limit).await?,
            Some(trackers) => {
                let trackers: BTreeSet<_> = trackers.iter().copied().collect();
                let trackers: Vec<_> = trackers.into_iter().collect();
                {
                    let tables = self.directory.read();
                    let seen = |id: &TrackerId| self.visible(&tables, caller, *id);
                    if !trackers.iter().all(|id| seen(id).is_some_and(|view| !view.source.blocked)) {
                        return Err(ErrorCode::ListHasNonexistent.into());
                    }
                }
                self.catalog.events_of_trackers(user, &trackers, filter, direction, limit).await?
            }
        };
        Ok((self.event_views(caller, events).await, count))
    }

    /// # Errors
    /// `NotFound`, also for one of a tracker that the caller does not see.
    pub async fn event(&self, caller: &UserCaller, id: EventId) -> Result<EventView, Failure> {
        let event = self.catalog.event(caller.user.id, id).await?;
        let mut views = self.event_views(caller, event.into_iter().collect()).await;
        views.pop().ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// # Errors
    /// `NotFound`, also for one that the caller has read.
    pub async fn mark_event_read(&self, caller: &UserCaller, id: EventId) -> Result<(), Failure> {
        Ok(self.catalog.mark_event_read(caller.user.id, id).await?)
    }

    pub async fn mark_all_events_read(&self, caller: &UserCaller) -> Result<(), Failure> {
        Ok(self.catalog.mark_all_events_read(caller.user.id).await?)
    }

    /// How many events of the span the caller has not read.
    pub async fn unread_events(&self, caller: &UserCaller, span: Range<Timestamp>) -> Result<u64, Failure> {
        let filter = EventFilter { span, kinds: None, read: ReadOrNot::Unread };
        Ok(self.catalog.count_events(caller.user.id, &filter).await?.unread)
    }

    pub(crate) async fn event_views(&self, caller: &UserCaller, events: Vec<StoredEvent>) -> Vec<EventView> {
        if !events.is_empty() {
            self.history_catches_up().await;
        }
        let mut views = Vec::with_capacity(events.len());
        for event in events {
            let label = {
                let tables = self.directory.read();
                tables.tracker(caller.account(), event.tracker).map(|tracker| tracker.label.clone())
            };
            // It was deleted meanwhile.
            let Some(label) = label else { continue };
            let place = match event.place {
                Some(EventPlace { coordinates, precision }) => {
                    Some(Whereabouts { coordinates, precision, age: PlaceAge::Current })
                }
                None => self.place_of(&event).await,
            };
            views.push(EventView { event, label, place });
        }
        views
    }

    /// Where the source was when it happened, as far as is known.
    async fn place_of(&self, event: &StoredEvent) -> Option<Whereabouts> {
        let latest = self.live.with_state(event.source, |state| state.fix).flatten();
        let then = match latest {
            Some(latest) if latest.time <= event.time => latest,
            _ => self.fix_before(event).await?,
        };
        let age =
            if event.time.since(then.time) <= CURRENT { PlaceAge::Current } else { PlaceAge::LastKnown };
        let precision = then.fix.precision.map(|metres| metres.0.round() as u32);
        Some(Whereabouts { coordinates: then.fix.coordinates, precision, age })
    }

    async fn fix_before(&self, event: &StoredEvent) -> Option<LatestFix> {
        let until = event.time.plus(Duration::from_millis(1));
        let mut messages =
            self.history.read(event.source, event.time.minus(LOOK_BACK)..until, Order::Descending);
        // What cannot be read now has no place now.
        while let Some(newest_first) = messages.next().await.ok()? {
            let fix = newest_first.into_iter().find_map(|telemetry| {
                let fix = telemetry.message.fix.filter(|fix| fix.is_usable())?;
                Some(LatestFix { fix, time: telemetry.time })
            });
            if fix.is_some() {
                return fix;
            }
        }
        None
    }
}
