//! A device keeps its records until they are acknowledged, whatever a bad server and a bad network do to it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use domain::{
    Clock, Command, CommandId, InputName, Message, Outcome, RecordHash, Timestamp, Transport, Value,
};
use protocols::{Admission, Connection, DeviceSlot, Event, KnownDevice, sanity::assert_sane};
use simulator::{
    Client, Counts, Dial, Figures, Fleet, Habits, History, Imei, Kind, LANGUAGES, Language, Report,
    Reporting, Surroundings, Vehicle, language::teltonika::CODEC_8,
};
use std::{
    collections::{BTreeSet, HashSet},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);

/// What a server does, by the number of the call or of the packet, from 1 on.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Every such call is not taken.
    no_line: u32,
    /// Every such login is refused.
    refuse: u32,
    /// Every such packet is taken and not answered.
    no_answer: u32,
    /// Every such packet is taken, and the connection closed instead of an answer.
    hang_up: u32,
    /// Every such packet is answered with one record too few.
    short: u32,
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    faults: Faults,
    calls: u32,
    packets: u32,
    /// In the order of arrival.
    records: Vec<(Message, RecordHash)>,
    /// When the calls came.
    called: Vec<Timestamp>,
    /// What the device is to be told, one after each packet, the next one last.
    orders: Vec<Command>,
    ordered: i64,
    replies: Vec<(Option<CommandId>, Outcome)>,
}

/// The time of the paused runtime.
struct PausedClock(Instant);

fn noon() -> Timestamp {
    Timestamp::from_seconds(1_780_056_000)
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        noon().plus(self.0.elapsed())
    }
}

fn every(number: u32, each: u32) -> bool {
    each > 0 && number.is_multiple_of(each)
}

impl Server {
    fn with(faults: Faults) -> Self {
        Self(Arc::new(Mutex::new(Seen { faults, ..Seen::default() })))
    }

    fn records(&self) -> Vec<(Message, RecordHash)> {
        self.0.lock().unwrap().records.clone()
    }

    async fn serve(self, protocol: &'static str, mut line: DuplexStream, call: u32) {
        let protocol = protocols::protocol(protocol).unwrap();
        let mut connection = Connection::new(protocol, Transport::Tcp);
        let mut bytes = [0; 100];
        loop {
            let Ok(read @ 1..) = line.read(&mut bytes).await else { return };
            connection.receive(&bytes[..read]);
            while let Some(event) = connection.poll() {
                let reply = match event {
                    Event::Identify { slot, .. } => {
                        let refuse = every(call, self.0.lock().unwrap().faults.refuse);
                        // Without a model its commands need one.
                        let password = (protocol.name() == "gl200").then(|| "gv55".to_owned());
                        let settings =
                            password.into_iter().map(|password| ("password".to_owned(), password)).collect();
                        let known = Admission::Known(KnownDevice { model: None, settings });
                        connection.identified(slot, if refuse { &Admission::Refused } else { &known });
                        continue;
                    }
                    Event::Message { message, hash, .. } => {
                        self.0.lock().unwrap().records.push((message, hash));
                        continue;
                    }
                    Event::ReplyNow(reply) => reply,
                    Event::ReplyWhenDurable(mut reply) => {
                        let mut seen = self.0.lock().unwrap();
                        seen.packets += 1;
                        let (packet, faults) = (seen.packets, seen.faults);
                        if every(packet, faults.hang_up) {
                            return;
                        }
                        if every(packet, faults.no_answer) {
                            continue;
                        }
                        if every(packet, faults.short) {
                            reply[3] -= 1;
                        }
                        if let Some(order) = seen.orders.pop() {
                            seen.ordered += 1;
                            let id = CommandId(seen.ordered);
                            connection.command(DeviceSlot(0), id, &order, &mut reply).unwrap();
                        }
                        reply
                    }
                    Event::Reply { command, outcome, .. } => {
                        self.0.lock().unwrap().replies.push((command, outcome));
                        continue;
                    }
                    Event::Heartbeat { .. } => continue,
                    Event::Close => return,
                    other => panic!("{other:?}"),
                };
                for byte in reply {
                    let _ = line.write_all(&[byte]).await;
                }
            }
        }
    }
}

struct Line {
    server: Server,
    protocol: &'static str,
    clock: Arc<PausedClock>,
}

impl Dial for Line {
    type Line = DuplexStream;

    async fn dial(&self) -> io::Result<DuplexStream> {
        let call = {
            let mut seen = self.server.0.lock().unwrap();
            seen.calls += 1;
            seen.called.push(self.clock.now());
            if every(seen.calls, seen.faults.no_line) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            seen.calls
        };
        let (ours, theirs) = duplex(4096);
        tokio::spawn(self.server.clone().serve(self.protocol, theirs, call));
        Ok(ours)
    }
}

