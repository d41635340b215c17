//! A Teltonika device, the catalog on SQLite and the journal in files.

use crate::site::{NOW, PATIENCE, TestClock};
use domain::{
    AccountId, Command, CommandKind, CommandState, ContactKind, DeviceId, GroupId, Record, Reliability,
    SourceId, Telemetry, TimeOrigin, Timestamp,
};
use gateway::{Gateway, GatewayConfig};
use protocols::teltonika::{Codec, Teltonika, encode};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use store::{
    catalog::{
        Catalog, FirstSensors, LegalType, Location, Membership, NewCommand, NewSource, NewTracker, NewUser,
        Person, Profile, Settings,
    },
    journal::{EmbeddedJournal, JournalConfig, read_all},
    signals::{Signal, Signals},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

const IMEI: &str = "356938035643809";
const SECOND: Duration = Duration::from_secs(1);
const NOTHING: [u8; 0] = [];

pub(crate) struct World {
    gateway: Gateway,
    catalog: Catalog,
    journal: Arc<EmbeddedJournal>,
    signals: Signals,
    account: AccountId,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
        let (account, _) = catalog.create_user(&owner()).await.unwrap();
        let config = JournalConfig { min_free_bytes: 0, ..JournalConfig::default() };
        let journal = Arc::new(EmbeddedJournal::open(folder.path(), config).unwrap());
        let signals = Signals::default();
        let config = GatewayConfig {
            any: Some(0),
            ports: [("teltonika".to_owned(), Some(0))].into(),
            protocols: &[&Teltonika],
            ..GatewayConfig::default()
        };
        let (roster, clock) = (Arc::new(catalog.clone()), Arc::new(TestClock::default()));
        let gateway =
            Gateway::start(config, journal.clone(), roster.clone(), roster, &signals, clock.clone()).unwrap();
        Self { gateway, catalog, journal, signals, account, folder }
    }

    async fn register(&self, imei: &str) -> SourceId {
        Self::register_in(&self.catalog, self.account, imei).await
    }

    pub(crate) async fn register_in(catalog: &Catalog, account: AccountId, device_id: &str) -> SourceId {
        let source = NewSource {
            account,
            device_id: Some(DeviceId::new(device_id).unwrap()),
            model: "telfmb920".into(),
            phone: None,
            tariff: catalog.tariff_defaults().await.unwrap().tariff,
            bundled_sim: None,
            activation_code: None,
            access_point: None,
            sensors: FirstSensors::OfModel,
            created: NOW,
            tariff_end: None,
        };
        let tracker = NewTracker { label: "Van".into(), group: GroupId::NONE, sub_user: None };
        catalog.register(&source, &tracker).await.unwrap().0
    }

    fn teltonika(&self) -> SocketAddr {
        self.gateway.bound().tcp["teltonika"]
    }

    fn any(&self) -> SocketAddr {
        self.gateway.bound().any.unwrap()
    }

    /// What is in the journal's files now.
    fn on_disk(&self) -> Vec<Record> {
        read_all(self.folder.path()).unwrap().flat_map(|committed| committed.unwrap().records).collect()
    }

    fn telemetry_on_disk(&self) -> Vec<Telemetry> {
        let telemetry = |record| if let Record::Telemetry(it) = record { Some(it) } else { None };
        self.on_disk().into_iter().filter_map(telemetry).collect()
    }
}

pub(crate) fn owner() -> NewUser {
    NewUser {
        membership: Membership::Master { default_tariff: None },
        login: "owner@example.com".into(),
        password_hash: "-".into(),
        activated: true,
        verified: true,
        person: Person {
            first_name: String::new(),
            middle_name: String::new(),
            last_name: String::new(),
            phone: String::new(),
            legal_type: LegalType::Individual,
            profile: Profile::default(),
        },
        comment: String::new(),
        settings: Settings {
            time_zone: "UTC".into(),
            locale: "en_US".into(),
            measurement_system: "metric".into(),
            geocoder: "osm".into(),
            route_provider: "osrm".into(),
            translit: false,
        },
        created: NOW,
    }
}

/// Answers what comes back, until `count` bytes or the end of the connection.
async fn hear(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut stream = stream.take(count as u64);
    // An error ends the connection as well.
    _ = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("an answer in time");
    heard
}

async fn call(address: SocketAddr, imei: &str) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&encode::login(imei)).await.unwrap();
    let answer = hear(&mut stream, 1).await;
    (stream, answer)
}

