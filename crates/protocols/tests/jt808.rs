//! JT/T 808 through the public door: commands and their answers, refusals, datagrams.

#![allow(clippy::unwrap_used, reason = "tests")]

use domain::{Command, CommandId, LockAction, ModelCode, Outcome, Timestamp, Transport};
use protocols::{
    Admission, CommandError, Confirmation, Connection, DeviceSlot, Event, KnownDevice, Protocol, Recognition,
    hex, jt808::Jt808,
};

const SLOT: DeviceSlot = DeviceSlot(0);
/// Heartbeats of terminal 013800001234 before and since 2019, and a location of lock 740190319999.
const SHORT: &str = "7e0002000001380000123400031e7e";
const LONG: &str = "7e00024000010000000001380000123400035f7e";
const LOCK: &str = "7e5501002b74019031999929161026120001061335740753595133242d170a000004d24600005ded05e203080000000a0302dc65100100f17e";

/// A connection on which the device has spoken.
fn connected(transport: Transport, frame: &str, model: Option<&str>) -> (Connection, Vec<Event>) {
    let mut connection = Connection::new(&Jt808, transport);
    connection.receive(&hex::parse(frame).unwrap());
    let model = model.map(|code| ModelCode::find(code).unwrap());
    let known = Admission::Known(KnownDevice { model, ..KnownDevice::default() });
    let events = admitted(&mut connection, &known);
    (connection, events)
}

fn admitted(connection: &mut Connection, admission: &Admission) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = connection.poll() {
        if let Event::Identify { slot, .. } = event {
            connection.identified(slot, admission);
        }
        events.push(event);
    }
    events
}

fn command(connection: &mut Connection, command: &Command) -> Result<(Confirmation, String), CommandError> {
    let mut wire = Vec::new();
    let confirmation = connection.command(SLOT, CommandId(7), command, &mut wire)?;
    Ok((confirmation, hex::lower(&wire)))
}

fn lock(action: LockAction, password: &str) -> Command {
    Command::Lock { action, password: password.to_owned() }
}

#[test]
fn commands_are_written_as_the_standard_says() {
    let text = |text: &str| Command::Text(text.to_owned());
    for (device, asked, wire) in [
        (SHORT, Command::Locate, "7e820100000138000012340000"),
        (SHORT, Command::Immobilize(true), "7e810500010138000012340000f0"),
        (SHORT, Command::Output { number: 1, on: false }, "7e810500010138000012340000f1"),
        (SHORT, text("RESET#"), "7e83000007013800001234000001524553455423"),
        (LONG, text("RESET#"), "7e830040080100000000013800001234000001015245534554"),
        (
            SHORT,
            Command::Bytes(vec![0x81, 0x03, 1, 0, 0, 0, 0x29, 4, 0, 0, 0, 10]),
            "7e8103000a013800001234000001000000290400",
        ),
        (SHORT, lock(LockAction::Seal, "12345678"), "7e0310000c0138000012340000012409013132333435363738"),
        (SHORT, lock(LockAction::Unseal, "12345678"), "7e0310000c0138000012340000012409003132333435363738"),
    ] {
        let (mut connection, _) = connected(Transport::Tcp, device, None);
        let (confirmation, written) = command(&mut connection, &asked).unwrap();
        assert_eq!(confirmation, Confirmation::Reply, "{asked:?}");
        assert!(written.starts_with(wire) && written.ends_with("7e"), "{asked:?}: {written}");
        // What is written is a whole packet with a right checksum.
        assert_eq!(Jt808.recognise(&hex::parse(&written).unwrap()), Recognition::Frame, "{asked:?}");
    }
}

