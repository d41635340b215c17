//! What users hang on trackers: tags, vehicles and garages, rules.

use crate::support::{Answer, Server, Session, USER_PASSWORD, keys};
use serde_json::{Value, json};

fn id(answer: Answer) -> i64 {
    let answer = answer.success();
    assert_eq!(keys(&answer), ["success", "id"]);
    answer["id"].as_i64().unwrap()
}

fn list(session: &Session, action: &str, parameters: Value) -> Value {
    let answer = session.call(action, parameters).success();
    assert_eq!(keys(&answer), ["success", "list"]);
    answer["list"].clone()
}

fn ids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

/// A sub-user who sees this tracker and holds these rights.
fn sub_user(server: &Server, master: &Session, tracker: i64, rights: Value) -> Session {
    let group = json!({ "group": { "label": "x", "privileges": { "rights": rights } } });
    let group = id(master.call("subuser/security_group/create", group));
    let user = json!({ "login": "ben@example.com", "security_group_id": group });
    let user = id(master.call("subuser/register", json!({ "user": user, "password": USER_PASSWORD })));
    master.call("subuser/tracker/bind", json!({ "subuser_id": user, "trackers": [tracker] })).success();
    server.log_in("ben@example.com")
}

fn tag(session: &Session, name: &str) -> i64 {
    id(session.call("tag/create", json!({ "tag": { "name": name, "color": "FF0000" } })))
}

