//! `track/list`, `track/read` and trip detection: what a device sent comes back as trips, in the user's calendar.

use crate::support::{Answer, Device, Reaction, Server, Session, keys, now, record};
use domain::{SourceId, Timestamp};
use jiff::{
    ToSpan, Zoned,
    tz::{TimeZone, TimeZoneTransition},
};
use protocols::teltonika::encode::Record;
use serde_json::{Value, json};

const IMEI: &str = "356307042441013";
/// 0.009 degrees of latitude are about a kilometre.
const KILOMETRE: i32 = 90_000;

/// A record so many seconds after the start, so many kilometres north of the equator.
fn at(start: Timestamp, second: i64, kilometre: i32, speed: u16) -> Record {
    let time = Timestamp::from_seconds(start.seconds() + second);
    Record { lat: 10_000_000 + kilometre * KILOMETRE, lng: 99_937_000, speed, ..record(time) }
}

/// Ten minutes north at a kilometre a minute, then a stand of seven minutes.
fn ride(start: Timestamp) -> Vec<Record> {
    let ride = (0..=10).map(|minute| at(start, 60 * i64::from(minute), minute, 60));
    let stand = (11..=17).map(|minute| at(start, 60 * minute, 10, 0));
    ride.chain(stand).collect()
}

fn send(server: &Server, imei: &str, records: &[Record]) {
    let mut device = Device::logged_in(server.teltonika(), imei);
    for packet in records.chunks(50) {
        assert_eq!(device.send(packet), Reaction::Acknowledged(packet.len() as u32));
    }
}

/// As a user in UTC writes it.
fn written(time: Timestamp) -> String {
    time.to_string()[..19].replace('T', " ")
}

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::from_seconds(now().seconds() - 3600 * hours)
}

/// Calls with the tracker and the last two days.
fn call(session: &Session, action: &str, tracker: i64, parameters: Value) -> Answer {
    let mut all =
        json!({ "tracker_id": tracker, "from": written(hours_ago(48)), "to": written(hours_ago(0)) });
    all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
    session.call(action, all)
}

fn list(session: &Session, action: &str, tracker: i64, parameters: Value) -> Vec<Value> {
    let answer = call(session, action, tracker, parameters).success();
    assert_eq!(keys(&answer), ["success", "limit_exceeded", "list"]);
    assert_eq!(answer["limit_exceeded"], false);
    answer["list"].as_array().unwrap().clone()
}

