//! The binary: configuration, wiring and command line of Outrider. It is the only crate that knows all the others.

#![expect(unreachable_pub, reason = "in a binary nothing is reachable; `pub` tells what a module offers")]

mod clock;
mod command;
mod config;
mod data_dir;
mod health;
mod logs;
mod metrics_page;
mod panel_password;
mod ready_file;
mod serve;
mod services;
mod stop;

use clap::Parser;
use std::{io, process::ExitCode};

fn main() -> ExitCode {
    match command::CommandLine::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads our output may stop when it has seen enough: `outrider protocols | head -1`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("{error:#}").replace('\n', " ");
            eprintln!("outrider: {line}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
