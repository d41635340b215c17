//! A device's bytes become a durable position that the API shows.

use crate::support::{Device, Reaction, Server, now, record};
use domain::{TimeOrigin, Timestamp};
use protocols::teltonika::{
    Codec,
    encode::{login, packet},
};
use serde_json::{Value, json};
use std::time::Duration;

const IMEI: &str = "356307042441013";

#[test]
fn a_record_is_acknowledged_and_shown_and_kept() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", IMEI);
    let before = anna.state(tracker);
    assert_eq!(before["connection_status"], "just_registered");
    assert_eq!(before["gps"]["updated"], Value::Null);

    let sent = now();
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(sent)]), Reaction::Acknowledged(1));
    let shown = anna.state(tracker);
    assert_eq!(shown["gps"]["location"], json!({ "lat": 53.5511, "lng": 9.9937 }));
    assert_eq!(shown["gps"]["speed"], 64);
    assert_eq!(shown["gps"]["heading"], 304);
    assert_eq!(shown["gps"]["alt"], 12);
    assert_eq!(shown["gps"]["signal_level"], 90);
    assert_eq!(shown["connection_status"], "active");
    assert_eq!(shown["movement_status"], "moving");
    assert_eq!(shown["ignition"], true);
    let point = anna.call("tracker/get_last_gps_point", json!({ "tracker_id": tracker })).success();
    assert_eq!(point["value"]["lat"], 53.5511);
    assert_eq!(point["value"]["satellites"], 9);

    for end in [Server::stop, Server::kill] {
        end(&mut server);
        server.restart();
        let anna = server.log_in("anna@example.com");
        let again = anna.state(tracker);
        assert_eq!(again["gps"], shown["gps"], "after a restart");
        assert_eq!(again["movement_status"], "moving");
    }
}

#[test]
fn the_any_port_finds_the_protocol_out() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", IMEI);
    let mut device = Device::logged_in(server.any(), IMEI);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    assert_eq!(anna.state(tracker)["connection_status"], "active");
}

#[test]
fn a_stranger_is_refused() {
    let mut server = Server::start();
    let mut device = Device::connect(server.teltonika());
    assert_eq!(device.log_in(IMEI), Some(0));
    assert_eq!(device.send(&[record(now())]), Reaction::Closed);
    server.stop();
    assert_eq!(server.records(), [], "nothing of a stranger is kept");
}

#[test]
fn what_is_broken_is_not_acknowledged() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", IMEI);
    let good = packet(Codec::Codec8, &[record(now())]);

    let mut wrong_checksum = good.clone();
    *wrong_checksum.last_mut().unwrap() ^= 1;
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send_bytes(&wrong_checksum), Reaction::Closed);

    let mut device = Device::logged_in(server.teltonika(), IMEI);
    device.write(&good[..good.len() / 2]).unwrap();
    drop(device);

    // Not even the login is whole.
    let mut device = Device::connect(server.teltonika());
    device.write(&login(IMEI)[..5]).unwrap();
    drop(device);

    assert_eq!(anna.state(tracker)["gps"]["updated"], Value::Null);
    server.stop();
    assert_eq!(server.telemetry(), []);
}

#[test]
fn only_plausible_times_are_believed() {
    const WEEKS_1024: i64 = 1024 * 7 * 86_400;
    let day = Duration::from_secs(86_400);
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let sent = now();
    let rolled_over = Timestamp::from_millis(sent.millis() - WEEKS_1024 * 1000);
    // What a record claims, the origin of its time, whether its fix becomes the live one.
    let cases = [
        (sent, TimeOrigin::Device, true),
        (sent.minus(day * 30), TimeOrigin::Device, true),
        (rolled_over, TimeOrigin::Device, true),
        (Timestamp::from_seconds(4_070_908_800), TimeOrigin::Suspect, false), // 2099
        (Timestamp::from_seconds(0), TimeOrigin::Suspect, false),             // 1970
        (sent.plus(Duration::from_secs(3600)), TimeOrigin::Suspect, false),
    ];
    for (number, (claimed, _, live)) in cases.iter().enumerate() {
        let imei = format!("35630704244{number:04}");
        let tracker = anna.register("Van", &imei);
        let mut device = Device::logged_in(server.teltonika(), &imei);
        assert_eq!(device.send(&[record(*claimed)]), Reaction::Acknowledged(1), "{claimed}");
        let shown = anna.state(tracker);
        assert_eq!(shown["gps"]["updated"].is_string(), *live, "{claimed}: {shown}");
    }
    server.stop();
    let kept = server.telemetry();
    let kept: Vec<_> = kept.iter().map(|kept| (kept.message.time.unwrap(), kept.time_origin)).collect();
    for (claimed, origin, _) in cases {
        assert!(kept.contains(&(claimed, origin)), "{claimed} {origin:?}: {kept:?}");
    }
}
