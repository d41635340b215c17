//! Datagrams: acknowledged when durable and only to whom is known, in order, and dropped when too many wait.

use crate::site::{NOW, PATIENCE, Sender, Site, registered, until};
use domain::{ContactKind, SourceId, Transport};
use gateway::{Limits, Registered};
use protocols::hex;
use std::time::Duration;
use tokio::time::advance;

fn site(limits: Limits) -> Site {
    Site::where_registered(&["a", "b"], limits)
}

/// What is on the way to the gateway's socket has been seen.
async fn all_received() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_datagram_is_acknowledged_when_it_is_durable() {
    let site = site(Limits::default());
    site.journal.hold();
    let device = site.sender().await;
    device.say(&["La", "D7,1800000000"]).await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    assert_eq!(device.hear().await, "ok", "this one waits for nothing");
    assert!(device.has_heard_nothing());
    site.journal.release();
    assert_eq!(device.hear().await, "A7");
    assert_eq!(site.journal.serials(1), [7]);
    assert_eq!(site.journal.telemetry()[0].received, NOW);
    assert_eq!(site.journal.contacts(1), [ContactKind::Login(Transport::Udp)]);
}

#[tokio::test]
async fn a_journal_that_cannot_write_acknowledges_nothing() {
    let site = site(Limits::default());
    site.journal.fill_disk();
    let (device, other) = (site.sender().await, site.sender().await);
    device.say(&["La", "D7,-"]).await;
    assert_eq!(device.hear().await, "ok");
    other.say(&["Lb", "H"]).await;
    assert_eq!(other.hear().await, "ok\nh");
    assert!(device.has_heard_nothing());
}

#[tokio::test]
async fn who_may_not_speak_gets_no_answer_and_is_remembered() {
    let site = site(Limits::default());
    site.roster.register("blocked", Registered { blocked: true, ..registered(3) });
    let device = site.sender().await;
    device.say(&["Lstranger", "D1,-"]).await;
    device.say(&["Lblocked", "D2,-"]).await;
    // Not a device's at all, a wrong checksum, several lines without a login.
    device.0.send(b"\0").await.unwrap();
    device.0.send(b"$La*00\n").await.unwrap();
    device.say(&["D3,-", "D4,-"]).await;
    device.say(&["La", "D5,-"]).await;
    assert_eq!(device.hear().await, "ok");
    assert_eq!(device.hear().await, "A5");
    assert!(site.journal.durable().iter().all(|record| record.source().is_some_and(|it| it.0 == 1)));
    assert_eq!(site.journal.serials(1), [5]);
    let mut refused = site.refused();
    refused.sort();
    assert_eq!(refused, [("blocked".to_owned(), "blocked", 1), ("stranger".to_owned(), "unknown_device", 1)]);
}

#[tokio::test]
async fn who_was_here_lately_costs_the_any_port_no_question() {
    let site = site(Limits::default());
    let device = Sender::to(site.gateway.bound().any.unwrap()).await;
    device.say(&["La", "H"]).await;
    assert_eq!(device.hear().await, "ok\nh");
    site.roster.hold();
    device.say(&["La", "H"]).await;
    assert_eq!(device.hear().await, "ok\nh");
}

#[tokio::test]
async fn a_reply_is_short_or_no_longer_than_the_datagram() {
    let site = site(Limits::default());
    let device = site.sender().await;
    // With `ok` before them, one byte more than the bound and as many as it allows.
    device.say(&["La", "E62"]).await;
    device.say(&["La", "E61"]).await;
    assert_eq!(device.hear().await, format!("ok\n{}", "e".repeat(61)));
    // The datagram itself is longer than that.
    device.say(&["La", "E62", &format!("D1,-,{}", "x".repeat(100))]).await;
    assert_eq!(device.hear().await, format!("ok\n{}", "e".repeat(62)));
    assert_eq!(device.hear().await, "A1");
}

