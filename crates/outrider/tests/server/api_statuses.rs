//! `status/…`: working statuses, their listings, and which one a tracker has.

use crate::support::{Answer, Device, Reaction, Server, Session, keys, now, record};
use serde_json::{Value, json};
use store::catalog::{Catalog, StatusListing};

const IMEI: &str = "356307042441013";

fn id(answer: Answer) -> i64 {
    answer.success()["id"].as_i64().unwrap()
}

fn listing(session: &Session, by_users: bool) -> i64 {
    let listing =
        json!({ "label": "Drivers", "employee_controlled": true, "supervisor_controlled": by_users });
    id(session.call("status/listing/create", json!({ "listing": listing })))
}

fn status(session: &Session, listing: i64, label: &str) -> i64 {
    let status = json!({ "label": label, "color": "E57373" });
    id(session.call("status/create", json!({ "listing_id": listing, "status": status })))
}

fn assign_listing(session: &Session, tracker: i64, listing: i64) -> Answer {
    let assignment = json!({ "tracker_id": tracker, "listing_id": listing });
    session.call("status/listing/tracker/assign", assignment)
}

fn assign(session: &Session, tracker: i64, status: i64) -> Answer {
    session.call("status/tracker/assign", json!({ "tracker_id": tracker, "new_status_id": status }))
}

fn read(session: &Session, tracker: i64) -> Value {
    session.call("status/tracker/read", json!({ "tracker_id": tracker })).success()
}

#[test]
fn listings_and_their_statuses() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    anna.register("Van", IMEI);
    berta.register("Van", "356307042441021");
    let first = listing(&anna, true);
    let [busy, free] = ["Busy", "Free"].map(|label| status(&anna, first, label));
    let listed = |session: &Session| session.call("status/listing/list", json!({})).success()["list"].clone();
    let object = |entries: [i64; 2]| {
        json!([{ "id": first, "label": "Drivers", "employee_controlled": true, "supervisor_controlled": true,
            "entries": entries }])
    };
    assert_eq!(listed(&anna), object([busy, free]));
    assert_eq!(listed(&berta), json!([]));

    let update = |session: &Session, id: i64, entries: Value| {
        let listing = json!({ "id": id, "label": "Drivers", "employee_controlled": true,
            "supervisor_controlled": true, "entries": entries });
        session.call("status/listing/update", json!({ "listing": listing }))
    };
    for incomplete in [json!([busy]), json!([busy, free, 999]), json!([busy, 999]), json!([])] {
        assert_eq!(update(&anna, first, incomplete).code(), 262);
    }
    let second = update(&anna, first, json!([busy, free, busy]));
    assert_eq!(second.wrong_parameters(), ["listing.entries"]);
    for (session, id) in [(&anna, 999), (&berta, first)] {
        assert_eq!(update(session, id, json!([])).code(), 201);
        assert_eq!(session.call("status/listing/delete", json!({ "listing_id": id })).code(), 201);
        let new = json!({ "listing_id": id, "status": { "label": "x", "color": "000000" } });
        assert_eq!(session.call("status/create", new).code(), 201);
        assert_eq!(session.call("status/list", json!({ "listing_id": id })).success()["list"], json!([]));
    }
    update(&anna, first, json!([free, busy])).success();
    assert_eq!(listed(&anna), object([free, busy]));

    let change = |session: &Session, id: i64| {
        let status = json!({ "id": id, "label": "Änderung", "color": "00ff00" });
        session.call("status/update", json!({ "status": status }))
    };
    for (session, id) in [(&anna, 999), (&berta, free)] {
        assert_eq!(change(session, id).code(), 201);
        assert_eq!(session.call("status/delete", json!({ "status_id": id })).code(), 201);
    }
    change(&anna, free).success();
    anna.call("status/delete", json!({ "status_id": busy })).success();
    assert_eq!(
        anna.call("status/list", json!({ "listing_id": first })).success()["list"],
        json!([{ "id": free, "label": "Änderung", "color": "00ff00" }])
    );
    for (field, value) in [("label", json!("")), ("label", json!("x".repeat(256))), ("color", json!("red"))] {
        let mut new = json!({ "listing_id": first, "status": { "label": "x", "color": "000000" } });
        new["status"][field] = value;
        assert_eq!(anna.call("status/create", new).wrong_parameters(), [format!("status.{field}")]);
    }

    // As many as there may be.
    let [statuses, listings] = server.with_catalog(async |catalog: &Catalog| {
        let listing = catalog.status_listings_of(domain::AccountId(1)).await.unwrap().remove(0);
        for _ in 1..1000 {
            catalog.create_status(listing.account, listing.id, "x", "000000").await.unwrap();
        }
        for _ in 1..100 {
            let another = StatusListing { label: "Another".to_owned(), ..listing.clone() };
            catalog.create_status_listing(&another).await.unwrap();
        }
        let statuses = catalog.statuses_of(listing.account).await.unwrap().len();
        [statuses, catalog.status_listings_of(listing.account).await.unwrap().len()]
    });
    assert_eq!([statuses, listings], [1000, 100]);
    let anna = server.resume(&anna);
    let new = json!({ "listing_id": first, "status": { "label": "x", "color": "000000" } });
    assert_eq!(anna.call("status/create", new).code(), 268);
    let new = json!({ "label": "x", "employee_controlled": true, "supervisor_controlled": true });
    assert_eq!(anna.call("status/listing/create", json!({ "listing": new })).code(), 268);
    anna.call("status/listing/delete", json!({ "listing_id": first })).success();
    let last = listing(&anna, true);
    status(&anna, last, "There is room again");
}

