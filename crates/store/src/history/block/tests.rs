//! Blocks keep every bit of a message, every version is read for ever, and no bytes do harm.

use super::*;
use domain::{
    Coordinates, Fix, Heading, InputName, Message, Metres, PositionSource, Speed, TimeOrigin, Timestamp,
    Value, input_specs,
};
use proptest::prelude::*;
use std::{fs, path::PathBuf};

const KINDS: [Keeping; 2] = [Keeping::UntilMerged, Keeping::ForLong];

fn encode(records: &[Telemetry], keeping: Keeping) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new().unwrap();
    records.iter().for_each(|record| encoder.push(record));
    encoder.finish(keeping, &mut out).unwrap();
    assert_eq!(encoder.len(), 0);
    out
}

fn columns(records: &[Telemetry]) -> Vec<u8> {
    let mut writer = columns::Writer::default();
    records.iter().for_each(|record| writer.push(record));
    writer.write().columns.to_vec()
}

/// What is left of records in such a block.
fn kept(records: &[Telemetry], keeping: Keeping) -> Vec<Telemetry> {
    let mut kept = records.to_vec();
    if keeping == Keeping::ForLong {
        kept.iter_mut().for_each(|record| record.hash = record.hash.shortened());
    }
    kept
}

fn decode(bytes: &[u8]) -> Result<Vec<Telemetry>, BlockError> {
    Decoder::new().unwrap().decode(SourceId(7), bytes)
}

/// What the golden files from version 3 on hold: as those before, with positions from cells.
fn fixture_with_cells() -> Vec<Telemetry> {
    let mut records = fixture();
    for fix in records.iter_mut().filter_map(|record| record.message.fix.as_mut()).step_by(3) {
        fix.source = PositionSource::Cells;
    }
    records
}

/// Every field, every way to write a column, extremes. The golden files hold these.
fn fixture() -> Vec<Telemetry> {
    let input = |name| InputName::find(name).unwrap();
    let records = (0..40).map(|number: i64| {
        let time = Timestamp::from_seconds(1_729_080_000 + 10 * number);
        let step = f64::from(number as i32);
        let fix = Fix {
            coordinates: Coordinates::new((547_146_051.0 + 1312.0 * step) / 1e7, 25.3 + step / 3.0).unwrap(),
            valid: number % 7 != 0,
            speed: Some(Speed::from_kmh(50.0 + number as f32 / 10.0)),
            heading: (number % 3 == 0).then(|| Heading::from_degrees(9 * number as u16)),
            altitude: Some(Metres(0.1 + number as f32)),
            satellites: (number % 5 != 0).then_some(number as u8),
            precision: (number == 9).then_some(Metres(f32::MAX)),
            source: PositionSource::Gnss,
        };
        let mut inputs = domain::Inputs::default();
        inputs.push(input("ignition"), number % 2 == 0);
        inputs.push(input("avl_io_239"), number * number);
        inputs.push(input("analog_1"), 12.345 + step);
        if number % 4 == 0 {
            inputs.push(input("avl_io_256"), ["WVWZZZ1JZXW000001 Ünïcode", ""][number as usize % 8 / 4]);
            inputs.push(input("ignition"), true);
            inputs.push(input("avl_io_0"), if number == 8 { i64::MIN } else { i64::MAX });
            inputs.push(input("avl_io_0"), -0.0);
        }
        let message =
            Message { time: (number != 20).then_some(time), fix: (number != 21).then_some(fix), inputs };
        Telemetry {
            source: SourceId(7),
            received: time.plus(std::time::Duration::from_millis(1300 + 7 * number as u64)),
            time,
            time_origin: [TimeOrigin::Device, TimeOrigin::Received, TimeOrigin::Suspect]
                [number as usize / 20],
            hash: RecordHash::of(&number.to_le_bytes()),
            message,
        }
    });
    let last = Telemetry {
        source: SourceId(7),
        received: Timestamp::from_millis(i64::MIN),
        time: Timestamp::from_millis(i64::MAX),
        time_origin: TimeOrigin::Suspect,
        hash: RecordHash(u128::MAX),
        message: Message { time: Some(Timestamp::from_millis(i64::MIN)), ..Message::default() },
    };
    records.chain([last]).collect()
}

