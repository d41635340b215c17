//! The lock of a data directory: one process writes it at a time.

use crate::disk::{Disk, RealDisk};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Held as long as this value lives. The system releases it when the process dies, however it dies.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the data directory {} is in use by another process", .0.display())]
    Held(PathBuf),
    #[error("cannot lock the data directory {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

impl DataDirLock {
    /// Makes the directory when it does not exist.
    ///
    /// # Errors
    /// When another process (or another part of this one) holds the lock, or the directory cannot be written.
    pub fn take(data_dir: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(data_dir.to_owned(), error);
        RealDisk.create_dir(data_dir).map_err(failed)?;
        let path = data_dir.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(data_dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_which_directory_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DataDirLock::take(dir.path()).unwrap();
        let refused = DataDirLock::take(dir.path()).unwrap_err();
        let expected = format!("the data directory {} is in use by another process", dir.path().display());
        assert_eq!(refused.to_string(), expected);
        drop(lock);
        DataDirLock::take(dir.path()).unwrap();
    }
}
