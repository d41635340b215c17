//! Calls that meet: what a limit or a unique number allows once is given once, and nobody's change is lost.

use crate::support::{Answer, Server, Session, USER_PASSWORD};
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
fn a_login_belongs_to_one_user() {
    let server = Server::start();
    let panel = server.panel();
    let user = || json!({ "user": { "login": "anna" }, "password": USER_PASSWORD });
    one_wins(&at_once((0..6).map(|_| (panel.clone(), "panel/user/create", user())).collect()), 206);
}
