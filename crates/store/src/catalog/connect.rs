//! Where the catalog lives and how its connections are set up: all that differs between SQLite and PostgreSQL
//! except the schema.

use super::{CatalogError, Pools, PostgresUrl, migrations};
use sqlx::{
    AnyConnection, AnyPool, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
};
use std::{
    fmt,
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;

/// Name of SQLite's file; those of its log begin with it too.
pub(crate) const FILE: &str = "catalog.sqlite";

/// Where the catalog lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `catalog.sqlite` in this folder.
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

impl fmt::Display for Location {
    /// Without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(folder) => write!(f, "{}", sqlite_file(folder).display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// A caller that got no connection for this long is told that the catalog is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// FULL makes each commit durable in WAL mode; NORMAL would lose the last ones in a power cut.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;";

/// Notices are for people at a prompt; the driver would log them.
const POSTGRES_SETUP: &str = "SET client_min_messages = warning";

pub(super) async fn open(location: &Location) -> Result<Pools, CatalogError> {
    install_default_drivers();
    let pools = match location {
        Location::Sqlite(folder) => open_sqlite(&sqlite_file(folder)).await?,
        Location::Postgres(url) => open_postgres(connect_options(url.reveal())?).await?,
    };
    Ok(pools)
}

async fn open_sqlite(file: &Path) -> Result<Pools, CatalogError> {
    let options = |mode: &str| connect_options(&sqlite_url(file, mode));
    // SQLite runs in this process: its connections neither age nor break.
    let pool = |setup: &'static str| {
        AnyPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(setup).await.map(drop) })
            })
    };
    let writer = pool(SQLITE_WRITER).max_connections(1).connect_with(options("rwc")?).await?;
    migrations::run(&writer, migrations::SQLITE).await?;
    let reader = pool(SQLITE_READER).max_connections(SQLITE_READERS).connect_with(options("rw")?).await?;
    Ok(Pools { writer, reader, begin_snapshot: "BEGIN DEFERRED" })
}

async fn open_postgres(options: AnyConnectOptions) -> Result<Pools, CatalogError> {
    // A pool tries until its time is out, and does not say what went wrong.
    let first = timeout(ACQUIRE_TIMEOUT, AnyConnection::connect_with(&options)).await;
    first.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
    let pool: AnyPool = AnyPoolOptions::new()
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_connections(POSTGRES_CONNECTIONS)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(POSTGRES_SETUP).await.map(drop) })
        })
        .connect_lazy_with(options);
    migrations::run(&pool, migrations::POSTGRES).await?;
    Ok(Pools {
        writer: pool.clone(),
        reader: pool,
        begin_snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    })
}

fn connect_options(url: &str) -> Result<AnyConnectOptions, CatalogError> {
    Ok(url.parse()?)
}

