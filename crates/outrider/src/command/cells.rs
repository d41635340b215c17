//! `outrider cells import`: reads a list of mobile cells, for `[lbs] provider = "local"`.

use super::Configuration;
use anyhow::Context;
use clap::{Args, Subcommand};
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use reach::cells;
use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
};

#[derive(Subcommand)]
pub enum CellsCommand {
    /// Read a list of cells in the form of OpenCelliD; it takes the place of the one before
    Import(Import),
}

#[derive(Args)]
pub struct Import {
    /// CSV, plain or compressed by gzip
    #[arg(value_name = "FILE")]
    list: PathBuf,
    #[command(flatten)]
    configuration: Configuration,
    /// For the server of this data directory, whatever the configuration says
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// How a file begins that gzip has compressed (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 1 << 18;

impl CellsCommand {
    /// # Errors
    /// When the list cannot be read or has no cell, or the file cannot be written.
    pub fn run(self) -> anyhow::Result<()> {
        let Self::Import(Import { list, configuration, data_dir }) = self;
        let data_dir = match data_dir {
            Some(data_dir) => data_dir,
            None => configuration.load()?.data_dir,
        };
        let file = File::open(&list).with_context(|| format!("cannot open {}", list.display()))?;
        // Drawn on standard error, when that is a terminal.
        let bar = ProgressBar::new(file.metadata()?.len()).with_style(ProgressStyle::with_template(
            "{bar:40} {percent:>3} %  {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        )?);
        let mut read = BufReader::with_capacity(BUFFER, bar.wrap_read(file));
        let is_compressed = read.fill_buf()?.starts_with(&GZIP);
        let imported = if is_compressed {
            cells::import(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(read)), &data_dir)
        } else {
            cells::import(read, &data_dir)
        };
        bar.finish_and_clear();
        let cells::Imported { cells, repeated, bad, named } = imported?;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{cells} cells are imported, {repeated} lines named one again, {bad} lines are no cell"
        )?;
        for (line, wrong) in named {
            writeln!(out, "line {line}: {wrong}")?;
        }
        Ok(())
    }
}
