//! Every bound of the gateway, with its default and what happens when it is reached.

use crate::line::CHUNK;
use protocols::PROTOCOLS;
use std::time::Duration;

/// | limit | default | when it is reached |
/// | --- | --- | --- |
/// | `sessions` | 50,000 | a new connection is closed at once |
/// | `sessions_per_address` | 20,000 | a new connection from that address (IPv6: its /64) is closed at once |
/// | `login_timeout` | 30 s | a connection without a known device is closed |
/// | `idle_timeout` | 30 min | a connection from which nothing came is closed, its device is lost |
/// | `reply_timeout` | 30 s | a device that does not take its reply is closed, and lost |
/// | `Protocol::max_frame` | the protocol's | the connection is closed, its device is lost |
/// | `buffered_per_session` | the longest frame of any protocol, and one chunk (1 MiB, 16 KiB) | the connection is closed, its device is lost |
/// | `buffered_total` | 256 MiB | the connection that wants more is closed; those without a known device get half |
/// | `detection_bytes` | 4 KiB | a connection to the `any` port still not recognised is closed; an HTTP request whose head is there may come whole |
/// | `devices_per_connection` | 1,000 | a further device of a relay is refused; further ones that may not speak are asked about at each frame |
/// | `lookups` | 64 | a login waits for its turn, at most `login_timeout` |
/// | `take_overs_per_minute` | 6 | a further login of a source whose session is open is refused |
/// | `take_over_wait` | 10 s | a login is refused whose older session does not let the device go |
/// | `refused_devices` | 1,000 | the device that knocked longest ago is forgotten |
/// | `contact_interval` | 10 s | of the contacts of a source within it only the first and the last state are noted |
/// | `contact_sources` | 100,000 | contacts of further sources are noted one by one |
/// | `datagrams` | 4,096 | a datagram is dropped, unacknowledged and counted |
/// | `datagrams_per_address` | 64 | a datagram from that address and port to the same of ours is dropped, unacknowledged and counted |
/// | `datagrams_of_strangers` | 512 | a datagram from where no device was lately is dropped, unacknowledged and counted |
/// | `datagram_lookups` | 16 | a datagram waits for its turn, at most `login_timeout` |
/// | `datagram_refusals` | 10,000 | further strangers are asked about at each datagram |
/// | `datagram_devices` | 100,000 | further devices are asked about at each datagram, and get commands with the next one alone |
/// | `datagram_reach` | 60 s | a command waits for the device's next datagram |
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections.
    pub sessions: usize,
    /// Open connections from one remote address. Mobile carriers put many devices behind one.
    pub sessions_per_address: usize,
    /// From the connection to the first known device.
    pub login_timeout: Duration,
    /// From the last byte of the device. Longer than the longest pause between two reports of a parked device.
    pub idle_timeout: Duration,
    /// For one reply to leave.
    pub reply_timeout: Duration,
    /// Bytes of one connection that are not durable or not decoded yet.
    pub buffered_per_session: usize,
    /// The same of all connections together.
    pub buffered_total: usize,
    /// Bytes that the `any` port looks at.
    pub detection_bytes: usize,
    /// Devices that speak over one connection.
    pub devices_per_connection: usize,
    /// Questions to the catalog at the same time.
    pub lookups: usize,
    /// Logins of one source that take it from an older session.
    pub take_overs_per_minute: u32,
    /// For an older session to let the device go: its last batch is made durable first, so that order is kept.
    pub take_over_wait: Duration,
    /// Refused devices that are remembered.
    pub refused_devices: usize,
    /// Between two contacts of a source in the journal.
    pub contact_interval: Duration,
    /// Sources whose contacts are coalesced.
    pub contact_sources: usize,
    /// Datagrams that wait or are at work.
    pub datagrams: usize,
    /// The same from one address and port to one of ours.
    pub datagrams_per_address: usize,
    /// The same of all addresses and ports from which no device that may speak was heard lately.
    pub datagrams_of_strangers: usize,
    /// Questions to the catalog because of datagrams at the same time, among `lookups`.
    pub datagram_lookups: usize,
    /// Devices that may not speak and sent datagrams lately: nobody asks about them again until something changes.
    pub datagram_refusals: usize,
    /// Devices that sent datagrams lately and are remembered.
    pub datagram_devices: usize,
    /// How long after its last datagram a device is still reached at the address that it came from: routers forget.
    pub datagram_reach: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 50_000,
            sessions_per_address: 20_000,
            login_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30 * 60),
            reply_timeout: Duration::from_secs(30),
            // A frame waits until it is whole.
            buffered_per_session: PROTOCOLS.iter().map(|it| it.max_frame()).max().unwrap_or(0) + CHUNK,
            buffered_total: 256 << 20,
            detection_bytes: 4 << 10,
            devices_per_connection: 1000,
            lookups: 64,
            take_overs_per_minute: 6,
            take_over_wait: Duration::from_secs(10),
            refused_devices: 1000,
            contact_interval: Duration::from_secs(10),
            contact_sources: 100_000,
            datagrams: 4096,
            datagrams_per_address: 64,
            datagrams_of_strangers: 512,
            datagram_lookups: 16,
            datagram_refusals: 10_000,
            datagram_devices: 100_000,
            datagram_reach: Duration::from_secs(60),
        }
    }
}
