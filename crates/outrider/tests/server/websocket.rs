//! The WebSocket: subscriptions to states, what is pushed when, the Atmosphere protocol, ends of sessions.

use crate::support::{Server, Session, USER_PASSWORD};
use domain::Timestamp;
use protocols::teltonika::{Codec, encode};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use tungstenite::{Message, WebSocket, client::IntoClientRequest};

pub const PATH: &str = "/v2/event/subscription";

/// A client of the WebSocket.
pub struct Client(WebSocket<TcpStream>);

impl Client {
    pub fn connect(server: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!("ws://{server}{path}").into_client_request().unwrap();
        let (socket, _) = tungstenite::client(request, stream).unwrap();
        Self(socket)
    }

    fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// Sends a frame with the session's hash.
    pub fn send(&mut self, session: &Session, mut frame: Value) {
        frame["hash"] = json!(session.hash());
        self.send_text(&frame.to_string());
    }

    /// Subscribes and answers with the response.
    pub fn subscribe(&mut self, session: &Session, requests: Value) -> Value {
        self.send(session, json!({ "action": "subscribe", "requests": requests }));
        self.next()
    }

    fn next_text(&mut self) -> String {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn next(&mut self) -> Value {
        let text = self.next_text();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// The next response; passes over events.
    pub fn response(&mut self) -> Value {
        std::iter::from_fn(|| Some(self.next())).find(|message| message["type"] == "response").unwrap()
    }

    /// The data of the next message, which must be this event.
    #[track_caller]
    pub fn event(&mut self, event: &str) -> Value {
        let message = self.next();
        assert_eq!((&message["type"], &message["event"]), (&json!("event"), &json!(event)), "{message}");
        message["data"].clone()
    }

    /// The first `state` for which this is true, and that soon.
    #[track_caller]
    fn state_that(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut passed_over = (0..20).map(|_| self.event("state"));
        passed_over.find(is_it).expect("a state like that")
    }

    /// Passes over states until this event comes.
    fn until(&mut self, event: &str) {
        while self.next()["event"] != event {}
    }

    /// The code of the next message, which must be an error.
    #[track_caller]
    fn error(&mut self) -> i64 {
        let message = self.next();
        assert_eq!(message["type"], json!("error"), "{message}");
        message["status"]["code"].as_i64().unwrap()
    }
}

/// A device that has logged in.
struct Device(TcpStream);

impl Device {
    fn connect(server: &Server, imei: &str) -> Self {
        let mut stream = TcpStream::connect(server.teltonika()).unwrap();
        stream.write_all(&encode::login(imei)).unwrap();
        let mut accepted = [0];
        stream.read_exact(&mut accepted).unwrap();
        assert_eq!(accepted, [1], "{imei} was refused");
        Self(stream)
    }

    /// Sends a record and waits for its acknowledgement.
    fn drive(&mut self, time: Timestamp, lat: f64, speed: u16) {
        self.send(&encode::packet(Codec::Codec8, &[record(time, lat, speed)]));
        let mut accepted = [0; 4];
        self.0.read_exact(&mut accepted).unwrap();
        assert_eq!(u32::from_be_bytes(accepted), 1);
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }
}

fn record(time: Timestamp, lat: f64, speed: u16) -> encode::Record {
    encode::Record {
        time,
        priority: 0,
        lat: (lat * 1e7).round() as i32,
        lng: 253_000_000,
        altitude: 100,
        heading: 90,
        satellites: 12,
        speed,
        event: 0,
        generation: 0,
        parameters: vec![(239, vec![1])],
    }
}

/// The server's time.
fn now(session: &Session) -> Timestamp {
    let call = json!({ "trackers": [], "iso_datetime": true });
    let answer = session.call("tracker/get_states", call).success();
    let time: jiff::Timestamp = answer["user_time"].as_str().unwrap().parse().unwrap();
    Timestamp::from_millis(time.as_millisecond())
}

fn source_of(session: &Session, tracker: i64) -> i64 {
    let answer = session.call("tracker/read", json!({ "tracker_id": tracker })).success();
    answer["value"]["source"]["id"].as_i64().unwrap()
}

#[test]
fn a_subscriber_sees_states_at_once_and_as_they_change() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let tracker = anna.register("Van 1", "356307042441013");
    let foreign = berta.register("Van 2", "356307042441021");
    let mut client = Client::connect(server.http(), PATH);

    let requests = json!([{ "type": "state", "trackers": [tracker, foreign, 999_999] }]);
    assert_eq!(
        client.subscribe(&anna, requests),
        json!({
            "type": "response",
            "action": "subscription/subscribe",
            "events": ["state"],
            "data": { "state": { "success": true, "value": {
                tracker.to_string(): "normal", foreign.to_string(): "unknown", "999999": "unknown",
            } } },
        })
    );
    let state = client.event("state");
    assert_eq!(state["source_id"], json!(source_of(&anna, tracker)));
    assert_eq!(state, anna.state(tracker), "the same object as get_state answers");

    let start = now(&anna);
    let mut device = Device::connect(&server, "356307042441013");
    let mut other = Device::connect(&server, "356307042441021");
    for (seconds, lat, speed, movement) in [(1, 54.7, 40, "moving"), (2, 54.8, 0, "stopped")] {
        let time = start.plus(Duration::from_secs(seconds));
        other.drive(time, lat, speed);
        device.drive(time, lat, speed);
        let state = client.state_that(|state| state["gps"]["location"]["lat"] == json!(lat));
        assert_eq!(state["connection_status"], "active");
        assert_eq!((&state["gps"]["speed"], &state["movement_status"]), (&json!(speed), &json!(movement)));
    }
}

#[test]
fn a_batch_of_all_grows_with_the_fleet() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let first = anna.register("Van 1", "356307042441013");
    let mut client = Client::connect(server.http(), "/event/subscription/");
    let all = json!([{ "type": "state_batch", "target": { "type": "all" }, "rate_limit": "0s", "format": "compact" }]);

