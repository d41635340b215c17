//! `subuser/…`: further users of an account, what they see and what they may do.

use crate::support::{Server, Session, USER_PASSWORD, keys};
use serde_json::{Value, json};

const RIGHTS: [&str; 15] = [
    "tracker_update",
    "tracker_register",
    "tracker_rule_update",
    "tracker_configure",
    "tracker_set_output",
    "tag_update",
    "task_update",
    "zone_update",
    "place_update",
    "employee_update",
    "vehicle_update",
    "payment_create",
    "form_template_update",
    "reports",
    "checkin_update",
];

/// A new sub-user of the master's account.
fn register(master: &Session, login: &str, security_group: Option<i64>) -> i64 {
    let user = json!({ "login": login, "security_group_id": security_group });
    let new = json!({ "user": user, "password": USER_PASSWORD });
    master.call("subuser/register", new).success()["id"].as_i64().unwrap()
}

fn security_group(master: &Session, privileges: Value) -> i64 {
    let group = json!({ "group": { "label": "Managers", "privileges": privileges } });
    master.call("subuser/security_group/create", group).success()["id"].as_i64().unwrap()
}

fn bind(master: &Session, sub_user: i64, trackers: &[i64]) {
    let bound = json!({ "subuser_id": sub_user, "trackers": trackers });
    master.call("subuser/tracker/bind", bound).success();
}

