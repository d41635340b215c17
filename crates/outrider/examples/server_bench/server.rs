//! A server process, its API, and what the system tells about it.

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    ops::Range,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PASSWORD: &str = "benchmark";

pub struct Server {
    folder: TempDir,
    child: Child,
    ready: Value,
    agent: ureq::Agent,
    pub hash: String,
}

impl Server {
    /// With so many trackers of one user, and devices 0, 1, … for them.
    pub fn with_trackers(count: usize) -> Self {
        let folder =
            tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
        let (child, ready) = start(folder.path());
        let mut server =
            Self { folder, child, ready, agent: ureq::Agent::new_with_defaults(), hash: String::new() };
        let panel = server.call("panel/account/auth", json!({ "login": "admin", "password": PASSWORD }));
        let user = json!({ "login": "bench" });
        server
            .call("panel/user/create", json!({ "hash": panel["hash"], "user": user, "password": PASSWORD }));
        let session = server.call("user/auth", json!({ "login": "bench", "password": PASSWORD }));
        server.hash = session["hash"].as_str().unwrap().to_owned();
        server.register(0..count);
        server
    }

    /// Trackers of these devices, for the same user.
    pub fn register(&self, devices: Range<usize>) {
        let next = AtomicUsize::new(devices.start);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= devices.end {
                            return;
                        }
                        self.call(
                            "tracker/register",
                            json!({
                                "label": format!("Van {number}"), "group_id": 0, "plugin_id": 44,
                                "model": "telfmb920", "device_id": crate::devices::imei(number),
                            }),
                        );
                    }
                });
            }
        });
    }

    /// The answer of an action, which must succeed.
    pub fn call(&self, action: &str, mut body: Value) -> Value {
        if body.get("hash").is_none() {
            body["hash"] = json!(self.hash);
        }
        let url = format!("http://{}/v2/{action}", self.at("/http"));
        let text = self.post(&url, &body.to_string());
        serde_json::from_str(&text).unwrap()
    }

    pub fn post(&self, url: &str, body: &str) -> String {
        let request = self.agent.post(url).content_type("application/json");
        match request.send(body) {
            Ok(mut answer) => {
                let limit = 256 << 20;
                answer.body_mut().with_config().limit(limit).read_to_string().unwrap()
            }
            Err(error) => panic!("{url}: {error}"),
        }
    }

    pub fn at(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    pub fn devices(&self) -> &str {
        self.at("/devices/teltonika/tcp")
    }

    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Seconds of CPU that the process has used.
    pub fn cpu(&self) -> f64 {
        cpu_of(&self.child.id().to_string())
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Stops the process in order and starts it again; answers with how long it took until it was ready.
    pub fn restart(&mut self) -> Duration {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
        let began = Instant::now();
        (self.child, self.ready) = start(self.folder.path());
        began.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> (Child, Value) {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("outrider");
    let mut child = Command::new(program)
        .args(["serve", "--data-dir"])
        .arg(folder)
        .env("OUTRIDER__HTTP__LISTEN", "127.0.0.1:0")
        .env("OUTRIDER__HTTP__RATE_LIMIT", "1000000")
        .env("OUTRIDER__ADMIN__LISTEN", "127.0.0.1:0")
        .env("OUTRIDER__PANEL__PASSWORD", PASSWORD)
        .env("OUTRIDER__DEVICES__ANY", "0")
        .env("OUTRIDER__LOG__LEVEL", "warn,outrider=info")
        .envs(closed_ports())
        .env("OUTRIDER__DEVICES__PORTS__TELTONIKA", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains(" ready ")), "the server does not start");
    thread::spawn(move || lines.for_each(drop));
    let ready = serde_json::from_slice(&fs::read(folder.join("ready.json")).unwrap()).unwrap();
    (child, ready)
}

/// Ports of protocols that are not measured.
fn closed_ports() -> impl Iterator<Item = (String, &'static str)> {
    let names = protocols::PROTOCOLS.iter().map(|protocol| protocol.name().to_uppercase());
    names.map(|name| (format!("OUTRIDER__DEVICES__PORTS__{name}"), "false"))
}

/// Seconds of CPU that a process has used (proc(5)); `self` for this one.
pub fn cpu_of(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
