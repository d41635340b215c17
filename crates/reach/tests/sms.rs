//! Short messages through the public door: what is put into the outbox arrives at a gateway (an HTTP server here, a message
//! centre of another make for SMPP), and what comes back is noted.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use domain::{Clock, SmsId, Timestamp};
use reach::{
    outbound::{OutboundClient, OutboundError, Request},
    sms::{Gateway, HttpGateway, Inbox, Outbox, Pacing, Parts, SmppAccount, SmppGateway, Template},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{
    catalog::{Awaited, Catalog, Location, NewSms, SmsState, StoredSms},
    signals::{Signal, Signals},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    task::yield_now,
    time::timeout,
};

const START: i64 = 1_800_000_000;
/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

struct House {
    folder: TempDir,
    catalog: Catalog,
    signals: Signals,
    clock: Arc<TestClock>,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        Self { folder, catalog, signals: Signals::default(), clock }
    }

    fn outbox(&self, gateway: Arc<dyn Gateway>) -> Outbox {
        let (catalog, signals) = (self.catalog.clone(), self.signals.clone());
        Outbox::start(Parts { catalog, signals, clock: self.clock.clone(), gateway, in_flight: 3 })
    }

    async fn say(&self, text: &str) -> SmsId {
        let asked = self.clock.now();
        let expires = asked.plus(Duration::from_secs(3600));
        let (phone, awaited) = ("491761234567".into(), Awaited::Nothing);
        let new = NewSms { source: None, phone, text: text.into(), asked, expires, awaited };
        let id = self.catalog.enqueue_sms(&[new]).await.unwrap()[0];
        self.signals.publish(Signal::SmsWaits);
        id
    }

    /// The message, as soon as it is as it should be.
    async fn until(&self, id: SmsId, ready: impl Fn(&StoredSms) -> bool) -> StoredSms {
        let wait = async {
            loop {
                let sms = self.catalog.sms(id).await.unwrap().unwrap();
                if ready(&sms) {
                    return sms;
                }
                yield_now().await;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(sms) => sms,
            Err(_) => panic!("{:?}", self.catalog.sms(id).await.unwrap()),
        }
    }

    /// How many seconds the message waits after an attempt; `None` when it is over.
    async fn pause(&self, id: SmsId) -> Option<i64> {
        let now = self.clock.now();
        loop {
            if self.catalog.sms(id).await.unwrap().unwrap().state != SmsState::Queued {
                return None;
            }
            // Until the answer is noted it is the sender's for 300 s.
            let due = self.catalog.next_sms().await.unwrap().map(|due| due.seconds() - now.seconds());
            if let Some(due) = due.filter(|due| ![0, 300].contains(due)) {
                return Some(due);
            }
            yield_now().await;
        }
    }

    /// Time passes, and the outbox looks.
    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        self.signals.publish(Signal::SmsWaits);
    }
}

/// An HTTP server that answers with the given heads in their order, the last one for ever, and tells what it was asked.
async fn catcher(answers: &'static [&'static str]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (caught, requests) = mpsc::channel(100);
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answers.get(number).or(answers.last()).unwrap();
            let request = exchange(stream, answer).await;
            if caught.send(request).await.is_err() {
                break;
            }
        }
    });
    (url, requests)
}

async fn exchange(mut stream: TcpStream, answer: &str) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length.unwrap_or(0)
        {
            break;
        }
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            break;
        }
    }
    _ = stream.write_all(answer.as_bytes()).await;
    String::from_utf8(request).unwrap()
}