#[test]
fn a_vg_lock_obeys_lines_and_its_answer_is_a_reply() {
    let (mut connection, _) = connected(Transport::Tcp, LOCK, None);
    for (action, line) in [
        (LockAction::Seal, "(740190319999,1,001,ELOCK,2,123456)"),
        (LockAction::Unseal, "(740190319999,1,001,ELOCK,3,123456)"),
    ] {
        let (_, written) = command(&mut connection, &lock(action, "123456")).unwrap();
        assert_eq!(written, hex::lower(line.as_bytes()));
    }
    // The model tells what kind of lock it is, before it has shown itself.
    let (mut known, _) = connected(Transport::Tcp, SHORT, Some("totarget_vg_elock7a"));
    let (_, written) = command(&mut known, &lock(LockAction::Unseal, "123456")).unwrap();
    assert_eq!(written, hex::lower(b"(013800001234,1,001,ELOCK,3,123456)"));
    let (mut known, _) = connected(Transport::Tcp, LOCK, Some("hhd_g400"));
    let (_, written) = command(&mut known, &lock(LockAction::Unseal, "12345678")).unwrap();
    assert!(written.starts_with("7e0310000c74019031999900000124"), "{written}");
    connection.receive(b"(740190319999,1,001,ELOCK,3,123456)");
    let reply = Event::Reply {
        slot: SLOT,
        command: None,
        outcome: Outcome::Done,
        text: "(740190319999,1,001,ELOCK,3,123456)".to_owned(),
    };
    assert_eq!(connection.poll(), Some(reply));
}

#[test]
fn what_cannot_be_sent_says_why() {
    let long = "x".repeat(1001);
    for (device, asked) in [
        (SHORT, Command::Text("привет".to_owned())),
        (SHORT, Command::Text(long)),
        (SHORT, Command::Bytes(vec![0x81])),
        (SHORT, Command::Output { number: 2, on: true }),
        (SHORT, lock(LockAction::Seal, "123456")),
        (LOCK, lock(LockAction::Seal, "12345678")),
    ] {
        let (mut connection, _) = connected(Transport::Tcp, device, None);
        assert!(matches!(command(&mut connection, &asked), Err(CommandError::Unfit(_))), "{asked:?}");
    }
    let mut silent = Connection::new(&Jt808, Transport::Tcp);
    assert!(matches!(command(&mut silent, &Command::Locate), Err(CommandError::NotNow(_))));
}

#[test]
fn answers_find_their_command_by_its_serial_number() {
    let (mut connection, _) = connected(Transport::Tcp, SHORT, None);
    command(&mut connection, &Command::Immobilize(true)).unwrap();
    command(&mut connection, &Command::Locate).unwrap();
    command(&mut connection, &Command::Text("WHERE#".to_owned())).unwrap();
    for (answer, id, outcome, text) in [
        // Serial 0, 0x8105, failure; then once more, which is no answer to anything.
        ("7e0001000501380000123400100000810501", Some(7), Outcome::Refused, "failure"),
        ("7e0001000501380000123400110000810500", None, Outcome::Done, ""),
        ("7e0001000501380000123400120002830000", Some(7), Outcome::Done, "success"),
        ("7e600600030138000012340013004f4b", Some(7), Outcome::Done, "OK"),
    ] {
        connection.receive(&checked(answer));
        let replies: Vec<_> = std::iter::from_fn(|| connection.poll())
            .filter(|event| matches!(event, Event::Reply { .. }))
            .collect();
        let expected = id.map(|id| Event::Reply {
            slot: SLOT,
            command: Some(CommandId(id)),
            outcome,
            text: text.to_owned(),
        });
        assert_eq!(replies, Vec::from_iter(expected), "{answer}");
    }
    let position = "7e0201001e013800001234001400010000000000000003015ef3c000989680000000000000261016200001";
    connection.receive(&checked(position));
    let events: Vec<_> = std::iter::from_fn(|| connection.poll()).collect();
    assert!(
        matches!(events[..], [Event::Message { .. }, Event::Reply { command: Some(CommandId(7)), .. }]),
        "{events:?}"
    );
}

