//! `outrider config`: checks, prints and explains the configuration.

use super::Configuration;
use crate::config::reference;
use anyhow::Context;
use clap::Subcommand;
use std::io::{self, Write};

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is right, or else where it is wrong
    Check(Configuration),
    /// Print the configuration as the server would run with it, without passwords
    Print(Configuration),
    /// Print the reference of all keys (docs/configuration.md)
    Reference,
}

impl ConfigCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        match self {
            Self::Check(configuration) => {
                configuration.load()?;
                writeln!(out, "the configuration is right")?;
            }
            Self::Print(configuration) => {
                let config = configuration.load()?;
                let text = toml::to_string(&config).context("printing the configuration")?;
                out.write_all(text.as_bytes())?;
                if config.panel.password.is_some() {
                    writeln!(out, "\n# [panel] password is set and not shown")?;
                }
            }
            Self::Reference => out.write_all(reference::markdown().as_bytes())?,
        }
        Ok(())
    }
}