fn packet(times: &[Timestamp]) -> Vec<u8> {
    let record = |time: &Timestamp| encode::Record {
        time: *time,
        priority: 0,
        lat: 525_163_000,
        lng: 133_777_000,
        altitude: 34,
        heading: 90,
        satellites: 11,
        speed: 50,
        event: 0,
        generation: 0,
        parameters: vec![(239, vec![1])],
    };
    encode::packet(Codec::Codec8Extended, &times.iter().map(record).collect::<Vec<_>>())
}

fn ago(seconds: u64) -> Timestamp {
    NOW.minus(SECOND * seconds as u32)
}

#[tokio::test]
async fn a_registered_device_is_acknowledged_when_its_records_are_in_the_file() {
    let world = World::new().await;
    let source = world.register(IMEI).await;
    for (round, address) in [world.teltonika(), world.any()].into_iter().enumerate() {
        let (mut device, answer) = call(address, IMEI).await;
        assert_eq!(answer, [1]);
        let times = [ago(30), ago(20), ago(10)];
        device.write_all(&packet(&times)).await.unwrap();
        assert_eq!(hear(&mut device, 4).await, [0, 0, 0, 3]);
        let kept = world.telemetry_on_disk();
        assert_eq!(kept.len(), 3 * (round + 1), "sent twice, kept twice: history takes the doubles out");
        for (kept, time) in kept[3 * round..].iter().zip(times) {
            assert_eq!((kept.source, kept.time, kept.received), (source, time, NOW));
            let fix = kept.message.fix.unwrap();
            assert_eq!((fix.coordinates.lat(), fix.coordinates.lng()), (52.5163, 13.3777));
        }
    }
}

#[tokio::test]
async fn bad_frames_and_strangers_get_what_they_deserve() {
    let world = World::new().await;
    world.register(IMEI).await;
    let (mut device, _) = call(world.teltonika(), IMEI).await;
    let mut wrong = packet(&[ago(1)]);
    *wrong.last_mut().unwrap() ^= 1;
    device.write_all(&wrong).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, NOTHING, "wrong checksum");

    let (mut device, _) = call(world.teltonika(), IMEI).await;
    let whole = packet(&[ago(1)]);
    device.write_all(&whole[..whole.len() / 2]).await.unwrap();
    device.shutdown().await.unwrap();
    assert_eq!(hear(&mut device, 4).await, NOTHING, "half a frame");

    let stranger = "356938035643800";
    for address in [world.teltonika(), world.any()] {
        let (mut device, answer) = call(address, stranger).await;
        assert_eq!(answer, [0]);
        assert_eq!(hear(&mut device, 1).await, NOTHING);
    }
    let refused = world.gateway.refused();
    assert_eq!((refused[0].device_id.as_str(), refused[0].count), (stranger, 2));
    assert!(world.telemetry_on_disk().is_empty());
}

#[tokio::test]
async fn records_of_other_ages_are_kept_at_the_time_they_came() {
    let world = World::new().await;
    world.register(IMEI).await;
    let (mut device, _) = call(world.teltonika(), IMEI).await;
    let (far, epoch) = (Timestamp::from_seconds(4_070_908_800), Timestamp::from_seconds(0));
    device.write_all(&packet(&[far, epoch])).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, [0, 0, 0, 2]);
    let kept = world.telemetry_on_disk();
    for (kept, claimed) in kept.iter().zip([far, epoch]) {
        assert_eq!((kept.time, kept.time_origin), (NOW, TimeOrigin::Suspect));
        assert_eq!(kept.message.time, Some(claimed));
    }
}

#[tokio::test]
async fn blocking_and_retiring_close_the_session_and_the_next_owner_starts_afresh() {
    let world = World::new().await;
    let first = world.register(IMEI).await;
    let (mut device, _) = call(world.teltonika(), IMEI).await;
    world.catalog.block_source(first).await.unwrap();
    world.signals.publish(Signal::SourceChanged(first));
    assert_eq!(timeout(SECOND, hear(&mut device, 1)).await.unwrap(), NOTHING);
    assert_eq!(call(world.any(), IMEI).await.1, [0]);
    assert_eq!(world.gateway.refused()[0].reason.as_str(), "blocked");

    world.catalog.unblock_source(first).await.unwrap();
    world.signals.publish(Signal::SourceChanged(first));
    let (mut device, answer) = call(world.teltonika(), IMEI).await;
    assert_eq!(answer, [1]);
    world.catalog.retire_source(first, ago(100)).await.unwrap();
    world.signals.publish(Signal::SourceChanged(first));
    assert_eq!(timeout(SECOND, hear(&mut device, 1)).await.unwrap(), NOTHING);

    let second = world.register(IMEI).await;
    let (mut device, _) = call(world.teltonika(), IMEI).await;
    device.write_all(&packet(&[ago(200), ago(50)])).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, [0, 0, 0, 2], "or it would send them for ever");
    let kept: Vec<_> = world.telemetry_on_disk().into_iter().map(|it| (it.source, it.time)).collect();
    assert_eq!(kept, [(second, ago(50))]);
}

