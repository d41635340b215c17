//! `apn_settings/read`, `tracker/apn_settings/read`: what was said about the access point of a SIM, and to whom it is told;
//! `tracker/settings/tracking/…`.

use crate::support::{Device, Reaction, Server, Session, now, record};
use serde_json::{Value, json};

const IMEI: &str = "356307042441013";
const PHONE: &str = "79123122312";

fn of_tracker(session: &Session, tracker: i64) -> Value {
    let answer = session.call("tracker/apn_settings/read", json!({ "tracker_id": tracker }));
    answer.success()["value"].clone()
}

fn access_point(name: &str, user: &str) -> Value {
    json!({ "name": name, "user": user, "password": "" })
}

#[test]
fn an_access_point_is_kept_without_its_password() {
    let mut server = Server::start();
    let (anna, berta, panel) =
        (server.user("anna@example.com"), server.user("berta@example.com"), server.panel());
    let new = json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": IMEI,
        "phone": PHONE, "apn_name": "internet", "apn_user": "u", "apn_password": "p" });
    let van = anna.call("tracker/register", new).success()["value"]["id"].as_i64().unwrap();
    assert_eq!(of_tracker(&anna, van), access_point("internet", "u"));
    let of_phone =
        |session: &Session, phone: &str| session.call("apn_settings/read", json!({ "phone": phone }));
    assert_eq!(of_phone(&anna, PHONE).success()["value"], access_point("internet", "u"));
    assert_eq!(of_phone(&anna, "79123122399").code(), 201);
    assert_eq!(of_phone(&anna, "12").wrong_parameters(), ["phone"]);

    // Nobody else is told, not even who has a clone of it.
    assert_eq!(of_phone(&berta, PHONE).code(), 201);
    let to = berta.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let clone = json!({ "tracker_id": van, "user_id": to, "label": "Clone" });
    let clone = panel.call("panel/tracker/clone", clone).success()["id"].clone();
    assert_eq!(berta.call("tracker/apn_settings/read", json!({ "tracker_id": clone })).code(), 219);
    assert_eq!(of_phone(&berta, PHONE).code(), 201);

    // Whoever names another changes it; who names none leaves it.
    let again = |more: Value| {
        let mut parameters = json!({ "tracker_id": van });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        anna.call("tracker/register_retry", parameters).success();
        of_tracker(&anna, van)
    };
    assert_eq!(again(json!({})), access_point("internet", "u"));
    assert_eq!(again(json!({ "apn_name": "other" })), access_point("other", ""));
    let phone = json!({ "tracker_id": van, "phone": "79123122313", "apn_name": "third", "apn_user": "x" });
    anna.call("tracker/change_phone", phone).success();
    assert_eq!(of_phone(&anna, "79123122313").success()["value"], access_point("third", "x"));
    let taken = json!({ "label": "Bike", "group_id": 0, "plugin_id": 44, "model": "telfmb920",
        "device_id": "356307042441021", "phone": PHONE });
    let bike = anna.call("tracker/register", taken).success()["value"]["id"].as_i64().unwrap();
    assert_eq!(of_tracker(&anna, bike), access_point("", ""));
    let refused = json!({ "tracker_id": van, "phone": PHONE, "apn_name": "fourth" });
    assert_eq!(anna.call("tracker/change_phone", refused).code(), 223);
    assert_eq!(of_tracker(&anna, van), access_point("third", "x"));

    // A new device goes on with it, unless another is named.
    for (imei, more, expected) in [
        ("356307042441039", json!({}), access_point("third", "x")),
        ("356307042441047", json!({ "apn_name": "fifth" }), access_point("fifth", "")),
    ] {
        let old = anna.call("tracker/read", json!({ "tracker_id": van })).success()["value"].clone();
        let mut device = Device::logged_in(server.teltonika(), old["source"]["device_id"].as_str().unwrap());
        assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
        let mut new = json!({ "tracker_id": van, "plugin_id": 44, "model": "telfmb920", "device_id": imei });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        anna.call("tracker/replace", new).success();
        assert_eq!(of_tracker(&anna, van), expected);
    }
    server.restart();
    assert_eq!(of_tracker(&server.resume(&anna), van), access_point("fifth", ""));
}

#[test]
fn how_a_device_is_to_report_is_up_to_its_model() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    let which = json!({ "tracker_id": van });
    let read = || anna.call("tracker/settings/tracking/read", which.clone()).success()["value"].clone();
    let update = |settings: Value| {
        let change = json!({ "tracker_id": van, "tracking_settings": settings });
        anna.call("tracker/settings/tracking/update", change)
    };
    let blank = json!({ "tracking_angle": null, "tracking_distance": null, "tracking_interval": null,
        "on_stop_tracking_interval": null, "sleep_mode": null, "stop_detection": null });
    assert_eq!(read(), blank);
    let right = json!({ "tracking_angle": 30, "tracking_distance": 100, "tracking_interval": 60,
        "on_stop_tracking_interval": 180, "sleep_mode": "disabled", "stop_detection": "ignition" });
    update(right.clone()).success();
    assert_eq!(read(), right);
    for (field, value) in [
        ("tracking_angle", json!(9)),
        ("tracking_interval", json!(256)),
        ("sleep_mode", json!("deep")),
        ("stop_detection", json!(null)),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        assert_eq!(update(wrong).wrong_parameters(), [format!("tracking_settings.{field}")]);
    }
    assert_eq!(update(json!("x")).wrong_parameters(), ["tracking_settings"]);
    assert_eq!(read(), right);

    // Another model has other settings.
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    let new =
        json!({ "tracker_id": van, "plugin_id": 44, "model": "qlgv55lite", "device_id": "356307042441047" });
    anna.call("tracker/replace", new).success();
    let blank = json!({ "type": null, "tracking_interval": null, "tracking_distance": null, "tracking_angle": null,
        "psm_mode": null, "psm_interval": null });
    assert_eq!(read(), blank);
    assert_eq!(update(right).status, 400);
}
