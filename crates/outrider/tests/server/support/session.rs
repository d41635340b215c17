//! Calls of the API over HTTP.

use serde_json::{Value, json};
use std::net::SocketAddr;
use ureq::{
    Body,
    http::{HeaderMap, Request, Response},
};

/// Somebody who calls, with a session or without.
#[derive(Clone, Debug)]
pub struct Session {
    address: SocketAddr,
    pub hash: Option<String>,
}

/// What the server answered. Without a body (to `OPTIONS`, `HEAD`), `body` is null.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Session {
    pub fn new(address: SocketAddr, hash: Option<&str>) -> Self {
        Self { address, hash: hash.map(str::to_owned) }
    }

    /// The session's hash.
    pub fn hash(&self) -> &str {
        self.hash.as_deref().unwrap()
    }

    /// Calls an action with a JSON body.
    pub fn call(&self, action: &str, parameters: Value) -> Answer {
        self.try_call(action, parameters).unwrap()
    }

    /// As `call`, of a server that may be killed meanwhile.
    pub fn try_call(&self, action: &str, parameters: Value) -> Result<Answer, ureq::Error> {
        let mut body = parameters;
        if let Some(hash) = &self.hash {
            body["hash"] = json!(hash);
        }
        let headers = [("content-type", "application/json")];
        self.try_post(&format!("/v2/{action}"), &headers, body.to_string())
    }

    /// Sends a body of any kind to any path.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.try_post(path, headers, body).unwrap()
    }

    fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let request = agent().post(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send(body.as_ref()))
    }

    /// Calls an action with a body in parts: its parameters, and a file of a type.
    pub fn upload(&self, action: &str, parameters: Value, file: Option<(&str, &[u8])>) -> Answer {
        let mut texts = parameters;
        if let Some(hash) = &self.hash {
            texts["hash"] = json!(hash);
        }
        let mut body = Vec::new();
        for (name, value) in texts.as_object().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let part =
                format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        if let Some((kind, content)) = file {
            let disposition = "form-data; name=\"file\"; filename=\"van.png\"";
            let head =
                format!("--edge\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n");
            body.extend([head.as_bytes(), content, b"\r\n"].concat());
        }
        body.extend(b"--edge--\r\n");
        let headers = [("content-type", "multipart/form-data; boundary=edge")];
        self.post(&format!("/v2/{action}"), &headers, body)
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = agent().get(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(request.call())
    }

    /// A request of any other method, without a body.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(agent().run(request.body(()).unwrap()))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Registers a Teltonika FMB920 and answers with its tracker's id.
    pub fn register(&self, label: &str, imei: &str) -> i64 {
        let tracker = json!({
            "label": label, "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": imei,
        });
        self.call("tracker/register", tracker).success()["value"]["id"].as_i64().unwrap()
    }

    /// The newest last.
    pub fn unread_events(&self, kind: &str) -> Vec<Value> {
        let answer = self.call("history/unread/list", json!({})).success();
        let mut events = answer["list"].as_array().unwrap().clone();
        events.retain(|event| event["event"] == kind);
        events.reverse();
        events
    }

    /// The `state` of a tracker.
    pub fn state(&self, tracker: i64) -> Value {
        self.call("tracker/get_state", json!({ "tracker_id": tracker })).success()["state"].clone()
    }
}

impl Answer {
    fn of(result: Result<Response<Body>, ureq::Error>) -> Self {
        Self::read(result).unwrap()
    }

    fn read(result: Result<Response<Body>, ureq::Error>) -> Result<Self, ureq::Error> {
        let mut response = result?;
        let text = response.body_mut().read_to_string()?;
        let body = match &*text {
            "" => Value::Null,
            text => {
                assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8", "{text}");
                serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
            }
        };
        Ok(Self { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// The body of a success.
    #[track_caller]
    pub fn success(self) -> Value {
        assert_eq!((self.status, &self.body["success"]), (200, &json!(true)), "{}", self.body);
        self.body
    }

    /// The code of a refusal, whose shape and HTTP status are right.
    #[track_caller]
    pub fn code(&self) -> i64 {
        assert_eq!(self.body["success"], json!(false), "{}", self.body);
        let code = self.body["status"]["code"].as_i64().unwrap();
        assert_eq!(self.status, http_status(code), "{}", self.body);
        let [success, status, rest @ ..] = &*keys(&self.body) else { panic!("{}", self.body) };
        assert_eq!((*success, *status), ("success", "status"), "{}", self.body);
        match code {
            7 => assert_eq!(rest, ["errors"], "{}", self.body),
            214 => assert!(rest.is_empty() || rest == ["errors"], "{}", self.body),
            203 => assert!(rest.iter().all(|key| ["rules", "vehicles"].contains(key)), "{}", self.body),
            247 | 253 => assert!(rest.iter().all(|key| *key == "list"), "{}", self.body),
            _ => assert!(rest.is_empty(), "{}", self.body),
        }
        assert_eq!(keys(&self.body["status"]), ["code", "description"], "{}", self.body);
        assert!(!self.body["status"]["description"].as_str().unwrap().is_empty());
        code
    }

    /// The names of the parameters that were wrong.
    #[track_caller]
    pub fn wrong_parameters(&self) -> Vec<&str> {
        assert_eq!(self.code(), 7, "{}", self.body);
        let errors = self.body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| {
                assert_eq!(keys(error), ["parameter", "error"]);
                assert!(!error["error"].as_str().unwrap().is_empty());
                error["parameter"].as_str().unwrap()
            })
            .collect()
    }
}

/// The keys of an object, in the order in which they came.
pub fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The HTTP status that goes with an error code: 400 unless the service's list of errors says otherwise.
pub fn http_status(code: i64) -> u16 {
    match code {
        268 | 236 | 269 => 402,
        2 | 11 | 13 | 101 | 208 | 219 | 221 | 225 | 238 | 240 | 249 | 250 | 251 | 257 => 403,
        261 | 264 | 265 | 266 | 275 | 276 => 403,
        204 | 229 | 239 | 258 => 404,
        231 | 247 | 277 | 278 => 409,
        9 => 412,
        271 => 413,
        15 => 429,
        1 | 6 | 254 => 500,
        8 | 14 => 503,
        _ => 400,
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into()
}