#[tokio::test]
async fn a_closed_journal_acknowledges_nothing() {
    let world = World::new().await;
    world.register(IMEI).await;
    let (mut device, _) = call(world.teltonika(), IMEI).await;
    world.journal.close().await;
    device.write_all(&packet(&[ago(1)])).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, NOTHING);
    assert!(world.telemetry_on_disk().is_empty());
}

#[tokio::test]
async fn after_a_stop_everything_is_in_the_file() {
    let world = World::new().await;
    let source = world.register(IMEI).await;
    let (mut device, _) = call(world.teltonika(), IMEI).await;
    device.write_all(&packet(&[ago(1)])).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, [0, 0, 0, 1]);
    let World { gateway, journal, folder, .. } = world;
    gateway.stop(PATIENCE).await;
    assert_eq!(hear(&mut device, 1).await, NOTHING);
    journal.close().await;
    let records = read_all(folder.path()).unwrap().flat_map(|committed| committed.unwrap().records);
    let last = records.filter(|record| record.source() == Some(source)).last().unwrap();
    assert!(matches!(last, Record::Contact(contact) if contact.kind == ContactKind::Closed));
}

#[tokio::test]
async fn a_command_goes_to_a_device_and_its_answer_comes_back() {
    let world = World::new().await;
    let source = world.register(IMEI).await;
    let new = NewCommand {
        source,
        tracker: None,
        user: None,
        command: Command::Output { number: 2, on: true },
        reliability: Reliability::Repeated,
        asked: NOW,
        expires: NOW.plus(CommandKind::Output.lifetime()),
    };
    let id = world.catalog.enqueue_command(&new).await.unwrap();
    let (mut device, answer) = call(world.teltonika(), IMEI).await;
    assert_eq!(answer, [1]);
    device.write_all(&packet(&[NOW])).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, [0, 0, 0, 1]);
    let said = b"setdigout ?1";
    let body = [&[1, 5, 0, 0, 0, said.len() as u8][..], said, &[1]].concat();
    let expected = encode::framed(0x0C, &body);
    assert_eq!(hear(&mut device, expected.len()).await, expected);

    let said = b"DOUT2:1 Timeout:INFINITY";
    let body = [&[1, 6, 0, 0, 0, said.len() as u8][..], said, &[1]].concat();
    device.write_all(&encode::framed(0x0C, &body)).await.unwrap();
    // The acknowledgement of the next packet tells that the answer has been seen to.
    device.write_all(&packet(&[NOW.plus(SECOND)])).await.unwrap();
    assert_eq!(hear(&mut device, 4).await, [0, 0, 0, 1]);
    let command = world.catalog.command(id, NOW).await.unwrap().unwrap();
    assert_eq!(command.life.state, CommandState::Acknowledged);
    assert_eq!(command.life.reply.as_deref(), Some("DOUT2:1 Timeout:INFINITY"));
    let is_reply = |record: &Record| matches!(record, Record::Reply(reply) if reply.command == Some(id));
    assert!(world.on_disk().iter().any(is_reply));
}

#[tokio::test]
async fn datagrams_of_a_device_are_acknowledged_by_their_number() {
    let world = World::new().await;
    let source = world.register(IMEI).await;
    let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = world.gateway.bound().udp["teltonika"];
    assert_eq!(address, world.teltonika());
    let records = &packet(&[NOW])[8..];
    let records = &records[..records.len() - 4];
    let content = [&[0xCA, 0xFE, 1, 7, 0, 15][..], IMEI.as_bytes(), records].concat();
    let datagram = [&(content.len() as u16).to_be_bytes()[..], &content].concat();
    for to in [address, world.any()] {
        device.send_to(&datagram, to).await.unwrap();
        let mut answer = [0; 100];
        let length = timeout(PATIENCE, device.recv(&mut answer)).await.expect("in time").unwrap();
        assert_eq!(answer[..length], [0, 5, 0xCA, 0xFE, 1, 7, 1]);
    }
    assert!(world.telemetry_on_disk().iter().all(|telemetry| telemetry.source == source));
    assert_eq!(world.telemetry_on_disk().len(), 2, "history tells that they are one");
}