#[test]
fn tags_and_what_carries_them() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let [van, bike] = ["356307042441013", "356307042441021"].map(|imei| anna.register("Van", imei));
    let [cold, hot, big] = ["Größe kalt", "Hot", "Big"].map(|name| tag(&anna, name));
    let foreign = tag(&berta, "Hot");
    let whole = |id: i64, name: &str| json!({ "id": id, "name": name, "color": "FF0000" });
    let all = json!([whole(cold, "Größe kalt"), whole(hot, "Hot"), whole(big, "Big")]);
    assert_eq!(list(&anna, "tag/list", json!({})), all);
    assert_eq!(ids(&list(&anna, "tag/list", json!({ "filter": "GRÖ" }))), [cold]);
    assert_eq!(ids(&list(&anna, "tag/list", json!({ "filter": null }))), [cold, hot, big]);
    for filter in ["ab", &"x".repeat(61)] {
        assert_eq!(anna.call("tag/list", json!({ "filter": filter })).wrong_parameters(), ["filter"]);
    }
    for (fields, wrong) in [
        (json!({ "name": "", "color": "FF0000" }), "tag.name"),
        (json!({ "name": "x".repeat(61), "color": "FF0000" }), "tag.name"),
        (json!({ "name": "x", "color": "#FF0000" }), "tag.color"),
        (json!({ "name": "x" }), "tag.color"),
    ] {
        assert_eq!(anna.call("tag/create", json!({ "tag": fields })).wrong_parameters(), [wrong]);
    }

    // The whole set each time, also as JSON in JSON.
    let set = |session: &Session, tracker: i64, bindings: Value| {
        session.call("tracker/tags/set", json!({ "tracker_id": tracker, "tag_bindings": bindings }))
    };
    let bindings = |session: &Session| {
        let trackers = session.call("tracker/list", json!({})).success()["list"].clone();
        trackers.as_array().unwrap().iter().map(|tracker| tracker["tag_bindings"].clone()).collect::<Vec<_>>()
    };
    let bound = |tag: i64, ordinal: i64| json!({ "tag_id": tag, "ordinal": ordinal });
    set(&anna, van, json!([bound(hot, 5), bound(cold, 1)])).success();
    assert_eq!(bindings(&anna), [json!([bound(cold, 1), bound(hot, 5)]), json!([])]);
    set(&anna, van, json!(json!([bound(hot, 2), bound(big, 1)]).to_string())).success();
    assert_eq!(bindings(&anna)[0], json!([bound(big, 1), bound(hot, 2)]));
    let read = anna.call("tracker/read", json!({ "tracker_id": van })).success();
    assert_eq!(read["value"]["tag_bindings"], bindings(&anna)[0]);
    for (wrong, parameters) in [
        (json!([bound(hot, 0)]), vec!["tag_bindings.0.ordinal"]),
        (json!([bound(hot, 6)]), vec!["tag_bindings.0.ordinal"]),
        (json!([bound(hot, 1), bound(hot, 2)]), vec!["tag_bindings"]),
        (json!([bound(hot, 1), bound(big, 1)]), vec!["tag_bindings"]),
        (json!([{ "ordinal": 1 }]), vec!["tag_bindings.0.tag_id"]),
        (json!("nonsense"), vec!["tag_bindings"]),
        (Value::Null, vec!["tag_bindings"]),
    ] {
        assert_eq!(set(&anna, van, wrong).wrong_parameters(), parameters);
    }
    assert_eq!(set(&anna, van, json!([bound(hot, 1), bound(foreign, 2)])).code(), 201);
    assert_eq!(set(&anna, 999_999, json!([])).code(), 201);
    assert_eq!(set(&berta, van, json!([])).code(), 201);
    assert_eq!(bindings(&anna)[0], json!([bound(big, 1), bound(hot, 2)]));

    set(&anna, bike, json!([bound(hot, 1)])).success();
    let vehicle = json!({ "vehicle": { "label": "Lorry", "tags": [hot, big, foreign] } });
    let lorry = id(anna.call("vehicle/create", vehicle));
    let search = |session: &Session, parameters: Value| {
        session.call("tag/search", parameters).success()["result"].clone()
    };
    let found = search(&anna, json!({ "tag_ids": [hot] }));
    let types = ["place", "task", "task_schedule", "employee", "vehicle", "zone", "tracker"];
    assert_eq!(keys(&found), types);
    assert_eq!((ids(&found["tracker"]), ids(&found["vehicle"])), (vec![van, bike], vec![lorry]));
    let both = search(&anna, json!({ "tag_ids": [hot, big], "entity_types": ["tracker"] }));
    assert_eq!((keys(&both), ids(&both["tracker"])), (vec!["tracker"], vec![van]));
    assert_eq!(ids(&search(&berta, json!({ "tag_ids": [hot] }))["tracker"]), [0; 0]);
    let unknown = json!({ "tag_ids": [], "entity_types": ["house"] });
    assert_eq!(anna.call("tag/search", unknown).wrong_parameters(), ["tag_ids", "entity_types"]);
    let ben = sub_user(&server, &anna, bike, json!([]));
    assert_eq!(ids(&search(&ben, json!({ "tag_ids": [hot] }))["tracker"]), [bike]);
    assert_eq!(set(&ben, van, json!([])).code(), 201);

    server.kill();
    server.restart();
    let (anna, berta) = (server.resume(&anna), server.resume(&berta));
    assert_eq!(bindings(&anna), [json!([bound(big, 1), bound(hot, 2)]), json!([bound(hot, 1)])]);
    let change = |session: &Session, id: i64| {
        session.call("tag/update", json!({ "tag": { "id": id, "name": "Warm", "color": "00FF00" } }))
    };
    change(&anna, hot).success();
    assert_eq!(list(&anna, "tag/list", json!({}))[1]["name"], "Warm");
    assert_eq!((change(&anna, 999).code(), change(&berta, hot).code()), (201, 201));
    let delete = |session: &Session, parameters: Value| session.call("tag/delete", parameters);
    assert_eq!(delete(&berta, json!({ "tag_id": hot })).code(), 201);
    delete(&berta, json!({ "tag_ids": [hot, 999] })).success();
    delete(&anna, json!({ "tag_id": hot })).success();
    assert_eq!(delete(&anna, json!({ "tag_id": hot })).code(), 201);
    for neither in [json!({}), json!({ "tag_id": big, "tag_ids": [big] })] {
        assert_eq!(delete(&anna, neither).wrong_parameters(), ["tag_id"]);
    }
    assert_eq!(bindings(&anna), [json!([bound(big, 1)]), json!([])]);
    delete(&anna, json!({ "tag_ids": [big, cold, 999] })).success();
    assert_eq!(list(&anna, "tag/list", json!({})), json!([]));
    assert_eq!(list(&anna, "vehicle/list", json!({}))[0]["tags"], json!([]));
}

