//! `outrider panel …`: what must work without the panel's password.

use super::Configuration;
use crate::{
    panel_password,
    services::{open_catalog, randomness},
};
use anyhow::{Context, bail};
use clap::Subcommand;
use fleet::Secrets;
use std::{io::BufRead, path::PathBuf};
use store::lock::DataDirLock;

#[derive(Subcommand)]
pub enum PanelCommand {
    /// Give a panel account a new password, read from standard input; its sessions end. The server must not run
    SetPassword {
        #[command(flatten)]
        configuration: Configuration,
        /// Keep everything in this directory, whatever the configuration says
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// The account; without it the one of the configuration
        #[arg(long)]
        login: Option<String>,
    },
}

impl PanelCommand {
    /// # Errors
    /// When the server runs, the account does not exist, or the password does not fit.
    pub fn run(self) -> anyhow::Result<()> {
        let Self::SetPassword { configuration, data_dir, login } = self;
        let mut config = configuration.load()?;
        config.data_dir = data_dir.unwrap_or(config.data_dir);
        let login = login.unwrap_or_else(|| config.panel.login.clone());
        let mut password = String::new();
        std::io::stdin().lock().read_line(&mut password).context("reading the password")?;
        let password = password.trim_end_matches(['\r', '\n']);
        // What the API takes at login, so that nobody is locked out by the password's form.
        if !(6..=255).contains(&password.chars().count()) || password.chars().any(char::is_control) {
            bail!("a password has 6 to 255 printable characters");
        }
        let _lock = DataDirLock::take(&config.data_dir)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let secrets = Secrets::new(randomness()?);
            let catalog = open_catalog(&config).await?;
            let account = catalog.panel_account_by_login(&login).await?;
            let account = account.with_context(|| format!("there is no panel account \"{login}\""))?;
            let hash = secrets.hash_password(password).await;
            let hash = hash.map_err(|failure| anyhow::anyhow!(failure.code.description()))?;
            catalog.set_panel_password(account.id, &hash).await?;
            catalog.close().await;
            if login == config.panel.login { panel_password::forget(&config.data_dir) } else { Ok(()) }
        })
    }
}
