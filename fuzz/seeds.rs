//! Writes seeds for the target `protocols` out of the protocols' own captures: every frame, every whole conversation, and
//! a dictionary of what frames begin with.

use protocols::{
    PROTOCOLS,
    decode::{bytes_of, transport_of},
};
use std::{collections::BTreeSet, fs, io, path::Path};

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
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
