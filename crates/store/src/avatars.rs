//! Pictures of trackers: each a file of its own, which is never changed, in a folder of the data directory.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Below the data directory.
const FOLDER: &str = "avatars";

/// The folder, which is made when the first picture comes. The calls wait for the disk: let them run where they may.
#[derive(Clone, Debug)]
pub struct Avatars(PathBuf);

impl Avatars {
    pub fn new(data_dir: &Path) -> Self {
        Self(data_dir.join(FOLDER))
    }

    /// Durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written, or the name is taken or no name of a picture.
    pub fn write(&self, name: &str, picture: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let written = file.write_all(picture).and_then(|()| file.sync_all());
        if written.is_err() {
            // Half a picture is none.
            fs::remove_file(&path)?;
        }
        written.and_then(|()| File::open(&self.0)?.sync_all())
    }

    /// # Errors
    /// `NotFound` when there is none of that name.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(name)?)
    }

    /// # Errors
    /// When it is not there or cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name)?)
    }

    /// Small letters, digits and a dot inside: such names lead nowhere else.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.');
        if fits && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !name.contains("..") {
            Ok(self.0.join(name))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_own_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let avatars = Avatars::new(folder.path());
        avatars.write("a1.png", b"picture").unwrap();
        assert_eq!(avatars.read("a1.png").unwrap(), b"picture");
        assert_eq!(avatars.write("a1.png", b"another").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        for name in ["", ".", "..", "../a1.png", "a/b.png", ".a1.png", "a..png", "A1.png", "b1.png"] {
            assert_eq!(avatars.read(name).unwrap_err().kind(), io::ErrorKind::NotFound, "{name}");
        }
        avatars.remove("a1.png").unwrap();
        assert!(avatars.read("a1.png").is_err());
    }
}
