//! `corpus.toml`: how many samples pass, and why the others do not.

use protocols::decode::Options;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Captures,
    Frames,
    Commands,
}

/// What became of one sample.
pub(crate) struct Outcome {
    pub(crate) id: String,
    /// Hand-edited so that its checksum or length is wrong: it passes when it is refused by the decoder.
    pub(crate) spoilt: bool,
    pub(crate) refused: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    captures: usize,
    frames: usize,
    commands: usize,
    /// Why fewer than 95 % of the good captures pass.
    pub(crate) below: Option<String>,
    /// Reason by sample.
    #[serde(default)]
    pub(crate) refused: BTreeMap<String, String>,
    /// A frame that introduces device 123456789012345 before a command is made.
    pub(crate) login: Option<String>,
    /// The number of each command, where the samples' bytes have one.
    #[serde(default = "first")]
    pub(crate) number: i64,
    /// Bytes that stand for others between delimiters, which the corpus has undone.
    #[serde(default)]
    pub(crate) escapes: BTreeMap<String, String>,
    /// Our model code by the corpus's model.
    #[serde(default)]
    models: BTreeMap<String, String>,
    /// Our device setting, as `key=value`, by the corpus's words.
    #[serde(default)]
    setup: BTreeMap<String, String>,
}

fn first() -> i64 {
    1
}

pub(crate) fn sections() -> BTreeMap<String, Section> {
    toml::from_str(include_str!("../../corpus.toml")).unwrap_or_else(|error| panic!("corpus.toml: {error}"))
}

impl Section {
    /// The device settings that a sample assumes.
    pub(crate) fn options(&self, sample: &Json) -> Options {
        let model = sample["model"].as_str().and_then(|model| self.models.get(model)).map(|code| {
            domain::ModelCode::find(code).unwrap_or_else(|| panic!("corpus.toml: no device model {code}"))
        });
        let words = sample["setup"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let settings = words.filter_map(|word| self.setup.get(word)).map(|setting| {
            let (key, value) = setting.split_once('=').unwrap_or_else(|| panic!("corpus.toml: {setting}"));
            (key.to_owned(), value.to_owned())
        });
        Options { model, settings: settings.collect(), ..Options::default() }
    }

    /// How many samples pass, of how many.
    pub(crate) fn score(&self, kind: Kind) -> (usize, usize) {
        let passed = match kind {
            Kind::Captures => self.captures,
            Kind::Frames => self.frames,
            Kind::Commands => self.commands,
        };
        (passed, passed + self.refused.keys().filter(|id| kind_of(id) == kind).count())
    }

    /// What `corpus.toml` does not say, or says wrongly.
    pub(crate) fn compare(&self, kind: Kind, outcomes: &[Outcome]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut refused = BTreeSet::new();
        for Outcome { id, refused: reason, .. } in outcomes {
            if let Some(reason) = reason {
                refused.insert(id.as_str());
                if !self.refused.contains_key(id) {
                    wrong.push(format!("{id}: {reason}"));
                }
            }
        }
        let listed = self.refused.keys().filter(|id| kind_of(id) == kind);
        for id in listed.filter(|id| !refused.contains(id.as_str())) {
            wrong.push(format!("{id} passes: take it off the list"));
        }
        let (floor, _) = self.score(kind);
        let passed = outcomes.iter().filter(|outcome| outcome.refused.is_none()).count();
        if passed != floor {
            wrong.push(format!("{passed} of {} samples pass, corpus.toml says {floor}", outcomes.len()));
        }
        let good = outcomes.iter().filter(|outcome| !outcome.spoilt);
        let (good, failed) = good.fold((0, 0), |(good, failed), outcome| {
            (good + 1, failed + usize::from(outcome.refused.is_some()))
        });
        if kind == Kind::Captures && failed * 20 > good && self.below.is_none() {
            wrong.push(format!(
                "{failed} of {good} good samples fail, more than 5 %, and `below` gives no reason"
            ));
        }
        wrong
    }
}

fn kind_of(id: &str) -> Kind {
    match id.split_once(' ') {
        Some(("frame", _)) => Kind::Frames,
        Some(("command", _)) => Kind::Commands,
        _ => Kind::Captures,
    }
}
