//! Protocols over HTTP: connections that come and go, of the same device as often as it likes.

use crate::site::{Device, NOW, Site, of_protocol, until};
use gateway::Limits;
use protocols::{Protocol, osmand::Osmand};
use store::signals::Signal;
use tokio::io::AsyncWriteExt;

async fn call(site: &Site) -> Device {
    Device::connect(site.gateway.bound().tcp["web"], '~').await
}

fn site() -> Site {
    let site = Site::where_registered(&[], Limits { take_overs_per_minute: 1, ..Limits::default() });
    site.roster.register("w", of_protocol(1, "web"));
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

/// A request of so many bytes, the last of which are a batch of locations with spaces around them.
fn batch(length: usize) -> Vec<u8> {
    let location = r#"{"location":{"timestamp":"2027-01-15T07:59:00Z","coords":{"latitude":52.5,"longitude":13.4}},"device_id":"phone"}"#;
    let request = |body: &str| {
        format!(
            "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {:07}\r\n\r\n{body}",
            body.len()
        )
    };
    let room = length - request(location).len();
    request(&(" ".repeat(room) + location)).into_bytes()
}

#[tokio::test]
async fn the_longest_request_that_a_protocol_takes_comes_through() {
    let site = Site::of_real_protocols(Limits::default());
    site.roster.register("phone", of_protocol(1, "osmand"));
    let (own, any) = (site.gateway.bound().tcp["osmand"], site.gateway.bound().any.unwrap());
    let longest = Osmand.max_frame();
    for (kept, (port, length)) in [own, any]
        .into_iter()
        .flat_map(|port| [5_000, 300_000, longest].map(|length| (port, length)))
        .enumerate()
    {
        let mut phone = Device::connect(port, ' ').await;
        // A gateway that lets go of the connection breaks it off.
        let _ = phone.stream.get_mut().write_all(&batch(length)).await;
        let answer = phone.hear().await;
        assert_eq!(answer.as_deref(), Some("HTTP/1.1 200 OK"), "{length} bytes to {port}");
        assert_eq!(site.journal.telemetry().len(), kept + 1);
    }
    for port in [own, any] {
        let mut phone = Device::connect(port, ' ').await;
        let _ = phone.stream.get_mut().write_all(&batch(longest + 1)).await;
        assert_eq!(phone.hear().await, None, "one byte too long for {port}");
    }
}