#[tokio::test]
async fn a_sign_of_life_that_is_shorter_than_its_answer_is_answered() {
    let site = Site::of_real_protocols(Limits::default());
    site.roster.register("013800001234", crate::site::of_protocol(1, "jt808"));
    let terminal = Sender::to(site.gateway.bound().udp["jt808"]).await;
    for (said, answer) in [
        // Heartbeat and question for the time, general answer and 2027-01-15 08:00:00.
        ("7e0002000001380000123400031e7e", "7e8001000501380000123400030003000200997e"),
        ("7e0004000001380000123400071c7e", "7e800400060138000012340007270115080000a17e"),
        ("7e0003000001380000123400061a7e", "7e8001000501380000123400060006000300987e"),
    ] {
        terminal.0.send(&hex::parse(said).unwrap()).await.unwrap();
        assert_eq!(hex::lower(&terminal.hear_bytes().await), answer, "{said}");
    }
}

#[tokio::test]
async fn a_fault_of_the_decoder_ends_one_datagram() {
    let site = site(Limits::default());
    let device = site.sender().await;
    device.say(&["La", "P"]).await;
    device.say(&["La", "D1,-"]).await;
    loop {
        // Those behind the fault may have gone with it; the device sends them again.
        if tokio::time::timeout(Duration::from_millis(200), device.hear()).await.is_ok_and(|it| it == "A1") {
            break;
        }
        device.say(&["La", "D1,-"]).await;
    }
}

#[tokio::test]
async fn datagrams_of_one_device_keep_their_order_and_others_do_not_wait() {
    let site = site(Limits::default());
    site.journal.hold();
    let (a, b) = (site.sender().await, site.sender().await);
    for serial in 0..20 {
        a.say(&["La", &format!("D{serial},-")]).await;
    }
    b.say(&["Lb", "D100,-"]).await;
    site.journal.until(|pages| pages.waiting.len() == 2).await;
    site.journal.release();
    for serial in 0..20 {
        assert_eq!(a.hear().await, "ok");
        assert_eq!(a.hear().await, format!("A{serial}"));
    }
    assert_eq!(site.journal.serials(1), (0..20).collect::<Vec<_>>());
    assert_eq!(site.journal.serials(2), [100]);
}

#[tokio::test]
async fn nobody_is_here_after_the_end() {
    for in_order in [true, false] {
        let site = site(Limits::default());
        let presence = site.gateway.presence();
        let device = site.sender().await;
        device.say(&["La", "H"]).await;
        assert_eq!(device.hear().await, "ok\nh");
        assert!(presence.is_here(SourceId(1)));
        if in_order {
            site.gateway.stop(PATIENCE).await;
        } else {
            drop(site.gateway);
        }
        assert!(!presence.is_here(SourceId(1)), "in order: {in_order}");
    }
}

#[tokio::test]
async fn an_admission_ends_when_it_is_not_true_any_longer() {
    let site = site(Limits::default());
    let device = site.sender().await;
    let speak = async |expected: &[&str]| {
        device.say(&["La", "D1,-"]).await;
        for expected in expected {
            assert_eq!(device.hear().await, *expected);
        }
    };
    speak(&["ok", "A1"]).await;
    site.change("a", |registered| registered.blocked = true);
    // It is forgotten when the signal has been heard.
    let mut kept = 1;
    loop {
        device.say(&["La", "D1,-"]).await;
        tokio::task::yield_now().await;
        if !site.refused().is_empty() {
            break;
        }
        kept = kept.max(site.journal.serials(1).len());
        assert!(kept < 10_000, "the signal was not heard");
    }
    let before = site.journal.serials(1).len();
    device.say(&["La", "D2,-"]).await;
    until(|| site.refused()[0].2 >= 2).await;
    assert_eq!(site.journal.serials(1).len(), before);
}

#[tokio::test]
async fn the_any_port_knows_a_datagram_by_its_login() {
    let site = site(Limits::default());
    let device = Sender::to(site.gateway.bound().any.unwrap()).await;
    device.say(&["La", "D1,-"]).await;
    assert_eq!(device.hear().await, "ok");
    assert_eq!(device.hear().await, "A1");
}

