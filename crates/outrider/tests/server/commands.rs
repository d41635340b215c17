//! Commands on every road, through the API and real sockets, and what is seen of them before, between and after.

use crate::support::{Server, Session, now, record};
use domain::{Clock, Timestamp};
use protocols::teltonika::{
    Codec,
    encode::{self, Told},
};
use serde_json::{Value, json};
use simulator::{Client, Counts, Habits, Imei, Kind, Network, Report, Reporting, Surroundings, Tcp, Vehicle};
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until there is something to see.
#[track_caller]
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = now().plus(PATIENCE);
    while now() < deadline {
        if let Some(seen) = look() {
            return seen;
        }
        thread::yield_now();
    }
    panic!("nothing of it was seen in time");
}

/// One device of a model, and its tracker.
struct Commanded<'a> {
    session: &'a Session,
    tracker: i64,
    /// Phones get one from the server.
    device_id: String,
}

impl<'a> Commanded<'a> {
    fn register(session: &'a Session, model: &str, device_id: &str) -> Self {
        let tracker = json!({
            "label": model, "group_id": 0, "plugin_id": 44, "model": model, "device_id": device_id,
        });
        let tracker = session.call("tracker/register", tracker).success()["value"].clone();
        let device_id = tracker["source"]["device_id"].as_str().unwrap().to_owned();
        Self { session, tracker: tracker["id"].as_i64().unwrap(), device_id }
    }

    fn send(&self, form: &str, command: &str) {
        let command = json!({ "tracker_id": self.tracker, "command": command, "type": form });
        self.session.call("tracker/raw_command/send", command).success();
    }

    /// State and reply of each command, the newest first.
    fn log(&self) -> Vec<(String, Value)> {
        let log = self.session.call("tracker/command/log/list", json!({ "tracker_id": self.tracker }));
        let log = log.success()["list"].as_array().unwrap().clone();
        log.iter().map(|it| (it["state"].as_str().unwrap().to_owned(), it["reply"].clone())).collect()
    }

    fn waiting(&self) -> Value {
        let count =
            self.session.call("tracker/command/unconfirmed/count", json!({ "tracker_id": self.tracker }));
        count.success()["count"].clone()
    }

    fn first_output(&self) -> Value {
        self.session.state(self.tracker)["outputs"][0].clone()
    }

    fn until_online(&self) {
        until(|| (self.session.state(self.tracker)["connection_status"] == "active").then_some(()));
    }

    fn until_over(&self) -> (String, Value) {
        until(|| {
            self.log()
                .into_iter()
                .next()
                .filter(|(state, _)| !["queued", "taken", "sent"].contains(&&**state))
        })
    }
}

/// A simulated vehicle on the line, which reports every second.
struct OnTheRoad {
    stop: CancellationToken,
    client: JoinHandle<()>,
}

impl OnTheRoad {
    fn start(runtime: &Runtime, address: SocketAddr, protocol: &str, imei: Imei) -> Self {
        struct WallClock;
        impl Clock for WallClock {
            fn now(&self) -> Timestamp {
                now()
            }
        }
        let stop = CancellationToken::new();
        let surroundings = Surroundings {
            dial: Tcp(address),
            clock: Arc::new(WallClock),
            habits: Habits::NONE,
            counts: Counts::default(),
            stop: stop.clone(),
        };
        let first = now();
        let drives = Vehicle::new(7, Kind::ALL[0], Reporting::Every(Duration::from_secs(1)));
        let reports = drives.journey(first).map(|report| Report { network: Network::Heard, ..report });
        let language = simulator::language(protocol).unwrap();
        let client = Client::new(imei, language, reports, 7, Arc::new(surroundings));
        Self { stop, client: runtime.spawn(client.run()) }
    }

    fn leave(self, runtime: &Runtime) {
        self.stop.cancel();
        runtime.block_on(self.client).unwrap();
    }
}

struct Case {
    protocol: &'static str,
    model: &'static str,
    /// Switches the first output on, where the protocol knows one; its form, `text` or `hex`.
    command: (&'static str, &'static str),
    /// Is in the device's answer.
    answer: &'static str,
    shows: Shows,
}

/// How the state tells that it was done.
#[derive(PartialEq)]
enum Shows {
    Output,
    /// A message to the driver leaves no trace.
    Nothing,
}

