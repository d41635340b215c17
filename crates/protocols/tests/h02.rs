//! H02 beyond its captures: recognition, commands and their confirmations, reports in two sizes.

#![allow(clippy::unwrap_used, reason = "bytes that are no hex fail the test")]

mod harness;

use domain::{Command, CommandId, DeviceId, LockAction, Outcome, Transport};
use harness::{Manner, converse, introduced};
use protocols::{
    Admission, CommandError, Confirmation, Connection, DeviceSlot, Event, KnownDevice, Protocol, Recognition,
    h02::H02, hex,
};

const SHORT: &str = "2441060116600815302011255231200006013243000e020271fffffbffff0024";
const LONG: &str =
    "2441060116600817302011253436222006 0582289600000000fffffbffff00140600000000010602 0299109c02";

fn bytes(text: &str) -> Vec<u8> {
    hex::parse(text).unwrap()
}

#[test]
fn recognises_its_own_on_a_port_for_all() {
    let login = |id| Recognition::Login(DeviceId::new(id).unwrap());
    for (start, expected) in [
        (vec![], Recognition::Unsure),
        (b"*".to_vec(), Recognition::Unsure),
        (b"*HQ,9170123456,V1,081530".to_vec(), Recognition::Unsure),
        (b"*HQ,9170123456,HTBT#".to_vec(), login("9170123456")),
        (b"*ET;".to_vec(), Recognition::No),
        (b"*12,".to_vec(), Recognition::No),
        (bytes(SHORT)[..20].to_vec(), Recognition::Unsure),
        (bytes(SHORT), login("4106011660")),
        (bytes(LONG), login("4106011660")),
        // A lock of another maker has its data type and length where the time is here.
        (bytes("2480006200111911003418042116225922348310113550543F12980000002D06000000"), Recognition::No),
        (b"xx".to_vec(), Recognition::No),
    ] {
        assert_eq!(H02.recognise(&start), expected, "{start:02x?}");
    }
}

#[test]
fn reports_of_both_sizes_may_be_glued() {
    let (short, long) = (bytes(SHORT), bytes(LONG));
    for (stream, messages) in [
        ([&*short, &*long, &*short].concat(), 4),
        ([&*long, b"*HQ,4106011660,HTBT#", &*long].concat(), 4),
        ([&*short, &*short].concat(), 2),
    ] {
        for manner in Manner::ALL {
            let whole = converse(&H02, Transport::Tcp, manner, [&*stream]);
            assert_eq!(whole, converse(&H02, Transport::Tcp, manner, stream.chunks(1)));
            let count = whole.iter().filter(|event| matches!(event, Event::Message { .. })).count();
            assert_eq!(count, messages, "{manner:?}");
        }
    }
}

#[test]
fn commands_name_the_device_and_are_confirmed_by_their_time() {
    let known = |greeting: &[u8]| {
        let mut connection = introduced(&H02, Transport::Tcp);
        connection.receive(greeting);
        harness::drain(&mut connection, &mut Vec::new());
        connection
    };
    for (command, expected) in [
        (Command::Immobilize(true), Ok("*TH,2020916012,S20,000009,1,1#")),
        (Command::Immobilize(false), Ok("*TH,2020916012,S20,000009,1,0#")),
        (Command::Output { number: 1, on: true }, Ok("*TH,2020916012,S20,000009,1,1#")),
        (Command::Outputs(vec![false]), Ok("*TH,2020916012,S20,000009,1,0#")),
        (Command::Text("S71,22,10".into()), Ok("*TH,2020916012,S71,000009,22,10#")),
        (Command::Text("R1".into()), Ok("*TH,2020916012,R1,000009#")),
        (Command::Text("*HQ,1,R1,130305#".into()), Ok("*HQ,1,R1,130305#")),
        (Command::Bytes(b"raw".to_vec()), Ok("raw")),
        (Command::Outputs(vec![true, true]), Err(CommandError::Unfit("the device has one output"))),
        (Command::Text("R1\r".into()), Err(CommandError::Unfit("a command is one line of ASCII"))),
        (Command::Text("A".repeat(2000)), Err(CommandError::Unfit("the text is too long for a line"))),
        (Command::Locate, Err(CommandError::Unsupported)),
        (Command::Lock { action: LockAction::Unseal, password: "1".into() }, Err(CommandError::Unsupported)),
    ] {
        let (mut wire, mut connection) = (Vec::new(), known(b"*TH,2020916012,HTBT#"));
        let sent = connection.command(DeviceSlot(0), CommandId(9), &command, &mut wire);
        match expected {
            Ok(expected) => assert_eq!(String::from_utf8_lossy(&wire), expected),
            Err(error) => assert_eq!((sent, wire), (Err(error), vec![]), "{command:?}"),
        }
    }

    let (mut wire, mut connection) = (Vec::new(), known(b"*TH,2020916012,HTBT#"));
    let text = Command::Text("S23,1,2".into());
    let sent = connection.command(DeviceSlot(0), CommandId(86_400 + 3723), &text, &mut wire);
    assert_eq!((sent, &*wire), (Ok(Confirmation::Reply), &b"*TH,2020916012,S23,010203,1,2#"[..]));
    let place = "081530,A,2212.8745,N,11346.6574,E,14.28,028,201125,F7FFFBFF#";
    for (said, command) in [("R8,ERROR,000001", None), ("S23,1,2,010203", Some(CommandId(90_123)))] {
        connection.receive(format!("*TH,2020916012,V4,{said},{place}").as_bytes());
        assert!(matches!(connection.poll(), Some(Event::Message { .. })));
        let (text, _) = said.rsplit_once(',').unwrap();
        let outcome = if command.is_some() { Outcome::Done } else { Outcome::Refused };
        let reply = Event::Reply { slot: DeviceSlot(0), command, outcome, text: text.to_owned() };
        assert_eq!(connection.poll(), Some(reply));
    }
    let mut connection = introduced(&H02, Transport::Tcp);
    let sent = connection.command(DeviceSlot(0), CommandId(1), &text, &mut wire);
    assert_eq!(sent, Err(CommandError::NotNow("the device has not said its number")));
}

#[test]
fn a_datagram_names_its_device_and_may_carry_several_lines() {
    let mut connection = Connection::new(&H02, Transport::Udp);
    connection.receive_frame(
        b"*HQ,9170123456,V1,081530,A,5231.2000,N,01324.3000,E,000.00,000,201125,FFFFFBFF#\r\n*HQ,9170123456,HTBT#",
    );
    let (slot, id) = (DeviceSlot(0), DeviceId::new("9170123456").unwrap());
    assert_eq!(connection.poll(), Some(Event::Identify { slot, id }));
    assert_eq!(connection.poll(), None, "nothing is heard before the device is admitted");
    connection.identified(slot, &Admission::Known(KnownDevice::default()));
    assert!(matches!(connection.poll(), Some(Event::Message { .. })));
    assert_eq!(connection.poll(), Some(Event::Heartbeat { slot }));
    assert_eq!(connection.poll(), Some(Event::ReplyWhenDurable(b"*HQ,9170123456,HTBT#".to_vec())));
    assert_eq!(connection.poll(), None);
}
