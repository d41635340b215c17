//! `outrider erase`: forgets what a device has sent, for good, when nobody has a right to it any longer.

use super::Configuration;
use crate::services::{journal_config, open_catalog};
use anyhow::{Context, bail};
use clap::Args;
use domain::SourceId;
use std::{io::Write, path::PathBuf, sync::Arc};
use store::{
    backup::holds_data,
    history::{EmbeddedHistory, History, HistoryConfig},
    journal::EmbeddedJournal,
};

#[derive(Args)]
pub struct Erase {
    /// The number of the source, as `tracker/read` tells it
    #[arg(long, value_name = "ID")]
    source: i64,
    #[command(flatten)]
    configuration: Configuration,
    /// Erase in this directory, whatever the configuration says
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Erase {
    /// # Errors
    /// When there is no data or no such source, the server runs, or something cannot be read or written. What was begun
    /// is finished by the next start then.
    pub fn run(self) -> anyhow::Result<()> {
        let mut config = self.configuration.load()?;
        config.data_dir = self.data_dir.unwrap_or(config.data_dir);
        if !holds_data(&config.data_dir) {
            bail!("{} holds no data of a server", config.data_dir.display());
        }
        let source = SourceId(self.source);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            // It holds the lock of the directory.
            let journal = EmbeddedJournal::open(&config.data_dir, journal_config(&config.store))
                .context("the server must not run")?;
            let journal = Arc::new(journal);
            let catalog = open_catalog(&config).await?;
            let known = catalog.source(source).await?;
            catalog.close().await;
            known.with_context(|| format!("there is no source {}", source.0))?;
            let history =
                EmbeddedHistory::open(journal.clone(), &config.data_dir, &HistoryConfig::default())?;
            let erased = history.erase(source).await;
            history.close().await;
            journal.close().await;
            erased.with_context(|| format!("erasing source {}", source.0))
        })?;
        writeln!(std::io::stdout().lock(), "what source {} has sent is erased", source.0)?;
        Ok(())
    }
}