const SIMULATED: [Case; 6] = [
    Case {
        protocol: "gl200",
        model: "qlgv55lite",
        command: ("text", "AT+GTOUT=gv55lite,1,0,0,0,0,0,,,,,,,,0A0B$"),
        answer: "GTOUT",
        shows: Shows::Output,
    },
    Case {
        protocol: "gt06",
        model: "concoxgt06e",
        command: ("text", "RELAY,1#"),
        answer: "Cut off the fuel supply: Success!",
        shows: Shows::Output,
    },
    Case {
        protocol: "jt808",
        model: "jt808_terminal_imei",
        command: ("hex", "8105f0"),
        answer: "success",
        shows: Shows::Output,
    },
    Case {
        protocol: "meitrack",
        model: "meitrack_t622",
        command: ("text", "C01,0,12222"),
        answer: "C01,OK",
        shows: Shows::Output,
    },
    Case {
        protocol: "teltonika",
        model: "telfmb920",
        command: ("text", "setdigout 1"),
        answer: "DOUT1:1",
        shows: Shows::Output,
    },
    Case {
        protocol: "wialon",
        model: "wialon_ips",
        command: ("text", "Call the office"),
        answer: "1",
        shows: Shows::Nothing,
    },
];

#[test]
fn a_command_reaches_a_simulated_device_of_each_language_and_its_answer_comes_back() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let spoken: Vec<_> = simulator::LANGUAGES.iter().map(|language| language.protocol).collect();
    assert_eq!(SIMULATED.map(|case| case.protocol).to_vec(), spoken, "each language has its row");
    let first: Imei = "352093081452251".parse().unwrap();
    for (number, case) in (0..).zip(SIMULATED) {
        let Case { protocol, model, command: (form, command), answer, shows } = case;
        let imei = first.plus(number);
        let device = Commanded::register(&anna, model, &imei.to_string());
        let address = server.address(&format!("/devices/{protocol}/tcp"));
        // Before: it reports, and nothing was asked of it.
        let vehicle = OnTheRoad::start(&runtime, address, protocol, imei);
        device.until_online();
        assert_eq!((device.log(), device.waiting()), (Vec::new(), json!(0)), "{protocol}");
        vehicle.leave(&runtime);
        // Between: it is away, and the command waits for it.
        device.send(form, command);
        assert_eq!((&*device.log()[0].0, device.waiting()), ("queued", json!(1)), "{protocol}");
        assert_ne!(device.first_output(), true, "{protocol}");
        // After: it has come back, has done it and says so.
        let vehicle = OnTheRoad::start(&runtime, address, protocol, imei);
        let (state, reply) = device.until_over();
        let reply = reply.as_str().unwrap_or_default().to_owned();
        eprintln!("{protocol}: {command:?} is {state}, the device said {reply:?}");
        assert_eq!(state, "acknowledged", "{protocol}");
        assert!(reply.contains(answer), "{protocol}: {reply}");
        assert_eq!(device.waiting(), 0, "{protocol}");
        if shows == Shows::Output {
            until(|| (device.first_output() == true).then_some(()));
        }
        vehicle.leave(&runtime);
    }
}

