//! ATrack beyond its captures: the device's own form of items, commands and their tags, datagrams, recognition.

#![allow(clippy::unwrap_used, reason = "a packet that cannot be built fails the test")]

mod harness;

use domain::{Command, CommandId, DeviceId, InputName, Outcome, Transport};
use protocols::{
    Admission, CommandError, Connection, DeviceSettings, DeviceSlot, Event, KnownDevice, Protocol,
    Recognition, atrack::Atrack, hex,
};

const SLOT: DeviceSlot = DeviceSlot(0);
const ID: &str = "352964052096642";
/// A position without items, number 0x01E0.
const PLAIN: &str = "40501e58003301e000014104d8f19682525ecd5d525ee344525ee35effc88815026ab4d70000020000104403de01000b0000000007d007d000";

fn known(form: Option<&str>) -> Admission {
    let settings: DeviceSettings =
        form.into_iter().map(|form| ("form".to_owned(), form.to_owned())).collect();
    Admission::Known(KnownDevice { settings, ..KnownDevice::default() })
}

fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll()).collect()
}

/// A packet of the device with the body behind its number.
fn packet(body: &[u8]) -> Vec<u8> {
    let id: u64 = ID.parse().unwrap();
    let mut data = vec![0x01, 0xE0];
    data.extend(id.to_be_bytes());
    data.extend(body);
    let mut covered = u16::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    covered.extend(data);
    let sum = protocols::checksum::crc16_arc(&covered).to_be_bytes();
    [b"@P", &sum[..], &covered].concat()
}

#[test]
fn items_are_those_of_the_device() {
    let plain = hex::parse(PLAIN).unwrap();
    let body = &plain[16..];
    let items = packet(&[body, &[0, 141, 0, 41], body, &[0, 142, 0, 40]].concat());
    let volts = |message: &domain::Message| {
        message.inputs.get(InputName::find("board_voltage").unwrap()).and_then(domain::Value::number)
    };
    for (form, frame, expected) in [
        (Some("%MV%BV"), &items, Some(vec![Some(14.1), Some(14.2)])),
        // Without the form, nobody knows where the second position begins.
        (None, &items, None),
        // The device was set otherwise since.
        (Some("%MV%BV"), &plain, Some(vec![None])),
        (None, &plain, Some(vec![None])),
    ] {
        let mut connection = Connection::new(&Atrack, Transport::Tcp);
        connection.receive(frame);
        connection.identified(SLOT, &known(form));
        let events = events(&mut connection);
        let complete = !events.iter().any(|event| matches!(event, Event::Problem { .. }));
        let found = events.iter().filter_map(|event| match event {
            Event::Message { message, .. } => Some(volts(message)),
            _ => None,
        });
        assert_eq!(complete.then(|| found.collect::<Vec<_>>()), expected, "{form:?}");
        let reply = Event::ReplyWhenDurable(hex::parse("fe0200014104d8f1968201e0").unwrap());
        assert_eq!(events.last(), Some(&reply));
    }
}

#[test]
fn a_datagram_may_carry_packets_and_zeros() {
    let plain = hex::parse(PLAIN).unwrap();
    let mut connection = Connection::new(&Atrack, Transport::Udp);
    connection.receive_frame(&[&*plain, &plain, &[0; 6]].concat());
    connection.identified(SLOT, &known(None));
    let events = events(&mut connection);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Message { .. })).count(), 2);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::ReplyWhenDurable(_))).count(), 2);
}

#[test]
fn commands_are_lines_and_their_tags_find_the_answer() {
    let text = |text: &str| Command::Text(text.to_owned());
    let mut connection = Connection::new(&Atrack, Transport::Tcp);
    connection.receive(&hex::parse(PLAIN).unwrap());
    connection.identified(SLOT, &known(None));
    for (id, command, wire) in [
        (1, text(" AT$INFO+12=?\r\n"), Ok("AT$INFO+12=?\r\n")),
        (2, text("AT$FORM+13=0,@P,0"), Ok("AT$FORM+13=0,@P,0\r\n")),
        (3, text("AT$UNID=?"), Ok("AT$UNID=?\r\n")),
        (4, Command::Bytes(b"raw".to_vec()), Ok("raw")),
        (5, text(""), Err(CommandError::Unfit("a command is one line of ASCII characters"))),
        (6, Command::Locate, Err(CommandError::Unsupported)),
    ] {
        let mut bytes = Vec::new();
        let outcome = connection.command(SLOT, CommandId(id), &command, &mut bytes);
        let written = String::from_utf8(bytes).unwrap();
        assert_eq!(outcome.map(|_| &*written), wire, "{command:?}");
    }
    events(&mut connection);
    for (line, command, outcome) in [
        ("$ERROR+13=101", Some(CommandId(2)), Outcome::Refused),
        ("$INFO+12=352964052096642,AK11", Some(CommandId(1)), Outcome::Done),
        ("$OK+12", None, Outcome::Done),
        ("$UNID=352964052096642", None, Outcome::Done),
    ] {
        connection.receive(format!("{line}\r\n").as_bytes());
        let text = line.to_owned();
        assert_eq!(events(&mut connection), [Event::Reply { slot: SLOT, command, outcome, text }]);
    }
}

#[test]
fn recognises_its_own_on_a_port_for_all() {
    let plain = hex::parse(PLAIN).unwrap();
    let mut wrong = plain.clone();
    wrong[30] ^= 1;
    let login = Recognition::Login(DeviceId::new(ID).unwrap());
    for (start, expected) in [
        (&plain[..], Recognition::Frame),
        (&plain[..20], Recognition::Unsure),
        (&wrong, Recognition::No),
        (&hex::parse("fe0200014104d8f196820001").unwrap(), login.clone()),
        (b"$INFO=352964052096642,AK11\r\n", login),
        (b"@P,434E,abc,", Recognition::No),
        (b"@", Recognition::Unsure),
        (b"+RESP:GTFRI", Recognition::No),
    ] {
        assert_eq!(Atrack.recognise(start), expected, "{}", String::from_utf8_lossy(start));
    }
}
