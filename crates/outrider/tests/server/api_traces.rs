//! What stays of a tracker that is deleted, moved or corrupted: its number, which no other gets, and its past; nothing
//! names it any more. What stays of a device that is replaced: all that was set for it, and nothing that it was to be
//! told.

use crate::support::{Device, Reaction, Server, Session, USER_PASSWORD, now, record};
use serde_json::{Value, json};

fn id(answer: Value) -> i64 {
    answer["id"].as_i64().unwrap()
}

/// What names a tracker: a tag, a vehicle, a rule and a sub-user.
struct Names {
    tag: i64,
    vehicle: i64,
    rule: i64,
    sub_user: i64,
}

impl Names {
    fn of(master: &Session, tracker: i64, login: &str) -> Self {
        let tag = json!({ "tag": { "name": "Cold", "color": "FF0000" } });
        let tag = id(master.call("tag/create", tag).success());
        let bindings = json!([{ "tag_id": tag, "ordinal": 1 }]);
        let bindings = json!({ "tracker_id": tracker, "tag_bindings": bindings });
        master.call("tracker/tags/set", bindings).success();
        let vehicle = json!({ "vehicle": { "label": "Lorry", "tracker_id": tracker } });
        let vehicle = id(master.call("vehicle/create", vehicle).success());
        let rule =
            json!({ "type": "sos", "trackers": [tracker], "alerts": {}, "param": "", "suspended": "" });
        let rule = id(master.call("tracker/rule/create", rule).success());
        let user = json!({ "user": { "login": login }, "password": USER_PASSWORD });
        let sub_user = id(master.call("subuser/register", user).success());
        let bound = json!({ "subuser_id": sub_user, "trackers": [tracker] });
        master.call("subuser/tracker/bind", bound).success();
        Self { tag, vehicle, rule, sub_user }
    }

    /// Which trackers each of them names.
    fn trackers(&self, master: &Session) -> Value {
        let call = |action: &str, parameters: Value| master.call(action, parameters).success();
        let search = json!({ "tag_ids": [self.tag], "entity_types": ["tracker"] });
        let tagged = call("tag/search", search)["result"]["tracker"].clone();
        let tagged = tagged.as_array().into_iter().flatten().map(|tracker| tracker["id"].clone());
        let vehicle =
            call("vehicle/read", json!({ "vehicle_id": self.vehicle }))["value"]["tracker_id"].clone();
        let rules = call("tracker/rule/list", json!({}))["list"].clone();
        let rule = rules.as_array().unwrap().iter().find(|rule| rule["id"] == self.rule).unwrap();
        let bound = call("subuser/tracker/list", json!({ "subuser_id": self.sub_user }));
        json!([tagged.collect::<Vec<_>>(), vehicle, rule["trackers"], bound["list"]])
    }
}

fn clone(panel: &Session, tracker: i64, user: &Value) -> i64 {
    let clone = json!({ "tracker_id": tracker, "user_id": user, "label": "Clone" });
    id(panel.call("panel/tracker/clone", clone).success())
}

fn user_id(user: &Session) -> Value {
    user.call("user/get_info", json!({})).success()["user_info"]["id"].clone()
}