    let response = client.subscribe(&anna, all);
    assert_eq!(response["events"], json!(["state_batch"]));
    assert_eq!(response["data"]["state_batch"]["value"], json!({ first.to_string(): "normal" }));
    let states = client.event("state_batch");
    let keys: Vec<_> = states[0].as_object().unwrap().keys().map(String::as_str).collect();
    let compact = [
        "source_id",
        "gps",
        "connection_status",
        "movement_status",
        "movement_status_update",
        "ignition",
        "ignition_update",
        "last_update",
    ];
    assert_eq!(keys, compact);
    assert_eq!(states[0]["source_id"], json!(source_of(&anna, first)));

    let second = anna.register("Van 2", "356307042441021");
    assert_eq!(client.event("state_batch")[0]["source_id"], json!(source_of(&anna, second)));
    let mut device = Device::connect(&server, "356307042441021");
    device.drive(now(&anna), 54.7, 40);
    let mut batches = (0..20).map(|_| client.event("state_batch"));
    let batch = batches.find(|batch| batch[0]["connection_status"] == "active").unwrap();
    assert_eq!(batch[0]["ignition"], json!(true));
}

#[test]
fn who_unsubscribes_hears_no_more() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let (quiet, loud) =
        (anna.register("Van 1", "356307042441013"), anna.register("Van 2", "356307042441021"));
    let mut client = Client::connect(server.http(), PATH);
    // The older form.
    let trackers = json!({ "action": "subscribe", "trackers": [quiet, loud], "events": ["state"] });
    client.send(&anna, trackers);
    client.next();
    for _ in [quiet, loud] {
        client.event("state");
    }
    let request = json!([{ "type": "state", "trackers": [quiet] }]);
    client.send(&anna, json!({ "action": "subscription/unsubscribe", "requests": request }));
    assert_eq!(
        client.next(),
        json!({
            "type": "response",
            "action": "subscription/unsubscribe",
            "events": ["state"],
            "data": { "state": { "success": true, "value": { quiet.to_string(): "normal" } } },
        })
    );
    let time = now(&anna);
    Device::connect(&server, "356307042441013").drive(time, 54.7, 40);
    Device::connect(&server, "356307042441021").drive(time, 54.7, 40);
    assert_eq!(client.event("state")["source_id"], json!(source_of(&anna, loud)));
}

#[test]
fn time_alone_changes_states_too() {
    let server = Server::start_with("[status]\nidle_timeout = \"1s\"\noffline_timeout = \"2s\"\n");
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", "356307042441013");
    let mut client = Client::connect(server.http(), PATH);
    client.subscribe(&anna, json!([{ "type": "state", "trackers": [tracker] }]));
    Device::connect(&server, "356307042441013").drive(now(&anna), 54.7, 40);
    let mut seen = Vec::new();
    while seen.last() != Some(&json!("offline")) {
        let status = client.event("state")["connection_status"].clone();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
    }
    assert!(seen.contains(&json!("active")), "{seen:?}");
}

#[test]
fn a_session_that_ends_is_told() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let stays = server.log_in("anna@example.com");
    let tracker = anna.register("Van 1", "356307042441013");
    let state = json!([{ "type": "state", "trackers": [tracker] }]);
    let mut clients = [&anna, &stays].map(|session| {
        let mut client = Client::connect(server.http(), PATH);
        client.subscribe(session, state.clone());
        client.event("state");
        client
    });

    anna.call("user/logout", json!({})).success();
    let [first, second] = &mut clients;
    assert_eq!(first.event("logout"), json!("session closed"));
    first.send(&anna, json!({ "action": "subscribe", "requests": state }));
    assert_eq!(first.error(), 4);
    // The same connection serves another session.
    first.subscribe(&stays, state);
    first.event("state");

    let mut device = Device::connect(&server, "356307042441013");
    device.drive(now(&stays), 54.7, 40);
    second.state_that(|state| state["connection_status"] == "active");

    let passwords = json!({ "old_password": USER_PASSWORD, "new_password": "another-password" });
    stays.call("user/password/set", passwords).success();
    second.until("logout");
    first.until("logout");
}

