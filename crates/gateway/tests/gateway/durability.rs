//! Acknowledged means durable; bad input is data; a slow journal slows devices down.

use crate::{
    site::{NOW, PATIENCE, Site, until},
    toy,
};
use domain::{ContactKind, Record, TimeOrigin, Timestamp, Transport};
use gateway::Limits;
use std::{collections::HashSet, time::Duration};
use tokio::{io::AsyncWriteExt, time::timeout};

fn site(ids: &[&str]) -> Site {
    Site::where_registered(ids, Limits::default())
}

#[tokio::test]
async fn a_record_is_acknowledged_only_when_it_is_durable() {
    let site = site(&["a"]);
    let mut device = site.login("a").await;
    site.journal.hold();
    device.say("D1,1800000000").await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(device.has_heard_nothing());
    site.journal.release();
    assert_eq!(device.hear().await.unwrap(), "A1");
    assert_eq!(site.journal.serials(1), [1]);
}

#[tokio::test]
async fn replies_keep_the_order_of_their_frames() {
    let site = site(&["a"]);
    let mut device = site.connect().await;
    let frames = ["La", "H", "D1,-", "H", "U", "D2,-", "Q", "D3,-"].map(|body| toy::line('$', body)).concat();
    device.send(frames.as_bytes()).await;
    assert_eq!(device.hear_all().await, ["ok", "h", "A1", "h", "A?", "A2", "bye"]);
    assert_eq!(site.journal.serials(1), [1, 2], "nothing of what follows the end is kept");
    assert!(matches!(&site.journal.durable()[1], Record::Problem(it) if &*it.bytes == b"$U*79\n"));
}

#[tokio::test]
async fn a_wrong_checksum_is_not_acknowledged_and_ends_the_connection() {
    let site = site(&["a"]);
    let mut device = site.login("a").await;
    device.send(b"$D1,-*00\n").await;
    assert_eq!(device.hear().await, None);
    assert!(site.journal.durable().is_empty());

    let mut device = site.login("a").await;
    let frames = [toy::line('$', "D2,-"), "$D3,-*00\n".into(), toy::line('$', "D4,-")].concat();
    device.send(frames.as_bytes()).await;
    assert_eq!(device.hear_all().await, ["A2"], "what came whole before it counts");
    assert_eq!(site.journal.serials(1), [2]);
}

#[tokio::test]
async fn half_a_frame_is_nothing() {
    let site = site(&["a"]);
    let mut device = site.login("a").await;
    device.send(b"$D1,-").await;
    drop(device);
    until(|| site.gateway.sessions() == 0).await;
    assert!(site.journal.durable().is_empty());
}

