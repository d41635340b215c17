//! Samples of real devices' traffic from the shared corpus, which is not part of the repository: without it these tests
//! pass and say so. `OUTRIDER_CORPUS` names its folder where it does not stand beside the project.
//!
//! `corpus.toml` says how many samples of each protocol pass, and lists every other one with the reason. The lists are
//! exact in both directions, so that nothing gets worse unseen, and what got better is written down.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a bad table fails the test")]

mod attributes;
mod captures;
mod commands;
mod frames;
#[path = "../harness/mod.rs"]
mod harness;
mod scores;

use protocols::PROTOCOLS;
use scores::{Kind, Outcome};
use serde_json::Value as Json;
use std::{fs, path::PathBuf};

#[test]
fn captured_samples_decode() {
    check(Kind::Captures, "captures.jsonl", captures::outcomes);
}

#[test]
fn streams_are_cut_into_frames() {
    check(Kind::Frames, "frames.jsonl", frames::outcomes);
}

#[test]
fn commands_are_the_bytes_on_the_wire() {
    check(Kind::Commands, "commands.jsonl", commands::outcomes);
}

type Judge = fn(&'static dyn protocols::Protocol, &scores::Section, &[Json]) -> Vec<Outcome>;

fn check(kind: Kind, file: &str, judge: Judge) {
    let Some(samples) = samples(file) else {
        eprintln!("skipped: the corpus of captured samples is not here");
        return;
    };
    let sections = scores::sections();
    let (mut wrong, mut passed, mut all) = (Vec::new(), 0, 0);
    for protocol in PROTOCOLS {
        let name = protocol.name();
        let section = sections.get(name).unwrap_or_else(|| panic!("corpus.toml has no section for {name}"));
        let own: Vec<Json> = samples.iter().filter(|sample| sample["protocol"] == name).cloned().collect();
        let outcomes = judge(*protocol, section, &own);
        passed += outcomes.iter().filter(|outcome| outcome.refused.is_none()).count();
        all += outcomes.len();
        wrong.extend(section.compare(kind, &outcomes).into_iter().map(|line| format!("{name}: {line}")));
    }
    eprintln!("{passed} of {all} samples of all protocols pass");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn samples(file: &str) -> Option<Vec<Json>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let folder = std::env::var("OUTRIDER_CORPUS").unwrap_or_else(|_| beside.to_owned());
    let text = fs::read_to_string(PathBuf::from(folder).join(file)).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The bytes of `data` in the corpus's own encodings; a text has one byte per character.
fn bytes(encoding: &Json, data: &Json) -> Option<Vec<u8>> {
    let data = data.as_str()?;
    match encoding.as_str()? {
        "hex" => protocols::hex::parse(data),
        "text" | "http" => data.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
        _ => None,
    }
}
