//! One command to each of many devices, all of them on the line, and the server killed in the midst of it: what was asked
//! for and answered is executed, and its answer is known.
//!
//! A hundred devices in a test run; `OUTRIDER_SWARM_DEVICES` asks for more.

use crate::support::{Server, Session, now, record};
use protocols::teltonika::{
    Codec,
    encode::{self, Told},
};
use serde_json::{Value, json};
use simulator::Imei;
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
};

const DEVICES: usize = 100;
/// Threads that call the API.
const CALLERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(600);

/// What the devices have done.
#[derive(Default)]
struct Done {
    /// How often, by the text of the command.
    executed: Mutex<HashMap<String, u32>>,
    /// Logins and first records that were answered.
    greeted: AtomicUsize,
}

#[test]
fn one_command_to_each_of_many_devices_survives_a_kill() {
    let devices = std::env::var("OUTRIDER_SWARM_DEVICES").map_or(DEVICES, |devices| devices.parse().unwrap());
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let first: Imei = "352093081452251".parse().unwrap();
    let imeis: Vec<_> = (0..devices as u64).map(|number| first.plus(number).to_string()).collect();
    let trackers: Vec<_> = imeis.iter().map(|imei| anna.register("Van", imei)).collect();

    let done = Arc::new(Done::default());
    let (address, _) = watch::channel(server.teltonika());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut swarm = JoinSet::new();
    for imei in imeis {
        swarm.spawn_on(live(imei, address.subscribe(), Arc::clone(&done)), runtime.handle());
    }
    until(|| done.greeted.load(Ordering::Relaxed) == devices);

    // The text of each command that the server has said it will send.
    let asked = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let began = now();
    let unanswered = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (session, trackers, asked, next) = (&anna, &trackers, &asked, &next);
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let tracker = trackers.get(number)?;
                        let text = format!("setparam 1:{number}");
                        if !send(session, *tracker, &text) {
                            return Some(number);
                        }
                        asked.lock().unwrap().push(text);
                    }
                })
            })
            .collect();
        until(|| done.executed.lock().unwrap().len() * 3 >= devices);
        server.kill();
        callers.into_iter().filter_map(|caller| caller.join().unwrap()).count()
    });
    let asked_before = asked.lock().unwrap().len();
    let before = done.executed.lock().unwrap().len();
    server.restart();
    let session = server.resume(&anna);
    address.send(server.teltonika()).unwrap();
    // Whoever got no answer asks again, in words of its own, and the others have their turn.
    let mut asked = asked.into_inner().unwrap();
    for (number, tracker) in trackers.iter().enumerate() {
        if !asked[..asked_before].contains(&format!("setparam 1:{number}")) {
            let text = format!("setparam 2:{number}");
            assert!(send(&session, *tracker, &text), "the server that was started again takes commands");
            asked.push(text);
        }
    }
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for tracker in &trackers {
        let log = until_over(&session, *tracker);
        for command in log {
            *states.entry(command["state"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let took = now().since(began);

    let executed = done.executed.lock().unwrap();
    let times = |text: &String| executed.get(text).copied().unwrap_or(0);
    let lost = asked.iter().filter(|text| times(text) == 0).count();
    let once = executed.values().filter(|times| **times == 1).count();
    let doubled = executed.values().filter(|times| **times > 1).count();
    eprintln!(
        "{devices} devices: {} commands asked for, {} calls without an answer; {before} of {asked_before} executed when the \
         server was killed; {once} executed once, {doubled} more often, {lost} lost; in the log {states:?}; the last \
         acknowledgement after {:.1} s, kill and start included",
        asked.len(),
        unanswered,
        took.as_secs_f64()
    );
    assert_eq!((asked.len(), lost), (devices, 0));
    assert_eq!(states.keys().collect::<Vec<_>>(), ["acknowledged"]);
    // What is executed twice was done when the server died, and not yet written down.
    assert!(doubled <= before, "{doubled}");
    drop(swarm);
}

/// Whether the server has said that it will send it.
fn send(session: &Session, tracker: i64, text: &str) -> bool {
    let command = json!({ "tracker_id": tracker, "command": text });
    session.try_call("tracker/raw_command/send", command).is_ok_and(|answer| {
        answer.success();
        true
    })
}

/// The commands of a tracker, when nothing is to come of them any more.
fn until_over(session: &Session, tracker: i64) -> Vec<Value> {
    let over = |command: &Value| !["queued", "taken", "sent"].contains(&command["state"].as_str().unwrap());
    let deadline = now().plus(PATIENCE);
    loop {
        let log = session.call("tracker/command/log/list", json!({ "tracker_id": tracker })).success();
        let log = log["list"].as_array().unwrap().clone();
        if log.iter().all(over) {
            return log;
        }
        assert!(now() < deadline, "{log:?}");
    }
}

#[track_caller]
fn until(mut condition: impl FnMut() -> bool) {
    let deadline = now().plus(PATIENCE);
    while !condition() {
        assert!(now() < deadline, "not in time");
        thread::yield_now();
    }
}

/// A device that calls the server whenever that is somewhere else, and does what it is told.
async fn live(imei: String, mut address: watch::Receiver<SocketAddr>, done: Arc<Done>) {
    loop {
        let server = *address.borrow_and_update();
        // The connection is over: the server was killed.
        let _ = converse(&imei, server, &done).await;
        if address.changed().await.is_err() {
            return;
        }
    }
}

async fn converse(imei: &str, server: SocketAddr, done: &Done) -> io::Result<()> {
    let mut line = TcpStream::connect(server).await?;
    line.write_all(&encode::login(imei)).await?;
    line.read_u8().await?;
    line.write_all(&encode::packet(Codec::Codec8Extended, &[record(now())])).await?;
    let mut heard = Vec::new();
    loop {
        match encode::told(&heard).map_err(io::Error::other)? {
            Some((length, told)) => {
                heard.drain(..length);
                match told {
                    Told::Taken(_) => _ = done.greeted.fetch_add(1, Ordering::Relaxed),
                    Told::Command(text) => {
                        *done.executed.lock().unwrap().entry(text).or_default() += 1;
                        line.write_all(&encode::answer("done")).await?;
                    }
                    Told::Other => {}
                }
            }
            None if line.read_buf(&mut heard).await? == 0 => return Ok(()),
            None => {}
        }
    }
}
