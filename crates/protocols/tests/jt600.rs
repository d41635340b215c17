//! Jointech beyond its captures: recognition, locks unsealed, answers to commands.

mod harness;

use domain::{Command, CommandId, DeviceId, LockAction, Outcome, Transport};
use harness::introduced;
use protocols::{CommandError, Confirmation, DeviceSlot, Event, Protocol, Recognition, hex, jt600::Jt600};

const POSITION: &str = "2480006200111911003420112508153052312000013243000f7d880000002d060000000020e028109228661f0001\
                        000000000000000000000a1b01060256";

#[test]
fn recognises_its_own_on_a_port_for_all() {
    let login = || Recognition::Login(DeviceId::new("8000620011").expect("a number"));
    let position = hex::parse(POSITION).unwrap_or_default();
    for (start, expected) in [
        (vec![], Recognition::Unsure),
        (b"(80006".to_vec(), Recognition::Unsure),
        (b"(8000620011,P4".to_vec(), Recognition::Unsure),
        (b"(8000620011,@JT)".to_vec(), login()),
        (b"(740190311185,1,001,ELOCK,3,529439)".to_vec(), Recognition::No),
        (b"(088047194605BZ00)".to_vec(), Recognition::No),
        (position[..20].to_vec(), Recognition::Unsure),
        (position, login()),
        // A report of H02 has the time where the length is here.
        (
            hex::parse("2441060116600815302011255231200006013243000e020271fffffbffff0024")
                .unwrap_or_default(),
            Recognition::No,
        ),
        (b"x".to_vec(), Recognition::No),
    ] {
        assert_eq!(Jt600.recognise(&start), expected, "{start:02x?}");
    }
}

#[test]
fn commands_stand_between_brackets() {
    let lock = |action, password: &str| Command::Lock { action, password: password.into() };
    let password = CommandError::Unfit("a password has six digits, letters or signs");
    for (command, expected) in [
        (lock(LockAction::Unseal, "12#aAM"), Ok("(P43,12#aAM)")),
        (lock(LockAction::Unseal, "12345"), Err(password)),
        (lock(LockAction::Unseal, "12,456"), Err(password)),
        (lock(LockAction::Unseal, "12345)"), Err(password)),
        (
            lock(LockAction::Seal, "888888"),
            Err(CommandError::Unfit("the lock shuts by itself when its rope is put in")),
        ),
        (Command::Immobilize(true), Ok("(S07,0)")),
        (Command::Immobilize(false), Ok("(S07,1)")),
        (Command::Output { number: 1, on: true }, Ok("(S07,0)")),
        (Command::Outputs(vec![false]), Ok("(S07,1)")),
        (Command::Outputs(vec![]), Err(CommandError::Unfit("the device has one output"))),
        (Command::Text("P01".into()), Ok("(P01)")),
        (Command::Text("(P44,1)".into()), Ok("(P44,1)")),
        (Command::Text("P01\r".into()), Err(CommandError::Unfit("a command is ASCII"))),
        (Command::Text("A".repeat(2047)), Err(CommandError::Unfit("the text is too long"))),
        (Command::Bytes(b"(P15)".to_vec()), Ok("(P15)")),
        (Command::Locate, Err(CommandError::Unsupported)),
    ] {
        let (mut wire, mut connection) = (Vec::new(), introduced(&Jt600, Transport::Tcp));
        let sent = connection.command(DeviceSlot(0), CommandId(1), &command, &mut wire);
        match expected {
            Ok(expected) => assert_eq!(String::from_utf8_lossy(&wire), expected),
            Err(error) => assert_eq!((sent, wire), (Err(error), vec![]), "{command:?}"),
        }
    }
}

#[test]
fn answers_are_of_the_command_with_their_word() {
    let mut connection = introduced(&Jt600, Transport::Tcp);
    connection.receive(b"(8000620011,@JT)");
    harness::drain(&mut connection, &mut Vec::new());
    let mut wire = Vec::new();
    let unseal = Command::Lock { action: LockAction::Unseal, password: "888888".into() };
    for (id, command) in [(1, Command::Text("P01".into())), (2, unseal.clone()), (3, unseal)] {
        let sent = connection.command(DeviceSlot(0), CommandId(id), &command, &mut wire);
        assert_eq!(sent, Ok(Confirmation::Reply));
    }
    for (said, command, outcome) in [
        ("P43,1,0", Some(2), Outcome::Done),
        ("P43,0,1", Some(3), Outcome::Refused),
        ("P43,0,2", None, Outcome::Refused),
        ("P01,JT701D_R1.2.7,41%", Some(1), Outcome::Done),
        ("P52,3,0,1", None, Outcome::Refused),
    ] {
        connection.receive(format!("(8000620011,{said})").as_bytes());
        let command = command.map(CommandId);
        let reply = Event::Reply { slot: DeviceSlot(0), command, outcome, text: said.to_owned() };
        assert_eq!(connection.poll(), Some(reply));
    }
}

#[test]
fn a_lock_is_told_the_time() {
    let (mut connection, mut events) = (introduced(&Jt600, Transport::Tcp), Vec::new());
    connection.receive(b"(8000620011,P22,2)(8000620011,@JT)");
    harness::drain(&mut connection, &mut events);
    let slot = DeviceSlot(0);
    let answer = Event::ReplyNow(b"(P22,201125081530)".to_vec());
    let after = [Event::Heartbeat { slot }, Event::TimeWanted { slot }, answer, Event::Heartbeat { slot }];
    assert!(events.ends_with(&after), "{events:?}");
}
