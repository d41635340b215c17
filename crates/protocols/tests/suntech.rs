//! Suntech beyond its captures: acknowledgements by transport, commands in each dialect, data within reports.

mod harness;

use domain::{Command, CommandId, DeviceId, Transport};
use protocols::{
    Admission, CommandError, Confirmation, Connection, DeviceSlot, Event, KnownDevice, Protocol, Recognition,
    suntech::Suntech,
};

const SLOT: DeviceSlot = DeviceSlot(0);
const STATUS: &str = "ST300STT;511340877;04;706;20261124;09:15:30;cc719;-12.063565;-045.793653;038.500;026.00;11;1;57095;12.50;101010;2;0337\r";
const EMERGENCY: &str = "ST300EMG;511340877;04;706;20261124;09:15:30;cc719;-12.063565;-045.793653;038.500;026.00;11;1;57095;12.50;101010;1\r";
const UNIVERSAL: &str = "STT;0560001616;3FFFFF;56;1.0.15;1;20261124;09:15:30;00008D6C;334;20;0925;24;+20.741764;-103.430364;0.00;0.00;19;1;00000001;00000000;2;1;1765\r";
const PORTABLE: &str =
    "ST910;Location;344506;017;20261124;09:15:30;-25.398714;-049.296818;000.500;000.00;1;4.32;1;1;0001\r";

fn admitted(transport: Transport, report: &[u8]) -> (Connection, Vec<Event>) {
    let mut connection = Connection::new(&Suntech, transport);
    match transport {
        Transport::Udp => connection.receive_frame(report),
        _ => connection.receive(report),
    }
    assert!(matches!(connection.poll(), Some(Event::Identify { .. })));
    connection.identified(SLOT, &Admission::Known(KnownDevice::default()));
    let events = std::iter::from_fn(|| connection.poll()).collect();
    (connection, events)
}

#[test]
fn reports_are_acknowledged_as_their_transport_needs() {
    let zip = protocols::hex::parse(
        "02003210511340877028813f180c170016041051290c0635652d793653000038001a30e601665e560000000100750002712704000103",
    );
    let zip = zip.unwrap();
    // As emergency, and of a kind that is in no document, with nothing that can be read.
    let unreadable_zip = |kind: u8| [&[2, 0, 6, kind, 0x51, 0x13, 0x40, 0x87, 0x70][..], &[3]].concat();
    for (transport, report, reply) in [
        (Transport::Tcp, STATUS.as_bytes(), None),
        (Transport::Tcp, EMERGENCY.as_bytes(), Some(&b"ST300CMD;511340877;02;AckEmerg\r"[..])),
        (Transport::Udp, STATUS.as_bytes(), Some(b"ST300ACK;511340877")),
        (Transport::Udp, b"ST300ALV;511340877\r", None),
        (Transport::Udp, &zip, Some(b"\x15\x51\x13\x40\x87\x70")),
        (Transport::Tcp, &zip, None),
        (Transport::Udp, UNIVERSAL.as_bytes(), None),
        // What cannot be read is acknowledged too.
        (Transport::Udp, b"ST300STT;511340877;04;none\r", Some(b"ST300ACK;511340877")),
        (Transport::Udp, b"SA200XYZ;511340877;1\r", Some(b"SA200ACK;511340877")),
        (Transport::Udp, &unreadable_zip(0x1F), Some(b"\x15\x51\x13\x40\x87\x70")),
        (Transport::Udp, b"STT;0560001616;none\r", None),
        (Transport::Udp, b"ST910;Location;344506;none\r", None),
        (Transport::Tcp, b"ST300STT;511340877;04;none\r", None),
        (Transport::Tcp, b"ST300EMG;511340877;none\r", Some(b"ST300CMD;511340877;02;AckEmerg\r")),
        (Transport::Tcp, &unreadable_zip(0x11), Some(b"ST300CMD;511340877;02;AckEmerg\r")),
        (Transport::Tcp, &unreadable_zip(0x1F), None),
    ] {
        let (_, events) = admitted(transport, report);
        let sent = events.iter().find_map(|event| match event {
            Event::ReplyWhenDurable(reply) => Some(&**reply),
            _ => None,
        });
        assert_eq!(sent, reply, "{transport:?} {}", String::from_utf8_lossy(report));
    }
}

