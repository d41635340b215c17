//! The graceful stop: a signal asks for it, and it has a limit.

use anyhow::Context;
use std::time::Duration;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How long the pieces of the server may take to end after the signal.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Cancelled by SIGTERM or SIGINT.
///
/// # Errors
/// When the system does not let us listen for signals.
pub fn on_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        let signal = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        asked.cancel();
        tracing::info!("stopping on {signal}");
    });
    Ok(stop)
}

/// Does what is to be done at the end, but not for ever.
///
/// # Errors
/// When it is not done after `deadline`.
pub async fn within(deadline: Duration, ending: impl Future<Output = ()>) -> anyhow::Result<()> {
    timeout(deadline, ending).await.with_context(|| format!("not stopped within {}s", deadline.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_the_end_but_not_for_ever() {
        within(DEADLINE, tokio::time::sleep(Duration::from_secs(9))).await.unwrap();
        let error = within(DEADLINE, std::future::pending()).await.unwrap_err();
        assert_eq!(error.to_string(), "not stopped within 10s");
    }
}