#[test]
fn a_lock_is_unsealed_by_its_password_and_says_so() {
    const LOCK: &str = "8000620011";
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let lock = Commanded::register(&anna, "jointech_jt701", LOCK);
    let mut line = BufReader::new(TcpStream::connect(server.address("/devices/jt600/tcp")).unwrap());
    line.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    let mut exchange = |said: Option<String>, heard: &str| {
        if let Some(said) = said {
            line.get_mut().write_all(said.as_bytes()).unwrap();
        }
        let mut bytes = Vec::new();
        line.read_until(b')', &mut bytes).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), heard);
    };
    let report = |event: &str, serial: u8| {
        let time = jiff::Timestamp::from_second(now().seconds()).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let time = time.strftime("%d%m%y,%H%M%S");
        Some(format!("({LOCK},P45,{time},52.52000,N,13.40500,E,A,0,0,{event},{serial},5)"))
    };
    let answer = |said: &str| Some(format!("({LOCK},{said})"));
    let is_locked = || anna.state(lock.tracker)["additional"]["lock_state"]["value"].clone();
    let unseal = |settings: Value| {
        let command = json!({
            "name": "electronic_lock_command", "command_code": "unseal", "special_settings": settings,
        });
        let call = json!({ "tracker_id": lock.tracker, "command": command });
        let sent = anna.call("tracker/send_command", call).success();
        assert_eq!(sent["list"][0]["id"], json!(lock.tracker));
    };

    // The rope was put in.
    exchange(report("5,0,0000000000,0,0", 24), "(P69,0,24)");
    lock.until_online();
    assert_eq!(is_locked(), "1");
    unseal(json!({ "type": "jointech_lock_password", "password": "888888", "remember_password": true }));
    exchange(None, "(P43,888888)");
    until(|| (lock.log()[0].0 == "sent").then_some(()));
    assert_eq!((lock.waiting(), is_locked()), (json!(1), json!("1")), "it has not said that it is open");
    // It was opened over the air, and reports so.
    exchange(answer("P43,1,0").zip(report("4,1,0000000000,1,0", 25)).map(|(a, b)| a + &b), "(P69,0,25)");
    assert_eq!(lock.until_over(), ("acknowledged".to_owned(), json!("P43,1,0")));
    assert_eq!(is_locked(), "0");

    // The password was to be remembered; this time the lock refuses it.
    unseal(Value::Null);
    exchange(None, "(P43,888888)");
    exchange(answer("P43,0,1").zip(report("4,0,0000000000,0,3", 26)).map(|(a, b)| a + &b), "(P69,0,26)");
    assert_eq!(lock.until_over(), ("failed".to_owned(), json!("P43,0,1")));
}

/// Sends a request of an HTTP device; the type and the body of the answer.
fn post(address: SocketAddr, target: &str, body: &str) -> (Option<String>, String) {
    let mut answer = ureq::post(format!("http://{address}{target}")).send(body).unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers().get("content-type").map(|it| it.to_str().unwrap().to_owned());
    (kind, answer.body_mut().read_to_string().unwrap())
}

#[test]
fn an_answer_to_a_phone_carries_its_command() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let seconds = || now().seconds();
    let owntracks = |device: &str| {
        let body =
            json!({ "_type": "location", "lat": 52.5, "lon": 13.4, "tst": seconds() - 120 }).to_string();
        post(server.address("/devices/owntracks/tcp"), &format!("/pub?u=a&d={device}"), &body)
    };
    let osmand = |device: &str| {
        let target = format!("/?id={device}&lat=52.5&lon=13.4&timestamp={}", seconds());
        post(server.address("/devices/osmand/tcp"), &target, "")
    };
    let json_type = Some("application/json".to_owned());
    let report = r#"{"_type":"cmd","action":"reportLocation"}"#;
    let dump = r#"{"_type":"cmd","action":"dump"}"#;
    let waypoints =
        r#"{"_type":"cmd","action":"setWaypoints","waypoints":{"_type":"waypoints","waypoints":[]}}"#;

    let phone = Commanded::register(&anna, "owntracks_app", "any");
    assert_eq!(owntracks(&phone.device_id), (json_type.clone(), "[]".to_owned()));
    let ask = json!({ "tracker_id": phone.tracker, "type": "gprs" });
    anna.call("tracker/location_request", ask).success();
    assert_eq!(owntracks(&phone.device_id), (json_type.clone(), format!("[{report}]")));
    for (said, carried) in [("reportLocation", report), ("dump", dump), (waypoints, waypoints)] {
        phone.send("text", said);
        assert_eq!((&*phone.log()[0].0, phone.waiting()), ("queued", json!(1)), "{said}");
        let (kind, body) = owntracks(&phone.device_id);
        assert_eq!(kind, json_type, "{said}");
        let expected: Value = serde_json::from_str(&format!("[{carried}]")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected, "{said}");
        assert_eq!((phone.until_over().0, phone.waiting()), ("acknowledged".to_owned(), json!(0)), "{said}");
        assert_eq!(owntracks(&phone.device_id).1, "[]", "{said} is told once");
    }
    // What its application can never understand fails, and says nothing.
    phone.send("text", "two words");
    assert_eq!(owntracks(&phone.device_id).1, "[]");
    assert_eq!(phone.until_over().0, "failed");

    let tracker = Commanded::register(&anna, "traccar_client", "any");
    assert_eq!(osmand(&tracker.device_id), (None, String::new()));
    for (form, said, kind, carried) in [
        ("text", "positionSingle", "text/plain; charset=utf-8", "positionSingle"),
        ("text", r#"{"stop":true}"#, "application/json", r#"{"stop":true}"#),
        ("hex", "6f6b", "text/plain; charset=utf-8", "ok"),
    ] {
        tracker.send(form, said);
        assert_eq!(osmand(&tracker.device_id), (Some(kind.to_owned()), carried.to_owned()), "{said}");
        assert_eq!(tracker.until_over().0, "acknowledged", "{said}");
        assert_eq!(osmand(&tracker.device_id), (None, String::new()), "{said} is told once");
    }
    // Two that wait go with two answers, the first one first.
    for said in ["first", "second"] {
        tracker.send("text", said);
    }
    assert_eq!([osmand(&tracker.device_id).1, osmand(&tracker.device_id).1], ["first", "second"]);
}

