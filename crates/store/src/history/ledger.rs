//! What is known about the whole history: how far the journal was packed, and which sources were erased. A small SQLite
//! database beside the periods' files.

use super::failure::{FileError, Outcome, io_failed, sqlite_failed};
use domain::SourceId;
use rusqlite::{Connection, params};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

pub(crate) const FILE: &str = "ledger.db";

const VERSION: i64 = 1;
/// "OTRL".
const APPLICATION: i64 = 0x4f54_524c;

const SCHEMA: &str = "
    BEGIN;
    CREATE TABLE packed (up_to INTEGER NOT NULL);
    INSERT INTO packed VALUES (0);
    CREATE TABLE erased (source INTEGER PRIMARY KEY, before INTEGER NOT NULL, is_done INTEGER NOT NULL);
    PRAGMA application_id = 1330926156;
    PRAGMA user_version = 1;
    COMMIT;
";

pub(super) struct Ledger {
    connection: Connection,
    path: PathBuf,
}

/// A source whose records before a position are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Erased {
    pub source: SourceId,
    pub before: u64,
    /// Whether they are out of the periods' files.
    pub is_done: bool,
}

impl Ledger {
    pub(super) fn open(dir: &Path) -> Outcome<Self> {
        let path = dir.join(FILE);
        let failed = || sqlite_failed("open", &path);
        let connection = Connection::open(&path).map_err(failed())?;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (application, version) = (pragma("application_id"), pragma("user_version"));
        match (application.map_err(failed())?, version.map_err(failed())?) {
            (APPLICATION, 1..=VERSION) => {}
            (0, 0) => {
                connection.execute_batch("PRAGMA journal_mode = DELETE").map_err(failed())?;
                connection.execute_batch(SCHEMA).map_err(failed())?;
                File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_failed("sync", dir))?;
            }
            (APPLICATION, version) => {
                return Err(FileError::NewerFormat { file: path, version, newest: VERSION });
            }
            _ => return Err(FileError::Foreign(path)),
        }
        // EXTRA also syncs the directory when a transaction's journal is removed, which is its commit.
        connection.execute_batch("PRAGMA synchronous = EXTRA").map_err(failed())?;
        Ok(Self { connection, path })
    }

    /// Every record before this position is in the periods' files.
    pub(super) fn packed_to(&self) -> Outcome<u64> {
        let position = self.connection.query_row("SELECT up_to FROM packed", [], |row| row.get::<_, i64>(0));
        Ok(position.map_err(sqlite_failed("read", &self.path))? as u64)
    }

    /// Notes erased sources no longer that have nothing before the position which is not packed.
    pub(super) fn set_packed_to(&self, position: u64) -> Outcome<()> {
        let write = || {
            let writing = self.connection.unchecked_transaction()?;
            writing.execute("UPDATE packed SET up_to = ?1", [position as i64])?;
            writing.execute("DELETE FROM erased WHERE before <= ?1 AND is_done = 1", [position as i64])?;
            writing.commit()
        };
        write().map_err(sqlite_failed("write", &self.path))
    }

    pub(super) fn erased(&self) -> Outcome<Vec<Erased>> {
        let read = || {
            let mut select = self.connection.prepare("SELECT source, before, is_done FROM erased")?;
            let erased = |row: &rusqlite::Row<'_>| {
                let before: i64 = row.get(1)?;
                Ok(Erased { source: SourceId(row.get(0)?), before: before as u64, is_done: row.get(2)? })
            };
            select.query_map([], erased)?.collect::<Result<_, _>>()
        };
        read().map_err(sqlite_failed("read", &self.path))
    }

    pub(super) fn note_erased(&self, erased: Erased) -> Outcome<()> {
        let sql = "INSERT OR REPLACE INTO erased VALUES (?1, ?2, ?3)";
        let row = params![erased.source.0, erased.before as i64, erased.is_done];
        self.connection.execute(sql, row).map(|_| ()).map_err(sqlite_failed("write", &self.path))
    }

    /// Forgets positions: the journal has begun anew.
    pub(super) fn begin_anew(&self) -> Outcome<()> {
        let sql = "UPDATE packed SET up_to = 0; UPDATE erased SET before = 0";
        self.connection.execute_batch(sql).map_err(sqlite_failed("write", &self.path))
    }
}
