//! Writes seeds: for `protocols` out of the protocols' own captures (every frame, every whole conversation, and a
//! dictionary of what frames begin with), for `requests` out of the actions' examples, for `stored` out of the golden files.

use protocols::{
    PROTOCOLS,
    decode::{bytes_of, transport_of},
};
use std::{collections::BTreeSet, fs, io, path::Path};

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    requests(here)?;
    stored(here)?;
    let folder = here.join("corpus/protocols");
    fs::create_dir_all(&folder)?;
    let mut beginnings = BTreeSet::new();
    for (number, protocol) in PROTOCOLS.iter().enumerate() {
        let name = protocol.name();
        let captures = fs::read_to_string(here.join(format!("../crates/protocols/captures/{name}.txt")))?;
        let mut conversation: Vec<Vec<u8>> = Vec::new();
        let write = |what: &str, frame: &[u8], bytes: &[u8]| {
            let transports = protocol.transports();
            let of = transport_of(*protocol, frame);
            let transport = transports.iter().position(|transport| *transport == of).unwrap_or(0);
            // Few protocols, few transports; pieces of seven bytes.
            let head = [number as u8, transport as u8, 7];
            fs::write(folder.join(format!("{name}-{what}")), [&head, bytes].concat())
        };
        for (at, line) in captures.lines().chain(["=="]).enumerate() {
            if line.starts_with("==") && !conversation.is_empty() {
                let whole: Vec<u8> = conversation.concat();
                write(&format!("whole-{at}"), &conversation[0], &whole)?;
                conversation.clear();
            } else if let Some(Ok(frame)) = line.strip_prefix("> ").map(bytes_of) {
                write(&format!("frame-{at}"), &frame, &frame)?;
                beginnings.insert(frame[..frame.len().min(4)].to_vec());
                conversation.push(frame);
            }
        }
    }
    let entry = |bytes: &Vec<u8>| {
        let digits: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("\"{digits}\"\n")
    };
    fs::write(here.join("protocols.dict"), beginnings.iter().map(entry).collect::<String>())
}

fn requests(here: &Path) -> io::Result<()> {
    let folder = here.join("corpus/requests");
    fs::create_dir_all(&folder)?;
    for (number, action) in api::ACTIONS.iter().enumerate() {
        let head: &[u8] = &[number as u8, 0];
        let query: &[u8] = b"hash=0123456789abcdef0123456789abcdef\n";
        let json = [head, query, action.example.as_bytes()].concat();
        fs::write(folder.join(format!("{number}-json")), json)?;
        let fields =
            action.example.replace(['{', '}', '"', ' ', '\n'], "").replace(',', "&").replace(':', "=");
        let head: &[u8] = &[number as u8, 1];
        fs::write(folder.join(format!("{number}-form")), [head, b"\nhash=0&", fields.as_bytes()].concat())?;
    }
    Ok(())
}

/// The golden files: a segment's records stand behind its header and the header of its one block.
fn stored(here: &Path) -> io::Result<()> {
    let folder = here.join("corpus/stored");
    fs::create_dir_all(&folder)?;
    let golden = here.join("../crates/store/testdata");
    for (name, kind, count, file) in [
        ("records", 0, 0, "journal/v1/records.bin"),
        ("block-1", 1, 0, "history/v1/block.bin"),
        ("block-2", 1, 0, "history/v2/block.bin"),
        ("columns", 1, 41, "history/v1/columns.bin"),
    ] {
        let bytes = fs::read(golden.join(file))?;
        for count in if count == 0 { 1..=12 } else { count..=count } {
            fs::write(folder.join(format!("{name}-{count}")), [&[kind, count], &bytes[..]].concat())?;
        }
    }
    Ok(())
}
