//! The first panel account: made when the catalog has none. A generated password is printed once and kept in a file
//! that only the owner of the data directory may read.

use crate::config::{Config, Secret};
use anyhow::Context;
use fleet::{FirstPanelAccount, Fleet};
use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt};

const FILE: &str = "panel-password";

/// Makes the account that the configuration describes, unless there is one.
///
/// # Errors
/// When the catalog fails, or the generated password cannot be kept.
pub async fn ensure(fleet: &Fleet, config: &Config) -> anyhow::Result<()> {
    let password = config.panel.password.as_ref().map(Secret::reveal);
    let made = fleet.ensure_panel_account(&config.panel.login, password).await;
    match made
        .map_err(|failure| anyhow::anyhow!("making the panel account: {}", failure.code.description()))?
    {
        FirstPanelAccount::Kept | FirstPanelAccount::Created => Ok(()),
        FirstPanelAccount::CreatedWithPassword(password) => keep(config, &password),
    }
}

fn keep(config: &Config, password: &str) -> anyhow::Result<()> {
    let path = config.data_dir.join(FILE);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    writeln!(file, "{password}").with_context(|| path.display().to_string())?;
    // For the person at the terminal, not for the log.
    let mut terminal = std::io::stderr().lock();
    writeln!(
        terminal,
        "panel account \"{}\" was made with the password {password} (kept in {})",
        config.panel.login,
        path.display()
    )
    .context("printing the panel's password")
}
