//! `tracker/register`, `tracker/read`, `tracker/list`: every limit of every parameter, every refusal, the exact answer.

use crate::support::{Answer, Server, Session, USER_PASSWORD, keys};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

/// A registration that is right, with some parameters changed; null takes one out.
fn registration(imei: u64, changes: Value) -> Value {
    let mut parameters = json!({
        "label": "Courier", "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": format!("{imei:015}"),
    });
    for (name, value) in changes.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    parameters
}

#[test]
fn limits_of_parameters() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let text = |length: usize| "x".repeat(length);
    let accepted = [
        json!({ "label": "x" }),
        json!({ "label": text(60) }),
        json!({ "label": "ü".repeat(60) }),
        json!({ "label": "🚚".repeat(60) }),
        json!({ "label": " " }),
        json!({ "label": 5 }),
        json!({ "group_id": "0", "plugin_id": "44" }),
        json!({ "device_id": 356_307_042_441_013_u64 }),
        json!({ "phone": "12345678" }),
        json!({ "phone": "1".repeat(20) }),
        json!({ "phone": 79_123_122_312_u64 }),
        json!({ "phone": "" }),
        json!({ "apn_name": "", "apn_user": "", "apn_password": "" }),
        json!({ "apn_name": "a-Z_9.@ x", "apn_user": text(40), "apn_password": "ü/\"'\\ <>&".to_owned() }),
        json!({ "apn_name": text(40), "apn_password": text(40) }),
        json!({ "activation_code": "" }),
        json!({ "send_register_commands": true }),
        json!({ "send_register_commands": "false" }),
        json!({ "send_register_commands": null }),
    ];
    for (imei, changes) in (1..).zip(accepted) {
        let answer = anna.call("tracker/register", registration(imei, changes.clone()));
        assert_eq!(answer.status, 200, "{changes} {}", answer.body);
    }
    let count = anna.call("tracker/list", json!({})).success()["list"].as_array().unwrap().len();

    let refused: &[(Value, &[&str])] = &[
        (json!({ "label": null }), &["label"]),
        (json!({ "label": "" }), &["label"]),
        (json!({ "label": text(61) }), &["label"]),
        (json!({ "label": true }), &["label"]),
        (json!({ "label": "a\u{7}" }), &["label"]),
        (json!({ "label": "a\nb" }), &["label"]),
        (json!({ "label": "a\u{7f}" }), &["label"]),
        (json!({ "label": "a\u{85}" }), &["label"]),
        (json!({ "label": "\u{e000}" }), &["label"]),
        (json!({ "label": "\u{f8ff}" }), &["label"]),
        (json!({ "label": "\u{f0000}" }), &["label"]),
        (json!({ "label": "\u{10fffd}" }), &["label"]),
        (json!({ "group_id": null }), &["group_id"]),
        (json!({ "group_id": "none" }), &["group_id"]),
        (json!({ "model": null }), &["model"]),
        (json!({ "model": "" }), &["model"]),
        (json!({ "plugin_id": null }), &["plugin_id"]),
        (json!({ "plugin_id": "x" }), &["plugin_id"]),
        (json!({ "device_id": null }), &["device_id"]),
        (json!({ "device_id": "" }), &["device_id"]),
        (json!({ "device_id": "35630704244101" }), &["device_id"]),
        (json!({ "device_id": "3563070424410134" }), &["device_id"]),
        (json!({ "device_id": "35630704244101x" }), &["device_id"]),
        (json!({ "device_id": "35630704 244101" }), &["device_id"]),
        (json!({ "device_id": "356307042441013\u{0}" }), &["device_id"]),
        (json!({ "device_id": "٣56307042441013" }), &["device_id"]),
        (json!({ "device_id": text(65) }), &["device_id"]),
        (json!({ "phone": "1234567" }), &["phone"]),
        (json!({ "phone": "1".repeat(21) }), &["phone"]),
        (json!({ "phone": "+79123122312" }), &["phone"]),
        (json!({ "phone": "7912 312 23" }), &["phone"]),
        (json!({ "phone": ["79123122312"] }), &["phone"]),
        (json!({ "apn_name": "a/b" }), &["apn_name"]),
        (json!({ "apn_name": text(41) }), &["apn_name"]),
        (json!({ "apn_user": "ü" }), &["apn_user"]),
        (json!({ "apn_user": text(41) }), &["apn_user"]),
        (json!({ "apn_password": text(41) }), &["apn_password"]),
        (json!({ "apn_password": "\u{1}" }), &["apn_password"]),
        (json!({ "activation_code": "1".repeat(21) }), &["activation_code"]),
        (json!({ "send_register_commands": "perhaps" }), &["send_register_commands"]),
        // Those that depend on the model are named together with the rest.
        (
            json!({ "label": "", "device_id": "123", "phone": "abc", "apn_name": "?" }),
            &["label", "phone", "apn_name", "device_id"],
        ),
        (json!({ "label": "", "device_id": null }), &["label", "device_id"]),
        (
            json!({ "label": null, "group_id": null, "model": null, "plugin_id": null, "device_id": "!" }),
            &["label", "group_id", "model", "plugin_id", "device_id"],
        ),
    ];
    for (changes, wrong) in refused {
        let answer = anna.call("tracker/register", registration(999, changes.clone()));
        assert_eq!(answer.wrong_parameters(), *wrong, "{changes} {}", answer.body);
    }
    let list = anna.call("tracker/list", json!({})).success();
    assert_eq!(list["list"].as_array().unwrap().len(), count, "a refused registration left a tracker");
    let answer = anna.call("tracker/register", registration(999, json!({})));
    assert_eq!(answer.status, 200, "a refused registration left its device: {}", answer.body);
}