#[test]
fn what_is_wrong_with_a_request_is_told() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let mut client = Client::connect(server.http(), PATH);
    let states = json!([{ "type": "state", "trackers": [] }]);
    for (frame, code, action) in [
        ("hello".to_owned(), 5, "null"),
        ("{\"action\":".to_owned(), 5, "null"),
        (json!({ "hash": anna.hash() }).to_string(), 7, "null"),
        (json!({ "action": "dance", "hash": anna.hash() }).to_string(), 112, "dance"),
        (json!({ "action": "subscribe", "requests": states }).to_string(), 7, "subscription/subscribe"),
        (
            json!({ "action": "subscribe", "requests": states, "hash": "0".repeat(32) }).to_string(),
            4,
            "subscription/subscribe",
        ),
        (
            json!({ "action": "unsubscribe", "requests": [{ "type": "x" }], "hash": anna.hash() })
                .to_string(),
            7,
            "subscription/unsubscribe",
        ),
    ] {
        client.send_text(&frame);
        let error = client.next();
        assert_eq!(error["type"], "error", "{frame}");
        assert_eq!((&error["status"]["code"], &error["action"]), (&json!(code), &json!(action)), "{frame}");
        assert!(error["status"]["description"].is_string());
        assert!(!error.to_string().contains(anna.hash()), "{error}");
    }
    let wrong = json!([{ "type": "state_batch", "target": { "type": "all" }, "rate_limit": "soon" }]);
    let error = client.subscribe(&anna, wrong.clone());
    assert_eq!(error["errors"][0]["parameter"], "requests.0.rate_limit");
    assert_eq!(error["data"], json!({ "requests": wrong }));
    // Several kinds may be asked for at once.
    let both = json!([{ "type": "readings_batch", "target": { "type": "all" } }, { "type": "state", "trackers": [] }]);
    let response = client.subscribe(&anna, both);
    assert_eq!(response["events"], json!(["readings_batch", "state"]));
}

#[test]
fn clients_of_atmosphere_are_greeted() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let query = "X-Atmosphere-tracking-id=0&X-Atmosphere-Framework=2.3.6-javascript&X-Atmosphere-Transport=websocket\
                 &Content-Type=application/json&X-atmo-protocol=true";
    let mut client = Client::connect(server.http(), &format!("/api-v2/event/subscription?{query}"));
    let greeting = client.next_text();
    let parts: Vec<_> = greeting.split('|').collect();
    assert_eq!(parts[1..], ["30000", "X", ""]);
    let id: Vec<_> = parts[0].split('-').map(str::len).collect();
    assert_eq!(id, [8, 4, 4, 4, 12], "{greeting}");
    client.send_text("X");
    assert_eq!(client.next_text(), "X");
    client.subscribe(&anna, json!([{ "type": "state", "trackers": [] }]));

    let sized = query.replace("tracking-id=0", "tracking-id=b623a15d&X-Atmosphere-TrackMessageSize=true");
    let mut client = Client::connect(server.http(), &format!("{PATH}?{sized}"));
    assert_eq!(client.next_text(), "17|b623a15d|30000|X|");
    client.send_text("X");
    assert_eq!(client.next_text(), "1|X");
    client.send(&anna, json!({ "action": "subscribe", "requests": [{ "type": "state", "trackers": [5] }] }));
    let response = client.next_text();
    let (length, json) = response.split_once('|').unwrap();
    assert_eq!(length, json.len().to_string());
    assert_eq!(serde_json::from_str::<Value>(json).unwrap()["type"], "response");

    let good_bye = query.replace("Transport=websocket", "Transport=close");
    assert_eq!(server.anyone().get(&format!("{PATH}?{good_bye}"), &[]).status, 200);
}

#[test]
fn dates_are_the_users() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    anna.call("user/settings/update", json!({ "time_zone": "Asia/Kolkata" })).success();
    let tracker = anna.register("Van 1", "356307042441013");
    let requests = json!([{ "type": "state", "trackers": [tracker] }]);
    let mut client = Client::connect(server.http(), PATH);
    for (frame, length, end) in [
        (json!({ "action": "subscribe", "requests": requests }), 19, ""),
        (json!({ "action": "subscribe", "requests": requests, "iso_datetime": true }), 25, "+05:30"),
    ] {
        client.send(&anna, frame);
        client.next();
        let event = client.next();
        let user_time = event["user_time"].as_str().unwrap();
        assert_eq!((user_time.len(), user_time.ends_with(end)), (length, true), "{user_time}");
    }
    anna.call("user/settings/update", json!({ "time_zone": "UTC" })).success();
    let utc = |client: &mut Client| client.next()["user_time"].as_str().unwrap().ends_with("+00:00");
    let mut device = Device::connect(&server, "356307042441013");
    let (start, mut lat) = (now(&anna), 50.0);
    // The change reaches the connection a moment later.
    while {
        device.drive(start, lat, 40);
        !utc(&mut client)
    } {
        lat += 0.001;
    }
}

