//! The forms in which one call may come: JSON, form, query; the three places of the session's hash.

use crate::support::{Server, Session};
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const HEADER: (&str, &str) = ("authorization", "NVX HASH");

/// A path, headers, and the body of a `POST`; `None` is a `GET`. HASH and ID stand for the session and the tracker.
type Form<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

const FORMS_OF_READ: &[Form] = &[
    // Where the action is.
    ("/v2/tracker/read", &[JSON], Some(r#"{"hash":"HASH","tracker_id":ID}"#)),
    ("/v2/tracker/read/", &[JSON], Some(r#"{"hash":"HASH","tracker_id":ID}"#)),
    ("/api-v2/tracker/read", &[JSON], Some(r#"{"hash":"HASH","tracker_id":ID}"#)),
    ("/api-v2/tracker/read/", &[], Some("hash=HASH&tracker_id=ID")),
    ("/tracker/read", &[JSON], Some(r#"{"hash":"HASH","tracker_id":ID}"#)),
    ("/tracker/read/?hash=HASH&tracker_id=ID", &[], None),
    // What kind of body it is.
    ("/v2/tracker/read", &[], Some(r#" {"hash":"HASH","tracker_id":ID}"#)),
    ("/v2/tracker/read", &[FORM], Some(r#"{"hash":"HASH","tracker_id":ID}"#)),
    ("/v2/tracker/read", &[TEXT], Some("\r\n{\"hash\":\"HASH\",\"tracker_id\":ID}\r\n")),
    (
        "/v2/tracker/read",
        &[("content-type", "application/json; charset=UTF-8")],
        Some(r#"{"hash":"HASH","tracker_id":ID}"#),
    ),
    ("/v2/tracker/read", &[FORM], Some("hash=HASH&tracker_id=ID")),
    ("/v2/tracker/read", &[], Some("tracker%5Fid=ID&hash=HASH")),
    ("/v2/tracker/read?hash=HASH&tracker_id=ID", &[], None),
    ("/v2/tracker/read?hash=HASH&tracker_id=ID", &[JSON], Some("")),
    ("/v2/tracker/read?tracker_id=ID", &[JSON], Some(r#"{"hash":"HASH"}"#)),
    // Numbers as texts, unknown parameters.
    ("/v2/tracker/read", &[JSON], Some(r#"{"hash":"HASH","tracker_id":"ID"}"#)),
    (
        "/v2/tracker/read",
        &[JSON],
        Some(r#"{"hash":"HASH","tracker_id":ID,"include":["x"],"sort":{"a":[null]}}"#),
    ),
    ("/v2/tracker/read?hash=HASH&tracker_id=ID&_=1700000000000&include", &[], None),
    // Where the session's hash is. What is more deliberate wins, and what is empty does not count.
    ("/v2/tracker/read?hash=HASH", &[JSON], Some(r#"{"tracker_id":ID}"#)),
    ("/v2/tracker/read?hash=HASH", &[FORM], Some("tracker_id=ID")),
    ("/v2/tracker/read", &[JSON, HEADER], Some(r#"{"tracker_id":ID}"#)),
    ("/v2/tracker/read?tracker_id=ID", &[HEADER], None),
    ("/v2/tracker/read?tracker_id=ID", &[("authorization", "nvx  HASH ")], None),
    ("/v2/tracker/read?hash=wrong", &[JSON], Some(r#"{"hash":"HASH","tracker_id":ID}"#)),
    ("/v2/tracker/read?hash=HASH&tracker_id=ID", &[("authorization", "NVX wrong")], None),
    ("/v2/tracker/read?hash=HASH", &[JSON], Some(r#"{"hash":null,"tracker_id":ID}"#)),
    ("/v2/tracker/read", &[JSON, HEADER], Some(r#"{"hash":"","tracker_id":ID}"#)),
    ("/v2/tracker/read?tracker_id=ID&hash=HASH", &[("authorization", "Basic eA==")], None),
];

#[test]
fn a_call_answers_the_same_in_every_form() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", "356307042441013").to_string();
    let expected = anna.call("tracker/read", json!({ "tracker_id": tracker })).success();
    assert_eq!(expected["value"]["label"], "Van 1");
    for form in FORMS_OF_READ {
        assert_eq!(send(&anna, &tracker, form).success(), expected, "{form:?}");
    }

    // Lists and flags: in forms and queries a list is JSON text.
    let all = json!({ "trackers": [tracker, i32::MAX], "allow_not_exist": true, "list_blocked": true });
    let expected = anna.call("tracker/get_states", all).success();
    assert_eq!((&expected["not_exist"], &expected["blocked"]), (&json!([i32::MAX]), &json!([])));
    let forms: &[Form] = &[
        (
            "/v2/tracker/get_states",
            &[JSON, HEADER],
            Some(r#"{"trackers":["ID","2147483647"],"allow_not_exist":"true","list_blocked":"1"}"#),
        ),
        (
            "/v2/tracker/get_states",
            &[JSON, HEADER],
            Some(r#"{"trackers":"[ID, 2147483647]","allow_not_exist":true,"list_blocked":true}"#),
        ),
        (
            "/v2/tracker/get_states",
            &[FORM, HEADER],
            Some("trackers=[ID,2147483647]&allow_not_exist=true&list_blocked=1"),
        ),
        (
            "/v2/tracker/get_states",
            &[FORM, HEADER],
            Some("trackers=%5B%22ID%22%2C+2147483647%5D&allow_not_exist=1&list_blocked=true"),
        ),
        (
            "/v2/tracker/get_states?trackers=%5BID,2147483647%5D&allow_not_exist=true&list_blocked=true",
            &[HEADER],
            None,
        ),
    ];
    for form in forms {
        let answer = send(&anna, &tracker, form).success();
        for key in ["states", "blocked", "not_exist"] {
            assert_eq!(answer[key], expected[key], "{form:?}");
        }
    }
    let flags_off = "/v2/tracker/get_states?trackers=[]&allow_not_exist=false&list_blocked=0".to_owned();
    let answer = anna.get(&flags_off, &[("authorization", &format!("NVX {}", anna.hash()))]).success();
    assert_eq!((&answer["states"], answer.get("not_exist"), answer.get("blocked")), (&json!({}), None, None));

    // Text beyond ASCII, as it comes in each form.
    for (label, form) in [
        ("Größe 1", "hash=HASH&id=GROUP&title=Gr%C3%B6%C3%9Fe+1&color=00ff00"),
        ("Größe 2", r#"{"hash":"HASH","id":GROUP,"title":"Gr\u00f6\u00dfe 2","color":"00ff00"}"#),
        ("Größe 🚚", r#"{"hash":"HASH","id":"GROUP","title":"Größe 🚚","color":"00ff00"}"#),
    ] {
        let group = anna.call("tracker/group/create", json!({ "title": "x", "color": "000000" })).success();
        let body = form.replace("HASH", anna.hash()).replace("GROUP", &group["id"].to_string());
        anna.post("/v2/tracker/group/update", &[], body).success();
        let groups = anna.call("tracker/group/list", json!({})).success();
        assert!(groups["list"].as_array().unwrap().iter().any(|group| group["title"] == label), "{groups}");
    }
}

#[test]
fn what_is_no_form_of_a_call_answers_5() {
    let server = Server::start();
    let anyone = server.anyone();
    let multipart = ("content-type", "multipart/form-data; boundary=x");
    for (headers, body) in [
        (&[JSON][..], &b"{"[..]),
        (&[JSON], b"{\"login\": }"),
        (&[JSON], b"{\"login\":\"anna\"} x"),
        (&[JSON], b"[\"login\"]"),
        (&[JSON], b"\"login\""),
        (&[JSON], b"login=anna"),
        (&[JSON], b"{\"login\":\"\xff\"}"),
        (&[JSON], b"{\"login\":\"\\ud800\"}"),
        (&[], b"{\"login\":"),
        (&[FORM], b"{login=anna}"),
        (&[TEXT], b"login=anna"),
        (&[multipart], b"--x\r\n\r\n\r\n--x--\r\n"),
    ] {
        let answer = anyone.post("/v2/user/auth", headers, body);
        assert_eq!(answer.code(), 5, "{headers:?} {}", String::from_utf8_lossy(body));
    }
    let deep = format!("{{\"login\":{}", "[".repeat(100_000));
    assert_eq!(anyone.post("/v2/user/auth", &[JSON], deep).code(), 5);
}

fn send(caller: &Session, tracker: &str, (path, headers, body): &Form) -> crate::support::Answer {
    let fill = |text: &str| text.replace("HASH", caller.hash()).replace("ID", tracker);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, fill(value))).collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    match body {
        Some(body) => caller.post(&fill(path), &headers, fill(body)),
        None => caller.get(&fill(path), &headers),
    }
}
