//! Commands to devices: what is to be said, and where each stands. What may become of one is decided by
//! `domain::CommandLife`; here its steps are written down, each in one transaction that holds the source.
//!
//! To send a command: `Catalog::enqueue_command`, and then publish `Signal::CommandWaits` of its source. The gateway
//! takes it from there.

use super::{
    Catalog, CatalogError, Listed, Page, Unreadable,
    columns::{Columns, json},
    event, source,
    statements::{returned_id, statements},
};
use domain::{
    Command, CommandFailure, CommandId, CommandLife, CommandState, CommandStep, Reliability, SourceId,
    Timestamp, TrackerId, UserId,
};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};
use std::collections::BTreeSet;

/// Further commands of a source are refused.
const OPEN_PER_SOURCE: usize = 100;
/// The steps of so many commands are written down at once.
const SWEPT_AT_ONCE: u16 = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommand {
    pub source: SourceId,
    /// The tracker through which it was asked for.
    pub tracker: Option<TrackerId>,
    /// Who asked.
    pub user: Option<UserId>,
    pub command: Command,
    pub reliability: Reliability,
    pub asked: Timestamp,
    /// From then on it is not sent: `asked` and `CommandKind::lifetime` unless the caller knows better.
    pub expires: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCommand {
    pub id: CommandId,
    pub source: SourceId,
    pub tracker: Option<TrackerId>,
    pub user: Option<UserId>,
    /// Without the password of a lock when it is over.
    pub command: Command,
    pub asked: Timestamp,
    pub life: CommandLife,
}

/// What a session gets that asks for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Took {
    /// The oldest that waits; it is the session's now (`CommandState::Taken`).
    Command(Box<StoredCommand>),
    /// One is in flight: ask again then, or when it is over.
    Wait(Timestamp),
    Nothing,
}

/// What a sweep has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// A thousand at most, and then more are left.
    pub commands: usize,
    /// Whose commands they are.
    pub sources: BTreeSet<SourceId>,
}

macro_rules! columns {
    () => {
        "id, source_id, tracker_id, user_id, command, reliability, state, failure, attempts, asked, expires, \
         until_time, sent, over, reply"
    };
}

macro_rules! of_tracker {
    () => {
        "tracker_id = $1 AND ($2 = '' OR $2 LIKE '%,' || state || ',%')"
    };
}

macro_rules! open {
    () => {
        "state IN ('queued', 'taken', 'sent')"
    };
}

statements! {
    CREATE = "INSERT INTO commands (source_id, tracker_id, user_id, command, reliability, state, attempts, asked, \
        expires) VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $7) RETURNING id";
    READ = concat!("SELECT ", columns!(), " FROM commands WHERE id = $1");
    OF_SOURCE = concat!("SELECT ", columns!(), " FROM commands WHERE source_id = $1 ORDER BY id DESC LIMIT $2");
    OF_TRACKER = concat!("SELECT ", columns!(), " FROM commands WHERE ", of_tracker!(), " ORDER BY id DESC \
        LIMIT $3 OFFSET $4");
    COUNT_OF_TRACKER = concat!("SELECT COUNT(*) AS total FROM commands WHERE ", of_tracker!());
    OPEN = concat!("SELECT ", columns!(), " FROM commands WHERE source_id = $1 AND ", open!(), " ORDER BY id");
    COUNT_OPEN = concat!("SELECT COUNT(*) AS open FROM commands WHERE source_id = $1 AND ", open!());
    /// Who changes commands of a source holds its row until the transaction ends: others wait for it.
    HOLD = "UPDATE sources SET blocked = blocked WHERE id = $1";
    DUE = concat!("SELECT ", columns!(), " FROM commands WHERE (expires <= $1 OR until_time <= $1) AND ", open!(),
        " LIMIT $2");
    WRITE = "UPDATE commands SET state = $2, failure = $3, attempts = $4, until_time = $5, sent = $6, over = $7, \
        reply = $8, command = $9 WHERE id = $1";
    DELETE_OVER = "DELETE FROM commands WHERE id IN \
        (SELECT id FROM commands WHERE over < $1 ORDER BY over LIMIT $2)";
    SET_IMMOBILIZED = "UPDATE sources SET immobilized = $2 WHERE id = $1";
    IMMOBILIZED = "SELECT immobilized FROM sources WHERE id = $1";
}

impl Catalog {
    /// So many commands `sweep_commands` and `delete_finished_commands` look after in one call.
    pub const COMMANDS_SWEPT_AT_ONCE: usize = SWEPT_AT_ONCE as usize;