fn ids(list: &Value) -> Vec<i64> {
    list["list"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[test]
fn sub_users_come_change_and_go() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let group = security_group(&anna, json!({ "rights": ["reports"] }));
    let user = json!({
        "login": "ben@example.com", "activated": true, "first_name": "Ben", "last_name": "Berg",
        "legal_type": "individual", "phone": "491761234567", "post_city": "Bonn", "tin": "113",
        "security_group_id": group,
    });
    let register =
        |user: &Value| anna.call("subuser/register", json!({ "user": user, "password": USER_PASSWORD }));
    let created = register(&user).success();
    assert_eq!(keys(&created), ["success", "id"]);
    let ben = created["id"].as_i64().unwrap();
    assert_eq!(register(&user).code(), 206);

    let list = |session: &Session| session.call("subuser/list", json!({})).success()["list"].clone();
    let listed = list(&anna)[0].clone();
    assert_eq!(
        keys(&listed),
        [
            "id",
            "activated",
            "login",
            "first_name",
            "middle_name",
            "last_name",
            "phone",
            "legal_type",
            "legal_name",
            "post_country",
            "post_index",
            "post_region",
            "post_city",
            "post_street_address",
            "registered_country",
            "registered_index",
            "registered_region",
            "registered_city",
            "registered_street_address",
            "state_reg_num",
            "tin",
            "okpo_code",
            "iec",
            "security_group_id",
            "creation_date",
        ]
    );
    for (field, value) in user.as_object().unwrap() {
        assert_eq!(&listed[field], value, "{field}");
    }
    assert_eq!(list(&berta), json!([]));

    // What is not given stays.
    let update = |session: &Session, user: Value| session.call("subuser/update", json!({ "user": user }));
    update(&anna, json!({ "id": ben, "first_name": "Benjamin", "login": "b@example.com" })).success();
    let mut expected = listed;
    (expected["first_name"], expected["login"]) = (json!("Benjamin"), json!("b@example.com"));
    assert_eq!(list(&anna), json!([expected]));
    update(&anna, json!({ "id": ben, "security_group_id": null })).success();
    assert_eq!(list(&anna)[0]["security_group_id"], Value::Null);
    for (user, code) in [
        (json!({ "id": ben, "legal_type": "legal_entity" }), 7),
        (json!({ "id": ben, "login": "anna@example.com" }), 206),
        (json!({ "id": ben, "security_group_id": 999 }), 201),
        (json!({ "id": 999 }), 201),
        (json!({ "first_name": "x" }), 7),
        (json!({ "id": ben, "login": "x" }), 7),
    ] {
        assert_eq!(update(&anna, user.clone()).code(), code, "{user}");
    }
    assert_eq!(update(&berta, json!({ "id": ben })).code(), 201);
    assert_eq!(register(&json!({ "login": "c@example.com", "security_group_id": 999 })).code(), 201);
    let short = json!({ "user": { "login": "c@example.com" }, "password": "short" });
    assert_eq!(anna.call("subuser/register", short).wrong_parameters(), ["password"]);
    let long = json!({ "user": { "login": "c@example.com" }, "password": "x".repeat(21) });
    assert_eq!(anna.call("subuser/register", long).wrong_parameters(), ["password"]);

    // Who is not activated is logged out, and cannot log in.
    let session = server.log_in("b@example.com");
    session.call("tracker/list", json!({})).success();
    update(&anna, json!({ "id": ben, "activated": false })).success();
    assert_eq!(session.call("tracker/list", json!({})).code(), 4);
    let log_in = json!({ "login": "b@example.com", "password": USER_PASSWORD });
    assert_eq!(server.anyone().call("user/auth", log_in.clone()).code(), 103);
    update(&anna, json!({ "id": ben, "activated": true })).success();

    // A master opens sessions of them, which end with them.
    let open = |session: &Session| session.call("subuser/session/create", json!({ "subuser_id": ben }));
    assert_eq!(open(&berta).code(), 201);
    let session = Session::new(server.http(), open(&anna).success()["hash"].as_str());
    let info = session.call("user/get_info", json!({})).success();
    assert_eq!((&info["user_info"]["id"], &info["privileges"]["rights"]), (&json!(ben), &json!([])));
    let delete = |session: &Session| session.call("subuser/delete", json!({ "subuser_id": ben }));
    assert_eq!(delete(&berta).code(), 201);
    delete(&anna).success();
    assert_eq!(delete(&anna).code(), 201);
    assert_eq!(session.call("user/get_info", json!({})).code(), 4);
    assert_eq!(server.anyone().call("user/auth", log_in).code(), 102);
    server.kill();
    server.restart();
    assert_eq!(server.resume(&session).call("user/get_info", json!({})).code(), 4);
    assert_eq!(list(&server.resume(&anna)), json!([]));
}

#[test]
fn what_is_not_bound_is_invisible() {
    let mut server = Server::start();
    let anna = server.user("anna@example.com");
    let [van, bike] = ["356307042441013", "356307042441021"].map(|imei| anna.register("Van", imei));
    let groups = ["Vans", "Bikes", "Empty"].map(|title| {
        let group = json!({ "title": title, "color": "FFFFFF" });
        anna.call("tracker/group/create", group).success()["id"].as_i64().unwrap()
    });
    for (group, tracker) in [(groups[0], van), (groups[1], bike)] {
        anna.call("tracker/group/assign", json!({ "id": group, "trackers": [tracker] })).success();
    }
    let ben = register(&anna, "ben@example.com", None);
    let session = server.log_in("ben@example.com");
    assert_eq!(ids(&session.call("tracker/list", json!({})).success()), [0; 0]);
    bind(&anna, ben, &[van, van]);

    let list = |session: &Session, action| ids(&session.call(action, json!({})).success());
    assert_eq!(list(&session, "tracker/list"), [van]);
    assert_eq!(list(&session, "tracker/group/list"), [groups[0], groups[2]]);
    let day = json!({ "from": "2026-11-24 00:00:00", "to": "2026-11-25 00:00:00" });
    for action in [
        "tracker/read",
        "tracker/get_state",
        "tracker/get_last_gps_point",
        "track/list",
        "track/read",
        "tracker/settings/trip_detection/read",
    ] {
        let answer = |tracker: i64| {
            let mut parameters = day.clone();
            parameters["tracker_id"] = json!(tracker);
            session.call(action, parameters)
        };
        answer(van).success();
        let (unbound, nobodys) = (answer(bike), answer(999_999));
        assert_eq!((unbound.code(), unbound.body), (nobodys.code(), nobodys.body), "{action}");
    }
    let states = json!({ "trackers": [van, bike], "allow_not_exist": true });
    let states = session.call("tracker/get_states", states).success();
    assert_eq!((keys(&states["states"]), &states["not_exist"]), (vec![&*van.to_string()], &json!([bike])));
    assert_eq!(session.call("tracker/get_states", json!({ "trackers": [bike] })).code(), 217);

    // What the master sees of it, and that it is kept.
    let bound =
        |session: &Session, id: i64| session.call("subuser/tracker/list", json!({ "subuser_id": id }));
    assert_eq!(bound(&anna, ben).success()["list"], json!([van]));
    server.kill();
    server.restart();
    let (anna, session) = (server.resume(&anna), server.resume(&session));
    assert_eq!(list(&session, "tracker/list"), [van]);
    let change = |action: &str, id: i64, trackers: Value| {
        anna.call(action, json!({ "subuser_id": id, "trackers": trackers }))
    };
    for action in ["subuser/tracker/bind", "subuser/tracker/unbind"] {
        assert_eq!(change(action, ben, json!([bike, 999_999])).code(), 262, "{action}");
        assert_eq!(change(action, 999_999, json!([bike])).code(), 201, "{action}");
        assert_eq!(change(action, ben, json!("x")).wrong_parameters(), ["trackers"], "{action}");
    }
    assert_eq!(bound(&anna, 999_999).code(), 201);
    assert_eq!(list(&session, "tracker/list"), [van], "all or nothing");
    change("subuser/tracker/unbind", ben, json!([van, bike])).success();
    assert_eq!(list(&session, "tracker/list"), [0; 0]);
    assert_eq!(session.call("tracker/read", json!({ "tracker_id": van })).code(), 201);
}

#[test]
fn security_groups_say_what_may_be_done() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let group = security_group(&anna, json!({ "rights": RIGHTS, "store_period": "1d" }));
    let plain = security_group(&anna, json!({ "rights": [] }));
    let list =
        |session: &Session| session.call("subuser/security_group/list", json!({})).success()["list"].clone();
    let whole = json!({ "id": group, "label": "Managers",
        "privileges": { "rights": RIGHTS, "store_period": "1d" } });
    assert_eq!(
        list(&anna),
        json!([whole, { "id": plain, "label": "Managers", "privileges": { "rights": [] } }])
    );
    assert_eq!(list(&berta), json!([]));
    for (label, privileges, wrong) in [
        ("", json!({ "rights": [] }), "group.label"),
        ("x", json!({ "rights": ["admin"] }), "group.privileges.rights"),
        ("x", json!({ "rights": ["fly"] }), "group.privileges.rights"),
        ("x", json!({ "rights": [], "store_period": "1w" }), "group.privileges.store_period"),
        ("x", json!({}), "group.privileges.rights"),
    ] {
        let group = json!({ "group": { "label": label, "privileges": privileges } });
        assert_eq!(anna.call("subuser/security_group/create", group).wrong_parameters(), [wrong]);
    }

    // Rights change at once.
    let ben = register(&anna, "ben@example.com", None);
    let session = server.log_in("ben@example.com");
    let assign = |group: Option<i64>, users: Value| {
        anna.call("subuser/security_group/assign", json!({ "group_id": group, "subuser_ids": users }))
    };
    let tracker = |imei: &str| {
        let tracker = json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920",
            "device_id": imei });
        session.call("tracker/register", tracker)
    };
    assert_eq!(tracker("356307042441013").code(), 13);
    assign(Some(group), json!([ben])).success();
    let van = tracker("356307042441013").success()["value"]["id"].as_i64().unwrap();
    session.call("tracker/read", json!({ "tracker_id": van })).success();
    assert_eq!(ids(&session.call("tracker/list", json!({})).success()), [van], "who registers it sees it");

    // How far back it looks.
    let track = |session: &Session| {
        let span = json!({ "tracker_id": van, "from": "2026-10-01 00:00:00", "to": "2026-10-20 00:00:00" });
        session.call("track/list", span).success()["limit_exceeded"].clone()
    };
    assert_eq!((track(&session), track(&anna)), (json!(true), json!(false)));
    let changed = |id: i64, rights: Value| json!({ "group": { "id": id, "label": "Others", "privileges": { "rights": rights } } });
    let update = |session: &Session, group: Value| session.call("subuser/security_group/update", group);
    update(&anna, changed(group, json!(["tag_update"]))).success();
    assert_eq!(track(&session), json!(false));
    assert_eq!(tracker("356307042441021").code(), 13);
    assert_eq!(list(&anna)[0], changed(group, json!(["tag_update"]))["group"]);
    assert_eq!(update(&berta, changed(group, json!([]))).code(), 201);
    assert_eq!(update(&anna, changed(999, json!([]))).code(), 201);

    assert_eq!(assign(Some(999), json!([ben])).code(), 201);
    assert_eq!(assign(Some(group), json!([ben, 999])).code(), 201);
    let master = anna.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    assert_eq!(assign(Some(group), json!([master])).code(), 201);
    let delete = |session: &Session, id: i64| {
        session.call("subuser/security_group/delete", json!({ "security_group_id": id }))
    };
    assert_eq!(delete(&berta, group).code(), 201);
    delete(&anna, group).success();
    assert_eq!(delete(&anna, group).code(), 201);
    let groups = || anna.call("subuser/list", json!({})).success()["list"][0]["security_group_id"].clone();
    assert_eq!(groups(), Value::Null);
    assign(Some(plain), json!([ben])).success();
    assert_eq!(groups(), json!(plain));
    assign(None, json!([ben])).success();
    assert_eq!(groups(), Value::Null);
}

