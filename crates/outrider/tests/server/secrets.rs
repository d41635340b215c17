//! Secrets that callers send or are given appear nowhere else: not in logs, not in metrics, not in any file.

use crate::support::{Answer, PANEL_PASSWORD, Server, Session, USER_PASSWORD};
use serde_json::{Value, json};

/// Each is sent as what its name says.
const CANARIES: [&str; 8] = [
    "canary-new-password",
    "canary-wrong-password",
    "canary-panels-choice",
    "canary-apn-password",
    "canary-broken-json",
    "canary-hash",
    "43434343434343434343", // activation code
    "canary-nowhere",
];

#[test]
fn secrets_leave_no_trace() {
    let mut server = Server::start_with("[log]\nlevel = \"debug\"\n");
    let mut hashes = Vec::new();
    let panel = server.panel();
    let anna = server.user("anna@example.com");
    let anyone = server.anyone();

    // In bodies.
    let wrong = json!({ "login": "anna@example.com", "password": CANARIES[1] });
    assert_eq!(anyone.call("user/auth", wrong.clone()).code(), 102);
    assert_eq!(anyone.call("panel/account/auth", wrong).code(), 11);
    let change = json!({ "old_password": CANARIES[1], "new_password": CANARIES[0] });
    assert_eq!(anna.call("user/password/set", change).code(), 248);
    let tracker = |imei: &str| {
        json!({
            "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": imei,
            "apn_name": "internet", "apn_password": CANARIES[3],
        })
    };
    anna.call("tracker/register", tracker("356307042441013")).success();
    assert_eq!(anna.call("tracker/register", tracker("356307042441013")).code(), 224);
    assert_eq!(anna.call("tracker/register", tracker("short")).code(), 7);
    let mut code = tracker("356307042441021");
    code["activation_code"] = json!(CANARIES[6]);
    assert_eq!(anna.call("tracker/register", code).code(), 227);
    let broken = format!(r#"{{"login":"anna@example.com","password":"{}"#, CANARIES[4]);
    assert_eq!(anyone.post("/v2/user/auth", &[("content-type", "application/json")], broken).code(), 5);
    let long = json!({ "login": "anna@example.com", "password": CANARIES[4].repeat(10) });
    assert_eq!(anyone.call("user/auth", long).code(), 7);

    // In queries, of actions and of what is none.
    for path in ["user/auth", "panel/account/auth", "user/nonsense", "nonsense", "health/live"] {
        let query = format!("login=anna%40example.com&password={}&hash={}", CANARIES[1], CANARIES[5]);
        anyone.get(&format!("/v2/{path}?{query}"), &[]).code();
    }
    let in_query = format!("/v2/user/auth?login=anna@example.com&password={USER_PASSWORD}");
    hashes.push(hash(anyone.get(&in_query, &[]).success()));
    let user = anna.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let opened = panel.call("panel/user/session/create", json!({ "user_id": user })).success();
    hashes.push(hash(opened));
    for hash in &hashes {
        anyone.get(&format!("/v2/tracker/list?hash={hash}"), &[]).success();
        anyone.get(&format!("/tracker/list/?hash={hash}&labels=x"), &[]).code();
    }
    let new = format!(
        "/v2/user/password/set?hash={}&old_password={USER_PASSWORD}&new_password={}",
        anna.hash(),
        CANARIES[0]
    );
    anyone.get(&new, &[]).success();

    // An API key too, of which the catalog must hold nothing that opens the API.
    let berta = server.user("berta@example.com");
    let key = berta.call("api/key/create", json!({ "title": "Import" })).success();
    hashes.push(hash(key["value"].clone()));
    anyone.get(&format!("/v2/tracker/list?hash={}", hashes[2]), &[]).success();
    berta.call("api/key/list", json!({})).success();

    // In headers.
    let header = |hash: &str| [("authorization".to_owned(), format!("NVX {hash}"))];
    let with_header = |hash: &str| -> Answer {
        let header = header(hash);
        anyone.get("/v2/tracker/list", &header.each_ref().map(|(name, value)| (&**name, &**value)))
    };
    assert_eq!(with_header(CANARIES[5]).code(), 4);
    let log_in = json!({ "login": "anna@example.com", "password": CANARIES[0] });
    hashes.push(hash(anyone.call("user/auth", log_in).success()));
    with_header(&hashes[3]).success();
    let change = json!({ "user_id": user, "password": CANARIES[2] });
    panel.call("panel/user/change_password", change).success();
    assert_eq!(with_header(&hashes[3]).code(), 4);
    let change = json!({ "user_id": 999, "password": CANARIES[2] });
    assert_eq!(panel.call("panel/user/change_password", change).code(), 201);

    hashes.extend([anna, berta, panel].map(|session| session.hash().to_owned()));
    let given = [USER_PASSWORD, PANEL_PASSWORD];
    let secrets: Vec<_> = hashes.iter().map(String::as_str).chain(CANARIES).chain(given).collect();
    look_for(&secrets, "the metrics", server.metrics().as_bytes(), "api_calls_total");
    look_into_files(&server, &secrets);
    let log = server.stop();
    look_for(&secrets, "the log", log.as_bytes(), "panel call");
    look_into_files(&server, &secrets);

    // Nor after a crash, whose traces are read at the next start.
    server.restart();
    let anyone = Session::new(server.http(), None);
    let log_in = json!({ "login": "anna@example.com", "password": CANARIES[2] });
    let last = hash(anyone.call("user/auth", log_in).success());
    let secrets: Vec<_> = secrets.into_iter().chain([&*last]).collect();
    let log = server.kill();
    look_for(&secrets, "the log", log.as_bytes(), "ready");
    look_into_files(&server, &secrets);
}

#[test]
fn a_generated_panel_password_is_kept_in_its_file_only() {
    let mut server = Server::start_without_panel_password();
    let file = server.data_dir().join("panel-password");
    let password = std::fs::read_to_string(&file).unwrap();
    let log_in = json!({ "login": "admin", "password": password.trim() });
    let hash = hash(server.anyone().call("panel/account/auth", log_in).success());
    for (path, content) in server.files().into_iter().filter(|(path, _)| *path != file) {
        look_for(&[password.trim(), &hash], &path.display().to_string(), &content, "");
    }
    look_for(&[password.trim(), &hash], "the metrics", server.metrics().as_bytes(), "");
    // Printed once for the person at the terminal, not by the log.
    let log = server.stop();
    assert_eq!(log.matches(password.trim()).count(), 1);
    server.restart();
    assert!(!server.stop().contains(password.trim()));
}

fn hash(answer: Value) -> String {
    answer["hash"].as_str().unwrap().to_owned()
}

fn look_into_files(server: &Server, secrets: &[&str]) {
    let files = server.files();
    assert!(files.iter().any(|(path, _)| path.ends_with("catalog.sqlite")), "{files:?}");
    for (path, content) in files {
        look_for(secrets, &path.display().to_string(), &content, "");
    }
}

/// `present` must be found, lest it is the wrong place that is looked into.
#[track_caller]
fn look_for(secrets: &[&str], place: &str, content: &[u8], present: &str) {
    let holds = |text: &str| content.windows(text.len().max(1)).any(|window| window == text.as_bytes());
    assert!(present.is_empty() || holds(present), "{place} lacks {present}");
    for secret in secrets {
        assert!(!holds(secret), "{place} holds {secret}");
    }
}
