//! Records survive their stored form, every version is read for ever, and no bytes do harm.

use super::{
    super::{EmbeddedJournal, Journal, JournalConfig, embedded::FOLDER, read_all, stored::Stored},
    *,
};
use domain::input_specs;
use proptest::prelude::*;
use std::{fs, path::PathBuf};

fn encode(records: &[Record]) -> Vec<u8> {
    Stored::of(records).bytes().to_vec()
}

fn decode(bytes: &[u8], count: u32) -> Result<Vec<Record>, DecodeError> {
    Stored::read(bytes, count).map(|(records, _)| records)
}

/// Every kind of record and every field, with extremes. The golden files of the newest version hold these.
fn fixture() -> Vec<Record> {
    let mut records = version_1();
    let derived = records.iter().find_map(|record| match record {
        Record::Derived(derived) => Some(derived.clone()),
        _ => None,
    });
    let derived = derived.unwrap();
    let by_itself = Derived {
        time: Timestamp::from_millis(i64::MIN),
        completes: None,
        fix: Fix::at(derived.fix.coordinates),
        ..derived
    };
    records.insert(3, Record::Derived(by_itself));
    records
}

/// What the golden files of version 1 hold.
fn version_1() -> Vec<Record> {
    let input = |name| InputName::find(name).unwrap();
    let received = Timestamp::from_millis(1_729_080_000_123);
    let full = Fix {
        coordinates: Coordinates::new(54.714_605_1, 25.303_195).unwrap(),
        valid: true,
        speed: Some(Speed::from_kmh(87.5)),
        heading: Some(Heading::from_degrees(359)),
        altitude: Some(Metres(-12.25)),
        satellites: Some(17),
        precision: Some(Metres(4.5)),
        source: PositionSource::Gnss,
    };
    let sparse = Fix { valid: false, ..Fix::at(Coordinates::new(-90.0, -180.0).unwrap()) };
    let inputs = [
        (input("ignition"), Value::Flag(true)),
        (input("ignition"), Value::Flag(false)),
        (input("analog_1"), Value::Float(12.345)),
        (input("avl_io_0"), Value::Int(i64::MIN)),
        (input("avl_io_239"), Value::Int(1)),
        (input("avl_io_65535"), Value::Int(i64::MAX)),
        (input("avl_io_256"), Value::Text("WVWZZZ1JZXW000001 Ünïcode".into())),
        (input("avl_io_257"), Value::Text("".into())),
    ];
    let telemetry = Telemetry {
        source: SourceId(7),
        received,
        time: Timestamp::from_millis(1_729_079_990_000),
        time_origin: TimeOrigin::Device,
        hash: RecordHash::of(b"a record"),
        message: Message {
            time: Some(Timestamp::from_millis(1_729_079_990_000)),
            fix: Some(full),
            inputs: inputs.into_iter().collect(),
        },
    };
    let contact = |kind| Record::Contact(Contact { source: SourceId(2_147_483_647), received, kind });
    vec![
        Record::Telemetry(telemetry.clone()),
        Record::Telemetry(Telemetry {
            time: received,
            time_origin: TimeOrigin::Suspect,
            message: Message {
                time: Some(Timestamp::from_millis(i64::MAX)),
                fix: Some(sparse),
                inputs: Default::default(),
            },
            ..telemetry.clone()
        }),
        Record::Telemetry(Telemetry {
            source: SourceId(i64::MIN),
            received: Timestamp::from_millis(i64::MIN),
            time: Timestamp::from_millis(i64::MAX),
            time_origin: TimeOrigin::Received,
            hash: RecordHash(u128::MAX),
            message: Message::default(),
        }),
        contact(ContactKind::Login(Transport::Tcp)),
        contact(ContactKind::Login(Transport::Udp)),
        contact(ContactKind::Login(Transport::Http)),
        contact(ContactKind::Heartbeat),
        contact(ContactKind::Closed),
        contact(ContactKind::Lost),
        Record::Reply(Reply {
            source: SourceId(7),
            received,
            command: Some(CommandId(-1)),
            bytes: b"DO1:1"[..].into(),
        }),
        Record::Reply(Reply { source: SourceId(7), received, command: None, bytes: [].into() }),
        Record::Derived(Derived {
            source: SourceId(7),
            received,
            time: telemetry.time,
            completes: Some(telemetry.hash),
            fix: Fix { source: PositionSource::Cells, ..full },
        }),
        Record::Problem(Problem {
            source: Some(SourceId(7)),
            received,
            protocol: "teltonika".into(),
            error: "codec 0x10 is unknown".into(),
            bytes: (0..=255).collect(),
        }),
        Record::Problem(Problem {
            source: None,
            received,
            protocol: "".into(),
            error: "".into(),
            bytes: [].into(),
        }),
    ]
}

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/journal").join(name)
}

