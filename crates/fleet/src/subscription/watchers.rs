//! All watchers, which of them watch a source, and what waits for each.

use super::{Channel, Channels, News};
use crate::Failure;
use domain::{AccountId, ErrorCode, SourceId, UserId};
use live::{Feed, FeedEvent};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use store::signals::{Heard, Signal, Subscription};
use telemetry::Change;
use tokio::sync::Notify;

/// Routes from sources to watchers in all; trackers beyond it are `Disallowed`.
const ROUTES: usize = 4_000_000;
/// More watchers of one user at once answer 15.
const WATCHERS_PER_USER: usize = 100;
/// How many routes are changed at once, so that changes of other sources need not wait long.
const ROUTES_AT_ONCE: usize = 1000;
/// That a device was heard of does not show in its state.
const HEARD_OF: Change = Change { contact: true, ..Change::NOTHING };

/// What waits for one watcher.
pub(super) struct Inbox {
    account: AccountId,
    user: UserId,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    changed: [HashSet<SourceId>; Channel::ALL.len()],
    /// Some changes were not heard: all sources count as changed.
    lost: bool,
    stale: bool,
    ended: bool,
}

impl Inbox {
    pub(super) fn news(&self, channels: &Channels) -> News {
        let waiting = self.waiting();
        let changed = |channel: Channel| {
            let channel = channel as usize;
            !waiting.changed[channel].is_empty() || (waiting.lost && !channels[channel].is_empty())
        };
        News { changed: Channel::ALL.map(changed), stale: waiting.stale, ended: waiting.ended }
    }

    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// By descending id.
    pub(super) fn take_changed(&self, channel: Channel, channels: &Channels) -> Vec<SourceId> {
        let mut waiting = self.waiting();
        if std::mem::take(&mut waiting.lost) {
            for (changed, watched) in waiting.changed.iter_mut().zip(channels) {
                changed.extend(watched.sources());
            }
        }
        let mut changed: Vec<_> = waiting.changed[channel as usize].drain().collect();
        drop(waiting);
        changed.sort_unstable_by(|a, b| b.cmp(a));
        changed
    }

    pub(super) fn all_changed(&self, channel: Channel, sources: Vec<SourceId>) {
        self.tell(|waiting| waiting.changed[channel as usize].extend(sources));
    }

    pub(super) fn set_stale(&self, stale: bool) {
        self.tell(|waiting| waiting.stale = stale);
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

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) async fn run(self: Arc<Self>, mut feed: Feed, mut signals: Subscription) {
        loop {
            tokio::select! {
                event = feed.next() => match event {
                    Some(FeedEvent::Changed(source, change)) => self.changed(source, change),
                    Some(FeedEvent::Lost(_)) => self.tell(|_| true, |waiting| waiting.lost = true),
                    None => break,
                },
                heard = signals.next() => self.hear(heard),
            }
        }
        self.write().ended = true;
        self.tell(|_| true, |waiting| waiting.ended = true);
    }

    fn changed(&self, source: SourceId, change: Change) {
        // A message from the past changes no state, but is one of the last messages.
        let shows = |channel: Channel| match channel {
            Channel::Events => false,
            Channel::Attributes => true,
            Channel::Single | Channel::Batch | Channel::Readings => change != HEARD_OF,
        };
        for (inbox, channel) in self.read().by_source.get(&source).into_iter().flatten() {
            if shows(*channel) {
                inbox.changed(*channel, source);
            }
        }
    }

    /// Sensors or counters of a source were changed.
    pub(crate) fn readings_changed(&self, source: SourceId) {
        self.tell_channel(Channel::Readings, source);
    }

    fn tell_channel(&self, which: Channel, source: SourceId) {
        for (inbox, channel) in self.read().by_source.get(&source).into_iter().flatten() {
            if *channel == which {
                inbox.changed(*channel, source);
            }
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
            Heard::Signal(Signal::EventHappened(source)) => self.tell_channel(Channel::Events, source),
            Heard::Signal(
                Signal::TariffsChanged | Signal::CommandWaits(_) | Signal::SmsWaits | Signal::SmsCame,
            ) => {}
        }
    }

