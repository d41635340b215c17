//! GT06 beyond its captures: admission, recognition, commands and their answers.

#![allow(clippy::unwrap_used, reason = "bytes that are no hex fail the test")]

mod harness;

use domain::{Command, CommandId, DeviceId, LockAction, Outcome, RecordHash, Transport};
use harness::introduced;
use protocols::{
    Admission, Broken, CommandError, Confirmation, Connection, DeviceSlot, Event, KnownDevice, Protocol,
    Recognition, gt06::Gt06, hex,
};

const LOGIN: &str = "78780d01086279805012345700013cb60d0a";
const POSITION: &str = "78782222190b14080f1ec905a2814001702de848150f0106021a2b00c3d4010000000282020d0a";
/// The same record with another serial, marked as sent again.
const AGAIN: &str = "78782222190b14080f1ec905a2814001702de848150f0106021a2b00c3d40100010009660d0d0a";

fn bytes(text: &str) -> Vec<u8> {
    hex::parse(text).unwrap()
}

#[test]
fn a_login_waits_for_its_answer() {
    let (slot, id) = (DeviceSlot(0), DeviceId::new("862798050123457").unwrap());
    let mut connection = Connection::new(&Gt06, Transport::Tcp);
    connection.receive(&bytes(&[LOGIN, POSITION].concat()));
    assert_eq!(connection.poll(), Some(Event::Identify { slot, id: id.clone() }));
    assert_eq!(connection.poll(), None, "records wait until the device is admitted");
    connection.identified(slot, &Admission::Known(KnownDevice::default()));
    assert_eq!(connection.poll(), Some(Event::ReplyNow(bytes("787805010001d9dc0d0a"))));
    assert!(matches!(connection.poll(), Some(Event::Message { .. })));
    assert_eq!(connection.poll(), Some(Event::ReplyWhenDurable(bytes("78780522000207180d0a"))));

    let mut connection = Connection::new(&Gt06, Transport::Tcp);
    connection.receive(&bytes(&[LOGIN, POSITION].concat()));
    assert_eq!(connection.poll(), Some(Event::Identify { slot, id }));
    connection.identified(slot, &Admission::Refused);
    assert_eq!((connection.poll(), connection.poll()), (Some(Event::Close), None));

    let mut connection = Connection::new(&Gt06, Transport::Tcp);
    connection.receive(&bytes(POSITION));
    assert_eq!(connection.poll(), Some(Event::Broken(Broken::OutOfOrder("a message before a login"))));
}

/// Stored for ever: the identity of a record is its number and content, without the mark that it is sent again.
#[test]
fn a_record_that_is_sent_again_is_the_same() {
    let mut connection = introduced(&Gt06, Transport::Tcp);
    connection.receive(&bytes(&[POSITION, AGAIN].concat()));
    let hashes: Vec<_> = std::iter::from_fn(|| connection.poll())
        .filter_map(|event| match event {
            Event::Message { hash, .. } => Some(hash),
            _ => None,
        })
        .collect();
    let own = bytes(POSITION);
    assert_eq!(hashes, [RecordHash::of(&own[3..own.len() - 6]); 2]);
}

#[test]
fn recognises_its_own_on_a_port_for_all() {
    let id = DeviceId::new("862798050123457").unwrap();
    let mut wrong = bytes(POSITION);
    wrong[9] ^= 1;
    for (start, expected) in [
        (vec![], Recognition::Unsure),
        (vec![0x78], Recognition::Unsure),
        (bytes(LOGIN)[..12].to_vec(), Recognition::Unsure),
        (bytes(LOGIN), Recognition::Login(id)),
        (bytes(POSITION), Recognition::Frame),
        (wrong, Recognition::No),
        (b"*HQ,1".to_vec(), Recognition::No),
        (vec![0, 15], Recognition::No),
    ] {
        assert_eq!(Gt06.recognise(&start), expected, "{start:02x?}");
    }
}

