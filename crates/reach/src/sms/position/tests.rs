//! Texts as vendors' documents print them, and what is made of them; and texts that nobody expects.

use super::*;
use domain::device_models;
use proptest::prelude::*;

/// 2026-11-24 09:15:30 UTC.
const NOW: i64 = 1_795_511_730;

fn read(model: &str, text: &str) -> Option<Place> {
    let device_id = DeviceId::new("869606021234567").unwrap();
    place(text, ModelCode::find(model).unwrap(), Some(&device_id))
}

/// Place and time in short: `lat,lng speed/heading time`.
fn short(place: Option<Place>) -> String {
    match place {
        None => "-".to_owned(),
        Some(Place::Unknown) => "unknown".to_owned(),
        Some(Place::At { fix, time }) => {
            let mut text = format!("{},{}", fix.coordinates.lat(), fix.coordinates.lng());
            if let (Some(speed), Some(heading)) = (fix.speed, fix.heading) {
                text += &format!(" {}/{}", speed.kmh(), heading.degrees());
            }
            if let Some(time) = time {
                let ((year, month, day), (hour, minute, second)) = time.to_civil();
                text += &format!(" {year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
            }
            text
        }
    }
}

#[test]
fn answers_of_families() {
    for (model, text, expected) in [
        (
            "telfmb920",
            "GPS:1 Sat:7 Lat:54.71473 Long:25.303417 Alt:147 Speed:12 Dir:77 Date: 2026/6/16 Time: 12:58:52",
            "54.71473,25.303417 12/77 2026-06-16 12:58:52",
        ),
        (
            "telfm4200",
            "GPS:1 Sat:11 Lat:-33.856784 Long:-70.5 Alt:-3 Speed:0 Dir:0 Date:2026/11/24 Time:09:15:30",
            "-33.856784,-70.5 0/0 2026-11-24 09:15:30",
        ),
        (
            "telfmb920",
            "GPS:0 Sat:0 Lat:54.71473 Long:25.303417 Alt:147 Speed:0 Dir:77 Date:2026/6/16 Time:12:58:52",
            "unknown",
        ),
        ("telfmb920", "GPS:0", "unknown"),
        (
            "telfmb920",
            "GPS:1 Sat:7 Lat:0.000000 Long:0.000000 Alt:0 Speed:0 Dir:0 Date:2026/6/16 Time:1:2:3",
            "unknown",
        ),
        ("telfmb920", "https://maps.google.com/?q=54.71473,25.303417", "54.71473,25.303417"),
        ("telfmb920", "setparam 2004:gps.example.com done", "-"),
        (
            "concoxgt06e",
            "Lat:N22.571285,Lon:E113.877115,Course:42.20,Speed:0.0740,DateTime:26-11-23 22:28:51",
            "22.571285,113.877115 0.074/42 2026-11-23 22:28:51",
        ),
        (
            "concoxgt06e",
            "Current position!Lat:S22.571285,Lon:W113.877115,Course:0.00,Speed:0.0000,DateTime:2026-11-23 22:28",
            "-22.571285,-113.877115 0/0 2026-11-23 22:28:00",
        ),
        (
            "concoxgt06e",
            "<DateTime:26-11-23 23:42:51> http://maps.google.com/maps?q=N22.571490,E113.877103",
            "22.57149,113.877103 2026-11-23 23:42:51",
        ),
        ("concoxgt06e", "No data!", "-"),
        (
            "meitrack_t622",
            "Now,261124,02:48,A,16,23Km/h,61%,http://maps.google.com/maps?f=q&hl=en&q=22.540103,114.082329&ie=UTF8&z=16",
            "22.540103,114.082329 2026-11-24 02:48:00",
        ),
        (
            "meitrack_t622",
            "Now,261124 16:40,V,16,23Km/h,61%,http://maps.google.com/maps?f=q&hl=en&q=22.540103,114.082329&ie=UTF8",
            "unknown",
        ),
        (
            "qlgv300",
            "http://maps.google.com/maps?q=31.222073,121.354335 F1 D2026/11/24T00:00:00 B74%",
            "31.222073,121.354335 2026-11-24 00:00:00",
        ),
        ("qlgv300", "http://maps.google.com/maps?q=31.222073,121.354335\nF0 D2026/11/24T00:00:00", "unknown"),
        (
            "qlgv300",
            "+RESP:GTRTL,060800,869606021234567,van,,00,1,1,4.3,92,70.0,25.279651,54.687155,20261124091530,0246,0001,18D8,\
             6141,00,2000.0,20261124091532,11F0$",
            "54.687155,25.279651 4.3/92 2026-11-24 09:15:30",
        ),
        (
            "qlgv300",
            "+RESP:GTRTL,060800,869606021234568,another,,00,1,1,4.3,92,70.0,25.279651,54.687155,20261124091530,0246,0001,\
             18D8,6141,00,2000.0,20261124091532,11F0$",
            "-",
        ),
        // Of no family.
        (
            "tt1_wp",
            "Lat: +22.50500\nLong: +114.01000\nSpeed: 5.00KM/H\nDirection: 315.00\nDate: 2026-04-25\nTime: 16:39:45",
            "22.505,114.01 5/315 2026-04-25 16:39:45",
        ),
        ("tt1_wp", "lat:54.7N;long:25.3E", "54.7,25.3"),
        ("tt1_wp", "Lat:22.5Speed:5,Lon:114.1", "-"),
        ("tt1_wp", "SOS! https://www.google.com/maps/search/?api=1&query=54.7%2C-25.3", "54.7,-25.3"),
        ("tt1_wp", "https://www.google.com/maps/@54.7,25.3,17z now", "54.7,25.3"),
        ("tt1_wp", "https://www.openstreetmap.org/?mlat=54.7&mlon=25.3#map=17/54.7/25.3", "54.7,25.3"),
        ("tt1_wp", "geo:54.7,25.3;u=35", "54.7,25.3"),
        // Letters behind the degrees.
        ("tt1_wp", "Latitude:22.5S,Longitude:114.1W", "-22.5,-114.1"),
    ] {
        assert_eq!(short(read(model, text)), expected, "{model}: {text}");
    }
}

#[test]
fn what_is_no_place() {
    for text in [
        "",
        "54.71,25.30",
        "see https://example.com/?q=54.7,25.3",
        "https://maps.example.com/?q=5,25",
        "https://maps.google.com/?q=91.5,25.3",
        "https://maps.google.com/?q=N-1.5,E25.3",
        "Lat:91.5,Lon:25.3",
        "Lat:W54.7,Lon:25.3",
        "Flat:54.7,Lon:25.3",
        "Lat:,Lon:",
        "Lat:54.7",
    ] {
        assert_eq!(read("telfmb920", text), None, "{text}");
    }
}

#[test]
fn where_places_stand_in_time() {
    let at = |seconds: i64| Timestamp::from_seconds(NOW + seconds);
    let day = Duration::from_secs(24 * 3600);
    for (said, expected) in [
        (None, Some(0)),
        (Some(-60), Some(-60)),
        (Some(300), Some(300)),
        // Its clock shows the time of China.
        (Some(8 * 3600 - 60), Some(0)),
        (Some(15 * 3600), None),
        (Some(-25 * 3600), None),
    ] {
        assert_eq!(time_of(said.map(at), at(0), day), expected.map(at), "{said:?}");
    }
}

#[test]
fn templates_have_known_blanks() {
    for model in device_models() {
        for template in ShortMessages::answers(model) {
            for name in template.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0) {
                assert!(template::BLANKS.contains(&name), "{template}: {name}");
            }
        }
    }
}

