//! `outrider backup`: a copy of the data directory from which `outrider serve --data-dir` goes on.

use super::Configuration;
use crate::{config::Catalog, ready_file};
use clap::Args;
use std::{io::Write, path::PathBuf};
use store::backup;

#[derive(Args)]
pub struct Backup {
    /// Where the copy will be; it must not exist yet
    #[arg(value_name = "DIR")]
    target: PathBuf,
    #[command(flatten)]
    configuration: Configuration,
    /// Copy this directory, whatever the configuration says
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Backup {
    /// # Errors
    /// When there is no data, the target exists, or something cannot be read or written.
    pub fn run(self) -> anyhow::Result<()> {
        let config = self.configuration.load()?;
        let data_dir = self.data_dir.unwrap_or(config.data_dir);
        let bytes = backup::copy(&data_dir, &self.target, &[ready_file::NAME])?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{bytes} bytes are copied to {}", self.target.display())?;
        if let Catalog::Postgres(_) = config.store.catalog {
            writeln!(out, "the catalog is in PostgreSQL: copy it now, with pg_dump")?;
        }
        Ok(())
    }
}
