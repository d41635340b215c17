//! `tracker/avatar/upload`, and where pictures are served.

use crate::support::{Answer, Device, Reaction, Server, Session, keys, now, record};
use serde_json::{Value, json};
use std::{fs, process::Command};
use store::catalog::Catalog;
use ureq::http::{HeaderMap, Method};

const IMEI: &str = "356307042441013";
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n picture";

fn upload(session: &Session, tracker: i64, kind: &str, content: &[u8]) -> Answer {
    session.upload("tracker/avatar/upload", json!({ "tracker_id": tracker }), Some((kind, content)))
}

/// Status, headers and content of what is at a path.
fn fetch(server: &Server, path: &str) -> (u16, HeaderMap, Vec<u8>) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(format!("http://{}{path}", server.http())).call().unwrap();
    let content = response.body_mut().read_to_vec().unwrap();
    (response.status().as_u16(), response.headers().clone(), content)
}

fn pictures(server: &Server) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(server.data_dir().join("avatars"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_picture_of_a_tracker() {
    let mut server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let van = anna.register("Van", IMEI);
    let tracker = |session: &Session| {
        session.call("tracker/read", json!({ "tracker_id": van })).success()["value"].clone()
    };
    assert!(tracker(&anna).get("avatar_file_name").is_none());
    let mut last = String::new();
    for (kind, content, extension) in [
        ("image/jpeg", &b"\xFF\xD8\xFF\xE0 picture"[..], "jpg"),
        ("image/pjpeg", b"\xFF\xD8\xFF\xDB picture", "jpg"),
        ("image/gif", b"GIF89a picture", "gif"),
        ("image/webp", b"RIFF\x01\0\0\0WEBPVP8 picture", "webp"),
        ("image/png", PNG, "png"),
    ] {
        let name = upload(&anna, van, kind, content).success()["value"].as_str().unwrap().to_owned();
        assert!(name.ends_with(&format!(".{extension}")) && name != last, "{name}");
        assert_eq!(pictures(&server), std::slice::from_ref(&name), "the one before is gone");
        for prefix in ["", "/v2", "/api-v2"] {
            let (status, headers, served) =
                fetch(&server, &format!("{prefix}/static/tracker/avatars/{name}"));
            assert_eq!((status, &*served), (200, content));
            let serves = if extension == "jpg" { "image/jpeg" } else { kind };
            assert_eq!(headers["content-type"], serves);
            assert_eq!(headers["x-content-type-options"], "nosniff");
        }
        last = name;
    }
    assert_eq!(tracker(&anna)["avatar_file_name"], json!(last));
    let whole = tracker(&anna);
    assert_eq!(keys(&whole)[..4], ["id", "label", "group_id", "avatar_file_name"]);
    let listed = anna.call("tracker/list", json!({})).success()["list"][0].clone();
    assert_eq!(listed, whole);

    // What is no picture, and nothing at all.
    for (kind, content) in
        [("text/html", PNG), ("image/png", b"<html>"), ("image/svg+xml", b"<svg/>"), ("image/webp", b"RIFF")]
    {
        assert_eq!(upload(&anna, van, kind, content).code(), 234, "{kind}");
    }
    let which = json!({ "tracker_id": van });
    assert_eq!(anna.upload("tracker/avatar/upload", which.clone(), None).code(), 233);
    assert_eq!(anna.call("tracker/avatar/upload", which).code(), 233);
    assert_eq!(upload(&berta, van, "image/png", PNG).code(), 201);
    let large = [PNG, &vec![0; 1 << 20]].concat();
    assert_eq!(upload(&anna, van, "image/png", &large).code(), 9);
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    assert_eq!(anna.post("/v2/tracker/avatar/upload", &headers, "--edge\r\nbroken").code(), 5);
    assert_eq!(tracker(&anna)["avatar_file_name"], json!(last));
    for path in ["nothing.png", "..%2F..%2Foutrider.toml", "../ready.json", &last.replace("png", "txt")] {
        let (status, ..) = fetch(&server, &format!("/static/tracker/avatars/{path}"));
        assert_eq!(status, 404, "{path}");
    }
    let wrong = anna.send(Method::POST.as_str(), &format!("/static/tracker/avatars/{last}"), &[]);
    assert_eq!(wrong.code(), 112);

    // A browser is sent on after a success.
    let target = json!({ "tracker_id": van, "redirect_target": "https://example.com/done?a=b" });
    let sent = anna.upload("tracker/avatar/upload", target.clone(), Some(("image/png", PNG)));
    assert_eq!(sent.status, 303);
    let name = tracker(&anna)["avatar_file_name"].as_str().unwrap().to_owned();
    let location = sent.headers["location"].to_str().unwrap();
    let response = location.strip_prefix("https://example.com/done?a=b&response=").unwrap();
    assert_eq!(response, format!("%7B%22success%22%3Atrue%2C%22value%22%3A%22{name}%22%7D"));
    assert_eq!(anna.upload("tracker/avatar/upload", target.clone(), None).code(), 233);
    let mut wrong = target;
    for bad in ["javascript:alert(1)", "https://example.com/a b", "", "//example.com"] {
        wrong["redirect_target"] = json!(bad);
        let answer = anna.upload("tracker/avatar/upload", wrong.clone(), Some(("image/png", PNG)));
        assert_eq!(answer.wrong_parameters(), ["redirect_target"], "{bad}");
    }

    // It outlives a restart, and a backup has it.
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy");
    let backup = Command::new(env!("CARGO_BIN_EXE_outrider"))
        .arg("backup")
        .arg(&copy)
        .arg("--data-dir")
        .arg(server.data_dir())
        .output()
        .unwrap();
    assert!(backup.status.success(), "{backup:?}");
    assert_eq!(fs::read(copy.join("avatars").join(&name)).unwrap(), PNG);
    server.restart();
    let anna = server.resume(&anna);
    assert_eq!(tracker(&anna)["avatar_file_name"], json!(name));

    // A clone has a picture of its own, which goes with it.
    let panel = server.panel();
    let berta = server.log_in("berta@example.com");
    let to = berta.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let clone = json!({ "tracker_id": van, "user_id": to, "label": "Clone" });
    let clone = panel.call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap();
    let of_clone = upload(&berta, clone, "image/png", PNG).success()["value"].as_str().unwrap().to_owned();
    assert_eq!(tracker(&anna)["avatar_file_name"], json!(name));
    assert_eq!(pictures(&server).len(), 2);
    panel.call("panel/tracker/delete_clone", json!({ "tracker_id": clone })).success();
    assert_eq!(pictures(&server), std::slice::from_ref(&name));
    assert_eq!(fetch(&server, &format!("/static/tracker/avatars/{of_clone}")).0, 404);

    let source = tracker(&anna)["source"]["id"].as_i64().unwrap();
    server.with_catalog(async |catalog: &Catalog| {
        catalog.block_source(domain::SourceId(source)).await.unwrap();
    });
    assert_eq!(upload(&server.resume(&anna), van, "image/png", PNG).code(), 208);
    server.panel().call("panel/tracker/corrupt", json!({ "tracker_id": van })).success();
    assert_eq!(pictures(&server), [] as [String; 0]);
}

#[test]
fn a_picture_stays_as_long_as_its_tracker() {
    let server = Server::start();
    let (anna, berta) = (server.user("anna@example.com"), server.user("berta@example.com"));
    let panel = server.panel();
    let van = anna.register("Van", IMEI);
    let to = berta.call("user/get_info", json!({})).success()["user_info"]["id"].clone();
    let clone = json!({ "tracker_id": van, "user_id": to, "label": "Clone" });
    let clone = panel.call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap();
    let give = |session: &Session, tracker| {
        upload(session, tracker, "image/png", PNG).success()["value"].as_str().unwrap().to_owned()
    };
    let (of_van, of_clone) = (give(&anna, van), give(&berta, clone));

    // Another device under both.
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    let replacement = json!({ "tracker_id": van, "plugin_id": 44, "model": "telfmb920",
        "device_id": "356307042441014" });
    anna.call("tracker/replace", replacement).success();
    for (session, tracker, name) in [(&anna, van, &of_van), (&berta, clone, &of_clone)] {
        let read = session.call("tracker/read", json!({ "tracker_id": tracker })).success();
        assert_eq!(read["value"]["avatar_file_name"], json!(name));
        assert_eq!(fetch(&server, &format!("/static/tracker/avatars/{name}")).0, 200, "{tracker}");
    }

    // Who had a clone of it goes: the clone's picture alone does.
    let corrupt = json!({ "user_id": to, "login": "berta@example.com" });
    panel.call("panel/user/corrupt", corrupt).success();
    assert_eq!(pictures(&server), [of_van]);
}

#[test]
fn what_cannot_be_saved_changes_nothing() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let van = anna.register("Van", IMEI);
    fs::write(server.data_dir().join("avatars"), "in the way").unwrap();
    assert_eq!(upload(&anna, van, "image/png", PNG).code(), 254);
    let read = anna.call("tracker/read", json!({ "tracker_id": van })).success();
    assert_eq!(read["value"].get("avatar_file_name"), None::<&Value>);
}
