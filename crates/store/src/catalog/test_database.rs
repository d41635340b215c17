//! A PostgreSQL database of its own for a test. It stands in a private server, which `tools/test-postgres.sh` starts
//! for the first test and ends soon after the last: the server lives as long as some process holds the lock that is
//! taken here, and the system drops that lock with the process, however it ends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without its database fails")]

use super::{Location, PostgresUrl};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/test-postgres.sh");

/// Dropping it drops the database.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
}

impl TestDatabase {
    /// An empty database. Its collation is that of a language, so that no test passes because it happens to be SQLite's.
    ///
    /// # Panics
    /// When there is no PostgreSQL on this machine, or it does not start.
    #[expect(clippy::new_without_default, reason = "there is no default database")]
    pub fn new() -> Self {
        Self { url: run("create", &[]) }
    }

    /// With the password, which is worth nothing.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn location(&self) -> Location {
        Location::Postgres(self.url.parse::<PostgresUrl>().unwrap())
    }

    /// What the server's TLS proves itself with, for `localhost` and 127.0.0.1.
    pub fn certificate(&self) -> PathBuf {
        state().join("certificate.pem")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        run("drop", &[&self.url]);
    }
}

fn run(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(SCRIPT)
        .arg(command)
        .arg(state())
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    if !output.status.success() && !std::thread::panicking() {
        panic!("no private PostgreSQL: {SCRIPT} {command}: {}", output.status);
    }
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The folder where the tests of this target directory find their server; it is in use until this process ends.
fn state() -> &'static Path {
    static IN_USE: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (folder, _) = IN_USE.get_or_init(|| {
        let executable = std::env::current_exe().unwrap();
        // …/debug/deps/catalog-0123456789abcdef
        let folder = executable.ancestors().nth(2).unwrap().join("test-postgres");
        fs::create_dir_all(&folder).unwrap();
        let users = File::options().create(true).append(true).open(folder.join("users")).unwrap();
        users.lock_shared().unwrap();
        (folder, users)
    });
    folder
}