    /// Queues a command; the caller then publishes `Signal::CommandWaits`.
    ///
    /// # Errors
    /// `TooManyCommands` when a hundred of the source wait; `ReferenceNotFound` for an unknown source, tracker or user, and
    /// for a source that is not there any more: nobody would send it.
    pub async fn enqueue_command(&self, new: &NewCommand) -> Result<CommandId, CatalogError> {
        let mut transaction = self.write().await?;
        if !source::hold(&mut transaction, new.source).await? {
            return Err(CatalogError::ReferenceNotFound);
        }
        let open = open(&mut transaction, new.source).await?;
        if open.iter().filter(|each| !each.now(new.asked).life.state.is_over()).count() >= OPEN_PER_SOURCE {
            return Err(CatalogError::TooManyCommands);
        }
        let create = query(CREATE)
            .bind(new.source.0)
            .bind(new.tracker.map(|tracker| tracker.0))
            .bind(new.user.map(|user| user.0))
            .bind(json(&new.command)?)
            .bind(reliability_word(new.reliability))
            .bind(new.asked.millis())
            .bind(new.expires.millis());
        let id = CommandId(returned_id(&mut transaction, create).await?);
        transaction.commit().await?;
        Ok(id)
    }

    /// Where the command stands at `now`.
    pub async fn command(
        &self,
        id: CommandId,
        now: Timestamp,
    ) -> Result<Option<StoredCommand>, CatalogError> {
        let found: Option<StoredCommand> = query_as(READ).bind(id.0).fetch_optional(self.reader()).await?;
        Ok(found.map(|command| command.now(now)))
    }

    /// The newest commands of a source, newest first, as they stand at `now`.
    pub async fn commands_of_source(
        &self,
        source: SourceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredCommand>, CatalogError> {
        let found: Vec<StoredCommand> =
            query_as(OF_SOURCE).bind(source.0).bind(i64::from(limit)).fetch_all(self.reader()).await?;
        Ok(found.into_iter().map(|command| command.now(now)).collect())
    }

    /// The commands that were asked for through a tracker, newest first, as they stand at `now`; and how many there are in
    /// all. With `states`, only those of which one of these is written down.
    pub async fn commands_of_tracker(
        &self,
        tracker: TrackerId,
        now: Timestamp,
        states: &[&str],
        page: &Page,
    ) -> Result<Listed<StoredCommand>, CatalogError> {
        let states = if states.is_empty() { String::new() } else { format!(",{},", states.join(",")) };
        let mut snapshot = self.snapshot().await?;
        let items = query_as(OF_TRACKER).bind(tracker.0).bind(&states).bind(page.limit()).bind(page.offset());
        let items: Vec<StoredCommand> = items.fetch_all(&mut *snapshot).await?;
        let count = query(COUNT_OF_TRACKER).bind(tracker.0).bind(&states).fetch_one(&mut *snapshot).await?;
        snapshot.rollback().await?;
        let items = items.into_iter().map(|command| command.now(now)).collect();
        Ok(Listed { items, count: count.int("total")?.unsigned_abs() })
    }

    /// The commands of a source that are not over at `now`, oldest first: what waits, and what is in flight.
    pub async fn open_commands(
        &self,
        source: SourceId,
        now: Timestamp,
    ) -> Result<Vec<StoredCommand>, CatalogError> {
        let open: Vec<StoredCommand> = query_as(OPEN).bind(source.0).fetch_all(self.reader()).await?;
        Ok(open.into_iter().map(|each| each.now(now)).filter(|each| !each.life.state.is_over()).collect())
    }

    /// Whether it is worth asking for a command of the source: one look into one index.
    pub async fn has_open_commands(&self, source: SourceId) -> Result<bool, CatalogError> {
        let row = query(COUNT_OPEN).bind(source.0).fetch_one(self.reader()).await?;
        Ok(row.int("open")? > 0)
    }

    /// Takes the oldest command that waits for the source, unless one is in flight. One that has expired is never
    /// answered with.
    pub async fn take_command(&self, source: SourceId, now: Timestamp) -> Result<Took, CatalogError> {
        let mut transaction = self.write().await?;
        hold(&mut transaction, source).await?;
        let mut open = open(&mut transaction, source).await?;
        for each in &mut open {
            each.write_step(CommandStep::Pass, now, &mut transaction).await?;
        }
        let took = if let Some(until) = open.iter().find_map(|each| each.life.state.in_flight()) {
            Took::Wait(until)
        } else if let Some(mut first) = open.into_iter().find(|each| each.life.state == CommandState::Queued)
        {
            first.write_step(CommandStep::Take, now, &mut transaction).await?;
            Took::Command(Box::new(first))
        } else {
            Took::Nothing
        };
        transaction.commit().await?;
        Ok(took)
    }

    /// Takes a step of one command; `false` when that is not possible, such as cancelling what is over.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn step_command(
        &self,
        id: CommandId,
        step: CommandStep,
        now: Timestamp,
    ) -> Result<bool, CatalogError> {
        let mut transaction = self.write().await?;
        let found: StoredCommand = query_as(READ).bind(id.0).fetch_one(&mut *transaction).await?;
        hold(&mut transaction, found.source).await?;
        // Another may have changed it while this one waited.
        let mut command: StoredCommand = query_as(READ).bind(id.0).fetch_one(&mut *transaction).await?;
        let possible = command.write_step(step, now, &mut transaction).await?;
        transaction.commit().await?;
        Ok(possible)
    }

