//! Calls that meet: what a limit or a unique number allows once is given once, and nobody's change is lost.

use crate::support::{Answer, Device, Reaction, Server, Session, USER_PASSWORD, now, record};
use serde_json::{Value, json};
use std::{io::Write, net::TcpStream, sync::Barrier, thread};

/// Runs the calls at once; answers as many answers.
fn at_once(calls: Vec<(Session, &'static str, Value)>) -> Vec<Answer> {
    let start = Barrier::new(calls.len());
    thread::scope(|scope| {
        let threads: Vec<_> = calls
            .into_iter()
            .map(|(caller, action, parameters)| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    caller.call(action, parameters)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn registration(imei: u64) -> Value {
    json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": format!("{imei:015}") })
}

/// One success; every other answer is `code`.
#[track_caller]
fn one_wins(answers: &[Answer], code: i64) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.code() == code), "{lost:?}");
}

#[test]
fn a_device_is_registered_once() {
    let server = Server::start();
    let users = ["anna", "berta"].map(|login| server.user(login));
    let call = |number: usize, imei| (users[number % 2].clone(), "tracker/register", registration(imei));
    for imei in 1..=5 {
        one_wins(&at_once((0..8).map(|number| call(number, imei)).collect()), 224);
    }
    let trackers =
        users.map(|user| user.call("tracker/list", json!({})).success()["list"].as_array().unwrap().len());
    assert_eq!(trackers.iter().sum::<usize>(), 5);
}

#[test]
fn the_last_place_of_a_plan_is_given_once() {
    let server = Server::start();
    let plan = json!({ "tariff": { "name": "small", "device_limit": 1 } });
    let plan = server.panel().call("panel/tariff/create", plan).success()["id"].clone();
    for round in 0..5 {
        let user = server.user_with(&format!("user-{round}"), json!({ "default_tariff_id": plan }));
        let call = |number: u64| (user.clone(), "tracker/register", registration(round * 100 + number));
        one_wins(&at_once((0..8).map(call).collect()), 221);
    }
}

#[test]
fn no_change_of_an_account_is_lost() {
    let server = Server::start();
    let anna = server.user("anna");
    let tracker = anna.register("Moved", "000000000000001");
    let mut groups = 0;
    for round in 1..=10 {
        let group = json!({ "title": "Vans", "color": "FF6DDC" });
        let group = anna.call("tracker/group/create", group).success()["id"].clone();
        let mut calls: Vec<_> = (0..6).map(|n| ("tracker/register", registration(round * 100 + n))).collect();
        calls.extend((0..6).map(|_| ("tracker/group/create", json!({ "title": "Cars", "color": "FF6DDC" }))));
        calls.extend((0..6).map(|_| ("user/settings/update", json!({ "translit": round % 2 == 0 }))));
        calls.push(("tracker/group/assign", json!({ "id": group, "trackers": [tracker] })));
        let calls =
            calls.into_iter().map(|(action, parameters)| (anna.clone(), action, parameters)).collect();
        at_once(calls).into_iter().for_each(|answer| drop(answer.success()));
        groups += 7;

        let list = |action| anna.call(action, json!({})).success()["list"].as_array().unwrap().len();
        assert_eq!(list("tracker/list") as u64, 1 + 6 * round, "round {round}");
        assert_eq!(list("tracker/group/list"), groups, "round {round}");
        let moved = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
        assert_eq!(moved["value"]["group_id"], group, "round {round}");
        let settings = anna.call("user/settings/read", json!({})).success();
        assert_eq!(settings["settings"]["translit"], json!(round % 2 == 0), "round {round}");
    }
}

#[test]
fn a_client_that_hangs_up_leaves_nothing_half_done() {
    let server = Server::start();
    let anna = server.user("anna");
    let imeis = 1..=100;
    for imei in imeis.clone() {
        let mut body = registration(imei);
        body["hash"] = json!(anna.hash());
        let body = body.to_string();
        let head = format!(
            "POST /v2/tracker/register HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(server.http()).unwrap();
        stream.write_all((head + &body).as_bytes()).unwrap();
        // It hangs up at different moments of the action.
        for _ in 0..imei % 10 {
            server.anyone().get("/v2/nonsense/read", &[]).code();
        }
    }
    for imei in imeis.clone() {
        let answer = anna.call("tracker/register", registration(imei));
        assert!(answer.status == 200 || answer.code() == 224, "{}", answer.body);
    }
    let trackers = anna.call("tracker/list", json!({})).success()["list"].as_array().unwrap().len();
    assert_eq!(trackers, imeis.count(), "a device is registered and nobody sees it");
}

#[test]
fn settings_changed_at_once_are_all_changed() {
    let server = Server::start();
    let anna = server.user("anna");
    for (zone, system, geocoder) in [("Asia/Kolkata", "us", "google"), ("UTC", "metric", "osm")] {
        let changes = [
            json!({ "time_zone": zone }),
            json!({ "measurement_system": system }),
            json!({ "geocoder": geocoder }),
        ];
        let answers =
            at_once(changes.into_iter().map(|c| (anna.clone(), "user/settings/update", c)).collect());
        answers.into_iter().for_each(|answer| drop(answer.success()));
        let settings = &anna.call("user/settings/read", json!({})).success()["settings"];
        assert_eq!(
            [&settings["time_zone"], &settings["measurement_system"], &settings["geocoder"]],
            [zone, system, geocoder]
        );
    }
}

#[test]
fn guessing_passwords_side_by_side_gives_no_more_guesses() {
    let server = Server::start();
    server.user("anna");
    let guess = || json!({ "login": "anna", "password": "wrong" });
    let answers = at_once((0..40).map(|_| (server.anyone(), "user/auth", guess())).collect());
    let guessed = answers.iter().filter(|answer| answer.code() == 102).count();
    assert_eq!(guessed, 10);
    assert!(answers.iter().all(|answer| [102, 105].contains(&answer.code())));
}

#[test]
fn right_passwords_side_by_side_all_log_in() {
    let server = Server::start();
    server.user("anna");
    let right = || json!({ "login": "anna", "password": USER_PASSWORD });
    let answers = at_once((0..20).map(|_| (server.anyone(), "user/auth", right())).collect());
    answers.into_iter().for_each(|answer| drop(answer.success()));
}

#[test]
fn who_is_deactivated_while_logging_in_has_no_session() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    let id = user_id(&anna);
    let update = |activated: bool| json!({ "user": { "id": id, "login": "anna", "activated": activated } });
    for round in 0..5 {
        let log_in = json!({ "login": "anna", "password": USER_PASSWORD });
        let mut calls: Vec<_> = (0..3).map(|_| (server.anyone(), "user/auth", log_in.clone())).collect();
        calls.push((panel.clone(), "panel/user/update", update(false)));
        let mut answers = at_once(calls);
        answers.pop().unwrap().success();
        for answer in answers {
            if answer.status == 200 {
                let session = Session::new(server.http(), answer.body["hash"].as_str());
                assert_eq!(session.call("tracker/list", json!({})).code(), 4, "round {round}");
            } else {
                assert_eq!(answer.code(), 103, "round {round}");
            }
        }
        panel.call("panel/user/update", update(true)).success();
    }
}

#[test]
fn a_login_belongs_to_one_user() {
    let server = Server::start();
    let panel = server.panel();
    let user = || json!({ "user": { "login": "anna" }, "password": USER_PASSWORD });
    one_wins(&at_once((0..6).map(|_| (panel.clone(), "panel/user/create", user())).collect()), 206);
}

/// A number for the label of each contender, so that the winner is recognised.
fn labelled(mut parameters: Value, number: usize) -> Value {
    parameters["label"] = json!(format!("Van {number}"));
    parameters
}

/// One success; the answers of the others are among `codes`.
#[track_caller]
fn at_most_one_wins(answers: &[Answer], codes: &[i64]) -> usize {
    let lost: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(lost.iter().all(|answer| codes.contains(&answer.code())), "{lost:?}");
    let won = answers.len() - lost.len();
    assert!(won <= 1, "{answers:?}");
    won
}

fn active_tracker(server: &Server, user: &Session, imei: u64) -> i64 {
    let imei = format!("{imei:015}");
    let tracker = user.register("Van", &imei);
    let mut device = Device::logged_in(server.teltonika(), &imei);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    tracker
}

fn replacement(tracker: i64, imei: u64) -> Value {
    json!({ "tracker_id": tracker, "plugin_id": 44, "model": "telfmb920", "device_id": format!("{imei:015}") })
}

/// Every device id of the users' trackers, sorted.
fn device_ids(users: &[&Session]) -> Vec<String> {
    let lists = users.iter().map(|user| user.call("tracker/list", json!({})).success()["list"].clone());
    let trackers: Vec<_> = lists.flat_map(|list| list.as_array().unwrap().clone()).collect();
    let mut ids: Vec<_> =
        trackers.iter().map(|tracker| tracker["source"]["device_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn user_id(user: &Session) -> Value {
    user.call("user/get_info", json!({})).success()["user_info"]["id"].clone()
}

#[test]
fn a_phone_is_given_once() {
    let server = Server::start();
    let users = ["anna", "berta"].map(|login| server.user(login));
    for round in 0..5_u64 {
        let call = |number: u64| {
            let mut new = registration(round * 100 + number);
            new["phone"] = json!(format!("4917612345{round:02}"));
            (users[(number % 2) as usize].clone(), "tracker/register", new)
        };
        one_wins(&at_once((0..8).map(call).collect()), 223);
    }
    let [anna, berta] = &users;
    assert_eq!(device_ids(&[anna, berta]).len(), 5);
    // The same of a change of the phone.
    let trackers = [901, 902, 903, 904].map(|imei| anna.register("Van", &format!("{imei:015}")));
    for round in 10..15 {
        let phone = format!("4917612345{round}");
        let change = |tracker: &i64| {
            (anna.clone(), "tracker/change_phone", json!({ "tracker_id": tracker, "phone": phone }))
        };
        one_wins(&at_once(trackers.iter().map(change).collect()), 223);
    }
}

#[test]
fn one_of_many_replacements_is_made() {
    let server = Server::start();
    let anna = server.user("anna");
    for round in 0..4 {
        let tracker = active_tracker(&server, &anna, round * 100 + 1);
        let call = |number| (anna.clone(), "tracker/replace", replacement(tracker, round * 100 + number));
        // The others find a device that was never active.
        one_wins(&at_once((2..8).map(call).collect()), 266);
        // Two trackers, one new device.
        let other = active_tracker(&server, &anna, round * 100 + 50);
        let third = active_tracker(&server, &anna, round * 100 + 51);
        let call = |tracker| (anna.clone(), "tracker/replace", replacement(tracker, round * 100 + 99));
        one_wins(&at_once(vec![call(other), call(third)]), 224);
    }
    assert_eq!(device_ids(&[&anna]).len(), 12);
    // What lost gave its new device's id back, and the replaced devices theirs.
    let used = device_ids(&[&anna]);
    let freed = (1..8).chain([50, 51]).filter(|imei| !used.contains(&format!("{imei:015}")));
    let mut count = 0;
    for imei in freed {
        anna.register("Heir", &format!("{imei:015}"));
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn what_is_said_while_a_device_is_replaced_holds_for_the_new_one() {
    let server = Server::start();
    let anna = server.user("anna");
    for round in 0..8_u64 {
        let tracker = active_tracker(&server, &anna, round * 100 + 1);
        let call = |action: &'static str, mut parameters: Value| {
            parameters["tracker_id"] = json!(tracker);
            (anna.clone(), action, parameters)
        };
        let trips = json!({ "min_idle_duration_minutes": 7, "idle_speed_threshold": 9, "ignition_aware": true,
            "motion_sensor_aware": true });
        let status = json!({ "type": "device_status_settings", "offline_timeout_seconds": 1234 });
        let answers = at_once(vec![
            call("tracker/replace", replacement(tracker, round * 100 + 2)),
            call("tracker/settings/lbs/update", json!({ "max_radius": 777 })),
            call("tracker/settings/trip_detection/update", trips.clone()),
            call("tracker/settings/special/update", json!({ "value": status })),
            call("tracker/raw_command/send", json!({ "command": "getver" })),
        ]);
        answers.into_iter().for_each(|answer| drop(answer.success()));
        let read = |action| anna.call(action, json!({ "tracker_id": tracker })).success();
        let radius = read("tracker/settings/lbs/read");
        assert_eq!(radius["max_radius"], 777, "round {round}: {radius}");
        let found = read("tracker/settings/trip_detection/read");
        for (key, value) in trips.as_object().unwrap() {
            assert_eq!(&found[key], value, "round {round}: {found}");
        }
        let found = read("tracker/settings/special/read").to_string();
        assert!(found.contains("1234"), "round {round}: {found}");
        // Cancelled with the old device, or waiting for the new one.
        let log = read("tracker/command/log/list");
        let waits = read("tracker/command/unconfirmed/count")["count"].clone();
        let state = &log["list"][0]["state"];
        assert!(*state == "cancelled" || *state == "queued" && waits == 1, "round {round}: {log} {waits}");
    }
}

#[test]
fn a_replacement_and_a_corruption_do_not_mix() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna"), server.panel());
    for round in 0..6_u64 {
        let old = round * 100 + 1;
        let tracker = active_tracker(&server, &anna, old);
        let corrupt = json!({ "tracker_id": tracker });
        let mut answers = at_once(vec![
            (anna.clone(), "tracker/replace", replacement(tracker, old + 1)),
            (panel.clone(), "panel/tracker/corrupt", corrupt),
        ]);
        let (corrupted, replaced) = (answers.pop().unwrap(), answers.pop().unwrap());
        // It is corrupted before or after; either way both device ids are free in the end.
        corrupted.success();
        assert!(replaced.status == 200 || [204, 266].contains(&replaced.code()), "{replaced:?}");
        assert_eq!(anna.call("tracker/replace", replacement(tracker, old + 2)).code(), 204);
        for imei in [old, old + 1, old + 2] {
            let heir = anna.register("Heir", &format!("{imei:015}"));
            assert!(heir > tracker, "a number is given once");
        }
    }
}

#[test]
fn a_freed_device_id_goes_to_one() {
    let server = Server::start();
    let users = ["anna", "berta"].map(|login| server.user(login));
    for imei in 1..=6_u64 {
        let [anna, berta] = &users;
        let tracker = anna.register("Van", &format!("{imei:015}"));
        let mut calls = vec![(anna.clone(), "tracker/corrupt", json!({ "tracker_id": tracker }))];
        calls.extend((0..5).map(|number| {
            (users[number % 2].clone(), "tracker/register", labelled(registration(imei), number))
        }));
        let mut answers = at_once(calls);
        answers.remove(0).success();
        // None wins who came before it was free.
        if at_most_one_wins(&answers, &[224]) == 0 {
            berta.call("tracker/register", registration(imei)).success();
        }
        let all = device_ids(&[anna, berta]);
        assert_eq!(all.len() as u64, imei, "{all:?}");
    }
}

#[test]
fn a_clone_is_made_and_deleted_once() {
    let server = Server::start();
    let (anna, berta, panel) = (server.user("anna"), server.user("berta"), server.panel());
    let tracker = anna.register("Van", "000000000000001");
    let make = json!({ "tracker_id": tracker, "user_id": user_id(&berta), "label": "Clone" });
    let mut last = 0;
    for round in 0..5 {
        let calls = (0..4).map(|_| (panel.clone(), "panel/tracker/clone", make.clone())).collect();
        let answers = at_once(calls);
        one_wins(&answers, 247);
        let cloned = answers.iter().find_map(|answer| answer.body["id"].as_i64()).unwrap();
        assert!(cloned > last, "a number is given once");
        let delete = json!({ "tracker_id": cloned });
        let mut calls: Vec<_> = (0..3).map(|_| (berta.clone(), "tracker/delete", delete.clone())).collect();
        calls.extend((0..3).map(|_| (panel.clone(), "panel/tracker/clone", make.clone())));
        let mut answers = at_once(calls);
        let made = answers.split_off(3);
        one_wins(&answers, 201);
        // A new one may be made as soon as the old one is gone.
        let again = at_most_one_wins(&made, &[247]);
        let list = berta.call("tracker/list", json!({})).success()["list"].clone();
        assert_eq!(list.as_array().unwrap().len(), again, "round {round}");
        for clone in list.as_array().unwrap() {
            last = clone["id"].as_i64().unwrap();
            assert!(last > cloned, "a number is given once");
            berta.call("tracker/delete", json!({ "tracker_id": last })).success();
        }
    }
}

#[test]
fn codes_and_bundles_are_used_once() {
    let server = Server::start();
    let users = ["anna", "berta"].map(|login| server.user(login));
    let panel = server.panel();
    let codes = json!({ "count": 5, "tariff_id": 1, "bonus_amount": 3, "free_days": 5 });
    panel.call("panel/dealer/activation_code/create", codes).success();
    let codes = panel.call("panel/dealer/activation_code/list", json!({})).success()["list"].clone();
    for (round, code) in (0..).zip(codes.as_array().unwrap()) {
        let call = |number: u64| {
            let mut new = registration(round * 100 + number);
            (new["plugin_id"], new["activation_code"]) = (json!(37), code["code"].clone());
            (users[(number % 2) as usize].clone(), "tracker/register", new)
        };
        one_wins(&at_once((0..6).map(call).collect()), 227);
    }
    let bonuses = users.iter().map(|user| {
        let user = panel.call("panel/user/read", json!({ "user_id": user_id(user) })).success();
        user["value"]["bonus"].as_f64().unwrap()
    });
    assert_eq!(bonuses.sum::<f64>(), 15.0, "the bonus of a code is credited once");

    let kinds = panel.call("panel/equipment/list", json!({})).success()["list"].clone();
    let kind = kinds.as_array().unwrap().iter().find(|kind| kind["model_code"] == "telfmb920").unwrap();
    let imeis: Vec<_> = (9001..9006).map(|imei| format!("{imei:015}")).collect();
    let new = json!({ "imeis": imeis, "equip_id": kind["equip_id"], "factory_preset": true });
    panel.call("panel/tracker/bundle/import", new).success();
    for imei in &imeis {
        let quick = json!({ "label": "Bundle", "group_id": 0, "imei": imei });
        let call = |number: usize| (users[number % 2].clone(), "tracker/register_quick", quick.clone());
        one_wins(&at_once((0..6).map(call).collect()), 224);
    }
    let [anna, berta] = &users;
    assert_eq!(device_ids(&[anna, berta]).len(), 10);
}
