//! `panel/dealer/settings/service/…`, `dealer/get_ui_config`: what the panel says about the service, and what follows
//! from it; the panel's remarks and orders; who a user is.

use crate::support::{Server, Session, keys};
use serde_json::{Value, json};
use std::thread;

#[test]
fn what_the_panel_says_about_the_service() {
    let mut server = Server::start();
    let (anna, panel) = (server.user("anna@example.com"), server.panel());
    let read = |panel: &Session| {
        panel.call("panel/dealer/settings/service/read", json!({})).success()["value"].clone()
    };
    let before = read(&panel);
    let said = json!(["Outrider", "en_US", "", false, false, "UTC"]);
    let names = [
        "service_title",
        "locale",
        "domain",
        "no_register_commands",
        "no_auto_create_sensors",
        "default_user_time_zone",
    ];
    assert_eq!(json!(names.map(|name| before[name].clone())), said);

    let update = |changes: Value| panel.call("panel/dealer/settings/service/update", changes);
    for (name, value, wrong) in [
        ("service_title", json!(""), "service_title"),
        ("no_register_commands", json!("perhaps"), "no_register_commands"),
        ("default_user_time_zone", json!("Mars/Olympus"), "default_user_time_zone"),
        ("default_map", json!({ "type": "osm", "zoom": 2 }), "default_map.location"),
        ("currency", json!("EURO"), "currency"),
    ] {
        assert_eq!(update(json!({ name: value })).wrong_parameters(), [wrong]);
    }
    assert_eq!(read(&panel), before, "nothing of it was kept");
    let changes = json!({ "service_title": "Monitoring", "no_auto_create_sensors": "true", "promo_url": "https://example.com",
        "default_user_time_zone": "Asia/Tokyo", "default_user_settings": { "geocoder": "google",
        "route_provider": "osrm", "measurement_system": "us", "translit": true } });
    update(changes).success();
    update(json!({ "domain": "gps.example.com" })).success();
    let mut expected = before.clone();
    for (name, value) in [
        ("service_title", json!("Monitoring")),
        ("no_auto_create_sensors", json!(true)),
        ("promo_url", json!("https://example.com")),
        ("domain", json!("gps.example.com")),
        ("default_user_time_zone", json!("Asia/Tokyo")),
        (
            "default_user_settings",
            json!({ "geocoder": "google", "route_provider": "osrm", "measurement_system": "us", "translit": true }),
        ),
    ] {
        expected[name] = value;
    }
    assert_eq!(read(&panel), expected);

    // New devices begin without sensors, new users with what was said; who is there already stays as they are.
    let van = anna.register("Van", "356307042441013");
    let sensors = anna.call("tracker/sensor/list", json!({ "tracker_id": van })).success();
    assert_eq!(sensors["list"], json!([]));
    let settings =
        |session: &Session| session.call("user/settings/read", json!({})).success()["settings"].clone();
    let berta = server.user("berta@example.com");
    let of_new = json!({ "time_zone": "Asia/Tokyo", "locale": "en_US", "measurement_system": "us", "geocoder": "google",
        "route_provider": "osrm", "translit": true });
    assert_eq!(settings(&berta), of_new);
    assert_eq!(settings(&anna)["time_zone"], "UTC");
    let carla = server.user_with("carla@example.com", json!({ "time_zone": "Europe/Berlin" }));
    assert_eq!(settings(&carla)["time_zone"], "Europe/Berlin");

    // What clients are told, by domain and by session.
    let anyone = server.anyone();
    let config = anyone.call("dealer/get_ui_config", json!({ "domain": "GPS.example.com" })).success();
    let answer = ["success", "dealer", "settings", "demo_ends", "premium_gis", "features", "platform"];
    assert_eq!(keys(&config), answer);
    let dealer = json!({ "id": 1, "ui_domain": "gps.example.com", "company_url": "https://example.com" });
    assert_eq!(config["dealer"], dealer);
    assert_eq!(config["settings"]["service_title"], "Monitoring");
    assert!(config["settings"].get("no_auto_create_sensors").is_none());
    let platform =
        json!({ "iso_datetime_support": true, "history.max_limit": 1000, "report.max_time_span": "P120D" });
    assert_eq!(config["platform"], platform);
    assert_eq!(anna.call("dealer/get_ui_config", json!({})).success(), config);
    assert_eq!(anna.call("user/get_info", json!({})).success()["paas_settings"], config["settings"]);
    assert_eq!(anyone.call("dealer/get_ui_config", json!({})).wrong_parameters(), ["domain"]);
    assert_eq!(anyone.call("dealer/get_ui_config", json!({ "domain": "example.com" })).code(), 12);
    assert_eq!(panel.call("dealer/get_ui_config", json!({})).code(), 4);

    server.restart();
    assert_eq!(read(&server.resume(&panel)), expected);
}

