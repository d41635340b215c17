//! What a whole server does on this machine, beside what the machine can do at most, measured in the same run:
//! `cargo run --release -p outrider --example server_bench -- [ingest|latency|reads|scale|hostile]…`, after
//! `cargo build --release -p outrider`. Prints Markdown.
//!
//! The server is the release binary in a process of its own; the devices and callers are this process, or another of
//! the same program where one has not enough sockets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement for the terminal"
)]
#![expect(unreachable_pub, reason = "in a program nothing is reachable; `pub` tells what a module offers")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement reads the clock, and one of its threads pauses"
)]

mod devices;
mod hostile;
mod ingest;
mod latency;
mod limit;
mod reads;
mod report;
mod scale;
mod server;
mod stages;

const SECTIONS: [(&str, fn()); 5] = [
    ("ingest", ingest::measure),
    ("latency", latency::measure),
    ("reads", reads::measure),
    ("scale", scale::measure),
    ("hostile", hostile::measure),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["limit-server", folder] => limit::serve(folder),
        ["idle", address, first, count] => {
            scale::idle(address, first.parse().unwrap(), count.parse().unwrap())
        }
        ["attack", address] => hostile::attack(address),
        wanted => {
            report::machine();
            for (name, measure) in SECTIONS {
                if wanted.is_empty() || wanted.contains(&name) {
                    measure();
                }
            }
        }
    }
}
