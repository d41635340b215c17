//! Commands on their way: the real catalog keeps them, toy devices are told.

use crate::{
    end_to_end::{World, owner},
    site::{
        Device, NOW, PATIENCE, Sender, TestClock, TestJournal, TestRoster, config, of_protocol, registered,
    },
};
use domain::{Command, CommandFailure, CommandId, CommandState, Record, Reliability, SourceId};
use gateway::Gateway;
use std::{sync::Arc, time::Duration};
use store::{
    catalog::{Catalog, Location, NewCommand, Took},
    signals::{Signal, Signals},
};
use tempfile::TempDir;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);
/// The device `a`.
const A: SourceId = SourceId(1);

struct Post {
    gateway: Gateway,
    catalog: Catalog,
    journal: Arc<TestJournal>,
    signals: Signals,
    clock: Arc<TestClock>,
    _folder: TempDir,
}

impl Post {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
        let (account, _) = catalog.create_user(&owner()).await.unwrap();
        assert_eq!(World::register_in(&catalog, account, "a").await, A);
        let (journal, roster) = (Arc::new(TestJournal::default()), Arc::new(TestRoster::default()));
        roster.register("a", registered(A.0));
        roster.register("w", of_protocol(A.0, "web"));
        roster.register("b", registered(A.0 + 1));
        let (signals, clock) = (Signals::default(), Arc::new(TestClock::default()));
        let queue = Arc::new(catalog.clone());
        let gateway =
            Gateway::start(config(), journal.clone(), roster, queue, &signals, clock.clone()).unwrap();
        Self { gateway, catalog, journal, signals, clock, _folder: folder }
    }

    async fn ask(&self, command: Command, reliability: Reliability) -> CommandId {
        let expires = NOW.plus(SECOND * 600);
        let new =
            NewCommand { source: A, tracker: None, user: None, command, reliability, asked: NOW, expires };
        let id = self.catalog.enqueue_command(&new).await.unwrap();
        self.wake();
        id
    }

    async fn ask_text(&self, text: &str) -> CommandId {
        self.ask(Command::Text(text.to_owned()), Reliability::Repeated).await
    }

    fn wake(&self) {
        self.signals.publish(Signal::CommandWaits(A));
    }

    async fn state(&self, id: CommandId) -> CommandState {
        self.catalog.command(id, NOW).await.unwrap().unwrap().life.state
    }

    async fn until(&self, id: CommandId, expected: impl Fn(CommandState) -> bool) {
        let reached = async { while !expected(self.state(id).await) {} };
        timeout(PATIENCE, reached).await.expect("in time");
    }

    async fn until_sent(&self, id: CommandId) {
        self.until(id, |state| matches!(state, CommandState::Sent { .. })).await;
    }

    async fn until_acknowledged(&self, id: CommandId) {
        self.until(id, |state| state == CommandState::Acknowledged).await;
    }

    async fn login(&self) -> Device {
        let mut device = Device::connect(self.gateway.bound().tcp["toy"], '$').await;
        device.say("La").await;
        assert_eq!(device.hear().await.unwrap(), "ok");
        device
    }

    /// A connection over which the device hears nothing but answers.
    async fn caller(&self) -> Device {
        let mut device = Device::connect(self.gateway.bound().tcp["web"], '~').await;
        device.say("Lw").await;
        assert_eq!(device.hear().await.unwrap(), "ok");
        device
    }

    /// A device that has said something.
    async fn speaking(&self) -> Device {
        let mut device = self.login().await;
        device.say("H").await;
        assert_eq!(device.hear().await.unwrap(), "h");
        device
    }

    /// Nothing is on its way to the device: what it asks for is the next that it hears.
    async fn hears_nothing(&self, device: &mut Device) {
        device.say("D99,-").await;
        assert_eq!(device.hear().await.unwrap(), "A99");
    }
}