#[test]
fn trips_come_back_as_they_were_driven() {
    let mut server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "UTC" }));
    let tracker = anna.register("Van", IMEI);
    let tracks = |anna: &Session, parameters| list(anna, "track/list", tracker, parameters);
    let points = |anna: &Session, parameters| list(anna, "track/read", tracker, parameters);
    assert_eq!((tracks(&anna, json!({})), points(&anna, json!({}))), (vec![], vec![]));

    // From before the registration; the second ride first, then a piece of it once more, then the first.
    let (first, second) = (hours_ago(20), hours_ago(10));
    send(&server, IMEI, &ride(second));
    send(&server, IMEI, &ride(second)[3..9]);
    send(&server, IMEI, &ride(first));

    let all = tracks(&anna, json!({}));
    let expected = |start: Timestamp| {
        json!({
            "id": start.seconds(),
            "start_date": written(start), "start_address": "",
            "max_speed": 60,
            "end_date": written(Timestamp::from_seconds(start.seconds() + 660)), "end_address": "",
            "length": 10.008,
            "points": 12,
            "avg_speed": 55,
            "type": "regular",
            "gsm_lbs": false,
            "bounds": { "nw": { "lat": 1.09, "lng": 9.9937 }, "se": { "lat": 1.0, "lng": 9.9937 } },
        })
    };
    assert_eq!(Value::from(all.clone()).to_string(), json!([expected(first), expected(second)]).to_string());

    let merged =
        tracks(&anna, json!({ "split": false, "count_events": true, "with_points": true, "point_limit": 2 }));
    let [merged] = &*merged else { panic!("{merged:?}") };
    assert_eq!(merged.get("id"), None);
    assert_eq!(
        (&merged["type"], &merged["points"], &merged["length"]),
        (&json!("merged"), &json!(24), &json!(20.015))
    );
    assert_eq!((&merged["event_count"], &merged["avg_speed"]), (&json!(0), &json!(55)));
    assert_eq!(merged["points_list"].as_array().unwrap().len(), 4, "both ends of both trips");
    let with_points = tracks(&anna, json!({ "with_points": true }));
    assert_eq!(
        with_points[1]["points_list"],
        Value::from(points(&anna, json!({ "track_id": second.seconds() })))
    );

    let of_second = points(&anna, json!({ "track_id": second.seconds() }));
    assert_eq!(of_second.len(), 12);
    let third = json!({
        "lat": 1.018, "lng": 9.9937, "alt": 12, "satellites": 9, "mileage": 2.002,
        "get_time": written(Timestamp::from_seconds(second.seconds() + 120)), "address": "", "heading": 304,
        "speed": 60, "gsm_lbs": false, "parking": false, "buffered": true,
    });
    assert_eq!(of_second[2].to_string(), third.to_string());
    // The dates that were printed find all of it.
    let by_its_dates = json!({ "from": all[1]["start_date"], "to": all[1]["end_date"] });
    assert_eq!(points(&anna, by_its_dates), of_second);
    for (parameters, count) in [
        (json!({}), 24),
        (json!({ "simplify": false }), 24),
        (json!({ "filter": false }), 36),
        (json!({ "filter": "false", "simplify": "false", "include_gsm_lbs": "false" }), 36),
        (json!({ "point_limit": 10 }), 10),
        (json!({ "point_limit": "10", "simplify": false }), 24),
        (json!({ "track_id": first.seconds(), "filter": false }), 12),
        (json!({ "track_id": first.seconds(), "point_limit": 2 }), 2),
        (json!({ "track_id": first.seconds() + 1 }), 0),
        // In the midst of a trip: it keeps its number.
        (
            json!({ "track_id": second.seconds(), "from": written(Timestamp::from_seconds(second.seconds() + 301)) }),
            6,
        ),
    ] {
        assert_eq!(points(&anna, parameters.clone()).len(), count, "{parameters}");
    }

    let read = points(&anna, json!({ "filter": false }));
    assert_eq!(read.iter().filter(|point| point["parking"] == true).count(), 12);
    for end in [Server::stop, Server::kill] {
        end(&mut server);
        server.restart();
        let anna = server.resume(&anna);
        assert_eq!(tracks(&anna, json!({})), all);
        assert_eq!(points(&anna, json!({ "filter": false })), read);
    }
}

#[test]
fn a_trip_shows_while_it_is_driven_and_as_live_shows_it() {
    let server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "UTC" }));
    let tracker = anna.register("Van", IMEI);
    let start = Timestamp::from_seconds(now().seconds() - 600);
    // Second, speed, the status that live shows then, and the second in which the trip so far ends.
    for (second, speed, status, end) in [
        (0, 0, "parked", None),
        (60, 60, "moving", Some(60)),
        (120, 60, "moving", Some(120)),
        (180, 0, "stopped", Some(180)),
        (240, 0, "stopped", Some(180)),
        (300, 60, "moving", Some(300)),
        (310, 2, "stopped", Some(310)),
        (609, 2, "stopped", Some(310)),
        (610, 2, "parked", Some(310)),
    ] {
        send(&server, IMEI, &[at(start, second, second as i32 / 60, speed)]);
        assert_eq!(anna.state(tracker)["movement_status"], status, "second {second}");
        let tracks =
            list(&anna, "track/list", tracker, json!({ "filter": false, "to": written(hours_ago(-1)) }));
        let ends: Vec<_> =
            tracks.iter().map(|track| track.get("end_date").unwrap_or(&track["start_date"])).collect();
        let expected = end.map(|end| json!(written(Timestamp::from_seconds(start.seconds() + end))));
        assert_eq!(ends, expected.iter().collect::<Vec<_>>(), "second {second}");
        let same = |track: &Value| track["id"] == start.seconds() + 60;
        assert!(tracks.iter().all(same), "{tracks:?}");
    }
}

