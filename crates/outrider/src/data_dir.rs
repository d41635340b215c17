//! The data directory: only its owner may read it.

use anyhow::Context;
use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// Makes the directory and its parents where they do not exist. One that exists keeps its mode, but others must not
/// be able to write there.
///
/// # Errors
/// When it cannot be made or read, is not a directory, or is open to others.
pub fn prepare(path: &Path) -> anyhow::Result<()> {
    let place = || format!("data directory {}", path.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(place)?;
    let mode = fs::metadata(path).with_context(place)?.permissions().mode();
    if mode & 0o022 != 0 {
        anyhow::bail!("{} can be written by others (mode {:o}): chmod 700 it", place(), mode & 0o777);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/data");
        for _ in ["made", "found"] {
            prepare(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn is_refused_when_others_can_write_there_or_it_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(prepare(folder.path()).unwrap_err().to_string().contains("chmod 700"));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(prepare(&file).is_err());
    }
}
