//! The life of a tracker: registered by plugin, code or bundle, cloned, replaced, corrupted, moved; by the user and from
//! the panel. Each documented refusal is provoked, and the answers are compared as a whole.

use crate::support::{Answer, Device, Reaction, Server, Session, keys, now, record};
use serde_json::{Value, json};

/// A registration of an FMB920 with some parameters changed.
fn registration(imei: &str, changes: Value) -> Value {
    let mut parameters = json!({
        "label": "Courier", "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": imei,
    });
    for (name, value) in changes.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    parameters
}

fn replacement(tracker: i64, imei: &str) -> Value {
    json!({ "tracker_id": tracker, "plugin_id": 44, "model": "telfmb920", "device_id": imei })
}

/// A tracker whose device is active.
fn active(server: &Server, user: &Session, imei: &str) -> i64 {
    let tracker = user.register("Van", imei);
    let mut device = Device::logged_in(server.teltonika(), imei);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    tracker
}

fn id(user: &Session) -> Value {
    user.call("user/get_info", json!({})).success()["user_info"]["id"].clone()
}

fn clone(panel: &Session, tracker: i64, user: &Session) -> i64 {
    let clone = json!({ "tracker_id": tracker, "user_id": id(user), "label": "Clone" });
    panel.call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap()
}

fn block(panel: &Session, tracker: i64, blocked: bool) {
    let change = json!({ "tracker_id": tracker, "blocked": blocked });
    panel.call("panel/tracker/source/update", change).success();
}

fn equipment(panel: &Session, model: &str) -> Value {
    let list = panel.call("panel/equipment/list", json!({})).success()["list"].clone();
    let mut kinds = list.as_array().unwrap().iter();
    let kind = kinds.find(|kind| kind["model_code"] == model).unwrap();
    assert_eq!(keys(kind), ["equip_id", "model_name", "model_code", "vendor", "name"]);
    kind["equip_id"].clone()
}

fn bundle(panel: &Session, imei: &str) -> Value {
    let new = json!({ "imeis": [imei], "equip_id": equipment(panel, "telfmb920"), "factory_preset": true });
    panel.call("panel/tracker/bundle/import", new).success();
    panel.call("panel/tracker/bundle/read", json!({ "imei": imei })).success()["value"]["id"].clone()
}

fn sim_card(panel: &Session, changes: Value) -> Answer {
    let mut card = json!({ "iccid": "89701010064407635201", "phone": "79995693344",
        "apn": { "name": "internet", "user": "u", "password": "p" } });
    for (name, value) in changes.as_object().unwrap() {
        card[name] = value.clone();
    }
    panel.call("panel/sim_card/import", json!({ "sim_cards": [card] }))
}

/// Calls that are refused: action, parameters, code.
fn refused(caller: &Session, calls: &[(&str, Value, i64)]) {
    for (action, parameters, code) in calls {
        assert_eq!(caller.call(action, parameters.clone()).code(), *code, "{action} {parameters}");
    }
}

#[test]
fn a_replaced_device_leaves_its_tracker_to_another() {
    let server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let new = registration("000000000000001", json!({ "label": "Van", "phone": "79123122312" }));
    let before = anna.call("tracker/register", new).success()["value"].clone();
    let tracker = before["id"].as_i64().unwrap();
    let cloned = clone(&panel, tracker, &berta);
    let never = replacement(tracker, "000000000000002");
    assert_eq!(anna.call("tracker/replace", never).code(), 266);
    let retry = json!({ "tracker_id": tracker });
    assert_eq!(anna.call("tracker/replace_retry", retry.clone()).code(), 266);
    let mut old = Device::logged_in(server.teltonika(), "000000000000001");
    assert_eq!(old.send(&[record(now())]), Reaction::Acknowledged(1));

    let mut new = replacement(tracker, "000000000000002");
    new["phone"] = json!("79123122312");
    let after = anna.call("tracker/replace", new).success()["value"].clone();
    let mut expected = before.clone();
    expected["source"]["id"] = after["source"]["id"].clone();
    expected["source"]["device_id"] = json!("000000000000002");
    assert_eq!(after.to_string(), expected.to_string());
    assert_ne!(after["source"]["id"], before["source"]["id"]);
    let read = berta.call("tracker/read", json!({ "tracker_id": cloned })).success();
    assert_eq!(read["value"]["source"], after["source"], "the clone follows");
    assert_eq!(anna.state(tracker)["connection_status"], "just_registered");

    // The session of the old device ends, its id is free, and what it recorded before belongs to nobody else.
    assert!(old.is_sent_away());
    let heir = berta.register("Heir", "000000000000001");
    let mut device = Device::logged_in(server.teltonika(), "000000000000001");
    let early = domain::Timestamp::from_millis(now().millis() - 3_600_000);
    assert_eq!(device.send(&[record(early)]), Reaction::Acknowledged(1));
    assert_eq!(berta.state(heir)["gps"]["updated"], Value::Null);

    // The past stays with the tracker.
    let track = json!({ "tracker_id": tracker, "from": "2020-01-01 00:00:00", "to": "2020-03-01 00:00:00" });
    anna.call("track/read", track).success();
    let again = anna.call("tracker/replace_retry", retry.clone()).success();
    assert_eq!(again["value"]["id"], json!(tracker));
    assert_eq!(anna.call("tracker/replace", replacement(tracker, "000000000000003")).code(), 266);
    let mut new = Device::logged_in(server.teltonika(), "000000000000002");
    assert_eq!(new.send(&[record(now())]), Reaction::Acknowledged(1));
    assert_eq!(anna.call("tracker/replace_retry", retry).code(), 242);
}

