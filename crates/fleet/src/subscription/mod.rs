//! Live subscriptions: a watcher learns which of its sources changed, which were blocked or removed, and when its
//! session must be looked at. What changed is a set, not a queue: who reads slowly finds the newest state, once.

mod selection;
mod watchers;

pub(crate) use watchers::Watchers;

use crate::{Failure, Fleet, UserCaller, directory::Tables};
use domain::{ModelCode, SourceId, Timestamp, TrackerId};
use selection::{Changes, Found, Place, Selection};
use std::{collections::BTreeSet, sync::Arc};
use telemetry::StateView;
use watchers::Inbox;

/// Which trackers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All that the caller sees, those that come later too.
    All,
    Selected(Vec<TrackerId>),
}

/// A watcher has two channels that know nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// For states one by one.
    Single,
    /// For states by the batch.
    Batch,
}

impl Channel {
    const ALL: [Self; 2] = [Self::Single, Self::Batch];
}

/// How much of a state is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Full,
    Compact,
}

/// How a tracker stands to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Normal,
    /// No states until it is unblocked.
    Blocked,
    /// It does not exist, or not for the caller.
    Unknown,
    /// The subscription is full.
    Disallowed,
}

/// What became of a watched source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifecycle {
    Block,
    Unblock,
    /// Corrupted or deleted: it is watched no more.
    Corrupt,
}

/// What waits for a watcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    pub single: bool,
    pub batch: bool,
    /// The session may have ended, the user or the trackers may have changed: `look_again`.
    pub stale: bool,
    /// Nothing will change any more: the server stops.
    pub ended: bool,
}

/// What one connection of a caller watches. Dropping it ends its subscriptions.
pub struct Watcher {
    fleet: Arc<Fleet>,
    caller: UserCaller,
    inbox: Arc<Inbox>,
    channels: [Selection; 2],
}

impl Fleet {
    /// A new id of a connection: a random UUID (RFC 9562, version 4).
    pub fn connection_id(&self) -> String {
        let token = self.secrets.token();
        let variant = match token.as_bytes().get(16) {
            Some(digit) => ["8", "9", "a", "b"][usize::from(digit % 4)],
            None => "8",
        };
        format!(
            "{}-{}-4{}-{variant}{}-{}",
            &token[..8],
            &token[8..12],
            &token[13..16],
            &token[17..20],
            &token[20..]
        )
    }

    /// # Errors
    /// `TooManyRequests` when the user has too many already.
    pub fn watch(self: &Arc<Self>, caller: UserCaller) -> Result<Watcher, Failure> {
        let inbox = self.watchers.admit(caller.account(), caller.user.id)?;
        let channels = Default::default();
        Ok(Watcher { fleet: Arc::clone(self), caller, inbox, channels })
    }
}

impl Watcher {
    pub fn caller(&self) -> &UserCaller {
        &self.caller
    }

    /// Watches these trackers too. The state of each that is normal counts as changed.
    pub fn subscribe(
        &mut self,
        channel: Channel,
        target: &Target,
        detail: Detail,
    ) -> Vec<(TrackerId, Standing)> {
        let watched = &mut self.channels[channel as usize];
        let mut changes = Changes::default();
        let standings = {
            let tables = self.fleet.directory.read();
            let mut room = self.fleet.watchers.room();
            let mut subscribe = |id: TrackerId| match self.fleet.find(&tables, &self.caller, id) {
                Found::Tracker(place) => Some(watched.put(id, place, detail, &mut room, &mut changes)),
                Found::Hidden | Found::Gone => None,
            };
            let standings = match target {
                Target::All => {
                    let all = tables.trackers(self.caller.account()).map(|tracker| tracker.id);
                    all.filter_map(|id| Some((id, subscribe(id)?))).collect()
                }
                Target::Selected(ids) => {
                    ids.iter().map(|id| (*id, subscribe(*id).unwrap_or(Standing::Unknown))).collect()
                }
            };
            if *target == Target::All {
                watched.take_all(detail);
            }
            standings
        };
        self.apply(channel, changes);
        // What happened to these sources before they were routed was not heard.
        self.inbox.set_stale(true);
        standings
    }

    /// Watches these trackers no more. Of `All`, the others stay as a selection.
    pub fn unsubscribe(&mut self, channel: Channel, target: &Target) -> Vec<(TrackerId, Standing)> {
        let mut changes = Changes::default();
        let standings = self.channels[channel as usize].cancel(target, &mut changes);
        self.apply(channel, changes);
        standings
    }

    /// Looks again at the session with this hash, and at the watched trackers.
    ///
    /// # Errors
    /// `SessionNotFound` when it has ended; `DatabaseUnavailable`, then it has to be tried again.
    pub async fn look_again(&mut self, hash: &str) -> Result<BTreeSet<(SourceId, Lifecycle)>, Failure> {
        // First of all: what becomes stale from now on has to be looked at once more.
        self.inbox.set_stale(false);
        self.caller = self.fleet.user_caller(hash).await.inspect_err(|_| self.inbox.set_stale(true))?;
        let mut events = BTreeSet::new();
        for channel in Channel::ALL {
            let mut changes = Changes::default();
            {
                let tables = self.fleet.directory.read();
                let mut room = self.fleet.watchers.room();
                let find = |id| self.fleet.find(&tables, &self.caller, id);
                let all = tables.trackers(self.caller.account()).map(|tracker| tracker.id);
                let watched = &mut self.channels[channel as usize];
                watched.refresh(find, all, &mut room, &mut changes, &mut events);
            }
            self.apply(channel, changes);
        }
        Ok(events)
    }

    pub fn news(&self) -> News {
        self.inbox.news(&self.channels)
    }

    /// Waits until there may be news that the last look at `news` did not show.
    pub async fn woken(&self) {
        self.inbox.woken().await;
    }

    /// The sources that have changed since they were last taken, by descending id.
    pub fn take_changed(&mut self, channel: Channel) -> Vec<SourceId> {
        self.inbox.take_changed(channel, &self.channels)
    }

    /// The state of a source, and how much of it is wanted; `None` when it is blocked or not watched any more.
    pub fn state(&self, channel: Channel, source: SourceId, now: Timestamp) -> Option<(StateView, Detail)> {
        let (model, detail) = self.channels[channel as usize].shown(source)?;
        Some((self.fleet.view(source, model, now), detail))
    }

    fn apply(&self, channel: Channel, changes: Changes) {
        let Changes { joined, left, changed } = changes;
        self.fleet.watchers.unroute(&self.inbox, channel, &left);
        self.fleet.watchers.route(&self.inbox, channel, &joined);
        self.inbox.all_changed(channel, changed);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for (channel, watched) in Channel::ALL.into_iter().zip(&self.channels) {
            let sources: Vec<_> = watched.sources().collect();
            self.fleet.watchers.unroute(&self.inbox, channel, &sources);
        }
        self.fleet.watchers.forget(&self.inbox);
    }
}

impl Fleet {
    fn find(&self, tables: &Tables, caller: &UserCaller, tracker: TrackerId) -> Found {
        let Some(view) = self.visible(tables, caller, tracker) else {
            let hidden = tables.tracker(caller.account(), tracker).is_some();
            return if hidden { Found::Hidden } else { Found::Gone };
        };
        match ModelCode::find(&view.source.model) {
            Some(model) if !view.source.corrupted => {
                Found::Tracker(Place { source: view.source.id, model, blocked: view.source.blocked })
            }
            _ => Found::Gone,
        }
    }
}
