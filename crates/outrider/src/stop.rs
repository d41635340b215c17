//! The graceful stop: a signal asks for it, and it has a limit.

use anyhow::Context;
use std::time::Duration;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

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
        tokio::select! {
            _ = terminate.recv() => tracing::info!("stopping on SIGTERM"),
            _ = interrupt.recv() => tracing::info!("stopping on SIGINT"),
        }
        asked.cancel();
    });
    Ok(stop)
}

/// Waits until every task has ended.
///
/// # Errors
/// When some still run after `deadline`.
pub async fn all_ended(tasks: &TaskTracker, deadline: Duration) -> anyhow::Result<()> {
    tasks.close();
    timeout(deadline, tasks.wait())
        .await
        .with_context(|| format!("{} tasks did not end within {}s", tasks.len(), deadline.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_tasks_but_not_for_ever() {
        let tasks = TaskTracker::new();
        tasks.spawn(async { tokio::time::sleep(Duration::from_secs(9)).await });
        all_ended(&tasks, DEADLINE).await.unwrap();
        tasks.reopen();
        tasks.spawn(std::future::pending::<()>());
        let error = all_ended(&tasks, DEADLINE).await.unwrap_err();
        assert_eq!(error.to_string(), "1 tasks did not end within 10s");
    }
}
