//! Refusals: their shape, their HTTP status, every wrong parameter named; what is not an action; CORS.

use crate::support::{Server, http_status, keys};
use serde_json::{Value, json};

#[test]
fn a_code_has_the_http_status_of_the_service() {
    for code in domain::ErrorCode::ALL {
        assert_eq!(code.http_status(), http_status(i64::from(code.number())), "{code:?}");
    }
}

#[test]
fn every_wrong_parameter_is_named() {
    let server = Server::start();
    let (panel, anna) = (server.panel(), server.user("anna@example.com"));
    let long = "x".repeat(256);
    let cases: &[(_, _, _, &[_])] = &[
        (&server.anyone(), "user/auth", json!({}), &["login", "password"]),
        (
            &server.anyone(),
            "user/auth",
            json!({ "login": "", "password": "x".repeat(41) }),
            &["login", "password"],
        ),
        (&server.anyone(), "user/auth", json!({ "login": ["a"], "password": true }), &["login", "password"]),
        (
            &server.anyone(),
            "panel/account/auth",
            json!({ "login": null, "password": "" }),
            &["login", "password"],
        ),
        (&anna, "tracker/read", json!({}), &["tracker_id"]),
        (&anna, "tracker/read", json!({ "tracker_id": "one" }), &["tracker_id"]),
        (&anna, "tracker/read", json!({ "tracker_id": 1.5 }), &["tracker_id"]),
        (&anna, "tracker/read", json!({ "tracker_id": 2_147_483_648_u32 }), &["tracker_id"]),
        (&anna, "tracker/read", json!({ "tracker_id": [1] }), &["tracker_id"]),
        (
            &anna,
            "tracker/get_states",
            json!({ "trackers": 1, "list_blocked": "yes", "allow_not_exist": 7 }),
            &["trackers", "list_blocked", "allow_not_exist"],
        ),
        (&anna, "tracker/get_states", json!({ "trackers": [1, null] }), &["trackers"]),
        (&anna, "tracker/get_states", json!({ "trackers": [1, "x"] }), &["trackers"]),
        (&anna, "tracker/get_states", json!({ "trackers": "[1" }), &["trackers"]),
        (&anna, "tracker/group/create", json!({ "title": "", "color": "red" }), &["title", "color"]),
        (&anna, "tracker/group/assign", json!({ "id": "x" }), &["id", "trackers"]),
        (&anna, "tracker/register", json!({}), &["label", "group_id", "model", "plugin_id"]),
        (&anna, "user/password/set", json!({ "new_password": "12345" }), &["old_password", "new_password"]),
        (&panel, "panel/user/create", json!({}), &["user", "password"]),
        (
            &panel,
            "panel/user/create",
            json!({ "user": {}, "password": "12345" }),
            &["user.login", "password"],
        ),
        (&panel, "panel/user/create", json!({ "user": [], "password": "123456" }), &["user"]),
        (
            &panel,
            "panel/user/create",
            json!({ "user": { "login": "ab", "first_name": long, "legal_type": "robot", "activated": 3 },
                "password": "x".repeat(41), "time_zone": "Mars/Olympus", "locale": "english", "comment": "\u{7}" }),
            &[
                "user.login",
                "user.activated",
                "user.first_name",
                "user.legal_type",
                "password",
                "time_zone",
                "locale",
                "comment",
            ],
        ),
        (
            &panel,
            "panel/user/create",
            json!({ "user": { "login": "berta" }, "password": "123456",
            "time_zone": "Mars/Olympus", "locale": "x", "default_tariff_id": 0 }),
            &["time_zone", "locale"],
        ),
        (
            &panel,
            "panel/user/create",
            json!({ "user": { "login": "berta" }, "password": "123456",
            "default_tariff_id": 999 }),
            &["default_tariff_id"],
        ),
        (
            &panel,
            "panel/tariff/create",
            json!({ "tariff": { "name": "", "price": -1, "store_period": "forever", "doc_type": 3,
                "map_filter": { "values": [""] }, "service_prices": { "service_sms": "dear" } } }),
            &[
                "tariff.name",
                "tariff.price",
                "tariff.store_period",
                "tariff.map_filter.exclusion",
                "tariff.map_filter.values",
                "tariff.service_prices.service_sms",
                "tariff.doc_type",
            ],
        ),
        (
            &panel,
            "panel/tariff/defaults/update",
            json!({ "tracker": { "free_days": -1 } }),
            &["tracker.tariff_id", "tracker.free_days"],
        ),
        (
            &panel,
            "panel/user/list",
            json!({ "limit": 0, "offset": -1, "order_by": "age", "ascending": "up" }),
            &["order_by", "ascending", "offset", "limit"],
        ),
    ];
    for (caller, action, parameters, wrong) in cases {
        let answer = caller.call(action, parameters.clone());
        assert_eq!(answer.wrong_parameters(), *wrong, "{action} {parameters} {}", answer.body);
    }
    // An object in a form is JSON text, and its fields are named just so.
    let form = format!("hash={}&user={{\"login\":\"x\"}}&password=12345", panel.hash());
    let answer = panel.post("/v2/panel/user/create", &[], form);
    assert_eq!(answer.wrong_parameters(), ["user.login", "password"]);
}

