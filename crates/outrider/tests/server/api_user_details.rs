//! `user/settings/ui/…`, `timezone/list`.

use crate::support::Server;
use serde_json::{Value, json};

#[test]
fn what_applications_keep() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let set =
        |key: &str, value: Value| anna.call("user/settings/ui/update", json!({ "key": key, "value": value }));
    let read = |key: &str| anna.call("user/settings/ui/read", json!({ "key": key }));
    assert_eq!(read("map").code(), 201);
    for value in ["", "first", "{\"a\":\n\t\"ä\"}", &"ß".repeat(8192)] {
        set("map", json!(value)).success();
        assert_eq!(read("map").success(), json!({ "success": true, "value": value }));
    }
    assert_eq!(berta.call("user/settings/ui/read", json!({ "key": "map" })).code(), 201);
    for key in ["", "a b", "ä", "a.b", &"x".repeat(51)] {
        assert_eq!(set(key, json!("")).wrong_parameters(), ["key"], "{key}");
        assert_eq!(read(key).wrong_parameters(), ["key"], "{key}");
    }
    for value in [json!("x".repeat(8193)), json!("\0"), json!({}), Value::Null] {
        assert_eq!(set("map", value).wrong_parameters(), ["value"]);
    }

    // 512 KiB in all.
    let full = "x".repeat(8192);
    for number in 0..61 {
        set(&format!("key-{number}"), json!(full)).success();
    }
    assert_eq!(set("one-more", json!(full)).code(), 268);
    assert_eq!(read("one-more").code(), 201);
    set("map", json!("small")).success();
    set("one-more", json!(full)).success();
    server.restart();
    let kept = server.resume(&anna).call("user/settings/ui/read", json!({ "key": "map" })).success();
    assert_eq!(kept["value"], "small");

    // A sub-user's are gone with the sub-user.
    let anna = server.resume(&anna);
    let new = json!({ "user": { "login": "carla@example.com" }, "password": crate::support::USER_PASSWORD });
    let carla = anna.call("subuser/register", new).success()["id"].clone();
    let session = server.log_in("carla@example.com");
    session.call("user/settings/ui/update", json!({ "key": "map", "value": "hers" })).success();
    anna.call("subuser/delete", json!({ "subuser_id": carla })).success();
}

#[test]
fn zones_to_choose_from() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let list = server.anyone().call("timezone/list", json!({ "locale": "En-en" })).success()["list"].clone();
    let zones = list.as_array().unwrap();
    let zone = |name: &str| zones.iter().find(|zone| zone["zone_id"] == name).unwrap();
    assert_eq!(
        *zone("Australia/Sydney"),
        json!({ "zone_id": "Australia/Sydney", "description": "Sydney", "base_offset": 10.0, "dst_offset": 1,
            "country_code": "AU", "alt_ids": ["Australia/ACT", "Australia/Canberra", "Australia/NSW"] })
    );
    for (name, description, base, summer, country) in [
        ("Europe/Berlin", "Berlin", 1.0, 1, json!("DE")),
        ("America/New_York", "New York", -5.0, 1, json!("US")),
        ("Asia/Kathmandu", "Kathmandu", 5.75, 0, json!("NP")),
        ("Asia/Yekaterinburg", "Yekaterinburg", 5.0, 0, json!("RU")),
        ("America/Argentina/Buenos_Aires", "Buenos Aires", -3.0, 0, json!("AR")),
        ("Australia/Lord_Howe", "Lord Howe", 10.5, 1, json!("AU")),
        ("UTC", "UTC", 0.0, 0, Value::Null),
    ] {
        let found = zone(name);
        assert_eq!(
            (&found["description"], &found["base_offset"], &found["dst_offset"], &found["country_code"]),
            (&json!(description), &json!(base), &json!(summer), &country),
            "{name}"
        );
    }
    // Each can be chosen.
    for zone in zones.iter().step_by(40) {
        anna.call("user/settings/update", json!({ "time_zone": zone["zone_id"] })).success();
    }
}
