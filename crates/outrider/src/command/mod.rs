//! The command line: what can be asked of `outrider`, one file per command that is more than a call.

mod backup;
mod cells;
mod config;
mod decode;
mod erase;
mod panel;
mod protocols;
mod simulate;
mod simulated_phones;

use crate::{
    config::Config,
    demo,
    serve::{self, Purpose},
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A self-hosted GPS tracking platform.
#[derive(Parser)]
#[command(name = "outrider", version, propagate_version = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        #[command(flatten)]
        configuration: Configuration,
        /// Keep everything in this directory, whatever the configuration says
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// With a simulated fleet and the login demo/demo; data in ./demo-data unless --data-dir says otherwise
        #[arg(long)]
        demo: bool,
    },
    /// Decode what devices send: each line of standard input is one frame or datagram, hex or `text:…`
    Decode(decode::Decode),
    /// List the device protocols: name, transports, default port
    Protocols,
    /// Let virtual vehicles call a server
    Simulate(simulate::Simulate),
    /// Copy the data directory, also while the server runs
    Backup(backup::Backup),
    /// Forget what a device has sent, for good. The server must not run
    Erase(erase::Erase),
    /// Look after the list of mobile cells
    #[command(subcommand)]
    Cells(cells::CellsCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Look after panel accounts
    #[command(subcommand)]
    Panel(panel::PanelCommand),
}

/// Where the configuration comes from, besides the environment.
#[derive(Args)]
pub struct Configuration {
    /// TOML file; without it the defaults hold
    #[arg(long = "config", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl CommandLine {
    /// Does what was asked.
    ///
    /// # Errors
    /// With one line that says what went wrong.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve { configuration, data_dir, demo: true } => {
                serve::run(demo::prepare(configuration.load()?, data_dir)?, Purpose::Demo)
            }
            Command::Serve { configuration, data_dir, demo: false } => {
                let mut config = configuration.load()?;
                config.data_dir = data_dir.unwrap_or(config.data_dir);
                serve::run(config, Purpose::Service)
            }
            Command::Decode(decode) => decode.run(),
            Command::Protocols => protocols::list(),
            Command::Simulate(simulate) => simulate.run(),
            Command::Backup(backup) => backup.run(),
            Command::Erase(erase) => erase.run(),
            Command::Cells(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Panel(command) => command.run(),
        }
    }
}

impl Configuration {
    fn load(&self) -> anyhow::Result<Config> {
        let variables = std::env::vars_os();
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        };
        Ok(Config::load(self.file.as_deref(), variables.filter_map(text))?)
    }
}
