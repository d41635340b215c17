//! `tracker/group/…`: five actions, one's own groups only; group 0 is no group.

use crate::support::{Server, Session, keys};
use serde_json::{Value, json};

const TITLES: [(&str, bool); 8] = [
    ("x", true),
    ("Vans & Größe 🚚", true),
    ("", false),
    ("a\u{1}", false),
    ("\u{e000}", false),
    (" ", true),
    ("7", true),
    ("a\tb", false),
];
const COLORS: [(&str, bool); 8] = [
    ("FF6DDC", true),
    ("ff6ddc", true),
    ("000000", true),
    ("#FF6DDC", false),
    ("FFF", false),
    ("FF6DDCA", false),
    ("GGGGGG", false),
    ("", false),
];

#[test]
fn groups_and_their_trackers() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let group = |title: &str, color: &str| json!({ "title": title, "color": color });
    let created = anna.call("tracker/group/create", group("Vans", "FF6DDC")).success();
    assert_eq!(keys(&created), ["success", "id"]);
    let vans = created["id"].as_i64().unwrap();
    let cars = anna.call("tracker/group/create", group("Cars", "00ff00")).success()["id"].as_i64().unwrap();
    let bertas =
        berta.call("tracker/group/create", group("Bikes", "0000ff")).success()["id"].as_i64().unwrap();
    let list = |caller: &Session| caller.call("tracker/group/list", json!({})).success()["list"].to_string();
    let expected = |title: &str| {
        format!(
            r#"[{{"id":{vans},"title":"{title}","color":"FF6DDC"}},{{"id":{cars},"title":"Cars","color":"00ff00"}}]"#
        )
    };
    assert_eq!(list(&anna), expected("Vans"));
    anna.call("tracker/group/update", json!({ "id": vans, "title": "Lorries", "color": "FF6DDC" })).success();
    assert_eq!(list(&anna), expected("Lorries"));

    let trackers = [1, 2, 3].map(|imei| anna.register("Van", &format!("{imei:015}")));
    let foreign = berta.register("Bike", "000000000000009");
    let groups_of = |caller: &Session, trackers: &[i64]| -> Vec<i64> {
        let read = |tracker: &i64| caller.call("tracker/read", json!({ "tracker_id": tracker })).success();
        trackers.iter().map(|tracker| read(tracker)["value"]["group_id"].as_i64().unwrap()).collect()
    };
    let assign = |id: i64, trackers: Value| {
        anna.call("tracker/group/assign", json!({ "id": id, "trackers": trackers }))
    };
    assign(vans, json!([trackers[0], trackers[1]])).success();
    assign(cars, json!([trackers[1], trackers[1], trackers[2]])).success();
    assign(cars, json!([])).success();
    assert_eq!(groups_of(&anna, &trackers), [vans, cars, cars]);

    // All or none.
    for (id, list, code) in [
        (vans, json!([trackers[1], foreign, trackers[2]]), 217),
        (vans, json!([trackers[1], 999_999]), 217),
        (0, json!([trackers[1], foreign]), 217),
        (bertas, json!([trackers[0]]), 201),
        (999_999, json!([trackers[0]]), 201),
        (-1, json!([trackers[0]]), 201),
        (bertas, json!([foreign]), 201),
    ] {
        assert_eq!(assign(id, list.clone()).code(), code, "{id} {list}");
    }
    assert_eq!(groups_of(&anna, &trackers), [vans, cars, cars]);
    assert_eq!(groups_of(&berta, &[foreign]), [0]);

    // What is not there, or another account's, or group 0, cannot be changed.
    for id in [0, bertas, 999_999, -1] {
        let change = json!({ "id": id, "title": "Mine", "color": "FFFFFF" });
        assert_eq!(anna.call("tracker/group/update", change).code(), 201, "{id}");
        assert_eq!(anna.call("tracker/group/delete", json!({ "id": id })).code(), 201, "{id}");
    }
    assert_eq!(list(&berta), format!(r#"[{{"id":{bertas},"title":"Bikes","color":"0000ff"}}]"#));

    // Trackers of a deleted group fall back to group 0, and all of it survives a restart.
    assign(0, json!([trackers[2]])).success();
    anna.call("tracker/group/delete", json!({ "id": vans })).success();
    assert_eq!(anna.call("tracker/group/delete", json!({ "id": vans })).code(), 201);
    assert_eq!(groups_of(&anna, &trackers), [0, cars, 0]);
    server.kill();
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(groups_of(&anna, &trackers), [0, cars, 0]);
    assert_eq!(list(&anna), format!(r#"[{{"id":{cars},"title":"Cars","color":"00ff00"}}]"#));
    let next = anna.call("tracker/group/create", group("New", "FFFFFF")).success()["id"].as_i64().unwrap();
    assert!(next > bertas, "ids are never used again");
}

#[test]
fn limits_of_titles_and_colors() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let long = ["x".repeat(60), "x".repeat(61)];
    let titles = TITLES.into_iter().chain([(&*long[0], true), (&*long[1], false)]);
    let titles = titles.map(|(title, fits)| (title, "FFFFFF", fits, "title"));
    let colors = COLORS.into_iter().map(|(color, fits)| ("x", color, fits, "color"));
    let id =
        anna.call("tracker/group/create", json!({ "title": "x", "color": "FFFFFF" })).success()["id"].clone();
    for (title, color, fits, parameter) in titles.chain(colors) {
        for action in ["tracker/group/create", "tracker/group/update"] {
            let answer = anna.call(action, json!({ "id": id, "title": title, "color": color }));
            if fits {
                answer.success();
            } else {
                assert_eq!(answer.wrong_parameters(), [parameter], "{title:?} {color:?}");
            }
        }
    }
}