#[test]
fn vehicles_and_their_garages() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let [van, bike] = ["356307042441013", "356307042441021"].map(|imei| anna.register("Tracker", imei));
    let garage = json!({ "location": { "lat": 40.4, "lng": -3.6, "address": "Calle Mayor, 5", "radius": 150 },
        "mechanic_name": "Marta", "dispatcher_name": "Vera", "organization_name": "North" });
    let north = id(anna.call("garage/create", json!({ "garage": garage })));
    let mut expected = json!({ "id": north });
    expected.as_object_mut().unwrap().extend(garage.as_object().unwrap().clone());
    assert_eq!(list(&anna, "garage/list", json!({})), json!([expected]));
    assert_eq!(list(&berta, "garage/list", json!({})), json!([]));
    let wrong = json!({ "garage": { "location": { "lat": 91 }, "mechanic_name": 5 } });
    let wrong = anna.call("garage/create", wrong);
    assert_eq!(wrong.wrong_parameters(), ["garage.location.lat", "garage.location.lng"]);

    let fields = json!({
        "label": "AGV", "max_speed": 90, "model": "Renault KERAX", "type": "truck", "subtype": "tractor",
        "trailer": "trailer1", "manufacture_year": 2001, "color": "some color",
        "additional_info": "additional info", "reg_number": "А001АА96", "vin": "TMBJF25LXC6080000",
        "chassis_number": "", "frame_number": "", "payload_weight": 32000, "payload_height": 1.2,
        "payload_length": 1.0, "payload_width": 1.0, "passengers": 4, "gross_weight": null,
        "fuel_type": "petrol", "fuel_grade": "А-80", "norm_avg_fuel_consumption": 9.0,
        "fuel_tank_volume": 50, "fuel_cost": 100.3, "wheel_arrangement": "4x2", "tyre_size": "255/65 R16",
        "tyres_number": 4, "liability_insurance_policy_number": "12345",
        "liability_insurance_valid_till": "2020-10-15", "free_insurance_policy_number": "",
        "free_insurance_valid_till": null,
    });
    let mut vehicle = fields.clone();
    (vehicle["tracker_id"], vehicle["garage_id"]) = (json!(van), json!(north));
    let first = id(anna.call("vehicle/create", json!({ "vehicle": vehicle })));
    let read = |session: &Session, id: i64| session.call("vehicle/read", json!({ "vehicle_id": id }));
    let printed = read(&anna, first).success()["value"].clone();
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(&printed[name], value, "{name}");
    }
    let rest = json!({ "id": first, "tracker_id": van, "tracker_label": "Tracker", "garage_id": north,
        "garage_organization_name": "North", "icon_id": null, "avatar_file_name": null, "tags": [] });
    for (name, value) in rest.as_object().unwrap() {
        assert_eq!(&printed[name], value, "{name}");
    }
    assert_eq!(printed.as_object().unwrap().len(), fields.as_object().unwrap().len() + 8);

    // One vehicle for each tracker: it is moved, or the call is refused.
    let create = |tracker: i64, force: Value| {
        let vehicle = json!({ "label": "Second", "tracker_id": tracker });
        anna.call("vehicle/create", json!({ "vehicle": vehicle, "force_reassign": force }))
    };
    let refused = create(van, json!(false));
    assert_eq!((refused.code(), refused.status), (247, 409));
    let second = id(create(van, Value::Null));
    assert_eq!(read(&anna, first).success()["value"]["tracker_id"], Value::Null);
    let update = |session: &Session, vehicle: Value, force: bool| {
        session.call("vehicle/update", json!({ "vehicle": vehicle, "force_reassign": force }))
    };
    let back = json!({ "id": first, "label": "AGV", "tracker_id": van });
    assert_eq!(update(&anna, back.clone(), false).code(), 247);
    update(&anna, back.clone(), true).success();
    update(&anna, back, false).success();
    assert_eq!(read(&anna, second).success()["value"]["tracker_id"], Value::Null);
    assert_eq!(read(&anna, first).success()["value"]["model"], "", "an update gives all anew");
    for (vehicle, code) in [
        (json!({ "id": 999, "label": "x" }), 201),
        (json!({ "id": first, "label": "x", "tracker_id": 999_999 }), 201),
        (json!({ "id": first, "label": "x", "garage_id": 999 }), 201),
        (json!({ "id": first, "label": "" }), 7),
        (json!({ "label": "x" }), 7),
        (json!({ "id": first, "label": "x", "type": "bus", "subtype": "sedan" }), 7),
        (json!({ "id": first, "label": "x", "subtype": "sedan" }), 7),
        (json!({ "id": first, "label": "x", "type": "plane" }), 7),
        (json!({ "id": first, "label": "x", "liability_insurance_valid_till": "15.10.2020" }), 7),
    ] {
        assert_eq!(update(&anna, vehicle.clone(), true).code(), code, "{vehicle}");
    }
    assert_eq!(update(&berta, json!({ "id": first, "label": "x" }), true).code(), 201);

    // Lists.
    let third = json!({ "vehicle": { "label": "Zoe", "max_speed": 135, "vin": "VF1", "tracker_id": bike } });
    let third = id(anna.call("vehicle/create", third));
    let listed = |session: &Session, wanted: Value| ids(&list(session, "vehicle/list", wanted));
    assert_eq!(listed(&anna, json!({})), [first, second, third]);
    assert_eq!(listed(&anna, json!({ "sort": ["label=desc"] })), [third, second, first]);
    assert_eq!(listed(&anna, json!({ "sort": ["max_speed=asc", "id=desc"] })), [second, first, third]);
    assert_eq!(listed(&anna, json!({ "limit": 1, "offset": 1 })), [second]);
    assert_eq!(listed(&anna, json!({ "filter": "vf" })), [third]);
    for (wanted, wrong) in [
        (json!({ "sort": ["wheels=asc"] }), "sort"),
        (json!({ "sort": ["id=asc", "label=asc", "vin=asc"] }), "sort"),
        (json!({ "filter": "x".repeat(101) }), "filter"),
        (json!({ "limit": 0 }), "limit"),
    ] {
        assert_eq!(anna.call("vehicle/list", wanted).wrong_parameters(), [wrong]);
    }
    assert_eq!(listed(&berta, json!({})), [0; 0]);

    // With a tracker that a sub-user does not see, a vehicle is not seen either.
    let ben = sub_user(&server, &anna, bike, json!(["vehicle_update"]));
    assert_eq!(listed(&ben, json!({})), [second, third]);
    assert_eq!(read(&ben, first).code(), 201);
    assert_eq!(update(&ben, json!({ "id": first, "label": "mine" }), true).code(), 201);
    assert_eq!(update(&ben, json!({ "id": third, "label": "x", "tracker_id": van }), true).code(), 201);
    ben.call("vehicle/delete", json!({ "vehicle_ids": [first] })).success();

    let change = |session: &Session, id: i64| {
        session.call("garage/update", json!({ "garage": { "id": id, "organization_name": "South" } }))
    };
    change(&anna, north).success();
    assert_eq!((change(&anna, 999).code(), change(&berta, north).code()), (201, 201));
    let delete = |session: &Session, id: i64| session.call("garage/delete", json!({ "garage_id": id }));
    assert_eq!(delete(&berta, north).code(), 201);
    update(&anna, json!({ "id": first, "label": "AGV", "garage_id": north }), true).success();
    assert_eq!(read(&anna, first).success()["value"]["garage_organization_name"], "South");
    delete(&anna, north).success();
    assert_eq!(delete(&anna, north).code(), 201);
    assert_eq!(read(&anna, first).success()["value"]["garage_id"], Value::Null);

    let delete = |session: &Session, parameters: Value| session.call("vehicle/delete", parameters);
    assert_eq!(delete(&berta, json!({ "vehicle_id": first })).code(), 201);
    assert_eq!(delete(&anna, json!({})).wrong_parameters(), ["vehicle_id"]);
    delete(&anna, json!({ "vehicle_id": first })).success();
    assert_eq!(delete(&anna, json!({ "vehicle_id": first })).code(), 201);
    delete(&anna, json!({ "vehicle_ids": [first, second] })).success();
    assert_eq!(listed(&anna, json!({})), [third]);
}

