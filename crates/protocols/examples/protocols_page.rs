//! Writes `docs/protocols.md`: `cargo run -p protocols --example protocols_page > docs/protocols.md`.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a tool of the developers")]

#[path = "../tests/harness/mod.rs"]
mod harness;
#[path = "../tests/page/mod.rs"]
mod page;
#[path = "../tests/corpus/scores.rs"]
#[allow(dead_code, reason = "the corpus tests use the rest")]
mod scores;

fn main() {
    print!("{}", page::markdown());
}
