//! `captures.jsonl`: what a decoder gets after framing, and what must come of it.

use crate::{
    attributes::Attributes,
    bytes, harness,
    scores::{Outcome, Section},
};
use domain::Message;
use protocols::{Protocol, decode::Decoder};
use serde_json::Value as Json;
use std::collections::HashMap;

/// Runs samples of one protocol, each session on its own connection.
pub(crate) fn outcomes(protocol: &'static dyn Protocol, section: &Section, samples: &[Json]) -> Vec<Outcome> {
    let attributes = Attributes::of(protocol.name());
    let mut sessions = HashMap::new();
    let outcome = |(at, sample): (usize, &Json)| {
        let session = sample["session"].as_str().unwrap_or("alone");
        let id = format!("{session}/{}", sample["seq"].as_u64().unwrap_or(at as u64));
        let options = section.options(sample);
        let key = format!("{session} {:?} {:?}", options.model, options.settings);
        let decoder = sessions.entry(key).or_insert_with(|| Decoder::new(protocol, options));
        let judged = match bytes(&sample["encoding"], &sample["data"]) {
            Some(frame) => {
                let (messages, complaints) = harness::decode(decoder, &frame);
                judge(sample, &messages, &complaints, &attributes)
            }
            None => Err(format!("encoding {}", sample["encoding"])),
        };
        Outcome { id, spoilt: is_spoilt(sample), refused: judged.err() }
    };
    samples.iter().enumerate().map(outcome).collect()
}

fn is_spoilt(sample: &Json) -> bool {
    matches!(sample["integrity"].as_str(), Some("bad_checksum" | "bad_length"))
}

fn judge(
    sample: &Json,
    messages: &[Message],
    complaints: &[String],
    attributes: &Attributes,
) -> Result<(), String> {
    let kind = sample["kind"].as_str().unwrap_or_default();
    if is_spoilt(sample) {
        return if messages.is_empty() {
            Ok(())
        } else {
            Err(format!("accepted despite its {}", sample["integrity"]))
        };
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
    match expect["attribute"].as_str() {
        Some(attribute) => attributes.compare(attribute, &expect["value"], first),
        None => Ok(()),
    }
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