#[tokio::test]
async fn bytes_one_at_a_time_are_as_good() {
    let site = site(&["a"]);
    let mut device = site.connect().await;
    for byte in ["La", "D1,-", "D2,-"].map(|body| toy::line('$', body)).concat().bytes() {
        device.send(&[byte]).await;
    }
    for expected in ["ok", "A1", "A2"] {
        assert_eq!(device.hear().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn when_the_journal_fails_nothing_is_acknowledged() {
    let site = site(&["a"]);
    let mut device = site.login("a").await;
    site.journal.fill_disk();
    device.say("D1,-").await;
    assert_eq!(device.hear().await, None);
    assert!(site.journal.durable().is_empty());
}

#[tokio::test]
async fn each_claim_about_time_is_judged_and_acknowledged() {
    let site = site(&["a"]);
    site.change("a", |registered| registered.accepts_from = NOW.minus(Duration::from_secs(1000)));
    let mut device = site.login("a").await;
    let year = 365 * 86_400;
    for (serial, claimed, expected) in [
        (1, "-".to_owned(), Some((NOW, TimeOrigin::Received))),
        (2, (NOW.seconds() - 5).to_string(), Some((NOW.minus(Duration::from_secs(5)), TimeOrigin::Device))),
        (3, "4070908800".to_owned(), Some((NOW, TimeOrigin::Suspect))),
        (4, "0".to_owned(), Some((NOW, TimeOrigin::Suspect))),
        (5, (NOW.seconds() - 1024 * 7 * 86_400).to_string(), Some((NOW, TimeOrigin::Device))),
        (6, (NOW.seconds() - 1001).to_string(), None),
        (7, (NOW.seconds() - year - 1).to_string(), Some((NOW, TimeOrigin::Suspect))),
    ] {
        device.say(&format!("D{serial},{claimed}")).await;
        assert_eq!(device.hear().await.unwrap(), format!("A{serial}"));
        let kept = site.journal.telemetry().into_iter().find(|it| it.hash.0 == serial);
        assert_eq!(kept.as_ref().map(|it| (it.time, it.time_origin)), expected, "{claimed}");
        if let Some(kept) = kept {
            let said = claimed.parse().ok().map(Timestamp::from_seconds);
            assert_eq!((kept.received, kept.message.time), (NOW, said));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_journal_stops_the_reading() {
    let site = site(&["a"]);
    let mut device = site.login("a").await;
    site.journal.hold();
    // More than the buffers of the sockets take.
    let frames: Vec<u8> = (1..=1000)
        .flat_map(|serial| toy::line('$', &format!("D{serial},-,{}", "x".repeat(32 << 10))).into_bytes())
        .collect();
    let (_, mut sending) = device.stream.get_mut().split();
    let mut rest = frames.as_slice();
    while let Ok(sent) = timeout(PATIENCE, sending.write(rest)).await {
        rest = &rest[sent.unwrap()..];
    }
    assert!(!rest.is_empty(), "everything was read while nothing became durable");
    site.journal.until(|pages| pages.waiting.len() == 1 && pages.waiting[0].0.len() == 1).await;

    site.journal.release();
    let rest = rest.to_vec();
    let (receiving, mut sending) = device.stream.into_inner().into_split();
    let sender = tokio::spawn(async move {
        sending.write_all(&rest).await.unwrap();
        sending
    });
    let mut heard = 0;
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(receiving));
    while heard < 1000 {
        heard += 1;
        assert_eq!(lines.next_line().await.unwrap().unwrap(), format!("A{heard}"));
    }
    assert_eq!(site.journal.serials(1), (1..=1000).collect::<Vec<_>>());
    drop(sender);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_devices_at_once_keep_their_order() {
    let ids: Vec<_> = (1..=100).map(|at| format!("d{at}")).collect();
    let site = std::sync::Arc::new(site(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut tasks = tokio::task::JoinSet::new();
    for (at, id) in ids.into_iter().enumerate() {
        let site = site.clone();
        tasks.spawn(async move {
            let mut device = site.login(&id).await;
            for serial in 0..20 {
                // Every third comes glued to the one before.
                let line = toy::line('$', &format!("D{serial},-"));
                device.send(line.as_bytes()).await;
                if serial % 3 == 0 {
                    continue;
                }
                let expected = if serial % 3 == 1 { vec![serial - 1, serial] } else { vec![serial] };
                for serial in expected {
                    assert_eq!(device.hear().await.unwrap(), format!("A{serial}"));
                    let durable: HashSet<_> = site.journal.serials(at as i64 + 1).into_iter().collect();
                    assert!(durable.contains(&serial));
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    for source in 1..=100 {
        assert_eq!(site.journal.serials(source), (0..20).collect::<Vec<_>>(), "source {source}");
    }
}

#[tokio::test]
async fn a_fault_of_a_decoder_ends_only_its_session() {
    let site = site(&["a", "b"]);
    let (mut a, mut b) = (site.login("a").await, site.login("b").await);
    a.say("P").await;
    assert_eq!(a.hear().await, None);
    b.say("D1,-").await;
    assert_eq!(b.hear().await.unwrap(), "A1");
    until(|| site.gateway.sessions() == 1).await;
    site.login("a").await;
}

#[tokio::test(start_paused = true)]
async fn contacts_tell_how_a_connection_began_and_ended() {
    const LOGIN: ContactKind = ContactKind::Login(Transport::Tcp);
    use ContactKind::{Closed, Heartbeat, Lost};
    for (said, last, expected) in [
        (toy::line('$', "H"), Some("h"), vec![LOGIN, Heartbeat]),
        (toy::line('$', "Q"), Some("bye"), vec![LOGIN, Closed]),
        ("$Q*00\n".to_owned(), None, vec![LOGIN, Lost]),
        (toy::line('$', "P"), None, vec![LOGIN, Lost]),
    ] {
        let site = site(&["a"]);
        let mut device = site.login("a").await;
        device.send(said.as_bytes()).await;
        assert_eq!(device.hear().await.as_deref(), last, "{said}");
        tokio::time::advance(Limits::default().contact_interval * 2).await;
        site.journal.until_contact(1, *expected.last().unwrap()).await;
        assert_eq!(site.journal.contacts(1), expected, "{said}");
        drop(device);
    }
    let site = site(&["a"]);
    drop(site.login("a").await);
    site.journal.until_contact(1, Closed).await;
    assert_eq!(site.journal.contacts(1), [LOGIN, Closed], "closed by the device");
}

#[tokio::test]
async fn a_stop_makes_durable_and_acknowledges_what_was_read() {
    let site = site(&["a", "b"]);
    let (mut a, mut b) = (site.login("a").await, site.login("b").await);
    site.journal.hold();
    a.say("D1,-").await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    let Site { gateway, journal, .. } = site;
    let address = gateway.bound().tcp["toy"];
    let stop = tokio::spawn(gateway.stop(PATIENCE));
    assert_eq!(b.hear().await, None, "an idle connection closes at once");
    assert!(a.has_heard_nothing());
    journal.release();
    assert_eq!(a.hear_all().await, ["A1"]);
    stop.await.unwrap();
    assert_eq!(journal.serials(1), [1]);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    for source in [1, 2] {
        assert_eq!(journal.contacts(source).last(), Some(&ContactKind::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_ever() {
    let site = site(&["a"]);
    let mut device = site.login("a").await;
    site.journal.hold();
    device.say("D1,-").await;
    site.journal.until(|pages| pages.waiting.len() == 1).await;
    let start = tokio::time::Instant::now();
    site.gateway.stop(Duration::from_secs(5)).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(device.hear().await, None);
}
