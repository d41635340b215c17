//! A server to test: `Server::start()`, then `server.panel()`, `server.user("anna")`, `session.call("tracker/list", …)`.

mod device;
mod session;
mod source_address;

pub use device::{Device, Heard, Reaction, now, queclink_report, record};
pub use session::{Answer, Session, http_status, keys};
pub use source_address::get_from;

use domain::{Record, SourceId, Telemetry, Timestamp};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
};
use store::{
    catalog::{Catalog, Location},
    history::{EmbeddedHistory, History, HistoryConfig, Order},
    journal::{EmbeddedJournal, Journal, JournalConfig, read_all},
};
use tempfile::TempDir;

pub const PANEL_PASSWORD: &str = "panel-password";
pub const USER_PASSWORD: &str = "user-password";

/// A running `outrider serve` with its own data directory. Dropping it kills the process and removes the data.
pub struct Server {
    folder: TempDir,
    process: Option<Process>,
    /// Variables of its environment beside those that every server here has.
    environment: Vec<(&'static str, &'static str)>,
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

    /// With further configuration, in TOML. Unless it says otherwise, calls are not throttled.
    pub fn start_with(configuration: &str) -> Self {
        let mut environment = vec![("OUTRIDER__PANEL__PASSWORD", PANEL_PASSWORD)];
        if !configuration.contains("rate_limit") {
            environment.push(("OUTRIDER__HTTP__RATE_LIMIT", "1000000"));
        }
        Self::start_in(environment, configuration)
    }

    /// It makes a password for the panel itself.
    pub fn start_without_panel_password() -> Self {
        Self::start_in(Vec::new(), "")
    }

    fn start_in(environment: Vec<(&'static str, &'static str)>, configuration: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("outrider.toml"), configuration).unwrap();
        let mut server = Self { folder, process: None, environment };
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
            .env("OUTRIDER__DEVICES__ANY", "0")
            .envs(protocols::PROTOCOLS.iter().map(|protocol| {
                (format!("OUTRIDER__DEVICES__PORTS__{}", protocol.name().to_uppercase()), "0")
            }))
            .envs(self.environment.iter().copied())
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

    /// What can be read of sources, packed or not; for a server that has ended.
    pub fn history(&self, sources: RangeInclusive<i64>) -> Vec<Telemetry> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let journal =
                Arc::new(EmbeddedJournal::open(&self.data_dir(), JournalConfig::default()).unwrap());
            let config = HistoryConfig::default();
            let history = EmbeddedHistory::open(journal.clone(), &self.data_dir(), &config).unwrap();
            history.caught_up_to(journal.end()).await.unwrap();
            let everything = Timestamp::from_seconds(0)..Timestamp::from_seconds(1 << 33);
            let mut read = Vec::new();
            for source in sources {
                let mut messages = history.read(SourceId(source), everything.clone(), Order::Ascending);
                while let Some(piece) = messages.next().await.unwrap() {
                    read.extend(piece);
                }
            }
            history.close().await;
            journal.close().await;
            read
        })
    }

    /// Puts a copy in the place of the data, and starts again.
    pub fn restore(&mut self, copy: &Path) {
        self.kill();
        fs::remove_dir_all(self.data_dir()).unwrap();
        fs::rename(copy, self.data_dir()).unwrap();
        self.restart();
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

    /// The page of metrics.
    pub fn metrics(&self) -> String {
        let mut page = ureq::get(format!("http://{}/metrics", self.admin())).call().unwrap();
        page.body_mut().read_to_string().unwrap()
    }

    /// The process' resident memory in kB.
    pub fn resident(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.as_ref().unwrap().child.id());
        let status = fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Every file below the data directory, with its content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.data_dir()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = fs::read(&path).unwrap();
                    files.push((path, content));
                }
            }
        }
        files
    }

    /// Changes the catalog behind the server's back, for what no action does yet: stops the server, starts it again.
    pub fn with_catalog<T>(&mut self, change: impl AsyncFnOnce(&Catalog) -> T) -> T {
        self.stop();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let changed = runtime.block_on(async {
            let catalog = Catalog::open(&Location::Sqlite(self.data_dir())).await.unwrap();
            let changed = change(&catalog).await;
            catalog.close().await;
            changed
        });
        self.restart();
        changed
    }

    /// Where it listens, by the place in `ready.json`.
    pub fn address(&self, pointer: &str) -> SocketAddr {
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
        self.user_with(login, json!({}))
    }

    /// With further parameters of `panel/user/create`.
    pub fn user_with(&self, login: &str, mut parameters: Value) -> Session {
        parameters["user"]["login"] = json!(login);
        parameters["password"] = json!(USER_PASSWORD);
        self.panel().call("panel/user/create", parameters).success();
        self.log_in(login)
    }

    /// The same session on a server that has been started again, on another port.
    pub fn resume(&self, session: &Session) -> Session {
        Session::new(self.http(), session.hash.as_deref())
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