    fn tell(&self, whom: impl Fn(&Inbox) -> bool, tell: impl Fn(&mut Waiting)) {
        self.read().inboxes.iter().filter(|inbox| whom(inbox)).for_each(|inbox| inbox.tell(&tell));
    }

    /// Makes room for what waits for a new watcher.
    pub(super) fn admit(&self, account: AccountId, user: UserId) -> Result<Arc<Inbox>, Failure> {
        let mut routes = self.write();
        if routes.ended {
            return Err(ErrorCode::QueueUnavailable.into());
        }
        if routes.inboxes.iter().filter(|other| other.user == user).count() >= WATCHERS_PER_USER {
            return Err(ErrorCode::TooManyRequests.into());
        }
        let inbox = Arc::new(Inbox { account, user, waiting: Mutex::default(), wake: Notify::new() });
        routes.inboxes.push(Arc::clone(&inbox));
        Ok(inbox)
    }

    pub(super) fn forget(&self, inbox: &Arc<Inbox>) {
        self.write().inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
    }

    /// For how many more routes there is room. Two that ask at once may both take it.
    pub(super) fn room(&self) -> usize {
        ROUTES.saturating_sub(self.read().len)
    }

    pub(super) fn route(&self, inbox: &Arc<Inbox>, channel: Channel, sources: &[SourceId]) {
        for sources in sources.chunks(ROUTES_AT_ONCE) {
            let mut routes = self.write();
            routes.len += sources.len();
            for source in sources {
                routes.by_source.entry(*source).or_default().push((Arc::clone(inbox), channel));
            }
        }
    }

