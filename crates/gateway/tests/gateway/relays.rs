//! Relays: connections that carry many devices, as JT/T 808 names the device in each frame and proxies join requests.

use crate::site::{Device, PATIENCE, Site, of_protocol};
use domain::{ContactKind, SourceId};
use gateway::Limits;
use protocols::jt808::encode::{Header, told};
use store::signals::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What the general answer says.
const DONE: u8 = 0;
const FAILED: u8 = 1;

fn id(number: i64) -> String {
    format!("{number:012}")
}

/// A site where the terminals with the numbers up to `count` are registered, as sources of those numbers.
fn site(count: i64, limits: Limits) -> Site {
    let site = Site::of_real_protocols(limits);
    (1..=count).for_each(|number| site.roster.register(&id(number), of_protocol(number, "jt808")));
    site
}

struct Relay(TcpStream);

impl Relay {
    async fn to(site: &Site) -> Self {
        Self(TcpStream::connect(site.gateway.bound().tcp["jt808"]).await.unwrap())
    }

    /// Passes on a sign of life of the terminal, and tells what it was answered; `None` when the connection is closed.
    async fn pass_on(&mut self, number: i64) -> Option<u8> {
        let frame = Header::new(&id(number)).unwrap().authentication(1, b"", "");
        self.0.write_all(&frame).await.ok()?;
        let mut heard = Vec::new();
        loop {
            if let Some((_, answer)) = told(&heard).unwrap() {
                return answer.map(|answer| answer.body[4]);
            }
            let read = timeout(PATIENCE, self.0.read_buf(&mut heard)).await.expect("an answer in time");
            if read.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}

#[tokio::test]
async fn a_device_that_was_refused_is_heard_when_it_is_registered() {
    let site = site(1, Limits::default());
    let mut asked = site.roster.asked.subscribe();
    let mut relay = Relay::to(&site).await;
    for (number, answer, asks) in
        [(1, DONE, true), (2, FAILED, true), (2, FAILED, false), (1, DONE, false), (2, FAILED, false)]
    {
        asked.borrow_and_update();
        assert_eq!(relay.pass_on(number).await, Some(answer), "{number}");
        assert_eq!(asked.has_changed().unwrap(), asks, "{number}");
    }
    assert_eq!(site.refused(), [(id(2), "unknown_device", 3)], "each frame is counted");
    site.roster.register(&id(2), of_protocol(2, "jt808"));
    site.signals.publish(Signal::SourceChanged(SourceId(2)));
    while relay.pass_on(2).await.unwrap() == FAILED {
        // Until the signal has been heard.
    }
    assert_eq!(relay.pass_on(1).await, Some(DONE));
}

#[tokio::test]
async fn a_relay_carries_as_many_devices_as_it_may() {
    const MOST: i64 = 300;
    let site = site(MOST + 1, Limits { devices_per_connection: MOST as usize, ..Limits::default() });
    let mut relay = Relay::to(&site).await;
    for number in 1..=MOST {
        assert_eq!(relay.pass_on(number).await, Some(DONE), "{number}");
    }
    assert_eq!(relay.pass_on(MOST + 1).await, Some(FAILED));
    assert_eq!(site.refused(), [(id(MOST + 1), "devices_per_connection", 1)]);
    assert_eq!(relay.pass_on(1).await, Some(DONE), "the connection goes on");
}

#[tokio::test]
async fn a_device_that_calls_again_takes_itself_from_its_relay_alone() {
    let site = site(3, Limits::default());
    let mut relays = [Relay::to(&site).await, Relay::to(&site).await];
    for (relay, number) in
        [(0, 1), (0, 2), (1, 1), (1, 3), (0, 2), (0, 1), (1, 3), (1, 1), (0, 2), (1, 2), (1, 3)]
    {
        assert_eq!(relays[relay].pass_on(number).await, Some(DONE), "{number} over {relay}");
    }
    assert_eq!(relays[0].pass_on(2).await, None, "it had no other device");
    assert!(site.refused().is_empty());
}

#[tokio::test]
async fn a_device_that_is_blocked_leaves_the_others_on_its_relay() {
    let site = site(2, Limits::default());
    let mut relay = Relay::to(&site).await;
    for number in [1, 2] {
        assert_eq!(relay.pass_on(number).await, Some(DONE));
    }
    site.change(&id(1), |registered| registered.blocked = true);
    site.journal.until_contact(1, ContactKind::Closed).await;
    assert_eq!(relay.pass_on(1).await, Some(FAILED));
    assert_eq!(relay.pass_on(2).await, Some(DONE));
    site.change(&id(1), |registered| registered.blocked = false);
    while relay.pass_on(1).await.unwrap() == FAILED {
        // Until the signal has been heard.
    }
    assert!(!site.journal.contacts(2).contains(&ContactKind::Closed));
}

#[tokio::test]
async fn a_proxy_joins_the_requests_of_any_number_of_devices() {
    let site = Site::of_real_protocols(Limits { devices_per_connection: 300, ..Limits::default() });
    let mut proxy = Device::connect(site.gateway.bound().tcp["osmand"], ' ').await;
    for number in 1..=400 {
        site.roster.register(&id(number), of_protocol(number, "osmand"));
        let request = format!("GET /?id={}&lat=52.5&lon=13.4 HTTP/1.1\r\nHost: a\r\n\r\n", id(number));
        proxy.send(request.as_bytes()).await;
        assert_eq!(proxy.hear().await.as_deref(), Some("HTTP/1.1 200 OK"), "{number}");
        while proxy.hear().await.is_some_and(|line| !line.is_empty()) {}
    }
    assert_eq!(site.journal.telemetry().len(), 400);
}