#[tokio::test]
async fn each_port_reads_its_own_datagrams_of_one_address() {
    let site = site(Limits::default());
    let bound = site.gateway.bound();
    let (toy, any) = (bound.udp["toy"], bound.any.unwrap());
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let say = async |to, bodies: [&str; 2]| {
        let lines = bodies.map(|body| crate::toy::line('$', body)).concat();
        socket.send_to(lines.as_bytes(), to).await.unwrap();
        let mut answer = [0; 100];
        let received = tokio::time::timeout(PATIENCE, socket.recv_from(&mut answer)).await;
        let (length, from) = received.expect("an answer in time").unwrap();
        (String::from_utf8_lossy(&answer[..length]).into_owned(), from)
    };
    site.journal.hold();
    assert_eq!(say(toy, ["La", "D1,-"]).await, ("ok\n".to_owned(), toy));
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    assert_eq!(say(any, ["Lb", "H"]).await, ("ok\nh\n".to_owned(), any), "it does not wait behind the other");
}

#[tokio::test]
async fn datagrams() {
    let site = site(Limits { datagrams: 2, ..Limits::default() });
    site.journal.hold();
    let (a, b) = (site.sender().await, site.sender().await);
    a.say(&["La", "D1,-"]).await;
    b.say(&["Lb", "D1,-"]).await;
    site.journal.until(|pages| pages.waiting.len() == 2).await;
    let late = site.sender().await;
    for _ in 0..10 {
        late.say(&["La", "H"]).await;
    }
    a.say(&["La", "D2,-"]).await;
    all_received().await;
    site.journal.release();
    for device in [&a, &b] {
        assert_eq!(device.hear().await, "ok");
        assert_eq!(device.hear().await, "A1");
    }
    late.say(&["La", "D3,-"]).await;
    assert_eq!(late.hear().await, "ok");
    assert_eq!(late.hear().await, "A3");
    assert_eq!(site.journal.serials(1), [1, 3], "what found no place was never answered");
}

#[tokio::test]
async fn datagrams_per_address() {
    let site = site(Limits { datagrams_per_address: 2, ..Limits::default() });
    site.journal.hold();
    let (a, b) = (site.sender().await, site.sender().await);
    a.say(&["La", "D1,-"]).await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    for serial in 2..10 {
        a.say(&["La", &format!("D{serial},-")]).await;
    }
    b.say(&["Lb", "D1,-"]).await;
    site.journal.until(|pages| pages.waiting.len() == 2).await;
    all_received().await;
    site.journal.release();
    for heard in ["ok", "A1", "ok", "A2"] {
        assert_eq!(a.hear().await, heard);
    }
    assert_eq!(b.hear().await, "ok");
    assert_eq!(b.hear().await, "A1");
    assert_eq!(site.journal.serials(1), [1, 2]);
}

#[tokio::test]
async fn datagram_devices() {
    let site = site(Limits { datagram_devices: 1, ..Limits::default() });
    let mut asked = site.roster.asked.subscribe();
    let mut questions = async |device: &str| {
        let sender = site.sender().await;
        asked.borrow_and_update();
        sender.say(&[&format!("L{device}"), "H"]).await;
        assert_eq!(sender.hear().await, "ok\nh");
        asked.has_changed().unwrap()
    };
    assert!(questions("a").await);
    assert!(!questions("a").await);
    assert!(questions("b").await);
    assert!(questions("b").await, "asked about each time");
}