#[test]
fn rules_are_kept() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let [van, bike] = ["356307042441013", "356307042441021"].map(|imei| anna.register("Van", imei));
    let foreign = berta.register("Van", "356307042441039");
    let schedule = json!([
        { "type": "weekly", "from": { "weekday": 1, "time": "00:00:00" }, "to": { "weekday": 7, "time": "23:59:59" } },
        { "type": "fixed", "from": "2014-07-09 07:50:58", "to": "2014-07-10 07:50:58" },
    ]);
    let rule = json!({
        "name": "Too fast", "type": "speedup", "description": "on roads", "zone_ids": [],
        "primary_text": "fast", "secondary_text": "", "param": 90,
        "alerts": { "sms_phones": ["745494878945"], "phones": [], "emails": ["example@gmail.com"],
            "push_enabled": true },
        "suspended": false, "schedule": schedule, "extended_params": { "emergency": false, "private_rule": true },
    });
    let mut new = rule.clone();
    new["trackers"] = json!([bike, van, foreign, 999_999]);
    let first = id(anna.call("tracker/rule/create", json!({ "rule": new })));
    let listed = list(&anna, "tracker/rule/list", json!({}))[0].clone();
    for (name, value) in rule.as_object().unwrap() {
        assert_eq!(&listed[name], value, "{name}");
    }
    assert_eq!((&listed["id"], &listed["trackers"]), (&json!(first), &json!([van, bike])));
    let read = |session: &Session| session.call("tracker/rule/read", json!({ "rule_id": first }));
    assert_eq!(read(&anna).success()["value"], listed);
    assert_eq!(read(&berta).code(), 201);

    // As the documentation's table has it, and as its example sends numbers and flags.
    let second = json!({ "type": "sos", "trackers": [van], "alerts": {}, "param": "", "suspended": "" });
    let second = id(anna.call("tracker/rule/create", second));
    let expected = json!({ "id": second, "name": "", "type": "sos", "description": "", "zone_ids": [],
        "primary_text": "", "secondary_text": "", "param": null,
        "alerts": { "sms_phones": [], "phones": [], "emails": [], "push_enabled": false },
        "suspended": false, "trackers": [van] });
    assert_eq!(list(&anna, "tracker/rule/list", json!({ "tracker_id": van }))[1], expected);
    assert_eq!(ids(&list(&anna, "tracker/rule/list", json!({ "tracker_id": bike }))), [first]);
    assert_eq!(list(&berta, "tracker/rule/list", json!({})), json!([]));

    for (change, code) in [
        (json!({ "type": "flying" }), 7),
        (json!({ "alerts": null }), 7),
        (json!({ "alerts": { "emails": ["x"] } }), 7),
        (json!({ "trackers": null }), 7),
        (json!({ "schedule": [{ "type": "weekly" }] }), 7),
        (json!({ "schedule": [{ "type": "daily" }] }), 7),
        (json!({ "zone_ids": [5] }), 204),
        (json!({ "type": "offline", "zone_ids": [5] }), 7),
        (json!({ "type": "inoutzone" }), 7),
        (json!({ "type": "inoutzone", "zone_ids": [5] }), 204),
        (json!({ "type": "route" }), 7),
    ] {
        let mut wrong = new.clone();
        wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(anna.call("tracker/rule/create", json!({ "rule": wrong })).code(), code, "{change}");
        wrong["id"] = json!(first);
        assert_eq!(anna.call("tracker/rule/update", json!({ "rule": wrong })).code(), code, "{change}");
    }
    assert_eq!(anna.call("tracker/rule/create", json!({ "rule": 5 })).wrong_parameters(), ["rule"]);

    let bind = |session: &Session, action: &str, trackers: Value| {
        session.call(action, json!({ "rule_id": first, "trackers": trackers }))
    };
    let trackers = || read(&anna).success()["value"]["trackers"].clone();
    bind(&anna, "tracker/rule/unbind", json!([van, 999_999])).success();
    assert_eq!(trackers(), json!([bike]));
    bind(&anna, "tracker/rule/bind", json!([van, van, foreign, 999_999])).success();
    assert_eq!(trackers(), json!([van, bike]));
    for action in ["tracker/rule/bind", "tracker/rule/unbind"] {
        assert_eq!(bind(&berta, action, json!([foreign])).code(), 201, "{action}");
    }

    // A sub-user sees and changes a rule for the trackers that it sees.
    let ben = sub_user(&server, &anna, bike, json!(["tracker_rule_update"]));
    assert_eq!(ids(&list(&ben, "tracker/rule/list", json!({}))), [first]);
    assert_eq!(read(&ben).success()["value"]["trackers"], json!([bike]));
    assert_eq!(ben.call("tracker/rule/delete", json!({ "rule_id": second })).code(), 201);
    let update = |session: &Session, trackers: Value| {
        let mut rule = rule.clone();
        (rule["id"], rule["trackers"], rule["param"]) = (json!(first), trackers, json!(80));
        session.call("tracker/rule/update", json!({ "rule": rule }))
    };
    update(&ben, json!([])).success();
    assert_eq!(trackers(), json!([van]));
    assert_eq!(update(&ben, json!([bike])).code(), 201, "it is another's now");
    assert_eq!(update(&berta, json!([])).code(), 201);
    update(&anna, json!([bike])).success();
    assert_eq!((trackers(), &read(&anna).success()["value"]["param"]), (json!([bike]), &json!(80)));

    let delete = |session: &Session| session.call("tracker/rule/delete", json!({ "rule_id": first }));
    assert_eq!(delete(&berta).code(), 201);
    delete(&anna).success();
    assert_eq!(delete(&anna).code(), 201);
    assert_eq!(ids(&list(&anna, "tracker/rule/list", json!({}))), [second]);
}