#[test]
fn a_terminal_that_asks_for_the_time_is_told_it() {
    let now = Timestamp::from_civil((2026, 11, 25), (14, 5, 9)).unwrap();
    for (question, answer) in [
        ("7e000400000138000012340007", "7e800400060138000012340007261125140509"),
        ("7e010900000138000012340008", "7e81090007013800001234000807ea0b190e0509"),
    ] {
        let (mut connection, _) = connected(Transport::Tcp, SHORT, None);
        connection.receive(&checked(question));
        let events: Vec<_> = std::iter::from_fn(|| connection.poll()).collect();
        assert_eq!(events, [Event::Heartbeat { slot: SLOT }, Event::TimeWanted { slot: SLOT }]);
        connection.tell_time(SLOT, now);
        assert_eq!(connection.poll(), Some(Event::ReplyNow(checked(answer))));
    }
}

#[test]
fn a_stranger_hears_that_it_is_one_and_the_connection_closes() {
    let registration = "7e0100001901380000123400010000000041434d453141432d31303020203030303132333401";
    let registration = checked(registration);
    for (frame, answer) in [
        (registration, checked("7e810000030138000012340001000104")),
        (hex::parse(SHORT).unwrap(), checked("7e8001000501380000123400030003000201")),
    ] {
        let mut connection = Connection::new(&Jt808, Transport::Tcp);
        connection.receive(&frame);
        let events = admitted(&mut connection, &Admission::Refused);
        assert_eq!(events[1..], [Event::ReplyNow(answer), Event::Close]);
    }
}

#[test]
fn a_datagram_may_carry_several_packets() {
    let mut connection = Connection::new(&Jt808, Transport::Udp);
    connection.receive_frame(&hex::parse(&SHORT.repeat(2)).unwrap());
    let events = admitted(&mut connection, &Admission::Known(KnownDevice::default()));
    let heartbeats = events.iter().filter(|event| matches!(event, Event::Heartbeat { .. })).count();
    let replies = events.iter().filter(|event| matches!(event, Event::ReplyWhenDurable(_))).count();
    assert_eq!((heartbeats, replies), (2, 2));
}

/// The 28 bytes of a location at that second of 2026-10-16 12:00 in Beijing.
fn location(second: u8) -> Vec<u8> {
    hex::parse(&format!("0000000000000003015ef3c0009896800000000000002610161200{second:02}")).unwrap()
}

/// Several locations in one message, each with its length.
fn batch(locations: &[Vec<u8>]) -> Vec<u8> {
    let mut body = u16::try_from(locations.len()).unwrap().to_be_bytes().to_vec();
    body.push(1);
    for location in locations {
        body.extend(u16::try_from(location.len()).unwrap().to_be_bytes());
        body.extend(location);
    }
    body
}

/// A message of terminal 013800001234 in parts of so many bytes. The properties say whether it is encrypted.
fn in_parts(message: u16, encryption: u16, body: &[u8], length: usize) -> Vec<Vec<u8>> {
    let chunks = body.chunks(length);
    let total = u16::try_from(chunks.len()).unwrap();
    let part = |(serial, part): (u16, &[u8])| {
        let properties = 0x2000 | encryption | u16::try_from(part.len()).unwrap();
        let mut plain = [message.to_be_bytes(), properties.to_be_bytes()].concat();
        plain.extend([0x01, 0x38, 0x00, 0x00, 0x12, 0x34]);
        plain.extend([serial, total, serial + 1].map(u16::to_be_bytes).concat());
        plain.extend(part);
        plain.push(protocols::checksum::xor(&plain));
        let mut frame = vec![0x7E];
        for byte in plain {
            match byte {
                0x7E => frame.extend([0x7D, 2]),
                0x7D => frame.extend([0x7D, 1]),
                byte => frame.push(byte),
            }
        }
        frame.push(0x7E);
        frame
    };
    (0..).zip(chunks).map(part).collect()
}

/// What came of frames: how many messages and signs of life, the bytes of problems, and how many answers.
fn outcome(events: &[Event]) -> (usize, usize, Vec<&[u8]>, usize) {
    let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    let problems = events.iter().filter_map(|event| match event {
        Event::Problem { bytes, .. } => Some(&**bytes),
        _ => None,
    });
    (
        count(|event| matches!(event, Event::Message { .. })),
        count(|event| matches!(event, Event::Heartbeat { .. })),
        problems.collect(),
        count(|event| matches!(event, Event::ReplyWhenDurable(_))),
    )
}