/// A golden file. One that does not exist yet is written, and the test fails so that it is looked at and committed;
/// one of a released version is never written again.
fn golden(name: &str, today: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/history").join(name);
    fs::read(&path).unwrap_or_else(|_| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, today).unwrap();
        panic!("{} did not exist and was written: check and commit it", path.display());
    })
}

#[test]
fn every_version_is_read_for_ever() {
    let print =
        |records: &[Telemetry]| -> String { records.iter().map(|record| format!("{record:#?}\n")).collect() };
    for (version, keeping) in (1..=VERSION).zip(KINDS.into_iter().cycle()) {
        let fixture = if version > 2 { fixture_with_cells() } else { fixture() };
        let name = |file| format!("v{version}/{file}");
        let whole = kept(&fixture, keeping);
        let expected = String::from_utf8(golden(&name("block.txt"), print(&whole).as_bytes())).unwrap();
        let today = encode(&fixture, keeping);
        let records = decode(&golden(&name("block.bin"), &today)).unwrap();
        assert_eq!(print(&records), expected);
        assert_eq!(records, whole);
    }
}

/// What zstd makes of the columns may change with its versions; the columns may not.
#[test]
fn the_columns_are_written_as_ever() {
    let today = columns(&fixture_with_cells());
    assert_eq!(golden("v5/columns.bin", &today), today);
}

/// Small numbers take few bits, and one that is large does not make the others so.
#[test]
fn numbers_take_about_their_bits() {
    let few = |number: u64| number % 5;
    let many = |number: u64| number.wrapping_mul(0x9e37_79b9) % 1000;
    let rows: [(&dyn Fn(u64) -> u64, usize); 5] = [
        (&|_| 0, 100 / 8 + 2),
        (&few, 100 * 3 / 8 + 8),
        (&many, 100 * 11 / 8 + 8),
        (&|number| if number == 50 { u64::MAX } else { few(number) }, 100 * 3 / 8 + 20),
        (&|_| u64::MAX, 100 * 66 / 8),
    ];
    for (row, (number, most)) in rows.into_iter().enumerate() {
        let mut out = Vec::new();
        bits::write(&(0..100).map(number).collect::<Vec<_>>(), &mut out);
        assert!(out.len() <= most, "row {row}: {} bytes", out.len());
    }
}

#[test]
fn another_version_or_damage_is_an_error() {
    for keeping in KINDS {
        let good = encode(&fixture(), keeping);
        let mut newer = good.clone();
        newer[0] = VERSION + 1;
        assert!(matches!(decode(&newer), Err(BlockError::Newer(7))));
        for at in 1..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x10;
            assert!(matches!(decode(&damaged), Err(BlockError::Checksum)), "at {at}");
            assert!(decode(&good[..at]).is_err(), "up to {at}");
        }
    }
}

#[test]
fn values_out_of_their_range_are_an_error() {
    let [one, ..] = &fixture()[..] else { unreachable!() };
    let columns = columns(std::slice::from_ref(one));
    assert!(columns::read(&columns, SourceId(7), 1).is_ok());
    assert_eq!(columns::read(&columns, SourceId(7), 2), Err(DecodeError::Truncated));
    for bytes in [
        &b"\x00\x00\x00\x00\x00\x80\x10"[..],
        b"\x00\x00\x00\x00\x00\x06",
        b"\x04\x00",
        b"\x00\x00\x00\x00\x00\x08\x0b\x00\x00",
    ] {
        assert!(columns::read(bytes, SourceId(7), 1).is_err(), "{bytes:02x?}");
    }
}

