//! A gateway with everything around it, and devices that call it.

use crate::toy;
use domain::{
    Clock, CommandId, CommandStep, Contact, ContactKind, DeviceId, DeviceModel, ModelCode, Record, SourceId,
    Telemetry, Timestamp,
};
use gateway::{
    Asking, CommandQueue, Finding, Gateway, GatewayConfig, Limits, Registered, Roster, RosterError, Swept,
};
use protocols::PROTOCOLS;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{
    catalog::Took,
    journal::{Appending, Follower, Journal, JournalError, Position},
    signals::{Signal, Signals},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UdpSocket},
    sync::{oneshot, watch},
    time::timeout,
};

/// Longer than anything that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    pub(crate) journal: Arc<TestJournal>,
    pub(crate) roster: Arc<TestRoster>,
    pub(crate) signals: Signals,
    pub(crate) clock: Arc<TestClock>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::of(GatewayConfig { limits, ..config() })
    }

    /// A site where the real protocols are spoken.
    pub(crate) fn of_real_protocols(limits: Limits) -> Self {
        let ports = PROTOCOLS.iter().map(|protocol| (protocol.name().to_owned(), Some(0))).collect();
        Self::of(GatewayConfig { any: Some(0), ports, limits, ..GatewayConfig::default() })
    }

    fn of(config: GatewayConfig) -> Self {
        let (journal, roster) = (Arc::new(TestJournal::default()), Arc::new(TestRoster::default()));
        let (signals, clock) = (Signals::default(), Arc::new(TestClock::default()));
        let gateway =
            Gateway::start(config, journal.clone(), roster.clone(), roster.clone(), &signals, clock.clone())
                .unwrap();
        Self { gateway, journal, roster, signals, clock }
    }

    /// A site where the devices `ids` are registered as sources 1, 2, 3 …
    pub(crate) fn where_registered(ids: &[&str], limits: Limits) -> Self {
        let site = Self::with(limits);
        for (at, id) in ids.iter().enumerate() {
            site.roster.register(id, registered(at as i64 + 1));
        }
        site
    }

    /// A connection to the port of `toy`.
    pub(crate) async fn connect(&self) -> Device {
        Device::connect(self.gateway.bound().tcp["toy"], '$').await
    }

    pub(crate) async fn connect_to_other(&self) -> Device {
        Device::connect(self.gateway.bound().tcp["other"], '#').await
    }

    /// A device that sends datagrams to the port of `toy`.
    pub(crate) async fn sender(&self) -> Sender {
        Sender::to(self.gateway.bound().udp["toy"]).await
    }

    pub(crate) async fn connect_to_any(&self, mark: char) -> Device {
        Device::connect(self.gateway.bound().any.unwrap(), mark).await
    }

    /// A connection of the device, which has logged in.
    pub(crate) async fn login(&self, id: &str) -> Device {
        let mut device = self.connect().await;
        device.say(&format!("L{id}")).await;
        assert_eq!(device.hear().await.as_deref(), Some("ok"), "{id}");
        device
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Registered)) {
        let source = self.roster.change(id, change);
        self.signals.publish(Signal::SourceChanged(source));
    }

    /// Device, reason and count of every refused device.
    pub(crate) fn refused(&self) -> Vec<(String, &'static str, u64)> {
        let refused = self.gateway.refused().into_iter();
        refused.map(|it| (it.device_id.to_string(), it.reason.as_str(), it.count)).collect()
    }
}

/// Any free ports, toy protocols.
pub(crate) fn config() -> GatewayConfig {
    GatewayConfig { any: Some(0), protocols: toy::PROTOCOLS, ..GatewayConfig::default() }
}

/// Waits for something that no one announces.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, reached).await.expect("in time");
}

/// A device that speaks `toy`.
pub(crate) fn registered(source: i64) -> Registered {
    of_protocol(source, "toy")
}

/// A device that speaks `toy`, `web`, or one of the real protocols that the tests here speak.
pub(crate) fn of_protocol(source: i64, protocol: &str) -> Registered {
    static MODELS: LazyLock<[DeviceModel; 4]> = LazyLock::new(|| {
        let real = ModelCode::find("telfmb920").unwrap().model();
        ["toy", "web", "jt808", "osmand"]
            .map(|name| DeviceModel { protocols: vec![name.into()], ..real.clone() })
    });
    let model = MODELS.iter().find(|model| *model.protocols[0] == *protocol).unwrap();
    Registered {
        source: SourceId(source),
        model,
        blocked: false,
        accepts_from: Timestamp::from_millis(0),
        settings: Arc::default(),
    }
}