#[test]
fn the_status_of_a_tracker() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let (van, other) = (anna.register("Van", IMEI), anna.register("Other", "356307042441039"));
    let foreign = berta.register("Van", "356307042441021");
    let (by_users, by_drivers, bertas) = (listing(&anna, true), listing(&anna, false), listing(&berta, true));
    let [busy, free] = ["Busy", "Free"].map(|label| status(&anna, by_users, label));
    let driving = status(&anna, by_drivers, "Driving");
    let listing_of = |session: &Session| {
        let tracker = session.call("tracker/read", json!({ "tracker_id": van })).success();
        tracker["value"]["source"]["status_listing_id"].clone()
    };

    assert_eq!(read(&anna, van), json!({ "success": true, "current_status": null, "last_change": null }));
    assert_eq!(assign(&anna, van, busy).code(), 204, "it has no listing");
    assert_eq!(listing_of(&anna), Value::Null);
    for (tracker, listing, code) in [(foreign, by_users, 201), (van, bertas, 204), (van, 999, 204)] {
        assert_eq!(assign_listing(&anna, tracker, listing).code(), code);
    }
    assign_listing(&anna, van, by_drivers).success();
    assert_eq!(listing_of(&anna), by_drivers);
    assert_eq!(assign(&anna, van, busy).code(), 204, "of another listing");
    assert_eq!(assign(&anna, van, driving).code(), 13);
    assign_listing(&anna, van, by_users).success();

    let first = assign(&anna, van, busy).success()["last_change"].clone();
    assert_eq!(keys(&first), ["id", "old_status_id", "new_status_id", "location", "changed", "origin"]);
    assert_eq!(
        [&first["old_status_id"], &first["new_status_id"], &first["location"], &first["origin"]],
        [&Value::Null, &json!(busy), &Value::Null, &json!("supervisor")]
    );
    assert_eq!(assign(&anna, van, busy).code(), 263);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    let second = assign(&anna, van, free).success()["last_change"].clone();
    assert_eq!([&second["old_status_id"], &second["new_status_id"]], [&json!(busy), &json!(free)]);
    assert!(second["id"].as_i64() > first["id"].as_i64());
    let point = anna.call("tracker/get_last_gps_point", json!({ "tracker_id": van })).success();
    assert_eq!(
        second["location"],
        json!({ "lat": point["value"]["lat"], "lng": point["value"]["lng"], "address": "" })
    );
    let current = json!({ "id": free, "label": "Free", "color": "E57373" });
    assert_eq!(
        read(&anna, van),
        json!({ "success": true, "current_status": current, "last_change": second })
    );

    // Its new device goes on with it.
    let new =
        json!({ "tracker_id": van, "plugin_id": 44, "model": "telfmb920", "device_id": "356307042441047" });
    anna.call("tracker/replace", new).success();
    assert_eq!(listing_of(&anna), by_users);
    let list = |session: &Session, trackers: Value| {
        session.call("status/tracker/list", json!({ "trackers": trackers }))
    };
    assert_eq!(
        list(&anna, json!([van, other])).success()["value"],
        json!({
            van.to_string(): { "current_status": current, "last_change": second },
            other.to_string(): { "current_status": null, "last_change": null },
        })
    );
    assert_eq!(list(&anna, json!([van, foreign])).code(), 217);
    assert_eq!(list(&anna, json!(vec![van; 501])).code(), 221);
    for action in ["status/tracker/read", "status/listing/tracker/assign"] {
        assert_eq!(anna.call(action, json!({ "tracker_id": foreign })).code(), 201, "{action}");
    }
    assert_eq!(assign(&anna, foreign, busy).code(), 201);

    // A clone is told nothing of it, and cannot change it.
    let to = berta.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let clone = json!({ "tracker_id": van, "user_id": to, "label": "Clone" });
    let clone = id(server.panel().call("panel/tracker/clone", clone));
    let none = json!({ "current_status": null, "last_change": null });
    assert_eq!(list(&berta, json!([clone])).success()["value"], json!({ clone.to_string(): none }));
    let which = json!({ "tracker_id": clone });
    assert_eq!(berta.call("status/tracker/read", which).code(), 219);
    assert_eq!(
        (assign_listing(&berta, clone, bertas).code(), assign(&berta, clone, busy).code()),
        (219, 219)
    );

    // What is deleted nobody has; the change is remembered.
    anna.call("status/delete", json!({ "status_id": free })).success();
    assert_eq!(read(&anna, van), json!({ "success": true, "current_status": null, "last_change": second }));
    anna.call("status/listing/delete", json!({ "listing_id": by_users })).success();
    assert_eq!(listing_of(&anna), Value::Null);
    assign_listing(&anna, van, by_drivers).success();
    anna.call("status/listing/tracker/assign", json!({ "tracker_id": van })).success();
    assert_eq!(listing_of(&anna), Value::Null);

    let source = anna.call("tracker/read", json!({ "tracker_id": van })).success();
    let source = source["value"]["source"]["id"].as_i64().unwrap();
    server.with_catalog(async |catalog: &Catalog| {
        catalog.block_source(domain::SourceId(source)).await.unwrap();
    });
    let anna = server.resume(&anna);
    assert_eq!(anna.call("status/tracker/read", json!({ "tracker_id": van })).code(), 208);
    let blocked = [assign_listing(&anna, van, by_drivers), assign(&anna, van, driving)];
    assert_eq!(blocked.map(|answer| answer.code()), [208, 208]);
    assert_eq!(list(&anna, json!([van])).code(), 217);
}