#[test]
fn refusals() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let group = json!({ "title": "Vans", "color": "FF6DDC" });
    let bertas_group = berta.call("tracker/group/create", group).success()["id"].clone();
    let taken = registration(1, json!({ "phone": "79123122312" }));
    berta.call("tracker/register", taken).success();
    anna.call("tracker/register", registration(2, json!({ "phone": "79123122313" }))).success();
    for (imei, changes, code) in [
        (3, json!({ "group_id": 999_999 }), 204),
        (3, json!({ "group_id": -1 }), 204),
        (3, json!({ "group_id": bertas_group }), 204),
        (3, json!({ "model": "nonsense" }), 220),
        (3, json!({ "model": "TELFMB920" }), 220),
        (3, json!({ "plugin_id": 45 }), 222),
        (3, json!({ "plugin_id": 4 }), 222),
        (1, json!({}), 224),
        (2, json!({}), 224),
        (3, json!({ "phone": "79123122312" }), 223),
        (3, json!({ "phone": "79123122313" }), 223),
        (3, json!({ "activation_code": "1234567890" }), 227),
    ] {
        let answer = anna.call("tracker/register", registration(imei, changes.clone()));
        assert_eq!(answer.code(), code, "{changes}");
    }
    assert_eq!(anna.call("tracker/list", json!({})).success()["list"].as_array().unwrap().len(), 1);
    anna.call("tracker/register", registration(3, json!({ "phone": "79123122314" }))).success();
}

#[test]
fn plans_decide_who_may_register_what() {
    let server = Server::start();
    let panel = server.panel();
    let plan =
        |terms: Value| panel.call("panel/tariff/create", json!({ "tariff": terms })).success()["id"].clone();
    let everybody = plan(json!({ "name": "everybody" }));
    let people = plan(json!({ "name": "people", "doc_type": 1 }));
    let firms = plan(json!({ "name": "firms", "doc_type": 2 }));
    let two = plan(json!({ "name": "two", "device_limit": 2 }));
    let none = plan(json!({ "name": "none", "device_limit": 0 }));
    let register = |user: &Session, imei: u64| user.call("tracker/register", registration(imei, json!({})));
    let mut imeis = 1..;
    for (legal_type, plan, code) in [
        ("individual", &everybody, None),
        ("individual", &people, None),
        ("individual", &firms, Some(225)),
        ("legal_entity", &people, Some(225)),
        ("legal_entity", &firms, None),
        ("sole_trader", &people, Some(225)),
        ("sole_trader", &firms, None),
        ("sole_trader", &none, Some(221)),
    ] {
        let imei = imeis.next().unwrap();
        let user = json!({ "user": { "legal_type": legal_type }, "default_tariff_id": plan });
        let user = server.user_with(&format!("user-{imei}@example.com"), user);
        let answer = register(&user, imei);
        match code {
            None => assert_eq!(answer.success()["value"]["source"]["tariff_id"], *plan),
            Some(code) => assert_eq!(answer.code(), code, "{legal_type} {plan}"),
        }
    }
    let limited = server.user_with("limited@example.com", json!({ "default_tariff_id": two }));
    let answers = [100, 101, 102].map(|imei| register(&limited, imei));
    assert_eq!(answers.map(|answer| answer.status), [200, 200, 403]);
    assert_eq!(register(&limited, 102).code(), 221);

    // The panel's defaults: a plan for those who have none of their own, free days for the first few devices.
    let defaults =
        json!({ "tracker": { "tariff_id": people, "free_days": 14, "free_days_device_limit": 2 } });
    panel.call("panel/tariff/defaults/update", defaults).success();
    let read = panel.call("panel/tariff/defaults/read", json!({})).success();
    assert_eq!(
        read["tracker"].to_string(),
        format!(
            r#"{{"tariff_id":{people},"activation_bonus":0.0,"free_days":14,"free_days_device_limit":2}}"#
        )
    );
    let source = |answer: Answer| answer.success()["value"]["source"].clone();
    let day = |date: &Value| date.as_str().unwrap().parse::<Date>().unwrap();
    for (login, parameters, plan) in [
        ("dora@example.com", json!({ "time_zone": "Pacific/Kiritimati" }), &people),
        ("emma@example.com", json!({ "default_tariff_id": everybody }), &everybody),
    ] {
        let user = server.user_with(login, parameters);
        for number in 0..3 {
            let source = source(register(&user, imeis.next().unwrap() + 1000));
            assert_eq!(source["tariff_id"], *plan);
            if number < 2 {
                assert_eq!(day(&source["tariff_end_date"]), day(&source["creation_date"]) + 14.days());
            } else {
                assert_eq!(source["tariff_end_date"], json!(null));
            }
        }
    }
    let firm = server.user_with("firm@example.com", json!({ "user": { "legal_type": "legal_entity" } }));
    assert_eq!(register(&firm, 9999).code(), 225);
}

