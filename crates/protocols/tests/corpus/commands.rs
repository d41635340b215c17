//! `commands.jsonl`: commands, and their bytes on the wire.

use crate::{
    bytes, harness,
    scores::{Outcome, Section},
};
use domain::{Command, CommandId, Transport};
use protocols::{Connection, DeviceSlot, Protocol, hex};
use serde_json::Value as Json;

/// Kinds of command that are none of ours do not count.
pub(crate) fn outcomes(protocol: &'static dyn Protocol, section: &Section, samples: &[Json]) -> Vec<Outcome> {
    let outcome = |sample: &Json| {
        let id = format!("command {}/{}", sample["test_method"].as_str().unwrap_or_default(), sample["seq"]);
        let command = command(&sample["command"])?;
        let refused = judge(protocol, section, sample, &command).err();
        Some(Outcome { id, spoilt: false, refused })
    };
    samples.iter().filter_map(outcome).collect()
}

fn command(theirs: &Json) -> Option<Command> {
    let attribute = |name: &str| theirs["attributes"][name].as_str();
    Some(match theirs["type"].as_str()? {
        // The corpus's encoders take a text of hexadecimal digits as the bytes that they print.
        "custom" => match attribute("data").and_then(hex::parse) {
            Some(bytes) => Command::Bytes(bytes),
            None => Command::Text(attribute("data")?.to_owned()),
        },
        "engineStop" => Command::Immobilize(true),
        "engineResume" => Command::Immobilize(false),
        "positionSingle" => Command::Locate,
        "outputControl" => Command::Output {
            number: u8::try_from(theirs["attributes"]["index"].as_u64()?).ok()?,
            on: attribute("data")? == "1",
        },
        _ => return None,
    })
}

fn judge(protocol: &dyn Protocol, section: &Section, sample: &Json, command: &Command) -> Result<(), String> {
    if !protocol.commands().contains(&command.kind()) {
        return Err(format!("no {command:?}"));
    }
    let mut connection: Connection = harness::introduced(protocol, Transport::Tcp);
    if let Some(login) = &section.login {
        let login = match login.strip_prefix("text:") {
            Some(text) => text.as_bytes().to_vec(),
            None => hex::parse(login).unwrap(),
        };
        connection.receive(&login);
        harness::drain(&mut connection, &mut Vec::new());
    }
    let mut wire = Vec::new();
    let sent = connection.command(DeviceSlot::default(), CommandId(section.number), command, &mut wire);
    sent.map_err(|error| error.to_string())?;
    let expected = bytes(&sample["encoding"], &sample["data"]).unwrap();
    // The corpus has some texts as they are before the line end is added.
    if wire.trim_ascii_end() == expected.trim_ascii_end() {
        return Ok(());
    }
    Err(format!("{}, expected {}", wire.escape_ascii(), expected.escape_ascii()))
}