/// Pieces of texts, so that random ones come far.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,4}",
        "[NSEW+-]?[0-9]{0,3}\\.?[0-9]{0,7}",
        proptest::sample::select(
            &[
                "Lat:",
                "Long:",
                "Lon:",
                ",",
                " ",
                "GPS:",
                "Date:",
                "Time:",
                "http://maps.google.com/maps?q=",
                "F1",
                "D",
                "T",
                "2026/11/24",
                "09:15:30",
                "Km/h",
                "+RESP:GTRTL",
                "$$",
                "*HQ",
                "#",
                "ST300STT;",
                "°",
                "é",
                "DateTime:",
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever comes, nothing breaks, and what is believed can be shown.
    #[test]
    fn any_text_is_read(text in words(), model in 0..1000_usize) {
        let models = device_models();
        let model = &models[model % models.len()];
        if let Some(Place::At { fix, time }) = read(&model.code, &text) {
            prop_assert!(fix.is_usable());
            prop_assert!(fix.coordinates.lat().abs() <= 90.0 && fix.coordinates.lng().abs() <= 180.0);
            prop_assert!(fix.speed.is_none_or(|speed| speed.kmh().is_finite()));
            prop_assert!(fix.altitude.is_none_or(|altitude| altitude.0.is_finite()));
            _ = time_of(time, Timestamp::from_seconds(NOW), Duration::from_secs(3600));
        }
    }

    /// What a device prints is what is read.
    #[test]
    fn every_place_comes_back(lat in -90_000_000..90_000_000_i32, lng in -180_000_000..180_000_000_i32, seconds in 0..100_000_000_i64) {
        let (lat, lng) = (f64::from(lat) / 1e6, f64::from(lng) / 1e6);
        let time = Timestamp::from_seconds(NOW - seconds);
        let ((year, month, day), (hour, minute, second)) = time.to_civil();
        let teltonika = format!(
            "GPS:1 Sat:9 Lat:{lat:.6} Long:{lng:.6} Alt:1 Speed:50 Dir:90 Date:{year}/{month}/{day} Time:{hour}:{minute}:{second}"
        );
        let (north, east) = (if lat < 0.0 { 'S' } else { 'N' }, if lng < 0.0 { 'W' } else { 'E' });
        let concox = format!(
            "Lat:{north}{:.6},Lon:{east}{:.6},Course:90.00,Speed:50.0,DateTime:{:02}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}",
            lat.abs(), lng.abs(), year % 100
        );
        for (model, text) in [("telfmb920", teltonika), ("concoxgt06e", concox)] {
            match read(model, &text) {
                Some(Place::At { fix, time: said }) => {
                    prop_assert!((fix.coordinates.lat() - lat).abs() < 1e-9 && (fix.coordinates.lng() - lng).abs() < 1e-9);
                    prop_assert_eq!(said, Some(time));
                }
                other => prop_assert!(lat == 0.0 && lng == 0.0, "{} {:?}", text, other),
            }
        }
    }
}
