//! What vehicles report is plausible, the same for the same seed, and read by the server's decoder as it was meant.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use domain::{Coordinates, InputName, Message, Timestamp, Transport, Value};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use protocols::{
    Admission, Connection, DeviceSlot, Event, KnownDevice,
    sanity::assert_sane,
    teltonika::{Codec, Teltonika},
};
use simulator::{
    Kind, Network, Report, Reporting, Vehicle,
    language::teltonika::{Record, packet, record},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const IGNITION: u16 = 239;
const ODOMETER: u16 = 16;

fn seeded(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(20_241_016), failure_persistence: None, ..Config::default() }
}

fn noon() -> Timestamp {
    Timestamp::from_seconds(1_780_056_000)
}

fn vehicle(seed: u64) -> Vehicle {
    Vehicle::new(seed, Kind::ALL[seed as usize % 3], Reporting::AsDevice)
}

fn reading(record: &Record, id: u16) -> Option<u64> {
    let (_, bytes) = record.parameters.iter().find(|(candidate, _)| *candidate == id)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn distance(a: &Record, b: &Record) -> f64 {
    let metres = |ten_millionths: i32| f64::from(ten_millionths) / 1e7 * 111_195.0;
    let narrowing = (f64::from(a.lat) / 1e7).to_radians().cos();
    ((metres(a.lng) - metres(b.lng)) * narrowing).hypot(metres(a.lat) - metres(b.lat))
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed| {
        let records: Vec<_> = vehicle(seed)
            .history(noon(), noon().plus(HOUR * 3))
            .map(|report| record(&report.reading))
            .collect();
        packet(Codec::Codec8Extended, &records)
    };
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(10), "both are trucks");
}

#[test]
fn journeys_begun_at_any_time_agree() {
    for seed in 0..15 {
        let (from, to) = (noon(), noon().plus(HOUR * 30));
        let whole: Vec<_> = vehicle(seed).history(from, to).collect();
        assert!(whole.len() > 1000, "{} records", whole.len());
        for cut in [HOUR, HOUR * 7 + Duration::from_secs(1234), HOUR * 13, HOUR * 25] {
            let later: Vec<_> = vehicle(seed).history(from.plus(cut), to).collect();
            let expected = whole.iter().filter(|report| report.reading.time >= from.plus(cut));
            assert!(expected.eq(&later), "vehicle {seed}, {cut:?} later");
        }
    }
}

#[test]
fn records_are_made_as_a_device_makes_them() {
    for seed in 0..12 {
        let records: Vec<_> = vehicle(seed)
            .history(noon(), noon().plus(HOUR * 24))
            .map(|report| record(&report.reading))
            .collect();
        let (mut turns, mut switched) = (0, 0);
        for pair in records.windows(2) {
            let gap = pair[1].time.since(pair[0].time).as_secs();
            let on = [&pair[0], &pair[1]].map(|record| reading(record, IGNITION) == Some(1));
            match (on, pair[0].speed) {
                ([true, true], 10..) => assert!(gap <= 11, "{gap} s at {} km/h", pair[0].speed),
                ([true, _], _) => assert!(gap <= 60, "{gap} s with the engine on"),
                ([false, _], _) => assert!(gap <= 300, "{gap} s parked"),
            }
            assert_eq!(on[0] != on[1], pair[1].event == IGNITION, "{pair:?}");
            assert_eq!(pair[1].event == IGNITION, pair[1].priority == 1, "{pair:?}");
            switched += u32::from(on[0] != on[1]);
            turns += u32::from(gap < 5 && pair[1].event == 0);
        }
        assert!(switched >= 6 && turns > 100, "{switched} switches, {turns} turns");
    }
}

#[test]
fn many_are_on_the_road_at_any_hour_and_some_without_network() {
    let vehicles: Vec<Vec<Report>> =
        (0..40).map(|seed| vehicle(seed).history(noon(), noon().plus(HOUR * 24)).collect()).collect();
    for hour in 1..24 {
        let now = noon().plus(HOUR * hour);
        let on = vehicles.iter().filter(|reports| {
            let last = reports.iter().rev().find(|report| report.reading.time <= now);
            last.is_some_and(|report| report.reading.speed > 0)
        });
        let on = on.count();
        assert!((8..=32).contains(&on), "{on} of 40 move in hour {hour}");
    }
    let all = vehicles.iter().flatten();
    let silent = all.clone().filter(|report| report.network == Network::Silent).count();
    let blind = all.clone().filter(|report| report.reading.satellites == 0).count();
    let total = all.count();
    assert!(silent > total / 200 && silent < total / 10, "{silent} of {total} without network");
    assert!(blind > 20 && blind < silent, "{blind} of {total} without sky");
    assert!((100_000..500_000).contains(&total), "{total} records a day");
}

#[test]
fn a_fixed_interval_is_kept() {
    for interval in [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(30)] {
        let vehicle = Vehicle::new(3, Kind::Van, Reporting::Every(interval));
        let reports: Vec<_> = vehicle.history(noon(), noon().plus(HOUR)).collect();
        assert!(reports.iter().all(|report| report.network == Network::Heard));
        let records: Vec<_> = reports.into_iter().map(|report| record(&report.reading)).collect();
        let expected = HOUR.as_millis() / interval.as_millis();
        assert!((expected..expected + 60).contains(&(records.len() as u128)), "{} records", records.len());
        let phase = |record: &Record| record.time.millis() % interval.as_millis() as i64;
        let periodic: Vec<_> = records.iter().filter(|record| record.event == 0).map(phase).collect();
        assert!(periodic.windows(2).all(|pair| pair[0] == pair[1]), "{interval:?}");
        assert!(records.windows(2).all(|pair| pair[1].time.since(pair[0].time) <= interval), "{interval:?}");
    }
}

