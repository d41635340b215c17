//! One test for each bound of `gateway::Limits` that shows on a socket; the others are tested where they stand.

use crate::{site::Site, toy};
use domain::ContactKind;
use gateway::Limits;
use std::time::Duration;
use tokio::time::{Instant, advance};

const SECOND: Duration = Duration::from_secs(1);

fn site(limits: Limits) -> Site {
    Site::where_registered(&["a", "b"], limits)
}

#[tokio::test]
async fn sessions() {
    let site = site(Limits { sessions: 1, ..Limits::default() });
    let mut first = site.login("a").await;
    assert_eq!(site.connect().await.hear().await, None);
    first.say("Q").await;
    assert_eq!(first.hear_all().await, ["bye"]);
    crate::site::until(|| site.gateway.sessions() == 0).await;
    site.login("b").await;
}

#[tokio::test]
async fn sessions_per_address() {
    let site = site(Limits { sessions_per_address: 1, ..Limits::default() });
    let _first = site.login("a").await;
    assert_eq!(site.connect().await.hear().await, None);
}

#[tokio::test(start_paused = true)]
async fn login_timeout() {
    let site = site(Limits { login_timeout: SECOND * 30, ..Limits::default() });
    let start = Instant::now();
    let mut silent = site.connect().await;
    assert_eq!(silent.hear().await, None);
    assert_eq!(start.elapsed().as_secs(), 30);

    let start = Instant::now();
    let mut talkative = site.connect().await;
    for _ in 0..30 {
        talkative.say("H").await;
        assert_eq!(talkative.hear().await.unwrap(), "h");
        advance(SECOND).await;
    }
    assert_eq!(talkative.hear().await, None, "only a known device stays");
    assert_eq!(start.elapsed().as_secs(), 30);

    let start = Instant::now();
    let mut undetected = site.connect_to_any('$').await;
    undetected.send(b"$L").await;
    assert_eq!(undetected.hear().await, None);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn idle_timeout() {
    let site = site(Limits { idle_timeout: SECOND * 50, ..Limits::default() });
    let mut device = site.login("a").await;
    advance(SECOND * 40).await;
    device.say("H").await;
    assert_eq!(device.hear().await.unwrap(), "h");
    let start = Instant::now();
    assert_eq!(device.hear().await, None);
    assert_eq!(start.elapsed().as_secs(), 50);
    site.journal.until_contact(1, ContactKind::Lost).await;
}

#[tokio::test(start_paused = true)]
async fn reply_timeout() {
    let site = site(Limits { reply_timeout: SECOND * 7, ..Limits::default() });
    let mut device = site.login("a").await;
    let start = Instant::now();
    // More than the buffers of the sockets take.
    device.say("E100000000").await;
    site.journal.until_contact(1, ContactKind::Lost).await;
    assert!((SECOND * 7..SECOND * 17).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn max_frame() {
    let site = site(Limits::default());
    let mut device = site.login("a").await;
    device.say(&format!("D1,-,{}", "x".repeat(toy::MAX_FRAME - 10))).await;
    assert_eq!(device.hear().await.unwrap(), "A1");
    device.send("x".repeat(toy::MAX_FRAME + 1).as_bytes()).await;
    assert_eq!(device.hear().await, None);
}

#[tokio::test]
async fn buffered_per_session() {
    let site = site(Limits { buffered_per_session: 100, ..Limits::default() });
    let mut device = site.login("a").await;
    for serial in 0..10 {
        device.say(&format!("D{serial},-,{}", "x".repeat(80))).await;
        assert_eq!(device.hear().await.unwrap(), format!("A{serial}"));
    }
    device.send(&[b'$'; 101]).await;
    assert_eq!(device.hear().await, None);
}

#[tokio::test]
async fn buffered_total() {
    let site = site(Limits { buffered_total: 1000, ..Limits::default() });
    let (mut a, mut b) = (site.login("a").await, site.login("b").await);
    for device in [&mut a, &mut b] {
        device.say(&format!("D1,-,{}", "x".repeat(700))).await;
        assert_eq!(device.hear().await.unwrap(), "A1", "what is durable waits no longer");
    }
    let heartbeat_and = |half: usize| toy::line('$', "H") + &"$".repeat(half);
    a.send(heartbeat_and(400).as_bytes()).await;
    assert_eq!(a.hear().await.unwrap(), "h");
    let mut stranger = site.connect().await;
    stranger.send(heartbeat_and(200).as_bytes()).await;
    assert_eq!(stranger.hear().await, None, "strangers have half");
    b.send(heartbeat_and(400).as_bytes()).await;
    assert_eq!(b.hear().await.unwrap(), "h");
    b.send(&[b'$'; 201]).await;
    assert_eq!(b.hear().await, None);
    a.send(&[b'$'; 201]).await;
    a.send(b"\n").await;
    assert_eq!(a.hear().await, None, "not a frame");
}

#[tokio::test]
async fn detection_bytes() {
    let site = site(Limits { detection_bytes: 100, ..Limits::default() });
    let mut device = site.connect_to_any('$').await;
    device.send(&[b'$'; 99]).await;
    device.send(b"$").await;
    assert_eq!(device.hear().await, None);
}

#[tokio::test]
async fn devices_per_connection() {
    let site = site(Limits { devices_per_connection: 1, ..Limits::default() });
    let mut relay = site.connect().await;
    for (said, expected) in
        [("R1,a", "ok 1"), ("R2,b", "no 2"), ("M1,7", "A7"), ("M2,8", "A8"), ("R1,b", "ok 1"), ("M1,9", "A9")]
    {
        relay.say(said).await;
        assert_eq!(relay.hear().await.unwrap(), expected, "{said}");
    }
    assert_eq!(site.refused(), [("b".to_owned(), "devices_per_connection", 1)]);
    assert_eq!((site.journal.serials(1), site.journal.serials(2)), (vec![7], vec![9]));
}

#[tokio::test(start_paused = true)]
async fn lookups() {
    let site = site(Limits { lookups: 1, login_timeout: SECOND * 30, ..Limits::default() });
    let mut most = site.roster.asked.subscribe();
    site.roster.hold();
    let (mut a, mut b) = (site.connect().await, site.connect().await);
    a.say("La").await;
    b.say("Lb").await;
    site.roster.until_asked(1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*most.borrow_and_update(), 1);
    site.roster.release();
    assert_eq!(a.hear().await.unwrap(), "ok");
    assert_eq!(b.hear().await.unwrap(), "ok");

    site.roster.hold();
    let start = Instant::now();
    let mut late = site.connect().await;
    late.say("La").await;
    assert_eq!(late.hear().await, None);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn take_overs_per_minute() {
    let site = site(Limits { take_overs_per_minute: 2, ..Limits::default() });
    let _first = site.login("a").await;
    let _second = site.login("a").await;
    let mut third = site.login("a").await;
    let mut fourth = site.connect().await;
    fourth.say("La").await;
    assert_eq!(fourth.hear_all().await, ["no"]);
    assert_eq!(site.refused(), [("a".to_owned(), "take_over_rate", 1)]);
    third.say("H").await;
    assert_eq!(third.hear().await.unwrap(), "h");
    advance(SECOND * 60).await;
    site.login("a").await;
}

#[tokio::test(start_paused = true)]
async fn take_over_wait() {
    let site = site(Limits { take_over_wait: SECOND * 10, ..Limits::default() });
    let mut older = site.login("a").await;
    site.journal.hold();
    older.say("D1,-").await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    let start = Instant::now();
    let mut newer = site.connect().await;
    newer.say("La").await;
    assert_eq!(newer.hear_all().await, ["no"]);
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(site.refused(), [("a".to_owned(), "take_over_wait", 1)]);
}
