//! Who may speak, and until when.

use crate::{
    site::{NOW, Site, registered, until},
    toy,
};
use domain::{ContactKind, SourceId, Transport};
use gateway::{Limits, Registered};
use protocols::DeviceSettings;
use std::{sync::Arc, time::Duration};
use store::signals::Signal;
use tokio::time::{advance, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn strangers_are_refused_and_remembered() {
    let site = Site::where_registered(&["known"], Limits::default());
    site.roster.register("blocked", Registered { blocked: true, ..registered(2) });
    for (id, reason, count) in
        [("stranger", "unknown_device", 1), ("blocked", "blocked", 1), ("stranger", "unknown_device", 2)]
    {
        let mut device = site.connect().await;
        device.say(&format!("L{id}")).await;
        assert_eq!(device.hear_all().await, ["no"]);
        assert_eq!(site.refused()[0], (id.to_owned(), reason, count));
    }
    let mut device = site.connect_to_other().await;
    device.say("Lknown").await;
    assert_eq!(device.hear_all().await, ["no"]);
    let refused = site.gateway.refused().swap_remove(0);
    assert_eq!((refused.protocol, refused.reason.as_str()), ("other", "wrong_protocol"));
    assert!(refused.address.is_loopback());
    assert!(site.journal.durable().is_empty());
}

#[tokio::test]
async fn nothing_of_a_device_that_did_not_log_in_is_kept() {
    let site = Site::new();
    let mut device = site.connect().await;
    for said in ["D1,-", "U", "H"] {
        device.say(said).await;
        device.hear().await.unwrap();
    }
    assert!(site.journal.durable().is_empty());
    assert!(site.journal.contacts(0).is_empty());
}

#[tokio::test]
async fn a_second_login_closes_the_older_session_when_its_batch_is_durable() {
    let site = Site::where_registered(&["a"], Limits::default());
    let mut older = site.login("a").await;
    site.journal.hold();
    older.say("D1,-").await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    let mut newer = site.connect().await;
    newer.say("La").await;
    newer.say("D2,-").await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(newer.has_heard_nothing(), "the older session still has a batch on its way");
    site.journal.release();
    assert_eq!(older.hear_all().await, ["A1"]);
    assert_eq!(newer.hear().await.unwrap(), "ok");
    assert_eq!(newer.hear().await.unwrap(), "A2");
    assert_eq!(site.journal.serials(1), [1, 2]);
}

#[tokio::test]
async fn a_relay_lets_a_device_go_when_its_batch_is_durable() {
    let site = Site::where_registered(&["a", "b"], Limits::default());
    let mut relay = site.connect().await;
    for (said, expected) in [("R1,a", "ok 1"), ("R2,b", "ok 2")] {
        relay.say(said).await;
        assert_eq!(relay.hear().await.unwrap(), expected);
    }
    site.journal.hold();
    relay.say("M1,1").await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    let mut newer = site.connect().await;
    newer.say("La").await;
    newer.say("D2,-").await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(newer.has_heard_nothing(), "the relay still has a batch on its way");
    site.journal.release();
    for expected in ["A1", "no 1"] {
        assert_eq!(relay.hear().await.unwrap(), expected);
    }
    for expected in ["ok", "A2"] {
        assert_eq!(newer.hear().await.unwrap(), expected);
    }
    // What it says of that device without a new login is nobody's.
    for (said, expected) in [("M1,3", "A3"), ("M2,4", "A4")] {
        relay.say(said).await;
        assert_eq!(relay.hear().await.unwrap(), expected);
    }
    assert_eq!((site.journal.serials(1), site.journal.serials(2)), (vec![1, 2], vec![4]));
}

#[tokio::test(start_paused = true)]
async fn a_take_over_is_no_end_of_the_contact() {
    let site = Site::where_registered(&["a"], Limits::default());
    let mut older = site.login("a").await;
    advance(SECOND * 20).await;
    let _newer = site.login("a").await;
    assert_eq!(older.hear().await, None);
    advance(SECOND * 20).await;
    until(|| site.gateway.sessions() == 1).await;
    assert_eq!(site.journal.contacts(1), [ContactKind::Login(Transport::Tcp); 2]);
}

#[tokio::test]
async fn a_login_of_the_same_device_on_its_own_connection_changes_nothing() {
    let site = Site::where_registered(&["a", "b"], Limits::default());
    let mut device = site.login("a").await;
    device.say("La").await;
    assert_eq!(device.hear().await.unwrap(), "ok");
    device.say("Lb").await;
    assert_eq!(device.hear().await.unwrap(), "ok");
    device.say("D1,-").await;
    assert_eq!(device.hear().await.unwrap(), "A1");
    assert_eq!(site.journal.serials(2), [1]);
    // The connection has left `a`, so that nobody is closed by this.
    let _other = site.login("a").await;
    device.say("D2,-").await;
    assert_eq!(device.hear().await.unwrap(), "A2");
}

fn greeting(text: &str) -> Arc<DeviceSettings> {
    Arc::new(DeviceSettings::from([("greeting".to_owned(), text.to_owned())]))
}

#[tokio::test]
async fn protocols_know_the_settings_of_their_device() {
    let site = Site::where_registered(&["a", "b"], Limits::default());
    site.change("b", |it| it.settings = greeting("hello"));
    let mut one = site.connect().await;
    one.say("La").await;
    assert_eq!(one.hear().await.unwrap(), "ok");
    let mut other = site.connect().await;
    other.say("Lb").await;
    assert_eq!(other.hear().await.unwrap(), "hello");
}

#[tokio::test]
async fn a_change_of_the_source_closes_its_session_within_a_second() {
    type Change = fn(&mut Registered);
    let changes: [(&str, Change); 4] = [
        ("blocked", |it| it.blocked = true),
        ("another source has the device id", |it| it.source = SourceId(9)),
        ("other settings", |it| it.settings = greeting("hello")),
        ("another release", |it| it.accepts_from = it.accepts_from.plus(SECOND)),
    ];
    for (what, change) in changes {
        let site = Site::where_registered(&["a", "b"], Limits::default());
        let (mut a, mut b) = (site.login("a").await, site.login("b").await);
        site.roster.change("a", change);
        site.signals.publish(Signal::SourceChanged(SourceId(1)));
        assert_eq!(timeout(SECOND, a.hear()).await.expect(what), None, "{what}");
        site.change("b", |_| ());
        b.say("H").await;
        assert_eq!(b.hear().await.unwrap(), "h", "{what}");
    }
}

#[tokio::test]
async fn after_lost_signals_every_session_is_looked_at() {
    let site = Site::where_registered(&["a", "b"], Limits::default());
    let (mut a, mut b) = (site.login("a").await, site.login("b").await);
    site.roster.change("a", |it| it.blocked = true);
    // More than a subscription holds, and none of them names the source.
    for other in 100..10_000 {
        site.signals.publish(Signal::SourceChanged(SourceId(other)));
    }
    assert_eq!(timeout(SECOND, a.hear()).await.unwrap(), None);
    b.say("H").await;
    assert_eq!(b.hear().await.unwrap(), "h");
}

#[tokio::test]
async fn a_device_that_is_blocked_while_it_logs_in_is_closed() {
    let site = Site::where_registered(&["a", "b"], Limits::default());
    let _b = site.login("b").await;
    site.roster.hold();
    let mut a = site.connect().await;
    a.say("La").await;
    site.roster.until_asked(1).await;
    // The roster has answered for `a`, but the answer is still on its way.
    site.change("a", |it| it.blocked = true);
    // The session of `b` is looked at after the signal for `a` was heard.
    site.change("b", |_| ());
    site.roster.until_asked(2).await;
    site.roster.release();
    assert_eq!(timeout(SECOND, a.hear_all()).await.unwrap(), ["ok"], "closed right after");
}

#[tokio::test]
async fn when_the_roster_cannot_answer_a_device_is_neither_admitted_nor_refused() {
    let site = Site::where_registered(&["a"], Limits::default());
    let mut known = site.login("a").await;
    site.roster.fail();
    let mut device = site.connect().await;
    device.say("La").await;
    assert_eq!(device.hear().await, None);
    let mut device = site.connect_to_any('$').await;
    device.say("La").await;
    assert_eq!(device.hear().await, None);
    assert!(site.refused().is_empty());
    site.change("a", |_| ());
    assert_eq!(timeout(SECOND, known.hear()).await.unwrap(), None, "it has to ask again");
}

#[tokio::test]
async fn records_that_came_with_a_login_are_received_when_it_is_answered() {
    let site = Site::where_registered(&["a"], Limits::default());
    site.roster.hold();
    let mut device = site.connect().await;
    device.send([toy::line('$', "La"), toy::line('$', "D1,-")].concat().as_bytes()).await;
    site.roster.until_asked(1).await;
    // Meanwhile an older session of the source may receive records, which stand before these.
    site.clock.advance(SECOND);
    site.roster.release();
    assert_eq!(device.hear().await.unwrap(), "ok");
    assert_eq!(device.hear().await.unwrap(), "A1");
    assert_eq!(site.journal.telemetry()[0].received, NOW.plus(SECOND));
}