/// A golden file. One that does not exist yet is written, and the test fails so that it is looked at and committed;
/// one of a released version is never written again.
fn golden(name: &str, today: &[u8]) -> Vec<u8> {
    let path = testdata(name);
    fs::read(&path).unwrap_or_else(|_| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, today).unwrap();
        panic!("{} did not exist and was written: check and commit it", path.display());
    })
}

#[test]
fn every_version_is_read_for_ever() {
    let print =
        |records: &[Record]| -> String { records.iter().map(|record| format!("{record:#?}\n")).collect() };
    for (version, records) in [("v1", version_1()), ("v2", fixture())] {
        let expected = golden(&format!("{version}/records.txt"), print(&records).as_bytes());
        let stored = golden(&format!("{version}/records.bin"), &encode(&records));
        let read = decode(&stored, records.len() as u32).unwrap();
        assert_eq!(print(&read), String::from_utf8(expected).unwrap(), "{version}");
        assert_eq!(read, records, "{version}");
    }
    assert_eq!(encode(&fixture()), golden("v2/records.bin", &[]), "what is written today is not version 2");
}

#[tokio::test]
async fn a_segment_of_every_version_is_read_for_ever() {
    let written = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(written.path(), JournalConfig::default()).unwrap();
    for half in fixture().chunks(7) {
        journal.append(half.to_vec()).await.unwrap();
    }
    journal.close().await;
    let name = format!("{:020}.seg", 0);
    let today = fs::read(written.path().join(FOLDER).join(&name)).unwrap();
    assert_eq!(today, golden("v2/segment.bin", &today), "what is written today is not version 2");

    for (version, records) in [("v1", version_1()), ("v2", fixture())] {
        let read = tempfile::tempdir().unwrap();
        fs::create_dir(read.path().join(FOLDER)).unwrap();
        let stored = golden(&format!("{version}/segment.bin"), &[]);
        fs::write(read.path().join(FOLDER).join(&name), &stored).unwrap();
        let batches: Vec<_> = read_all(read.path()).unwrap().map(Result::unwrap).collect();
        let firsts: Vec<_> = batches.iter().map(|batch| batch.first.0).collect();
        assert_eq!(firsts, (0..records.len() as u64).step_by(7).collect::<Vec<_>>(), "{version}");
        assert_eq!(batches.into_iter().flat_map(|batch| batch.records).collect::<Vec<_>>(), records);
    }
}

#[test]
fn what_this_version_does_not_know_is_an_error() {
    let good = encode(&[Record::Contact(Contact {
        source: SourceId(1),
        received: Timestamp::from_millis(0),
        kind: ContactKind::Lost,
    })]);
    assert_eq!(good, [CONTACT, 2, 0, 5]);
    let mut later_input = encode(&[Record::Telemetry(Telemetry {
        source: SourceId(1),
        received: Timestamp::from_millis(0),
        time: Timestamp::from_millis(0),
        time_origin: TimeOrigin::Received,
        hash: RecordHash(0),
        message: Message::default(),
    })]);
    let no_code = input_specs().last().unwrap().code + 100_000_000;
    *later_input.last_mut().unwrap() = 1;
    put_varint(&mut later_input, u64::from(no_code) << VALUE_BITS);
    let mut later_flags = later_input.clone();
    later_flags[3] |= 1 << 4;
    let unknown = |field, code| DecodeError::Unknown { field, code };
    for (bytes, count, expected) in [
        (&[9][..], 1, unknown("record kind", 9)),
        (&[CONTACT, 2, 0, 6], 1, unknown("contact kind", 6)),
        (&[PROBLEM, 2], 1, unknown("presence", 2)),
        (&later_flags, 1, unknown("telemetry flags", 17)),
        (&later_input, 1, unknown("input", no_code.into())),
        (&good[..3], 1, DecodeError::Truncated),
        (&good, 2, DecodeError::Truncated),
        (&good, 0, DecodeError::Trailing(4)),
        (&[PROBLEM, 0, 0, 1, 0xff], 1, DecodeError::Text),
    ] {
        assert_eq!(decode(bytes, count), Err(expected), "{bytes:02x?}");
    }
}

