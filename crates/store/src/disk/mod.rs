//! What the journal asks of a disk, as a contract: the real one is the file system; the simulated one loses or tears
//! everything that was not synced when its power is cut.

mod real;
#[cfg(feature = "testing")]
mod simulated;

pub use real::RealDisk;
#[cfg(feature = "testing")]
pub use simulated::SimulatedDisk;
use std::{io, ops::Range, path::Path, sync::Arc};

/// A file system. Nothing that it was told is durable before the matching sync has answered.
pub trait Disk: Send + Sync + 'static {
    /// Makes a directory and those above it, durably; nothing happens when it exists.
    ///
    /// # Errors
    /// Those of the file system, here and in every other method.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes a file that does not exist yet. Its name is durable after `sync_dir` of its directory.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Cuts a file off after its bytes `tail`, and makes these durable even if a sync of them has failed before: they are
    /// written again, because the kernel may take what it could not write for written.
    fn repair(&self, path: &Path, tail: Range<u64>) -> io::Result<()>;

    /// Removes a file. Durable after `sync_dir` of its directory.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Names of the entries of a directory, in no order. Those that are not Unicode are left out.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that may still be written where `dir` is.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;
}

/// An open file. Only its creator writes it, and only at its end.
pub trait DiskFile: Send + Sync {
    /// Writes `bytes` at the end. After an error any part of them may be there.
    ///
    /// # Errors
    /// Those of the file system, here and in every other method.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended so far durable. After an error nobody knows which part is: the kernel may forget what
    /// it could not write, so that a second sync would answer well for bytes that are lost.
    fn sync_data(&self) -> io::Result<()>;

    /// Reads up to `into.len()` bytes from `offset` on; 0 at the end of the file.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
}
