//! Teltonika beyond its captures: admission, order, and bytes of every kind under a right checksum.

mod harness;

use domain::{DeviceId, RecordHash, Timestamp, Transport};
use harness::{decode, introduced, seeded};
use proptest::prelude::*;
use protocols::{
    Admission, Broken, Connection, DeviceSlot, Event, KnownDevice, Recognition,
    decode::{Decoder, Options},
    sanity::assert_sane,
    teltonika::{Codec, Teltonika, encode},
};

const IMEI: &str = "356938035643809";

#[test]
fn a_login_waits_for_its_answer() {
    let record = record(1_729_080_000_000);
    let stream = [encode::login(IMEI), encode::packet(Codec::Codec8, &[record])].concat();
    let slot = DeviceSlot(0);
    let id = DeviceId::new(IMEI).unwrap();

    let mut connection = Connection::new(&Teltonika, Transport::Tcp);
    connection.receive(&stream);
    assert_eq!(connection.poll(), Some(Event::Identify { slot, id: id.clone() }));
    assert_eq!(connection.poll(), None, "records wait until the device is admitted");
    connection.identified(slot, &Admission::Known(KnownDevice::default()));
    assert_eq!(connection.poll(), Some(Event::ReplyNow(vec![1])));
    assert!(matches!(connection.poll(), Some(Event::Message { .. })));
    assert_eq!(connection.poll(), Some(Event::ReplyWhenDurable(vec![0, 0, 0, 1])));
    assert_eq!(connection.poll(), None);
    assert_eq!(connection.buffered(), 0);

    let mut connection = Connection::new(&Teltonika, Transport::Tcp);
    connection.receive(&stream);
    assert_eq!(connection.poll(), Some(Event::Identify { slot, id }));
    connection.identified(slot, &Admission::Refused);
    assert_eq!(connection.poll(), Some(Event::ReplyNow(vec![0])));
    assert_eq!(connection.poll(), Some(Event::Close));
    connection.receive(&stream);
    assert_eq!((connection.poll(), connection.buffered()), (None, 0), "nothing follows a refusal");
}

#[test]
fn records_of_a_stranger_are_refused() {
    let mut connection = Connection::new(&Teltonika, Transport::Tcp);
    connection.receive(&encode::packet(Codec::Codec8, &[record(0)]));
    assert_eq!(connection.poll(), Some(Event::Broken(Broken::OutOfOrder("records before a login"))));
    assert_eq!(connection.poll(), None);
}

#[test]
fn a_keep_alive_is_a_sign_of_life_of_who_is_known() {
    let mut connection = Connection::new(&Teltonika, Transport::Tcp);
    connection.receive(&[0xFF, 0xFF]);
    assert_eq!(connection.poll(), None);
    let mut connection = introduced(&Teltonika, Transport::Tcp);
    connection.receive(&[0xFF]);
    assert_eq!(connection.poll(), Some(Event::Heartbeat { slot: DeviceSlot(0) }));
}

#[test]
fn a_wrong_checksum_ends_the_conversation_without_an_answer() {
    let good = encode::packet(Codec::Codec16, &[record(0)]);
    let mut bad = good.clone();
    bad[20] ^= 1;
    let mut connection = introduced(&Teltonika, Transport::Tcp);
    connection.receive(&[bad, good].concat());
    assert!(matches!(connection.poll(), Some(Event::Broken(Broken::Checksum { .. }))));
    assert_eq!(connection.poll(), None);
}

#[test]
fn a_problem_keeps_the_bytes_as_they_came() {
    let packet = encode::framed(0x08, &[1, 0, 0]);
    let mut connection = introduced(&Teltonika, Transport::Tcp);
    connection.receive(&packet);
    let Some(Event::Problem { bytes, .. }) = connection.poll() else { panic!("no problem") };
    assert_eq!(bytes, packet);
    assert_eq!(connection.poll(), Some(Event::ReplyWhenDurable(vec![0, 0, 0, 1])));
}

/// Stored for ever: the identity of a record is its bytes from the time to the last parameter.
#[test]
fn the_identity_of_a_record_is_its_own_bytes() {
    let packet = encode::packet(Codec::Codec8, &[record(7), record(8)]);
    let length = (packet.len() - 8 - 3 - 4) / 2;
    let own = |number: usize| &packet[10 + number * length..][..length];
    let mut connection = introduced(&Teltonika, Transport::Tcp);
    connection.receive(&packet);
    let hashes: Vec<_> = std::iter::from_fn(|| connection.poll())
        .filter_map(|event| match event {
            Event::Message { hash, .. } => Some(hash),
            _ => None,
        })
        .collect();
    assert_eq!(hashes, [RecordHash::of(own(0)), RecordHash::of(own(1))]);
}

