//! A Teltonika device that does what a test says.

use domain::Timestamp;
use protocols::teltonika::{
    Codec,
    encode::{self, Record},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Device(TcpStream);

/// What the server did with a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Reaction {
    Acknowledged(u32),
    /// Closed without an answer.
    Closed,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Acknowledged(u32),
    Command(String),
    /// The connection is over.
    Nothing,
}

impl Device {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Connects and logs in; the server must take it.
    pub fn logged_in(address: SocketAddr, imei: &str) -> Self {
        let mut device = Self::connect(address);
        assert_eq!(device.log_in(imei), Some(1), "{imei} was refused");
        device
    }

    /// The answer to the login: 1 or 0; `None` when the connection was closed.
    pub fn log_in(&mut self, imei: &str) -> Option<u8> {
        self.write(&encode::login(imei)).ok()?;
        self.read().map(|[answer]| answer)
    }

    pub fn send(&mut self, records: &[Record]) -> Reaction {
        self.send_bytes(&encode::packet(Codec::Codec8Extended, records))
    }

    /// Sends records until the server hangs up, as it does soon after the device is not welcome any longer.
    pub fn is_sent_away(&mut self) -> bool {
        (0..10_000).any(|_| self.send(&[record(now())]) == Reaction::Closed)
    }

    pub fn send_bytes(&mut self, packet: &[u8]) -> Reaction {
        if self.write(packet).is_err() {
            return Reaction::Closed;
        }
        self.read().map_or(Reaction::Closed, |count| Reaction::Acknowledged(u32::from_be_bytes(count)))
    }

    /// The next thing that the server says, when commands may come between acknowledgements.
    pub fn hear(&mut self) -> Heard {
        match self.read().map(u32::from_be_bytes) {
            None => Heard::Nothing,
            Some(0) => self.command().map_or(Heard::Nothing, Heard::Command),
            Some(count) => Heard::Acknowledged(count),
        }
    }

    /// The text of a command in codec 12, whose first four bytes were read.
    fn command(&mut self) -> Option<String> {
        let length = u32::from_be_bytes(self.read()?) as usize;
        let mut body = vec![0; length + 4];
        self.0.read_exact(&mut body).ok()?;
        // Codec, number of commands, type, length of the text.
        assert_eq!(body[..3], [0x0C, 1, 5]);
        Some(String::from_utf8(body[7..length - 1].to_vec()).unwrap())
    }

    /// Answers a command in codec 12. Whether the server hears it is not known.
    pub fn answer(&mut self, text: &str) {
        let mut body = vec![1, 6];
        body.extend((text.len() as u32).to_be_bytes());
        body.extend(text.as_bytes());
        body.push(1);
        let _ = self.write(&encode::framed(0x0C, &body));
    }

    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    fn read<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        match self.0.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the server does not answer"),
            Err(_) => None,
        }
    }
}

/// A record near Hamburg: moving, ignition on.
pub fn record(time: Timestamp) -> Record {
    Record {
        time,
        priority: 0,
        lat: 535_511_000,
        lng: 99_937_000,
        altitude: 12,
        heading: 304,
        satellites: 9,
        speed: 64,
        event: 0,
        generation: 0,
        parameters: vec![(239, vec![1]), (66, 14_100_u16.to_be_bytes().to_vec())],
    }
}

/// What a Queclink GV55Lite says near Vilnius: ignition on, moving. The server acknowledges with `+SACK:0002$`.
pub fn queclink_report(imei: &str, time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.seconds()).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let time = time.strftime("%Y%m%d%H%M%S");
    format!(
        "+RESP:GTFRI,060800,{imei},van,12870,10,1,1,43.5,92,70.0,25.279651,54.687155,{time},0246,0001,18D8,6141,00,\
         1234.5,00117:31:12,2789,F50.5,100,220300,,,,{time},0002$"
    )
}

/// The time by the clock that the server reads too.
#[expect(clippy::disallowed_methods, reason = "the server under test reads the wall clock")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}
