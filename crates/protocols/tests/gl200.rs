//! Queclink beyond its captures: admission, datagrams, identity, commands and what answers them.

mod harness;

use domain::{Command, CommandId, DeviceId, ModelCode, Outcome, RecordHash, Transport};
use protocols::{
    Admission, CommandError, Confirmation, Connection, DeviceSlot, Event, KnownDevice, Protocol, Recognition,
    gl200::Gl200,
};

const IMEI: &str = "869606021234567";
const SLOT: DeviceSlot = DeviceSlot(0);
const FIRST: &[u8] = b"+RESP:GTSTT,060228,869606021234567,,21,1,0.0,0,411.3,-63.169745,-17.776330,20260319132220,0736,0003,6AD4,5BAA,00,20260319132223,1FBD$";
const SECOND: &[u8] = b"+BUFF:GTSTT,060228,869606021234567,,21,1,0.0,0,411.3,-63.169745,-17.776330,20260319132220,0736,0003,6AD4,5BAA,00,20260319132223,1FBE$";

fn known(model: &str) -> Admission {
    Admission::Known(KnownDevice { model: ModelCode::find(model), ..KnownDevice::default() })
}

fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll()).collect()
}

#[test]
fn a_device_is_asked_about_once() {
    let id = DeviceId::new(IMEI).unwrap();
    let identify = Event::Identify { slot: SLOT, id };
    let mut connection = Connection::new(&Gl200, Transport::Tcp);
    connection.receive(FIRST);
    assert_eq!(events(&mut connection), std::slice::from_ref(&identify), "the report waits");
    connection.identified(SLOT, &known("qlgv65"));
    let answered = events(&mut connection);
    assert!(
        matches!(&answered[..], [Event::Message { .. }, Event::ReplyWhenDurable(reply)] if reply == b"+SACK:1FBD$")
    );
    connection.receive(SECOND);
    assert_eq!(events(&mut connection).len(), 2, "it is known now");

    // Somebody else on the same connection.
    let other = String::from_utf8(FIRST.to_vec()).unwrap().replace(IMEI, "869606021234568");
    connection.receive(other.as_bytes());
    assert!(matches!(events(&mut connection)[..], [Event::Identify { .. }]));
    connection.identified(SLOT, &Admission::Refused);
    assert_eq!(events(&mut connection), [Event::Close]);

    let mut refused = Connection::new(&Gl200, Transport::Tcp);
    refused.receive(FIRST);
    refused.identified(SLOT, &Admission::Refused);
    assert_eq!(events(&mut refused), [identify, Event::Close]);
}