#[test]
fn only_the_user_api_has_it_and_only_as_a_websocket() {
    let server = Server::start();
    assert_eq!(server.anyone().get(PATH, &[]).code(), 5);
    let stream = TcpStream::connect(server.admin()).unwrap();
    let request = format!("ws://{}{PATH}", server.admin()).into_client_request().unwrap();
    assert!(tungstenite::client(request, stream).is_err());
}

#[test]
fn a_client_that_does_not_read_gets_the_newest_state() {
    let server = Server::start_with("[http]\nrate_limit = 1000000\n");
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", "356307042441013");
    let mut client = Client::connect(server.http(), PATH);
    client.0.get_ref().set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    // Long answers to short requests, until the server has to wait for the client and so takes no more.
    let trackers: Vec<_> = (1_000_000..1_009_999).chain([tracker]).collect();
    let subscribe = json!({ "action": "subscribe", "hash": anna.hash(), "requests": [{ "type": "state", "trackers": trackers }] });
    let subscribe = subscribe.to_string();
    while client.0.send(Message::text(&subscribe)).is_ok() {}

    let (start, steps) = (now(&anna), 100);
    let mut device = Device::connect(&server, "356307042441013");
    let lat = |step: u64| 50.0 + step as f64 / 1000.0;
    for step in 1..=steps {
        device.drive(start.plus(Duration::from_millis(step)), lat(step), 40);
    }
    let (mut last, mut seen) = (Value::Null, Vec::new());
    while last != json!(lat(steps)) {
        let message = client.next();
        last = message["data"]["gps"]["location"]["lat"].clone();
        if last.as_f64().is_some_and(|lat| lat > 50.0) && !seen.contains(&last) {
            seen.push(last.clone());
        }
    }
    assert!(seen.len() < 20, "{} of {steps} were queued", seen.len());
}

#[test]
fn a_message_that_is_too_long_ends_the_connection() {
    let server = Server::start();
    let mut client = Client::connect(server.http(), PATH);
    // The server may close while it is being sent.
    _ = client.0.send(Message::text(" ".repeat((1 << 20) + 1)));
    let ended = (0..3).any(|_| matches!(client.0.read(), Ok(Message::Close(_)) | Err(_)));
    assert!(ended);
}

#[test]
fn a_sub_user_watches_what_is_bound() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let [van, bike] = ["356307042441013", "356307042441021"].map(|imei| anna.register("Van", imei));
    let ben = json!({ "user": { "login": "ben@example.com" }, "password": USER_PASSWORD });
    let ben = anna.call("subuser/register", ben).success()["id"].clone();
    let bind = |action: &str, tracker: i64| {
        anna.call(action, json!({ "subuser_id": ben, "trackers": [tracker] })).success()
    };
    bind("subuser/tracker/bind", van);
    let session = server.log_in("ben@example.com");
    let mut client = Client::connect(server.http(), PATH);
    let state = json!([{ "type": "state", "trackers": [van, bike] }]);
    let standings = client.subscribe(&session, state)["data"]["state"]["value"].clone();
    assert_eq!(standings, json!({ van.to_string(): "normal", bike.to_string(): "unknown" }));
    let source = client.event("state")["source_id"].clone();

    // What is bound comes; soon nothing comes of what is no longer bound.
    bind("subuser/tracker/unbind", van);
    bind("subuser/tracker/bind", bike);
    client.subscribe(&session, json!([{ "type": "state", "trackers": [bike] }]));
    let mut devices = ["356307042441013", "356307042441021"].map(|imei| Device::connect(&server, imei));
    let is_hidden = (0..2000).any(|round| {
        let lat = 54.7 + f64::from(round) / 1000.0;
        for device in &mut devices {
            device.drive(now(&anna), lat, 40);
        }
        let shown = std::iter::from_fn(|| Some(client.event("state")));
        let mut until_bike = shown.take_while(|state| {
            state["source_id"] == source || state["gps"]["location"]["lat"].as_f64().unwrap() < lat - 1e-6
        });
        until_bike.all(|state| state["source_id"] != source)
    });
    assert!(is_hidden);

    anna.call("subuser/delete", json!({ "subuser_id": ben })).success();
    client.until("logout");
}