#[test]
fn what_replacement_refuses() {
    let server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let tracker = active(&server, &anna, "000000000000001");
    let cloned = clone(&panel, tracker, &berta);
    let taken = registration("000000000000009", json!({ "phone": "79123122312" }));
    berta.call("tracker/register", taken).success();
    let with = |changes: Value| {
        let mut new = replacement(tracker, "000000000000002");
        for (name, value) in changes.as_object().unwrap() {
            new[name] = value.clone();
        }
        ("tracker/replace", new)
    };
    for (changes, code) in [
        (json!({ "tracker_id": cloned }), 204),
        (json!({ "tracker_id": i32::MAX }), 204),
        (json!({ "model": "nonsense" }), 220),
        (json!({ "plugin_id": 4711 }), 222),
        (json!({ "plugin_id": 35 }), 222),
        (json!({ "device_id": "000000000000009" }), 224),
        (json!({ "device_id": "000000000000001" }), 224),
        (json!({ "phone": "79123122312" }), 223),
        (json!({ "plugin_id": 1, "iccid": "89701010064407635201" }), 258),
        (json!({ "device_id": "12" }), 7),
    ] {
        let (action, parameters) = with(changes);
        assert_eq!(anna.call(action, parameters.clone()).code(), code, "{parameters}");
    }
    let unknown = json!({ "tracker_id": tracker, "imei": "000000000000077" });
    assert_eq!(anna.call("tracker/replace_quick", unknown).code(), 201);
    refused(
        &berta,
        &[
            ("tracker/replace", replacement(cloned, "000000000000002"), 219),
            ("tracker/replace_retry", json!({ "tracker_id": cloned }), 219),
            ("tracker/register_retry", json!({ "tracker_id": cloned }), 219),
            ("tracker/corrupt", json!({ "tracker_id": cloned }), 219),
            ("tracker/change_phone", json!({ "tracker_id": cloned, "phone": "6156680000" }), 219),
            ("tariff/tracker/change", json!({ "tracker_id": cloned, "tariff_id": 1 }), 219),
        ],
    );
    block(&panel, tracker, true);
    let id = json!({ "tracker_id": tracker });
    refused(
        &anna,
        &[
            ("tracker/replace", replacement(tracker, "000000000000002"), 208),
            ("tracker/replace_quick", json!({ "tracker_id": tracker, "imei": "5" }), 208),
            ("tracker/replace_retry", id.clone(), 208),
            ("tracker/register_retry", id.clone(), 208),
            ("tracker/corrupt", id.clone(), 208),
            ("tracker/change_phone", json!({ "tracker_id": tracker, "phone": "6156680000" }), 208),
            ("tracker/delete", id.clone(), 249),
        ],
    );
    anna.call("tracker/read", id.clone()).success();
    block(&panel, tracker, false);
    bundle(&panel, "000000000000005");
    let quick = json!({ "tracker_id": tracker, "imei": "000000000000005" });
    let replaced = anna.call("tracker/replace_quick", quick).success();
    assert_eq!(replaced["value"]["source"]["device_id"], "000000000000005");
    assert_eq!(replaced["value"]["tag_bindings"], json!([]));
}