fn pacing() -> Pacing {
    Pacing::new(NonZeroU32::new(100).unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 400 Wrong\r\ncontent-length: 0\r\n\r\n";
const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";

fn http(url: &str, allowed: &[&str]) -> Arc<HttpGateway> {
    let headers = BTreeMap::from([
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Authorization".to_owned(), "Bearer abc".to_owned()),
    ]);
    let body = r#"{"to":"+{to}","message":"{text}","id":{id}}"#;
    let template = Template::new(&format!("{url}/send?id={{id}}"), "POST", &headers, body).unwrap();
    let allowed: Vec<_> = allowed.iter().map(|network| network.parse().unwrap()).collect();
    Arc::new(HttpGateway::new(OutboundClient::new(&allowed).unwrap(), template, pacing()))
}

#[tokio::test]
async fn a_message_goes_out_over_http() {
    let house = House::new().await;
    let (url, mut requests) = catcher(&[OK]).await;
    let outbox = house.outbox(http(&url, &["127.0.0.0/8"]));
    let id = house.say("  setparam \"ü\"\n").await;
    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("POST /send?id={} HTTP/1.1\r\n", id.0)), "{head}");
    assert!(head.contains("\r\nauthorization: Bearer abc"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, json!({ "to": "+491761234567", "message": "  setparam \"ü\"\n", "id": id.0 }));
    let sms = house.until(id, |sms| sms.state == SmsState::Sent).await;
    assert_eq!((sms.attempts, &*sms.text), (1, ""));
    outbox.stop().await;
}

#[tokio::test]
async fn what_the_gateway_answers_decides() {
    // The answers, the state after them, the attempts that count.
    for (answers, state, attempts) in [
        (&[BROKEN, BROKEN, OK][..], SmsState::Sent, 3),
        (&[BUSY, BUSY, OK], SmsState::Sent, 1),
        (&[BROKEN], SmsState::Failed, 5),
        (&[REFUSED], SmsState::Failed, 1),
        (&[MOVED], SmsState::Failed, 1),
    ] {
        let house = House::new().await;
        let (url, mut requests) = catcher(answers).await;
        let outbox = house.outbox(http(&url, &["127.0.0.0/8"]));
        let id = house.say("x").await;
        let asked = async {
            while requests.recv().await.is_some() {
                let Some(pause) = house.pause(id).await else { break };
                house.pass(pause);
            }
        };
        timeout(PATIENCE, asked).await.unwrap();
        let sms = house.until(id, |sms| sms.state == state).await;
        assert_eq!(sms.attempts, attempts, "{answers:?}");
        outbox.stop().await;
    }
}

#[tokio::test]
async fn a_message_survives_the_end_of_the_process_and_none_is_sent_late() {
    let house = House::new().await;
    let (url, mut requests) = catcher(&[OK]).await;
    let (waits, late) = (house.say("waits").await, house.say("late").await);
    // Taken by a process that ends before it says more.
    let taken = house.catalog.take_sms(house.clock.now(), 10, Duration::from_secs(300)).await.unwrap();
    assert_eq!(taken.len(), 2);
    house.catalog.close().await;

    let catalog = Catalog::open(&Location::Sqlite(house.folder.path().to_owned())).await.unwrap();
    let house = House { catalog, ..house };
    let outbox = house.outbox(http(&url, &["127.0.0.0/8"]));
    house.pass(300);
    for _ in 0..2 {
        timeout(PATIENCE, requests.recv()).await.unwrap().unwrap();
    }
    for id in [waits, late] {
        assert_eq!(house.until(id, |sms| sms.state == SmsState::Sent).await.attempts, 2);
    }
    outbox.stop().await;

    let id = house.say("late").await;
    house.pass(3600);
    let outbox = house.outbox(http(&url, &["127.0.0.0/8"]));
    house.until(id, |sms| sms.state == SmsState::Expired).await;
    outbox.stop().await;
    assert!(requests.try_recv().is_err(), "nothing was sent");
}

#[tokio::test]
async fn the_guard_lets_nothing_through_that_is_not_allowed() {
    let (url, mut requests) = catcher(&[OK]).await;
    let port = url.rsplit_once(':').unwrap().1;
    let get = |url: String| Request {
        method: "GET".parse().unwrap(),
        url,
        headers: Vec::new(),
        body: String::new(),
    };
    for (allowed, host, reached) in [
        (&[][..], "127.0.0.1", false),
        (&[], "localhost", false),
        (&[], "[::ffff:127.0.0.1]", false),
        (&[], "0.0.0.0", false),
        (&["10.0.0.0/8"], "localhost", false),
        (&["127.0.0.0/8"], "127.0.0.1", true),
        (&["127.0.0.0/8"], "localhost", true),
        (&["127.0.0.1"], "[::ffff:127.0.0.1]", true),
    ] {
        let allowed: Vec<_> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        let client = OutboundClient::new(&allowed).unwrap();
        let answer = client.send(get(format!("http://{host}:{port}/path"))).await;
        match answer {
            Ok(answer) => assert!(reached && answer.status == 200 && &*answer.body == b"ok", "{host}"),
            Err(OutboundError::Forbidden(_)) => assert!(!reached, "{host}"),
            Err(error) => panic!("{host}: {error}"),
        }
        assert_eq!(requests.try_recv().is_ok(), reached, "{host}");
    }
}

#[tokio::test]
async fn answers_are_bounded_and_redirects_are_not_followed() {
    let long: &'static str = Box::leak(
        format!("HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n{}", "x".repeat(1_048_577)).into(),
    );
    let answers: &'static [&'static str] = Box::leak(Box::new([MOVED, long, "nonsense\r\n\r\n"]));
    let (url, _requests) = catcher(answers).await;
    let client = OutboundClient::new(&["127.0.0.0/8".parse().unwrap()]).unwrap();
    let get = || Request {
        method: "GET".parse().unwrap(),
        url: url.clone(),
        headers: Vec::new(),
        body: String::new(),
    };
    assert_eq!(client.send(get()).await.unwrap().status, 302);
    assert!(matches!(client.send(get()).await, Err(OutboundError::TooLong)));
    assert!(matches!(client.send(get()).await, Err(OutboundError::Http(_))));
}

