//! What the `any` port makes of the first bytes.

use crate::{
    site::{Site, registered},
    toy,
};
use gateway::{Limits, Registered};

#[tokio::test]
async fn the_first_bytes_tell_the_protocol() {
    let site = Site::where_registered(&["a"], Limits::default());
    site.roster.register("blocked", Registered { blocked: true, ..registered(2) });
    for (mark, body, expected) in [
        ('$', "La", &["ok"][..]),
        ('$', "H", &["h"]),
        ('#', "H", &["h"]),
        // Both claim it, but only `toy` is a protocol of the device's model.
        ('&', "La", &["ok"]),
        ('$', "Lstranger", &["no"]),
        ('$', "Lblocked", &["no"]),
        // Known, but not with a model of `other`.
        ('#', "La", &["no"]),
        // Both claim it.
        ('&', "H", &[]),
        ('&', "Lstranger", &[]),
        // Nobody does.
        ('?', "La", &[]),
    ] {
        let mut device = site.connect_to_any(mark).await;
        device.say(body).await;
        if expected.is_empty() {
            assert_eq!(device.hear().await, None, "{mark}{body}");
        }
        for expected in expected {
            assert_eq!(device.hear().await.as_deref(), Some(*expected), "{mark}{body}");
        }
    }
    let remembered = |id: &str| site.refused().into_iter().find(|(refused, ..)| refused == id).unwrap().1;
    assert_eq!(remembered("stranger"), "unknown_device");
    assert_eq!(remembered("blocked"), "blocked");
    assert_eq!(remembered("a"), "wrong_protocol");
}

#[tokio::test]
async fn bytes_may_come_one_at_a_time_and_more_may_follow() {
    let site = Site::where_registered(&["a"], Limits::default());
    let frames = ["La", "D1,-", "D2,-"].map(|body| toy::line('$', body)).concat();
    let mut slow = site.connect_to_any('$').await;
    for byte in frames.bytes() {
        slow.send(&[byte]).await;
    }
    for expected in ["ok", "A1", "A2"] {
        assert_eq!(slow.hear().await.unwrap(), expected);
    }
    let mut fast = site.connect_to_any('$').await;
    fast.send(frames.as_bytes()).await;
    for expected in ["ok", "A1", "A2"] {
        assert_eq!(fast.hear().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_wrong_checksum_is_nobodys() {
    let site = Site::new();
    let mut device = site.connect_to_any('$').await;
    device.send(b"$H*00\n").await;
    assert_eq!(device.hear().await, None);
}
