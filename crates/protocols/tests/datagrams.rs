//! Devices over UDP: whoever has sent a datagram can be told something, by every protocol that has datagrams and commands.

mod harness;

use domain::{Command, CommandId, Transport};
use harness::{captures, drain};
use protocols::{Connection, Event, PROTOCOLS};

/// A text that the protocol's devices take.
fn text(protocol: &str) -> &'static str {
    match protocol {
        "teltonika" => "getinfo",
        "gl200" => "AT+GTRTO=gv65,3,,,,,,00AB",
        "meitrack" => "A10",
        "h02" => "S23,1,2",
        "suntech" => "StatusReq",
        "atrack" => "AT$INFO=?",
        "wondex" => "$WP+GETLOCATION=0000",
        _ => "Call the office",
    }
}

#[test]
fn whoever_has_sent_a_datagram_can_be_told_something() {
    let mut told = Vec::new();
    for protocol in PROTOCOLS {
        if !protocol.transports().contains(&Transport::Udp) || protocol.commands().is_empty() {
            continue;
        }
        let command = Command::Text(text(protocol.name()).to_owned());
        let frames = captures(protocol.name()).iter().flat_map(|conversation| &conversation.turns);
        let mut heard = 0;
        for turn in frames.filter(|turn| turn.problem.is_none()) {
            // Each is a device of its own, which nobody has heard before.
            let (mut connection, mut events) = (Connection::new(*protocol, Transport::Udp), Vec::new());
            connection.receive_frame(&turn.frame);
            drain(&mut connection, &mut events);
            let named = events.iter().find_map(|event| match event {
                Event::Identify { slot, .. } => Some(*slot),
                _ => None,
            });
            let says = |event: &Event| matches!(event, Event::Message { .. } | Event::Heartbeat { .. });
            let (Some(slot), true) = (named, events.iter().any(says)) else { continue };
            let mut wire = Vec::new();
            let written = connection.command(slot, CommandId(1), &command, &mut wire);
            assert!(written.is_ok(), "{}: {written:?} after {}", protocol.name(), turn.frame.escape_ascii());
            assert!(!wire.is_empty(), "{}", protocol.name());
            heard += 1;
        }
        assert!(heard > 0, "{}: no capture is a datagram", protocol.name());
        told.push(protocol.name());
    }
    assert_eq!(
        told,
        ["teltonika", "jt808", "meitrack", "wondex", "wialon", "gl200", "h02", "suntech", "atrack"]
    );
}