/// A message centre in a process of its own.
struct Centre {
    _process: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Centre {
    async fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/smpp");
        let mut process = Command::new("node")
            .arg("centre.js")
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node.js; `make test` installs it");
        let orders = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut centre = Self { _process: process, orders, lines, port: 0 };
        centre.port = centre.next().await["port"].as_u64().unwrap();
        centre
    }

    async fn next(&mut self) -> Value {
        let line =
            timeout(PATIENCE, self.lines.next_line()).await.expect("the message centre is silent").unwrap();
        serde_json::from_str(&line.expect("the message centre has ended; `npm ci` in tools/smpp")).unwrap()
    }

    async fn order(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    fn gateway(&self, house: &House, password: &str) -> Arc<SmppGateway> {
        let account = SmppAccount {
            address: format!("127.0.0.1:{}", self.port),
            system_id: "outrider".into(),
            password: password.into(),
            system_type: String::new(),
            from: "Outrider".into(),
        };
        let inbox = Inbox::new(house.catalog.clone(), house.signals.clone(), house.clock.clone());
        Arc::new(SmppGateway::start(account, pacing(), inbox))
    }
}

#[tokio::test]
async fn messages_go_out_over_smpp_and_their_receipts_come_back() {
    let (house, mut centre) = (House::new().await, Centre::start().await);
    let outbox = house.outbox(centre.gateway(&house, "secret"));
    assert_eq!(centre.next().await, json!({ "bound": "outrider", "accepted": true, "version": 0x34 }));
    for (text, data_coding, state, word) in [
        ("  setparam 2001:internet;2004:gps.example.com {€}", 0, SmsState::Delivered, "DELIVRD"),
        ("где вы?", 8, SmsState::Failed, "UNDELIV"),
        ("x", 0, SmsState::Expired, "EXPIRED"),
    ] {
        let id = house.say(text).await;
        let mut caught = centre.next().await;
        // What was said before the session was there is said again.
        let reference = caught["id"].take();
        assert_eq!(
            caught,
            json!({ "to": "491761234567", "from": "Outrider", "text": text, "data_coding": data_coding, "udh": null,
                "receipt": 1, "status": 0, "id": null })
        );
        let reference = reference.as_str().unwrap();
        let sms = house.until(id, |sms| sms.state == SmsState::Sent).await;
        assert_eq!(sms.reference.as_deref(), Some(reference));
        let receipt = format!(
            "id:{reference} sub:001 dlvrd:001 submit date:2611251500 done date:2611251501 stat:{word} err:000 text:"
        );
        centre.order(json!({ "deliver": { "esm_class": 4, "short_message": receipt } })).await;
        assert_eq!(centre.next().await, json!({ "answered": 0 }));
        assert_eq!(house.until(id, |sms| sms.state == state).await.reason.as_deref(), Some(word));
    }
    centre.order(json!({ "enquire": true })).await;
    assert_eq!(centre.next().await, json!({ "alive": true }));
    outbox.stop().await;
}

#[tokio::test]
async fn long_messages_go_in_parts_over_smpp() {
    let (house, mut centre) = (House::new().await, Centre::start().await);
    let outbox = house.outbox(centre.gateway(&house, "secret"));
    centre.next().await;
    for (letter, data_coding, rooms) in [("a", 0, [153, 153, 14]), ("я", 8, [67, 67, 14])] {
        let id = house.say(&letter.repeat(rooms.iter().sum())).await;
        let reference = id.0.to_be_bytes()[7];
        for (number, room) in (1..).zip(rooms) {
            let caught = centre.next().await;
            assert_eq!(caught["text"], letter.repeat(room));
            assert_eq!(caught["data_coding"], data_coding);
            assert_eq!(caught["receipt"], u8::from(number == 3), "only the last part asks for one");
            // Without its first octet, the length.
            let udh = caught["udh"].as_str().unwrap().to_owned();
            assert!(udh.ends_with(&format!("0003{reference:02x}03{number:02x}")), "{udh}");
        }
        house.until(id, |sms| sms.state == SmsState::Sent).await;
    }
    outbox.stop().await;
}

#[tokio::test]
async fn a_message_centre_that_throttles_fails_or_hangs_up_loses_nothing() {
    let (house, mut centre) = (House::new().await, Centre::start().await);
    let outbox = house.outbox(centre.gateway(&house, "secret"));
    centre.next().await;
    // ESME_RTHROTTLED, ESME_RSYSERR; then it takes it.
    centre.order(json!({ "statuses": [0x58, 8] })).await;
    let id = house.say("x").await;
    for status in [0x58, 8] {
        assert_eq!(centre.next().await["status"], status);
        let word = format!("{status:#x}");
        house.until(id, |sms| sms.reason.as_ref().is_some_and(|reason| reason.ends_with(&word))).await;
        house.pass(301);
    }
    assert_eq!(centre.next().await["status"], 0);
    assert_eq!(house.until(id, |sms| sms.state == SmsState::Sent).await.attempts, 2);

    // Of a long message every part has to be taken; else all of them are said again.
    for statuses in [[8, 0, 0], [0, 8, 0], [0, 0, 8], [0, 0x58, 0]] {
        centre.order(json!({ "statuses": statuses })).await;
        let id = house.say(&"a".repeat(320)).await;
        for status in statuses {
            assert_eq!(centre.next().await["status"], status);
        }
        let sms = house.until(id, |sms| sms.reason.is_some() || sms.state != SmsState::Queued).await;
        assert_eq!((sms.state, sms.text.len()), (SmsState::Queued, 320), "{statuses:?}");
        house.pass(301);
        for _ in statuses {
            assert_eq!(centre.next().await["status"], 0);
        }
        house.until(id, |sms| sms.state == SmsState::Sent).await;
    }

    // ESME_RINVDSTADR
    centre.order(json!({ "statuses": [0x0b] })).await;
    let id = house.say("x").await;
    assert_eq!(centre.next().await["status"], 0x0b);
    house.until(id, |sms| sms.state == SmsState::Failed).await;

    centre.order(json!({ "close": true })).await;
    assert_eq!(centre.next().await["accepted"], true, "it binds again");
    let id = house.say("again").await;
    assert_eq!(centre.next().await["text"], "again");
    house.until(id, |sms| sms.state == SmsState::Sent).await;
    outbox.stop().await;
}

#[tokio::test]
async fn messages_of_devices_come_in_over_smpp() {
    let (house, mut centre) = (House::new().await, Centre::start().await);
    let _gateway = centre.gateway(&house, "secret");
    centre.next().await;
    for text in ["GPS:1 Sat:8 Lat:54.71 Long:25.30", "я здесь"] {
        let deliver =
            json!({ "source_addr": "+491760000001", "destination_addr": "100", "short_message": text });
        centre.order(json!({ "deliver": deliver })).await;
        assert_eq!(centre.next().await, json!({ "answered": 0 }));
        // It was kept before it was acknowledged.
        let received = &house.catalog.received_sms(1).await.unwrap()[0];
        assert_eq!((&*received.phone, &*received.text), ("491760000001", text));
    }
    // A receipt that names no message; then an intermediate notification, which is for nobody here.
    for (esm_class, answered) in [(4, 0x66), (0x20, 0)] {
        let deliver = json!({ "esm_class": esm_class, "short_message": "stat:DELIVRD" });
        centre.order(json!({ "deliver": deliver })).await;
        assert_eq!(centre.next().await, json!({ "answered": answered }));
    }
    assert_eq!(house.catalog.received_sms(9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_refused_bind_leaves_messages_waiting() {
    let (house, mut centre) = (House::new().await, Centre::start().await);
    let outbox = house.outbox(centre.gateway(&house, "wrong"));
    assert_eq!(centre.next().await["accepted"], false);
    let id = house.say("x").await;
    let sms = house.until(id, |sms| sms.reason.is_some()).await;
    assert_eq!((sms.state, sms.attempts), (SmsState::Queued, 0));
    outbox.stop().await;
}