#[test]
fn corrupting_frees_the_device() {
    let server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let new = registration("000000000000001", json!({ "phone": "79123122312" }));
    let tracker = anna.call("tracker/register", new.clone()).success()["value"]["id"].as_i64().unwrap();
    let cloned = clone(&panel, tracker, &berta);
    let id = json!({ "tracker_id": tracker });
    let corrupted = anna.call("tracker/corrupt", id.clone()).success();
    assert_eq!(corrupted, json!({ "success": true }));
    for (action, parameters, code) in [
        ("tracker/corrupt", id.clone(), 252),
        ("tracker/read", id.clone(), 201),
        ("tracker/get_state", id.clone(), 201),
        ("tracker/get_states", json!({ "trackers": [tracker] }), 201),
        ("tracker/get_states", json!({ "trackers": [i32::MAX] }), 217),
        ("tracker/delete", id.clone(), 201),
        ("tracker/change_phone", json!({ "tracker_id": tracker, "phone": "6156680000" }), 201),
    ] {
        assert_eq!(anna.call(action, parameters).code(), code, "{action}");
    }
    let states = json!({ "trackers": [tracker], "allow_not_exist": true });
    assert_eq!(anna.call("tracker/get_states", states).success()["not_exist"], json!([tracker]));
    refused(
        &berta,
        &[("tracker/corrupt", id.clone(), 201), ("tracker/read", json!({ "tracker_id": cloned }), 201)],
    );
    refused(
        &panel,
        &[
            ("panel/tracker/read", id.clone(), 252),
            ("panel/tracker/corrupt", id.clone(), 252),
            ("panel/tracker/source/update", json!({ "tracker_id": tracker, "blocked": true }), 252),
            ("panel/tracker/register_retry", id.clone(), 252),
            ("panel/tracker/tariff/change", json!({ "tracker_id": tracker, "tariff_id": 1 }), 252),
            ("panel/tracker/delete_clone", json!({ "tracker_id": cloned }), 201),
        ],
    );
    // Device id and phone are free again.
    berta.call("tracker/register", new).success();

    let connected = active(&server, &anna, "000000000000002");
    let id = json!({ "tracker_id": connected });
    refused(&anna, &[("tracker/corrupt", id.clone(), 243), ("tracker/register_retry", id.clone(), 242)]);
    let cloned = clone(&panel, connected, &berta);
    let keep = json!({ "tracker_id": connected, "corrupt_clones": false });
    let kept = panel.call("panel/tracker/corrupt", keep);
    assert_eq!((kept.code(), &kept.body["list"]), (253, &json!([cloned])));
    assert_eq!(panel.call("panel/tracker/corrupt", json!({ "tracker_id": cloned })).code(), 219);
    let mut device = Device::logged_in(server.teltonika(), "000000000000002");
    panel.call("panel/tracker/corrupt", id).success();
    assert!(device.is_sent_away());
    let refused = panel.call("panel/tracker/refused/list", json!({})).success();
    assert_eq!(refused["list"], json!([]));
    assert_eq!(Device::connect(server.teltonika()).log_in("000000000000002"), Some(0));
    let refused = panel.call("panel/tracker/refused/list", json!({})).success()["list"][0].clone();
    assert_eq!(
        keys(&refused),
        ["device_id", "protocol", "address", "reason", "count", "first_time", "last_time"]
    );
    let seen = ["device_id", "protocol", "address", "reason", "count"].map(|key| refused[key].clone());
    assert_eq!(json!(seen), json!(["000000000000002", "teltonika", "127.0.0.1", "unknown_device", 1]));
}

#[test]
fn a_blocked_device_is_let_in_no_more() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    let tracker = anna.register("Van", "000000000000001");
    let mut device = Device::logged_in(server.teltonika(), "000000000000001");
    block(&panel, tracker, true);
    assert!(device.is_sent_away());
    assert_eq!(Device::connect(server.teltonika()).log_in("000000000000001"), Some(0));
    assert_eq!(anna.call("tracker/get_state", json!({ "tracker_id": tracker })).code(), 208);
    let list = anna.call("tracker/list", json!({})).success();
    assert_eq!(list["list"][0]["source"]["blocked"], true);
    block(&panel, tracker, false);
    Device::logged_in(server.teltonika(), "000000000000001");
}

