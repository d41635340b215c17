//! `docs/protocols.md`, out of what the protocols declare, their captures, the device models and `corpus.toml`.

use crate::{
    harness::captures,
    scores::{Kind, Section, sections},
};
use domain::{DeviceModel, Transport, device_models};
use protocols::{PROTOCOLS, Protocol, Recognition};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Protocols

<!-- Generated: `cargo run -p protocols --example protocols_page > docs/protocols.md`. A test fails when it is stale. -->

What devices may speak, and how well it is understood. Ports are defaults: `[devices.ports]` in
[configuration.md](configuration.md) changes them. On the port `any` (`[devices] any`) every protocol over TCP or HTTP is
found by itself: by a whole frame with a right checksum, or by a login of a device that is registered with a model of the
protocol.

Under each protocol stand the device models that speak it, by vendor, and how to point a device at this server: `{address}`
is where it can be reached (`[devices] public_address`), `{port}` the protocol's port, `{password}` the device's; `{apn}`,
`{apn_user}` and `{apn_password}` belong to its SIM card.

Commands go over the device's connection; to the address of its last datagram, for a minute after that or behind the next one;
over HTTP with the answer to its next request.

Scores are those of a corpus of samples that real devices sent, which is not part of the repository: `captures` must give
sane messages with the expected time, place and values; `frames` are streams that must be cut rightly; `commands` must be
the same bytes on the wire. Samples with a wrong checksum count as passed when they are refused. The tests fail when one
of these numbers changes.

";

pub(crate) fn markdown() -> String {
    let sections = sections();
    let mut page = INTRODUCTION.to_owned();
    page += "| protocol | port | transports | commands | captures | frames | commands |\n";
    page += "| --- | --- | --- | --- | --- | --- | --- |\n";
    let mut sums = [(0, 0); 3];
    for protocol in PROTOCOLS {
        let section = &sections[protocol.name()];
        let scores = [Kind::Captures, Kind::Frames, Kind::Commands].map(|kind| section.score(kind));
        for (sum, score) in sums.iter_mut().zip(scores) {
            *sum = (sum.0 + score.0, sum.1 + score.1);
        }
        let kinds: Vec<_> = protocol.commands().iter().map(|kind| kind.as_str()).collect();
        let row = [
            format!("[{0}](#{0})", protocol.name()),
            protocol.default_port().to_string(),
            transports(*protocol),
            if kinds.is_empty() { "–".to_owned() } else { kinds.join(", ") },
        ];
        let _ = writeln!(page, "| {} | {} |", row.join(" | "), scores.map(printed).join(" | "));
    }
    let _ = writeln!(page, "| all | | | | {} |", sums.map(printed).join(" | "));
    for protocol in PROTOCOLS {
        page += &details(*protocol, &sections[protocol.name()]);
    }
    page += "\n## Not spoken here\n\nThese models are listed, so that clients know them, and cannot be registered.\n\n";
    page += &models(|model| model.protocols.is_empty());
    page
}

/// Codes by vendor, and how to point a device here.
fn models(wanted: impl Fn(&DeviceModel) -> bool) -> String {
    let mut vendors: Vec<(&str, Option<&str>, Vec<String>)> = Vec::new();
    for model in device_models().iter().filter(|model| wanted(model)) {
        let (vendor, setup) = (&*model.vendor, model.setup.as_deref());
        let code = format!("`{}`", model.code);
        match vendors.iter_mut().find(|(of, same, _)| (*of, *same) == (vendor, setup)) {
            Some((.., codes)) => codes.push(code),
            None => vendors.push((vendor, setup, vec![code])),
        }
    }
    vendors.sort_by_key(|(vendor, ..)| vendor.to_lowercase());
    let mut text = String::new();
    for (vendor, setup, codes) in vendors {
        let _ = writeln!(text, "- {vendor}: {}", codes.join(", "));
        if let Some(setup) = setup {
            // In Markdown these two are more than themselves.
            let _ = writeln!(text, "  - {}", setup.replace('<', "&lt;").replace('*', "\\*"));
        }
    }
    if text.is_empty() { "No models yet.\n".to_owned() } else { text }
}

fn printed((passed, all): (usize, usize)) -> String {
    if all == 0 { "–".to_owned() } else { format!("{passed} of {all}") }
}

fn transports(protocol: &dyn Protocol) -> String {
    let name = |transport: &Transport| match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
        Transport::Http => "HTTP",
    };
    protocol.transports().iter().map(name).collect::<Vec<_>>().join(", ")
}

fn details(protocol: &dyn Protocol, section: &Section) -> String {
    let name = protocol.name();
    let mut text = format!("\n## {name}\n\n");
    text += &models(|model| model.speaks(name));
    let _ = writeln!(text, "\nOn `any`: {}", on_any(protocol));
    if let Some(reason) = &section.below {
        let _ = writeln!(text, "\nLess than 95 %: {reason}.");
    }
    if !section.refused.is_empty() {
        text += "\nSamples that do not pass:\n\n";
        for (sample, reason) in &section.refused {
            let _ = writeln!(text, "- `{sample}`: {reason}");
        }
    }
    text
}

/// What the other protocols make of the first frames of its captures.
fn on_any(protocol: &dyn Protocol) -> String {
    let streams: Vec<_> =
        captures(protocol.name()).iter().filter_map(|conversation| conversation.stream(protocol)).collect();
    let known_by = |candidate: &dyn Protocol| {
        let sees = |stream: &crate::harness::Stream| candidate.recognise(&stream.bytes);
        let found: Vec<_> = streams.iter().map(sees).collect();
        let by_frame = found.contains(&Recognition::Frame);
        let by_login = found.iter().any(|it| matches!(it, Recognition::Login(_)));
        (by_frame, by_login)
    };
    let how = match known_by(protocol) {
        (true, true) => "known by its login and by a frame with its checksum",
        (true, false) => "known by a frame with its checksum",
        (false, true) => "known by its login",
        (false, false) => "not known; it needs its own port",
    };
    let others = PROTOCOLS.iter().filter(|other| other.name() != protocol.name());
    let alike: Vec<_> = others
        .filter(|other| known_by(**other) != (false, false))
        .map(|other| format!("`{}`", other.name()))
        .collect();
    match &alike[..] {
        [] => format!("{how}; nothing else looks like it."),
        alike => {
            format!("{how}; also looks like {}, told apart by the device's model alone.", alike.join(", "))
        }
    }
}