#[tokio::test(start_paused = true)]
async fn datagram_reach() {
    let site = site(Limits { datagram_reach: Duration::from_secs(60), ..Limits::default() });
    let device = site.sender().await;
    let mut asked = site.roster.asked.subscribe();
    let mut questions = async || {
        asked.borrow_and_update();
        device.say(&["La", "H"]).await;
        assert_eq!(device.hear().await, "ok\nh");
        asked.has_changed().unwrap()
    };
    assert!(questions().await);
    assert!(!questions().await);
    assert!(PATIENCE >= Duration::from_secs(60));
    advance(Duration::from_secs(125)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(questions().await, "forgotten");
}

#[tokio::test]
async fn datagrams_of_strangers() {
    let site = site(Limits { datagrams: 4, datagrams_of_strangers: 2, ..Limits::default() });
    let device = site.sender().await;
    device.say(&["La", "D1,-"]).await;
    for heard in ["ok", "A1"] {
        assert_eq!(device.hear().await, heard);
    }
    site.roster.hold();
    let mut strangers = Vec::new();
    for number in 0..10 {
        let stranger = site.sender().await;
        stranger.say(&[&format!("Lstranger{number}"), "H"]).await;
        strangers.push(stranger);
    }
    all_received().await;
    // They fill their part, and the device has its own.
    device.say(&["La", "D2,-"]).await;
    for heard in ["ok", "A2"] {
        assert_eq!(device.hear().await, heard);
    }
    site.roster.release();
    until(|| site.refused().len() == 2).await;
    // There is room again.
    strangers[9].say(&["Lstranger9", "H"]).await;
    until(|| site.refused().len() == 3).await;
}

#[tokio::test]
async fn datagram_refusals() {
    let site = site(Limits { datagram_refusals: 1, ..Limits::default() });
    let mut asked = site.roster.asked.subscribe();
    let mut knocks = 0;
    let mut questions = async |device: &str| {
        let sender = site.sender().await;
        asked.borrow_and_update();
        sender.say(&[&format!("L{device}"), "H"]).await;
        knocks += 1;
        until(|| site.refused().iter().map(|(.., count)| count).sum::<u64>() == knocks).await;
        asked.has_changed().unwrap()
    };
    assert!(questions("x").await);
    assert!(!questions("x").await);
    assert!(questions("y").await);
    assert!(questions("y").await, "asked about each time");
    // It is registered: the signal of that makes the gateway ask again.
    site.roster.register("x", registered(9));
    site.signals.publish(store::signals::Signal::SourceChanged(domain::SourceId(9)));
    all_received().await;
    let sender = site.sender().await;
    sender.say(&["Lx", "H"]).await;
    assert_eq!(sender.hear().await, "ok\nh");
}

#[tokio::test]
async fn a_stranger_of_the_any_port_is_asked_about_once() {
    let site = site(Limits::default());
    let mut asked = site.roster.asked.subscribe();
    let stranger = Sender::to(site.gateway.bound().any.unwrap()).await;
    for knock in 1..=3 {
        asked.borrow_and_update();
        stranger.say(&["Lstranger", "H"]).await;
        until(|| site.refused().first().is_some_and(|(.., count)| *count == knock)).await;
        assert_eq!(asked.has_changed().unwrap(), knock == 1, "knock {knock}");
    }
}

#[tokio::test]
async fn datagram_lookups() {
    let site = site(Limits { datagram_lookups: 1, ..Limits::default() });
    site.roster.hold();
    for number in 0..10 {
        site.sender().await.say(&[&format!("Lstranger{number}"), "H"]).await;
    }
    all_received().await;
    site.roster.until_asked(1).await;
    let mut device = site.connect().await;
    device.say("La").await;
    site.roster.until_asked(2).await;
    all_received().await;
    assert_eq!(*site.roster.asked.borrow(), 2, "one of them at a time, and a login beside it");
    site.roster.release();
    assert_eq!(device.hear().await.as_deref(), Some("ok"));
    until(|| site.refused().len() == 10).await;
}

#[tokio::test]
async fn who_is_blocked_while_it_waits_for_its_turn_is_not_heard() {
    let site = site(Limits::default());
    site.journal.hold();
    let (first, second) = (site.sender().await, site.sender().await);
    first.say(&["La", "D1,-"]).await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    second.say(&["La", "D2,-"]).await;
    all_received().await;
    site.change("a", |registered| registered.blocked = true);
    // When one of these is turned away the signal has been heard; those before wait for their turn too.
    let mut others = 0;
    while site.refused().is_empty() {
        site.sender().await.say(&["La", "H"]).await;
        others += 1;
        all_received().await;
    }
    site.journal.release();
    assert_eq!(first.hear().await, "ok");
    assert_eq!(first.hear().await, "A1");
    until(|| site.refused()[0].2 == others + 1).await;
    assert!(second.has_heard_nothing());
    assert_eq!(site.journal.serials(1), [1]);
}