#[test]
fn clones() {
    let server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let trackers: Vec<_> = (1..=3).map(|n| anna.register(&format!("Van {n}"), &format!("{n:015}"))).collect();
    let (anna_id, berta_id) = (id(&anna), id(&berta));
    let new = json!({ "tracker_id": trackers[0], "user_id": berta_id, "label": "Clone" });
    let made = panel.call("panel/tracker/clone", new.clone()).success();
    assert_eq!(keys(&made), ["success", "id"]);
    let cloned = made["id"].as_i64().unwrap();
    let original = anna.call("tracker/read", json!({ "tracker_id": trackers[0] })).success()["value"].clone();
    let mut expected = original.clone();
    (expected["id"], expected["label"], expected["clone"]) = (json!(cloned), json!("Clone"), json!(true));
    let read = berta.call("tracker/read", json!({ "tracker_id": cloned })).success();
    assert_eq!(read["value"].to_string(), expected.to_string());

    let to = |tracker: i64, user: &Value| json!({ "tracker_id": tracker, "user_id": user, "label": "x" });
    refused(
        &panel,
        &[
            ("panel/tracker/clone", new, 247),
            ("panel/tracker/clone", to(cloned, &anna_id), 219),
            ("panel/tracker/clone", to(i32::MAX.into(), &anna_id), 201),
            ("panel/tracker/clone", to(trackers[0], &anna_id), 246),
            ("panel/tracker/clone", to(trackers[0], &json!(i32::MAX)), 246),
            ("panel/tracker/move", to(trackers[0], &berta_id), 247),
            ("panel/tracker/move", to(trackers[0], &anna_id), 246),
            ("panel/tracker/move", to(cloned, &anna_id), 219),
            ("panel/tracker/delete_clone", json!({ "tracker_id": trackers[0] }), 249),
            ("panel/tracker/batch_clone", json!({ "tracker_ids": [i32::MAX], "user_id": berta_id }), 217),
            ("panel/tracker/batch_clone", json!({ "tracker_ids": [cloned], "user_id": anna_id }), 217),
            ("panel/tracker/batch_clone", json!({ "tracker_ids": [], "user_id": anna_id }), 7),
        ],
    );
    let several = json!({ "tracker_ids": trackers, "user_id": berta_id });
    let exists = panel.call("panel/tracker/batch_clone", several.clone());
    assert_eq!((exists.code(), &exists.body["list"]), (247, &json!([cloned])));
    let mut ignoring = several;
    ignoring["ignore_existing"] = json!(true);
    let made = panel.call("panel/tracker/batch_clone", ignoring).success();
    assert_eq!(made["ignored_trackers"], json!([trackers[0]]));
    let labels: Vec<_> = berta.call("tracker/list", json!({})).success()["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tracker| tracker["label"].clone())
        .collect();
    assert_eq!(json!(labels), json!(["Clone", "Van 2", "Van 3"]));

    let deleted = json!({ "trackers": [made["list"][0], trackers[0], i32::MAX] });
    let deleted = panel.call("panel/tracker/batch_delete_clones", deleted).success();
    let expected = json!({ "success": true, "deleted_count": 1, "not_deleted_count": 2, "not_deleted_trackers": [
        { "id": trackers[0], "error": "Not a clone" }, { "id": i32::MAX, "error": "Entity not found" },
    ] });
    assert_eq!(deleted, expected);
    let own = json!({ "tracker_id": made["list"][1] });
    assert_eq!(berta.call("tracker/delete", own.clone()).success(), json!({ "success": true }));
    refused(&berta, &[("tracker/delete", own, 201)]);
    refused(&anna, &[("tracker/delete", json!({ "tracker_id": trackers[0] }), 249)]);

    panel.call("panel/tracker/move", json!({ "tracker_id": trackers[1], "user_id": berta_id })).success();
    assert_eq!(anna.call("tracker/read", json!({ "tracker_id": trackers[1] })).code(), 201);
    let list = berta.call("tracker/list", json!({ "labels": ["Van 2"] })).success();
    assert_eq!(
        (&list["list"][0]["clone"], &list["list"][0]["source"]["device_id"]),
        (&json!(false), &json!("000000000000002"))
    );

    let seen = panel
        .call("panel/tracker/list", json!({ "user_id": anna_id, "order_by": "label", "ascending": false }));
    let seen = seen.success();
    assert_eq!((&seen["count"], &seen["list"][0]["label"]), (&json!(2), &json!("Van 3")));
    let read =
        panel.call("panel/tracker/read", json!({ "tracker_id": trackers[0] })).success()["value"].clone();
    let expected = format!(
        r#"{{"id":{},"clone":false,"comment":"","creation_date":{day},"group_id":0,"dealer_id":1,"deleted":false,"label":"Van 1","user_id":{anna_id},"model_name":{},"last_connection":null,"source":{{"id":{},"device_id":"000000000000001","model":"telfmb920","blocked":false,"tariff_id":1,"creation_date":{day},"tariff_end_date":null,"connection_status":"just_registered","phone":null}}}}"#,
        trackers[0],
        read["model_name"],
        original["source"]["id"],
        day = original["source"]["creation_date"],
    );
    assert_eq!(read.to_string(), expected);
    refused(
        &panel,
        &[
            ("panel/tracker/list", json!({ "user_id": i32::MAX }), 201),
            ("panel/tracker/list", json!({ "tariff_id": i32::MAX }), 201),
        ],
    );
}

#[test]
fn bundles_and_sim_cards() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    let imei = "356455874589991";
    let number = bundle(&panel, imei);
    let again =
        json!({ "imeis": [imei], "equip_id": equipment(&panel, "telfmb920"), "factory_preset": true });
    let no_kind = json!({ "imeis": ["5"], "equip_id": i32::MAX, "factory_preset": true });
    sim_card(&panel, json!({})).success();
    sim_card(&panel, json!({ "iccid": "8970101006440763521", "phone": "79995693345", "blocked": true }))
        .success();
    sim_card(&panel, json!({ "iccid": "8970101006440763522", "phone": "79995693346", "deleted": true }))
        .success();
    sim_card(&panel, json!({ "iccid": "8970101006440763523", "phone": "79123122312" })).success();
    assert_eq!(sim_card(&panel, json!({ "phone": "79995693399" })).code(), 247);
    assert_eq!(sim_card(&panel, json!({ "iccid": "8970101006440763529" })).code(), 223);
    let taken = registration("000000000000009", json!({ "phone": "79123122312" }));
    let taken = anna.call("tracker/register", taken).success()["value"]["id"].clone();
    let other = bundle(&panel, "000000000000009");
    let assign = |iccid: &str| json!({ "bundle_id": number, "iccid": iccid });
    let plugin = |imei: &str, iccid: &str| registration(imei, json!({ "plugin_id": 1, "iccid": iccid }));
    let quick = |imei: &str, group: i64| json!({ "label": "Courier", "group_id": group, "imei": imei });
    refused(
        &panel,
        &[
            ("panel/tracker/bundle/import", again, 247),
            ("panel/tracker/bundle/import", no_kind, 204),
            ("panel/tracker/bundle/read", json!({ "imei": "5" }), 201),
            ("panel/tracker/bundle/update", json!({ "bundle_id": i32::MAX, "equip_id": 1 }), 201),
            ("panel/tracker/bundle/update", json!({ "bundle_id": number, "equip_id": i32::MAX }), 204),
            (
                "panel/tracker/bundle/assign",
                json!({ "bundle_id": i32::MAX, "iccid": "89701010064407635201" }),
                201,
            ),
            ("panel/tracker/bundle/assign", assign("123"), 226),
            ("panel/tracker/bundle/assign", assign("8970101006440763521"), 208),
            ("panel/tracker/bundle/assign", assign("8970101006440763522"), 250),
            ("panel/tracker/bundle/order/assign", json!({ "bundle_id": i32::MAX, "order_id": 1 }), 201),
        ],
    );
    refused(
        &anna,
        &[
            ("tracker/register", plugin("000000000000077", "89701010064407635201"), 258),
            ("tracker/register", plugin(imei, "8970101006440763599"), 226),
            ("tracker/register", plugin(imei, "8970101006440763521"), 226),
            ("tracker/register", plugin(imei, "8970101006440763523"), 223),
            ("tracker/register_quick", quick("5", 0), 201),
            ("tracker/register_quick", quick(imei, i32::MAX.into()), 204),
            ("tracker/register_quick", quick("000000000000009", 0), 224),
        ],
    );
    panel.call("panel/tracker/bundle/assign", assign("89701010064407635201")).success();
    let twice = json!({ "bundle_id": other, "iccid": "89701010064407635201" });
    let used = assign("8970101006440763523");
    refused(&panel, &[("panel/tracker/bundle/assign", twice, 247)]);
    let ordered = json!({ "bundle_id": number, "order_id": 4711 });
    panel.call("panel/tracker/bundle/order/assign", ordered).success();
    let read = panel.call("panel/tracker/bundle/read", json!({ "imei": imei })).success()["value"].clone();
    assert_eq!(
        keys(&read),
        [
            "id",
            "equip_id",
            "equip_vendor",
            "equip_name",
            "equip_model",
            "model_code",
            "imei",
            "factory_preset",
            "iccid",
            "assign_time",
            "order_id",
            "sim_card"
        ]
    );
    let card = json!({ "phone": "79995693344", "apn": { "name": "internet", "user": "u", "password": "p" },
        "iccid": "89701010064407635201", "deleted": false, "blocked": false, "registered": false });
    assert_eq!(
        (&read["sim_card"], &read["order_id"], &read["model_code"]),
        (&card, &json!(4711), &json!("telfmb920"))
    );

    let tracker = anna.call("tracker/register_quick", quick(imei, 0)).success()["value"].clone();
    assert_eq!((&tracker["source"]["phone"], &tracker["source"]["device_id"]), (&Value::Null, &json!(imei)));
    let listed = panel.call("panel/tracker/bundle/list", json!({ "filter": imei })).success();
    assert_eq!((&listed["count"], &listed["list"][0]["sim_card"]["registered"]), (&json!(1), &json!(true)));
    let seen = panel.call("panel/tracker/read", json!({ "tracker_id": tracker["id"] })).success();
    assert_eq!(seen["value"]["source"]["phone"], "79995693344");
    // The number of a bundled SIM: not another device's, not for a device without one, and to be given up.
    refused(&panel, &[("panel/tracker/bundle/assign", used, 223)]);
    let phone = |tracker: &Value, phone: &str| json!({ "tracker_id": tracker, "phone": phone });
    refused(
        &anna,
        &[
            ("tracker/change_phone", phone(&taken, "79995693344"), 241),
            ("tracker/change_phone", phone(&tracker["id"], "79123122312"), 223),
            ("tracker/change_phone", phone(&tracker["id"], ""), 7),
            ("tracker/change_phone", phone(&tracker["id"], "+7912312231"), 7),
            ("tracker/change_phone", phone(&json!(i32::MAX), "6156680000"), 201),
            ("tracker/register", registration(imei, json!({})), 224),
        ],
    );
    let changed = anna.call("tracker/change_phone", phone(&tracker["id"], "6156680000")).success();
    assert_eq!(changed, json!({ "success": true }));
    let read = anna.call("tracker/read", json!({ "tracker_id": tracker["id"] })).success();
    assert_eq!(read["value"]["source"]["phone"], "6156680000");
}

