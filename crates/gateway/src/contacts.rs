//! Signs of life for the journal, coalesced: of one source the first is noted at once, and of those that follow
//! within the interval only the last state, when the interval is over. A login or an end outweighs a heartbeat, so
//! the last word about the connection always comes out, late by one interval at most.

use crate::lock;
use domain::{Contact, ContactKind, SourceId};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use store::journal::Journal;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

pub(crate) struct Contacts {
    journal: Arc<dyn Journal>,
    interval: Duration,
    sources: usize,
    quiet: Mutex<Quiet>,
    began: Notify,
}

/// Sources about which something was noted less than one interval ago.
#[derive(Default)]
struct Quiet {
    pending: HashMap<SourceId, Option<Contact>>,
    /// When the interval of each is over; in this order because all are equally long.
    over: VecDeque<(Instant, SourceId)>,
}

impl Contacts {
    pub(crate) fn new(journal: Arc<dyn Journal>, interval: Duration, sources: usize) -> Self {
        Self { journal, interval, sources, quiet: Mutex::default(), began: Notify::new() }
    }

    pub(crate) fn note(&self, contact: Contact) {
        let quiet = &mut *lock(&self.quiet);
        if let Some(pending) = quiet.pending.get_mut(&contact.source) {
            *pending = Some(pending.map_or(contact, |before| merged(before, contact)));
            return;
        }
        self.journal.note(contact);
        if quiet.pending.len() < self.sources {
            quiet.pending.insert(contact.source, None);
            quiet.over.push_back((Instant::now() + self.interval, contact.source));
            self.began.notify_one();
        }
    }

    /// Notes what was held back as its time comes. Never ends.
    pub(crate) async fn run(&self) {
        loop {
            let first = lock(&self.quiet).over.front().map(|(over, _)| *over);
            match first {
                Some(over) => sleep_until(over).await,
                None => self.began.notified().await,
            }
            self.note_pending(Instant::now());
        }
    }

    /// Notes everything that was held back.
    pub(crate) fn flush(&self) {
        let quiet = &mut *lock(&self.quiet);
        quiet.over.clear();
        for contact in quiet.pending.drain().filter_map(|(_, pending)| pending) {
            self.journal.note(contact);
        }
    }

    fn note_pending(&self, now: Instant) {
        let quiet = &mut *lock(&self.quiet);
        while let Some((_, source)) = quiet.over.pop_front_if(|(over, _)| *over <= now) {
            match quiet.pending.get_mut(&source).and_then(Option::take) {
                Some(contact) => {
                    self.journal.note(contact);
                    quiet.over.push_back((now + self.interval, source));
                }
                None => {
                    quiet.pending.remove(&source);
                }
            }
        }
    }
}

/// What stands for two contacts, one after the other.
fn merged(before: Contact, after: Contact) -> Contact {
    match after.kind {
        ContactKind::Heartbeat => Contact { received: after.received, ..before },
        _ => after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Record, Timestamp, Transport};
    use store::journal::{Appending, Follower, JournalError, Position};

    #[derive(Default)]
    struct Noted(Mutex<Vec<Contact>>);

    impl Journal for Noted {
        fn append(&self, _: Vec<Record>) -> Appending {
            Box::pin(async { Err(JournalError::Closed) })
        }
        fn note(&self, contact: Contact) {
            lock(&self.0).push(contact);
        }
        fn follow(&self, _: Position) -> Box<dyn Follower> {
            unreachable!("contacts are only written")
        }
        fn end(&self) -> Position {
            Position(0)
        }
        fn trouble(&self) -> Option<JournalError> {
            None
        }
    }

    const LOGIN: ContactKind = ContactKind::Login(Transport::Tcp);
    use ContactKind::{Closed, Heartbeat, Lost};

    #[tokio::test(start_paused = true)]
    async fn the_first_and_the_last_state_of_an_interval_are_noted() {
        for (said, expected) in [
            (&[(0, LOGIN)][..], &[(0, LOGIN)][..]),
            (
                &[(0, Heartbeat), (9, Heartbeat), (11, Heartbeat)],
                &[(0, Heartbeat), (9, Heartbeat), (11, Heartbeat)],
            ),
            (&[(0, LOGIN), (1, Closed), (2, LOGIN), (3, Heartbeat)], &[(0, LOGIN), (3, LOGIN)]),
            (&[(0, LOGIN), (1, Heartbeat), (2, Lost)], &[(0, LOGIN), (2, Lost)]),
            (&[(0, LOGIN), (30, Closed)], &[(0, LOGIN), (30, Closed)]),
        ] {
            let journal = Arc::new(Noted::default());
            let contacts = Arc::new(Contacts::new(journal.clone(), Duration::from_secs(10), 1));
            let run = tokio::spawn({
                let contacts = contacts.clone();
                async move { contacts.run().await }
            });
            let start = Instant::now();
            for &(second, kind) in said {
                sleep_until(start + Duration::from_secs(second)).await;
                let received = Timestamp::from_seconds(second as i64);
                contacts.note(Contact { source: SourceId(1), received, kind });
            }
            sleep_until(start + Duration::from_secs(100)).await;
            let noted: Vec<_> =
                lock(&journal.0).iter().map(|it| (it.received.seconds() as u64, it.kind)).collect();
            assert_eq!(noted, expected);
            assert!(lock(&contacts.quiet).pending.is_empty() && lock(&contacts.quiet).over.is_empty());
            run.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn further_sources_are_noted_one_by_one_and_a_flush_keeps_nothing() {
        let journal = Arc::new(Noted::default());
        let contacts = Contacts::new(journal.clone(), Duration::from_secs(10), 1);
        let note = |source, kind| {
            contacts.note(Contact { source: SourceId(source), received: Timestamp::from_millis(0), kind });
        };
        for source in [1, 2] {
            note(source, LOGIN);
            note(source, Heartbeat);
            note(source, Closed);
        }
        let kinds = |source| -> Vec<_> {
            lock(&journal.0).iter().filter(|it| it.source == SourceId(source)).map(|it| it.kind).collect()
        };
        assert_eq!(kinds(1), [LOGIN]);
        assert_eq!(kinds(2), [LOGIN, Heartbeat, Closed]);
        contacts.flush();
        assert_eq!(kinds(1), [LOGIN, Closed]);
    }
}
