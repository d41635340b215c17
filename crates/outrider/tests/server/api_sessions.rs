//! Sessions of users and of the panel: how they begin, what ends them, where they are kept.

use crate::support::{Answer, PANEL_PASSWORD, Server, Session, USER_PASSWORD, keys};
use domain::{Timestamp, UserId};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::catalog::{NewSession, SessionOwner};

#[test]
fn logging_in() {
    let server = Server::start();
    let (anyone, panel) = (server.anyone(), server.panel());
    server.user("anna@example.com");
    server.user("berta@example.com");
    let sleeping =
        json!({ "user": { "login": "carla@example.com", "activated": false }, "password": USER_PASSWORD });
    panel.call("panel/user/create", sleeping).success();
    let log_in = |login: &str, password: &str| -> Answer {
        anyone.call("user/auth", json!({ "login": login, "password": password, "dealer_id": 1 }))
    };

    let answer = log_in("anna@example.com", USER_PASSWORD).success();
    assert_eq!(keys(&answer), ["success", "type", "hash"]);
    assert_eq!(answer["type"], "authenticated");
    let hash = answer["hash"].as_str().unwrap();
    assert!(
        hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
        "{hash}"
    );
    assert_ne!(log_in("anna@example.com", USER_PASSWORD).success()["hash"], hash);
    assert_eq!(log_in("anna@example.com", "wrong").code(), 102);
    assert_eq!(log_in("nobody@example.com", USER_PASSWORD).code(), 102);
    assert_eq!(log_in("carla@example.com", USER_PASSWORD).code(), 103);
    assert_eq!(log_in("carla@example.com", "wrong").code(), 102);

    // The attempts of a login are used up; then the right password does not help either. Sessions go on.
    let session = server.log_in("berta@example.com");
    let codes: Vec<_> = (0..11).map(|_| log_in("berta@example.com", "wrong").code()).collect();
    assert_eq!(codes, [[102; 10].as_slice(), &[105]].concat());
    assert_eq!(log_in("berta@example.com", USER_PASSWORD).code(), 105);
    assert_eq!(log_in("BERTA@example.com", USER_PASSWORD).code(), 105);
    let change = json!({ "old_password": USER_PASSWORD, "new_password": "another one" });
    assert_eq!(session.call("user/password/set", change).code(), 105);
    session.call("user/get_info", json!({})).success();
    log_in("anna@example.com", USER_PASSWORD).success();

    // A right password forgives what came before it.
    for _ in 0..2 {
        assert!((0..9).all(|_| log_in("anna@example.com", "wrong").code() == 102));
        log_in("anna@example.com", USER_PASSWORD).success();
    }

    // The panel's attempts are counted apart from those of a user with the same login.
    let user = json!({ "user": { "login": "admin" }, "password": USER_PASSWORD });
    panel.call("panel/user/create", user).success();
    let panel_log_in =
        |password: &str| anyone.call("panel/account/auth", json!({ "login": "admin", "password": password }));
    assert!((0..10).all(|_| panel_log_in("wrong").code() == 11));
    assert_eq!(panel_log_in(PANEL_PASSWORD).code(), 105);
    log_in("admin", USER_PASSWORD).success();
    panel.call("panel/user/list", json!({})).success();
}

#[test]
fn what_ends_a_session() {
    let server = Server::start();
    let panel = server.panel();
    let anna = server.user("anna@example.com");
    let berta = server.user("berta@example.com");
    let works = |session: &Session| {
        let answer = session.call("user/get_info", json!({}));
        if answer.status == 200 { None } else { Some(answer.code()) }
    };
    let log_in = |password: &str| {
        server.anyone().call("user/auth", json!({ "login": "anna@example.com", "password": password }))
    };

    let other = server.log_in("anna@example.com");
    other.call("user/session/renew", json!({})).success();
    other.call("user/logout", json!({})).success();
    assert_eq!([&anna, &other, &berta].map(works), [None, Some(4), None]);
    for action in ["user/logout", "user/session/renew", "tracker/list"] {
        assert_eq!(other.call(action, json!({})).code(), 4, "{action}");
    }

    // A user's own change of password, which only the right old one allows.
    let id = anna.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let opened = panel.call("panel/user/session/create", json!({ "user_id": id })).success();
    assert_eq!(keys(&opened), ["success", "hash"]);
    let opened = Session::new(server.http(), opened["hash"].as_str());
    for (old, new, code) in [("wrong", "another one", 248), (USER_PASSWORD, USER_PASSWORD, 245)] {
        let change = json!({ "old_password": old, "new_password": new });
        assert_eq!(anna.call("user/password/set", change).code(), code);
    }
    assert_eq!([&anna, &opened].map(works), [None, None]);
    let change = json!({ "old_password": USER_PASSWORD, "new_password": "another one" });
    anna.call("user/password/set", change).success();
    assert_eq!([&anna, &opened, &berta].map(works), [Some(4), Some(4), None]);
    assert_eq!(log_in(USER_PASSWORD).code(), 102);
    let anna = Session::new(server.http(), log_in("another one").success()["hash"].as_str());
    assert_eq!(works(&anna), None);

    // The panel's change of the password.
    panel.call("panel/user/change_password", json!({ "user_id": id, "password": "a third one" })).success();
    assert_eq!([&anna, &berta].map(works), [Some(4), None]);
    assert_eq!(log_in("another one").code(), 102);
    log_in("a third one").success();

    // The panel's own sessions.
    let second = server.panel();
    second.call("panel/account/logout", json!({})).success();
    assert_eq!(second.call("panel/user/list", json!({})).code(), 4);
    panel.call("panel/user/list", json!({})).success();
}