fn surroundings(server: &Server, language: Language, habits: Habits) -> Arc<Surroundings<Line>> {
    let clock = Arc::new(PausedClock(Instant::now()));
    Arc::new(Surroundings {
        dial: Line { server: server.clone(), protocol: language.protocol, clock: clock.clone() },
        clock,
        habits,
        counts: Counts::default(),
        stop: CancellationToken::new(),
    })
}

/// Two hours of the past and two of the future.
fn reports() -> Vec<Report> {
    let vehicle = Vehicle::new(12, Kind::Van, Reporting::AsDevice);
    vehicle.history(noon().minus(MINUTE * 120), noon().plus(MINUTE * 120)).collect()
}

/// Runs a device until all its reports are acknowledged.
async fn told(server: &Server, language: Language, habits: Habits, reports: Vec<Report>) -> Figures {
    let surroundings = surroundings(server, language, habits);
    let client = Client::new(Imei::TEST, language, reports.into_iter(), 5, Arc::clone(&surroundings));
    let ended = tokio::time::timeout(MINUTE * 60 * 24, client.run()).await;
    let figures = surroundings.counts.figures();
    assert!(ended.is_ok(), "{}: after a day not all is told: {figures}", language.protocol);
    figures
}

fn times(records: &[(Message, RecordHash)]) -> Vec<Timestamp> {
    records.iter().map(|(message, _)| message.time.unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_good_server_hears_everything_once_and_in_order() {
    let (server, reports) = (Server::default(), reports());
    let figures = told(&server, CODEC_8, Habits::NONE, reports.clone()).await;
    let count = reports.len() as u64;
    assert_eq!(figures, Figures { sent: count, acknowledged: count, ..Figures::default() });
    assert!(times(&server.records()).iter().eq(reports.iter().map(|report| &report.reading.time)));
    let seen = server.0.lock().unwrap();
    assert_eq!(seen.calls, 1);
    assert!(
        seen.packets > 100 && u64::from(seen.packets) < count,
        "{} packets: the past comes in bursts",
        seen.packets
    );
}

#[tokio::test(start_paused = true)]
async fn records_are_sent_again_until_they_are_acknowledged() {
    for (name, faults) in [
        ("no line", Faults { no_line: 2, hang_up: 40, ..Faults::default() }),
        ("no answer", Faults { no_answer: 7, ..Faults::default() }),
        ("hangs up", Faults { hang_up: 5, ..Faults::default() }),
        ("refuses", Faults { refuse: 2, hang_up: 40, ..Faults::default() }),
        ("too few", Faults { short: 6, ..Faults::default() }),
        ("everything", Faults { no_line: 4, refuse: 5, no_answer: 17, hang_up: 13, short: 11 }),
    ] {
        let (server, reports) = (Server::with(faults), reports());
        let figures = told(&server, CODEC_8, Habits::NONE, reports.clone()).await;
        let count = reports.len() as u64;
        assert_eq!((figures.sent, figures.acknowledged, figures.connected), (count, count, 0), "{name}");
        let records = server.records();
        assert_eq!(records.len() as u64, figures.sent + figures.resent, "{name}");
        assert!(figures.resent > 10 || faults.hang_up == 40, "{name}: {figures}");
        assert_eq!(figures.refused > 0, faults.refuse > 0, "{name}: {figures}");
        let distinct: HashSet<_> = records.iter().map(|(message, hash)| (message.time, *hash)).collect();
        assert_eq!(distinct.len() as u64, count, "{name}: what comes again is the same to the byte");
        assert!(times(&records).iter().collect::<HashSet<_>>().len() as u64 == count, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_server_and_bad_habits_lose_nothing_in_any_language() {
    let faults = Faults { no_line: 4, refuse: 5, no_answer: 17, hang_up: 13, short: 0 };
    let habits = Habits { deaf: 0.05, newest_first: 0.2, hang_up: 0.05, cut_off: 1.0 };
    for language in LANGUAGES {
        let (server, reports) = (Server::with(faults), reports());
        let figures = told(&server, *language, habits, reports.clone()).await;
        let (name, count) = (language.protocol, reports.len() as u64);
        assert_eq!((figures.sent, figures.acknowledged, figures.connected), (count, count, 0), "{name}");
        let records = server.records();
        assert!(figures.resent > 10 && records.len() as u64 > count, "{name}: {figures}");
        let distinct: HashSet<_> = records.iter().map(|(message, hash)| (message.time, *hash)).collect();
        assert_eq!(distinct.len() as u64, count, "{name}: what comes again is the same record");
        let seconds = |time: Timestamp| time.seconds();
        let heard: BTreeSet<_> = times(&records).into_iter().map(seconds).collect();
        let made: BTreeSet<_> = reports.iter().map(|report| seconds(report.reading.time)).collect();
        assert_eq!(heard, made, "{name}");
        let again = Server::with(faults);
        told(&again, *language, habits, reports).await;
        assert_eq!(again.records(), records, "{name}: the same seed misbehaves in the same way");
    }
}

#[tokio::test(start_paused = true)]
async fn every_language_says_what_the_vehicle_reads() {
    for language in LANGUAGES {
        let (server, name) = (Server::default(), language.protocol);
        let vehicle = Vehicle::new(4, Kind::Truck, Reporting::AsDevice);
        let reports: Vec<_> = vehicle.history(noon().minus(MINUTE * 240), noon()).collect();
        let figures = told(&server, *language, Habits::NONE, reports.clone()).await;
        let count = reports.len() as u64;
        assert_eq!(figures, Figures { sent: count, acknowledged: count, ..Figures::default() }, "{name}");
        let records = server.records();
        assert_eq!(records.len(), reports.len(), "{name}");
        for ((message, _), Report { reading, .. }) in records.iter().zip(&reports) {
            assert_sane(message);
            assert_eq!(message.time.unwrap().seconds(), reading.time.seconds(), "{name}");
            let fix = message.fix.unwrap();
            assert!((fix.coordinates.lat() - reading.lat).abs() < 2e-6, "{name}: {fix:?} {reading:?}");
            assert!((fix.coordinates.lng() - reading.lng).abs() < 2e-6, "{name}: {fix:?} {reading:?}");
            assert_eq!(fix.valid, reading.satellites > 0, "{name}: {reading:?}");
            assert_eq!(fix.speed.unwrap().kmh(), f32::from(reading.speed), "{name}");
            assert_eq!(fix.heading.unwrap().degrees(), reading.heading, "{name}");
            let input = |name| message.inputs.get(InputName::find(name).unwrap());
            let ignition = match name {
                "wialon" => "digital_input_1",
                "meitrack" => "digital_input_3",
                _ => "ignition",
            };
            assert_eq!(input(ignition), Some(&Value::Flag(reading.ignition)), "{name}: {message:?}");
            if let Some(volts) = input("board_voltage").and_then(Value::number) {
                assert!((volts - f64::from(reading.board_voltage) / 1000.0).abs() < 0.01, "{name}: {volts}");
            }
            if let Some(km) = input("hw_mileage").and_then(Value::number) {
                assert!((km - f64::from(reading.odometer) / 1000.0).abs() <= 0.1001, "{name}: {km}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn commands_are_answered_and_change_what_is_reported() {
    let on = || Command::Output { number: 1, on: true };
    let said = |text: &str| Command::Text(text.to_owned());
    for (name, orders, output) in [
        ("teltonika", vec![said("getinfo"), on()], Some("digital_output_1")),
        ("gl200", vec![said("AT+GTRTO=gv55,1,,,,,,FFFF$"), on()], Some("digital_output_1")),
        ("gt06", vec![said("STATUS#"), Command::Immobilize(true)], Some("engine_blocked")),
        ("jt808", vec![said("PARAM#"), Command::Locate, Command::Immobilize(true)], Some("engine_blocked")),
        ("meitrack", vec![said("E91"), Command::Locate, on()], Some("digital_output_1")),
        ("wialon", vec![said("hello")], None),
    ] {
        let (server, reports) = (Server::default(), reports());
        server.0.lock().unwrap().orders = orders.iter().rev().cloned().collect();
        let language = simulator::language(name).unwrap();
        let figures = told(&server, language, Habits::NONE, reports.clone()).await;
        assert_eq!(figures.obeyed, orders.len() as u64, "{name}: {figures}");
        let replies = server.0.lock().unwrap().replies.clone();
        let ids: Vec<_> = replies.iter().map(|(command, _)| command.map(|id| id.0)).collect();
        let known = !matches!(name, "teltonika" | "wialon");
        let expected: Vec<_> = (1..=orders.len() as i64).map(|id| known.then_some(id)).collect();
        assert_eq!(ids, expected, "{name}");
        assert!(replies.iter().all(|(_, outcome)| *outcome == Outcome::Done), "{name}: {replies:?}");
        let Some(output) = output.map(|name| InputName::find(name).unwrap()) else { continue };
        let reported: Vec<_> = server
            .records()
            .iter()
            .filter_map(|(message, _)| message.inputs.get(output).map(|value| *value == Value::Flag(true)))
            .collect();
        assert!(reported.last().copied().unwrap_or_default(), "{name}: {reported:?}");
        assert!(reported.windows(2).filter(|pair| pair[0] != pair[1]).count() <= 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_habits_bring_duplicates_and_disorder_and_lose_nothing() {
    let habits = Habits { deaf: 0.05, newest_first: 0.2, hang_up: 0.05, cut_off: 1.0 };
    let (server, reports) = (Server::default(), reports());
    let figures = told(&server, CODEC_8, habits, reports.clone()).await;
    let records = server.records();
    let times = times(&records);
    assert_eq!((figures.sent, figures.acknowledged), (reports.len() as u64, reports.len() as u64));
    assert!(figures.resent > 5 && records.len() as u64 == figures.sent + figures.resent, "{figures}");
    assert!(times.windows(2).any(|pair| pair[0] > pair[1]), "nothing came late");
    assert!(server.0.lock().unwrap().calls > 5, "never hung up");
    let again = Server::default();
    told(&again, CODEC_8, habits, reports).await;
    assert_eq!(again.records(), records, "the same seed misbehaves in the same way");
}

#[tokio::test(start_paused = true)]
async fn without_network_records_wait_and_come_in_a_burst() {
    let reports: Vec<_> = (0..6000).find_map(tunnel).unwrap();
    let hole = reports.iter().filter(|report| report.network == simulator::Network::Silent).count();
    let server = Server::default();
    let figures = told(&server, CODEC_8, Habits::NONE, reports.clone()).await;
    assert_eq!((figures.acknowledged, figures.resent), (reports.len() as u64, 0));
    let packets = u64::from(server.0.lock().unwrap().packets);
    assert!(
        packets + hole as u64 / 2 < figures.sent,
        "{packets} packets of {} records, {hole} silent",
        figures.sent
    );
}

/// Some minutes that begin and end with network and lose it in between.
fn tunnel(seed: u64) -> Option<Vec<Report>> {
    let vehicle = Vehicle::new(seed, Kind::Truck, Reporting::AsDevice);
    let reports: Vec<_> = vehicle.history(noon(), noon().plus(MINUTE * 60)).collect();
    let silent = |report: &Report| report.network == simulator::Network::Silent;
    let first = reports.iter().position(silent)?;
    let last = reports.iter().rposition(silent)?;
    (first > 10 && last - first > 10 && last + 10 < reports.len()).then_some(reports)
}

#[tokio::test(start_paused = true)]
async fn who_cannot_call_calls_less_and_less_often() {
    let server = Server::with(Faults { no_line: 1, ..Faults::default() });
    let surroundings = surroundings(&server, CODEC_8, Habits::NONE);
    let client = Client::new(Imei::TEST, CODEC_8, reports().into_iter(), 5, Arc::clone(&surroundings)).run();
    let task = tokio::spawn(client);
    sleep(MINUTE * 60).await;
    surroundings.stop.cancel();
    task.await.unwrap();
    let called = server.0.lock().unwrap().called.clone();
    let waits: Vec<_> = called.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(waits.len() >= 60, "{} calls in an hour", waits.len());
    assert!(waits[0] <= Duration::from_secs(1) && waits.iter().all(|wait| *wait <= MINUTE), "{waits:?}");
    assert!(waits[8..].iter().all(|wait| *wait >= MINUTE / 2), "{waits:?}");
    assert_eq!(surroundings.counts.figures().broken as usize, called.len());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_device_waits_for_its_last_answer_and_hangs_up() {
    let server = Server::default();
    let surroundings = surroundings(&server, CODEC_8, Habits::REAL);
    let fleet = Fleet::new(1, 12);
    let running = Arc::clone(&surroundings);
    let task = tokio::spawn(async move { fleet.run(History::Day, running).await });
    sleep(MINUTE * 10).await;
    let figures = surroundings.counts.figures();
    assert!(figures.connected >= 10, "{figures}");
    surroundings.stop.cancel();
    task.await.unwrap();
    let figures = surroundings.counts.figures();
    assert_eq!((figures.connected, figures.refused, figures.broken), (0, 0, 0), "{figures}");
    assert!(figures.sent > 12 * 1000 && figures.sent - figures.acknowledged <= 12 * 20, "{figures}");
    let oldest = times(&server.records()).into_iter().min().unwrap();
    assert!(oldest >= noon().minus(MINUTE * 1440) && oldest < noon().minus(MINUTE * 1430), "{oldest}");
}
