//! Logs on standard error: one lower-case line for people, or one JSON object per line for collectors. A thread writes
//! them, so that nothing waits for whoever reads them, and nothing fails when nobody does.

use crate::{
    clock::SystemClock,
    config::{Log, LogFormat},
};
use domain::Clock;
use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    fmt::{format::Writer, time::FormatTime},
};

/// Lines that wait to be written; further ones are dropped and counted.
const LINES: usize = 4096;
/// What waits at the end is written, if that takes no longer.
const AT_THE_END: Duration = Duration::from_secs(1);

/// Dropping it waits until what was logged is written.
pub struct Printing(SyncSender<Order>);

enum Order {
    Write(Vec<u8>),
    /// Says that everything before is written.
    Tell(SyncSender<()>),
}

/// Begins to print; what is logged before is lost.
///
/// # Errors
/// When the level is no filter, logs are printed already, or there can be no thread.
pub fn start(log: &Log, clock: Arc<SystemClock>) -> anyhow::Result<Printing> {
    let (orders, waiting) = sync_channel(LINES);
    let lines = Lines(orders.clone());
    let printer = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level)?)
        .with_timer(Time(clock))
        .with_writer(move || lines.clone())
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => printer.compact().try_init(),
        LogFormat::Json => printer.json().flatten_event(true).try_init(),
    }
    .map_err(anyhow::Error::from_boxed)?;
    thread::Builder::new().name("logs".to_owned()).spawn(move || print(&waiting))?;
    Ok(Printing(orders))
}

impl Drop for Printing {
    fn drop(&mut self) {
        let (written, told) = sync_channel(1);
        if self.0.try_send(Order::Tell(written)).is_ok() {
            _ = told.recv_timeout(AT_THE_END);
        }
    }
}

fn print(orders: &Receiver<Order>) {
    for order in orders {
        // That nobody reads, or takes the answer, is no failure.
        match order {
            Order::Write(line) => _ = io::stderr().write_all(&line),
            Order::Tell(written) => _ = written.try_send(()),
        }
    }
}

/// Takes each line whole, as `tracing_subscriber` writes it.
#[derive(Clone)]
struct Lines(SyncSender<Order>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Order::Write(line.to_vec())).is_err() {
            metrics::counter!("log_lines_dropped_total").increment(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
