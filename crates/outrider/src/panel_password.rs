//! The first panel account: made when the catalog has none. A generated password is printed once and kept in a file
//! that only the owner of the data directory may read.

use crate::config::{Config, Secret};
use anyhow::{Context, anyhow};
use fleet::{Failure, Fleet};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Makes the account that the configuration describes, unless there is one.
///
/// # Errors
/// When the catalog fails, or the generated password cannot be kept.
pub async fn ensure(fleet: &Fleet, config: &Config) -> anyhow::Result<()> {
    let failed = |failure: Failure| anyhow!("making the panel account: {}", failure.code.description());
    if fleet.has_panel_account().await.map_err(failed)? {
        return Ok(());
    }
    let login = &config.panel.login;
    if let Some(password) = config.panel.password.as_ref().map(Secret::reveal) {
        return fleet.create_panel_account(login, password).await.map_err(failed);
    }
    let password = fleet.generate_password();
    let path = file(&config.data_dir);
    // Before the account: whatever happens in between, there is none with a password that nobody knows.
    keep(&path, &password).with_context(|| path.display().to_string())?;
    fleet.create_panel_account(login, &password).await.map_err(failed)?;
    // For the person at the terminal, not for the log.
    writeln!(
        io::stderr().lock(),
        "panel account \"{login}\" was made with the password {password} (kept in {})",
        path.display()
    )
    .context("printing the panel's password")
}

/// Removes a generated password that holds no more.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn forget(data_dir: &Path) -> anyhow::Result<()> {
    let path = file(data_dir);
    remove(&path).with_context(|| path.display().to_string())
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("panel-password")
}

/// In a new file, whose mode is ours.
fn keep(path: &Path, password: &str) -> io::Result<()> {
    remove(path)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{password}")?;
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_owner_reads_it_whatever_stood_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        fs::write(&path, "open to all").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        keep(&path, "secret").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        forget(folder.path()).unwrap();
        forget(folder.path()).unwrap();
        assert!(!path.exists());
    }
}
