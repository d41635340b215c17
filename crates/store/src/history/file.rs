//! One period's file: an SQLite database of blocks. All of its SQL stands here.
//!
//! Blocks are in a plain table, found by an index, because large values in an index's own tree waste most of its pages.
//! `seg` is the position that ended what was packed together, or −1 for merged blocks, so that of two blocks the one
//! whose messages came in first has the lower one.

use super::{
    failure::{FileError, Outcome, io_failed, sqlite_failed},
    period::Period,
};
use domain::{RecordIdentity, SourceId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

/// The newest version that this program writes and reads: `PRAGMA user_version`.
const VERSION: i64 = 1;

/// `PRAGMA application_id`: "OTRH".
const APPLICATION: i64 = 0x4f54_5248;

/// `seg` of blocks that were merged.
pub(super) const MERGED: i64 = -1;

/// So many pages are given back in one transaction, so that packing does not wait long.
const SHRUNK_TOGETHER: u32 = 256;

const SCHEMA: &str = "
    CREATE TABLE blocks (
        id INTEGER PRIMARY KEY,
        source INTEGER NOT NULL,
        t0 INTEGER NOT NULL,
        t1 INTEGER NOT NULL,
        seg INTEGER NOT NULL,
        points INTEGER NOT NULL,
        data BLOB NOT NULL
    );
    CREATE INDEX blocks_by_time ON blocks (source, t0, seg, t1, points);
    CREATE TABLE suspects (
        source INTEGER NOT NULL,
        device_time INTEGER NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (source, device_time, hash)
    ) WITHOUT ROWID;
    CREATE TABLE progress (packed_to INTEGER NOT NULL, blocks INTEGER NOT NULL, unmerged INTEGER NOT NULL);
    INSERT INTO progress VALUES (0, 0, 0);
";

pub(super) struct PeriodFile {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

/// What a file says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Every record before this position that belongs into the file is in it.
    pub packed_to: u64,
    pub blocks: u64,
    /// Blocks that were not merged yet.
    pub unmerged: u64,
}

/// A block, but for what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub id: i64,
    /// Time of its first and last message.
    pub t0: i64,
    pub t1: i64,
    pub seg: i64,
    pub points: u64,
}

impl PeriodFile {
    /// Opens the file for its one writer, and makes it when it is missing.
    pub(super) fn open(dir: &Path, period: Period) -> Outcome<Self> {
        let file = Self::connect(period.path(dir), OpenFlags::SQLITE_OPEN_CREATE)?;
        file.prepare(dir).map_err(sqlite_failed("prepare", &file.path))??;
        Ok(file)
    }

    pub(super) fn open_for_reading(dir: &Path, period: Period) -> Outcome<Self> {
        let file = Self::connect(period.path(dir), OpenFlags::empty())?;
        let pragmas = "PRAGMA query_only = ON; PRAGMA cache_size = -2048;";
        file.connection.execute_batch(pragmas).map_err(sqlite_failed("open", &file.path))?;
        Ok(file)
    }