#[test]
fn recognises_its_own_on_a_port_for_all() {
    use protocols::Protocol;
    let id = DeviceId::new(IMEI).unwrap();
    for (start, expected) in [
        (vec![], Recognition::Unsure),
        (vec![0], Recognition::Unsure),
        (encode::login(IMEI)[..9].to_vec(), Recognition::Unsure),
        (encode::login(IMEI), Recognition::Login(id)),
        (encode::packet(Codec::Codec8, &[record(0)]), Recognition::Frame),
        (encode::packet(Codec::Codec8, &[record(0)])[..20].to_vec(), Recognition::Unsure),
        (b"\x78\x78\x0d\x01".to_vec(), Recognition::No),
        (b"##,imei:356938035643809,A;".to_vec(), Recognition::No),
        (vec![0xFF], Recognition::No),
    ] {
        assert_eq!(Teltonika.recognise(&start), expected, "{start:02x?}");
    }
}

proptest! {
    #![proptest_config(seeded(512))]

    #[test]
    fn what_a_device_writes_is_read(records in prop::collection::vec(any_record(), 0..6)) {
        for codec in Codec::ALL {
            let (messages, complaints) = decode(&mut Decoder::new(&Teltonika, Options::default()), &encode::packet(codec, &records));
            prop_assert_eq!(complaints, Vec::<String>::new());
            prop_assert_eq!(messages.len(), records.len());
            for (record, message) in records.iter().zip(&messages) {
                prop_assert_eq!(message.time, Some(record.time));
                let fix = message.fix.unwrap();
                prop_assert_eq!((fix.coordinates.lat() * 1e7).round() as i32, record.lat);
                prop_assert_eq!((fix.coordinates.lng() * 1e7).round() as i32, record.lng);
                prop_assert_eq!(fix.valid, record.satellites > 0);
                prop_assert_eq!(fix.speed.map(|speed| speed.kmh() as u16), Some(record.speed));
            }
        }
    }

    #[test]
    fn a_packet_is_its_records_between_their_number(records in prop::collection::vec(any_record(), 0..6)) {
        for codec in Codec::ALL {
            let mut body = vec![records.len() as u8];
            body.extend(records.iter().flat_map(|record| encode::record(codec, record)));
            body.push(records.len() as u8);
            prop_assert_eq!(encode::framed(codec.number(), &body), encode::packet(codec, &records));
        }
    }

    #[test]
    fn anything_under_a_right_checksum_is_answered(
        codec in prop::sample::select(vec![0x08, 0x8E, 0x10]),
        count in 0..4_u8,
        body in prop::collection::vec(prop_oneof![Just(0_u8), 0..4_u8, any::<u8>()], 0..400),
    ) {
        let mut connection = introduced(&Teltonika, Transport::Tcp);
        connection.receive(&encode::framed(codec, &[&[count], &*body].concat()));
        let mut last = None;
        while let Some(event) = connection.poll() {
            if let Event::Message { message, .. } = &event {
                assert_sane(message);
            }
            last = Some(event);
        }
        prop_assert_eq!(last, Some(Event::ReplyWhenDurable(vec![0, 0, 0, count])));
    }
}

fn record(millis: i64) -> encode::Record {
    encode::Record {
        time: Timestamp::from_millis(millis),
        priority: 0,
        lat: 546_871_551,
        lng: 252_796_514,
        altitude: 112,
        heading: 271,
        satellites: 14,
        speed: 87,
        event: 0,
        generation: 5,
        parameters: vec![(239, vec![1]), (66, vec![0x36, 0x03])],
    }
}

prop_compose! {
    fn any_record()(
        millis in 0..4_102_444_800_000_i64,
        priority: u8,
        lat in -900_000_000..=900_000_000,
        lng in -1_800_000_000..=1_800_000_000,
        altitude: i16,
        heading: u16,
        satellites: u8,
        speed in 0..=1000_u16,
        event: u16,
        generation: u8,
        parameters in prop::collection::vec((0..1200_u16, prop::collection::vec(any::<u8>(), 0..20)), 0..8),
    ) -> encode::Record {
        let time = Timestamp::from_millis(millis);
        encode::Record {
            time, priority, lat, lng, altitude, heading, satellites, speed, event, generation, parameters,
        }
    }
}
