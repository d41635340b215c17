//! `panel/user/…`, `panel/tariff/…`, `user/get_info`: what the panel writes is what both APIs read.

use crate::support::{Server, USER_PASSWORD, keys};
use serde_json::{Value, json};

#[test]
fn a_user_is_read_as_it_was_made() {
    let server = Server::start();
    let panel = server.panel();
    let person = json!({
        "first_name": "Anna", "middle_name": "", "last_name": "Größe", "phone": "491234567890",
        "legal_type": "legal_entity", "legal_name": "Berg & Co", "post_country": "DE", "post_index": "20095",
        "post_region": "HH", "post_city": "Hamburg", "post_street_address": "Am Wall 1", "registered_country": "DE",
        "registered_index": "1", "registered_region": "2", "registered_city": "3", "registered_street_address": "4",
        "state_reg_num": "5", "tin": "6", "okpo_code": "7", "iec": "8",
    });
    let mut user = person.clone();
    user["verified"] = json!(true);
    let new =
        json!({ "user": user, "comment": "pays in time", "time_zone": "Asia/Kolkata", "locale": "en_IN" });
    let anna = server.user_with("anna@example.com", new);
    anna.register("Van", "000000000000001");

    let info = anna.call("user/get_info", json!({ "application": "web" })).success();
    let expected = [
        "success",
        "paas_id",
        "paas_settings",
        "user_info",
        "tariff_restrictions",
        "premium_gis",
        "features",
        "privileges",
    ];
    assert_eq!(keys(&info), expected);
    let own = &info["user_info"];
    assert_eq!(own["title"], "Berg & Co");
    assert_eq!(info["privileges"]["rights"].as_array().unwrap().len(), domain::Right::ALL.len());
    let settings = ["login", "time_zone", "locale", "measurement_system", "verified", "demo"]
        .map(|key| own[key].clone());
    assert_eq!(
        settings,
        [
            json!("anna@example.com"),
            json!("Asia/Kolkata"),
            json!("en_IN"),
            json!("metric"),
            json!(true),
            json!(false),
        ]
    );

    let read = panel.call("panel/user/read", json!({ "user_id": own["id"] })).success()["value"].clone();
    for (key, value) in person.as_object().unwrap() {
        assert_eq!((&read[key], &own[key]), (value, value), "{key}");
    }
    let expected = json!({ "id": own["id"], "dealer_id": 1, "activated": true, "verified": true,
        "login": "anna@example.com", "balance": 0.0, "bonus": 0.0, "trackers_count": 1, "default_tariff_id": null,
        "comment": "pays in time" });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(read[key], *value, "{key}");
    }
    // The panel reads times in UTC, the user in the zone of the user.
    let [utc, local] = [&read, own]
        .map(|user| user["creation_date"].as_str().unwrap().parse::<jiff::civil::DateTime>().unwrap());
    assert_eq!((local - utc).total(jiff::Unit::Minute).unwrap(), 330.0);
}

#[test]
fn users_are_listed_by_pages() {
    let server = Server::start();
    let panel = server.panel();
    for (login, last_name, activated) in [
        ("dora@example.com", "Zorn", true),
        ("berta@example.org", "Ähre", true),
        ("carl@example.com", "berg", false),
        ("anna@example.com", "100%", true),
    ] {
        let user = json!({ "user": { "login": login, "last_name": last_name, "activated": activated }, "password": USER_PASSWORD });
        panel.call("panel/user/create", user).success();
    }
    for (parameters, logins, count) in [
        (json!({}), "dora berta carl anna", 4),
        (json!({ "ascending": false }), "anna carl berta dora", 4),
        (json!({ "order_by": "login" }), "anna berta carl dora", 4),
        (json!({ "order_by": "login", "ascending": "false", "limit": "2" }), "dora carl", 4),
        (json!({ "order_by": "login", "offset": 1, "limit": 2 }), "berta carl", 4),
        (json!({ "offset": 4 }), "", 4),
        (json!({ "hide_inactive": true }), "dora berta anna", 3),
        (json!({ "hide_inactive": true, "limit": 1 }), "dora", 3),
        (json!({ "filter": "example.com" }), "dora carl anna", 3),
        (json!({ "filter": "EXAMPLE.ORG" }), "berta", 1),
        (json!({ "filter": "ähre" }), "berta", 1),
        (json!({ "filter": "100%" }), "anna", 1),
        (json!({ "filter": "%" }), "anna", 1),
        (json!({ "filter": "_" }), "", 0),
        (json!({ "filter": "nobody" }), "", 0),
        (json!({ "filter": "" }), "dora berta carl anna", 4),
    ] {
        let answer = panel.call("panel/user/list", parameters.clone()).success();
        let users = answer["list"].as_array().unwrap().iter();
        let found: Vec<_> =
            users.map(|user| user["login"].as_str().unwrap().split('@').next().unwrap()).collect();
        assert_eq!((found.join(" "), &answer["count"]), (logins.to_owned(), &json!(count)), "{parameters}");
    }
}

#[test]
fn a_plan_is_listed_as_it_was_made() {
    let server = Server::start();
    let panel = server.panel();
    let plan = json!({
        "name": "Gold", "device_type": "tracker", "group_id": 2, "active": false, "type": "activeday", "price": 9.99,
        "early_change_price": 1.5, "device_limit": 10, "has_reports": false, "paas_free": true,
        "proportional_charge": true, "store_period": "5m", "features": ["multilevel_access"],
        "map_filter": { "exclusion": true, "values": ["osm"] }, "service_prices": { "service_sms": 0.25 }, "doc_type": 2,
    });
    let created = panel.call("panel/tariff/create", json!({ "tariff": plan })).success();
    assert_eq!(keys(&created), ["success", "id"]);
    let camera = json!({ "tariff": { "name": "Camera", "device_type": "camera", "price": "0.1" } });
    panel.call("panel/tariff/create", camera).success();
    let list = |parameters: Value| panel.call("panel/tariff/list", parameters).success();
    let gold = &list(json!({ "filter": "gold" }))["list"][0];
    assert_eq!((&gold["id"], &gold["dealer_id"]), (&created["id"], &json!(1)));
    for (key, value) in plan.as_object().unwrap() {
        assert_eq!(gold[key], *value, "{key}");
    }
    for (parameters, names) in [
        (json!({ "device_type": "camera" }), &["Camera"][..]),
        (json!({ "device_type": "tracker", "order_by": "price", "ascending": false, "limit": 1 }), &["Gold"]),
        (json!({ "device_type": "socket" }), &[]),
        (json!({ "filter": "9.99" }), &["Gold"]),
    ] {
        let answer = list(parameters.clone());
        let found: Vec<_> = answer["list"].as_array().unwrap().iter().map(|plan| &plan["name"]).collect();
        assert_eq!(found, names, "{parameters}");
    }
    assert_eq!(list(json!({}))["count"], 3);
}