#[test]
fn the_tracker_object() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    berta.register("Other", "000000000000009");
    let today = || {
        let states = anna.call("tracker/get_states", json!({ "trackers": [] })).success();
        states["user_time"].as_str().unwrap()[..10].to_owned()
    };
    let group = json!({ "title": "Vans", "color": "FF6DDC" });
    let group = anna.call("tracker/group/create", group).success()["id"].clone();
    let before = today();
    let answers = [
        anna.call(
            "tracker/register",
            registration(1, json!({ "label": "aa1", "group_id": group, "phone": "79123122312" })),
        ),
        anna.call("tracker/register", registration(2, json!({ "label": "bb2", "iso_datetime": true }))),
        anna.call("tracker/register", registration(3, json!({ "label": "cc3" }))),
    ];
    let days = [before, today()];
    let trackers = answers.map(Answer::success);
    let expected = |at: usize, tags: &str| {
        let tracker = &trackers[at]["value"];
        let (id, label, source) = (&tracker["id"], &tracker["label"], &tracker["source"]["id"]);
        let day = tracker["source"]["creation_date"].as_str().unwrap();
        assert!(days.iter().any(|expected| expected == day), "{day}");
        let (group, phone) = if at == 0 { (&*group.to_string(), "\"79123122312\"") } else { ("0", "null") };
        format!(
            r#"{{"id":{id},"label":{label},"group_id":{group},"source":{{"id":{source},"device_id":"{:015}","#,
            at + 1
        ) + &format!(r#""model":"telfmb920","blocked":false,"tariff_id":1,"phone":{phone},"#)
            + &format!(
                r#""status_listing_id":null,"creation_date":"{day}","tariff_end_date":null}},{tags}"clone":false}}"#
            )
    };
    let tags = r#""tag_bindings":[],"#;
    for (at, tracker) in trackers.iter().enumerate() {
        assert_eq!(keys(tracker), ["success", "value"]);
        assert_eq!(tracker["value"].to_string(), expected(at, ""));
    }
    server.kill();
    server.restart();
    let anna = server.resume(&anna);
    for (at, tracker) in trackers.iter().enumerate() {
        let read = anna.call("tracker/read", json!({ "tracker_id": tracker["value"]["id"] })).success();
        assert_eq!(read.to_string(), format!(r#"{{"success":true,"value":{}}}"#, expected(at, tags)));
    }
    let whole = |numbers: &[usize]| {
        let list: Vec<_> = numbers.iter().map(|at| expected(*at, tags)).collect();
        format!(r#"{{"success":true,"list":[{}]}}"#, list.join(","))
    };
    let many: Vec<_> = (0..1024).map(|number| format!("label {number}")).collect();
    for (parameters, trackers) in [
        (json!({}), &[0, 1, 2][..]),
        (json!({ "labels": null }), &[0, 1, 2]),
        (json!({ "labels": ["aa", "b"] }), &[0, 1]),
        (json!({ "labels": ["3"] }), &[2]),
        (json!({ "labels": "[\"cc3\",\"Other\"]" }), &[2]),
        (json!({ "labels": ["x"] }), &[]),
        (json!({ "labels": ["x".repeat(60)] }), &[]),
        (json!({ "labels": many }), &[]),
    ] {
        assert_eq!(
            anna.call("tracker/list", parameters.clone()).success().to_string(),
            whole(trackers),
            "{parameters}"
        );
    }
    let too_many: Vec<_> = (0..1025).map(|number| format!("label {number}")).collect();
    for labels in [
        json!([]),
        json!(too_many),
        json!(["a", null]),
        json!(["a", "b", "a"]),
        json!(["a", ""]),
        json!(["x".repeat(61)]),
        json!(["a", ["b"]]),
        json!("a"),
        json!({ "a": 1 }),
    ] {
        assert_eq!(
            anna.call("tracker/list", json!({ "labels": labels })).wrong_parameters(),
            ["labels"],
            "{labels}"
        );
    }
    let log_in = json!({ "login": "berta@example.com", "password": USER_PASSWORD });
    let berta = server.anyone().call("user/auth", log_in).success();
    let list = Session::new(server.http(), berta["hash"].as_str()).call("tracker/list", json!({})).success();
    assert_eq!(list["list"].as_array().unwrap().len(), 1);
}

#[test]
fn plugins() {
    let server = Server::start();
    let plugins = server.user("anna@example.com").call("plugin/list", json!({})).success();
    assert_eq!(keys(&plugins), ["success", "list"]);
    let plugins = plugins["list"].as_array().unwrap();
    let expected = [(44, true), (37, true), (35, false), (68, false), (1, true)];
    assert_eq!(plugins.len(), expected.len());
    for (plugin, (id, exclusion)) in plugins.iter().zip(expected) {
        assert_eq!(keys(plugin), ["id", "type", "module", "ui_module", "filter"]);
        assert_eq!((&plugin["id"], &plugin["type"]), (&json!(id), &json!("tracker_register")));
        let filter = json!({ "exclusion": exclusion, "values": ["navixymobile", "mobile_unknown.*"] });
        assert_eq!(plugin["filter"], filter);
    }
}

#[test]
fn the_platform_makes_device_ids() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna@example.com"), server.panel());
    let codes = json!({ "count": 1, "tariff_id": 1, "bonus_amount": 0, "free_days": 5 });
    panel.call("panel/dealer/activation_code/create", codes).success();
    let code =
        panel.call("panel/dealer/activation_code/list", json!({})).success()["list"][0]["code"].clone();
    let app = |plugin: i64, changes: Value| {
        let mut app =
            json!({ "label": "Phone", "group_id": 0, "plugin_id": plugin, "model": "mobile_unknown_xgps" });
        app.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        app
    };
    // The code of a plugin of apps, where it is required and where it may be given; an app has no other plugin.
    for (plugin, changes, code) in [
        (68, json!({}), 7),
        (68, json!({ "activation_code": "1234567890" }), 227),
        (35, json!({ "activation_code": "1234567890" }), 227),
        (44, json!({}), 222),
        (37, json!({ "activation_code": code }), 222),
        (35, json!({ "model": "telfmb920", "device_id": "000000000000001" }), 222),
        (68, json!({ "model": "telfmb920", "device_id": "000000000000001", "activation_code": code }), 222),
    ] {
        assert_eq!(
            anna.call("tracker/register", app(plugin, changes.clone())).code(),
            code,
            "{plugin} {changes}"
        );
    }
    let tracker = json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "pt10" });
    let mut given = tracker.clone();
    given["device_id"] = json!("1");
    let mut ids = std::collections::BTreeSet::new();
    for (parameters, digits, prefix) in [
        (app(35, json!({})), 12, "18"),
        (app(68, json!({ "activation_code": code })), 12, "18"),
        (tracker, 10, "2"),
        // What the caller says about it is passed over.
        (given, 10, "2"),
    ] {
        let source = anna.call("tracker/register", parameters.clone()).success()["value"]["source"].clone();
        let id = source["device_id"].as_str().unwrap().to_owned();
        assert!(id.len() == digits && id.bytes().all(|digit| digit.is_ascii_digit()), "{parameters} {id}");
        assert!(id.starts_with(prefix), "{parameters} {id}");
        assert_eq!(source["model"], parameters["model"]);
        assert!(ids.insert(id), "each has its own");
    }
    assert_eq!(anna.call("tracker/register", app(68, json!({ "activation_code": code }))).code(), 227);
}
