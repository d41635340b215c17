//! Device models against the protocols that they speak: what a model lists must be something that one of its protocols
//! can say, by the names in the protocol's sources and tables.

#![allow(clippy::unwrap_used, reason = "a source that cannot be read fails the test")]

use domain::{device_models, input_specs};
use protocols::PROTOCOLS;
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

#[test]
fn a_model_lists_only_what_its_protocols_can_say() {
    let sayings: HashMap<_, _> =
        PROTOCOLS.iter().map(|protocol| (protocol.name(), sayings(protocol.name()))).collect();
    let mut wrong = Vec::new();
    for model in device_models() {
        for protocol in &model.protocols {
            if !sayings.contains_key(&**protocol) {
                wrong.push(format!("{}: no protocol {protocol}", model.code));
            }
        }
        let spoken: Vec<_> = model.protocols.iter().filter_map(|name| sayings.get(&**name)).collect();
        for name in model.inputs.iter().chain(model.state_fields.iter()) {
            if !spoken.is_empty() && !spoken.iter().any(|words| words.contains(family(name))) {
                wrong.push(format!("{}: {:?} never say {name}", model.code, model.protocols));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a protocol can say: words of its folder and of the shared pieces that write inputs themselves.
fn sayings(protocol: &str) -> HashSet<String> {
    let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut words = HashSet::new();
    collect(&sources.join(protocol), &mut words);
    for shared in ["alarm.rs", "cells.rs"] {
        words_of(&sources.join(shared), &mut words);
    }
    words
}

fn collect(folder: &Path, words: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, words) } else { words_of(&path, words) }
    }
}

fn words_of(file: &Path, words: &mut HashSet<String>) {
    let text = fs::read_to_string(file).unwrap();
    let separator = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_#".contains(c));
    words.extend(text.split(separator).map(|word| family(word).to_owned()));
}

/// `analog_` for all of `analog_1`, `analog_#` and `analog_`, where that is a family of the vocabulary.
fn family(word: &str) -> &str {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '#');
    let is_family = |stem: &str| input_specs().iter().any(|spec| spec.name.strip_suffix('#') == Some(stem));
    if stem.ends_with('_') && is_family(stem) { stem } else { word }
}