    fn connect(path: PathBuf, more: OpenFlags) -> Outcome<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let connection = Connection::open_with_flags(&path, flags).map_err(sqlite_failed("open", &path))?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(sqlite_failed("open", &path))?;
        Ok(Self { connection, path })
    }

    fn prepare(&self, dir: &Path) -> rusqlite::Result<Outcome<()>> {
        let connection = &self.connection;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let version = pragma("user_version")?;
        match (pragma("application_id")?, version) {
            (APPLICATION, 1..=VERSION) | (0, 0) => {}
            (APPLICATION, _) => {
                let file = self.path.clone();
                return Ok(Err(FileError::NewerFormat { file, version, newest: VERSION }));
            }
            _ => return Ok(Err(FileError::Foreign(self.path.clone()))),
        }
        // Of these pages blocks of 2 to 6 kB leave few percent empty; into smaller ones they would overflow, which leaves
        // up to half of the one where each begins empty, and each would be written one by one.
        // A full sync makes each commit durable; the cache is for one large one, the log for 2 MiB.
        connection.execute_batch(
            "PRAGMA page_size = 65536; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 32;",
        )?;
        if version == 0 {
            let begun = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            begun.execute_batch(SCHEMA)?;
            begun.pragma_update(None, "application_id", APPLICATION)?;
            begun.pragma_update(None, "user_version", VERSION)?;
            begun.commit()?;
            let sync = File::open(dir).and_then(|dir| dir.sync_all());
            return Ok(sync.map_err(io_failed("sync", dir)));
        }
        Ok(Ok(()))
    }

    /// Everything that is read until it ends is of one moment.
    pub(super) fn read(&self) -> Outcome<Transaction<'_>> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)
            .map_err(self.failed("read"))
    }

    /// Everything that is written is so at its commit, or not at all.
    pub(super) fn write(&self) -> Outcome<Transaction<'_>> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(self.failed("write"))
    }

    pub(super) fn commit(&self, transaction: Transaction<'_>) -> Outcome<()> {
        transaction.commit().map_err(self.failed("write"))
    }

    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(rusqlite::Error) -> FileError {
        sqlite_failed(action, &self.path)
    }

    pub(super) fn progress(&self) -> Outcome<Progress> {
        let read = || {
            let mut select =
                self.connection.prepare_cached("SELECT packed_to, blocks, unmerged FROM progress")?;
            select.query_row([], |row| {
                let number = |at| row.get(at).map(|number: i64| number as u64);
                Ok(Progress { packed_to: number(0)?, blocks: number(1)?, unmerged: number(2)? })
            })
        };
        read().map_err(self.failed("read"))
    }

    pub(super) fn set_progress(&self, progress: Progress) -> Outcome<()> {
        let Progress { packed_to, blocks, unmerged } = progress;
        let sql = "UPDATE progress SET packed_to = ?1, blocks = ?2, unmerged = ?3";
        let numbers = params![packed_to as i64, blocks as i64, unmerged as i64];
        self.connection.execute(sql, numbers).map(|_| ()).map_err(self.failed("write"))
    }

    /// The blocks of a source that have messages in `span`, by the time of their first.
    pub(super) fn headers(&self, source: SourceId, span: &Range<i64>) -> Outcome<Vec<Header>> {
        let read = || {
            let mut select = self.connection.prepare_cached(
                "SELECT id, t0, t1, seg, points FROM blocks WHERE source = ?1 AND t0 < ?2 AND t1 >= ?3 ORDER BY t0, seg",
            )?;
            let header = |row: &rusqlite::Row<'_>| {
                let points: i64 = row.get(4)?;
                Ok(Header {
                    id: row.get(0)?,
                    t0: row.get(1)?,
                    t1: row.get(2)?,
                    seg: row.get(3)?,
                    points: points as u64,
                })
            };
            select.query_map(params![source.0, span.end, span.start], header)?.collect::<Result<_, _>>()
        };
        read().map_err(self.failed("read"))
    }

    /// Calls `with` with the bytes of a block of `headers`.
    pub(super) fn block<T>(&self, id: i64, with: impl FnOnce(&[u8]) -> T) -> Outcome<T> {
        let read = || {
            let mut select = self.connection.prepare_cached("SELECT data FROM blocks WHERE id = ?1")?;
            select.query_row([id], |row| Ok(with(row.get_ref(0)?.as_blob()?)))
        };
        read().map_err(self.failed("read"))
    }

    pub(super) fn insert(&self, source: SourceId, header: &Header, data: &[u8]) -> Outcome<()> {
        let write = || {
            let mut insert = self.connection.prepare_cached(
                "INSERT INTO blocks (source, t0, t1, seg, points, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let Header { t0, t1, seg, points, .. } = *header;
            insert.execute(params![source.0, t0, t1, seg, points as i64, data])
        };
        write().map(|_| ()).map_err(self.failed("write"))
    }

    pub(super) fn delete(&self, id: i64) -> Outcome<()> {
        let write = || self.connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id]);
        write().map(|_| ()).map_err(self.failed("write"))
    }

    /// Up to `count` sources after `after` that have blocks which are not merged.
    pub(super) fn unmerged_sources(&self, after: SourceId, count: usize) -> Outcome<Vec<SourceId>> {
        let read = || {
            let mut select = self.connection.prepare_cached(
                "SELECT DISTINCT source FROM blocks WHERE source > ?1 AND seg >= 0 ORDER BY source LIMIT ?2",
            )?;
            select
                .query_map(params![after.0, count as i64], |row| row.get(0).map(SourceId))?
                .collect::<Result<_, _>>()
        };
        read().map_err(self.failed("read"))
    }

    /// Gives some of the space that merging has freed back to the disk; answers whether there was much of it.
    pub(super) fn shrink(&self) -> Outcome<bool> {
        let shrink = || {
            let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            if pragma("freelist_count")? * 16 <= pragma("page_count")? {
                return Ok(false);
            }
            let mut vacuum =
                self.connection.prepare(&format!("PRAGMA incremental_vacuum({SHRUNK_TOGETHER})"))?;
            let mut pages = vacuum.raw_query();
            while pages.next()?.is_some() {}
            // Readers may be in its way: then a later one does it.
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(true))
        };
        shrink().map_err(self.failed("shrink"))
    }

    /// Notes the identity of a message that is filed under the time of its receipt although it has a device time:
    /// where a copy of it will be filed cannot be told.
    pub(super) fn note_suspect(&self, source: SourceId, identity: RecordIdentity) -> Outcome<()> {
        let write = || {
            let mut insert =
                self.connection.prepare_cached("INSERT OR IGNORE INTO suspects VALUES (?1, ?2, ?3)")?;
            insert.execute(params![source.0, identity.device_time.millis(), identity.hash.0.to_be_bytes()])
        };
        write().map(|_| ()).map_err(self.failed("write"))
    }

    pub(super) fn knows_suspect(&self, source: SourceId, identity: RecordIdentity) -> Outcome<bool> {
        let read = || {
            let mut select = self.connection.prepare_cached(
                "SELECT 1 FROM suspects WHERE source = ?1 AND device_time = ?2 AND hash = ?3",
            )?;
            let key = params![source.0, identity.device_time.millis(), identity.hash.0.to_be_bytes()];
            select.query_row(key, |_| Ok(())).optional()
        };
        Ok(read().map_err(self.failed("read"))?.is_some())
    }

    pub(super) fn sources_with_suspects(&self) -> Outcome<Vec<SourceId>> {
        let read = || {
            let mut select = self.connection.prepare("SELECT DISTINCT source FROM suspects")?;
            select.query_map([], |row| row.get(0).map(SourceId))?.collect::<Result<_, _>>()
        };
        read().map_err(self.failed("read"))
    }

    /// Removes all of a source, and its bytes from the file.
    pub(super) fn erase(&self, source: SourceId) -> Outcome<()> {
        let erase = || {
            self.connection.execute_batch("PRAGMA secure_delete = ON")?;
            let erasing = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            erasing.execute(
                "UPDATE progress SET blocks = blocks - (SELECT count(*) FROM blocks WHERE source = ?1),
                    unmerged = unmerged - (SELECT count(*) FROM blocks WHERE source = ?1 AND seg >= 0)",
                [source.0],
            )?;
            erasing.execute("DELETE FROM blocks WHERE source = ?1", [source.0])?;
            erasing.execute("DELETE FROM suspects WHERE source = ?1", [source.0])?;
            erasing.commit()?;
            self.connection.execute_batch("PRAGMA secure_delete = OFF")?;
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        erase().map_err(self.failed("erase from"))
    }
}
