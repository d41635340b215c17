//! The server on PostgreSQL: what it was told outlives it, and nobody reads the database's password.

use crate::support::{Device, Reaction, Server, now, record};
use std::{fs, process::Command};
use store::catalog::TestDatabase;

const IMEI: &str = "356307042441013";

#[test]
fn the_catalog_on_postgres_outlives_the_server() {
    let database = TestDatabase::new();
    let most_talkative = "[log]\nlevel = \"info,sqlx=trace\"\n";
    let mut server = Server::start_with(&(configuration(&database) + most_talkative));
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", IMEI);
    let mut device = Device::logged_in(server.teltonika(), IMEI);
    assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
    let shown = anna.state(tracker);
    assert_eq!(shown["connection_status"], "active");

    let mut log = String::new();
    for end in [Server::stop, Server::kill] {
        log += &end(&mut server);
        server.restart();
        assert_eq!(server.log_in("anna@example.com").state(tracker)["gps"], shown["gps"]);
        Device::logged_in(server.teltonika(), IMEI);
    }
    log += &server.stop();
    assert!(log.contains("sqlx::query") && !log.contains(password(&database)), "{log}");
    assert!(!server.data_dir().join("catalog.sqlite").exists());
}

#[test]
fn the_password_of_the_database_is_not_printed() {
    let database = TestDatabase::new();
    let folder = tempfile::tempdir().unwrap();
    let [file, data_dir] = ["outrider.toml", "data"].map(|name| folder.path().join(name));
    let outrider = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outrider"));
        let output = command.args(arguments).arg("--config").arg(&file).output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(!said.contains(password(&database)), "{said}");
        (output.status.success(), said)
    };

    fs::write(&file, configuration(&database)).unwrap();
    assert_eq!(outrider(&["config", "check"]), (true, "the configuration is right\n".to_owned()));
    let (printed, said) = outrider(&["config", "print"]);
    assert!(printed && said.contains("catalog = \"postgres://outrider@127.0.0.1:"), "{said}");

    // The right password in a place where it opens nothing.
    fs::write(&file, configuration(&database).replace("outrider:", "nobody:")).unwrap();
    let data_dir = data_dir.to_str().unwrap();
    let serve = ["serve", "--data-dir", data_dir];
    let (started, said) = outrider(&serve);
    assert!(!started && said.lines().any(|line| line.starts_with("outrider: opening the catalog")), "{said}");
    assert!(said.contains("password authentication failed"), "{said}");
}

fn configuration(database: &TestDatabase) -> String {
    format!("[store]\ncatalog = \"{}\"\n", database.url())
}

fn password(database: &TestDatabase) -> &str {
    let (login, _) = database.url().split_once('@').unwrap();
    login.rsplit_once(':').unwrap().1
}
