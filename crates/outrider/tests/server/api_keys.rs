//! `api/key/…`: keys with which programs call in a master's name.

use crate::support::{Server, Session, USER_PASSWORD, get_from, keys};
use serde_json::{Value, json};

fn create(session: &Session, title: &str) -> Value {
    session.call("api/key/create", json!({ "title": title })).success()["value"].clone()
}

fn listed(session: &Session) -> Vec<Value> {
    session.call("api/key/list", json!({})).success()["list"].as_array().unwrap().clone()
}

fn with_key(server: &Server, key: &Value) -> Session {
    Session::new(server.http(), key["hash"].as_str())
}

#[test]
fn a_key_lives_until_it_is_deleted() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let key = create(&anna, "Import & Größe");
    assert_eq!(keys(&key), ["hash", "create_date", "title"]);
    let hash = key["hash"].as_str().unwrap().to_owned();
    assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
    let second = create(&anna, "Export");
    assert_eq!(listed(&anna), [key.clone(), second.clone()]);
    assert_eq!(listed(&berta), [Value::Null; 0]);

    // It does what the master does, in each of its three places.
    let program = with_key(&server, &key);
    let tracker = program.register("Van", "356307042441013");
    program.call("tracker/group/create", json!({ "title": "Vans", "color": "FFFFFF" })).success();
    let header = [("authorization", &*format!("NVX {hash}"))];
    server.anyone().get("/v2/tracker/list", &header).success();
    server.anyone().get(&format!("/v2/tracker/list?hash={hash}"), &[]).success();

    // But not what only a person may.
    let set = json!({ "old_password": USER_PASSWORD, "new_password": "another-password" });
    for (action, parameters) in [
        ("api/key/create", json!({ "title": "x" })),
        ("api/key/list", json!({})),
        ("api/key/delete", json!({ "key": hash })),
        ("user/logout", json!({})),
        ("user/session/renew", json!({})),
        ("user/password/set", set.clone()),
        ("panel/user/list", json!({})),
    ] {
        assert_eq!(program.call(action, parameters).code(), 4, "{action}");
    }

    // It outlives log-outs, changes of the password and crashes.
    anna.call("user/password/set", set).success();
    assert_eq!(anna.call("tracker/list", json!({})).code(), 4);
    program.call("tracker/read", json!({ "tracker_id": tracker })).success();
    server.kill();
    server.restart();
    let program = server.resume(&program);
    program.call("tracker/read", json!({ "tracker_id": tracker })).success();
    let log_in = json!({ "login": "anna@example.com", "password": "another-password" });
    let anna = server.anyone().call("user/auth", log_in).success();
    let anna = Session::new(server.http(), anna["hash"].as_str());
    assert_eq!(listed(&anna), [key.clone(), second.clone()], "the same text as ever");

    let delete = |session: &Session, key: &str| session.call("api/key/delete", json!({ "key": key }));
    assert_eq!(delete(&server.log_in("berta@example.com"), &hash).code(), 201);
    delete(&anna, &hash).success();
    assert_eq!(delete(&anna, &hash).code(), 201);
    assert_eq!(program.call("tracker/list", json!({})).code(), 4);
    with_key(&server, &second).call("tracker/list", json!({})).success();
    assert_eq!(listed(&anna), [second]);
    server.kill();
    server.restart();
    assert_eq!(server.resume(&program).call("tracker/list", json!({})).code(), 4);
}

#[test]
fn keys_of_a_user_who_was_deactivated_open_nothing() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let program = with_key(&server, &create(&anna, "Import"));
    let user = anna.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    for (activated, expected) in [(false, Some(4)), (true, None)] {
        let user = json!({ "id": user, "login": "anna@example.com", "activated": activated });
        server.panel().call("panel/user/update", json!({ "user": user })).success();
        let answer = program.call("tracker/list", json!({}));
        assert_eq!(answer.body["status"]["code"].as_i64(), expected);
    }
}

#[test]
fn twenty_keys_with_titles_of_255() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    for (title, fits) in
        [("", false), ("a\u{1}", false), (&*"x".repeat(255), true), (&*"x".repeat(256), false)]
    {
        let answer = anna.call("api/key/create", json!({ "title": title }));
        if fits {
            answer.success();
        } else {
            assert_eq!(answer.wrong_parameters(), ["title"], "{title:?}");
        }
    }
    let first = listed(&anna)[0]["hash"].clone();
    for number in 1..20 {
        create(&anna, &number.to_string());
    }
    let over = || anna.call("api/key/create", json!({ "title": "one too many" }));
    assert_eq!((over().code(), over().status), (268, 402));
    anna.call("api/key/delete", json!({ "key": first })).success();
    create(&anna, "in its place");
    assert_eq!(listed(&anna).len(), 20);
}

#[test]
fn keys_and_their_user_are_counted_apart() {
    let server = Server::start_with("[http]\nrate_limit = 20\n");
    let anna = server.user("anna@example.com");
    let (busy, idle) = (create(&anna, "busy"), create(&anna, "idle"));
    // From many addresses, so that none of them is what is counted.
    let mut hosts = (2..=250).cycle();
    let mut status = |hash: &str| {
        get_from(hosts.next().unwrap(), server.http(), &format!("/v2/tracker/list?hash={hash}")).0
    };
    let busy = busy["hash"].as_str().unwrap();
    assert!((0..1000).any(|_| status(busy) == 429), "a key that calls without end is held back");
    assert_eq!(status(idle["hash"].as_str().unwrap()), 200, "another key");
    assert_eq!(status(anna.hash()), 200, "the user");
}