#[test]
fn activation_codes() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    let plan =
        |terms: Value| panel.call("panel/tariff/create", json!({ "tariff": terms })).success()["id"].clone();
    let (gold, firms) = (plan(json!({ "name": "Gold" })), plan(json!({ "name": "Firms", "doc_type": 2 })));
    let make = |plan: &Value, count: i64| {
        let new = json!({ "count": count, "tariff_id": plan, "bonus_amount": 3, "free_days": 5 });
        assert_eq!(panel.call("panel/dealer/activation_code/create", new).success()["count"], json!(count));
        let list = panel.call("panel/dealer/activation_code/list", json!({})).success()["list"].clone();
        let of_plan = |code: &&Value| code["tariff_id"] == *plan;
        list.as_array().unwrap().iter().filter(of_plan).cloned().collect::<Vec<_>>()
    };
    refused(
        &panel,
        &[
            ("panel/dealer/activation_code/create", json!({ "count": 1, "tariff_id": i32::MAX }), 201),
            ("panel/dealer/activation_code/update", json!({ "codes": ["1"], "tariff_id": i32::MAX }), 201),
            ("panel/dealer/activation_code/create", json!({ "count": 0, "tariff_id": 1 }), 7),
        ],
    );
    let codes = make(&gold, 2);
    let unused = codes[0]["code"].clone();
    let expected = format!(
        r#"{{"tariff_id":{gold},"bonus_amount":3.0,"free_days":5,"money_amount":0.0,"device_type":"tracker","code":{unused},"activated":false,"activation_date":null,"device_id":0,"tariff_name":"Gold"}}"#
    );
    assert_eq!(codes[0].to_string(), expected);
    assert_eq!(unused.as_str().unwrap().len(), 10);
    let firm = make(&firms, 1)[0]["code"].clone();
    let with = |imei: &str, plugin: i64, code: &Value| {
        registration(imei, json!({ "plugin_id": plugin, "activation_code": code }))
    };
    anna.register("Taken", "000000000000009");
    refused(
        &anna,
        &[
            ("tracker/register", with("000000000000001", 37, &Value::Null), 7),
            ("tracker/register", with("000000000000001", 37, &json!("123")), 227),
            ("tracker/register", with("000000000000001", 44, &json!("1234567890")), 227),
            ("tracker/register", with("000000000000001", 37, &firm), 225),
            ("tracker/register", with("000000000000009", 37, &unused), 224),
        ],
    );
    // What failed did not use the code up.
    let made = anna.call("tracker/register", with("000000000000001", 37, &unused)).success()["value"].clone();
    assert_eq!(made["source"]["tariff_id"], gold);
    assert_ne!(made["source"]["tariff_end_date"], Value::Null);
    assert_eq!(anna.call("tracker/register", with("000000000000002", 37, &unused)).code(), 227);
    let user = panel.call("panel/user/read", json!({ "user_id": id(&anna) })).success();
    assert_eq!(user["value"]["bonus"], json!(3.0));
    let used = panel.call("panel/dealer/activation_code/list", json!({ "filter": unused })).success();
    assert_eq!(
        (&used["list"][0]["activated"], &used["list"][0]["device_id"]),
        (&json!(true), &made["source"]["id"])
    );
    let change =
        json!({ "codes": [unused, codes[1]["code"]], "tariff_id": 1, "bonus_amount": 0, "free_days": 0 });
    assert_eq!(panel.call("panel/dealer/activation_code/update", change).success()["count"], json!(1));
}

