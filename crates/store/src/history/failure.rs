//! Why history's files cannot be used.

use super::{HistoryError, block::BlockError};
use crate::wire::DecodeError;
use std::{
    error::Error,
    fmt::Write,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} has format version {version}, this program reads up to {newest}", .file.display())]
    NewerFormat { file: PathBuf, version: i64, newest: i64 },
    #[error("{} is no file of a history", .0.display())]
    Foreign(PathBuf),
    #[error("cannot {action} {}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot {action} {}", .path.display())]
    Sqlite { action: &'static str, path: PathBuf, source: rusqlite::Error },
    #[error("a block of {} cannot be read", .path.display())]
    Block { path: PathBuf, source: BlockError },
    #[error("a message that is not packed yet cannot be understood")]
    Unpacked(#[source] DecodeError),
}

pub(super) type Outcome<T> = Result<T, FileError>;

pub(super) fn io_failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}

pub(super) fn sqlite_failed(action: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Sqlite { action, path, source }
}

impl FileError {
    pub(super) fn of_read(self) -> HistoryError {
        HistoryError::Unreadable(self.with_sources())
    }

    pub(super) fn of_write(self) -> HistoryError {
        HistoryError::Unwritable(self.with_sources())
    }

    fn with_sources(&self) -> Arc<str> {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        text.into()
    }
}