    /// Takes a step of every command of a source that is not over, such as `Reconnect` or `Cancel`; answers with how
    /// many took it.
    pub async fn step_commands(
        &self,
        source: SourceId,
        step: CommandStep,
        now: Timestamp,
    ) -> Result<usize, CatalogError> {
        let mut transaction = self.write().await?;
        let mut stepped = 0;
        hold(&mut transaction, source).await?;
        for mut command in open(&mut transaction, source).await? {
            stepped += usize::from(command.write_step(step.clone(), now, &mut transaction).await?);
        }
        transaction.commit().await?;
        Ok(stepped)
    }

    /// Writes down what time alone has done: what has expired, what was not answered.
    pub async fn sweep_commands(&self, now: Timestamp) -> Result<Swept, CatalogError> {
        let mut transaction = self.write().await?;
        let due: Vec<StoredCommand> = query_as(DUE)
            .bind(now.millis())
            .bind(i64::from(SWEPT_AT_ONCE))
            .fetch_all(&mut *transaction)
            .await?;
        // In one order, and whoever else holds a source holds no second one: nobody waits in a circle.
        let sources: BTreeSet<_> = due.iter().map(|command| command.source).collect();
        for source in &sources {
            hold(&mut transaction, *source).await?;
            for mut command in open(&mut transaction, *source).await? {
                command.write_step(CommandStep::Pass, now, &mut transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(Swept { commands: due.len(), sources })
    }

    /// Deletes the commands that were over before `keep_from`. Answers with how many; a thousand at most, and then more
    /// may be left.
    pub async fn delete_finished_commands(&self, keep_from: Timestamp) -> Result<usize, CatalogError> {
        let delete = query(DELETE_OVER).bind(keep_from.millis()).bind(i64::from(SWEPT_AT_ONCE));
        let deleted = delete.execute(self.writer()).await?.rows_affected();
        Ok(usize::try_from(deleted).unwrap_or(usize::MAX))
    }

    /// What the device confirmed last of its immobilizer; before that, the engine may run.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn is_immobilized(&self, source: SourceId) -> Result<bool, CatalogError> {
        let row = query(IMMOBILIZED).bind(source.0).fetch_one(self.reader()).await?;
        Ok(row.flag("immobilized")?)
    }
}

async fn hold(transaction: &mut AnyConnection, source: SourceId) -> Result<(), CatalogError> {
    match query(HOLD).bind(source.0).execute(transaction).await?.rows_affected() {
        0 => Err(CatalogError::ReferenceNotFound),
        _ => Ok(()),
    }
}

/// Those of a source that are not over as far as is written down, oldest first.
async fn open(transaction: &mut AnyConnection, source: SourceId) -> Result<Vec<StoredCommand>, CatalogError> {
    Ok(query_as(OPEN).bind(source.0).fetch_all(transaction).await?)
}

/// Cancels what is open of a source. The source must be held.
pub(super) async fn cancel_open(
    transaction: &mut AnyConnection,
    source: SourceId,
    now: Timestamp,
) -> Result<(), CatalogError> {
    for mut command in open(&mut *transaction, source).await? {
        command.write_step(CommandStep::Cancel, now, &mut *transaction).await?;
    }
    Ok(())
}

impl StoredCommand {
    /// What is read is true at `now`, whether or not somebody has written down what time did.
    fn now(&self, now: Timestamp) -> Self {
        let mut command = self.clone();
        command.life.pass(now);
        command
    }

    /// The source must be held.
    async fn write_step(
        &mut self,
        step: CommandStep,
        now: Timestamp,
        transaction: &mut AnyConnection,
    ) -> Result<bool, CatalogError> {
        let before = self.life.clone();
        let possible = self.life.step(step, now);
        if self.life != before {
            if self.life.state.is_over() {
                self.forget_password();
            }
            let life = &self.life;
            let (state, until, failure) = state_columns(life.state);
            let write = query(WRITE)
                .bind(self.id.0)
                .bind(state)
                .bind(failure)
                .bind(i64::from(life.attempts))
                .bind(until.map(Timestamp::millis))
                .bind(life.sent.map(Timestamp::millis))
                .bind(life.over.map(Timestamp::millis))
                .bind(life.reply.as_deref())
                .bind(json(&self.command)?);
            write.execute(&mut *transaction).await?;
            if let (Command::Immobilize(on), CommandState::Acknowledged) = (&self.command, life.state) {
                let confirmed = query(SET_IMMOBILIZED).bind(self.source.0).bind(i64::from(*on));
                confirmed.execute(&mut *transaction).await?;
            }
            if self.life.state != before.state {
                event::command_stepped(transaction, self).await?;
            }
        }
        Ok(possible)
    }

    /// A lock's password is kept for its command alone, also where the reply repeats it. Of a reply that comes late nobody
    /// knows any more what to look for, so nothing of it is kept.
    fn forget_password(&mut self) {
        let Command::Lock { password, .. } = &mut self.command else { return };
        let password = std::mem::take(password);
        if let Some(reply) = &mut self.life.reply {
            *reply = if password.is_empty() { HIDDEN.to_owned() } else { reply.replace(&password, HIDDEN) };
        }
    }
}

/// Stands for what is not kept.
const HIDDEN: &str = "***";

const RELIABILITIES: [(&str, Reliability); 2] =
    [("once", Reliability::Once), ("repeated", Reliability::Repeated)];

const FAILURES: [(&str, CommandFailure); 4] = [
    ("refused", CommandFailure::Refused),
    ("no_reply", CommandFailure::NoReply),
    ("unsupported", CommandFailure::Unsupported),
    ("unfit", CommandFailure::Unfit),
];

fn reliability_word(reliability: Reliability) -> &'static str {
    match reliability {
        Reliability::Once => "once",
        Reliability::Repeated => "repeated",
    }
}

/// `state`, `until_time` and `failure`.
fn state_columns(state: CommandState) -> (&'static str, Option<Timestamp>, Option<&'static str>) {
    match state {
        CommandState::Queued => ("queued", None, None),
        CommandState::Taken { until } => ("taken", Some(until), None),
        CommandState::Sent { until } => ("sent", Some(until), None),
        CommandState::Acknowledged => ("acknowledged", None, None),
        CommandState::Failed(failure) => {
            let word = FAILURES.iter().find_map(|(word, of)| (*of == failure).then_some(*word));
            ("failed", None, word)
        }
        CommandState::Expired => ("expired", None, None),
        CommandState::Cancelled => ("cancelled", None, None),
    }
}

/// What stands beside `word` in `table`.
fn named<T: Copy>(table: &[(&str, T)], value: String, expected: &'static str) -> sqlx::Result<T> {
    let found = table.iter().find_map(|(word, named)| (*word == value).then_some(*named));
    found.ok_or_else(|| sqlx::Error::Decode(Unreadable { value, expected }.into()))
}

fn state(row: &AnyRow) -> sqlx::Result<CommandState> {
    let state = row.text("state")?;
    Ok(match &*state {
        "queued" => CommandState::Queued,
        "taken" => CommandState::Taken { until: row.time("until_time")? },
        "sent" => CommandState::Sent { until: row.time("until_time")? },
        "acknowledged" => CommandState::Acknowledged,
        "failed" => CommandState::Failed(named(&FAILURES, row.text("failure")?, "reason of a failure")?),
        "expired" => CommandState::Expired,
        "cancelled" => CommandState::Cancelled,
        _ => return named(&[], state, "state of a command"),
    })
}

impl FromRow<'_, AnyRow> for StoredCommand {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let attempts =
            u32::try_from(row.int("attempts")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self {
            id: CommandId(row.int("id")?),
            source: SourceId(row.int("source_id")?),
            tracker: row.maybe_int("tracker_id")?.map(TrackerId),
            user: row.maybe_int("user_id")?.map(UserId),
            command: row.json("command")?,
            asked: row.time("asked")?,
            life: CommandLife {
                state: state(row)?,
                reliability: named(&RELIABILITIES, row.text("reliability")?, "reliability of a command")?,
                attempts,
                expires: row.time("expires")?,
                sent: row.maybe_time("sent")?,
                over: row.maybe_time("over")?,
                reply: row.maybe_text("reply")?,
            },
        })
    }
}