#[test]
fn plans_change() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    let plan =
        |terms: Value| panel.call("panel/tariff/create", json!({ "tariff": terms })).success()["id"].clone();
    let gold = plan(json!({ "name": "Gold", "price": 30 }));
    let early = plan(json!({ "name": "Early", "early_change_price": 5 }));
    let idle = plan(json!({ "name": "Idle", "active": false }));
    let group = plan(json!({ "name": "Other group", "group_id": 2 }));
    let firms = plan(json!({ "name": "Firms", "doc_type": 2 }));
    let none = plan(json!({ "name": "None", "device_limit": 0 }));
    let camera = plan(json!({ "name": "Camera", "device_type": "camera" }));
    let tracker = anna.register("Van", "000000000000001");
    let names =
        |list: &Value| list.as_array().unwrap().iter().map(|plan| plan["name"].clone()).collect::<Vec<_>>();
    let list = anna.call("tariff/list", json!({})).success();
    assert_eq!(
        json!(names(&list["list"])),
        json!(["Default", "Gold", "Early", "Idle", "Other group", "None"])
    );
    let expected = format!(
        r#"{{"id":{gold},"name":"Gold","group_id":1,"active":true,"type":"monthly","price":30.0,"early_change_price":null,"device_limit":2147483647,"has_reports":true,"paas_free":false,"store_period":"1y","features":[],"map_filter":{{"exclusion":true,"values":[]}}}}"#
    );
    assert_eq!(list["list"][1].to_string(), expected);
    let open = anna.call("tariff/tracker/list", json!({ "tracker_id": tracker })).success();
    assert_eq!(json!(names(&open["list"])), json!(["Gold", "Early", "None"]));
    assert_eq!(open["days_to_next_change"], json!(0));
    let to = |plan: &Value| json!({ "tracker_id": tracker, "tariff_id": plan });
    refused(
        &anna,
        &[
            ("tariff/tracker/list", json!({ "tracker_id": i32::MAX }), 201),
            ("tariff/tracker/change", json!({ "tracker_id": i32::MAX, "tariff_id": gold }), 201),
            ("tariff/tracker/change", to(&json!(i32::MAX)), 239),
            ("tariff/tracker/change", to(&camera), 237),
            ("tariff/tracker/change", to(&json!(1)), 238),
            ("tariff/tracker/change", to(&idle), 238),
            ("tariff/tracker/change", to(&group), 238),
            ("tariff/tracker/change", to(&firms), 238),
            ("tariff/tracker/change", to(&none), 221),
        ],
    );
    anna.call("tariff/tracker/change", to(&gold)).success();
    refused(
        &anna,
        &[("tariff/tracker/change", to(&json!(1)), 240), ("tariff/tracker/change", to(&early), 240)],
    );
    let open = anna.call("tariff/tracker/list", json!({ "tracker_id": tracker })).success();
    assert_eq!(open["days_to_next_change"], json!(30));
    let read = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
    assert_eq!(read["value"]["source"]["tariff_id"], gold);
    assert!(read["value"]["source"]["tariff_end_date"].as_str().unwrap().ends_with("-01"));

    refused(
        &panel,
        &[
            ("panel/tracker/tariff/change", json!({ "tracker_id": i32::MAX, "tariff_id": 1 }), 201),
            ("panel/tracker/tariff/change", to(&json!(i32::MAX)), 239),
            ("panel/tracker/tariff/change", to(&camera), 237),
            ("panel/tracker/tariff/change", to(&gold), 238),
            ("panel/tracker/tariff/change", to(&firms), 238),
            ("panel/tracker/tariff/change", to(&none), 221),
            ("panel/tariff/read", json!({ "tariff_id": i32::MAX }), 201),
            ("panel/tariff/update", json!({ "tariff": { "id": i32::MAX, "name": "x" } }), 201),
            ("panel/tariff/update", json!({ "tariff": { "id": gold, "name": "Default" } }), 244),
            ("panel/tariff/update", json!({ "tariff": { "name": "Default" } }), 7),
        ],
    );
    let mut change = to(&idle);
    change["repay"] = json!(true);
    panel.call("panel/tracker/tariff/change", change).success();
    let read = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
    assert_eq!(read["value"]["source"]["tariff_id"], idle);
    let renamed =
        json!({ "tariff": { "id": idle, "name": "Sleepy", "price": 1.5, "device_limit": 0, "doc_type": 2 } });
    panel.call("panel/tariff/update", renamed).success();
    let read = panel.call("panel/tariff/read", json!({ "tariff_id": idle })).success();
    assert_eq!((&read["value"]["name"], &read["value"]["price"]), (&json!("Sleepy"), &json!(1.5)));
    // Who blocked it changes the plan of a blocked one, and its user does not unblock it so.
    block(&panel, tracker, true);
    refused(&anna, &[("tariff/tracker/change", to(&early), 208)]);
    let read = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
    assert_eq!(read["value"]["source"]["blocked"], json!(true));
    block(&panel, tracker, false);
    // The plan that a tracker keeps when its device is replaced must fit.
    assert_eq!(anna.call("tracker/replace", replacement(tracker, "000000000000002")).code(), 225);
    let full = json!({ "tariff": { "id": idle, "name": "Sleepy", "device_limit": 0 } });
    panel.call("panel/tariff/update", full).success();
    assert_eq!(anna.call("tracker/replace", replacement(tracker, "000000000000002")).code(), 221);
}