#[test]
fn a_hash_opens_only_its_own_kind_of_action() {
    let server = Server::start();
    let (panel, anna) = (server.panel(), server.user("anna@example.com"));
    assert_eq!(panel.call("tracker/list", json!({})).code(), 4);
    assert_eq!(anna.call("panel/user/list", json!({})).code(), 4);
    let fingerprint = fingerprint(anna.hash());
    let upper = anna.hash().to_uppercase();
    for (hash, code) in [
        (json!(null), 7),
        (json!(""), 7),
        (json!(7), 7),
        (json!(["a"]), 7),
        (json!("0"), 4),
        (json!("0".repeat(32)), 4),
        (json!("0".repeat(100_000)), 4),
        (json!(format!("{} ", anna.hash())), 4),
        (json!(upper), 4),
        (json!(fingerprint), 4),
    ] {
        for action in ["tracker/list", "panel/user/list"] {
            let answer = server.anyone().call(action, json!({ "hash": hash }));
            assert_eq!(answer.code(), code, "{hash}");
            if code == 7 {
                assert_eq!(answer.wrong_parameters(), ["hash"]);
            }
        }
    }
}

#[test]
fn sessions_outlive_the_process_and_are_kept_only_as_fingerprints() {
    let mut server = Server::start();
    let (panel, anna) = (server.panel(), server.user("anna@example.com"));
    let ended = server.log_in("anna@example.com");
    ended.call("user/logout", json!({})).success();
    let holds = |server: &Server, text: &str| {
        let found = |content: &Vec<u8>| content.windows(text.len()).any(|window| window == text.as_bytes());
        server.files().iter().any(|(_, content)| found(content))
    };
    for round in ["running", "stopped", "killed"] {
        match round {
            "stopped" => {
                server.stop();
                server.restart();
            }
            "killed" => {
                server.kill();
                server.restart();
            }
            _ => {}
        }
        server.resume(&anna).call("user/get_info", json!({})).success();
        server.resume(&panel).call("panel/user/list", json!({})).success();
        assert_eq!(server.resume(&ended).call("user/get_info", json!({})).code(), 4, "{round}");
        for session in [&anna, &panel] {
            assert!(holds(&server, &fingerprint(session.hash())), "{round}");
            assert!(!holds(&server, session.hash()), "{round}");
        }
    }

    let expires = |server: &mut Server| {
        let fingerprint = fingerprint(anna.hash());
        let long_ago = Timestamp::from_seconds(0);
        server.with_catalog(async |catalog| {
            catalog.session(&fingerprint, long_ago).await.unwrap().unwrap().expires
        })
    };
    let before = expires(&mut server);
    server.resume(&anna).call("user/session/renew", json!({})).success();
    assert!(expires(&mut server) > before);
}

#[test]
fn a_user_has_a_thousand_sessions_at_most() {
    let mut server = Server::start();
    let (panel, anna) = (server.panel(), server.user("anna@example.com"));
    let user = json!({ "user_id": anna.call("user/get_info", json!({})).success()["user_info"]["id"] });
    let id = UserId(user["user_id"].as_i64().unwrap());
    server.with_catalog(async |catalog| {
        let own =
            catalog.session(&fingerprint(anna.hash()), Timestamp::from_seconds(0)).await.unwrap().unwrap();
        for number in 1..1000 {
            let owner = SessionOwner::User(id);
            let (created, expires) = (own.created, own.expires);
            let token_hash = format!("{number:064}");
            let new = NewSession { owner, token_hash, checked_against: None, created, expires };
            catalog.create_session(&new).await.unwrap();
        }
    });
    let (panel, anna) = (server.resume(&panel), server.resume(&anna));
    assert_eq!(panel.call("panel/user/session/create", user.clone()).code(), 104);
    let log_in = json!({ "login": "anna@example.com", "password": USER_PASSWORD });
    assert_eq!(server.anyone().call("user/auth", log_in).code(), 104);
    anna.call("user/logout", json!({})).success();
    panel.call("panel/user/session/create", user).success();
}

fn fingerprint(hash: &str) -> String {
    Sha256::digest(hash).iter().map(|byte| format!("{byte:02x}")).collect()
}
