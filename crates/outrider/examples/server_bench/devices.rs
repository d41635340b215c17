//! Devices as load: Teltonika trackers that send a frame, wait for its acknowledgement, and send the next.

use domain::Timestamp;
use protocols::teltonika::{
    Codec,
    encode::{self, Record},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

/// The 15th digit makes the Luhn sum right.
pub fn imei(number: usize) -> String {
    let body = format!("35630704{number:06}");
    let digit = |(at, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0');
        if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    };
    let sum: u32 = body.bytes().enumerate().map(digit).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// What an FMB920 says while it drives.
pub fn record(time: Timestamp, step: u32) -> Record {
    let step = step as i32;
    Record {
        time,
        priority: 0,
        lat: 547_123_456 + 13 * step,
        lng: 253_123_456 + 17 * step,
        altitude: 130,
        heading: 271,
        satellites: 14,
        speed: 52,
        event: 0,
        generation: 0,
        parameters: vec![
            (239, vec![1]),
            (240, vec![1]),
            (21, vec![4]),
            (1, vec![1]),
            (179, vec![0]),
            (113, vec![87]),
            (66, vec![0x36, 0xB0]),
            (67, vec![0x0F, 0xA0]),
            (16, vec![0, 1, 0x86, 0xA0]),
        ],
    }
}

pub async fn log_in(address: &str, number: usize) -> TcpStream {
    let mut line = TcpStream::connect(address).await.unwrap();
    line.set_nodelay(true).unwrap();
    line.write_all(&encode::login(&imei(number))).await.unwrap();
    let mut answer = [0];
    line.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [1], "device {number} was refused");
    line
}

/// Sends one frame and waits until it is acknowledged.
pub async fn send(line: &mut TcpStream, records: &[Record]) {
    line.write_all(&encode::packet(Codec::Codec8, records)).await.unwrap();
    let mut answer = [0; 4];
    line.read_exact(&mut answer).await.unwrap();
    assert_eq!(u32::from_be_bytes(answer) as usize, records.len());
}

/// As many records as the server takes: so many devices with so many records a frame, for so long. Answers with the
/// acknowledged records, and how long that took.
pub fn flood(address: &str, devices: usize, together: usize, during: Duration) -> (u64, Duration) {
    let runtime = runtime();
    let address: Arc<str> = address.into();
    runtime.block_on(async {
        let mut lines = Vec::new();
        for number in 0..devices {
            lines.push(log_in(&address, number).await);
        }
        let start = now().minus(Duration::from_secs(6 * 3600));
        let began = Instant::now();
        let mut running = JoinSet::new();
        for mut line in lines {
            running.spawn(async move {
                let mut sent = 0;
                while began.elapsed() < during {
                    let records: Vec<_> = (sent..sent + together)
                        .map(|step| record(start.plus(Duration::from_millis(10 * step as u64)), step as u32))
                        .collect();
                    send(&mut line, &records).await;
                    sent += together;
                }
                sent as u64
            });
        }
        let sent = running.join_all().await.into_iter().sum();
        (sent, began.elapsed())
    })
}

/// A steady load in the background, until it is dropped.
pub struct Load {
    over: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    slowest: Arc<std::sync::Mutex<Vec<Duration>>>,
    _runtime: Runtime,
}

impl Load {
    /// So many devices, the first of which is device `first`, each with a record in every `period`.
    pub fn start(address: &str, first: usize, devices: usize, period: Duration) -> Self {
        let runtime = runtime();
        let load = Self {
            over: Arc::default(),
            acknowledged: Arc::default(),
            slowest: Arc::default(),
            _runtime: runtime,
        };
        for number in first..first + devices {
            let address = address.to_owned();
            let (over, acknowledged) = (Arc::clone(&load.over), Arc::clone(&load.acknowledged));
            let slowest = Arc::clone(&load.slowest);
            load._runtime.spawn(async move {
                let mut line = log_in(&address, number).await;
                let mut due = interval(period);
                due.set_missed_tick_behavior(MissedTickBehavior::Delay);
                // Not all at once.
                tokio::time::sleep(period.mul_f64((number % 100) as f64 / 100.0)).await;
                due.reset();
                let mut waits = Vec::new();
                let mut step = 0;
                while !over.load(Ordering::Relaxed) {
                    due.tick().await;
                    let began = Instant::now();
                    send(&mut line, &[record(now(), step)]).await;
                    waits.push(began.elapsed());
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    step += 1;
                    if waits.len() == 20 {
                        slowest.lock().unwrap().append(&mut waits);
                    }
                }
            });
        }
        load
    }

    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How long acknowledgements took since this was asked last.
    pub fn waits(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.slowest.lock().unwrap())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
