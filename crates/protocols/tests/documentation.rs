//! `docs/protocols.md` is what the protocols say of themselves.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a page that cannot be read fails the test")]

mod harness;
mod page;
#[path = "corpus/scores.rs"]
#[allow(dead_code, reason = "the corpus tests use the rest")]
mod scores;

use protocols::PROTOCOLS;

#[test]
fn every_protocol_has_its_own_name_and_port() {
    for (at, protocol) in PROTOCOLS.iter().enumerate() {
        for other in &PROTOCOLS[..at] {
            assert_ne!(protocol.name(), other.name());
            assert_ne!(
                protocol.default_port(),
                other.default_port(),
                "{} and {}",
                protocol.name(),
                other.name()
            );
        }
    }
}

#[test]
fn the_page_in_docs_is_fresh() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocols.md");
    let page = std::fs::read_to_string(page).unwrap();
    let command = "cargo run -p protocols --example protocols_page > docs/protocols.md";
    assert!(page == page::markdown(), "docs/protocols.md is stale; write it anew: {command}");
}
