//! What the tests of all protocols share: the captures in `captures/`, and a connection fed in chunks.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::panic, reason = "a bad capture file fails its test")]

use domain::{Message, Timestamp, Transport};
use proptest::test_runner::{Config, RngSeed};
use protocols::{
    Admission, Connection, DeviceSlot, Event, Events, KnownDevice, Machine, PROTOCOLS, Protocol,
    decode::{Decoder, answer, bytes_of, transport_of},
    sanity::{assert_bounded, assert_sane},
};
use std::{collections::HashMap, sync::LazyLock};

/// What time devices are told: 2025-11-20T08:15:30Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_763_626_530);

/// Property tests draw the same cases on every run.
pub(crate) fn seeded(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(20_241_016), failure_persistence: None, ..Config::default() }
}

/// One connection of a capture file; the file's head explains the marks.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) title: String,
    pub(crate) turns: Vec<Turn>,
}

/// A frame of the device and what is expected to come of it.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) frame: Vec<u8>,
    pub(crate) reply: String,
    pub(crate) messages: Vec<serde_json::Value>,
    pub(crate) problem: Option<String>,
}

/// The bytes of a connection, and what it carries.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) transport: Transport,
    pub(crate) bytes: Vec<u8>,
}

impl Conversation {
    /// All frames one after the other; `None` when they are datagrams, which are never joined.
    pub(crate) fn stream(&self, protocol: &dyn Protocol) -> Option<Stream> {
        let transport = transport_of(protocol, &self.turns.first()?.frame);
        let bytes = self.turns.iter().flat_map(|turn| turn.frame.iter().copied()).collect();
        (transport != Transport::Udp).then_some(Stream { transport, bytes })
    }
}

/// The project's own captures of a protocol.
pub(crate) fn captures(protocol: &str) -> &'static [Conversation] {
    static ALL: LazyLock<HashMap<&'static str, Vec<Conversation>>> = LazyLock::new(|| {
        PROTOCOLS.iter().map(|protocol| (protocol.name(), read_captures(protocol.name()))).collect()
    });
    &ALL[protocol]
}

fn read_captures(protocol: &str) -> Vec<Conversation> {
    let path = format!("{}/captures/{protocol}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    assert!(text.contains("# provenance: "), "{path} does not say where it comes from");
    let mut conversations: Vec<Conversation> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "==" {
            conversations.push(Conversation { title: rest.to_owned(), turns: Vec::new() });
            continue;
        }
        let turns = &mut conversations.last_mut().unwrap_or_else(|| panic!("no title before {line}")).turns;
        if mark == ">" {
            turns.push(Turn { frame: bytes(rest), ..Turn::default() });
            continue;
        }
        let turn = turns.last_mut().unwrap_or_else(|| panic!("no frame before {line}"));
        match mark {
            "<" => turn.reply = protocols::hex::lower(&bytes(rest)),
            "=" => turn.messages.push(serde_json::from_str(rest).unwrap_or_else(|e| panic!("{e}: {line}"))),
            "!" => turn.problem = Some(rest.to_owned()),
            _ => panic!("unknown mark: {line}"),
        }
    }
    assert!(!conversations.is_empty(), "{path} has no conversation");
    conversations
}

/// Hex, or `text:` with the escapes of the command line.
fn bytes(text: &str) -> Vec<u8> {
    bytes_of(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// How a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Every device is admitted as soon as it asks.
    Prompt,
    /// Devices are admitted only when all bytes have arrived.
    Slow,
    /// The device is known before it speaks.
    Introduced,
}

impl Manner {
    pub(crate) const ALL: [Self; 3] = [Self::Prompt, Self::Slow, Self::Introduced];
}

/// Feeds a stream in chunks and collects all events. What comes out is sane, and memory stays bounded.
pub(crate) fn converse<'a>(
    protocol: &dyn Protocol,
    transport: Transport,
    manner: Manner,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Event> {
    let mut connection = match manner {
        Manner::Introduced => introduced(protocol, transport),
        Manner::Prompt | Manner::Slow => Connection::new(protocol, transport),
    };
    let (mut events, mut received) = (Vec::new(), 0);
    for chunk in chunks {
        connection.receive(chunk);
        received += chunk.len();
        if manner != Manner::Slow {
            drain(&mut connection, &mut events);
            let limit = protocol.max_frame();
            assert!(connection.buffered() <= limit, "{} bytes wait", connection.buffered());
        }
    }
    drain(&mut connection, &mut events);
    assert_bounded(&events, received);
    events
}

/// What one datagram gives, when everybody is admitted and when the device is known before.
pub(crate) fn datagram(protocol: &dyn Protocol, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    for mut connection in [Connection::new(protocol, Transport::Udp), introduced(protocol, Transport::Udp)] {
        connection.receive_frame(bytes);
        drain(&mut connection, &mut events);
    }
    assert_bounded(&events, 2 * bytes.len());
    events
}

/// What one frame, datagram or HTTP request gives where every device is known: messages, all sane, and complaints.
pub(crate) fn decode(decoder: &mut Decoder, frame: &[u8]) -> (Vec<Message>, Vec<String>) {
    let (mut messages, mut complaints) = (Vec::new(), Vec::new());
    for event in decoder.events(frame) {
        match event {
            Event::Message { message, .. } => {
                assert_sane(&message);
                messages.push(message);
            }
            Event::Reply { text, .. } => messages.push(answer(text)),
            Event::Problem { error, .. } => complaints.push(error),
            Event::Broken(broken) => complaints.push(broken.to_string()),
            _ => {}
        }
    }
    (messages, complaints)
}

pub(crate) fn introduced(protocol: &dyn Protocol, transport: Transport) -> Connection {
    let mut connection = Connection::new(protocol, transport);
    connection.identified(DeviceSlot::default(), &known());
    connection
}

/// A machine of a connection whose device is known.
pub(crate) fn introduced_machine(protocol: &dyn Protocol) -> Box<dyn Machine> {
    let mut machine = protocol.machine(Transport::Tcp);
    machine.identified(DeviceSlot::default(), &known(), &mut Events::new());
    machine
}

pub(crate) fn drain(connection: &mut Connection, events: &mut Vec<Event>) {
    while let Some(event) = connection.poll() {
        match &event {
            Event::Identify { slot, .. } => connection.identified(*slot, &known()),
            Event::TimeWanted { slot } => connection.tell_time(*slot, NOW),
            Event::CommandWanted { slot } => connection.respond(*slot, None),
            Event::Message { message, .. } => assert_sane(message),
            _ => {}
        }
        events.push(event);
    }
}

fn known() -> Admission {
    Admission::Known(KnownDevice::default())
}
