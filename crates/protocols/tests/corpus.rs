//! Samples of real devices' traffic from the shared corpus, which is not part of the repository: without it this test
//! passes and says so. `OUTRIDER_CORPUS` names its folder where it does not stand beside the project.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a bad table fails the test")]

mod harness;

use domain::{InputName, Message, Value};
use protocols::{
    PROTOCOLS, Protocol,
    decode::{Decoder, Options},
    hex,
};
use serde_json::Value as Json;
use std::{collections::HashMap, fs, path::PathBuf};

#[test]
fn captured_samples_decode() {
    let Some(samples) = samples() else {
        eprintln!("skipped: the corpus of captured samples is not here");
        return;
    };
    let floors: HashMap<String, Floor> = read_floors();
    let mut below = Vec::new();
    for protocol in PROTOCOLS {
        let name = protocol.name();
        let floor = floors.get(name).unwrap_or_else(|| panic!("corpus.toml has no floor for {name}"));
        let own: Vec<_> = samples.iter().filter(|sample| sample["protocol"] == name).collect();
        let refused = refused(*protocol, &own);
        let passed = own.len() - refused.len();
        eprintln!("{name}: {passed} of {} samples pass, {} come later", own.len(), floor.later.len());
        for (sample, reason) in &refused {
            let later = floor.later.get(sample).map(|why| format!(" (later: {why})")).unwrap_or_default();
            eprintln!("  {sample}: {reason}{later}");
        }
        for sample in floor.later.keys() {
            assert!(
                refused.iter().any(|(id, _)| id == sample),
                "{name}: {sample} passes; it comes no longer later"
            );
        }
        if passed < floor.passed {
            below.push(format!("{name}: {passed} samples pass, the floor is {}", floor.passed));
        }
    }
    assert!(below.is_empty(), "{}", below.join("\n"));
}

struct Floor {
    passed: usize,
    /// Samples that are not decoded yet, and why.
    later: HashMap<String, String>,
}

fn read_floors() -> HashMap<String, Floor> {
    let table: toml::Table = include_str!("../corpus.toml").parse().unwrap();
    let floor = |value: &toml::Value| Floor {
        passed: usize::try_from(value["passed"].as_integer().unwrap()).unwrap(),
        later: value["later"]
            .as_table()
            .unwrap()
            .iter()
            .map(|(sample, why)| (sample.clone(), why.as_str().unwrap().to_owned()))
            .collect(),
    };
    table.iter().map(|(protocol, value)| (protocol.clone(), floor(value))).collect()
}

fn samples() -> Option<Vec<Json>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let folder = std::env::var("OUTRIDER_CORPUS").unwrap_or_else(|_| beside.to_owned());
    let text = fs::read_to_string(PathBuf::from(folder).join("captures.jsonl")).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Runs samples of one protocol, each session on its own connection, and tells which fail.
fn refused(protocol: &'static dyn Protocol, samples: &[&Json]) -> Vec<(String, String)> {
    let attributes = attributes(protocol.name());
    let mut sessions = HashMap::new();
    let mut refused = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        let session = sample["session"].as_str().unwrap_or("alone").to_owned();
        let id = format!("{session}/{}", sample["seq"].as_u64().unwrap_or(at as u64));
        let decoder = sessions.entry(session).or_insert_with(|| Decoder::new(protocol, Options::default()));
        let outcome = match bytes(sample) {
            Some(frame) => {
                let (messages, complaints) = harness::decode(decoder, &frame);
                judge(sample, &messages, &complaints, &attributes)
            }
            None => Err(format!("encoding {}", sample["encoding"])),
        };
        if let Err(reason) = outcome {
            refused.push((id, reason));
        }
    }
    refused
}

fn bytes(sample: &Json) -> Option<Vec<u8>> {
    let data = sample["data"].as_str()?;
    match sample["encoding"].as_str()? {
        "hex" => hex::parse(data),
        "text" => data.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
        _ => None,
    }
}

fn judge(
    sample: &Json,
    messages: &[Message],
    complaints: &[String],
    attributes: &HashMap<String, (InputName, f64)>,
) -> Result<(), String> {
    let kind = sample["kind"].as_str().unwrap_or_default();
    match sample["integrity"].as_str() {
        Some("bad_checksum" | "bad_length") if messages.is_empty() => return Ok(()),
        Some(bad @ ("bad_checksum" | "bad_length")) => return Err(format!("accepted despite its {bad}")),
        _ => {}
    }
    if kind == "null" {
        return Ok(());
    }
    let Some(first) = messages.first() else {
        return Err(match complaints {
            [] => "no message".to_owned(),
            complaints => complaints.join("; "),
        });
    };
    let expect = &sample["expect"];
    let somewhere = messages.iter().any(|message| message.fix.is_some());
    if kind.starts_with("position") && expect["check_location"] != false && !somewhere {
        return Err("no position".to_owned());
    }
    judge_fix(expect, first)?;
    if let Some((name, factor)) = expect["attribute"].as_str().and_then(|name| attributes.get(name)) {
        let ours = first.inputs.get(*name);
        if !ours.is_some_and(|ours| same(ours, *factor, &expect["value"])) {
            return Err(format!("{name} is {ours:?}, expected {expect}"));
        }
    }
    Ok(())
}

fn judge_fix(expect: &Json, message: &Message) -> Result<(), String> {
    let degrees = |name: &str| expect[name].as_f64();
    if let (Some(lat), Some(lng)) = (degrees("lat"), degrees("lon")) {
        let at = message.fix.ok_or("no position")?.coordinates;
        if (at.lat() - lat).abs() > 1e-5 || (at.lng() - lng).abs() > 1e-5 {
            return Err(format!("at {},{}, expected {lat},{lng}", at.lat(), at.lng()));
        }
    }
    if let Some(valid) = expect["valid"].as_bool()
        && message.fix.is_none_or(|fix| fix.valid != valid)
    {
        return Err(format!("valid is not {valid}"));
    }
    if let Some(expected) = expect["time"].as_str() {
        let time = message.time.map(|time| time.to_string()).unwrap_or_default();
        if time != expected.replace(".000Z", "Z") {
            return Err(format!("time {time}, expected {expected}"));
        }
    }
    Ok(())
}

fn same(ours: &Value, factor: f64, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Text(ours), Json::String(theirs)) => **ours == **theirs,
        (Value::Flag(ours), Json::Bool(theirs)) => ours == theirs,
        (ours, theirs) => match (ours.number(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours * factor - theirs).abs() <= theirs.abs() * 1e-6 + 1e-9,
            _ => false,
        },
    }
}

fn attributes(protocol: &str) -> HashMap<String, (InputName, f64)> {
    let lines = include_str!("../corpus_attributes.tsv").lines();
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        let [of, attribute, input, factor] = columns[..] else { panic!("not four columns: {line}") };
        let input = InputName::find(input).unwrap_or_else(|| panic!("no input of that name: {line}"));
        (of, attribute.to_owned(), (input, factor.parse().unwrap()))
    });
    rows.filter(|(of, ..)| *of == protocol).map(|(_, attribute, ours)| (attribute, ours)).collect()
}