fn sqlite_file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// SQLite reads the path from a URL, where every byte but the plainest is written as `%xx`.
fn sqlite_url(file: &Path, mode: &str) -> String {
    let mut url = String::from("sqlite://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                url.push(char::from(*byte))
            }
            _ => _ = write!(url, "%{byte:02X}"),
        }
    }
    url + "?mode=" + mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::TestDatabase;
    use sqlx::Row;
    use std::error::Error;

    #[tokio::test]
    async fn sqlite_is_set_up_to_be_durable_and_strict() {
        let folder = tempfile::tempdir().unwrap();
        let pools = open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
        let pragma =
            async |pool: &AnyPool, sql: &'static str| sqlx::query(sql).fetch_one(pool).await.unwrap();
        for (sql, expected) in [
            ("PRAGMA synchronous", 2_i64),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA busy_timeout", 10_000),
            ("PRAGMA query_only", 0),
        ] {
            assert_eq!(pragma(&pools.writer, sql).await.get::<i64, _>(0), expected, "{sql}");
        }
        assert_eq!(pragma(&pools.writer, "PRAGMA journal_mode").await.get::<String, _>(0), "wal");
        let write = sqlx::query("UPDATE tariffs SET name = 'x'").execute(&pools.reader).await;
        assert!(write.is_err_and(|e| e.to_string().contains("readonly")));
        pools.reader.close().await;
        pools.writer.close().await;
    }

    #[tokio::test]
    async fn a_reader_sees_one_moment_and_the_writer_goes_on() {
        let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new());
        for location in [Location::Sqlite(folder.path().to_owned()), database.location()] {
            let pools = open(&location).await.unwrap();
            let count = "SELECT COUNT(*) FROM panel_accounts";
            let mut snapshot = pools.reader.begin_with(pools.begin_snapshot).await.unwrap();
            let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
            let insert = "INSERT INTO panel_accounts (login, password_hash, created) VALUES ('a', 'b', 0)";
            sqlx::query(insert).execute(&pools.writer).await.unwrap();
            let still: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
            snapshot.rollback().await.unwrap();
            let after: i64 = sqlx::query_scalar(count).fetch_one(&pools.reader).await.unwrap();
            assert_eq!((before, still, after), (0, 0, 1), "{location:?}");
            pools.reader.close().await;
            pools.writer.close().await;
        }
    }

    #[tokio::test]
    async fn postgres_is_reached_over_tls_as_its_url_says() {
        install_default_drivers();
        let database = TestDatabase::new();
        let plain = database.url().strip_suffix("?sslmode=disable").unwrap();
        let by_name = plain.replace("127.0.0.1", "localhost");
        let trusted = format!("sslrootcert={}", database.certificate().display());
        for (url, encrypted) in [
            (database.url().to_owned(), Ok(false)),
            (plain.to_owned(), Ok(true)),
            (format!("{plain}?sslmode=require"), Ok(true)),
            (format!("{plain}?sslmode=verify-full&{trusted}"), Ok(true)),
            // Signed by nobody whom the world trusts.
            (format!("{plain}?sslmode=verify-ca"), Err("UnknownIssuer")),
            // The certificate names the address alone.
            (format!("{by_name}?sslmode=verify-ca&{trusted}"), Ok(true)),
            (format!("{by_name}?sslmode=verify-full&{trusted}"), Err("not valid for name")),
        ] {
            let connected = AnyConnection::connect_with(&connect_options(&url).unwrap()).await;
            match (connected, encrypted) {
                (Ok(mut connection), Ok(encrypted)) => {
                    let ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                    let ssl: bool = sqlx::query_scalar(ssl).fetch_one(&mut connection).await.unwrap();
                    assert_eq!(ssl, encrypted, "{url}");
                    connection.close().await.unwrap();
                }
                (Err(error), Err(cause)) => assert!(error.to_string().contains(cause), "{url}: {error}"),
                (connected, _) => panic!("{url}: {connected:?}"),
            }
        }
    }

    #[tokio::test]
    async fn connections_that_postgres_closes_are_replaced() {
        let database = TestDatabase::new();
        let pools = open(&database.location()).await.unwrap();
        let mut other = AnyConnection::connect(database.url()).await.unwrap();
        let count = "SELECT COUNT(*) FROM tariffs";
        for _ in 0..3 {
            let tariffs: i64 = sqlx::query_scalar(count).fetch_one(&pools.writer).await.unwrap();
            assert_eq!(tariffs, 1);
            let closed = sqlx::query(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
            assert_eq!(closed.fetch_all(&mut other).await.unwrap().len(), 1);
        }
        other.close().await.unwrap();
        pools.writer.close().await;
    }

    #[tokio::test]
    async fn why_postgres_cannot_be_opened_is_said_without_the_password() {
        let database = TestDatabase::new();
        let (login, place) = database.url().split_once('@').unwrap();
        let (_, password) = login.rsplit_once(':').unwrap();
        for (url, cause) in [
            (format!("postgres://outrider:canary-81@{place}"), "password authentication failed"),
            (format!("{login}@{}", place.replace("/test_", "/no_")), "does not exist"),
            (format!("{login}@127.0.0.1:1/fleet"), "refused"),
        ] {
            let location = Location::Postgres(url.parse().unwrap());
            let error = open(&location).await.map(drop).unwrap_err();
            let said = format!(
                "{location} {location:?} {error} {error:?} {:?}",
                error.source().unwrap().to_string()
            );
            assert!(said.contains(cause), "{said}");
            assert!(!said.contains(password) && !said.contains("canary-81"), "{said}");
        }
    }
}
