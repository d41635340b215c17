//! The binary from outside: what it prints, how it ends, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_wrong_configuration_ends_with_one_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("outrider.toml");
    fs::write(&file, "[http]\nlisen = \"127.0.0.1:80\"\n").unwrap();
    let file = file.to_str().unwrap();
    for command in [&["config", "check"][..], &["config", "print"], &["serve"]] {
        let output = outrider(&[command, &["--config", file]].concat(), &[]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with(&format!("outrider: {file}:2: http.lisen: ")), "{error}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_one_line() {
    for (arguments, cause) in [
        (&["serve", "--dtaa-dir", "x"][..], "unexpected argument '--dtaa-dir' found"),
        (&["sevre"], "unrecognized subcommand 'sevre'"),
        (&["decode"], "the following required arguments were not provided: --protocol <NAME>"),
        (&["decode", "--protocol", "none"], "there is no such protocol; `outrider protocols` lists them"),
        (&["decode", "--protocol", "teltonika", "--model", "none"], "there is no such device model"),
        (&["decode", "--protocol", "teltonika", "--set", "x"], "expected KEY=VALUE"),
    ] {
        let output = outrider(arguments, &[]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error.starts_with("outrider: ") && error.ends_with(&format!("{cause}\n")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let help = outrider(&["--help"], &[]);
    assert!(help.status.success() && text(&help.stdout).contains("serve"));
}

#[test]
fn the_environment_overrides_and_a_password_is_not_printed() {
    let variables = [("OUTRIDER__HTTP__RATE_LIMIT", "7"), ("OUTRIDER__PANEL__PASSWORD", "canary-81")];
    let output = outrider(&["config", "print"], &variables);
    let printed = text(&output.stdout);
    assert!(output.status.success() && printed.contains("rate_limit = 7"), "{printed}");
    assert!(printed.contains("password is set") && !printed.contains("canary-81"), "{printed}");

    let output = outrider(&["config", "check"], &[("OUTRIDER__HTTP__RATE_LIMIT", "none")]);
    assert!(text(&output.stderr).starts_with("outrider: environment variable OUTRIDER__HTTP__RATE_LIMIT: "));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_listed_protocol_is_a_key_of_the_ports() {
    let printed = outrider(&["config", "print"], &[]);
    let printed: toml::Table = text(&printed.stdout).parse().unwrap();
    let keys: Vec<_> = printed["devices"]["ports"].as_table().unwrap().keys().cloned().collect();
    let mut names = protocols();
    names.sort();
    assert_eq!(names, keys);
}

#[test]
fn serves_until_it_is_told_to_stop() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");
    let mut server = Server::start(&data_dir);
    let ready: Value = serde_json::from_slice(&fs::read(data_dir.join("ready.json")).unwrap()).unwrap();
    let [http, admin] = ["http", "admin"].map(|name| ready[name].as_str().unwrap());

    for address in [http, admin] {
        assert_eq!(ask(address, "/health/live"), (200, json!({ "live": true }).to_string()));
        let expected = json!({ "ready": true, "reasons": [] });
        assert_eq!(ask(address, "/health/ready"), (200, expected.to_string()));
    }
    assert_eq!(ask(admin, "/metrics").0, 200);
    assert_ne!(ask(http, "/metrics").0, 200, "metrics are for operators");
    for name in protocols() {
        let sockets = ready["devices"][&name].as_object().unwrap();
        let tcp = sockets["tcp"].as_str().unwrap();
        TcpStream::connect(tcp).unwrap_or_else(|error| panic!("{name} on {tcp}: {error}"));
    }

    server.signal("TERM");
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!data_dir.join("ready.json").exists());
}

#[test]
fn it_stops_whoever_reads_its_log() {
    for reads in [Reads::NoMore, Reads::Nothing] {
        let folder = TempDir::new().unwrap();
        let data_dir = folder.path().join("data");
        let mut server = Server::start_with(&["serve"], &data_dir, &[("OUTRIDER__LOG__LEVEL", "debug")]);
        if reads == Reads::NoMore {
            server.log = None;
        }
        let ready: Value = serde_json::from_slice(&fs::read(data_dir.join("ready.json")).unwrap()).unwrap();
        let http = ready["http"].as_str().unwrap();
        // A line for each, more than a pipe takes.
        for _ in 0..1000 {
            let mut stream = TcpStream::connect(http).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(b"?\r\n\r\n").unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        }
        assert_eq!(ask(http, "/health/live").0, 200);
        server.signal("TERM");
        assert_eq!(server.process.wait().unwrap().code(), Some(0), "{reads:?}");
        if let Some(log) = &mut server.log {
            let mut rest = String::new();
            log.read_to_string(&mut rest).unwrap();
            assert!(!rest.contains("stopped"), "the pipe was not full: {}", rest.len());
        }
    }
}

#[test]
fn the_demo_keeps_to_itself() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");
    for (variables, key) in [
        (&[("OUTRIDER__HTTP__LISTEN", "0.0.0.0:0")][..], "[http] listen"),
        (&[("OUTRIDER__STORE__CATALOG", "postgres://outrider@127.0.0.1:1/outrider")], "[store] catalog"),
        (
            &[
                ("OUTRIDER__SMS__PROVIDER", "smpp"),
                ("OUTRIDER__SMS__SMPP__ADDRESS", "127.0.0.1:1"),
                ("OUTRIDER__SMS__SMPP__SYSTEM_ID", "outrider"),
                ("OUTRIDER__SMS__SMPP__PASSWORD", "secret"),
            ],
            "[sms] provider",
        ),
    ] {
        let output = outrider(&["serve", "--demo", "--data-dir", data_dir.to_str().unwrap()], variables);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(&format!("{key} must be ")) && error.lines().count() == 1, "{error}");
        assert!(!data_dir.exists());
    }
}

#[test]
fn the_demo_starts_again_with_its_password() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");
    let log_in = |http: &str| ask(http, "/user/auth?login=demo&password=demo");
    for _ in 0..2 {
        let mut server = Server::start_with(&["serve", "--demo"], &data_dir, &[]);
        let ready: Value = serde_json::from_slice(&fs::read(data_dir.join("ready.json")).unwrap()).unwrap();
        let http = ready["http"].as_str().unwrap();
        let (status, body) = log_in(http);
        assert_eq!(status, 200, "{body}");
        let hash = serde_json::from_str::<Value>(&body).unwrap()["hash"].as_str().unwrap().to_owned();
        let change = format!("/user/password/set?hash={hash}&old_password=demo&new_password=hush-hush");
        assert_eq!(ask(http, &change).0, 200);
        assert_ne!(log_in(http).0, 200);
        server.signal("TERM");
        let (code, log) = server.ended();
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn an_address_in_use_is_one_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let config = configuration_of_free_ports(folder.path());
    let variables = [("OUTRIDER__HTTP__LISTEN", address.as_str()), ("OUTRIDER__LOG__LEVEL", "off")];
    let data_dir = folder.path().join("data");
    let arguments = ["serve", "--config", &config, "--data-dir", data_dir.to_str().unwrap()];
    let output = outrider(&arguments, &variables);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(error.starts_with(&format!("outrider: cannot listen on {address} ([http] listen): ")), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!data_dir.join("ready.json").exists());
}

/// What `outrider` says in an environment of nothing but `variables`.
fn outrider(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments).envs(variables.iter().copied()).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outrider"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The names that `outrider protocols` lists.
fn protocols() -> Vec<String> {
    let listed = outrider(&["protocols"], &[]);
    text(&listed.stdout).lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

const FREE_PORTS: &str = r#"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[panel]
password = "a password"
[devices]
any = 0
"#;

/// A file in `folder` after which every listener takes a port that is free.
fn configuration_of_free_ports(folder: &Path) -> String {
    let file = folder.join("outrider.toml");
    let ports = protocols().iter().map(|name| format!("ports.{name} = 0\n")).collect::<String>();
    fs::write(&file, FREE_PORTS.to_owned() + &ports).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A running `outrider serve`; killed when the test fails.
struct Server {
    process: Child,
    log: Option<BufReader<ChildStderr>>,
}

/// What becomes of the log of a server that is ready.
#[derive(Debug, PartialEq)]
enum Reads {
    /// It is there, and not read.
    Nothing,
    /// It cannot be written any more.
    NoMore,
}

impl Server {
    /// Returns when it is ready.
    fn start(data_dir: &Path) -> Self {
        Self::start_with(&["serve"], data_dir, &[])
    }

    fn start_with(arguments: &[&str], data_dir: &Path, variables: &[(&str, &str)]) -> Self {
        let config = configuration_of_free_ports(data_dir.parent().unwrap());
        let configured = ["--config", &config, "--data-dir", data_dir.to_str().unwrap()];
        let mut command = command(&[arguments, &configured].concat());
        let command = command.envs(variables.iter().copied()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let log = process.stderr.take().map(BufReader::new);
        let mut server = Self { process, log };
        let mut line = String::new();
        while !line.contains("ready http=") {
            line.clear();
            let log = server.log.as_mut().unwrap();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it was ready");
        }
        server
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }

    /// Its exit code, and what it logged since it was ready.
    fn ended(&mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.as_mut().unwrap().read_to_string(&mut log).unwrap();
        (self.process.wait().unwrap().code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Status and body of a GET.
fn ask(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
