//! A server to test: `Server::start()`, then `server.panel()`, `server.user("anna")`, `session.call("tracker/list", …)`.

mod device;
mod session;

pub use device::{Device, Reaction, now, record};
pub use session::{Answer, Session};

use domain::{Record, Telemetry};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};
use store::journal::read_all;
use tempfile::TempDir;

pub const PANEL_PASSWORD: &str = "panel-password";
pub const USER_PASSWORD: &str = "user-password";

/// A running `outrider serve` with its own data directory. Dropping it kills the process and removes the data.
pub struct Server {
    folder: TempDir,
    process: Option<Process>,
}

struct Process {
    child: Child,
    /// Reads standard error to its end.
    log: Option<JoinHandle<String>>,
    ready: Value,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// With further configuration, in TOML.
    pub fn start_with(configuration: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("outrider.toml");
        fs::write(file, configuration).unwrap();
        let mut server = Self { folder, process: None };
        server.restart();
        server
    }

    /// Starts the process again on the same data.
    pub fn restart(&mut self) {
        self.kill();
        let mut child = Command::new(env!("CARGO_BIN_EXE_outrider"))
            .args(["serve", "--config"])
            .arg(self.folder.path().join("outrider.toml"))
            .arg("--data-dir")
            .arg(self.data_dir())
            .env("OUTRIDER__HTTP__LISTEN", "127.0.0.1:0")
            .env("OUTRIDER__ADMIN__LISTEN", "127.0.0.1:0")
            .env("OUTRIDER__PANEL__PASSWORD", PANEL_PASSWORD)
            .env("OUTRIDER__DEVICES__ANY", "0")
            .env("OUTRIDER__DEVICES__PORTS__TELTONIKA", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut log = String::new();
        let is_ready = lines.by_ref().any(|line| {
            log += &line;
            log.push('\n');
            line.contains(" ready ")
        });
        assert!(is_ready, "the server ended before it was ready:\n{log}");
        let log = thread::spawn(move || lines.fold(log, |log, line| log + &line + "\n"));
        let ready = serde_json::from_slice(&fs::read(self.data_dir().join("ready.json")).unwrap()).unwrap();
        self.process = Some(Process { child, log: Some(log), ready });
    }

    /// Kills the process as `kill -9` does. Answers with what it had logged.
    pub fn kill(&mut self) -> String {
        let Some(mut process) = self.process.take() else { return String::new() };
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        process.log.take().unwrap().join().unwrap()
    }

    /// Asks the process to stop as an operator does; it must end well. Answers with what it logged.
    pub fn stop(&mut self) -> String {
        let mut process = self.process.take().unwrap();
        let pid = process.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = process.child.wait().unwrap();
        let log = process.log.take().unwrap().join().unwrap();
        assert!(status.success(), "{status}\n{log}");
        log
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().child.id()
    }

    /// What the journal holds; for a server that has ended.
    pub fn records(&self) -> Vec<Record> {
        read_all(&self.data_dir()).unwrap().flat_map(|committed| committed.unwrap().records).collect()
    }

    /// The messages among `records`.
    pub fn telemetry(&self) -> Vec<Telemetry> {
        let telemetry = |record| match record {
            Record::Telemetry(telemetry) => Some(telemetry),
            _ => None,
        };
        self.records().into_iter().filter_map(telemetry).collect()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the user API is.
    pub fn http(&self) -> SocketAddr {
        self.address("/http")
    }

    pub fn admin(&self) -> SocketAddr {
        self.address("/admin")
    }

    /// Where Teltonika devices connect.
    pub fn teltonika(&self) -> SocketAddr {
        self.address("/devices/teltonika/tcp")
    }

    pub fn any(&self) -> SocketAddr {
        self.address("/any")
    }

    fn address(&self, pointer: &str) -> SocketAddr {
        let ready = &self.process.as_ref().unwrap().ready;
        ready.pointer(pointer).and_then(Value::as_str).unwrap().parse().unwrap()
    }

    /// Calls without a session.
    pub fn anyone(&self) -> Session {
        Session::new(self.http(), None)
    }

    pub fn panel(&self) -> Session {
        let answer =
            self.anyone().call("panel/account/auth", json!({ "login": "admin", "password": PANEL_PASSWORD }));
        Session::new(self.http(), Some(answer.success()["hash"].as_str().unwrap()))
    }

    /// A new user with that login, in an account of their own, logged in.
    pub fn user(&self, login: &str) -> Session {
        let user = json!({ "user": { "login": login }, "password": USER_PASSWORD });
        self.panel().call("panel/user/create", user).success();
        self.log_in(login)
    }

    pub fn log_in(&self, login: &str) -> Session {
        let answer = self.anyone().call("user/auth", json!({ "login": login, "password": USER_PASSWORD }));
        Session::new(self.http(), Some(answer.success()["hash"].as_str().unwrap()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let log = self.kill();
        if thread::panicking() {
            eprintln!("the server's log:\n{log}");
        }
    }
}
