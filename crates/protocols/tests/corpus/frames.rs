//! `frames.jsonl`: a stream, and the frame that it begins with.

use crate::{
    harness::{Manner, converse, introduced_machine},
    scores::{Outcome, Section},
};
use domain::Transport;
use protocols::{Framing, Protocol, hex};
use serde_json::Value as Json;

pub(crate) fn outcomes(protocol: &'static dyn Protocol, section: &Section, samples: &[Json]) -> Vec<Outcome> {
    let outcome = |sample: &Json| {
        let id = format!("frame {}/{}", sample["test_method"].as_str().unwrap_or_default(), sample["seq"]);
        Outcome { id, spoilt: false, refused: judge(protocol, section, sample).err() }
    };
    samples.iter().filter(|sample| sample["direction"] == "decode").map(outcome).collect()
}

fn judge(protocol: &dyn Protocol, section: &Section, sample: &Json) -> Result<(), String> {
    let stream = sample["input_hex"].as_str().and_then(hex::parse).unwrap();
    for manner in [Manner::Prompt, Manner::Introduced] {
        let whole = converse(protocol, Transport::Tcp, manner, [&*stream]);
        let bytewise = converse(protocol, Transport::Tcp, manner, stream.chunks(1));
        if whole != bytewise {
            return Err("the events depend on how the bytes arrive".to_owned());
        }
    }
    let expected = sample["frame_hex"].as_str().and_then(hex::parse);
    let nth = sample["nth_frame_of_same_input"].as_u64().unwrap_or(0);
    let ours = frame(protocol, &stream, nth)?.map(|frame| undo_escapes(section, &frame));
    let same = match (&ours, &expected) {
        // Delimiters are stripped from theirs.
        (Some(ours), Some(theirs)) => {
            ours.strip_prefix(&**theirs).is_some_and(|end| end.iter().all(|byte| b"\r\n\0#;".contains(byte)))
        }
        (None, None) => true,
        _ => false,
    };
    let print = |frame: &Option<Vec<u8>>| frame.as_ref().map(|frame| hex::lower(frame));
    if same {
        Ok(())
    } else {
        Err(format!("the frame is {:?}, expected {:?}", print(&ours), print(&expected)))
    }
}

/// The frame of that number, counted from 0.
fn frame(protocol: &dyn Protocol, stream: &[u8], number: u64) -> Result<Option<Vec<u8>>, String> {
    let mut machine = introduced_machine(protocol);
    let (mut left, mut before) = (stream, 0);
    while !left.is_empty() {
        match machine.frame(left).map_err(|broken| broken.to_string())? {
            Framing::Incomplete => return Ok(None),
            Framing::Skip(length) => left = &left[length..],
            Framing::Frame(length) if before == number => return Ok(Some(left[..length].to_vec())),
            Framing::Frame(length) => {
                left = &left[length..];
                before += 1;
            }
        }
    }
    Ok(None)
}

fn undo_escapes(section: &Section, frame: &[u8]) -> Vec<u8> {
    let escapes: Vec<_> = section
        .escapes
        .iter()
        .map(|(from, to)| (hex::parse(from).unwrap(), hex::parse(to).unwrap()))
        .collect();
    let (mut undone, mut left) = (Vec::new(), frame);
    while let Some((first, rest)) = left.split_first() {
        match escapes.iter().find(|(from, _)| left.starts_with(from)) {
            Some((from, to)) => {
                undone.extend_from_slice(to);
                left = &left[from.len()..];
            }
            None => {
                undone.push(*first);
                left = rest;
            }
        }
    }
    undone
}
