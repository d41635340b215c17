//! How much a client may send: the longest body, requests per second of a user and of an address.

use crate::support::{Server, get_from};
use serde_json::json;

#[test]
fn a_body_over_the_limit_answers_9() {
    let server = Server::start_with("[http]\nbody_limit = \"64KiB\"\n");
    let anna = server.user("anna@example.com");
    let head = format!(r#"{{"hash":"{}","pad":""#, anna.hash());
    let body = |bytes: usize| format!(r#"{head}{}"}}"#, "x".repeat(bytes - head.len() - 2));
    let json = [("content-type", "application/json")];
    for (bytes, code) in [(65_536, None), (65_537, Some(9)), (1 << 20, Some(9)), (8 << 20, Some(9))] {
        let body = body(bytes);
        assert_eq!(body.len(), bytes);
        let answer = anna.post("/v2/user/settings/read", &json, &body);
        match code {
            None => drop(answer.success()),
            Some(code) => assert_eq!(answer.code(), code, "{bytes} bytes"),
        }
    }
}

#[test]
fn requests_above_the_limit_answer_15_and_the_next_second_is_free() {
    let server = Server::start_with("[http]\nrate_limit = 1\n");
    let http = server.http();
    // From here on each request comes from an address of its own, unless it is to be counted with others.
    let mut hosts = 10..;
    let mut fresh = |path: &str| get_from(hosts.next().unwrap(), http, path);
    let panel =
        fresh(&format!("/v2/panel/account/auth?login=admin&password={}", crate::support::PANEL_PASSWORD));
    let panel = panel.1["hash"].as_str().unwrap().to_owned();
    let sessions = ["anna", "berta"].map(|login| {
        let created = fresh(&format!(
            "/v2/panel/user/create?hash={panel}&user=%7B%22login%22:%22{login}%22%7D&password=123456"
        ));
        assert_eq!(created.0, 200, "{}", created.1);
        let session = fresh(&format!("/v2/user/auth?login={login}&password=123456"));
        format!("/v2/user/settings/read?hash={}", session.1["hash"].as_str().unwrap())
    });
    let [anna, berta] = &sessions;

    // One user from many addresses.
    let answers: Vec<_> = (0..20).map(|_| fresh(anna)).collect();
    let refused = |(status, body): &(u16, serde_json::Value)| {
        assert_eq!((*status == 429, *status == 200), (body["status"]["code"] == 15, body["success"] == true));
        *status == 429
    };
    assert!(!refused(&answers[0]));
    assert!(answers.iter().any(refused), "twenty calls of one user in a row, and all were answered");
    assert!(!refused(&fresh(berta)), "another user is not refused");
    assert!((0..100_000).any(|_| get_from(2, http, anna).0 == 200), "the user is never admitted again");

    // One address, with users and without.
    let nonsense = |host| get_from(host, http, "/v2/nonsense/read");
    let answers: Vec<_> = (0..20).map(|_| nonsense(3)).collect();
    assert_eq!(answers[0].1["status"]["code"], 111);
    assert!(answers.iter().any(|(status, body)| (*status, &body["status"]["code"]) == (429, &json!(15))));
    assert_eq!(nonsense(4).1["status"]["code"], 111, "another address is not refused");
    assert!((0..100_000).any(|_| nonsense(3).0 == 400), "the address is never admitted again");
    // Being refused costs nothing: health and metrics are not counted either.
    assert_eq!(get_from(3, http, "/health/live").0, 200);
}

#[test]
fn callers_behind_a_proxy_are_counted_apart() {
    let limited = |configuration: &str| {
        let server = Server::start_with(&format!("[http]\nrate_limit = 1\n{configuration}"));
        let call = |client: &str| {
            server.anyone().get("/v2/nonsense/read", &[("x-forwarded-for", client)]).status == 429
        };
        // Each of them once, and then one of them without end.
        let strangers = (1..=9).any(|host| call(&format!("198.51.100.{host}")));
        let forged = (1..=99).any(|host| call(&format!("203.0.113.{host}, 198.51.100.99")));
        (strangers, forged)
    };
    assert_eq!(limited("trusted_proxies = [\"127.0.0.0/8\"]\n"), (false, true));
    assert_eq!(limited("trusted_proxies = [\"10.0.0.0/8\"]\n"), (true, true), "a proxy of somebody else");
}