#[test]
fn remarks_and_orders_of_the_panel() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna@example.com"), server.panel());
    let van = anna.register("Van", "356307042441013");
    let read = || panel.call("panel/tracker/read", json!({ "tracker_id": van })).success()["value"].clone();
    let update = |change: Value| {
        let mut parameters = json!({ "tracker_id": van, "label": "Courier", "deleted": false });
        parameters.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        panel.call("panel/tracker/settings/update", parameters)
    };
    update(json!({ "comment": "Garage 3" })).success();
    assert_eq!((&read()["label"], &read()["comment"]), (&json!("Courier"), &json!("Garage 3")));
    update(json!({ "label": "Van" })).success();
    assert_eq!((&read()["label"], &read()["comment"]), (&json!("Van"), &json!("Garage 3")));
    let label = anna.call("tracker/read", json!({ "tracker_id": van })).success()["value"]["label"].clone();
    assert_eq!(label, "Van");
    assert_eq!(update(json!({ "deleted": true })).wrong_parameters(), ["deleted"]);
    assert_eq!(update(json!({ "comment": "x".repeat(3001) })).wrong_parameters(), ["comment"]);

    let equipment = panel.call("panel/equipment/list", json!({})).success()["list"][0]["equip_id"].clone();
    let imeis = ["356307042441021", "356307042441039", "356307042441047"];
    let new = json!({ "imeis": imeis, "equip_id": equipment, "factory_preset": true });
    panel.call("panel/tracker/bundle/import", new).success();
    let bundle = |imei: &str| {
        panel.call("panel/tracker/bundle/read", json!({ "imei": imei })).success()["value"].clone()
    };
    for imei in &imeis[..2] {
        let order = json!({ "bundle_id": bundle(imei)["id"], "order_id": 3 });
        panel.call("panel/tracker/bundle/order/assign", order).success();
    }
    let order = panel.call("panel/order/read", json!({ "order_id": 3 })).success()["value"].clone();
    assert_eq!((&order["id"], &order["amount"]), (&json!(3), &json!(2)));
    assert_eq!(order["bundles"], json!([bundle(imeis[0]), bundle(imeis[1])]));
}

#[test]
fn who_a_user_is() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let before = anna.call("user/get_info", json!({})).success()["user_info"].clone();
    let change = json!({ "legal_type": "individual", "first_name": "Charles", "middle_name": "Henry",
        "last_name": "Pearson", "phone": "491761234567", "post_city": "Wiesbaden", "tin": "1131145180" });
    anna.call("user/personal_info/update", change.clone()).success();
    anna.call("user/personal_info/update", json!({ "middle_name": "" })).success();
    for (name, value) in [("legal_type", json!("legal_entity")), ("phone", json!("1".repeat(16)))] {
        assert_eq!(anna.call("user/personal_info/update", json!({ name: value })).wrong_parameters(), [name]);
    }
    let mut expected = before.clone();
    expected["title"] = json!("Charles Pearson");
    for (name, value) in change.as_object().unwrap() {
        expected[name] = value.clone();
    }
    expected["middle_name"] = json!("");
    server.restart();
    let info = server.resume(&anna).call("user/get_info", json!({})).success();
    assert_eq!(info["user_info"], expected);
}

/// Makes calls at once; all must succeed.
fn at_once<const N: usize>(calls: [(&Session, &str, Value); N]) {
    thread::scope(|scope| {
        for (session, action, parameters) in calls {
            scope.spawn(move || session.call(action, parameters).success());
        }
    });
}

#[test]
fn changes_at_once_do_not_undo_each_other() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna@example.com"), server.panel());
    let van = anna.register("Van", "356307042441013");
    let group = anna.call("tracker/group/create", json!({ "title": "Vans", "color": "FFFFFF" })).success();
    let update = "panel/dealer/settings/service/update";
    for round in 0..10 {
        let text = format!("round {round}");
        at_once([
            (&panel, update, json!({ "service_title": text })),
            (&panel, update, json!({ "domain": text })),
            (&panel, update, json!({ "tos": text, "login_footer": text })),
        ]);
        let settings = panel.call("panel/dealer/settings/service/read", json!({})).success();
        for name in ["service_title", "domain", "tos", "login_footer"] {
            assert_eq!(settings["value"][name], json!(text), "{name}");
        }

        at_once([
            (&anna, "user/personal_info/update", json!({ "first_name": text })),
            (&anna, "user/personal_info/update", json!({ "last_name": text })),
            (&anna, "user/personal_info/update", json!({ "tin": text })),
        ]);
        let info = anna.call("user/get_info", json!({})).success();
        for name in ["first_name", "last_name", "tin"] {
            assert_eq!(info["user_info"][name], json!(text), "{name}");
        }

        let group = if round % 2 == 0 { group["id"].clone() } else { json!(0) };
        at_once([
            (
                &panel,
                "panel/tracker/settings/update",
                json!({ "tracker_id": van, "label": "Van", "comment": text }),
            ),
            (
                &anna,
                "tracker/settings/update",
                json!({ "tracker_id": van, "label": "Van", "group_id": group }),
            ),
        ]);
        let read = panel.call("panel/tracker/read", json!({ "tracker_id": van })).success();
        assert_eq!((&read["value"]["comment"], &read["value"]["group_id"]), (&json!(text), &group));
    }
}
