//! What no single value shows to be wrong: values against each other, and against what can work at all.

use super::{ByteSize, Config, Entrance, Tls};
use domain::Transport;
use std::time::Duration;

/// Keys, one of which must change, and why.
pub(super) struct Inconsistent {
    /// One or more.
    pub(super) keys: Vec<String>,
    pub(super) message: String,
}

pub(super) fn consistent(config: &Config) -> Result<(), Inconsistent> {
    let Config { http, admin, panel, devices, status, store, log, .. } = config;
    for (key, duration) in [
        ("devices.limits.login_timeout", devices.limits.login_timeout),
        ("devices.limits.idle_timeout", devices.limits.idle_timeout),
        ("status.idle_timeout", status.idle_timeout),
        ("store.retention", store.retention),
    ] {
        require(duration > Duration::ZERO, &[key], "must be longer than 0s")?;
    }
    for (key, size, least) in [
        ("http.body_limit", http.body_limit, ByteSize(1 << 10)),
        ("store.journal_segment", store.journal_segment, ByteSize(1 << 20)),
        ("store.journal_queue", store.journal_queue, ByteSize(1 << 20)),
    ] {
        require(size >= least, &[key], &format!("must be at least {least}"))?;
    }
    require(
        status.idle_timeout < status.offline_timeout,
        &["status.idle_timeout", "status.offline_timeout"],
        "idle_timeout must be shorter than offline_timeout",
    )?;
    require(
        http.listen != admin.listen || http.listen.port() == 0,
        &["admin.listen", "http.listen"],
        "[http] and [admin] need different addresses",
    )?;
    require(!panel.login.is_empty(), &["panel.login"], "must not be empty")?;
    if let Err(wrong) = crate::logs::filter(&log.level) {
        return Err(inconsistent(&["log.level"], &format!("not a log filter: {wrong}")));
    }
    config.sms.check()?;
    config.lbs.check()?;
    let Tls { certificate, key, .. } = &config.tls;
    require(
        certificate.is_some() == key.is_some(),
        &["tls.certificate", "tls.key"],
        "certificate and key belong together",
    )?;
    for entrance in devices.tls.keys() {
        let name = format!("devices.tls.{entrance}");
        require(certificate.is_some(), &[&name], "needs [tls] certificate and key")?;
        if let Entrance::Of(protocol) = entrance {
            let transports = protocol.protocol().map_or(&[][..], protocols::Protocol::transports);
            require(transports.iter().any(|it| !is_udp(*it)), &[&name], "the protocol has datagrams only")?;
        }
    }
    no_port_twice(config)
}

fn no_port_twice(config: &Config) -> Result<(), Inconsistent> {
    let any: &[Transport] = &[Transport::Tcp, Transport::Udp];
    let mut taken = vec![("devices.any".to_owned(), config.devices.any, any)];
    for (name, port) in &config.devices.ports {
        let transports = name.protocol().map_or(any, protocols::Protocol::transports);
        let key = format!("devices.ports.{name}");
        let same = |(_, other, sockets): &&(_, _, &[Transport])| {
            other == port
                && sockets.iter().any(|one| transports.iter().any(|two| is_udp(*one) == is_udp(*two)))
        };
        if let (Some(1..), Some((other, ..))) = (port.to_bind(), taken.iter().find(same)) {
            return Err(inconsistent(&[&key, other], &format!("the same port as {other}")));
        }
        taken.push((key, *port, transports));
    }
    for (entrance, port) in &config.devices.tls {
        let key = format!("devices.tls.{entrance}");
        let same = |(_, other, sockets): &&(_, _, &[Transport])| {
            other == port && sockets.iter().any(|transport| !is_udp(*transport))
        };
        if let (Some(1..), Some((other, ..))) = (port.to_bind(), taken.iter().find(same)) {
            return Err(inconsistent(&[&key, other], &format!("the same port as {other}")));
        }
        taken.push((key, *port, &[Transport::Tcp]));
    }
    Ok(())
}

fn is_udp(transport: Transport) -> bool {
    transport == Transport::Udp
}

fn require(holds: bool, keys: &[&str], message: &str) -> Result<(), Inconsistent> {
    if holds { Ok(()) } else { Err(inconsistent(keys, message)) }
}

fn inconsistent(keys: &[&str], message: &str) -> Inconsistent {
    Inconsistent { keys: keys.iter().map(|key| (*key).to_owned()).collect(), message: message.to_owned() }
}