#[test]
fn nothing_of_a_message_in_parts_is_lost() {
    let short = location(1)[..20].to_vec();
    let one_unreadable = batch(&[location(0), short, location(2)]);
    let many = batch(&vec![location(0); 2_000]);
    for (what, message, encryption, body, length, messages, signs, problem) in [
        ("one location cannot be read", 0x0704, 0, &one_unreadable, 30, 2, 0, true),
        ("encrypted", 0x0704, 0x0400, &one_unreadable, 30, 0, 0, true),
        ("of no known kind", 0x0F0F, 0, &one_unreadable, 30, 0, 0, true),
        ("a long batch", 0x0704, 0, &many, 1023, 2_000, 0, false),
        ("a picture", 0x0801, 0, &many, 1023, 0, 59, false),
        ("a picture of many parts", 0x0801, 0, &many, 500, 0, 121, false),
        ("a picture, encrypted", 0x0801, 0x0400, &many, 1023, 0, 59, false),
    ] {
        let frames = in_parts(message, encryption, body, length);
        let (mut connection, _) = connected(Transport::Tcp, SHORT, None);
        let mut events = Vec::new();
        for frame in &frames {
            connection.receive(frame);
            events.extend(std::iter::from_fn(|| connection.poll()));
        }
        let all = frames.concat();
        let problems = Vec::from_iter(problem.then_some(&*all));
        assert_eq!(outcome(&events), (messages, signs, problems, frames.len()), "{what}");
    }
}

#[test]
fn a_location_that_cannot_be_read_does_not_hide_those_behind_it() {
    // HHD's batch has lengths of one byte.
    let hhd: Vec<u8> = [&[28], &*location(0), &[20], &location(1)[..20], &[28], &location(2)].concat();
    let usual = batch(&[location(0), location(1)[..20].to_vec(), location(2)]);
    for (message, body) in [(0x0704_u16, usual), (0x0210, hhd)] {
        let head = format!("7e{message:04x}{:04x}0138000012340001", body.len());
        let frame = checked(&(head + &hex::lower(&body)));
        let (mut connection, _) = connected(Transport::Tcp, SHORT, None);
        connection.receive(&frame);
        let events: Vec<_> = std::iter::from_fn(|| connection.poll()).collect();
        assert_eq!(outcome(&events), (2, 0, vec![&*frame], 1), "{message:#06x}");
    }
}

#[test]
fn parts_in_several_datagrams_are_kept_and_answered() {
    let frames = in_parts(0x0704, 0, &batch(&[location(0), location(1)]), 30);
    let datagram = |bytes: &[u8]| {
        let mut connection = Connection::new(&Jt808, Transport::Udp);
        connection.receive_frame(bytes);
        admitted(&mut connection, &Admission::Known(KnownDevice::default()))
    };
    for frame in &frames {
        assert_eq!(outcome(&datagram(frame)), (0, 0, vec![&**frame], 1));
    }
    assert_eq!(outcome(&datagram(&frames.concat())), (2, 0, vec![], frames.len()));
}

#[test]
fn the_first_bytes_tell_the_protocol() {
    for (start, expected) in [
        (&b"~"[..], Recognition::Unsure),
        (b"(7401", Recognition::Unsure),
        (b"(740190319999,1,001,ELOCK,3,123456)", Recognition::Frame),
        // Other protocols write in parentheses too.
        (b"(013612345678BP05)", Recognition::No),
        (b"~~~~~~~~", Recognition::Unsure),
        (b"~abcdefgh~", Recognition::No),
        (b"$$A", Recognition::No),
    ] {
        assert_eq!(Jt808.recognise(start), expected, "{}", start.escape_ascii());
    }
}

/// The packet with its checksum and its last delimiter.
fn checked(packet: &str) -> Vec<u8> {
    let mut bytes = hex::parse(packet).unwrap();
    let check = protocols::checksum::xor(&bytes[1..]);
    bytes.extend([check, 0x7E]);
    bytes
}
