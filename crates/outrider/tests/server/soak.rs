//! Devices of six protocols on a bad road, beside hostile ones: what was acknowledged is in history, once, and those
//! that behave well notice nothing.
//!
//! They report as they drive, for two minutes in a test run; `OUTRIDER_SOAK_DEVICES` and `OUTRIDER_SOAK_MINUTES` make it
//! a long one. The memory of the server is printed at the end of each quarter; in a long run it must not grow.

use crate::support::{Server, Session, now};
use domain::{Clock, Timestamp};
use serde_json::json;
use simulator::{
    Client, Counts, Dial, Figures, Habits, Imei, Kind, LANGUAGES, Language, Report, Reporting, Surroundings,
    Tcp, Vehicle,
};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    task::JoinSet,
    time::interval,
};
use tokio_util::sync::CancellationToken;

const DEVICES: u64 = 2000;
const MINUTES: u64 = 2;
/// From so many minutes on, the last quarter has no more than this times the memory of the second.
const LONG: u64 = 20;
const GROWTH: f64 = 1.05;
/// Half of the devices behave well.
const SHAKY: u64 = 2;
/// Hostile connections at a time, for each port.
const HOSTILE: u64 = 2;

/// A model of each language that the simulator speaks.
fn model(language: &Language) -> &'static str {
    match language.protocol {
        "gl200" => "qlgv55lite",
        "gt06" => "concoxgt06e",
        "jt808" => "jt808_terminal_imei",
        "meitrack" => "meitrack_t622",
        "teltonika" => "telfmb920",
        "wialon" => "wialon_ips",
        other => panic!("no model of {other}"),
    }
}