pub(crate) struct Device {
    mark: char,
    pub(crate) stream: BufReader<TcpStream>,
}

impl Device {
    pub(crate) async fn connect(address: SocketAddr, mark: char) -> Self {
        Self { mark, stream: BufReader::new(TcpStream::connect(address).await.unwrap()) }
    }

    pub(crate) async fn say(&mut self, body: &str) {
        self.send(toy::line(self.mark, body).as_bytes()).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next line that comes; `None` when the connection is closed or broken.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.stream.read_line(&mut line)).await.expect("an answer in time");
        (read.unwrap_or(0) > 0).then(|| line.trim_end().to_owned())
    }

    /// Everything that comes until the connection is closed.
    pub(crate) async fn hear_all(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.hear().await {
            lines.push(line);
        }
        lines
    }

    pub(crate) fn has_heard_nothing(&self) -> bool {
        let read = self.stream.get_ref().try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Stands still unless it is moved.
pub(crate) struct TestClock(AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(NOW.millis()))
    }
}

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A roster that can be made to wait before it answers.
#[derive(Default)]
pub(crate) struct TestRoster {
    devices: Mutex<HashMap<DeviceId, Registered>>,
    hold: watch::Sender<bool>,
    fails: AtomicBool,
    /// Questions that are not answered yet.
    pub(crate) asked: watch::Sender<usize>,
}

impl TestRoster {
    pub(crate) fn register(&self, id: &str, registered: Registered) {
        self.devices.lock().unwrap().insert(DeviceId::new(id).unwrap(), registered);
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Registered)) -> SourceId {
        let mut devices = self.devices.lock().unwrap();
        let registered = devices.get_mut(&DeviceId::new(id).unwrap()).unwrap();
        change(registered);
        registered.source
    }

    pub(crate) fn hold(&self) {
        self.hold.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.hold.send_replace(false);
    }

    /// From now on it cannot answer.
    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn until_asked(&self, times: usize) {
        self.asked.subscribe().wait_for(|asked| *asked == times).await.unwrap();
    }
}

impl Roster for TestRoster {
    /// Answers what was true when it was asked.
    fn find<'a>(&'a self, device_id: &'a DeviceId) -> Finding<'a> {
        Box::pin(async {
            let found = self.devices.lock().unwrap().get(device_id).cloned();
            self.asked.send_modify(|asked| *asked += 1);
            self.hold.subscribe().wait_for(|hold| !hold).await.unwrap();
            self.asked.send_modify(|asked| *asked -= 1);
            if self.fails.load(Ordering::SeqCst) { Err(RosterError::Slow) } else { Ok(found) }
        })
    }
}

/// No command waits. Tests of commands have the real catalog.
impl CommandQueue for TestRoster {
    fn waits(&self, _: SourceId) -> Asking<'_, bool> {
        Box::pin(async { Ok(false) })
    }

    fn take(&self, _: SourceId, _: Timestamp) -> Asking<'_, Took> {
        Box::pin(async { Ok(Took::Nothing) })
    }

    fn reconnected(&self, _: SourceId, _: Timestamp) -> Asking<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn step(&self, _: CommandId, _: CommandStep, _: Timestamp) -> Asking<'_, bool> {
        Box::pin(async { Ok(false) })
    }

    fn in_flight(&self, _: SourceId, _: Timestamp) -> Asking<'_, Option<CommandId>> {
        Box::pin(async { Ok(None) })
    }

    fn sweep(&self, _: Timestamp, _: Timestamp) -> Asking<'_, Swept> {
        Box::pin(async { Ok(Swept::default()) })
    }
}

/// A device that sends datagrams to the port of `toy`.
pub(crate) struct Sender(pub(crate) UdpSocket);

