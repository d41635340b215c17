//! Meitrack through the public door: commands and their answers, the wiring of the ignition, datagrams.

#![allow(clippy::unwrap_used, reason = "tests")]

use domain::{Command, CommandId, InputName, ModelCode, Outcome, Transport, Value};
use protocols::{
    Admission, CommandError, Confirmation, Connection, DeviceSlot, Event, KnownDevice, Protocol, Recognition,
    checksum, meitrack::Meitrack,
};

const SLOT: DeviceSlot = DeviceSlot(0);
const IMEI: &str = "353358017784062";

/// A packet of the device.
fn packet(identifier: char, rest: &str) -> Vec<u8> {
    let length = format!(",{IMEI},{rest}*CC\r\n").len();
    let packet = format!("$${identifier}{length},{IMEI},{rest}*");
    let check = checksum::sum(packet.as_bytes());
    format!("{packet}{check:02X}\r\n").into_bytes()
}

const PLACE: &str = "52.52,13.4,261016120000,A,11,23,0,0,0.8,38,0,0,262|1|1|2,0400,|||018D|04C6,";

fn connected(known: &KnownDevice) -> Connection {
    let mut connection = Connection::new(&Meitrack, Transport::Tcp);
    connection.receive(&packet('A', "AAC,1"));
    events(&mut connection, known);
    connection
}

fn events(connection: &mut Connection, known: &KnownDevice) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = connection.poll() {
        if let Event::Identify { slot, .. } = event {
            connection.identified(slot, &Admission::Known(known.clone()));
        }
        events.push(event);
    }
    events
}

fn written(
    connection: &mut Connection,
    id: i64,
    command: &Command,
) -> Result<(Confirmation, String), CommandError> {
    let mut wire = Vec::new();
    let confirmation = connection.command(SLOT, CommandId(id), command, &mut wire)?;
    Ok((confirmation, String::from_utf8(wire).unwrap()))
}

#[test]
fn commands_are_packets_with_an_identifier_of_their_own() {
    let mut connection = connected(&KnownDevice::default());
    for (command, wire) in [
        (Command::Text("C47,2,90,10\r\n".to_owned()), "@@A33,353358017784062,C47,2,90,10*E5\r\n"),
        (Command::Locate, "@@B25,353358017784062,A10*"),
        (Command::Immobilize(true), "@@C33,353358017784062,C01,0,12222*"),
        (Command::Immobilize(false), "@@D33,353358017784062,C01,0,02222*"),
        (Command::Output { number: 3, on: true }, "@@E33,353358017784062,C01,0,22122*"),
        (Command::Outputs(vec![true, false]), "@@F33,353358017784062,C01,0,10222*"),
    ] {
        let (confirmation, written) = written(&mut connection, 1, &command).unwrap();
        assert!(written.starts_with(wire) && written.ends_with("\r\n"), "{command:?}: {written}");
        assert_eq!(confirmation, Confirmation::Reply);
    }
    let raw = written(&mut connection, 1, &Command::Bytes(b"@@G".to_vec())).unwrap();
    assert_eq!(raw, (Confirmation::Sent, "@@G".to_owned()));
    for command in [
        Command::Text(String::new()),
        Command::Text("A\u{e9}".to_owned()),
        Command::Text("A10\nA11".to_owned()),
        Command::Output { number: 6, on: true },
        Command::Outputs(vec![true; 6]),
    ] {
        assert!(matches!(written(&mut connection, 1, &command), Err(CommandError::Unfit(_))), "{command:?}");
    }
}

#[test]
fn answers_are_told_apart_by_identifier_and_word() {
    let mut connection = connected(&KnownDevice::default());
    let text = |text: &str| Command::Text(text.to_owned());
    for (id, command) in
        [(1, text("C47,2,90,10")), (2, text("C47,1,90,10")), (3, Command::Locate), (4, text("B05,1"))]
    {
        written(&mut connection, id, &command).unwrap();
    }
    for (identifier, answer, id, outcome, said) in [
        ('B', "C47,OK".to_owned(), Some(2), Outcome::Done, "C47,OK"),
        // Another identifier: the oldest of that word.
        ('z', "c47,ok".to_owned(), Some(1), Outcome::Done, "c47,ok"),
        ('D', "B05,Error".to_owned(), Some(4), Outcome::Refused, "B05,Error"),
        ('C', format!("AAA,34,{PLACE}"), Some(3), Outcome::Done, "position"),
        ('C', "E91,FWV1".to_owned(), None, Outcome::Done, "E91,FWV1"),
    ] {
        connection.receive(&packet(identifier, &answer));
        let reply = Event::Reply { slot: SLOT, command: id.map(CommandId), outcome, text: said.to_owned() };
        assert_eq!(events(&mut connection, &KnownDevice::default()).last(), Some(&reply), "{answer}");
    }
}

#[test]
fn identifiers_begin_again() {
    let mut connection = connected(&KnownDevice::default());
    let identifiers: String = (0..59)
        .map(|id| written(&mut connection, id, &Command::Locate).unwrap().1.chars().nth(2).unwrap())
        .collect();
    assert!(identifiers.starts_with("ABC") && identifiers.ends_with("yzA"), "{identifiers}");
}

#[test]
fn the_ignition_is_where_the_setting_or_the_model_says() {
    for (model, setting, expected) in [
        (None, None, None),
        (Some("meitrackt1"), None, Some(true)),
        (Some("meitrack_t366"), None, None),
        (Some("meitrackt1"), Some("1"), Some(false)),
        (None, Some("3"), Some(true)),
        (None, Some("0"), None),
    ] {
        let settings = setting.map(|input| ("ignition_input".to_owned(), input.to_owned()));
        let model = model.map(|code| ModelCode::find(code).unwrap());
        let known = KnownDevice { model, settings: settings.into_iter().collect() };
        let mut connection = connected(&known);
        connection.receive(&packet('A', &format!("AAA,35,{PLACE}")));
        let events = events(&mut connection, &known);
        let [Event::Message { message, .. }] = &events[..] else { unreachable!("{events:?}") };
        let ignition = message.inputs.get(InputName::find("ignition").unwrap());
        assert_eq!(ignition.and_then(Value::flag), expected, "{model:?} {setting:?}");
    }
}

#[test]
fn a_datagram_may_carry_several_packets() {
    let mut connection = Connection::new(&Meitrack, Transport::Udp);
    let twice = packet('A', &format!("AAA,35,{PLACE}")).repeat(2);
    connection.receive_frame(twice.trim_ascii_end());
    let events = events(&mut connection, &KnownDevice::default());
    assert!(
        matches!(events[..], [Event::Identify { .. }, Event::Message { .. }, Event::Message { .. }]),
        "{events:?}"
    );
}

#[test]
fn the_first_bytes_tell_the_protocol() {
    let whole = packet('A', "AAC,1");
    for (start, expected) in [
        (&b"$"[..], Recognition::Unsure),
        (b"$$A2", Recognition::Unsure),
        (&whole[..], Recognition::Frame),
        (b"$$A27,353358017784062,AAC,1*00\r\n", Recognition::No),
        (b"$GPRMC", Recognition::No),
        (b"+RESP", Recognition::No),
    ] {
        assert_eq!(Meitrack.recognise(start), expected, "{}", start.escape_ascii());
    }
}
