//! What a swarm costs: devices call a sink in the same process that acknowledges everything at once.
//! `cargo run --release -p simulator --example swarm_bench -- DEVICES INTERVAL_MS SECONDS`

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use domain::{Clock, Timestamp};
use simulator::{
    Counts, Habits, Handsets, Imei, Reporting, Surroundings, Tcp, language::teltonika::CODEC_8_EXTENDED,
    swarm,
};
use std::{fs, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

struct SinceStart(Instant);

impl Clock for SinceStart {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_780_056_000).plus(self.0.elapsed())
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let mut argument = |default| arguments.next().unwrap_or(default);
    let (devices, interval, seconds) = (argument(5000), argument(1000), argument(20));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let surroundings = Arc::new(Surroundings {
        dial: Tcp(listener.local_addr()?),
        clock: Arc::new(SinceStart(Instant::now())),
        habits: Habits::NONE,
        counts: Counts::default(),
        stop: CancellationToken::new(),
    });
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            tokio::spawn(sink(line));
        }
    });
    let since = surroundings.clock.now();
    let reporting = Reporting::Every(Duration::from_millis(interval));
    let swarm = swarm::devices(CODEC_8_EXTENDED, 1, Imei::TEST, devices, reporting);
    let running = tokio::spawn(swarm::run(swarm, since, Arc::clone(&surroundings), Handsets::default()));
    while surroundings.counts.figures().connected < devices {
        sleep(Duration::from_millis(50)).await;
    }
    let (start, cpu, before) = (Instant::now(), cpu_seconds(), surroundings.counts.figures());
    println!("all {devices} connected {:.1} s after the start, {cpu:.1} s of CPU", start_age(&surroundings));
    sleep(Duration::from_secs(seconds)).await;
    let (took, figures) = (start.elapsed().as_secs_f64(), surroundings.counts.figures());
    let rate = (figures.acknowledged - before.acknowledged) as f64 / took;
    let cores = (cpu_seconds() - cpu) / took;
    println!("{figures}");
    println!("{rate:.0} records/s, {cores:.2} cores with the sink, {} MiB", resident_mebibytes());
    surroundings.stop.cancel();
    running.await?;
    Ok(())
}

fn start_age(surroundings: &Surroundings<Tcp>) -> f64 {
    surroundings.clock.now().since(Timestamp::from_seconds(1_780_056_000)).as_secs_f64()
}

/// Admits every device and acknowledges every packet.
async fn sink(mut line: TcpStream) -> io::Result<()> {
    let mut login = [0; 17];
    line.read_exact(&mut login).await?;
    line.write_all(&[1]).await?;
    let mut packet = vec![0; 2048];
    loop {
        line.read_exact(&mut packet[..8]).await?;
        let length = packet[4..8].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)) + 4;
        packet.resize(length.max(8), 0);
        line.read_exact(&mut packet[..length]).await?;
        line.write_all(&[0, 0, 0, packet[1]]).await?;
    }
}

/// User and system time of this process (proc(5)).
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn resident_mebibytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}