#[test]
fn commands_speak_the_dialect_of_the_device() {
    let text = |text: &str| Command::Text(text.to_owned());
    for (report, command, wire) in [
        (STATUS, text("ST300CMD;511340877;02;Preset"), Ok("ST300CMD;511340877;02;Preset\r")),
        (STATUS, text(""), Err(CommandError::Unfit("a command is one line of ASCII characters"))),
        (STATUS, Command::Bytes(vec![b'x']), Ok("x")),
        (STATUS, Command::Locate, Ok("ST300CMD;511340877;02;StatusReq\r")),
        (STATUS, Command::Immobilize(true), Ok("ST300CMD;511340877;02;Enable1\r")),
        (STATUS, Command::Output { number: 2, on: false }, Ok("ST300CMD;511340877;02;Disable2\r")),
        (
            STATUS,
            Command::Output { number: 3, on: true },
            Err(CommandError::Unfit("outputs have the numbers 1 and 2")),
        ),
        (UNIVERSAL, Command::Locate, Ok("CMD;0560001616;03;01\r")),
        (UNIVERSAL, Command::Immobilize(true), Ok("CMD;0560001616;04;01\r")),
        (UNIVERSAL, Command::Immobilize(false), Ok("CMD;0560001616;04;02\r")),
        (UNIVERSAL, Command::Output { number: 2, on: true }, Ok("CMD;0560001616;04;03\r")),
        (PORTABLE, Command::Locate, Err(CommandError::Unsupported)),
    ] {
        let (mut connection, _) = admitted(Transport::Tcp, report.as_bytes());
        let mut bytes = Vec::new();
        let outcome = connection.command(SLOT, CommandId(1), &command, &mut bytes);
        let written = String::from_utf8(bytes).unwrap();
        assert_eq!(outcome.map(|_| &*written), wire, "{report} {command:?}");
        assert!(outcome.is_err() || outcome == Ok(Confirmation::Reply));
        assert!(Suntech.commands().contains(&command.kind()));
    }
}

#[test]
fn data_within_a_report_may_hold_the_end_of_a_line() {
    let head = "ST300UEX;511340877;45;311;20261124;09:15:30;12361;-12.063565;-045.793653;038.500;026.00;11;1;0;12.54;000000;";
    for (data, whole) in [
        ("5;a\r;\rb;6F;000240;0.0;1\r", true),
        // 0 and 1 are two bytes each.
        ("3;\u{1}\u{10}\u{1}\u{11}\r;6F;000240;0.0;1\r", true),
        // A length that is wrong does not swallow the next report.
        ("3;abcdefg;6F;000240;0.0;1\r", true),
        ("40;abc;6F\r", false),
    ] {
        let report = format!("{head}{data}");
        let mut connection = Connection::new(&Suntech, Transport::Tcp);
        connection.receive(report.as_bytes());
        let asked = matches!(connection.poll(), Some(Event::Identify { .. }));
        // The mark at the end waits to be skipped.
        assert_eq!((asked, connection.buffered() <= 1), (whole, whole), "{data:?}");
    }
}

#[test]
fn recognises_its_own_on_a_port_for_all() {
    let login = |id: &str| Recognition::Login(DeviceId::new(id).unwrap());
    for (start, expected) in [
        (STATUS, login("511340877")),
        (&STATUS[..40], Recognition::Unsure),
        (UNIVERSAL, login("0560001616")),
        ("SA200ALV;317652\r", login("317652")),
        ("ST300CMD;Res;511848119;319;Disable1\r", login("511848119")),
        ("ST300STT;none;04\r", Recognition::No),
        ("+RESP:GTFRI", Recognition::No),
        ("S", Recognition::Unsure),
    ] {
        assert_eq!(Suntech.recognise(start.as_bytes()), expected, "{start}");
    }
}