proptest! {
    #![proptest_config(seeded(32))]

    #[test]
    fn nothing_teleports(seed: u64, kind in 0..3_usize, hours in 0..9000_u32) {
        let from = noon().plus(HOUR * hours);
        let vehicle = Vehicle::new(seed, Kind::ALL[kind], Reporting::AsDevice);
        let records: Vec<_> = vehicle.history(from, from.plus(HOUR * 6)).map(|report| record(&report.reading)).collect();
        for pair in records.windows(2) {
            let [a, b] = pair else { unreachable!() };
            prop_assert!(a.time < b.time);
            let seconds = b.time.since(a.time).as_secs_f64();
            let moved = distance(a, b);
            let driven = (reading(b, ODOMETER).unwrap() - reading(a, ODOMETER).unwrap()) as f64;
            prop_assert!(driven <= 40.0 * seconds, "{} m driven in {} s", driven, seconds);
            // In a tunnel the position stays behind.
            if a.satellites == 0 || b.satellites == 0 {
                continue;
            }
            // Both positions may be 2 m off, and both odometers count whole metres.
            prop_assert!(moved <= driven + 6.0, "{} m apart, {} m driven", moved, driven);
            if reading(a, IGNITION) == Some(0) {
                prop_assert_eq!((moved, driven), (0.0, 0.0));
            }
            let [slow, fast] = [a.speed.min(b.speed), a.speed.max(b.speed)].map(|kmh| f64::from(kmh) / 3.6);
            prop_assert!(fast - slow <= 4.5 * seconds + 0.3, "from {} to {} m/s in {} s", slow, fast, seconds);
            let possible = (fast + 0.2 + 2.3 * seconds / 2.0) * seconds + 2.0;
            prop_assert!(seconds > 11.0 || driven <= possible, "{} m in {} s at {} m/s", driven, seconds, fast);
        }
    }

    #[test]
    fn the_server_reads_what_the_device_wrote(seed: u64, kind in 0..3_usize, codec in 0..3_usize) {
        let vehicle = Vehicle::new(seed, Kind::ALL[kind], Reporting::AsDevice);
        let records: Vec<_> = vehicle.journey(noon()).map(|report| record(&report.reading)).take(100).collect();
        let messages = decoded(&packet(Codec::ALL[codec], &records));
        prop_assert_eq!(messages.len(), records.len());
        for (record, message) in records.iter().zip(&messages) {
            assert_sane(message);
            prop_assert_eq!(message.time, Some(record.time));
            let fix = message.fix.unwrap();
            let said = Coordinates::new(f64::from(record.lat) / 1e7, f64::from(record.lng) / 1e7).unwrap();
            prop_assert_eq!(fix.coordinates, said);
            prop_assert_eq!(fix.valid, record.satellites > 0);
            prop_assert_eq!(fix.satellites, Some(record.satellites));
            prop_assert_eq!(fix.speed.unwrap().kmh(), f32::from(record.speed));
            prop_assert_eq!(fix.heading.unwrap().degrees(), record.heading);
            prop_assert_eq!(fix.altitude.unwrap().0, f32::from(record.altitude));
            let input = |name| message.inputs.get(InputName::find(name).unwrap());
            let number = |name| input(name).and_then(Value::number).unwrap();
            let ignition = reading(record, IGNITION) == Some(1);
            prop_assert_eq!(input("ignition"), Some(&Value::Flag(ignition)));
            prop_assert_eq!((number("hw_mileage") * 1000.0).round() as u64, reading(record, ODOMETER).unwrap());
            let volts = number("board_voltage");
            prop_assert!(if ignition { (11.5..14.2).contains(&volts) } else { (12.3..12.9).contains(&volts) }, "{}", volts);
            prop_assert!((3.9..4.2).contains(&number("battery_voltage")));
            prop_assert!((0.0..=100.0).contains(&number("gsm_signal_level")));
            prop_assert!(message.inputs.iter().all(|(name, _)| !name.to_string().starts_with("avl_io_")));
            if ignition {
                prop_assert!((500.0..3000.0).contains(&number("obd_rpm")), "{}", number("obd_rpm"));
                prop_assert!((10.0..=91.0).contains(&number("obd_coolant_t")), "{}", number("obd_coolant_t"));
                prop_assert!((3.0..=97.0).contains(&number("obd_fuel")), "{}", number("obd_fuel"));
            }
            if vehicle.kind() == Kind::Truck {
                prop_assert!((2.9..=5.1).contains(&number("ext_temp_sensor_1")));
            }
        }
    }
}

fn decoded(frame: &[u8]) -> Vec<Message> {
    let mut connection = Connection::new(&Teltonika, Transport::Tcp);
    connection.identified(DeviceSlot::default(), &Admission::Known(KnownDevice::default()));
    connection.receive(frame);
    std::iter::from_fn(|| connection.poll())
        .filter_map(|event| match event {
            Event::Message { message, .. } => Some(message),
            Event::ReplyWhenDurable(_) => None,
            other => panic!("{other:?}"),
        })
        .collect()
}