#[test]
fn six_protocols_lose_and_double_nothing_on_a_bad_road() {
    let number = |name, usual| std::env::var(name).map_or(usual, |text| text.parse::<u64>().unwrap());
    let devices = number("OUTRIDER_SOAK_DEVICES", DEVICES);
    let minutes = number("OUTRIDER_SOAK_MINUTES", MINUTES);

    let mut server = Server::start_with("[store]\njournal_segment = \"4MiB\"");
    let anna = server.user("anna@example.com");
    let vehicles: Vec<_> = (0..devices).map(|number| Simulated::register(&anna, number)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let from = now();
    let to = from.plus(Duration::from_secs(minutes * 60));
    let (good, bad, memory) = runtime.block_on(drive(&server, &vehicles, from..to));
    server.stop();

    let mut kept: BTreeMap<i64, BTreeMap<i64, u32>> = BTreeMap::new();
    // Their sources are the first ones of the catalog.
    for telemetry in server.history(1..=devices as i64) {
        let times = kept.entry(telemetry.source.0).or_default();
        *times.entry(telemetry.time.seconds()).or_default() += 1;
    }
    let (mut missing, mut doubled, mut unknown, mut made) = (0, 0, 0, 0);
    for (source, vehicle) in (1..).zip(&vehicles) {
        let kept = kept.remove(&source).unwrap_or_default();
        let mut told: BTreeMap<i64, u32> = BTreeMap::new();
        for report in vehicle.reports(from, to) {
            *told.entry(report.reading.time.seconds()).or_default() += 1;
            made += 1;
        }
        let count = |time| kept.get(time).copied().unwrap_or(0);
        missing += told.iter().map(|(time, times)| times.saturating_sub(count(time))).sum::<u32>();
        doubled += told.iter().map(|(time, times)| count(time).saturating_sub(*times)).sum::<u32>();
        unknown += kept.keys().filter(|time| !told.contains_key(time)).count();
    }
    eprintln!(
        "{devices} devices made {made} records: {missing} missing, {doubled} doubled, {unknown} unknown"
    );
    eprintln!("well-behaved: {good}\non a bad road: {bad}");
    assert_eq!((missing, doubled, unknown), (0, 0, 0));
    assert_eq!((good.sent + bad.sent, good.acknowledged + bad.acknowledged), (made, made));
    assert!(made > devices * minutes * 2, "{made} records: the load was real");
    let undisturbed = Figures { sent: good.sent, acknowledged: good.sent, ..Figures::default() };
    assert_eq!(good, undisturbed, "the well-behaved are undisturbed");
    assert!(bad.resent > devices * minutes / 20 && bad.broken > 0, "the road was bad: {bad}");
    if minutes >= LONG {
        let (second, last) = (memory[1], memory[3]);
        assert!(last as f64 <= second as f64 * GROWTH, "{second} kB resident became {last} kB");
    }
}

struct Simulated {
    imei: Imei,
    language: Language,
    vehicle: Vehicle,
    seed: u64,
}

impl Simulated {
    fn register(anna: &Session, number: u64) -> Self {
        let language = LANGUAGES[number as usize % LANGUAGES.len()];
        // A header of JT/T 808 fills up with zeros: no IMEI of its terminals begins with one.
        let first: Imei = "352093081452251".parse().unwrap();
        let imei = first.plus(number);
        let tracker = json!({
            "label": "Vehicle", "group_id": 0, "plugin_id": 44, "model": model(&language),
            "device_id": imei.to_string(),
        });
        anna.call("tracker/register", tracker).success();
        let kind = Kind::ALL[number as usize % Kind::ALL.len()];
        Self { imei, language, vehicle: Vehicle::new(number, kind, Reporting::AsDevice), seed: number }
    }

    fn reports(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Report> + Send + use<> {
        self.vehicle.history(from, to)
    }
}

/// The clock that the server reads too.
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

/// Lets all devices tell all that they have; what those that behave well and the others count, and the kilobytes of the
/// server at the end of each quarter.
async fn drive(
    server: &Server,
    vehicles: &[Simulated],
    span: std::ops::Range<Timestamp>,
) -> (Figures, Figures, [u64; 4]) {
    let stop = CancellationToken::new();
    let mut hostile = JoinSet::new();
    let (mut good, mut bad) = (JoinSet::new(), JoinSet::new());
    let mut counts: Vec<Box<dyn Fn() -> (Figures, Figures)>> = Vec::new();
    for (place, language) in (0..).zip(LANGUAGES) {
        let address = server.address(&format!("/devices/{}/tcp", language.protocol));
        for seed in 0..HOSTILE {
            hostile.spawn(attack(address, place * HOSTILE + seed, stop.clone()));
        }
        let quiet = Arc::new(surroundings(Tcp(address), Habits::NONE));
        let habits = Habits { deaf: 0.05, newest_first: 0.2, hang_up: 0.01, cut_off: 0.5 };
        let shaky = Arc::new(surroundings(Shaky { address, calls: AtomicU64::new(place) }, habits));
        let mine = vehicles.iter().filter(|vehicle| vehicle.language.protocol == language.protocol);
        for (number, vehicle) in (0..).zip(mine) {
            let reports = vehicle.reports(span.start, span.end);
            let Simulated { imei, language, seed, .. } = *vehicle;
            if u64::is_multiple_of(number, SHAKY) {
                bad.spawn(Client::new(imei, language, reports, seed, Arc::clone(&shaky)).run());
            } else {
                good.spawn(Client::new(imei, language, reports, seed, Arc::clone(&quiet)).run());
            }
        }
        counts.push(Box::new(move || (quiet.counts.figures(), shaky.counts.figures())));
    }
    let quarters = memory(server, span.end.since(now()) / 4);
    let all = async {
        good.join_all().await;
        bad.join_all().await;
    };
    let ((), memory) = tokio::join!(all, quarters);
    stop.cancel();
    hostile.join_all().await;
    counts.iter().fold((Figures::default(), Figures::default(), memory), |(good, bad, memory), counts| {
        let (more_good, more_bad) = counts();
        (sum(good, more_good), sum(bad, more_bad), memory)
    })
}

fn surroundings<D>(dial: D, habits: Habits) -> Surroundings<D> {
    let stop = CancellationToken::new();
    Surroundings { dial, clock: Arc::new(WallClock), habits, counts: Counts::default(), stop }
}

fn sum(a: Figures, b: Figures) -> Figures {
    Figures {
        connected: a.connected + b.connected,
        sent: a.sent + b.sent,
        acknowledged: a.acknowledged + b.acknowledged,
        resent: a.resent + b.resent,
        refused: a.refused + b.refused,
        broken: a.broken + b.broken,
        obeyed: a.obeyed + b.obeyed,
    }
}

/// The kilobytes that the server has resident at the end of each quarter; printed, too.
async fn memory(server: &Server, quarter: Duration) -> [u64; 4] {
    let mut ends = interval(quarter);
    ends.tick().await;
    let mut resident = [0; 4];
    for (number, resident) in (1..).zip(&mut resident) {
        ends.tick().await;
        *resident = server.resident();
        eprintln!("after quarter {number}: {resident} kB resident");
    }
    resident
}

/// Calls that break in the middle of a frame, over lines that carry a few bytes at a time.
struct Shaky {
    address: SocketAddr,
    calls: AtomicU64,
}

impl Dial for Shaky {
    type Line = ShakyLine;

    async fn dial(&self) -> io::Result<ShakyLine> {
        let line = Tcp(self.address).dial().await?;
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let piece = 1 + call as usize % 7 * 40;
        // Some calls hold, or a server that refuses all of them would pass.
        let left = if call.is_multiple_of(3) { usize::MAX } else { 1500 + (call as usize * 7919) % 12_000 };
        Ok(ShakyLine { line, piece, left })
    }
}

struct ShakyLine {
    line: TcpStream,
    /// The most bytes that leave together.
    piece: usize,
    /// The bytes until the line breaks.
    left: usize,
}

impl AsyncRead for ShakyLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_read(cx, into)
    }
}

impl AsyncWrite for ShakyLine {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let piece = bytes.len().min(self.piece).min(self.left);
        let written = ready!(Pin::new(&mut self.line).poll_write(cx, &bytes[..piece]))?;
        self.left = self.left.saturating_sub(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(cx)
    }
}

/// Garbage, and halves of what a stranger would say, until it is told to stop.
async fn attack(address: SocketAddr, seed: u64, stop: CancellationToken) {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    const STARTS: [&[u8]; 7] = [
        b"",
        b"\x00\x0f35630",
        b"+RESP:GTFRI,060800,",
        b"\x78\x78\x0d\x01",
        b"\x7e\x02\x00",
        b"$$A12",
        b"#L#2.0;",
    ];
    let mut random = StdRng::seed_from_u64(seed);
    while !stop.is_cancelled() {
        let call = async {
            let Ok(mut line) = TcpStream::connect(address).await else { return };
            let mut bytes = STARTS[random.random_range(0..STARTS.len())].to_vec();
            bytes.extend((0..random.random_range(0..300)).map(|_| random.random::<u8>()));
            let _ = line.write_all(&bytes).await;
            // Half of them hang up at once, the others wait until the server does.
            if random.random_bool(0.5) {
                let _ = line.shutdown().await;
                let _ = line.read(&mut [0; 64]).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = call => {}
        }
    }
}
