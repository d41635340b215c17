//! What a connection does for a logged-in user: which sources wait to be shown, and when.

use super::{
    limits::{BATCH_BYTES, LOOK_EVERY, LOOK_PAUSE, RETRY_PAUSE},
    outgoing::{self, Batch, Outcomes},
    request::{Action, Wanted},
};
use crate::dates::Dates;
use domain::SourceId;
use fleet::{Channel, Failure, Fleet, News, Untold, Watcher};
use std::{cmp::Reverse, collections::HashMap, time::Duration};
use tokio::time::{Instant, sleep_until};

pub(super) struct Session {
    pub(super) hash: String,
    pub(super) iso: bool,
    pub(super) watcher: Watcher,
    pub(super) looked: Instant,
    /// Sources whose states go out one by one, the next one last.
    singles: Vec<SourceId>,
    states: Queue,
    readings: Queue,
    attributes: Queue,
    events: Queue,
}

/// Sources that go out by the batch.
struct Queue {
    channel: Channel,
    /// Of the batch that is being sent, the next one last.
    sources: Vec<SourceId>,
    /// What could not be read, and when that was tried. It comes after everything else, so that it is in nobody's way.
    unreadable: HashMap<SourceId, Instant>,
    /// When the next batch may begin.
    due: Instant,
    rate_limit: Duration,
}

/// What there is to do.
pub(super) enum Due {
    /// To look at the session and the trackers again.
    Look,
    /// To show something.
    News,
    /// Nothing any more.
    Ended,
}

impl Session {
    pub(super) fn new(watcher: Watcher) -> Self {
        Self {
            hash: String::new(),
            iso: false,
            watcher,
            looked: Instant::now(),
            singles: Vec::new(),
            states: Queue::new(Channel::Batch),
            readings: Queue::new(Channel::Readings),
            attributes: Queue::new(Channel::Attributes),
            events: Queue::new(Channel::Events),
        }
    }

    /// # Errors
    /// When the catalog cannot be read.
    pub(super) async fn perform(&mut self, action: Action, wanted: &[Wanted]) -> Result<Outcomes, Failure> {
        if action == Action::Subscribe && wanted.iter().any(|it| it.interest.channel() == Channel::Events) {
            self.watcher.follow_events().await?;
        }
        let mut outcomes = Outcomes::new();
        for wanted in wanted {
            let channel = wanted.interest.channel();
            let standings = match action {
                Action::Subscribe => {
                    if let Some(queue) = self.queues_mut().into_iter().find(|queue| queue.channel == channel)
                    {
                        (queue.rate_limit, queue.due) = (wanted.rate_limit, Instant::now());
                    }
                    self.watcher.subscribe(&wanted.target, wanted.interest)
                }
                Action::Unsubscribe => self.watcher.unsubscribe(channel, &wanted.target),
            };
            outcomes.entry(wanted.event()).or_default().0.extend(standings);
        }
        Ok(outcomes)
    }

    /// Waits until there is something to do. Nothing is lost when the future is dropped.
    pub(super) async fn next_due(&mut self) -> Due {
        loop {
            let (now, news) = (Instant::now(), self.watcher.news());
            if news.ended {
                return Due::Ended;
            }
            let look_due = self.looked + if news.stale { LOOK_PAUSE } else { LOOK_EVERY };
            if now >= look_due {
                return Due::Look;
            }
            let batch_due = self.queues().into_iter().filter_map(|queue| queue.next(now, &news)).min();
            let single = news.of(Channel::Single) || !self.singles.is_empty();
            if single || batch_due.is_some_and(|due| now >= due) {
                return Due::News;
            }
            let due = batch_due.map_or(look_due, |due| due.min(look_due));
            tokio::select! {
                () = self.watcher.woken() => {}
                () = sleep_until(due) => {}
            }
        }
    }

    /// The next state to go out by itself.
    pub(super) fn single(&mut self, fleet: &Fleet) -> Option<String> {
        if self.singles.is_empty() {
            self.singles = self.watcher.take_changed(Channel::Single);
        }
        let now = fleet.now();
        while let Some(source) = self.singles.pop() {
            if let Some((view, detail)) = self.watcher.state(Channel::Single, source, now) {
                return Some(outgoing::state(view, detail, &self.dates(fleet), now));
            }
        }
        None
    }

    /// The next message of each kind of batch, when it is time for one.
    pub(super) async fn batches(&mut self, fleet: &Fleet) -> [Option<String>; 3] {
        [self.state_batch(fleet), self.readings_batch(fleet).await, self.attributes_batch(fleet).await]
    }