#[test]
fn nothing_names_a_tracker_that_is_gone() {
    let mut server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let trackers = ["000000000000001", "000000000000002"].map(|imei| anna.register("Van", imei));
    let [corrupted, moved] = trackers;
    let cloned = clone(&panel, corrupted, &user_id(&berta));
    let names = [corrupted, moved].map(|tracker| Names::of(&anna, tracker, &format!("sub-{tracker}")));
    let bertas = Names::of(&berta, cloned, "sub");
    let naming = |tracker: i64| json!([[tracker], tracker, [tracker], [tracker]]);
    for (names, master, tracker) in
        [(&names[0], &anna, corrupted), (&names[1], &anna, moved), (&bertas, &berta, cloned)]
    {
        assert_eq!(names.trackers(master), naming(tracker));
    }

    // A clone that is referred to stays, and the answer says by what.
    let refused = berta.call("tracker/delete", json!({ "tracker_id": cloned }));
    assert_eq!(refused.code(), 203);
    assert_eq!(
        (&refused.body["rules"], &refused.body["vehicles"]),
        (&json!([bertas.rule]), &json!([bertas.vehicle]))
    );
    for delete in
        [("vehicle/delete", "vehicle_id", bertas.vehicle), ("tracker/rule/delete", "rule_id", bertas.rule)]
    {
        let (action, parameter, id) = delete;
        assert_eq!(
            berta.call("tracker/delete", json!({ "tracker_id": cloned })).code(),
            203,
            "before {action}"
        );
        berta.call(action, json!({ parameter: id })).success();
    }
    berta.call("tracker/delete", json!({ "tracker_id": cloned })).success();
    let second = clone(&panel, corrupted, &user_id(&berta));
    assert!(second > cloned, "a number is given once");
    let bertas = Names::of(&berta, second, "sub-again");
    assert_eq!(bertas.trackers(&berta), naming(second));

    panel.call("panel/tracker/move", json!({ "tracker_id": moved, "user_id": user_id(&berta) })).success();
    anna.call("tracker/corrupt", json!({ "tracker_id": corrupted })).success();
    let nobody = json!([[], null, [], []]);
    let check = |anna: &Session, berta: &Session, when: &str| {
        for (names, master) in [(&names[0], anna), (&names[1], anna), (&bertas, berta)] {
            assert_eq!(names.trackers(master), nobody, "{when}");
        }
        for tracker in [cloned, second, moved] {
            let parameters = json!({ "trackers": [tracker], "rule_id": names[0].rule });
            assert_eq!(anna.call("tracker/read", json!({ "tracker_id": tracker })).code(), 201, "{when}");
            anna.call("tracker/rule/bind", parameters);
        }
        assert_eq!(names[0].trackers(anna), nobody, "{when}: what is gone is not bound again");
        let heir = anna.call("tracker/list", json!({})).success();
        assert_eq!(heir["list"].as_array().unwrap().len(), usize::from(when == "registered again"), "{when}");
    };
    check(&anna, &berta, "at once");
    server.kill();
    server.restart();
    let (anna, berta) = (server.resume(&anna), server.resume(&berta));
    check(&anna, &berta, "after a restart");
    let heir = anna.register("Heir", "000000000000001");
    assert!(heir > second, "a number is given once");
    check(&anna, &berta, "registered again");
}

#[test]
fn what_was_set_goes_on_when_a_device_is_replaced() {
    let mut server = Server::start();
    let anna = server.user("anna");
    let tracker = anna.register("Van", "000000000000001");
    let names = Names::of(&anna, tracker, "sub");
    let mut device = Device::logged_in(server.teltonika(), "000000000000001");
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    drop(device);
    let of_tracker = |changes: Value| {
        let mut parameters = json!({ "tracker_id": tracker });
        parameters.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        parameters
    };
    anna.call("tracker/settings/lbs/update", of_tracker(json!({ "max_radius": 77 }))).success();
    let detection = of_tracker(json!({ "min_idle_duration_minutes": 7, "idle_speed_threshold": 9,
        "ignition_aware": false, "motion_sensor_aware": false }));
    anna.call("tracker/settings/trip_detection/update", detection).success();
    let settings = |anna: &Session| {
        ["tracker/settings/lbs/read", "tracker/settings/trip_detection/read", "tracker/settings/special/read"]
            .map(|action| anna.call(action, of_tracker(json!({}))).success())
    };
    let before = settings(&anna);
    assert_eq!(before[0]["max_radius"], 77);

    let new = of_tracker(json!({ "plugin_id": 44, "model": "telfmb920", "device_id": "000000000000002" }));
    anna.call("tracker/replace", new).success();
    let naming = json!([[tracker], tracker, [tracker], [tracker]]);
    assert_eq!(settings(&anna), before);
    assert_eq!(names.trackers(&anna), naming);
    server.kill();
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(settings(&anna), before);
    assert_eq!(names.trackers(&anna), naming);
}