#[test]
fn commands_are_packets_with_a_flag() {
    let too_long = CommandError::Unfit("the text is too long for a packet");
    for (command, expected) in [
        (Command::Text("STATUS#".into()), Ok("78781180 0b 00000008 53544154555323 0000 0000 0d0a")),
        (Command::Immobilize(true), Ok("78781280 0c 00000008 52656c61792c3123 0000 0000 0d0a")),
        (Command::Immobilize(false), Ok("78781280 0c 00000008 52656c61792c3023 0000 0000 0d0a")),
        (Command::Output { number: 1, on: true }, Ok("78781280 0c 00000008 52656c61792c3123 0000 0000 0d0a")),
        (Command::Outputs(vec![false]), Ok("78781280 0c 00000008 52656c61792c3023 0000 0000 0d0a")),
        (Command::Locate, Ok("78781080 0a 00000008 574845524523 0000 0000 0d0a")),
        (Command::Bytes(b"RESET#".to_vec()), Ok("78781080 0a 00000008 524553455423 0000 0000 0d0a")),
        (Command::Bytes(bytes(LOGIN)), Ok(LOGIN)),
        (Command::Output { number: 2, on: true }, Err(CommandError::Unfit("the device has one output"))),
        (Command::Outputs(vec![true, true]), Err(CommandError::Unfit("the device has one output"))),
        (Command::Text("A".repeat(246)), Err(too_long)),
        (Command::Lock { action: LockAction::Unseal, password: "1".into() }, Err(CommandError::Unsupported)),
    ] {
        let mut wire = Vec::new();
        let mut connection = introduced(&Gt06, Transport::Tcp);
        let sent = connection.command(DeviceSlot(0), CommandId(9), &command, &mut wire);
        match expected {
            Ok(expected) => {
                let (own, expected) = (hex::lower(&wire), hex::lower(&bytes(expected)));
                // The checksum is the machine's own: what it sends it recognises.
                let end = if sent == Ok(Confirmation::Sent) { 0 } else { 8 };
                assert_eq!(own[..own.len() - end], expected[..expected.len() - end], "{command:?}");
                assert_ne!(Gt06.recognise(&wire), Recognition::No, "{command:?}");
            }
            Err(error) => assert_eq!((sent, wire), (Err(error), vec![]), "{command:?}"),
        }
    }
}

#[test]
fn answers_name_their_command() {
    let mut connection = introduced(&Gt06, Transport::Tcp);
    let mut wire = Vec::new();
    for id in [7, 8] {
        let text = Command::Text("STATUS#".into());
        let sent = connection.command(DeviceSlot(0), CommandId(id), &text, &mut wire);
        assert_eq!(sent, Ok(Confirmation::Reply));
    }
    let packets: Vec<_> = wire.chunks(wire.len() / 2).collect();
    assert_eq!(
        (packets[0][16..18].to_vec(), packets[1][16..18].to_vec()),
        (vec![0, 0], vec![0, 1]),
        "serials"
    );
    // Answers with flags 7 and 6 (captures/gt06.txt), then the first again.
    let done = "78782d152500000006437574206f666620746865206675656c20737570706c793a2053756363657373210002001c236c0d0a";
    let refused = "797900262100000007020043006f006d006d0061006e00640020006500720072006f00720021001dfa470d0a";
    connection.receive(&bytes(&[refused, done, refused].concat()));
    let answers: Vec<_> = std::iter::from_fn(|| connection.poll())
        .map(|event| match event {
            Event::Reply { command, outcome, text, .. } => (command, outcome, text),
            other => panic!("{other:?}"),
        })
        .collect();
    let (refusal, success) = ("Command error!".to_owned(), "Cut off the fuel supply: Success!".to_owned());
    assert_eq!(
        answers,
        [
            (Some(CommandId(8)), Outcome::Refused, refusal.clone()),
            (Some(CommandId(7)), Outcome::Done, success),
            (None, Outcome::Refused, refusal),
        ]
    );
}

#[test]
fn a_device_is_told_the_time_before_its_next_message_is_heard() {
    let mut connection = introduced(&Gt06, Transport::Tcp);
    connection.receive(&bytes(&["7878058a002e25630d0a", POSITION].concat()));
    let mut events = Vec::new();
    harness::drain(&mut connection, &mut events);
    // 2025-11-20T08:15:30Z, a byte for each.
    let answer = bytes("78780b8a190b14080f1e002e");
    let told = matches!(
        &events[..4],
        [Event::Heartbeat { .. }, Event::TimeWanted { .. }, Event::ReplyNow(told), Event::Message { .. }]
            if told.starts_with(&answer) && Gt06.recognise(told) == Recognition::Frame
    );
    assert!(told, "{events:02x?}");
}
