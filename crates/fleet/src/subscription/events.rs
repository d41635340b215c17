//! Events that a watcher has not told yet. They are read from the catalog when the watcher hears that there are some: what
//! a slow client has to be told is kept there, and nowhere else.

use super::{Channel, Watcher};
use crate::{EventView, Failure};
use domain::{EventId, SourceId};
use std::collections::BTreeSet;
use store::catalog::StoredEvent;

/// On PostgreSQL an event may be written down after one with a higher number. So many numbers are looked back.
const LOOK_BACK: i64 = 200;
/// So many are read at once; more than are looked back, so that it goes on.
const AT_ONCE: u32 = 500;

/// How far a watcher has read.
pub(super) struct Told {
    newest: EventId,
    /// Which of those that are looked back at were told.
    recent: BTreeSet<EventId>,
}

/// Events to be told.
pub struct Untold {
    pub events: Vec<EventView>,
    /// There may be more: ask again.
    pub more: bool,
}

impl Told {
    fn from(newest: EventId) -> Self {
        Self { newest, recent: BTreeSet::new() }
    }

    fn looks_after(&self) -> EventId {
        EventId(self.newest.0 - LOOK_BACK)
    }

    /// Those that were not told before.
    fn take(&mut self, mut read: Vec<StoredEvent>) -> Vec<StoredEvent> {
        read.retain(|event| self.recent.insert(event.id));
        self.newest = read.iter().map(|event| event.id).fold(self.newest, EventId::max);
        self.recent = self.recent.split_off(&EventId(self.looks_after().0 + 1));
        read
    }
}

impl Watcher {
    /// Events that happen from now on are to be told, of trackers that are subscribed to on their channel.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn follow_events(&mut self) -> Result<(), Failure> {
        if self.told.is_none() {
            let catalog = &self.fleet.catalog;
            let mut told = Told::from(catalog.newest_event().await?);
            let before = catalog.events_after(self.caller.user.id, told.looks_after(), AT_ONCE).await?;
            told.take(before);
            self.told = Some(told);
        }
        Ok(())
    }

    /// What has not been told yet.
    ///
    /// # Errors
    /// When it cannot be read now: nothing of it counts as told.
    pub async fn events(&mut self) -> Result<Untold, Failure> {
        let Some(told) = &mut self.told else { return Ok(Untold { events: Vec::new(), more: false }) };
        let user = self.caller.user.id;
        let read = self.fleet.catalog.events_after(user, told.looks_after(), AT_ONCE).await?;
        let more = read.len() >= AT_ONCE as usize;
        let watched = &self.channels[Channel::Events as usize];
        let untold: Vec<_> =
            told.take(read).into_iter().filter(|event| watched.shows(event.tracker)).collect();
        Ok(Untold { events: self.fleet.event_views(&self.caller, untold).await, more })
    }

    /// Whatever was not heard of events is found by the next look at them.
    pub(super) fn look_for_events(&self) {
        let any: Vec<SourceId> = self.channels[Channel::Events as usize].sources().take(1).collect();
        if !any.is_empty() {
            self.inbox.all_changed(Channel::Events, any);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Timestamp, TrackerId};

    fn event(id: i64) -> StoredEvent {
        StoredEvent {
            id: EventId(id),
            tracker: TrackerId(1),
            source: SourceId(1),
            kind: "info".into(),
            time: Timestamp::from_millis(id),
            message: String::new(),
            command: None,
            place: None,
            read: false,
        }
    }

    #[test]
    fn an_event_is_told_once_even_when_it_comes_after_its_successor() {
        let mut told = Told::from(EventId(0));
        let mut take = |ids: &[i64]| {
            let taken = told.take(ids.iter().copied().map(event).collect());
            (taken.into_iter().map(|event| event.id.0).collect::<Vec<_>>(), told.looks_after().0)
        };
        assert_eq!(take(&[]), (vec![], -200));
        assert_eq!(take(&[1, 3]), (vec![1, 3], -197));
        assert_eq!(take(&[1, 2, 3]), (vec![2], -197));
        assert_eq!(take(&[3, 4, 500]), (vec![4, 500], 300));
        assert_eq!(take(&[301, 500]), (vec![301], 300));
        assert_eq!(take(&[301, 500]), (vec![], 300));
    }
}