#[test]
fn what_is_no_action_answers_111_or_112() {
    let server = Server::start();
    let anyone = server.anyone();
    for (path, code) in [
        ("/v2/nonsense/read", 111),
        ("/v2/nonsense", 111),
        ("/v2", 111),
        ("/v2/", 111),
        ("/v3/tracker/read", 111),
        ("/v2/v2/tracker/read", 111),
        ("/v2/nothing/read", 111),
        ("/v2/tracker/read/all", 111),
        ("/v2/tracker%2Fread", 111),
        ("/v2/tracker/../panel", 111),
        ("/v2/TRACKER/READ", 111),
        ("/v2/tracker/nonsense", 112),
        ("/v2/tracker/nonsense/", 112),
        ("/api-v2/tracker/nonsense", 112),
        ("/v2/tracker/READ", 112),
        ("/v2/tracker/group/nonsense", 112),
        ("/v2/user/session/nonsense", 112),
        ("/v2/panel/user/nonsense", 112),
    ] {
        assert_eq!(anyone.get(path, &[]).code(), code, "{path}");
        assert_eq!(anyone.post(path, &[], "{}").code(), code, "{path}");
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(anyone.send(method, "/v2/tracker/read", &[]).code(), 112, "{method}");
    }
    assert_eq!(anyone.send("HEAD", "/v2/tracker/read", &[]).status, 400);

    let private = Server::start_with("[panel]\npublic = false\n");
    for (address, path, code) in [
        (private.http(), "/v2/panel/account/auth", 111),
        (private.http(), "/v2/panel/user/nonsense", 111),
        (private.http(), "/v2/user/auth", 7),
        (private.admin(), "/v2/panel/account/auth", 7),
        (private.admin(), "/v2/user/auth", 111),
        (private.admin(), "/v2/tracker/nonsense", 111),
    ] {
        let caller = crate::support::Session::new(address, None);
        assert_eq!(caller.get(path, &[]).code(), code, "{path}");
    }
}

#[test]
fn browsers_may_call_from_anywhere_and_never_with_cookies() {
    let server = Server::start();
    let anyone = server.anyone();
    let origin = ("origin", "https://map.example.com");
    let asked = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,nvx-iso-datetime"),
    ];
    let preflight = anyone.send("OPTIONS", "/v2/tracker/read", &asked);
    assert_eq!((preflight.status, &preflight.body), (200, &Value::Null));
    let header = |name: &str| preflight.headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("access-control-allow-methods"), "GET,POST");
    assert_eq!(header("access-control-allow-headers"), "content-type,authorization,nvx-iso-datetime");
    assert_eq!(header("access-control-max-age"), "3600");

    let cookie = ("cookie", "session=1");
    let answers = [
        preflight,
        anyone.get("/v2/tracker/read", &[origin, cookie]),
        anyone.get("/v2/nonsense/read", &[origin]),
        anyone.post("/v2/user/auth", &[origin, ("content-type", "application/json")], "{"),
        server.panel().call("panel/user/list", json!({})),
    ];
    for answer in answers {
        assert_eq!(answer.headers.get("access-control-allow-origin").unwrap(), "*");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        assert!(!answer.headers.contains_key("set-cookie"));
        if answer.body != Value::Null {
            assert_eq!(answer.headers.get("cache-control").unwrap(), "no-store");
        }
    }
}

#[test]
fn the_panels_refusals() {
    let server = Server::start();
    let panel = server.panel();
    server.user("anna@example.com");
    let user = |login: &str| json!({ "user": { "login": login }, "password": "123456" });
    let unknown = json!({ "user_id": 999, "password": "123456" });
    let defaults = |plan: &Value| json!({ "tracker": { "tariff_id": plan } });
    panel.call("panel/tariff/create", json!({ "tariff": { "name": "Gold" } })).success();
    let cameras = json!({ "tariff": { "name": "Cameras", "device_type": "camera" } });
    let cameras = panel.call("panel/tariff/create", cameras).success()["id"].clone();
    let filmed = json!({ "user": { "login": "filmed" }, "password": "123456", "default_tariff_id": cameras });
    for (action, parameters, code) in [
        ("panel/account/auth", json!({ "login": "admin", "password": "wrong" }), 11),
        ("panel/account/auth", json!({ "login": "nobody", "password": "wrong" }), 11),
        ("panel/user/create", user("anna@example.com"), 206),
        ("panel/user/read", unknown.clone(), 201),
        ("panel/user/change_password", unknown.clone(), 201),
        ("panel/user/session/create", unknown, 201),
        ("panel/tariff/create", json!({ "tariff": { "name": "Gold" } }), 244),
        ("panel/tariff/defaults/update", defaults(&json!(999)), 239),
        ("panel/tariff/defaults/update", defaults(&cameras), 237),
        ("panel/user/create", filmed, 7),
    ] {
        assert_eq!(panel.call(action, parameters).code(), code, "{action}");
    }
    let users = panel.call("panel/user/list", json!({})).success();
    assert_eq!(keys(&users), ["success", "list", "count"]);
    assert_eq!(users["count"], 1);
}