#[test]
fn the_plan_of_one_tracker_must_have_statuses() {
    let server = Server::start();
    let panel = server.panel();
    let plan = panel.call("panel/tariff/create", json!({ "tariff": { "name": "Bare" } }));
    let anna = server.user_with("anna@example.com", json!({ "default_tariff_id": id(plan) }));
    let van = anna.register("Van", IMEI);
    let listing_of_others =
        json!({ "label": "x", "employee_controlled": true, "supervisor_controlled": true });
    let mut changed = listing_of_others.clone();
    (changed["id"], changed["entries"]) = (json!(1), json!([]));
    for (action, parameters) in [
        ("status/create", json!({ "listing_id": 1, "status": { "label": "x", "color": "000000" } })),
        ("status/update", json!({ "status": { "id": 1, "label": "x", "color": "000000" } })),
        ("status/delete", json!({ "status_id": 1 })),
        ("status/list", json!({ "listing_id": 1 })),
        ("status/listing/create", json!({ "listing": listing_of_others })),
        ("status/listing/update", json!({ "listing": changed })),
        ("status/listing/delete", json!({ "listing_id": 1 })),
        ("status/listing/list", json!({})),
        ("status/listing/tracker/assign", json!({ "tracker_id": van, "listing_id": 1 })),
        ("status/tracker/assign", json!({ "tracker_id": van, "new_status_id": 1 })),
        ("status/tracker/read", json!({ "tracker_id": van })),
        ("status/tracker/list", json!({ "trackers": [van] })),
    ] {
        assert_eq!(anna.call(action, parameters).code(), 236, "{action}");
    }
    let all =
        panel.call("panel/tariff/create", json!({ "tariff": { "name": "All", "features": ["statuses"] } }));
    let berta = server.user_with("berta@example.com", json!({ "default_tariff_id": id(all) }));
    assert_eq!(berta.call("status/listing/list", json!({})).code(), 236, "there is no tracker");
    berta.register("Van", "356307042441021");
    listing(&berta, true);
}