#[test]
fn single_reports_and_noise() {
    let server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "UTC" }));
    let tracker = anna.register("Van", IMEI);
    let start = hours_ago(5);
    let mut records = Vec::new();
    // Every half hour one report on the move and a ride of nothing.
    for hour in 0..3 {
        records.push(at(start, 3600 * hour, 0, 30));
        records.push(Record { satellites: 0, ..at(start, 3600 * hour + 60, 0, 0) });
        // Without a fix the ride ends when the next fix stands.
        records.extend((0..8).map(|minute| Record {
            lng: 0,
            lat: 0,
            ..at(start, 3600 * hour + 120 + 60 * minute, 0, 0)
        }));
        records.push(at(start, 3600 * hour + 1800, 0, 0));
        records.push(at(start, 3600 * hour + 2100, 0, 0));
    }
    records.push(at(start, 12_000, 0, 5));
    records.push(at(start, 12_060, 0, 0));
    records.push(at(start, 12_400, 0, 0));
    send(&server, IMEI, &records);
    let kinds = |parameters| -> Vec<_> {
        let tracks = list(&anna, "track/list", tracker, parameters);
        tracks.iter().map(|track| track["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(json!({})), [] as [&str; 0], "noise");
    assert_eq!(kinds(json!({ "filter": false })), ["regular"; 4]);

    // Only the report itself lies within the span.
    let around =
        json!({ "from": written(Timestamp::from_seconds(start.seconds() - 5)), "to": written(start) });
    let reports = list(&anna, "track/list", tracker, around);
    let expected = json!([{
        "id": start.seconds(), "start_date": written(start), "start_address": "", "avg_speed": 30,
        "gsm_lbs": false, "type": "single_report",
    }]);
    assert_eq!(Value::from(reports).to_string(), expected.to_string());
}

#[test]
fn wrong_spans_and_strangers() {
    let mut server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "Europe/Berlin" }));
    let [tracker, blocked] = [IMEI, "356307042441021"].map(|imei| anna.register("Van", imei));
    let foreign = server.user("berta@example.com").register("Van", "356307042441039");
    let blocked_source =
        anna.call("tracker/read", json!({ "tracker_id": blocked })).success()["value"]["source"]["id"]
            .as_i64();
    server
        .with_catalog(async |catalog| catalog.block_source(SourceId(blocked_source.unwrap())).await.unwrap());
    let anna = server.resume(&anna);
    for action in ["track/list", "track/read"] {
        let code = |tracker: i64, from: &str, to: &str| {
            anna.call(action, json!({ "tracker_id": tracker, "from": from, "to": to })).code()
        };
        let (from, to) = ("2026-01-01 00:00:00", "2026-01-02 00:00:00");
        assert_eq!(code(foreign, from, to), 201);
        assert_eq!(code(i64::from(i32::MAX), from, to), 201);
        assert_eq!(code(blocked, from, to), 208);
        assert_eq!(code(tracker, from, from), 211);
        assert_eq!(code(tracker, to, from), 211);
        assert_eq!(code(tracker, "2026-01-01 00:00:00", "2026-05-01 00:00:01"), 211);
        // The hour that was skipped in March is not missing from the 120 days.
        let days =
            json!({ "tracker_id": tracker, "from": "2026-01-01 00:00:00", "to": "2026-05-01 00:00:00" });
        anna.call(action, days).success();
        for (parameters, wrong) in [
            (json!({ "from": null, "to": null }), &["from", "to"][..]),
            (json!({ "from": "yesterday" }), &["from"]),
            (json!({ "from": "2026-01-01" }), &["from"]),
            (json!({ "to": 1_767_225_600 }), &["to"]),
            (json!({ "point_limit": 1 }), &["point_limit"]),
            (json!({ "point_limit": 3001 }), &["point_limit"]),
            (json!({ "filter": "perhaps", "tracker_id": "x" }), &["tracker_id", "filter"]),
        ] {
            assert_eq!(call(&anna, action, tracker, parameters).wrong_parameters(), wrong);
        }
    }
}

#[test]
fn a_plan_limits_how_far_back_tracks_are_shown() {
    let server = Server::start();
    let panel = server.panel();
    let tariff = json!({ "tariff": { "name": "Short", "device_type": "tracker", "store_period": "3h" } });
    let tariff = panel.call("panel/tariff/create", tariff).success()["id"].clone();
    let anna =
        server.user_with("anna@example.com", json!({ "time_zone": "UTC", "default_tariff_id": tariff }));
    let tracker = anna.register("Van", IMEI);
    let (hidden, shown) = (hours_ago(10), hours_ago(2));
    send(&server, IMEI, &[ride(hidden), ride(shown)].concat());
    for (from, exceeded) in [(hours_ago(48), true), (hidden, true), (shown, false)] {
        for (action, count) in [("track/list", 1), ("track/read", 12)] {
            let answer = call(&anna, action, tracker, json!({ "from": written(from) })).success();
            assert_eq!(answer["limit_exceeded"], exceeded);
            assert_eq!(answer["list"].as_array().unwrap().len(), count);
        }
    }
    let long_ago = json!({ "from": written(hours_ago(20)), "to": written(hours_ago(5)) });
    let answer = call(&anna, "track/list", tracker, long_ago).success();
    assert_eq!((&answer["limit_exceeded"], &answer["list"]), (&json!(true), &json!([])));
}

