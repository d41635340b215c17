//! The messages that wait for a position, by the question that would answer them: all that heard the same cells share
//! one. Bounded in all, for each source, and in time; what is dropped is counted.

use super::{CellName, HeardCell};
use domain::{RecordHash, SourceId, Timestamp};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What waits for the same answer. Strength is not part of it: it changes with each message.
pub(super) type Key = Arc<[CellName]>;

/// A message without a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Named {
    pub source: SourceId,
    /// Where it stands on the time line.
    pub time: Timestamp,
    /// `None` for a user's question, which completes no message.
    pub hash: Option<RecordHash>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub all: usize,
    pub of_source: usize,
}

#[derive(Default)]
pub(super) struct Waiting {
    /// By position in the journal, so in the order in which they came in.
    messages: BTreeMap<u64, Message>,
    positions: HashMap<Named, u64>,
    of_source: HashMap<SourceId, BTreeSet<u64>>,
    questions: HashMap<Key, Question>,
    /// Questions that nobody is asking: which comes next is last. One that failed lets the others go first, so that one that
    /// always fails does not hold them up; of the others the one with the newest message.
    open: BTreeMap<(Reverse<u32>, u64), Key>,
}

struct Message {
    named: Named,
    received: Timestamp,
    key: Key,
}

struct Question {
    /// As the newest message heard them.
    cells: Vec<HeardCell>,
    messages: BTreeSet<u64>,
    failures: u32,
    is_asked: bool,
}

impl Question {
    /// Its place among those that are open.
    fn turn(&self) -> Option<(Reverse<u32>, u64)> {
        self.messages.last().map(|newest| (Reverse(self.failures), *newest))
    }
}

pub(super) fn key(cells: &[HeardCell]) -> Key {
    let mut names: Vec<CellName> = cells.iter().map(|cell| cell.name).collect();
    names.sort_unstable();
    names.into()
}

impl Waiting {
    /// Answers how many others had to give way.
    pub(super) fn add(
        &mut self,
        position: u64,
        named: Named,
        received: Timestamp,
        cells: Vec<HeardCell>,
        bounds: Bounds,
    ) -> usize {
        // A copy of one that waits has nothing to wait for.
        if self.positions.contains_key(&named) {
            return 0;
        }
        let key = key(&cells);
        self.positions.insert(named, position);
        self.of_source.entry(named.source).or_default().insert(position);
        self.messages.insert(position, Message { named, received, key: Arc::clone(&key) });
        let question = self.questions.entry(Arc::clone(&key)).or_insert_with(|| Question {
            cells: Vec::new(),
            messages: BTreeSet::new(),
            failures: 0,
            is_asked: false,
        });
        if !question.is_asked {
            question.turn().map(|turn| self.open.remove(&turn));
        }
        question.messages.insert(position);
        question.cells = cells;
        if !question.is_asked {
            question.turn().map(|turn| self.open.insert(turn, key));
        }
        self.give_way(named.source, bounds)
    }

    fn give_way(&mut self, source: SourceId, bounds: Bounds) -> usize {
        let mut dropped = 0;
        while let Some(positions) = self.of_source.get(&source)
            && positions.len() > bounds.of_source
            && let Some(oldest) = positions.first().copied()
        {
            self.remove(oldest);
            dropped += 1;
        }
        while self.messages.len() > bounds.all
            && let Some((oldest, _)) = self.messages.first_key_value()
        {
            let oldest = *oldest;
            self.remove(oldest);
            dropped += 1;
        }
        dropped
    }

    /// Takes out what came in before `moment`; answers how many.
    pub(super) fn drop_before(&mut self, moment: Timestamp) -> usize {
        let mut dropped = 0;
        while let Some((oldest, message)) = self.messages.first_key_value()
            && message.received < moment
        {
            let oldest = *oldest;
            self.remove(oldest);
            dropped += 1;
        }
        dropped
    }

    /// Takes a message out that has its position.
    pub(super) fn complete(&mut self, named: &Named) {
        if let Some(position) = self.positions.get(named) {
            self.remove(*position);
        }
    }

    fn remove(&mut self, position: u64) {
        let Some(Message { named, key, .. }) = self.messages.remove(&position) else { return };
        self.positions.remove(&named);
        if let Some(positions) = self.of_source.get_mut(&named.source) {
            positions.remove(&position);
            if positions.is_empty() {
                self.of_source.remove(&named.source);
            }
        }
        let Some(question) = self.questions.get_mut(&key) else { return };
        if !question.is_asked {
            question.turn().map(|turn| self.open.remove(&turn));
        }
        question.messages.remove(&position);
        match question.turn() {
            None => _ = self.questions.remove(&key),
            Some(turn) if !question.is_asked => _ = self.open.insert(turn, key),
            Some(_) => {}
        }
    }

    /// The next question that nobody asks yet; from now on somebody does.
    pub(super) fn ask_next(&mut self) -> Option<(Key, Vec<HeardCell>)> {
        let (_, key) = self.open.pop_last()?;
        let question = self.questions.get_mut(&key)?;
        question.is_asked = true;
        Some((key, question.cells.clone()))
    }

