//! The commands that wait for devices: what the gateway asks the catalog about them.

use domain::{CommandId, CommandStep, SourceId, Timestamp};
use std::{collections::BTreeSet, future::Future, pin::Pin};
use store::catalog::{Catalog, CatalogError, Took};

pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, CatalogError>> + Send + 'a>>;

pub trait CommandQueue: Send + Sync + 'static {
    /// Whether it is worth taking: asked once for each connection, and after each signal.
    fn waits(&self, source: SourceId) -> Asking<'_, bool>;

    /// The oldest command that waits for the source; it is the caller's to send now.
    fn take(&self, source: SourceId, now: Timestamp) -> Asking<'_, Took>;

    /// The source has a new connection: whoever had a command of it has it no longer.
    fn reconnected(&self, source: SourceId, now: Timestamp) -> Asking<'_, ()>;

    /// `false` when the command cannot take the step.
    fn step(&self, id: CommandId, step: CommandStep, now: Timestamp) -> Asking<'_, bool>;

    /// The command that the source has not answered yet.
    fn in_flight(&self, source: SourceId, now: Timestamp) -> Asking<'_, Option<CommandId>>;

    /// Writes down what time alone has done, and forgets what was over and what happened before `keep_from`.
    fn sweep(&self, now: Timestamp, keep_from: Timestamp) -> Asking<'_, Swept>;
}

/// What a sweep has done.
#[derive(Default)]
pub struct Swept {
    /// Whose commands came to their end.
    pub sources: BTreeSet<SourceId>,
    pub rest: Rest,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Rest {
    #[default]
    None,
    /// There is more to sweep.
    Left,
}

impl CommandQueue for Catalog {
    fn waits(&self, source: SourceId) -> Asking<'_, bool> {
        Box::pin(self.has_open_commands(source))
    }

    fn take(&self, source: SourceId, now: Timestamp) -> Asking<'_, Took> {
        Box::pin(self.take_command(source, now))
    }

    fn reconnected(&self, source: SourceId, now: Timestamp) -> Asking<'_, ()> {
        Box::pin(async move { self.step_commands(source, CommandStep::Reconnect, now).await.map(drop) })
    }

    fn step(&self, id: CommandId, step: CommandStep, now: Timestamp) -> Asking<'_, bool> {
        Box::pin(self.step_command(id, step, now))
    }

    fn in_flight(&self, source: SourceId, now: Timestamp) -> Asking<'_, Option<CommandId>> {
        Box::pin(async move {
            let open = self.open_commands(source, now).await?;
            Ok(open.into_iter().find(|command| command.life.state.in_flight().is_some()).map(|it| it.id))
        })
    }

    fn sweep(&self, now: Timestamp, keep_from: Timestamp) -> Asking<'_, Swept> {
        Box::pin(async move {
            let swept = self.sweep_commands(now).await?;
            let commands = self.delete_finished_commands(keep_from).await?;
            let events = self.delete_old_events(keep_from).await?;
            let most = swept.commands.max(commands).max(events);
            let rest = if most >= Catalog::COMMANDS_SWEPT_AT_ONCE { Rest::Left } else { Rest::None };
            Ok(Swept { sources: swept.sources, rest })
        })
    }
}
