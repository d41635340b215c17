//! Calls of the API over HTTP.

use serde_json::{Value, json};
use std::net::SocketAddr;

/// Somebody who calls, with a session or without.
#[derive(Clone, Debug)]
pub struct Session {
    address: SocketAddr,
    pub hash: Option<String>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Session {
    pub fn new(address: SocketAddr, hash: Option<&str>) -> Self {
        Self { address, hash: hash.map(str::to_owned) }
    }

    /// Calls an action with a JSON body.
    pub fn call(&self, action: &str, parameters: Value) -> Answer {
        let mut body = parameters;
        if let Some(hash) = &self.hash {
            body["hash"] = json!(hash);
        }
        let url = format!("http://{}/v2/{action}", self.address);
        Answer::of(agent().post(url).content_type("application/json").send(body.to_string()))
    }

    /// Sends a body of any kind to any path.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = agent().post(format!("http://{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(request.send(body))
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = agent().get(format!("http://{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(request.call())
    }

    /// Registers a Teltonika FMB920 and answers with its tracker's id.
    pub fn register(&self, label: &str, imei: &str) -> i64 {
        let tracker = json!({
            "label": label, "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": imei,
        });
        self.call("tracker/register", tracker).success()["value"]["id"].as_i64().unwrap()
    }

    /// The `state` of a tracker.
    pub fn state(&self, tracker: i64) -> Value {
        self.call("tracker/get_state", json!({ "tracker_id": tracker })).success()["state"].clone()
    }
}

impl Answer {
    fn of(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut response = result.unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        Self { status: response.status().as_u16(), body }
    }

    /// The body of a success.
    #[track_caller]
    pub fn success(self) -> Value {
        assert_eq!((self.status, &self.body["success"]), (200, &json!(true)), "{}", self.body);
        self.body
    }

    /// The code of a refusal.
    #[track_caller]
    pub fn code(&self) -> i64 {
        assert_eq!(self.body["success"], json!(false), "{}", self.body);
        self.body["status"]["code"].as_i64().unwrap()
    }

    /// The names of the parameters that were wrong.
    pub fn wrong_parameters(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["parameter"].as_str().unwrap()).collect()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