    fn state_batch(&mut self, fleet: &Fleet) -> Option<String> {
        self.states.fill(&mut self.watcher);
        let (now, dates) = (fleet.now(), self.dates(fleet));
        let mut batch = Batch::states(dates.written(now));
        while batch.bytes() < BATCH_BYTES
            && let Some(source) = self.states.sources.pop()
        {
            if let Some((view, detail)) = self.watcher.state(Channel::Batch, source, now) {
                batch.push(view, detail, &dates);
            }
        }
        batch.finish()
    }

    async fn readings_batch(&mut self, fleet: &Fleet) -> Option<String> {
        self.readings.fill(&mut self.watcher);
        let dates = self.dates(fleet);
        let mut batch = Batch::readings(dates.written(fleet.now()));
        while batch.bytes() < BATCH_BYTES
            && let Some(source) = self.readings.sources.pop()
        {
            match self.watcher.readings(source).await {
                Ok(all) => {
                    self.readings.unreadable.remove(&source);
                    let Some(told) = self.watcher.told(Channel::Readings, source) else { continue };
                    let mut round = told.round();
                    for (tracker, readings) in all {
                        batch.push_readings(tracker, readings, &mut round, &dates);
                    }
                }
                Err(_) => self.readings.put_back(source, &self.watcher),
            }
        }
        batch.finish()
    }

    async fn attributes_batch(&mut self, fleet: &Fleet) -> Option<String> {
        self.attributes.fill(&mut self.watcher);
        let mut batch = Batch::attributes(self.dates(fleet).written(fleet.now()));
        while batch.bytes() < BATCH_BYTES
            && let Some(source) = self.attributes.sources.pop()
        {
            match self.watcher.attributes(source).await {
                Ok(all) => {
                    self.attributes.unreadable.remove(&source);
                    let Some(told) = self.watcher.told(Channel::Attributes, source) else { continue };
                    let mut round = told.round();
                    for (tracker, queues) in all {
                        batch.push_attributes(tracker, queues, &mut round);
                    }
                }
                Err(_) => self.attributes.put_back(source, &self.watcher),
            }
        }
        batch.finish()
    }

    /// What has happened; each is a message.
    pub(super) async fn events(&mut self, fleet: &Fleet) -> Vec<String> {
        self.events.fill(&mut self.watcher);
        let sources = std::mem::take(&mut self.events.sources);
        let Some(any) = sources.first().copied() else { return Vec::new() };
        match self.watcher.events().await {
            Ok(Untold { events, more }) => {
                self.events.unreadable.clear();
                if more {
                    self.watcher.changed_again(Channel::Events, vec![any]);
                }
                let (now, dates) = (fleet.now(), self.dates(fleet));
                events.into_iter().map(|event| outgoing::happened(event, &dates, now)).collect()
            }
            Err(_) => {
                self.events.put_back(any, &self.watcher);
                Vec::new()
            }
        }
    }

    pub(super) fn dates(&self, fleet: &Fleet) -> Dates {
        Dates::new(&self.watcher.caller().user.settings.time_zone, self.iso, fleet.now())
    }

    fn queues(&self) -> [&Queue; 4] {
        [&self.states, &self.readings, &self.attributes, &self.events]
    }

    fn queues_mut(&mut self) -> [&mut Queue; 4] {
        [&mut self.states, &mut self.readings, &mut self.attributes, &mut self.events]
    }
}

impl Queue {
    fn new(channel: Channel) -> Self {
        Self {
            channel,
            sources: Vec::new(),
            unreadable: HashMap::new(),
            due: Instant::now(),
            rate_limit: Duration::ZERO,
        }
    }

    /// When there is something to send; a batch that was begun goes on at once.
    fn next(&self, now: Instant, news: &News) -> Option<Instant> {
        if self.sources.is_empty() { news.of(self.channel).then_some(self.due) } else { Some(now) }
    }

    /// Begins the next batch when it is time for it.
    fn fill(&mut self, watcher: &mut Watcher) {
        if self.sources.is_empty() && Instant::now() >= self.due {
            self.sources = watcher.take_changed(self.channel);
            if !self.sources.is_empty() {
                self.due = Instant::now() + self.rate_limit;
            }
            if !self.unreadable.is_empty() {
                self.sources.sort_by_key(|source| Reverse(self.unreadable.get(source).copied()));
            }
        }
    }

    /// Gives up the batch: what it is made of cannot be read now, perhaps of this source alone.
    fn put_back(&mut self, source: SourceId, watcher: &Watcher) {
        self.unreadable.insert(source, Instant::now());
        self.sources.push(source);
        watcher.changed_again(self.channel, std::mem::take(&mut self.sources));
        self.due = self.due.max(Instant::now() + RETRY_PAUSE);
    }
}