#[test]
fn a_datagram_may_carry_several_reports() {
    let mut connection = Connection::new(&Gl200, Transport::Udp);
    connection.receive_frame(&[FIRST, b"\r\n", SECOND].concat());
    assert!(matches!(events(&mut connection)[..], [Event::Identify { .. }]));
    connection.identified(SLOT, &known("qlgv65"));
    let replies: Vec<_> = events(&mut connection)
        .into_iter()
        .filter_map(|event| match event {
            Event::ReplyWhenDurable(reply) => Some(String::from_utf8(reply).unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(replies, ["+SACK:1FBD$", "+SACK:1FBE$"]);
}

/// Stored for ever: the identity of a report is what it says, without how it was sent and its running number.
#[test]
fn a_report_sent_late_is_the_same_record() {
    let own = &FIRST[b"+RESP:GT".len()..FIRST.len() - b",1FBD$".len()];
    let mut connection = Connection::new(&Gl200, Transport::Tcp);
    connection.receive(&[FIRST, SECOND].concat());
    connection.identified(SLOT, &known("qlgv65"));
    let hashes: Vec<_> = events(&mut connection)
        .into_iter()
        .filter_map(|event| match event {
            Event::Message { hash, .. } => Some(hash),
            _ => None,
        })
        .collect();
    assert_eq!(hashes, [RecordHash::of(own); 2]);
}

#[test]
fn commands_are_framed_and_their_answers_found() {
    let text = |text: &str| Command::Text(text.to_owned());
    for (model, command, wire) in [
        ("qlgv65", text("AT+GTRTO=gv65,3,,,,,,0010"), Ok("AT+GTRTO=gv65,3,,,,,,0010$")),
        ("qlgv65", text(" AT+GTRTO=gv65,3,,,,,,0010$\r\n"), Ok("AT+GTRTO=gv65,3,,,,,,0010$")),
        ("qlgv65", text("  "), Err(CommandError::Unfit("a command is one line of ASCII characters"))),
        ("qlgv65", Command::Bytes(b"raw".to_vec()), Ok("raw")),
        ("qlgv65", Command::Locate, Ok("AT+GTRTO=gv65,1,,,,,,0001$")),
        ("qlgv300_w", Command::Locate, Ok("AT+GTRTO=gv300,1,,,,,,0001$")),
        ("", Command::Locate, Err(CommandError::Unfit("the password of the device is not known"))),
        ("qlgv300", Command::Output { number: 2, on: true }, Ok("AT+GTOUT=gv300,,,,1,0,0,,,,,,,,,,,0001$")),
        ("qlgv300", Command::Outputs(vec![true, false]), Ok("AT+GTOUT=gv300,1,0,0,0,0,0,,,,,,,,,,,0001$")),
        ("qlgv300", Command::Immobilize(true), Ok("AT+GTOUT=gv300,1,0,0,,,,,,,,,,,,,,0001$")),
        (
            "qlgv300",
            Command::Output { number: 5, on: true },
            Err(CommandError::Unfit("outputs have the numbers 1 to 4")),
        ),
        ("qlgl500_vt", Command::Immobilize(true), Err(CommandError::Unfit("the device has no such output"))),
    ] {
        let mut connection = Connection::new(&Gl200, Transport::Tcp);
        connection.identified(SLOT, &known(model));
        let mut bytes = Vec::new();
        let outcome = connection.command(SLOT, CommandId(7), &command, &mut bytes);
        let written = String::from_utf8(bytes).unwrap();
        assert_eq!(outcome.map(|_| &*written), wire, "{model} {command:?}");
        assert!(Gl200.commands().contains(&command.kind()));
    }

    let mut connection = Connection::new(&Gl200, Transport::Tcp);
    connection.identified(SLOT, &known("qlgv65"));
    let mut wire = Vec::new();
    let sent = connection.command(SLOT, CommandId(8), &text("AT+GTRTO=gv65,3,,,,,,00AB"), &mut wire);
    assert_eq!(sent, Ok(Confirmation::Reply));
    for (answer, command) in [("00AC", None), ("00AB", Some(CommandId(8))), ("00AB", None)] {
        let frame = format!("+ACK:GTRTO,310603,{IMEI},van,VER,{answer},20260319132223,1FBD$");
        connection.receive(frame.as_bytes());
        connection.identified(SLOT, &known("qlgv65"));
        let reply = events(&mut connection).into_iter().find(|event| matches!(event, Event::Reply { .. }));
        let text = format!("GTRTO,VER,{answer}");
        assert_eq!(reply, Some(Event::Reply { slot: SLOT, command, outcome: Outcome::Done, text }));
    }
}

#[test]
fn recognises_its_own_on_a_port_for_all() {
    let login = Recognition::Login(DeviceId::new(IMEI).unwrap());
    let hex =
        protocols::hex::parse("2b4c474e00ff0026fe110b07020106563454040d054905000007e4031911213905083abd0d0a");
    let hex = hex.unwrap();
    for (start, expected) in [
        (&b"+"[..], Recognition::Unsure),
        (b"+RESP:GTSTT,060228,8696", Recognition::Unsure),
        (FIRST, login),
        (&hex, Recognition::Frame),
        (&hex[..20], Recognition::Unsure),
        (b"+RESP:XX", Recognition::No),
        (b"##,imei:869606021234567,A;", Recognition::No),
        (b"\0\0\0\0", Recognition::No),
    ] {
        assert_eq!(Gl200.recognise(start), expected, "{}", String::from_utf8_lossy(start));
    }
    let mut wrong = hex;
    wrong[20] ^= 1;
    assert_eq!(Gl200.recognise(&wrong), Recognition::No);
}
