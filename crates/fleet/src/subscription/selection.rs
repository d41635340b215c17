//! Which trackers one channel watches, and on which sources they stand.

use super::{Interest, Lifecycle, Standing, Target, Told};
use domain::{ModelCode, SourceId, TrackerId};
use std::collections::{BTreeSet, HashMap};

#[derive(Default)]
pub(super) struct Selection {
    /// What is wanted of new trackers, when all are watched.
    all: Option<Interest>,
    trackers: HashMap<TrackerId, SourceId>,
    sources: HashMap<SourceId, Watched>,
}

struct Watched {
    place: Place,
    interest: Interest,
    /// The watched trackers that stand on it.
    trackers: Vec<TrackerId>,
    told: Told,
}

/// Where a tracker stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) source: SourceId,
    pub(super) model: ModelCode,
    pub(super) blocked: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Found {
    Tracker(Place),
    /// The account has it, the caller does not see it.
    Hidden,
    Gone,
}

/// What has to be done after a selection was changed.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) joined: Vec<SourceId>,
    pub(super) left: Vec<SourceId>,
    /// Sources whose state has to be shown.
    pub(super) changed: Vec<SourceId>,
}

impl Selection {
    /// Watches all trackers, those that come later too.
    pub(super) fn take_all(&mut self, interest: Interest) {
        self.all = Some(interest);
    }

    /// Watches a tracker too; `room` is for how many more sources there is room.
    pub(super) fn put(
        &mut self,
        tracker: TrackerId,
        place: Place,
        interest: Interest,
        room: &mut usize,
        changes: &mut Changes,
    ) -> Standing {
        if self.trackers.get(&tracker).is_some_and(|known| *known != place.source) {
            self.remove(tracker, changes);
        }
        if !self.sources.contains_key(&place.source) {
            if *room == 0 || self.sources.len() >= interest.channel().most_sources() {
                return Standing::Disallowed;
            }
            *room -= 1;
            changes.joined.push(place.source);
        }
        let watched = self.sources.entry(place.source).or_insert_with(|| Watched {
            place,
            interest,
            trackers: Vec::new(),
            told: Told::default(),
        });
        (watched.place, watched.interest, watched.told) = (place, interest, Told::default());
        if self.trackers.insert(tracker, place.source).is_none() {
            watched.trackers.push(tracker);
        }
        if !place.blocked {
            changes.changed.push(place.source);
        }
        place.standing()
    }

    /// Answers how each stood.
    pub(super) fn cancel(&mut self, target: &Target, changes: &mut Changes) -> Vec<(TrackerId, Standing)> {
        self.all = None;
        let mut ids = match target {
            Target::All => self.trackers.keys().copied().collect(),
            Target::Selected(ids) => ids.clone(),
        };
        ids.sort_unstable();
        ids.into_iter().map(|id| (id, self.remove(id, changes))).collect()
    }

    fn remove(&mut self, tracker: TrackerId, changes: &mut Changes) -> Standing {
        let Some(source) = self.trackers.remove(&tracker) else { return Standing::Unknown };
        let Some(watched) = self.sources.get_mut(&source) else { return Standing::Unknown };
        let standing = watched.place.standing();
        watched.trackers.retain(|other| *other != tracker);
        if watched.trackers.is_empty() {
            self.sources.remove(&source);
            changes.left.push(source);
        }
        standing
    }

    /// Looks at each again with `find`, and takes in the new of `all`.
    pub(super) fn refresh(
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
                            watched.told = Told::default();
                            changes.changed.push(source);
                        }
                        _ => {}
                    }
                }
                // It was replaced.
                Found::Tracker(place) => {
                    let Some(interest) = self.sources.get(&source).map(|watched| watched.interest) else {
                        continue;
                    };
                    self.put(tracker, place, interest, room, changes);
                }
                Found::Hidden => _ = self.remove(tracker, changes),
                Found::Gone => {
                    self.remove(tracker, changes);
                    events.insert((source, Lifecycle::Corrupt));
                }
            }
        }
        let Some(interest) = self.all else { return };
        for tracker in all {
            if !self.trackers.contains_key(&tracker)
                && let Found::Tracker(place) = find(tracker)
            {
                self.put(tracker, place, interest, room, changes);
            }
        }
    }
}