    pub(super) fn unroute(&self, inbox: &Arc<Inbox>, channel: Channel, sources: &[SourceId]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::{
        Detail, Interest,
        selection::{Changes, Place},
    };
    use Channel::{Attributes, Batch, Events, Readings, Single};
    use domain::{ModelCode, TrackerId};

    const ACCOUNT: AccountId = AccountId(1);
    const FULL: Interest = Interest::Batch(Detail::Full);
    const MOVED: Change = Change { fix: true, ..HEARD_OF };

    fn news_of(channels: &[Channel]) -> News {
        News { changed: Channel::ALL.map(|channel| channels.contains(&channel)), ..News::default() }
    }

    /// A watcher of these sources by the batch.
    fn watcher(watchers: &Watchers, user: i64, sources: &[i64]) -> (Arc<Inbox>, Channels) {
        let inbox = watchers.admit(ACCOUNT, UserId(user)).unwrap();
        let (mut channels, mut changes) = (Channels::default(), Changes::default());
        for source in sources.iter().map(|id| SourceId(*id)) {
            let place = Place { source, model: ModelCode::find("telfmb920").unwrap(), blocked: false };
            channels[Batch as usize].put(TrackerId(source.0), place, FULL, &mut 1000, &mut changes);
        }
        watchers.route(&inbox, Batch, &changes.joined);
        (inbox, channels)
    }

    fn ids(sources: Vec<SourceId>) -> Vec<i64> {
        sources.into_iter().map(|source| source.0).collect()
    }

    #[test]
    fn changes_are_a_set_not_a_queue() {
        let watchers = Watchers::default();
        let (inbox, channels) = watcher(&watchers, 1, &[1, 2]);
        assert_eq!(inbox.news(&channels), News::default());
        for _ in 0..1000 {
            (1..=3).for_each(|source| watchers.changed(SourceId(source), MOVED));
        }
        assert_eq!(inbox.news(&channels), news_of(&[Batch]));
        assert_eq!(ids(inbox.take_changed(Batch, &channels)), [2, 1]);
        assert_eq!(inbox.take_changed(Single, &channels), []);
        assert_eq!(inbox.news(&channels), News::default());
        watchers.changed(SourceId(1), MOVED);
        assert_eq!(ids(inbox.take_changed(Batch, &channels)), [1]);
    }

    #[test]
    fn each_channel_hears_what_shows_in_it() {
        type Tell = fn(&Watchers);
        let cases: [(Tell, &[Channel]); 5] = [
            (|all| all.changed(SourceId(1), MOVED), &[Single, Batch, Readings, Attributes]),
            (|all| all.changed(SourceId(1), HEARD_OF), &[Attributes]),
            (|all| all.readings_changed(SourceId(1)), &[Readings]),
            (|all| all.hear(Heard::Signal(Signal::EventHappened(SourceId(1)))), &[Events]),
            (|all| all.hear(Heard::Signal(Signal::EventHappened(SourceId(2)))), &[]),
        ];
        for (tell, heard) in cases {
            let watchers = Watchers::default();
            let inbox = watchers.admit(ACCOUNT, UserId(1)).unwrap();
            for channel in Channel::ALL {
                watchers.route(&inbox, channel, &[SourceId(1)]);
            }
            tell(&watchers);
            assert_eq!(inbox.news(&Channels::default()), news_of(heard));
        }
    }

    #[test]
    fn after_a_loss_everything_counts_as_changed() {
        let watchers = Watchers::default();
        let (inbox, channels) = watcher(&watchers, 1, &[1, 2]);
        let (idle, nothing) = watcher(&watchers, 2, &[]);
        watchers.tell(|_| true, |waiting| waiting.lost = true);
        assert_eq!(inbox.news(&channels), news_of(&[Batch]));
        assert_eq!(ids(inbox.take_changed(Batch, &channels)), [2, 1]);
        assert_eq!(ids(inbox.take_changed(Batch, &channels)), [0; 0]);
        assert_eq!(idle.news(&nothing), News::default());
    }

    #[test]
    fn signals_reach_whom_they_concern() {
        for (heard, expected) in [
            (Heard::Lost, [true, true]),
            (Heard::Signal(Signal::AccountChanged(ACCOUNT)), [true, true]),
            (Heard::Signal(Signal::AccountChanged(AccountId(2))), [false, false]),
            (Heard::Signal(Signal::SessionsEnded(UserId(2))), [false, true]),
            (Heard::Signal(Signal::SourceChanged(SourceId(1))), [true, false]),
            (Heard::Signal(Signal::TariffsChanged), [false, false]),
        ] {
            let watchers = Watchers::default();
            let both = [watcher(&watchers, 1, &[1]), watcher(&watchers, 2, &[2])];
            watchers.hear(heard);
            assert_eq!(both.each_ref().map(|(inbox, of)| inbox.news(of).stale), expected, "{heard:?}");
        }
    }

    #[test]
    fn who_left_costs_nothing() {
        let watchers = Watchers::default();
        let (stays, channels) = watcher(&watchers, 1, &[1, 2]);
        let (leaves, _) = watcher(&watchers, 1, &[2, 3]);
        assert_eq!(watchers.room(), ROUTES - 4);
        watchers.unroute(&leaves, Batch, &[SourceId(2), SourceId(3)]);
        watchers.forget(&leaves);
        assert_eq!((watchers.room(), watchers.read().by_source.len()), (ROUTES - 2, 2));
        watchers.changed(SourceId(2), MOVED);
        assert_eq!(ids(stays.take_changed(Batch, &channels)), [2]);
        assert_eq!(Arc::strong_count(&leaves), 1);
    }

    #[test]
    fn a_user_has_so_many_watchers() {
        let watchers = Watchers::default();
        let refusal = |user| watchers.admit(ACCOUNT, UserId(user)).err().map(|failure| failure.code);
        for _ in 0..WATCHERS_PER_USER {
            assert_eq!(refusal(1), None);
        }
        assert_eq!(refusal(1), Some(ErrorCode::TooManyRequests));
        assert_eq!(refusal(2), None);
    }
}
