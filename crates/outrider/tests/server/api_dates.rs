//! Dates as callers ask for them: plain or ISO 8601, in the user's time zone, summer time included.

use crate::support::{Device, Reaction, Server, record};
use domain::Timestamp;
use jiff::{
    civil::{Date, date},
    tz::TimeZone,
};
use serde_json::{Value, json};

#[test]
fn iso_dates_may_be_asked_for_in_three_places() {
    let server = Server::start();
    let anna = server.user_with("anna@example.com", json!({ "time_zone": "Asia/Kathmandu" }));
    let json = ("content-type", "application/json");
    let header = ("nvx-iso-datetime", "true");
    let off = ("nvx-iso-datetime", "false");
    let body = |extra: &str| Some(format!(r#"{{"hash":"{}","trackers":[]{extra}}}"#, anna.hash()));
    let query = |extra: &str| format!("?hash={}&trackers=[]{extra}", anna.hash());
    for (iso, query, headers, body) in [
        (false, String::new(), &[json][..], body("")),
        (false, String::new(), &[json], body(r#","iso_datetime":false"#)),
        (false, String::new(), &[json, off], body("")),
        (false, query("&iso_datetime=false"), &[], None),
        (false, query(""), &[], None),
        (true, String::new(), &[json], body(r#","iso_datetime":true"#)),
        (true, String::new(), &[json], body(r#","iso_datetime":"true""#)),
        (true, String::new(), &[json, header], body("")),
        (true, "?iso_datetime=true".to_owned(), &[json], body("")),
        (true, query("&iso_datetime=true"), &[], None),
        (true, query("&iso_datetime=1"), &[], None),
        (true, query(""), &[header], None),
        (true, query(""), &[("nvx-iso-datetime", "True")], None),
        (true, String::new(), &[], Some(query("&iso_datetime=true")[1..].to_owned())),
    ] {
        let path = format!("/v2/tracker/get_states{query}");
        let answer = match &body {
            Some(body) => anna.post(&path, headers, body),
            None => anna.get(&path, headers),
        };
        let answer = answer.success();
        let time = answer["user_time"].as_str().unwrap();
        let pattern = if iso { "9999-99-99T99:99:99+05:45" } else { "9999-99-99 99:99:99" };
        let digits = |c: char| if c.is_ascii_digit() { '9' } else { c };
        let shape: String = time.char_indices().map(|(at, c)| if at < 19 { digits(c) } else { c }).collect();
        assert_eq!(shape, pattern, "{path} {headers:?} {body:?}");
    }
}

#[test]
fn dates_are_those_of_the_users_zone() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let states = anna.call("tracker/get_states", json!({ "trackers": [] })).success();
    let today: Date = states["user_time"].as_str().unwrap()[..10].parse().unwrap();
    // The last 15th of January and of July, 20:30 UTC: within the retention of a year.
    let moments = [1, 7].map(|month| {
        let day = date(today.year(), month, 15);
        let day = if day < today { day } else { date(today.year() - 1, month, 15) };
        day.at(20, 30, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
    });
    let [winter, summer] = ["356307042441013", "356307042441021"].map(|imei| anna.register("Van", imei));
    for (imei, moment) in ["356307042441013", "356307042441021"].into_iter().zip(moments) {
        let time = Timestamp::from_millis(moment.as_millisecond());
        let reaction = Device::logged_in(server.teltonika(), imei).send(&[record(time)]);
        assert_eq!(reaction, Reaction::Acknowledged(1));
    }
    for (zone, in_january, in_july) in [
        ("UTC", "15T20:30:00+00:00", "15T20:30:00+00:00"),
        ("Asia/Kolkata", "16T02:00:00+05:30", "16T02:00:00+05:30"),
        ("Europe/Berlin", "15T21:30:00+01:00", "15T22:30:00+02:00"),
        ("America/St_Johns", "15T17:00:00-03:30", "15T18:00:00-02:30"),
        ("Australia/Lord_Howe", "16T07:30:00+11:00", "16T07:00:00+10:30"),
        ("Pacific/Kiritimati", "16T10:30:00+14:00", "16T10:30:00+14:00"),
        ("Pacific/Pago_Pago", "15T09:30:00-11:00", "15T09:30:00-11:00"),
    ] {
        anna.call("user/settings/update", json!({ "time_zone": zone })).success();
        for (tracker, moment, expected) in [(winter, moments[0], in_january), (summer, moments[1], in_july)] {
            let iso = format!("{}{expected}", &moment.to_string()[..8]);
            let plain = iso[..19].replace('T', " ");
            for (parameters, expected) in [
                (json!({ "tracker_id": tracker, "iso_datetime": true }), &iso),
                (json!({ "tracker_id": tracker }), &plain),
            ] {
                let state = anna.call("tracker/get_state", parameters.clone()).success();
                let point = anna.call("tracker/get_last_gps_point", parameters).success();
                assert_eq!(state["state"]["gps"]["updated"], **expected, "{zone}");
                assert_eq!(point["value"]["get_time"], **expected, "{zone}");
            }
        }
    }
}

#[test]
fn settings_decide_how_answers_are_written_and_survive_a_restart() {
    let mut server = Server::start();
    let anna =
        server.user_with("anna@example.com", json!({ "time_zone": "Asia/Kolkata", "locale": "de_DE" }));
    let settings = |zone: &str, locale: &str, system: &str| {
        json!({ "settings": { "time_zone": zone, "locale": locale, "measurement_system": system, "geocoder": "osm",
            "route_provider": "osrm", "translit": false }, "success": true })
    };
    let read =
        |anna: &crate::support::Session| -> Value { anna.call("user/settings/read", json!({})).success() };
    assert_eq!(read(&anna), settings("Asia/Kolkata", "de_DE", "metric"));
    anna.call("user/settings/update", json!({ "measurement_system": "us" })).success();
    anna.call("user/settings/update", json!({ "time_zone": "America/St_Johns", "locale": "en" })).success();
    assert_eq!(read(&anna), settings("America/St_Johns", "en", "us"));
    let wrong = json!({ "time_zone": "Mars/Olympus", "locale": "english", "measurement_system": "cubits",
        "geocoder": "guess", "route_provider": "luck", "translit": "perhaps" });
    let answer = anna.call("user/settings/update", wrong);
    assert_eq!(
        answer.wrong_parameters(),
        ["time_zone", "locale", "measurement_system", "geocoder", "route_provider", "translit"]
    );
    server.restart();
    assert_eq!(read(&server.resume(&anna)), settings("America/St_Johns", "en", "us"));
}
