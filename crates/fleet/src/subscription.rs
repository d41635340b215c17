//! Live subscriptions: a watcher learns which of its sources changed, which were blocked or removed, and when its
//! session must be looked at. What changed is a set, not a queue: who reads slowly finds the newest state, once.

use crate::{Failure, Fleet, UserCaller, directory::Tables};
use domain::{AccountId, ErrorCode, ModelCode, SourceId, Timestamp, TrackerId, UserId};
use live::{Feed, FeedEvent};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use store::signals::{self, Heard, Signal};
use telemetry::{Change, StateView};
use tokio::sync::Notify;

/// Sources that one channel of a watcher may watch; more are `Disallowed`.
const SOURCES_PER_CHANNEL: usize = 100_000;
/// Routes from sources to watchers in all; trackers beyond it are `Disallowed`.
const ROUTES: usize = 4_000_000;
/// More watchers of one user at once answer 15.
const WATCHERS_PER_USER: usize = 100;
/// How many routes are changed at once, so that changes of other sources need not wait long.
const ROUTES_AT_ONCE: usize = 1000;
const HEARD_OF: Change = Change { contact: true, ..Change::NOTHING };

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
    channels: [Subscription; 2],
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
        let inbox = Arc::new(Inbox {
            account: caller.account(),
            user: caller.user.id,
            waiting: Mutex::default(),
            wake: Notify::new(),
        });
        self.watchers.admit(&inbox)?;
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
                watched.all = Some(detail);
            }
            standings
        };
        self.apply(channel, changes);
        // What happened to these sources before they were routed was not heard.
        self.inbox.tell(|waiting| waiting.stale = true);
        standings
    }

    /// Watches these trackers no more. Of `All`, the others stay as a selection.
    pub fn unsubscribe(&mut self, channel: Channel, target: &Target) -> Vec<(TrackerId, Standing)> {
        let watched = &mut self.channels[channel as usize];
        watched.all = None;
        let mut ids = match target {
            Target::All => watched.trackers.keys().copied().collect(),
            Target::Selected(ids) => ids.clone(),
        };
        ids.sort_unstable();
        let mut changes = Changes::default();
        let standings = ids.iter().map(|id| (*id, watched.remove(*id, &mut changes))).collect();
        self.apply(channel, changes);
        standings
    }

    /// Looks again at the session with this hash, and at the watched trackers.
    ///
    /// # Errors
    /// `SessionNotFound` when it has ended; `DatabaseUnavailable`, then it has to be tried again.
    pub async fn look_again(&mut self, hash: &str) -> Result<BTreeSet<(SourceId, Lifecycle)>, Failure> {
        // First of all: what becomes stale from now on has to be looked at once more.
        self.inbox.waiting().stale = false;
        self.caller =
            self.fleet.user_caller(hash).await.inspect_err(|_| self.inbox.waiting().stale = true)?;
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
        let waiting = self.inbox.waiting();
        let lost = |channel: Channel| waiting.lost && !self.channels[channel as usize].sources.is_empty();
        let changed = |channel: Channel| !waiting.changed[channel as usize].is_empty() || lost(channel);
        News {
            single: changed(Channel::Single),
            batch: changed(Channel::Batch),
            stale: waiting.stale,
            ended: waiting.ended,
        }
    }

    /// Waits until there may be news that the last look at `news` did not show.
    pub async fn woken(&self) {
        self.inbox.wake.notified().await;
    }

    /// The sources that have changed since they were last taken, by descending id.
    pub fn take_changed(&mut self, channel: Channel) -> Vec<SourceId> {
        let mut waiting = self.inbox.waiting();
        if std::mem::take(&mut waiting.lost) {
            for (changed, watched) in waiting.changed.iter_mut().zip(&self.channels) {
                changed.extend(watched.sources.keys());
            }
        }
        let mut changed: Vec<_> = waiting.changed[channel as usize].drain().collect();
        drop(waiting);
        changed.sort_unstable_by(|a, b| b.cmp(a));
        changed
    }

    /// The state of a source, and how much of it is wanted; `None` when it is blocked or not watched any more.
    pub fn state(&self, channel: Channel, source: SourceId, now: Timestamp) -> Option<(StateView, Detail)> {
        let watched = self.channels[channel as usize].sources.get(&source)?;
        if watched.place.blocked {
            return None;
        }
        Some((self.fleet.view(source, watched.place.model, now), watched.detail))
    }

    fn apply(&self, channel: Channel, changes: Changes) {
        let Changes { joined, left, changed } = changes;
        self.fleet.watchers.unroute(&self.inbox, channel, &left);
        self.fleet.watchers.route(&self.inbox, channel, &joined);
        self.inbox.tell(|waiting| waiting.changed[channel as usize].extend(changed));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for (channel, watched) in Channel::ALL.into_iter().zip(&self.channels) {
            let sources: Vec<_> = watched.sources.keys().copied().collect();
            self.fleet.watchers.unroute(&self.inbox, channel, &sources);
        }
        self.fleet.watchers.forget(&self.inbox);
    }
}

