//! Live subscriptions: a watcher learns which of its sources changed, which were blocked or removed, and when its
//! session must be looked at. What changed is a set, not a queue: who reads slowly finds what is newest, once.

mod attributes;
mod events;
mod selection;
mod told;
mod watchers;

pub use attributes::{AttributeQueues, Queued};
pub use events::Untold;
pub use told::{Round, Told};
pub(crate) use watchers::Watchers;

use crate::{Failure, Fleet, Readings, ReadingsFilter, TrackerView, UserCaller, directory::Tables};
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

/// A watcher has channels that know nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// For states one by one.
    Single,
    /// For states by the batch.
    Batch,
    /// For what sensors and counters say.
    Readings,
    /// For what the last messages held.
    Attributes,
    /// For what happened.
    Events,
}

impl Channel {
    const ALL: [Self; 5] = [Self::Single, Self::Batch, Self::Readings, Self::Attributes, Self::Events];

    /// Sources that one watcher may watch; more are `Disallowed`.
    fn most_sources(self) -> usize {
        match self {
            Self::Single | Self::Batch | Self::Events => 100_000,
            // Each costs a question to the catalog whenever it changes.
            Self::Readings => 10_000,
            // Navixy: WebSocket subscription, "iot_monitor". Each costs a look into history.
            Self::Attributes => 10,
        }
    }
}

/// What of trackers is wanted, and so by which channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    Single(Detail),
    Batch(Detail),
    Readings(ReadingsFilter),
    Attributes,
    Events,
}

impl Interest {
    pub fn channel(self) -> Channel {
        match self {
            Self::Single(_) => Channel::Single,
            Self::Batch(_) => Channel::Batch,
            Self::Readings(_) => Channel::Readings,
            Self::Attributes => Channel::Attributes,
            Self::Events => Channel::Events,
        }
    }
}

type Channels = [Selection; Channel::ALL.len()];

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
    /// Nothing is shown until it is unblocked.
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
    changed: [bool; Channel::ALL.len()],
    /// The session may have ended, the user or the trackers may have changed: `look_again`.
    pub stale: bool,
    /// Nothing will change any more: the server stops.
    pub ended: bool,
}

impl News {
    /// Whether sources of the channel have changed.
    pub fn of(&self, channel: Channel) -> bool {
        self.changed[channel as usize]
    }
}

/// What one connection of a caller watches. Dropping it ends its subscriptions.
pub struct Watcher {
    fleet: Arc<Fleet>,
    caller: UserCaller,
    inbox: Arc<Inbox>,
    channels: Channels,
    /// Of events, when they are followed.
    told: Option<events::Told>,
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
        Ok(Watcher { fleet: Arc::clone(self), caller, inbox, channels, told: None })
    }
}

impl Watcher {
    pub fn caller(&self) -> &UserCaller {
        &self.caller
    }

    /// Watches these trackers too. Each that is normal counts as changed.
    pub fn subscribe(&mut self, target: &Target, interest: Interest) -> Vec<(TrackerId, Standing)> {
        let channel = interest.channel();
        let watched = &mut self.channels[channel as usize];
        let mut changes = Changes::default();
        let standings = {
            let tables = self.fleet.directory.read();
            let mut room = self.fleet.watchers.room();
            let mut subscribe = |id: TrackerId| match self.fleet.find(&tables, &self.caller, id) {
                Found::Tracker(place) => Some(watched.put(id, place, interest, &mut room, &mut changes)),
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
                watched.take_all(interest);
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
        let caller = self.fleet.user_caller(hash).await.inspect_err(|_| self.inbox.set_stale(true))?;
        let units = |caller: &UserCaller| caller.user.settings.measurement_system.clone();
        if units(&caller) != units(&self.caller) {
            self.changed_again(
                Channel::Readings,
                self.channels[Channel::Readings as usize].sources().collect(),
            );
        }
        self.caller = caller;
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
        self.look_for_events();
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
        match self.channels[channel as usize].shown(source)? {
            (model, Interest::Single(detail) | Interest::Batch(detail)) => {
                Some((self.fleet.view(source, model, now), detail))
            }
            (_, Interest::Readings(_) | Interest::Attributes | Interest::Events) => None,
        }
    }

    /// What the watched trackers on a source say; none when it is blocked or not watched any more.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub async fn readings(&self, source: SourceId) -> Result<Vec<(TrackerId, Readings)>, Failure> {
        let shown = self.channels[Channel::Readings as usize].shown(source);
        let Some((_, Interest::Readings(filter))) = shown else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for view in self.views(Channel::Readings, source) {
            all.push((view.tracker.id, self.fleet.readings_of(&self.caller, &view, filter).await?));
        }
        Ok(all)
    }

    /// What the last messages of the watched trackers on a source held; none when it is blocked or not watched any more.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub async fn attributes(&self, source: SourceId) -> Result<Vec<(TrackerId, AttributeQueues)>, Failure> {
        if self.channels[Channel::Attributes as usize].shown(source).is_none() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for view in self.views(Channel::Attributes, source) {
            all.push((view.tracker.id, self.fleet.last_attributes(&self.caller, &view).await?));
        }
        Ok(all)
    }

    /// What the client was told of a source by a channel; `None` when it is not watched any more.
    pub fn told(&mut self, channel: Channel, source: SourceId) -> Option<&mut Told> {
        self.channels[channel as usize].told(source)
    }

    /// These were taken, but could not be shown: they count as changed again.
    pub fn changed_again(&self, channel: Channel, sources: Vec<SourceId>) {
        self.inbox.all_changed(channel, sources);
    }

    fn views(&self, channel: Channel, source: SourceId) -> Vec<TrackerView> {
        let tables = self.fleet.directory.read();
        let trackers = self.channels[channel as usize].trackers_on(source).iter();
        trackers.filter_map(|id| self.fleet.visible(&tables, &self.caller, *id)).collect()
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