#[test]
fn a_device_that_sends_datagrams_is_told_where_it_is() {
    const IMEI: &str = "863457051111111";
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let device = Commanded::register(&anna, "meitrack_t622", IMEI);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address("/devices/meitrack/udp")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let packet = |identifier: char, text: &str| {
        let text = format!(",{IMEI},{text}*");
        let packet = format!("$${identifier}{}{text}", text.len() + 4);
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        format!("{packet}{sum:02X}\r\n")
    };
    let time = jiff::Timestamp::from_second(now().seconds()).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let position = format!(
        "AAA,35,52.520000,13.405000,{},A,9,25,64,304,1.0,12,1234,5678,262|2|2866|10a1,0000,0000|0000|0000|018C|04D6,",
        time.strftime("%y%m%d%H%M%S")
    );
    let hear = || {
        let mut bytes = [0; 2000];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    // What waited comes behind the first datagram.
    device.send("text", "C01,0,12222");
    socket.send(packet('A', &position).as_bytes()).unwrap();
    let heard = hear();
    assert!(heard.starts_with("@@") && heard.contains(&format!(",{IMEI},C01,0,12222*")), "{heard}");
    until(|| (device.log()[0].0 == "sent").then_some(()));
    // Its answer says by the packet's identifier to which command.
    let identifier = heard.chars().nth(2).unwrap();
    socket.send(packet(identifier, "C01,OK").as_bytes()).unwrap();
    assert_eq!(device.until_over(), ("acknowledged".to_owned(), json!("C01,OK")));
    // The next one goes at once to where the last datagram came from.
    device.send("text", "A10");
    let heard = hear();
    assert!(heard.contains(&format!(",{IMEI},A10*")), "{heard}");
}

#[test]
fn a_teltonika_device_is_told_in_a_datagram_and_answers_in_one() {
    const IMEI: &str = "356307042441013";
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let device = Commanded::register(&anna, "telfmb920", IMEI);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address("/devices/teltonika/udp")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // A packet's number, a byte 1, the number of the data, who sends it; then the data of a codec.
    let send = |codec: u8, body: &[u8]| {
        let packet = [&[0xCA, 0xFE, 1, 5, 0, 15][..], IMEI.as_bytes(), &[codec], body].concat();
        let length = (packet.len() as u16).to_be_bytes();
        socket.send(&[&length[..], &packet].concat()).unwrap();
    };
    let hear = || {
        let mut bytes = [0; 2000];
        let length = socket.recv(&mut bytes).unwrap();
        bytes[..length].to_vec()
    };
    let one = [&[1][..], &encode::record(Codec::Codec8, &record(now())), &[1]].concat();
    send(Codec::Codec8.number(), &one);
    assert_eq!(hear(), [0, 5, 0xCA, 0xFE, 1, 5, 1]);
    assert_eq!((device.log(), device.waiting()), (Vec::new(), json!(0)));
    device.send("text", "getinfo");
    let heard = hear();
    assert_eq!(encode::told(&heard), Ok(Some((heard.len(), Told::Command("getinfo".to_owned())))));
    until(|| (device.log()[0].0 == "sent").then_some(()));
    let said = b"INI:2025/11/25 8:15 RTC:2025/11/25 8:15 RST:1";
    let answer = [&[1, 6, 0, 0, 0, said.len() as u8][..], said, &[1]].concat();
    send(0x0C, &answer);
    let said = String::from_utf8_lossy(said);
    assert_eq!(device.until_over(), ("acknowledged".to_owned(), json!(said)));
}