impl Selection {
    pub(super) fn sources(&self) -> impl Iterator<Item = SourceId> {
        self.sources.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether the tracker is watched, and not blocked.
    pub(super) fn shows(&self, tracker: TrackerId) -> bool {
        self.trackers.get(&tracker).is_some_and(|source| self.shown(*source).is_some())
    }

    /// Of a source that is shown: its device model, and what is wanted.
    pub(super) fn shown(&self, source: SourceId) -> Option<(ModelCode, Interest)> {
        let watched = self.sources.get(&source).filter(|watched| !watched.place.blocked)?;
        Some((watched.place.model, watched.interest))
    }

    /// The watched trackers that stand on a source.
    pub(super) fn trackers_on(&self, source: SourceId) -> &[TrackerId] {
        self.sources.get(&source).map_or(&[], |watched| &watched.trackers)
    }

    pub(super) fn told(&mut self, source: SourceId) -> Option<&mut Told> {
        self.sources.get_mut(&source).map(|watched| &mut watched.told)
    }
}

impl Place {
    fn standing(self) -> Standing {
        if self.blocked { Standing::Blocked } else { Standing::Normal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::{Channel, Detail};

    const FULL: Interest = Interest::Batch(Detail::Full);

    fn place(source: i64) -> Place {
        let model = ModelCode::find("telfmb920").unwrap();
        Place { source: SourceId(source), model, blocked: false }
    }

    fn blocked(source: i64) -> Place {
        Place { blocked: true, ..place(source) }
    }

    /// A selection of trackers that stand on the sources of the same number.
    fn selection(trackers: &[i64]) -> Selection {
        let mut selection = Selection::default();
        for id in trackers {
            selection.put(TrackerId(*id), place(*id), FULL, &mut 1000, &mut Changes::default());
        }
        selection
    }

    fn sources(ids: &[i64]) -> Vec<SourceId> {
        ids.iter().map(|id| SourceId(*id)).collect()
    }

    #[test]
    fn what_became_of_trackers_is_noticed_once() {
        let old = || Found::Tracker(place(1));
        type Case = (&'static str, Found, [&'static [i64]; 3], Option<Lifecycle>);
        let cases: [Case; 6] = [
            ("nothing", old(), [&[], &[], &[]], None),
            ("blocked", Found::Tracker(blocked(1)), [&[], &[], &[]], Some(Lifecycle::Block)),
            ("replaced", Found::Tracker(place(7)), [&[7], &[1], &[7]], None),
            ("replaced and blocked", Found::Tracker(blocked(7)), [&[7], &[1], &[]], None),
            ("gone", Found::Gone, [&[], &[1], &[]], Some(Lifecycle::Corrupt)),
            ("not to be seen any more", Found::Hidden, [&[], &[1], &[]], None),
        ];
        for (what, found, [joined, left, changed], lifecycle) in cases {
            let mut selection = selection(&[1]);
            let mut look = |times: &str| {
                let (mut changes, mut events) = (Changes::default(), BTreeSet::new());
                let find = |_| found;
                selection.refresh(find, [].into_iter(), &mut 1000, &mut changes, &mut events);
                let events: Vec<_> = events.into_iter().collect();
                (changes, events, format!("{what}, {times}"))
            };
            let (changes, events, what) = look("first");
            assert_eq!(changes.joined, sources(joined), "{what}");
            assert_eq!(changes.left, sources(left), "{what}");
            assert_eq!(changes.changed, sources(changed), "{what}");
            assert_eq!(events, Vec::from_iter(lifecycle.map(|event| (SourceId(1), event))), "{what}");
            let (changes, events, what) = look("again");
            assert!(changes.joined.is_empty() && changes.left.is_empty() && events.is_empty(), "{what}");
        }
    }

    #[test]
    fn the_state_of_an_unblocked_source_is_shown() {
        let mut selection = Selection::default();
        let (mut changes, mut events) = (Changes::default(), BTreeSet::new());
        let standing = selection.put(TrackerId(1), blocked(1), FULL, &mut 1000, &mut changes);
        assert_eq!((standing, selection.shown(SourceId(1)).is_some()), (Standing::Blocked, false));
        assert_eq!(changes.changed, []);
        selection.refresh(|_| Found::Tracker(place(1)), [].into_iter(), &mut 0, &mut changes, &mut events);
        assert_eq!(changes.changed, sources(&[1]));
        assert_eq!(events.into_iter().collect::<Vec<_>>(), [(SourceId(1), Lifecycle::Unblock)]);
        assert!(selection.shown(SourceId(1)).is_some());
    }

    #[test]
    fn new_trackers_join_when_all_are_watched() {
        for (all, joined) in [(true, sources(&[2])), (false, vec![])] {
            let mut selection = selection(&[1]);
            if all {
                selection.take_all(Interest::Batch(Detail::Compact));
            }
            let (mut changes, mut events) = (Changes::default(), BTreeSet::new());
            let find = |id: TrackerId| Found::Tracker(place(id.0));
            let ids = [1, 2].map(TrackerId).into_iter();
            selection.refresh(find, ids, &mut 1000, &mut changes, &mut events);
            assert_eq!(changes.joined, joined);
            assert!(events.is_empty());
            let interest = selection.shown(SourceId(2)).map(|(_, interest)| interest);
            assert_eq!(interest, all.then_some(Interest::Batch(Detail::Compact)));
        }
    }

    #[test]
    fn clones_share_a_source() {
        let mut selection = selection(&[1]);
        let mut changes = Changes::default();
        selection.put(TrackerId(2), place(1), FULL, &mut 0, &mut changes);
        assert_eq!(changes.joined, [], "the source is watched already, so no room is needed");
        selection.cancel(&Target::Selected(vec![TrackerId(1)]), &mut changes);
        assert_eq!(changes.left, []);
        let standings = selection.cancel(&Target::Selected(vec![TrackerId(2), TrackerId(3)]), &mut changes);
        assert_eq!(standings, [(TrackerId(2), Standing::Normal), (TrackerId(3), Standing::Unknown)]);
        assert_eq!(changes.left, sources(&[1]));
        assert!(selection.is_empty());
    }

    #[test]
    fn what_finds_no_room_is_disallowed() {
        for (interest, most) in [(FULL, 100_000), (Interest::Attributes, 10)] {
            let (mut selection, mut changes) = (Selection::default(), Changes::default());
            let mut room = most + 10;
            let mut put = |id: usize, room: &mut usize| {
                let id = id as i64;
                selection.put(TrackerId(id), place(id), interest, room, &mut changes)
            };
            assert_eq!(put(0, &mut 0), Standing::Disallowed);
            for id in 1..=most {
                assert_eq!(put(id, &mut room), Standing::Normal);
            }
            assert_eq!(room, 10);
            assert_eq!(put(most + 1, &mut room), Standing::Disallowed);
        }
    }

    #[test]
    fn what_was_told_is_forgotten_when_it_has_to_be_told_again() {
        let tell = |selection: &mut Selection| {
            let mut round = selection.told(SourceId(1)).unwrap().round();
            round.is_new(b"value") | round.is_first()
        };
        let mut selection = selection(&[1]);
        assert!(tell(&mut selection) && !tell(&mut selection));
        selection.put(TrackerId(1), place(1), FULL, &mut 0, &mut Changes::default());
        assert!(tell(&mut selection) && !tell(&mut selection), "it was subscribed to again");
        for (found, again) in [(blocked(1), false), (place(1), true), (place(1), false)] {
            let (mut changes, mut events) = (Changes::default(), BTreeSet::new());
            let find = |_| Found::Tracker(found);
            selection.refresh(find, [].into_iter(), &mut 0, &mut changes, &mut events);
            assert_eq!(tell(&mut selection), again, "{events:?}");
        }
        assert_eq!(selection.trackers_on(SourceId(1)), [TrackerId(1)]);
        assert_eq!(FULL.channel(), Channel::Batch);
    }
}
