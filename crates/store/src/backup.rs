//! A copy of a data directory, made while a server may be writing there. A server started on the copy has everything that
//! was acknowledged, and every change that was answered, before the copy began.
//!
//! A record is in the journal until it is packed into history, and the catalog knows its source before it comes. So
//! history is copied first, then the journal, from which nothing is removed meanwhile, then the catalog: whatever moves
//! between them is in what is copied later. The ledger of history comes before its files, and states before the journal:
//! neither may know more than what it is read with.

use crate::{
    catalog,
    history::{FOLDER as HISTORY, LEDGER},
    journal::FOLDER as JOURNAL,
    lock::{CopyLock, OF_COPIES, OF_WRITER},
};
use rusqlite::{Connection, OpenFlags};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// What is written now and has another name when it is whole.
const UNFINISHED: &str = ".unfinished";

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} holds no data of a server", .0.display())]
    NoData(PathBuf),
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    #[error("{} lies in the data directory, which is not copied into itself", .0.display())]
    Inside(PathBuf),
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot copy {}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
}

/// Whether a server has kept anything in `data_dir`.
pub fn holds_data(data_dir: &Path) -> bool {
    data_dir.join(JOURNAL).is_dir()
}

/// Copies everything in `data_dir`, but for files of the names `left_out`, to `target`, which must not exist; it appears when it is whole and durable. Answers
/// with its length in bytes. A catalog in PostgreSQL is not there and not copied.
///
/// # Errors
/// When there is nothing to copy, or something cannot be read or written. What was written stays beside `target`, under
/// a name that ends in `.unfinished`.
pub fn copy(data_dir: &Path, target: &Path, left_out: &[&str]) -> Result<u64, BackupError> {
    if !holds_data(data_dir) {
        return Err(BackupError::NoData(data_dir.to_owned()));
    }
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = |path: &Path| path.canonicalize().map_err(failed("find", path));
    if real(parent)?.starts_with(real(data_dir)?) {
        return Err(BackupError::Inside(target.to_owned()));
    }
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed("remove", &unfinished))?;
    }
    let _nothing_is_removed = CopyLock::take(data_dir).map_err(failed("lock", data_dir))?;
    let copying = Copying { from: data_dir, to: &unfinished };
    make_dir(&unfinished)?;
    let mut bytes = copying.history()?;
    let special = [HISTORY, JOURNAL, OF_WRITER, OF_COPIES];
    let is_special = |name: &OsStr| {
        let name = name.to_string_lossy();
        special.contains(&&*name) || left_out.contains(&&*name) || name.starts_with(catalog::FILE)
    };
    bytes += copying.folder(Path::new(""), &is_special)?;
    bytes += copying.folder(Path::new(JOURNAL), &|_| false)?;
    bytes += copying.database(Path::new(catalog::FILE))?;
    sync(&unfinished)?;
    fs::rename(&unfinished, target).map_err(failed("rename", &unfinished))?;
    sync(parent)?;
    Ok(bytes)
}

struct Copying<'a> {
    from: &'a Path,
    to: &'a Path,
}

impl Copying<'_> {
    fn history(&self) -> Result<u64, BackupError> {
        if !self.from.join(HISTORY).is_dir() {
            return Ok(0);
        }
        make_dir(&self.to.join(HISTORY))?;
        let mut bytes = self.database(&Path::new(HISTORY).join(LEDGER))?;
        for name in names(&self.from.join(HISTORY))? {
            if name != LEDGER && Path::new(&name).extension() == Some(OsStr::new("db")) {
                bytes += self.database(&Path::new(HISTORY).join(name))?;
            }
        }
        sync(&self.to.join(HISTORY))?;
        Ok(bytes)
    }

    /// All files of a folder and of those below it. One that vanishes was replaced by a newer one, so they are listed
    /// again.
    fn folder(&self, folder: &Path, is_left_out: &dyn Fn(&OsStr) -> bool) -> Result<u64, BackupError> {
        let (from, to) = (self.from.join(folder), self.to.join(folder));
        if !to.is_dir() {
            make_dir(&to)?;
        }
        'listing: loop {
            let mut bytes = 0;
            for name in names(&from)?.into_iter().filter(|name| !is_left_out(name)) {
                let (path, copy) = (from.join(&name), to.join(&name));
                if path.is_dir() {
                    bytes += self.folder(&folder.join(&name), &|_| false)?;
                    continue;
                }
                match fs::copy(&path, &copy) {
                    Ok(length) => bytes += length,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue 'listing,
                    Err(error) => return Err(failed("copy", &path)(error)),
                }
                sync(&copy)?;
            }
            sync(&to)?;
            return Ok(bytes);
        }
    }

    /// A database as it is at one moment; nothing when there is none.
    fn database(&self, file: &Path) -> Result<u64, BackupError> {
        let (path, copy) = (self.from.join(file), self.to.join(file));
        let failed_in = |source| BackupError::Database { path: path.clone(), source };
        if !path.exists() {
            return Ok(0);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = match Connection::open_with_flags(&path, flags) {
            // Dropped since: it was older than the retention.
            Err(_) if !path.exists() => return Ok(0),
            opened => opened.map_err(failed_in)?,
        };
        database.busy_timeout(Duration::from_secs(60)).map_err(failed_in)?;
        database.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(failed_in)?;
        sync(&copy)?;
        Ok(fs::metadata(&copy).map_err(failed("read", &copy))?.len())
    }
}

fn names(folder: &Path) -> Result<Vec<OsString>, BackupError> {
    let entries = fs::read_dir(folder).map_err(failed("list", folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>();
    let mut names = names.map_err(failed("list", folder))?;
    names.sort();
    Ok(names)
}

fn make_dir(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed("create", path))
}

fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed("sync", path))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { action, path, source }
}