impl Sender {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(address).await.unwrap();
        Self(socket)
    }

    /// One datagram of several lines.
    pub(crate) async fn say(&self, bodies: &[&str]) {
        let lines: String = bodies.iter().map(|body| toy::line('$', body)).collect();
        self.0.send(lines.as_bytes()).await.unwrap();
    }

    pub(crate) async fn hear(&self) -> String {
        String::from_utf8_lossy(&self.hear_bytes().await).trim_end().to_owned()
    }

    pub(crate) async fn hear_bytes(&self) -> Vec<u8> {
        let mut buffer = vec![0; 2000];
        let length = timeout(PATIENCE, self.0.recv(&mut buffer)).await.expect("an answer in time").unwrap();
        buffer.truncate(length);
        buffer
    }

    pub(crate) fn has_heard_nothing(&self) -> bool {
        self.0.try_recv(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// A journal whose disk is in the test's hands.
#[derive(Default)]
pub(crate) struct TestJournal(watch::Sender<Pages>);

#[derive(Default)]
pub(crate) struct Pages {
    disk: Disk,
    pub(crate) waiting: Vec<(Vec<Record>, Answer)>,
    pub(crate) durable: Vec<Record>,
    pub(crate) contacts: Vec<Contact>,
}

type Answer = oneshot::Sender<Result<Position, JournalError>>;

#[derive(Default)]
enum Disk {
    #[default]
    Good,
    Slow,
    Full,
}

impl TestJournal {
    /// From now on nothing becomes durable until `release`.
    pub(crate) fn hold(&self) {
        self.0.send_modify(|pages| pages.disk = Disk::Slow);
    }

    pub(crate) fn release(&self) {
        self.0.send_modify(|pages| {
            pages.disk = Disk::Good;
            for (records, answer) in std::mem::take(&mut pages.waiting) {
                let first = Position(pages.durable.len() as u64);
                pages.durable.extend(records);
                _ = answer.send(Ok(first));
            }
        });
    }

    pub(crate) fn fill_disk(&self) {
        self.0.send_modify(|pages| pages.disk = Disk::Full);
    }

    pub(crate) async fn until(&self, condition: impl FnMut(&Pages) -> bool) {
        timeout(PATIENCE, self.0.subscribe().wait_for(condition)).await.expect("in time").unwrap();
    }

    pub(crate) fn durable(&self) -> Vec<Record> {
        self.0.borrow().durable.clone()
    }

    pub(crate) fn telemetry(&self) -> Vec<Telemetry> {
        let telemetry = |record| if let Record::Telemetry(it) = record { Some(it) } else { None };
        self.durable().into_iter().filter_map(telemetry).collect()
    }

    /// Serial numbers of the records of a source.
    pub(crate) fn serials(&self, source: i64) -> Vec<u128> {
        self.telemetry().into_iter().filter(|it| it.source.0 == source).map(|it| it.hash.0).collect()
    }

    pub(crate) fn contacts(&self, source: i64) -> Vec<ContactKind> {
        let pages = self.0.borrow();
        pages.contacts.iter().filter(|contact| contact.source.0 == source).map(|it| it.kind).collect()
    }

    pub(crate) async fn until_contact(&self, source: i64, kind: ContactKind) {
        self.until(|pages| pages.contacts.iter().any(|it| it.source.0 == source && it.kind == kind)).await;
    }
}

impl Journal for TestJournal {
    fn append(&self, records: Vec<Record>) -> Appending {
        let (answer, answered) = oneshot::channel();
        self.0.send_modify(|pages| match pages.disk {
            Disk::Good => {
                let first = Position(pages.durable.len() as u64);
                pages.durable.extend(records);
                _ = answer.send(Ok(first));
            }
            Disk::Slow => pages.waiting.push((records, answer)),
            Disk::Full => _ = answer.send(Err(JournalError::LowSpace)),
        });
        Box::pin(async { answered.await.unwrap_or(Err(JournalError::Closed)) })
    }

    fn note(&self, contact: Contact) {
        self.0.send_modify(|pages| pages.contacts.push(contact));
    }

    fn follow(&self, _: Position) -> Box<dyn Follower> {
        unreachable!("the gateway only writes")
    }

    fn end(&self) -> Position {
        Position(self.0.borrow().durable.len() as u64)
    }

    fn trouble(&self) -> Option<JournalError> {
        None
    }
}