/// A shape of many inputs that costs two bytes each in a block of many records.
#[test]
fn false_counts_ask_for_no_memory() {
    let mut columns = vec![0; 6];
    columns.push(1);
    put_varint(&mut columns, 60_000);
    columns.extend([0; 60_000]);
    columns.extend([0; 4]);
    let bomb = columns::read(&columns, SourceId(7), MAX_RECORDS);
    assert_eq!(bomb, Err(DecodeError::OutOfRange("a number of inputs")));
    for (count, length) in [(1 << 40, 10), (10, 1 << 40), (MAX_RECORDS as u64, MAX_COLUMNS as u64)] {
        let mut block = vec![VERSION, 0, 0, 0, 0];
        put_varint(&mut block, count);
        put_varint(&mut block, length);
        crate::wire::put_bytes(&mut block, &[0; 8]);
        let checksum = crc32fast::hash(&block[HEADER..]);
        block[1..HEADER].copy_from_slice(&checksum.to_le_bytes());
        assert!(matches!(decode(&block), Err(BlockError::Content(DecodeError::OutOfRange(_)))));
    }
}

#[test]
fn a_block_takes_what_it_can_read_again() {
    let mut records = vec![fixture()[1].clone(); 3];
    let many = (0..MAX_INPUTS).map(|_| (InputName::find("ignition").unwrap(), Value::Flag(true)));
    records[1].message.inputs = many.collect();
    let fitting = |records: &[Telemetry]| {
        let mut encoder = Encoder::new().unwrap();
        let fits = |record: &&Telemetry| {
            let fits = encoder.fits(record);
            encoder.push(record);
            fits
        };
        records.iter().take_while(fits).count()
    };
    assert_eq!(fitting(&records), 1);
    assert_eq!(fitting(&records[1..]), 1);
    assert_eq!(fitting(&records[2..]), 1);
    assert_eq!(fitting(&vec![fixture()[1].clone(); 5000]), MAX_RECORDS);
    let alone = &records[1..2];
    assert_eq!(decode(&encode(alone, Keeping::UntilMerged)).unwrap(), alone);
}

/// Telemetry of one source: wild, or like that of a device.
fn records() -> impl Strategy<Value = Vec<Telemetry>> {
    let wild = || any::<i64>().prop_map(Timestamp::from_millis);
    let tame = || (1_729_080_000i64..1_729_090_000).prop_map(Timestamp::from_seconds);
    let time = move || prop_oneof![4 => tame(), 1 => wild()];
    let narrow = || {
        let quarter = || (-4000i16..4000).prop_map(|quarters| f32::from(quarters) / 4.0);
        let tenth = || (-4000i16..4000).prop_map(|tenths| f32::from(tenths) / 10.0);
        prop_oneof![quarter(), tenth(), -1e6f32..1e6]
    };
    let quantities = (
        prop::option::of(narrow().prop_map(Speed::from_kmh)),
        prop::option::of(any::<u16>().prop_map(Heading::from_degrees)),
        prop::option::of(narrow().prop_map(Metres)),
        prop::option::of(any::<u8>()),
        prop::option::of(narrow().prop_map(Metres)),
        prop::sample::select(&[PositionSource::Gnss, PositionSource::Cells][..]),
    );
    let degrees = |most: i32| {
        prop_oneof![
            (-most * 10_000_000..=most * 10_000_000).prop_map(|scaled| f64::from(scaled) / 1e7),
            -f64::from(most)..=f64::from(most),
        ]
    };
    let fix =
        (degrees(90), degrees(180), any::<bool>(), quantities).prop_map(|(lat, lng, valid, quantities)| {
            let (speed, heading, altitude, satellites, precision, source) = quantities;
            let coordinates = Coordinates::new(lat, lng).unwrap();
            Fix { coordinates, valid, speed, heading, altitude, satellites, precision, source }
        });
    let name = (0..8usize).prop_map(|row| {
        let spec = &input_specs()[row * (input_specs().len() / 8)];
        InputName::from_code(spec.code + spec.range.map_or(0, |(first, _)| first)).unwrap()
    });
    let value = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (0..300i64).prop_map(Value::Int),
        (-1e300..1e300).prop_map(Value::Float),
        (0..500_000i32).prop_map(|thousandths| Value::Float(f64::from(thousandths) / 1000.0)),
        any::<bool>().prop_map(Value::Flag),
        "\\PC{0,3}".prop_map(|text| Value::Text(text.into())),
    ];
    let inputs = prop::collection::vec((name, value), 0..6).prop_map(|inputs| inputs.into_iter().collect());
    let time_origin =
        prop::sample::select(&[TimeOrigin::Device, TimeOrigin::Received, TimeOrigin::Suspect][..]);
    let message = (prop::option::of(time()), prop::option::of(fix), inputs)
        .prop_map(|(time, fix, inputs)| Message { time, fix, inputs });
    let hash = any::<u128>().prop_map(RecordHash);
    let telemetry = (time(), time(), time_origin, hash, message).prop_map(
        |(received, time, time_origin, hash, message)| Telemetry {
            source: SourceId(7),
            received,
            time,
            time_origin,
            hash,
            message,
        },
    );
    prop::collection::vec(telemetry, 0..30)
}

