//! Commands of phones: what goes into the answer to their next request, and what never can.

mod harness;

use domain::{Command, CommandId, LockAction, Transport};
use harness::introduced;
use protocols::{
    CommandError, Confirmation, DeviceSlot, Event, Protocol, osmand::Osmand, owntracks::Owntracks,
};

const SLOT: DeviceSlot = DeviceSlot(0);

fn text(text: &str) -> Command {
    Command::Text(text.to_owned())
}

#[test]
fn commands_are_written_as_applications_read_them() {
    let (unsupported, empty) =
        (CommandError::Unsupported, CommandError::Unfit("an empty body tells nothing"));
    let no_object = CommandError::Unfit("a command is the name of an action, or a JSON object with a _type");
    let report = r#"{"_type":"cmd","action":"reportLocation"}"#;
    let cases: [(&dyn Protocol, Command, Result<&str, CommandError>); 16] = [
        (&Owntracks, Command::Locate, Ok(report)),
        (&Owntracks, text(" reportLocation\n"), Ok(report)),
        (
            &Owntracks,
            text(r#"{ "action": "dump", "_type": "cmd" }"#),
            Ok(r#"{"action":"dump","_type":"cmd"}"#),
        ),
        (&Owntracks, Command::Bytes(b"status".to_vec()), Ok(r#"{"_type":"cmd","action":"status"}"#)),
        (&Owntracks, Command::Bytes(vec![0xFF]), Err(no_object)),
        (&Owntracks, text(""), Err(no_object)),
        (&Owntracks, text("report location"), Err(no_object)),
        (&Owntracks, text(r#"{"action":"dump"}"#), Err(no_object)),
        (&Owntracks, text(r#"[{"_type":"cmd"}]"#), Err(no_object)),
        (&Owntracks, Command::Immobilize(true), Err(unsupported)),
        (&Osmand, text("  as it is\n"), Ok("  as it is\n")),
        (&Osmand, Command::Bytes(b"a\0b".to_vec()), Ok("a\0b")),
        (&Osmand, text(""), Err(empty)),
        (&Osmand, Command::Bytes(Vec::new()), Err(empty)),
        (&Osmand, Command::Locate, Err(unsupported)),
        (
            &Osmand,
            Command::Lock { action: LockAction::Seal, password: String::new() },
            Err(CommandError::Unsupported),
        ),
    ];
    for (protocol, command, expected) in cases {
        let (mut wire, mut connection) = (Vec::new(), introduced(protocol, Transport::Http));
        let written = connection.command(SLOT, CommandId(1), &command, &mut wire);
        match expected {
            Ok(expected) => {
                assert_eq!(written, Ok(Confirmation::Sent), "{command:?}");
                assert_eq!(String::from_utf8_lossy(&wire), expected);
            }
            Err(error) => assert_eq!((written, wire), (Err(error), Vec::new()), "{command:?}"),
        }
        // What cannot be written does not stand where it could be.
        let offered = protocol.commands().contains(&command.kind());
        assert_eq!(offered, expected != Err(CommandError::Unsupported), "{command:?}");
    }
}

#[test]
fn an_answer_waits_for_the_command_and_requests_behind_it_wait_for_the_answer() {
    const REQUEST: &str = "GET /?id=1&lat=1&lon=2 HTTP/1.1\r\nHost: a\r\n";
    let requests = format!("{REQUEST}\r\n{REQUEST}Connection: close\r\n\r\n{REQUEST}\r\n");
    let mut connection = introduced(&Osmand, Transport::Http);
    connection.receive(requests.as_bytes());
    let mut events = Vec::new();
    let poll = |connection: &mut protocols::Connection, events: &mut Vec<Event>| {
        while let Some(event) = connection.poll() {
            if let Event::Identify { slot, .. } = event {
                let known = protocols::Admission::Known(protocols::KnownDevice::default());
                connection.identified(slot, &known);
            } else if !matches!(event, Event::Message { .. }) {
                events.push(event);
            }
        }
    };
    let response = |head: &str, body: &str| {
        Event::ReplyNow(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").into_bytes())
    };
    poll(&mut connection, &mut events);
    assert_eq!(events, [Event::CommandWanted { slot: SLOT }]);
    connection.respond(SLOT, Some(b"tell me"));
    events.clear();
    poll(&mut connection, &mut events);
    let first = response(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\nConnection: keep-alive",
        "tell me",
    );
    assert_eq!(events, [first, Event::CommandWanted { slot: SLOT }]);
    connection.respond(SLOT, None);
    events.clear();
    poll(&mut connection, &mut events);
    assert_eq!(events, [response("Content-Length: 0\r\nConnection: close", ""), Event::Close]);
    assert_eq!(connection.buffered(), 0, "nothing is heard behind the end");
}