#[test]
fn values_out_of_their_range_are_an_error() {
    let fix = |heading: u16, lat: f64| {
        let mut out = vec![HAS_HEADING];
        out.extend_from_slice(&lat.to_le_bytes());
        out.extend_from_slice(&0f64.to_le_bytes());
        out.extend_from_slice(&heading.to_le_bytes());
        decode_fix(&mut Unread(&out))
    };
    assert!(fix(359, 90.0).is_ok());
    assert_eq!(fix(360, 0.0), Err(DecodeError::OutOfRange("a heading")));
    assert_eq!(fix(0, 90.1), Err(DecodeError::OutOfRange("a coordinate")));
    assert_eq!(fix(0, f64::NAN), Err(DecodeError::OutOfRange("a coordinate")));
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let time = || any::<i64>().prop_map(Timestamp::from_millis);
    let source = || any::<i64>().prop_map(SourceId);
    let hash = || any::<u128>().prop_map(RecordHash);
    let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Box::<[u8]>::from);
    let text = || "\\PC{0,12}".prop_map(Box::<str>::from);
    let number = || -1e6f32..1e6;
    let position_source = || prop::sample::select(&[PositionSource::Gnss, PositionSource::Cells][..]);
    let fix = move || {
        let quantities = (
            prop::option::of(number().prop_map(Speed::from_kmh)),
            prop::option::of(any::<u16>().prop_map(Heading::from_degrees)),
            prop::option::of(number().prop_map(Metres)),
            prop::option::of(any::<u8>()),
            prop::option::of(number().prop_map(Metres)),
            position_source(),
        );
        (-90.0..=90.0, -180.0..=180.0, any::<bool>(), quantities).prop_map(|(lat, lng, valid, quantities)| {
            let (speed, heading, altitude, satellites, precision, source) = quantities;
            let coordinates = Coordinates::new(lat, lng).unwrap();
            Fix { coordinates, valid, speed, heading, altitude, satellites, precision, source }
        })
    };
    let name = (0..input_specs().len()).prop_flat_map(|row| {
        let spec = &input_specs()[row];
        let (first, last) = spec.range.unwrap_or((0, 0));
        (first..=last).prop_map(|index| InputName::from_code(spec.code + index).unwrap())
    });
    let value = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (-1e300..1e300).prop_map(Value::Float),
        any::<bool>().prop_map(Value::Flag),
        text().prop_map(Value::Text),
    ];
    let inputs = prop::collection::vec((name, value), 0..20).prop_map(|inputs| inputs.into_iter().collect());
    let time_origin =
        prop::sample::select(&[TimeOrigin::Device, TimeOrigin::Received, TimeOrigin::Suspect][..]);
    let message = (prop::option::of(time()), prop::option::of(fix()), inputs)
        .prop_map(|(time, fix, inputs)| Message { time, fix, inputs });
    let telemetry = (source(), time(), time(), time_origin, hash(), message).prop_map(
        |(source, received, time, time_origin, hash, message)| {
            Record::Telemetry(Telemetry { source, received, time, time_origin, hash, message })
        },
    );
    let contact = (source(), time(), 0..6u8).prop_map(|(source, received, code)| {
        Record::Contact(Contact { source, received, kind: contact_kind(code).unwrap() })
    });
    let reply =
        (source(), time(), any::<Option<i64>>(), bytes()).prop_map(|(source, received, command, bytes)| {
            Record::Reply(Reply { source, received, command: command.map(CommandId), bytes })
        });
    let derived = (source(), time(), time(), prop::option::of(hash()), fix()).prop_map(
        |(source, received, time, completes, fix)| {
            Record::Derived(Derived { source, received, time, completes, fix })
        },
    );
    let problem = (prop::option::of(source()), time(), text(), text(), bytes()).prop_map(
        |(source, received, protocol, error, bytes)| {
            Record::Problem(Problem { source, received, protocol, error, bytes })
        },
    );
    prop::collection::vec(prop_oneof![telemetry, contact, reply, derived, problem], 0..6)
}

proptest! {
    #[test]
    fn every_record_survives(records in records()) {
        let bytes = encode(&records);
        prop_assert_eq!(decode(&bytes, records.len() as u32).unwrap(), records);
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), count: u32) {
        let _ = decode(&bytes, count);
    }

    #[test]
    fn no_damage_does_harm(records in records(), at: prop::sample::Index, bits: u8, count in 0..10u32) {
        let mut bytes = encode(&records);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        let _ = decode(&bytes, count);
        let _ = decode(&bytes[..bytes.len() / 2], records.len() as u32);
    }
}

#[test]
fn a_false_count_or_length_asks_for_no_memory() {
    // 2^60 inputs, and a text of 2^60 bytes.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    let mut telemetry = vec![TELEMETRY, 2, 0, 1, 0];
    telemetry.extend_from_slice(&[0; 16]);
    telemetry.extend_from_slice(&huge);
    assert_eq!(decode(&telemetry, u32::MAX), Err(DecodeError::Truncated));
    let mut problem = vec![PROBLEM, 0, 0];
    problem.extend_from_slice(&huge);
    assert_eq!(decode(&problem, u32::MAX), Err(DecodeError::Truncated));
}