/// The days of the last two changes of a zone's clock, as their midnight, and how many hours they have.
fn days_of_change(zone: &TimeZone) -> Vec<(Zoned, f64)> {
    let now = jiff::Timestamp::from_millisecond(now().millis()).unwrap();
    let day = |change: TimeZoneTransition<'_>| {
        let midnight = change.timestamp().to_zoned(zone.clone()).start_of_day().unwrap();
        let next = midnight.checked_add(1.day()).unwrap();
        (midnight.clone(), midnight.duration_until(&next).as_secs_f64() / 3600.0)
    };
    zone.preceding(now - 48.hours()).take(2).map(day).collect()
}

#[test]
fn a_day_is_one_of_the_users_calendar() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let mut hours_seen = Vec::new();
    for (number, name) in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"].into_iter().enumerate()
    {
        let imei = format!("35630704244{number:04}");
        let tracker = anna.register("Van", &imei);
        anna.call("user/settings/update", json!({ "time_zone": name })).success();
        for (midnight, hours) in days_of_change(&TimeZone::get(name).unwrap()) {
            hours_seen.push(hours);
            let start = Timestamp::from_millis(midnight.timestamp().as_millisecond());
            let end = Timestamp::from_millis(start.millis() + (hours * 3_600_000.0) as i64);
            // The evening before, the first and the last half hour of the day, the night after.
            let minutes =
                |time: Timestamp, minutes: i64| Timestamp::from_seconds(time.seconds() + 60 * minutes);
            let rides =
                [minutes(start, -30), minutes(start, 1), minutes(end, -30), minutes(end, 1)].map(ride);
            send(&server, &imei, &rides.concat());

            let day = midnight.date();
            let tracks = |from: String, to: String| {
                let span = json!({ "tracker_id": tracker, "from": from, "to": to, "iso_datetime": true });
                let tracks = anna.call("track/list", span).success()["list"].as_array().unwrap().clone();
                tracks.iter().map(|track| track["id"].as_i64().unwrap()).collect::<Vec<_>>()
            };
            let of_the_day = [minutes(start, 1).seconds(), minutes(end, -30).seconds()];
            assert_eq!(
                tracks(format!("{day} 00:00:00"), format!("{day} 23:59:59")),
                of_the_day,
                "{day} in {name}"
            );
            // The same day, written in UTC.
            let iso = |time: Timestamp| time.to_string();
            assert_eq!(tracks(iso(start), iso(minutes(end, -1))), of_the_day, "{day} in {name}");
        }
    }
    hours_seen.sort_by(f64::total_cmp);
    assert_eq!(hours_seen, [23.0, 23.0, 23.5, 24.5, 25.0, 25.0]);
}