/// What one channel watches.
#[derive(Default)]
struct Subscription {
    /// With which detail new trackers join, when all are watched.
    all: Option<Detail>,
    trackers: HashMap<TrackerId, SourceId>,
    sources: HashMap<SourceId, Watched>,
}

struct Watched {
    place: Place,
    detail: Detail,
    /// How many of the watched trackers stand on it.
    trackers: usize,
}

/// Where a tracker stands.
#[derive(Clone, Copy)]
struct Place {
    source: SourceId,
    model: ModelCode,
    blocked: bool,
}

enum Found {
    Tracker(Place),
    /// The account has it, the caller does not see it.
    Hidden,
    Gone,
}

/// What has to be done after a subscription was changed.
#[derive(Default)]
struct Changes {
    joined: Vec<SourceId>,
    left: Vec<SourceId>,
    /// Sources whose state has to be shown.
    changed: Vec<SourceId>,
}

impl Subscription {
    fn put(
        &mut self,
        tracker: TrackerId,
        place: Place,
        detail: Detail,
        room: &mut usize,
        changes: &mut Changes,
    ) -> Standing {
        if self.trackers.get(&tracker).is_some_and(|known| *known != place.source) {
            self.remove(tracker, changes);
        }
        if !self.sources.contains_key(&place.source) {
            if *room == 0 || self.sources.len() >= SOURCES_PER_CHANNEL {
                return Standing::Disallowed;
            }
            *room -= 1;
            changes.joined.push(place.source);
        }
        let watched = self.sources.entry(place.source).or_insert(Watched { place, detail, trackers: 0 });
        (watched.place, watched.detail) = (place, detail);
        if self.trackers.insert(tracker, place.source).is_none() {
            watched.trackers += 1;
        }
        if !place.blocked {
            changes.changed.push(place.source);
        }
        place.standing()
    }

    /// Answers how it stood.
    fn remove(&mut self, tracker: TrackerId, changes: &mut Changes) -> Standing {
        let Some(source) = self.trackers.remove(&tracker) else { return Standing::Unknown };
        let Some(watched) = self.sources.get_mut(&source) else { return Standing::Unknown };
        let standing = watched.place.standing();
        watched.trackers -= 1;
        if watched.trackers == 0 {
            self.sources.remove(&source);
            changes.left.push(source);
        }
        standing
    }

    fn refresh(
        &mut self,
        find: impl Fn(TrackerId) -> Found,
        all: impl Iterator<Item = TrackerId>,
        room: &mut usize,
        changes: &mut Changes,
        events: &mut BTreeSet<(SourceId, Lifecycle)>,
    ) {
        let known: Vec<_> = self.trackers.iter().map(|(tracker, source)| (*tracker, *source)).collect();
        for (tracker, source) in known {
            match find(tracker) {
                Found::Tracker(place) if place.source == source => {
                    let Some(watched) = self.sources.get_mut(&source) else { continue };
                    let was = std::mem::replace(&mut watched.place, place);
                    match (was.blocked, place.blocked) {
                        (false, true) => _ = events.insert((source, Lifecycle::Block)),
                        (true, false) => {
                            events.insert((source, Lifecycle::Unblock));
                            changes.changed.push(source);
                        }
                        _ => {}
                    }
                }
                // It was replaced.
                Found::Tracker(place) => {
                    let detail = self.sources.get(&source).map_or(Detail::Full, |watched| watched.detail);
                    self.put(tracker, place, detail, room, changes);
                }
                Found::Hidden => _ = self.remove(tracker, changes),
                Found::Gone => {
                    self.remove(tracker, changes);
                    events.insert((source, Lifecycle::Corrupt));
                }
            }
        }
        let Some(detail) = self.all else { return };
        for tracker in all {
            if !self.trackers.contains_key(&tracker)
                && let Found::Tracker(place) = find(tracker)
            {
                self.put(tracker, place, detail, room, changes);
            }
        }
    }
}

impl Place {
    fn standing(self) -> Standing {
        if self.blocked { Standing::Blocked } else { Standing::Normal }
    }
}

impl Fleet {
    fn find(&self, tables: &Tables, caller: &UserCaller, tracker: TrackerId) -> Found {
        let place = self.visible(tables, caller, tracker).and_then(|view| {
            let model = ModelCode::find(&view.source.model)?;
            Some(Place { source: view.source.id, model, blocked: view.source.blocked })
        });
        match place {
            Some(place) => Found::Tracker(place),
            None if tables.tracker(caller.account(), tracker).is_some() => Found::Hidden,
            None => Found::Gone,
        }
    }
}

