//! The history of events: what happened to the trackers that a caller sees, where, and what of it the caller has read.

use crate::{Failure, Fleet, UserCaller};
use domain::{Coordinates, ErrorCode, EventId, LatestFix, SourceId, TariffId, Timestamp, TrackerId};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};
use store::{
    catalog::{Direction, EventCount, EventFilter, EventPlace, EventsOf, ReadOrNot, StoredEvent},
    history::Order,
};
use telemetry::{SourceSettings, position, trips::Point};

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
    /// Those from before a tracker's history begins for the caller are left out.
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
            None => {
                let plans: Vec<_> =
                    self.kept_by_plan(caller, self.plans(caller)).await?.into_iter().collect();
                self.catalog.events(user, EventsOf::Plans(&plans), filter, direction, limit).await?
            }
            Some(trackers) => {
                let plans = self.plans_of(caller, trackers)?;
                let kept = self.kept_by_plan(caller, plans.values().copied().collect()).await?;
                let since = |(tracker, plan)| Some((tracker, *kept.get(&plan)?));
                let trackers: Vec<_> = plans.into_iter().filter_map(since).collect();
                self.catalog.events(user, EventsOf::Trackers(&trackers), filter, direction, limit).await?
            }
        };
        Ok((self.event_views(caller, events).await, count))
    }

    /// # Errors
    /// `NotFound`, also for one of a tracker that the caller does not see, or from before its history begins for the
    /// caller.
    pub async fn event(&self, caller: &UserCaller, id: EventId) -> Result<EventView, Failure> {
        let event = self.kept_event(caller, id).await?;
        let mut views = self.event_views(caller, vec![event]).await;
        views.pop().ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// # Errors
    /// As `event`; `NotFound` also for one that the caller has read.
    pub async fn mark_event_read(&self, caller: &UserCaller, id: EventId) -> Result<(), Failure> {
        self.kept_event(caller, id).await?;
        Ok(self.catalog.mark_event_read(caller.user.id, id).await?)
    }

    pub async fn mark_all_events_read(&self, caller: &UserCaller) -> Result<(), Failure> {
        Ok(self.catalog.mark_all_events_read(caller.user.id).await?)
    }

    /// How many events of the span the caller has not read, of those that `events` lists.
    pub async fn unread_events(&self, caller: &UserCaller, span: Range<Timestamp>) -> Result<u64, Failure> {
        let filter = EventFilter { span, kinds: None, read: ReadOrNot::Unread };
        let plans: Vec<_> = self.kept_by_plan(caller, self.plans(caller)).await?.into_iter().collect();
        Ok(self.catalog.count_events(caller.user.id, EventsOf::Plans(&plans), &filter).await?.unread)
    }

    async fn kept_event(&self, caller: &UserCaller, id: EventId) -> Result<StoredEvent, Failure> {
        let event = self.catalog.event(caller.user.id, id).await?.ok_or(ErrorCode::NotFound)?;
        let view = self.tracker(caller, event.tracker)?;
        if event.time < self.kept_from(caller, &view).await? {
            return Err(ErrorCode::NotFound.into());
        }
        Ok(event)
    }

    /// The plans of all trackers that the caller sees.
    fn plans(&self, caller: &UserCaller) -> BTreeSet<TariffId> {
        let tables = self.directory.read();
        let visible = tables.trackers(caller.account()).filter(|tracker| tables.sees(caller, tracker.id));
        visible.filter_map(|tracker| Some(tables.source(tracker.source)?.tariff)).collect()
    }

    /// Those of some trackers.
    ///
    /// # Errors
    /// `ListHasNonexistent` when one of them is not the caller's, or blocked.
    fn plans_of(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
    ) -> Result<BTreeMap<TrackerId, TariffId>, Failure> {
        let tables = self.directory.read();
        let plan = |id: &TrackerId| {
            let view = self.visible(&tables, caller, *id).filter(|view| !view.source.blocked);
            Ok((*id, view.ok_or(ErrorCode::ListHasNonexistent)?.source.tariff))
        };
        trackers.iter().map(plan).collect()
    }

    /// Since when the history of trackers on each plan is shown to the caller.
    async fn kept_by_plan(
        &self,
        caller: &UserCaller,
        plans: BTreeSet<TariffId>,
    ) -> Result<BTreeMap<TariffId, Timestamp>, Failure> {
        let mut kept = BTreeMap::new();
        for plan in plans {
            kept.insert(plan, self.plan_keeps_from(caller, plan).await?);
        }
        Ok(kept)
    }

    pub(crate) async fn event_views(&self, caller: &UserCaller, events: Vec<StoredEvent>) -> Vec<EventView> {
        if !events.is_empty() {
            self.history_catches_up().await;
        }
        let mut views = Vec::with_capacity(events.len());
        for event in events {
            let tracker = self.directory.read().tracker(caller.account(), event.tracker).cloned();
            // It was deleted meanwhile.
            let Some(tracker) = tracker else { continue };
            let place = match event.place {
                Some(EventPlace { coordinates, precision }) => {
                    Some(Whereabouts { coordinates, precision, age: PlaceAge::Current })
                }
                // What is chosen for the tracker now holds for its past, too.
                None => self.place_of(&event, &self.live.settings(tracker.source)).await,
            };
            let label = tracker.label.clone();
            views.push(EventView { event, label, place });
        }
        views
    }

    /// Where the source was when it happened, as far as is known.
    async fn place_of(&self, event: &StoredEvent, settings: &SourceSettings) -> Option<Whereabouts> {
        let sought = event.time.minus(LOOK_BACK)..event.time.plus(Duration::from_millis(1));
        let latest = self.live.with_state(event.source, |state| position(state, settings)).flatten();
        let then = match latest {
            Some(latest) if sought.contains(&latest.time) => latest,
            _ => self.last_position(event.source, sought, settings).await?,
        };
        let age =
            if event.time.since(then.time) <= CURRENT { PlaceAge::Current } else { PlaceAge::LastKnown };
        let precision = then.fix.precision.map(|metres| metres.0.round() as u32);
        Some(Whereabouts { coordinates: then.fix.coordinates, precision, age })
    }

    /// The last position of the span, as it was shown.
    async fn last_position(
        &self,
        source: SourceId,
        span: Range<Timestamp>,
        settings: &SourceSettings,
    ) -> Option<LatestFix> {
        let mut messages = self.history.read(source, span, Order::Descending);
        // What cannot be read now has no place now.
        while let Some(newest_first) = messages.next().await.ok()? {
            let point = newest_first.iter().find_map(|telemetry| Point::shown(telemetry, settings));
            if let Some(Point { time, fix, .. }) = point {
                return Some(LatestFix { fix, time });
            }
        }
        None
    }
}
