//! `outrider protocols`: one line per protocol, its name first, for people and scripts alike.

use crate::config::reference::transports;
use protocols::PROTOCOLS;
use std::io::{self, Write};

pub(super) fn list() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for protocol in PROTOCOLS {
        let (name, transports, port) = (protocol.name(), transports(*protocol), protocol.default_port());
        writeln!(out, "{name:<16} {transports:<12} {port}")?;
    }
    Ok(())
}