/// The body of a line.
fn body(line: Option<String>) -> String {
    let line = line.unwrap();
    line[1..].rsplit_once('*').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_command_follows_the_first_record_and_is_answered() {
    let post = Post::new().await;
    let id = post.ask_text("open").await;
    let mut device = post.login().await;
    assert_eq!(post.state(id).await, CommandState::Queued, "the device has not spoken yet");
    device.say("D1,-").await;
    assert_eq!(device.hear().await.unwrap(), "A1");
    assert_eq!(body(device.hear().await), "Copen");
    post.until_sent(id).await;
    device.say("Zopened").await;
    post.until_acknowledged(id).await;
    let command = post.catalog.command(id, NOW).await.unwrap().unwrap();
    assert_eq!((command.life.reply.as_deref(), command.life.attempts), (Some("opened"), 1));
    post.journal
        .until(|pages| {
            pages.durable.iter().any(|record| {
                matches!(record, Record::Reply(reply) if reply.command == Some(id) && *reply.bytes == *b"opened")
            })
        })
        .await;
}

#[tokio::test]
async fn an_open_session_is_woken_and_tells_one_command_after_the_other() {
    let post = Post::new().await;
    let mut device = post.speaking().await;
    let first = post.ask_text("1").await;
    let second = post.ask_text("2").await;
    assert_eq!(body(device.hear().await), "C1");
    post.until_sent(first).await;
    post.wake();
    post.hears_nothing(&mut device).await;
    assert_eq!(post.state(second).await, CommandState::Queued);
    device.say("Zdone").await;
    assert_eq!(body(device.hear().await), "C2");
    assert_eq!(post.state(first).await, CommandState::Acknowledged);
    device.say("Zdone").await;
    post.until_acknowledged(second).await;
}

#[tokio::test]
async fn signals_that_were_lost_wake_everybody() {
    let post = Post::new().await;
    let mut device = post.speaking().await;
    let new = NewCommand {
        source: A,
        tracker: None,
        user: None,
        command: Command::Text("x".into()),
        reliability: Reliability::Once,
        asked: NOW,
        expires: NOW.plus(SECOND),
    };
    post.catalog.enqueue_command(&new).await.unwrap();
    // More than a subscription holds.
    for account in 0..5000 {
        post.signals.publish(Signal::AccountChanged(domain::AccountId(account)));
    }
    assert_eq!(body(device.hear().await), "Cx");
}

#[tokio::test]
async fn nothing_is_sent_after_it_has_expired() {
    let post = Post::new().await;
    let (first, second) = (post.ask_text("1").await, post.ask_text("2").await);
    let mut device = post.speaking().await;
    assert_eq!(body(device.hear().await), "C1");
    post.until_sent(first).await;
    // The first answer takes so long that the second command has expired behind it.
    post.clock.advance(SECOND * 600);
    device.say("Zlate").await;
    post.until_acknowledged(first).await;
    post.hears_nothing(&mut device).await;
    post.until(second, |state| state == CommandState::Expired).await;

    drop(device);
    let third = post.ask_text("3").await;
    let mut device = post.speaking().await;
    post.hears_nothing(&mut device).await;
    assert_eq!(post.catalog.take_command(A, NOW).await.unwrap(), Took::Nothing);
    post.until(third, |state| state == CommandState::Expired).await;
}

#[tokio::test]
async fn what_is_repeated_is_sent_again_over_the_next_connection() {
    let post = Post::new().await;
    let id = post.ask_text("1").await;
    for attempt in 1..=3 {
        let mut device = post.speaking().await;
        assert_eq!(body(device.hear().await), "C1");
        post.until_sent(id).await;
        assert_eq!(post.catalog.command(id, NOW).await.unwrap().unwrap().life.attempts, attempt);
    }
    let mut device = post.speaking().await;
    assert_eq!(body(device.hear().await), "C1");
    device.say("Zyes").await;
    post.until_acknowledged(id).await;
}

#[tokio::test]
async fn what_is_sent_once_is_not_and_its_answer_may_come_over_the_next_connection() {
    let post = Post::new().await;
    let id = post.ask(Command::Text("1".into()), Reliability::Once).await;
    let mut device = post.speaking().await;
    assert_eq!(body(device.hear().await), "C1");
    post.until_sent(id).await;
    drop(device);
    let mut device = post.speaking().await;
    post.hears_nothing(&mut device).await;
    device.say("Zyes").await;
    post.until_acknowledged(id).await;
}

#[tokio::test]
async fn a_device_that_does_not_answer_is_told_again() {
    let post = Post::new().await;
    let id = post.ask_text("1").await;
    let mut device = post.speaking().await;
    assert_eq!(body(device.hear().await), "C1");
    post.until_sent(id).await;
    post.clock.advance(SECOND * 60);
    post.wake();
    assert_eq!(body(device.hear().await), "C1");

    let once = post.ask(Command::Text("2".into()), Reliability::Once).await;
    device.say("Zyes").await;
    assert_eq!(body(device.hear().await), "C2");
    post.until_sent(once).await;
    post.clock.advance(SECOND * 60);
    post.wake();
    post.hears_nothing(&mut device).await;
    post.until(once, |state| state == CommandState::Failed(CommandFailure::NoReply)).await;
}

#[tokio::test]
async fn what_a_protocol_cannot_say_fails_and_the_next_one_goes() {
    let post = Post::new().await;
    let never = post.ask(Command::Immobilize(true), Reliability::Repeated).await;
    let told = post.ask(Command::Locate, Reliability::Repeated).await;
    let mut device = post.speaking().await;
    assert_eq!(body(device.hear().await), "W");
    post.until_acknowledged(told).await;
    assert_eq!(post.state(never).await, CommandState::Failed(CommandFailure::Unsupported));
}

#[tokio::test]
async fn a_command_whose_holder_died_is_sent() {
    let post = Post::new().await;
    let id = post.ask_text("1").await;
    // As the process before this one had it: before or after it sent it, but before it wrote that down.
    assert!(matches!(post.catalog.take_command(A, NOW).await.unwrap(), Took::Command(_)));
    let mut device = post.speaking().await;
    assert_eq!(body(device.hear().await), "C1");
    device.say("Zyes").await;
    post.until_acknowledged(id).await;
}

#[tokio::test]
async fn a_datagram_fetches_a_command_and_shows_where_the_next_ones_go() {
    let post = Post::new().await;
    let first = post.ask_text("1").await;
    let device = Sender::to(post.gateway.bound().udp["toy"]).await;
    device.say(&["La", "D1,-"]).await;
    assert_eq!(device.hear().await, "ok");
    assert_eq!(device.hear().await, "A1");
    assert_eq!(body(Some(device.hear().await)), "C1");
    post.until_sent(first).await;
    device.say(&["La", "Zyes"]).await;
    assert_eq!(device.hear().await, "ok");
    post.until_acknowledged(first).await;

    let second = post.ask_text("2").await;
    assert_eq!(body(Some(device.hear().await)), "C2");
    post.until_sent(second).await;
}

#[tokio::test]
async fn an_answer_over_http_carries_a_command() {
    let post = Post::new().await;
    let mut device = post.caller().await;
    let ids = [post.ask(Command::Locate, Reliability::Repeated).await, post.ask_text("1").await];
    // Nothing comes unasked.
    device.say("H").await;
    assert_eq!(device.hear().await.unwrap(), "h");
    device.say("D1,-").await;
    assert_eq!(device.hear().await.unwrap(), "A1".to_owned() + toy_line("W").trim_end());
    post.until_acknowledged(ids[0]).await;
    // The next one goes over another connection, and is answered over a third.
    let mut next = post.caller().await;
    next.say("D2,-").await;
    assert_eq!(next.hear().await.unwrap(), "A2".to_owned() + toy_line("C1").trim_end());
    post.until_sent(ids[1]).await;
    for serial in [3, 4] {
        device.say(&format!("D{serial},-")).await;
        assert_eq!(device.hear().await.unwrap(), format!("A{serial}"), "one at a time");
    }
    let mut third = post.caller().await;
    third.say("Zdone").await;
    post.until_acknowledged(ids[1]).await;
    for id in ids {
        assert_eq!(post.catalog.command(id, NOW).await.unwrap().unwrap().life.attempts, 1);
    }
}

#[tokio::test]
async fn of_many_requests_at_once_one_carries_the_command() {
    let post = Post::new().await;
    let mut devices = Vec::new();
    for _ in 0..8 {
        devices.push(post.caller().await);
    }
    let id = post.ask(Command::Locate, Reliability::Once).await;
    for device in &mut devices {
        device.say("D1,-").await;
    }
    let mut carried = 0;
    for device in &mut devices {
        carried += usize::from(device.hear().await.unwrap() != "A1");
    }
    assert_eq!(carried, 1);
    post.until_acknowledged(id).await;
}

#[tokio::test]
async fn no_answer_carries_what_has_expired_while_the_journal_wrote() {
    let post = Post::new().await;
    let mut device = post.caller().await;
    let id = post.ask(Command::Locate, Reliability::Repeated).await;
    post.journal.hold();
    device.say("D1,-").await;
    post.journal.until(|pages| pages.waiting.len() == 1).await;
    post.clock.advance(SECOND * 600);
    post.journal.release();
    assert_eq!(device.hear().await.unwrap(), "A1");
    post.until(id, |state| state == CommandState::Expired).await;
}

#[tokio::test]
async fn what_is_not_durable_carries_nothing() {
    let post = Post::new().await;
    let mut device = post.caller().await;
    let id = post.ask(Command::Locate, Reliability::Once).await;
    post.journal.fill_disk();
    device.say("D1,-").await;
    assert_eq!(device.hear().await, None);
    assert_eq!(post.state(id).await, CommandState::Queued);
}

/// As `toy` writes a command.
fn toy_line(body: &str) -> String {
    crate::toy::line('$', body)
}

#[tokio::test]
async fn a_command_goes_to_the_connection_that_the_device_spoke_over_last() {
    let post = Post::new().await;
    let mut relay = Device::connect(post.gateway.bound().tcp["toy"], '$').await;
    for (said, expected) in [("R1,a", "ok 1"), ("R2,b", "ok 2"), ("M1,1", "A1"), ("M2,2", "A2")] {
        relay.say(said).await;
        assert_eq!(relay.hear().await.unwrap(), expected);
    }
    let mut own = post.speaking().await;
    assert_eq!(relay.hear().await.unwrap(), "no 1");
    let id = post.ask_text("open").await;
    assert_eq!(body(own.hear().await), "Copen");
    post.until_sent(id).await;
    relay.say("M2,3").await;
    assert_eq!(relay.hear().await.unwrap(), "A3", "and nothing else");
}
