//! Protocols over HTTP: connections that come and go, of the same device as often as it likes.

use crate::site::{Device, NOW, Site, until};
use gateway::Limits;
use store::signals::Signal;

async fn call(site: &Site) -> Device {
    Device::connect(site.gateway.bound().tcp["web"], '~').await
}

fn site() -> Site {
    let site = Site::where_registered(&[], Limits { take_overs_per_minute: 1, ..Limits::default() });
    site.roster.register("w", crate::site::of_protocol(1, "web"));
    site
}

#[tokio::test]
async fn a_device_has_as_many_connections_as_it_likes() {
    let site = site();
    let mut open = Vec::new();
    for serial in 0..5 {
        let mut device = call(&site).await;
        device.say("Lw").await;
        assert_eq!(device.hear().await.unwrap(), "ok");
        device.say(&format!("D{serial},{}", NOW.seconds())).await;
        assert_eq!(device.hear().await.unwrap(), format!("A{serial}"));
        open.push(device);
    }
    for device in &mut open {
        device.say("H").await;
        assert_eq!(device.hear().await.unwrap(), "h");
    }
    assert_eq!(site.journal.serials(1), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn an_admission_that_is_not_true_any_longer_ends_with_the_next_request() {
    let site = site();
    let mut device = call(&site).await;
    device.say("Lw").await;
    assert_eq!(device.hear().await.unwrap(), "ok");
    // Something else has changed.
    site.signals.publish(Signal::SourceChanged(domain::SourceId(99)));
    device.say("D1,-").await;
    assert_eq!(device.hear().await.unwrap(), "A1");
    site.change("w", |registered| registered.blocked = true);
    loop {
        // Until the signal has been heard.
        device.say("H").await;
        if device.hear().await.is_none() {
            break;
        }
    }
    until(|| site.gateway.sessions() == 0).await;
    let mut again = call(&site).await;
    again.say("Lw").await;
    assert_eq!(again.hear_all().await, ["no"]);
}

#[tokio::test]
async fn the_any_port_knows_requests() {
    let site = site();
    let mut device = site.connect_to_any('~').await;
    device.say("Lw").await;
    assert_eq!(device.hear().await.unwrap(), "ok");
}