#[test]
fn every_plan_must_allow_sub_users() {
    let server = Server::start();
    let panel = server.panel();
    let plan = |features: Value| {
        let tariff = json!({ "name": format!("Plan {features}"), "group_id": 1, "active": true,
            "type": "monthly", "price": 0, "device_limit": 10, "has_reports": false, "store_period": "1y",
            "features": features });
        panel.call("panel/tariff/create", json!({ "tariff": tariff })).success()["id"].clone()
    };
    let with = server
        .user_with("anna@example.com", json!({ "default_tariff_id": plan(json!(["multilevel_access"])) }));
    let without = server.user_with("berta@example.com", json!({ "default_tariff_id": plan(json!([])) }));
    for (user, imei) in [(&with, "356307042441013"), (&without, "356307042441021")] {
        // Without trackers no plan is in the way.
        user.call("subuser/list", json!({})).success();
        user.register("Van", imei);
    }
    let group = json!({ "label": "x", "privileges": { "rights": [] } });
    let mut with_id = group.clone();
    with_id["id"] = json!(5);
    for (action, parameters) in [
        ("subuser/list", json!({})),
        ("subuser/register", json!({ "user": { "login": "ben" }, "password": USER_PASSWORD })),
        ("subuser/update", json!({ "user": { "id": 5 } })),
        ("subuser/delete", json!({ "subuser_id": 5 })),
        ("subuser/tracker/bind", json!({ "subuser_id": 5, "trackers": [] })),
        ("subuser/tracker/unbind", json!({ "subuser_id": 5, "trackers": [] })),
        ("subuser/tracker/list", json!({ "subuser_id": 5 })),
        ("subuser/security_group/create", json!({ "group": group })),
        ("subuser/security_group/update", json!({ "group": with_id })),
        ("subuser/security_group/delete", json!({ "security_group_id": 5 })),
        ("subuser/security_group/list", json!({})),
        ("subuser/security_group/assign", json!({ "group_id": 5, "subuser_ids": [5] })),
        ("subuser/session/create", json!({ "subuser_id": 5 })),
    ] {
        let answer = without.call(action, parameters.clone());
        assert_eq!((answer.code(), answer.status), (236, 402), "{action}");
        assert_ne!(with.call(action, parameters).body["status"]["code"], 236, "{action}");
    }
}