#[test]
fn registration_is_tried_again() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    let tracker = anna.register("Van", "000000000000001");
    let mut expected = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
    let by_device = json!({ "device_id": "000000000000001", "apn_name": "fast.tmobile.com",
        "apn_user": "tmobile", "apn_password": "tmobile", "send_register_commands": null });
    for which in [json!({ "tracker_id": tracker }), by_device] {
        assert_eq!(anna.call("tracker/register_retry", which).success(), expected);
    }
    refused(
        &anna,
        &[
            ("tracker/register_retry", json!({}), 7),
            ("tracker/register_retry", json!({ "tracker_id": i32::MAX }), 201),
            ("tracker/register_retry", json!({ "device_id": "000000000000077" }), 201),
            ("tracker/register_retry", json!({ "tracker_id": tracker, "apn_name": "a/b" }), 7),
        ],
    );
    let id = json!({ "tracker_id": tracker, "send_register_commands": false });
    panel.call("panel/tracker/register_retry", id.clone()).success();
    refused(
        &panel,
        &[
            ("panel/tracker/register_retry", id.clone(), 264),
            ("panel/tracker/register_retry", json!({ "tracker_id": i32::MAX }), 201),
        ],
    );
    let berta = server.user("berta");
    let cloned = clone(&panel, tracker, &berta);
    refused(&panel, &[("panel/tracker/register_retry", json!({ "tracker_id": cloned }), 219)]);
    block(&panel, tracker, true);
    refused(&panel, &[("panel/tracker/register_retry", id, 208)]);
    expected["value"]["source"]["blocked"] = json!(true);
    assert_eq!(anna.call("tracker/read", json!({ "tracker_id": tracker })).success(), expected);
}