/// `PartialEq` takes 0.0 for −0.0.
fn all_bits(records: &[Telemetry]) -> String {
    format!("{records:?}")
}

proptest! {
    #[test]
    fn every_message_survives(records in records()) {
        for keeping in KINDS {
            let decoded = decode(&encode(&records, keeping)).unwrap();
            prop_assert_eq!(all_bits(&decoded), all_bits(&kept(&records, keeping)));
        }
    }

    #[test]
    fn every_column_survives(numbers in prop::collection::vec(prop_oneof![any::<i64>(), -9i64..9], 0..9), step: i64) {
        let steps: Vec<i64> = numbers.iter().map(|number| number.wrapping_mul(step)).collect();
        for numbers in [numbers, steps] {
            let mut out = Vec::new();
            integers::write(&numbers, &mut integers::Room::default(), &mut out);
            let mut from = Unread(&out);
            prop_assert_eq!(integers::read(&mut from, numbers.len()).unwrap(), numbers);
            prop_assert!(from.0.is_empty());
        }
    }

    #[test]
    fn every_bit_of_a_number_survives(
        numbers in prop::collection::vec(prop_oneof![any::<u64>(), 0..9u64, (0..64u32).prop_map(|bit| 1 << bit)], 0..40),
    ) {
        let mut out = Vec::new();
        bits::write(&numbers, &mut out);
        let (mut from, mut read) = (Unread(&out), Vec::new());
        bits::read(&mut from, numbers.len(), |number| read.push(number)).unwrap();
        prop_assert_eq!(&read, &numbers);
        prop_assert!(from.0.is_empty());
        prop_assert!(bits::read(&mut Unread(&out[..out.len() - 1]), numbers.len() + 8, |_| ()).is_err());
    }

    #[test]
    fn every_bit_of_a_decimal_survives(bits in prop::collection::vec(any::<u64>(), 0..9), short: bool) {
        let (mut out, mut back) = (Vec::new(), Vec::new());
        if short {
            let numbers: Vec<f32> = bits.iter().map(|bits| f32::from_bits(*bits as u32)).collect();
            decimals::write(&numbers, &mut decimals::Room::default(), &mut out);
            let read = decimals::read::<f32>(&mut Unread(&out), bits.len()).unwrap();
            back.extend(read.into_iter().map(|number| u64::from(number.to_bits())));
            prop_assert_eq!(back, bits.iter().map(|bits| bits & 0xffff_ffff).collect::<Vec<_>>());
        } else {
            let numbers: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).collect();
            decimals::write(&numbers, &mut decimals::Room::default(), &mut out);
            let read = decimals::read::<f64>(&mut Unread(&out), bits.len()).unwrap();
            back.extend(read.into_iter().map(f64::to_bits));
            prop_assert_eq!(back, bits);
        }
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..MAX_RECORDS) {
        let _ = decode(&bytes);
        let _ = columns::read(&bytes, SourceId(7), count);
    }

    #[test]
    fn no_damage_does_harm(records in records(), at: prop::sample::Index, bits: u8, count in 0..40usize) {
        let mut columns = columns(&records);
        let at = at.index(columns.len());
        columns[at] ^= bits;
        let _ = columns::read(&columns, SourceId(7), records.len());
        let _ = columns::read(&columns, SourceId(7), count);
        let _ = columns::read(&columns[..at], SourceId(7), records.len());
    }
}