    /// Asking it has failed, and nobody does any more.
    pub(super) fn put_back(&mut self, key: &Key) {
        if let Some(question) = self.questions.get_mut(key).filter(|question| question.is_asked) {
            question.is_asked = false;
            question.failures = question.failures.saturating_add(1);
            question.turn().map(|turn| self.open.insert(turn, Arc::clone(key)));
        }
    }

    /// The messages that wait for a question's answer.
    pub(super) fn waiting_for(&self, key: &Key) -> Vec<Named> {
        let messages = self.questions.get(key).into_iter().flat_map(|question| &question.messages);
        messages.filter_map(|position| Some(self.messages.get(position)?.named)).collect()
    }

    /// Takes out all messages that wait for a question's answer; answers how many.
    pub(super) fn answered(&mut self, key: &Key) -> usize {
        let Some(question) = self.questions.get(key) else { return 0 };
        let positions: Vec<u64> = question.messages.iter().copied().collect();
        positions.iter().for_each(|position| self.remove(*position));
        positions.len()
    }

    /// The position of the oldest message.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.messages.first_key_value().map(|(position, _)| *position)
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds { all: 6, of_source: 3 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn cell(id: u64) -> HeardCell {
        HeardCell { name: CellName { mcc: 262, mnc: 2, area: 1, id }, dbm: None }
    }

    fn named(source: i64, number: u64) -> Named {
        Named { source: SourceId(source), time: at(number as i64), hash: Some(RecordHash(number.into())) }
    }

    fn add(waiting: &mut Waiting, source: i64, position: u64, cells: &[u64]) -> usize {
        let cells = cells.iter().map(|id| cell(*id)).collect();
        waiting.add(position, named(source, position), at(position as i64), cells, BOUNDS)
    }

    fn next(waiting: &mut Waiting) -> Option<u64> {
        waiting.ask_next().map(|(key, _)| key[0].id)
    }

    #[test]
    fn the_newest_is_asked_first_and_the_same_cells_once() {
        let mut waiting = Waiting::default();
        for (position, cells) in [(0, &[1, 2][..]), (1, &[3]), (2, &[2, 1])] {
            add(&mut waiting, position as i64, position, cells);
        }
        let first = waiting.ask_next().unwrap();
        assert_eq!(waiting.waiting_for(&first.0), [named(0, 0), named(2, 2)]);
        add(&mut waiting, 4, 4, &[1, 2]);
        assert_eq!((next(&mut waiting), next(&mut waiting)), (Some(3), None));
        waiting.put_back(&first.0);
        add(&mut waiting, 3, 3, &[4]);
        assert_eq!(
            (next(&mut waiting), next(&mut waiting)),
            (Some(4), Some(1)),
            "the one that failed comes last"
        );
        waiting.complete(&named(3, 3));
        assert_eq!(waiting.answered(&first.0), 3);
        assert_eq!((waiting.oldest(), waiting.len()), (Some(1), 1));
        waiting.complete(&named(1, 1));
        assert_eq!((waiting.oldest(), waiting.len()), (None, 0));
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut waiting = Waiting::default();
        let dropped: usize = (0..5).map(|position| add(&mut waiting, 1, position, &[position + 1])).sum();
        assert_eq!((dropped, waiting.oldest()), (2, Some(2)), "of one source");
        let dropped: usize = (5..10).map(|position| add(&mut waiting, position as i64, position, &[9])).sum();
        assert_eq!((dropped, waiting.oldest(), waiting.len()), (2, Some(4), 6), "of all");
        assert_eq!((waiting.drop_before(at(6)), waiting.oldest()), (2, Some(6)));
        assert_eq!(waiting.add(11, named(6, 6), at(11), vec![cell(1)], BOUNDS), 0);
        assert_eq!(waiting.len(), 4, "a copy waits once");
    }

    proptest! {
        /// Whatever happens, a question is open or asked as long as somebody waits for it, and nothing else stays.
        #[test]
        fn nothing_is_forgotten_or_kept(steps in prop::collection::vec((0..6u8, 0..4i64, 1..5u64), 0..200)) {
            let mut waiting = Waiting::default();
            let mut asked: Vec<Key> = Vec::new();
            for (position, (step, source, id)) in (0..).zip(steps) {
                match step {
                    0..3 => _ = add(&mut waiting, source, position, &[id]),
                    3 => asked.extend(waiting.ask_next().map(|(key, _)| key)),
                    4 => asked.pop().iter().for_each(|key| waiting.put_back(key)),
                    _ => asked.pop().iter().for_each(|key| _ = waiting.answered(key)),
                }
                prop_assert!(waiting.len() <= BOUNDS.all);
                prop_assert_eq!(waiting.messages.len(), waiting.positions.len());
                prop_assert_eq!(waiting.messages.len(), waiting.of_source.values().map(BTreeSet::len).sum::<usize>());
                prop_assert_eq!(waiting.messages.len(), waiting.questions.values().map(|it| it.messages.len()).sum::<usize>());
                prop_assert_eq!(waiting.open.len(), waiting.questions.values().filter(|it| !it.is_asked).count());
            }
        }
    }
}
