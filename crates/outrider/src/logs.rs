//! Logs on standard error: one lower-case line for people, or one JSON object per line for collectors.

use crate::{
    clock::SystemClock,
    config::{Log, LogFormat},
};
use domain::Clock;
use std::{fmt, io, io::IsTerminal, sync::Arc};
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    fmt::{format::Writer, time::FormatTime},
};

/// Begins to print; what is logged before is lost.
///
/// # Errors
/// When the level is no filter, or logs are printed already.
pub fn start(log: &Log, clock: Arc<SystemClock>) -> anyhow::Result<()> {
    let printer = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level)?)
        .with_timer(Time(clock))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => printer.compact().try_init(),
        LogFormat::Json => printer.json().flatten_event(true).try_init(),
    }
    .map_err(anyhow::Error::from_boxed)
}

/// Reads `[log] level`.
///
/// # Errors
/// When it is not a filter.
pub fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(level)
}

/// Logs tell the time that everything else goes by.
struct Time(Arc<SystemClock>);

impl FormatTime for Time {
    fn format_time(&self, to: &mut Writer<'_>) -> fmt::Result {
        write!(to, "{}", self.0.now())
    }
}