#[test]
fn trip_detection_cuts_history_and_live_alike() {
    let mut server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "UTC" }));
    let [tracker, blocked] = [IMEI, "356307042441021"].map(|imei| anna.register("Van", imei));
    let foreign = server.user("berta@example.com").register("Van", "356307042441039");
    let read = |session: &Session| {
        let answer = session.call("tracker/settings/trip_detection/read", json!({ "tracker_id": tracker }));
        answer.success().to_string()
    };
    let update = |session: &Session, tracker: i64, change: Value| {
        let mut parameters =
            json!({ "tracker_id": tracker, "min_idle_duration_minutes": 5, "idle_speed_threshold": 3 });
        parameters.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        session.call("tracker/settings/trip_detection/update", parameters)
    };
    let tracks = |session: &Session| list(session, "track/list", tracker, json!({})).len();
    assert_eq!(
        read(&anna),
        r#"{"success":true,"min_idle_duration_minutes":5,"idle_speed_threshold":3,"ignition_aware":false,"motion_sensor_aware":false}"#
    );

    let start = hours_ago(3);
    let again = Timestamp::from_seconds(start.seconds() + 1200);
    send(&server, IMEI, &[ride(start), ride(again)].concat());
    assert_eq!((tracks(&anna), &anna.state(tracker)["movement_status"]), (2, &json!("parked")));
    // Nine minutes between the rides are a stop now.
    update(&anna, tracker, json!({ "min_idle_duration_minutes": "10" })).success();
    assert_eq!(tracks(&anna), 1);
    // Nothing is that fast, and live movement follows with the next record.
    update(&anna, tracker, json!({ "idle_speed_threshold": 200 })).success();
    send(&server, IMEI, &[at(start, 9000, 0, 120)]);
    assert_eq!((tracks(&anna), &anna.state(tracker)["movement_status"]), (0, &json!("parked")));
    let change =
        json!({ "idle_speed_threshold": 100, "ignition_aware": true, "motion_sensor_aware": "true" });
    update(&anna, tracker, change).success();
    send(&server, IMEI, &[at(start, 9060, 0, 120)]);
    assert_eq!(anna.state(tracker)["movement_status"], "moving");

    let kept = r#"{"success":true,"min_idle_duration_minutes":5,"idle_speed_threshold":100,"ignition_aware":true,"motion_sensor_aware":true}"#;
    assert_eq!(read(&anna), kept);
    for (change, wrong) in [
        (json!({ "min_idle_duration_minutes": 0 }), "min_idle_duration_minutes"),
        (json!({ "min_idle_duration_minutes": 1441 }), "min_idle_duration_minutes"),
        (json!({ "min_idle_duration_minutes": null }), "min_idle_duration_minutes"),
        (json!({ "idle_speed_threshold": -1 }), "idle_speed_threshold"),
        (json!({ "idle_speed_threshold": 201 }), "idle_speed_threshold"),
        (json!({ "idle_speed_threshold": null }), "idle_speed_threshold"),
        (json!({ "ignition_aware": 7 }), "ignition_aware"),
    ] {
        assert_eq!(update(&anna, tracker, change).wrong_parameters(), [wrong]);
    }
    let source =
        anna.call("tracker/read", json!({ "tracker_id": blocked })).success()["value"]["source"]["id"]
            .as_i64();
    server.with_catalog(async |catalog| catalog.block_source(SourceId(source.unwrap())).await.unwrap());
    let anna = server.resume(&anna);
    assert_eq!(read(&anna), kept, "after a restart");
    send(&server, IMEI, &[at(start, 9120, 0, 99)]);
    assert_eq!(anna.state(tracker)["movement_status"], "stopped", "after a restart");
    for (tracker, code) in [(foreign, 204), (i64::from(i32::MAX), 204), (blocked, 208)] {
        assert_eq!(update(&anna, tracker, json!({})).code(), code);
        let answer = anna.call("tracker/settings/trip_detection/read", json!({ "tracker_id": tracker }));
        assert_eq!(answer.code(), code);
    }
}

#[test]
fn tracks_over_a_replaced_device_are_cut_as_the_tracker_is_set() {
    let mut server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "UTC" }));
    let tracker = anna.register("Van", IMEI);
    let update = |anna: &Session, ignition_aware: bool, minutes: i64| {
        let settings = json!({ "tracker_id": tracker, "min_idle_duration_minutes": minutes,
            "idle_speed_threshold": 3, "ignition_aware": ignition_aware });
        anna.call("tracker/settings/trip_detection/update", settings).success();
    };
    let tracks = |anna: &Session| {
        list(anna, "track/list", tracker, json!({ "filter": false, "to": written(hours_ago(1)) }))
    };
    // The key is on the first input, which is off for the four minutes between two rides.
    let sensors = anna.call("tracker/sensor/list", json!({ "tracker_id": tracker })).success();
    let key = json!({ "type": "discrete", "id": sensors["list"][0]["id"], "sensor_type": "ignition",
        "name": "Key", "input_number": 1 });
    anna.call("tracker/sensor/update", json!({ "tracker_id": tracker, "sensor": key })).success();
    update(&anna, true, 5);
    let start = hours_ago(5);
    let rows = [(0, 60, 1), (60, 60, 1), (120, 0, 0), (180, 0, 0), (310, 0, 0), (360, 60, 1), (420, 0, 0)];
    let records = rows.map(|(second, speed, key)| Record {
        parameters: vec![(1, vec![key]), (239, vec![1])],
        ..at(start, second, second as i32 / 60, speed)
    });
    send(&server, IMEI, &records);
    send(&server, IMEI, &[record(now())]);
    let by_the_key = tracks(&anna);
    assert_eq!(by_the_key.len(), 2);

    let replacement = json!({ "tracker_id": tracker, "plugin_id": 44, "model": "telfmb920",
        "device_id": "356307042441021" });
    anna.call("tracker/replace", replacement).success();
    assert_eq!(tracks(&anna), by_the_key);
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(tracks(&anna), by_the_key, "after a restart");
    for (ignition_aware, minutes, count) in [(false, 5, 1), (false, 3, 2), (true, 60, 2), (false, 60, 1)] {
        update(&anna, ignition_aware, minutes);
        assert_eq!(tracks(&anna).len(), count, "{ignition_aware} {minutes}");
    }
    server.restart();
    assert_eq!(tracks(&server.resume(&anna)).len(), 1, "after a restart");
}