/// What waits for one watcher.
struct Inbox {
    account: AccountId,
    user: UserId,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    changed: [HashSet<SourceId>; 2],
    /// Some changes were not heard: all sources count as changed.
    lost: bool,
    stale: bool,
    ended: bool,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, channel: Channel, source: SourceId) {
        let mut waiting = self.waiting();
        let changed = &mut waiting.changed[channel as usize];
        let first = changed.is_empty();
        changed.insert(source);
        drop(waiting);
        if first {
            self.wake.notify_one();
        }
    }

    fn tell(&self, tell: impl FnOnce(&mut Waiting)) {
        tell(&mut self.waiting());
        self.wake.notify_one();
    }
}

/// All watchers, and which of them watch a source.
#[derive(Default)]
pub(crate) struct Watchers(RwLock<Routes>);

#[derive(Default)]
struct Routes {
    by_source: HashMap<SourceId, Vec<(Arc<Inbox>, Channel)>>,
    len: usize,
    inboxes: Vec<Arc<Inbox>>,
    ended: bool,
}

impl Watchers {
    /// Tells watchers what they have to know, until the feed ends.
    pub(crate) async fn run(self: Arc<Self>, mut feed: Feed, mut signals: signals::Subscription) {
        loop {
            tokio::select! {
                event = feed.next() => match event {
                    // That a device was heard of does not show in its state.
                    Some(FeedEvent::Changed(_, HEARD_OF)) => {}
                    Some(FeedEvent::Changed(source, _)) => self.changed(source),
                    Some(FeedEvent::Lost(_)) => self.tell(|_| true, |waiting| waiting.lost = true),
                    None => break,
                },
                heard = signals.next() => self.hear(heard),
            }
        }
        self.write().ended = true;
        self.tell(|_| true, |waiting| waiting.ended = true);
    }

    fn changed(&self, source: SourceId) {
        for (inbox, channel) in self.read().by_source.get(&source).into_iter().flatten() {
            inbox.changed(*channel, source);
        }
    }

    fn hear(&self, heard: Heard) {
        let stale = |waiting: &mut Waiting| waiting.stale = true;
        match heard {
            Heard::Lost => self.tell(|_| true, stale),
            Heard::Signal(Signal::AccountChanged(account)) => {
                self.tell(|inbox| inbox.account == account, stale)
            }
            Heard::Signal(Signal::SessionsEnded(user)) => self.tell(|inbox| inbox.user == user, stale),
            Heard::Signal(Signal::SourceChanged(source)) => {
                for (inbox, _) in self.read().by_source.get(&source).into_iter().flatten() {
                    inbox.tell(stale);
                }
            }
            Heard::Signal(Signal::TariffsChanged) => {}
        }
    }

    fn tell(&self, whom: impl Fn(&Inbox) -> bool, tell: impl Fn(&mut Waiting)) {
        self.read().inboxes.iter().filter(|inbox| whom(inbox)).for_each(|inbox| inbox.tell(&tell));
    }

    fn admit(&self, inbox: &Arc<Inbox>) -> Result<(), Failure> {
        let mut routes = self.write();
        if routes.ended {
            return Err(ErrorCode::QueueUnavailable.into());
        }
        if routes.inboxes.iter().filter(|other| other.user == inbox.user).count() >= WATCHERS_PER_USER {
            return Err(ErrorCode::TooManyRequests.into());
        }
        routes.inboxes.push(Arc::clone(inbox));
        Ok(())
    }

    fn forget(&self, inbox: &Arc<Inbox>) {
        self.write().inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
    }

    /// For how many more routes there is room. Two that ask at once may both take it.
    fn room(&self) -> usize {
        ROUTES.saturating_sub(self.read().len)
    }

    fn route(&self, inbox: &Arc<Inbox>, channel: Channel, sources: &[SourceId]) {
        for sources in sources.chunks(ROUTES_AT_ONCE) {
            let mut routes = self.write();
            routes.len += sources.len();
            for source in sources {
                routes.by_source.entry(*source).or_default().push((Arc::clone(inbox), channel));
            }
        }
    }

    fn unroute(&self, inbox: &Arc<Inbox>, channel: Channel, sources: &[SourceId]) {
        for sources in sources.chunks(ROUTES_AT_ONCE) {
            let mut routes = self.write();
            routes.len -= sources.len();
            for source in sources {
                let Some(watchers) = routes.by_source.get_mut(source) else { continue };
                watchers.retain(|(other, of)| !(Arc::ptr_eq(other, inbox) && *of == channel));
                if watchers.is_empty() {
                    routes.by_source.remove(source);
                }
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Routes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Routes> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
