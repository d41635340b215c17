//! The binary: configuration, wiring and command line of Outrider. It is the only crate that knows all the others.

#![expect(unreachable_pub, reason = "in a binary nothing is reachable; `pub` tells what a module offers")]

mod clock;
mod command;
mod config;
mod console;
mod data_dir;
mod demo;
mod health;
mod http;
mod logs;
mod metrics_page;
mod panel_password;
mod ready_file;
mod serve;
mod server_secret;
mod services;
mod sms_webhook;
mod stop;
mod tls;

use clap::{Parser, error::ErrorKind};
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let command_line = match command::CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return misunderstood(&error),
    };
    match command_line.run() {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads our output may stop when it has seen enough: `outrider protocols | head -1`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints help where it was asked for, else the cause of the error, which clap puts before the first empty line.
fn misunderstood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let text = error.to_string();
    let cause = text.split("\n\n").next().unwrap_or(&text);
    complain(cause.trim_start_matches("error: "));
    ExitCode::from(2)
}

/// One line on standard error.
fn complain(cause: &str) {
    let words: Vec<&str> = cause.split_whitespace().collect();
    // That nobody reads it is no failure.
    _ = writeln!(io::stderr(), "outrider: {}", words.join(" "));
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