#[test]
fn users_are_changed_and_removed() {
    let server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let tracker = anna.register("Van", "000000000000001");
    let cloned = clone(&panel, tracker, &berta);
    let (anna_id, berta_id) = (id(&anna), id(&berta));
    let update = |user: Value| json!({ "user": user, "comment": "pays late" });
    panel
        .call("panel/user/update", update(json!({ "id": anna_id, "login": "anna2", "first_name": "Anna" })))
        .success();
    let read = panel.call("panel/user/read", json!({ "user_id": anna_id })).success()["value"].clone();
    let seen = ["login", "first_name", "comment", "activated"].map(|key| read[key].clone());
    assert_eq!(json!(seen), json!(["anna2", "Anna", "pays late", true]));
    let remove =
        |login: &str, clones: bool| json!({ "user_id": anna_id, "login": login, "corrupt_clones": clones });
    refused(
        &panel,
        &[
            ("panel/user/update", update(json!({ "id": i32::MAX, "login": "nobody" })), 201),
            ("panel/user/update", update(json!({ "id": anna_id, "login": "berta" })), 206),
            ("panel/user/update", update(json!({ "login": "nobody" })), 7),
            ("panel/user/corrupt", json!({ "user_id": i32::MAX, "login": "anna2" }), 201),
            ("panel/user/corrupt", remove("anna", true), 201),
        ],
    );
    let kept = panel.call("panel/user/corrupt", remove("anna2", false));
    assert_eq!((kept.code(), &kept.body["list"]), (253, &json!([cloned])));
    panel.call("panel/user/corrupt", remove("anna2", true)).success();
    refused(
        &panel,
        &[
            ("panel/user/corrupt", remove("anna2", true), 252),
            ("panel/user/read", json!({ "user_id": anna_id }), 201),
            ("panel/user/session/create", json!({ "user_id": anna_id }), 201),
        ],
    );
    refused(&anna, &[("tracker/list", json!({}), 4)]);
    refused(&berta, &[("tracker/read", json!({ "tracker_id": cloned }), 201)]);
    assert_eq!(panel.call("panel/user/list", json!({})).success()["list"][0]["id"], berta_id);
    // Login and device are free.
    server.user("anna2").register("Van", "000000000000001");
}
