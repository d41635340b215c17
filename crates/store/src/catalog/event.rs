//! What happened to trackers, and which user has read of it. A user sees the events of the trackers that it sees, unless
//! they are blocked; those of a tracker that is gone or has moved to another account show no more.
//!
//! What becomes of a command is written down here by `command`, in the transaction that writes down its end. To tell of
//! something else: `Catalog::record_event`, and then publish `Signal::EventHappened` of its source.

use super::{
    Catalog, CatalogError, Direction, StoredCommand, columns::Columns, statements::Statement,
    statements::statements,
};
use domain::{
    CommandId, Coordinates, EventId, EventKind, SourceId, TariffId, Timestamp, TrackerId, UserId,
    command_event,
};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};
use std::ops::Range;

/// Something happened to a source: it is told to every tracker that stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub source: SourceId,
    pub kind: EventKind,
    pub time: Timestamp,
    pub message: String,
    /// What names it: told again under the same name, it happens once.
    pub cause: String,
    /// Where it happened, when that is not where the source then was.
    pub place: Option<EventPlace>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventPlace {
    pub coordinates: Coordinates,
    /// In metres.
    pub precision: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    pub id: EventId,
    pub tracker: TrackerId,
    pub source: SourceId,
    /// The name of its type.
    pub kind: String,
    pub time: Timestamp,
    pub message: String,
    /// The command of which it tells.
    pub command: Option<CommandId>,
    pub place: Option<EventPlace>,
    pub read: bool,
}

/// Which events of a user are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter {
    pub span: Range<Timestamp>,
    /// Names of types; `None`: all.
    pub kinds: Option<Vec<String>>,
    pub read: ReadOrNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOrNot {
    Both,
    Unread,
}

/// Whose events are looked for, and since when those of each are shown.
#[derive(Clone, Copy, Debug)]
pub enum EventsOf<'a> {
    /// Of all trackers that the user sees, by the plans that they are on.
    Plans(&'a [(TariffId, Timestamp)]),
    Trackers(&'a [(TrackerId, Timestamp)]),
}

/// How many events pass a filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCount {
    pub total: u64,
    pub unread: u64,
}

macro_rules! happened {
    ($whom:literal) => {
        concat!(
            "INSERT INTO events (account_id, tracker_id, source_id, kind, time, message, command_id, cause, lat, \
             lng, precision) SELECT account_id, id, CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT), \
             CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS TEXT), CAST($7 AS BIGINT), CAST($8 AS BIGINT), \
             CAST($9 AS BIGINT) FROM trackers WHERE deleted = 0 AND ",
            $whom,
            " ORDER BY id ON CONFLICT (tracker_id, cause) DO NOTHING"
        )
    };
}

macro_rules! is_read {
    () => {
        "(events.id <= users.events_read OR event_reads.event_id IS NOT NULL)"
    };
}

/// The events that the user $1 sees. `$account` is `events.account_id`, or `+events.account_id` when they are to be found
/// by another index.
macro_rules! seen {
    ($account:literal) => {
        concat!(
            " FROM users JOIN events ON ",
            $account,
            " = users.account_id \
             JOIN trackers ON trackers.id = events.tracker_id AND trackers.account_id = ",
            $account,
            " AND trackers.deleted = 0 \
             JOIN sources ON sources.id = trackers.source_id AND sources.blocked = 0 \
             LEFT JOIN event_reads ON event_reads.user_id = users.id AND event_reads.event_id = events.id \
             WHERE users.id = $1 AND (users.master = 1 OR EXISTS (SELECT 1 FROM subuser_trackers bound \
             WHERE bound.user_id = users.id AND bound.tracker_id = events.tracker_id))"
        )
    };
}

macro_rules! select {
    ($account:literal, $which:expr) => {
        concat!(
            "SELECT events.id AS id, events.tracker_id AS tracker_id, events.source_id AS source_id, \
             events.kind AS kind, events.time AS time, events.message AS message, \
             events.command_id AS command_id, events.lat AS lat, events.lng AS lng, \
             events.precision AS precision, CAST(CASE WHEN ",
            is_read!(),
            " THEN 1 ELSE 0 END AS BIGINT) AS is_read",
            seen!($account),
            $which
        )
    };
}

macro_rules! count {
    ($account:literal, $which:expr) => {
        concat!(
            "SELECT COUNT(*) AS total, COUNT(CASE WHEN NOT ",
            is_read!(),
            " THEN 1 END) AS unread",
            seen!($account),
            $which
        )
    };
}

macro_rules! pass {
    () => {
        concat!(
            " AND events.time >= $2 AND events.time < $3 AND ($4 = '' OR $4 LIKE '%,' || events.kind || ',%') \
             AND (CAST($5 AS BIGINT) = 0 OR NOT ",
            is_read!(),
            ")"
        )
    };
}

macro_rules! pass_of_plan {
    () => {
        concat!(pass!(), " AND sources.tariff_id = $6")
    };
}

macro_rules! pass_of_tracker {
    () => {
        concat!(pass!(), " AND events.tracker_id = $6")
    };
}

statements! {
    HAPPENED_TO_SOURCE = happened!("source_id = $1");
    HAPPENED_TO_TRACKER = happened!("id = $10");
    OF_PLAN_OLDEST_FIRST =
        select!("events.account_id", concat!(pass_of_plan!(), " ORDER BY events.time, events.id LIMIT $7"));
    OF_PLAN_NEWEST_FIRST =
        select!("events.account_id", concat!(pass_of_plan!(), " ORDER BY events.time DESC, events.id DESC LIMIT $7"));
    OF_TRACKER_OLDEST_FIRST =
        select!("+events.account_id", concat!(pass_of_tracker!(), " ORDER BY events.time, events.id LIMIT $7"));
    OF_TRACKER_NEWEST_FIRST =
        select!("+events.account_id", concat!(pass_of_tracker!(), " ORDER BY events.time DESC, events.id DESC LIMIT $7"));
    COUNT_OF_PLAN = count!("events.account_id", pass_of_plan!());
    COUNT_OF_TRACKER = count!("+events.account_id", pass_of_tracker!());
    READ = select!("events.account_id", " AND events.id = $2");
    AFTER = select!("events.account_id", " AND events.id > $2 ORDER BY events.id LIMIT $3");
    NEWEST = "SELECT MAX(id) AS newest FROM events";
    MARK_READ = "INSERT INTO event_reads (user_id, event_id) VALUES ($1, $2) \
        ON CONFLICT (user_id, event_id) DO NOTHING";
    MARK_ALL_READ = "UPDATE users SET events_read = (SELECT MAX(id) FROM events) \
        WHERE id = $1 AND events_read < (SELECT MAX(id) FROM events)";
    FORGET_MARKS = "DELETE FROM event_reads WHERE user_id = $1";
    DELETE_OLD = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE time < $1 ORDER BY time LIMIT $2)";
}

impl Catalog {
    /// Tells what happened to a source to every tracker that stands there, once for each cause. The caller then publishes
    /// `Signal::EventHappened`. `false`: it was told before, or nobody is there to be told.
    pub async fn record_event(&self, new: &NewEvent) -> Result<bool, CatalogError> {
        let mut transaction = self.write().await?;
        let has_happened = happen(&mut transaction, new).await?;
        transaction.commit().await?;
        Ok(has_happened)
    }

    /// The first events that pass the filter, and how many do in all.
    pub async fn events(
        &self,
        user: UserId,
        of: EventsOf<'_>,
        filter: &EventFilter,
        direction: Direction,
        limit: u32,
    ) -> Result<(Vec<StoredEvent>, EventCount), CatalogError> {
        let statement = match (of, direction) {
            (EventsOf::Plans(_), Direction::Ascending) => OF_PLAN_OLDEST_FIRST,
            (EventsOf::Plans(_), Direction::Descending) => OF_PLAN_NEWEST_FIRST,
            (EventsOf::Trackers(_), Direction::Ascending) => OF_TRACKER_OLDEST_FIRST,
            (EventsOf::Trackers(_), Direction::Descending) => OF_TRACKER_NEWEST_FIRST,
        };
        let kinds = filter.kinds_column();
        let mut first = Vec::<StoredEvent>::new();
        let mut snapshot = self.snapshot().await?;
        for (id, since) in of.parts() {
            let [from, to, unread] = filter.columns(since);
            let events = query_as(statement).bind(user.0).bind(from).bind(to).bind(&kinds).bind(unread);
            let events = events.bind(id).bind(i64::from(limit));
            first.extend(events.fetch_all(&mut *snapshot).await?);
            first.sort_by_key(|event| (event.time, event.id));
            if direction == Direction::Descending {
                first.reverse();
            }
            first.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let count = count(&mut snapshot, user, of, filter).await?;
        snapshot.rollback().await?;
        Ok((first, count))
    }

    /// How many events of the user pass the filter.
    pub async fn count_events(
        &self,
        user: UserId,
        of: EventsOf<'_>,
        filter: &EventFilter,
    ) -> Result<EventCount, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let count = count(&mut snapshot, user, of, filter).await?;
        snapshot.rollback().await?;
        Ok(count)
    }

    /// `None` also for one that the user does not see.
    pub async fn event(&self, user: UserId, id: EventId) -> Result<Option<StoredEvent>, CatalogError> {
        Ok(query_as(READ).bind(user.0).bind(id.0).fetch_optional(self.reader()).await?)
    }

    /// # Errors
    /// `NotFound` for one that the user does not see, or has read.
    pub async fn mark_event_read(&self, user: UserId, id: EventId) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let event: StoredEvent = query_as(READ).bind(user.0).bind(id.0).fetch_one(&mut *transaction).await?;
        let mark = query(MARK_READ).bind(user.0).bind(id.0).execute(&mut *transaction).await?;
        if event.read || mark.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        Ok(transaction.commit().await?)
    }

    /// From now on the user has read everything that has happened.
    pub async fn mark_all_events_read(&self, user: UserId) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        query(MARK_ALL_READ).bind(user.0).execute(&mut *transaction).await?;
        query(FORGET_MARKS).bind(user.0).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Events that the user sees, with higher numbers than `id`, by number. On PostgreSQL one with a lower number may
    /// come after one with a higher.
    pub async fn events_after(
        &self,
        user: UserId,
        id: EventId,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, CatalogError> {
        let events = query_as(AFTER).bind(user.0).bind(id.0).bind(i64::from(limit));
        Ok(events.fetch_all(self.reader()).await?)
    }

    /// The highest number of an event; 0 before the first one.
    pub async fn newest_event(&self) -> Result<EventId, CatalogError> {
        let row = query(NEWEST).fetch_one(self.reader()).await?;
        Ok(EventId(row.maybe_int("newest")?.unwrap_or(0)))
    }

    /// Deletes what happened before `keep_from`, as much of it as commands are swept at once. Answers with how many.
    pub async fn delete_old_events(&self, keep_from: Timestamp) -> Result<usize, CatalogError> {
        let limit = i64::try_from(Self::COMMANDS_SWEPT_AT_ONCE).unwrap_or(i64::MAX);
        let deleted = query(DELETE_OLD).bind(keep_from.millis()).bind(limit).execute(self.writer()).await?;
        Ok(usize::try_from(deleted.rows_affected()).unwrap_or(usize::MAX))
    }
}

/// As `Catalog::record_event`.
pub(super) async fn happen(
    transaction: &mut AnyConnection,
    NewEvent { source, kind, time, message, cause, place }: &NewEvent,
) -> Result<bool, CatalogError> {
    let event = happened(HAPPENED_TO_SOURCE, *source, *kind, *time, message, None, Some(cause));
    let [lat, lng, precision] = columns_of(*place);
    let written = event.bind(lat).bind(lng).bind(precision).execute(transaction).await?;
    Ok(written.rows_affected() > 0)
}

/// Writes down what became of a command, when it has come to its end, for the tracker through which it was asked for.
pub(super) async fn command_stepped(
    transaction: &mut AnyConnection,
    command: &StoredCommand,
) -> Result<(), CatalogError> {
    let Some((tracker, time)) = command.tracker.zip(command.life.over) else { return Ok(()) };
    let Some((kind, message)) = command_event(&command.command, &command.life) else { return Ok(()) };
    let event = happened(HAPPENED_TO_TRACKER, command.source, kind, time, &message, Some(command.id), None);
    let [lat, lng, precision] = columns_of(None);
    event.bind(lat).bind(lng).bind(precision).bind(tracker.0).execute(transaction).await?;
    Ok(())
}

async fn count(
    snapshot: &mut AnyConnection,
    user: UserId,
    of: EventsOf<'_>,
    filter: &EventFilter,
) -> Result<EventCount, CatalogError> {
    let statement = match of {
        EventsOf::Plans(_) => COUNT_OF_PLAN,
        EventsOf::Trackers(_) => COUNT_OF_TRACKER,
    };
    let kinds = filter.kinds_column();
    let mut sum = EventCount::default();
    for (id, since) in of.parts() {
        let [from, to, unread] = filter.columns(since);
        let count = query_as(statement).bind(user.0).bind(from).bind(to).bind(&kinds).bind(unread);
        let count: EventCount = count.bind(id).fetch_one(&mut *snapshot).await?;
        sum = EventCount { total: sum.total + count.total, unread: sum.unread + count.unread };
    }
    Ok(sum)
}

/// All but the place.
fn happened<'q>(
    statement: &'static str,
    source: SourceId,
    kind: EventKind,
    time: Timestamp,
    message: &'q str,
    command: Option<CommandId>,
    cause: Option<&'q str>,
) -> Statement<'q> {
    query(statement)
        .bind(source.0)
        .bind(kind.as_str())
        .bind(time.millis())
        .bind(message)
        .bind(command.map(|command| command.0))
        .bind(cause)
}

/// Ten-millionths of a degree, a centimetre.
const DEGREE: f64 = 1e7;

fn columns_of(place: Option<EventPlace>) -> [Option<i64>; 3] {
    // Degrees are bounded, so that the number fits.
    let degrees = |of: fn(Coordinates) -> f64| place.map(|it| (of(it.coordinates) * DEGREE).round() as i64);
    let precision = place.and_then(|place| place.precision).map(i64::from);
    [degrees(Coordinates::lat), degrees(Coordinates::lng), precision]
}

impl EventsOf<'_> {
    /// The number of each, and since when its events are shown.
    fn parts(self) -> Vec<(i64, Timestamp)> {
        match self {
            Self::Plans(plans) => plans.iter().map(|(id, since)| (id.0, *since)).collect(),
            Self::Trackers(trackers) => trackers.iter().map(|(id, since)| (id.0, *since)).collect(),
        }
    }
}

impl EventFilter {
    fn columns(&self, since: Timestamp) -> [i64; 3] {
        let unread = i64::from(self.read == ReadOrNot::Unread);
        [self.span.start.max(since).millis(), self.span.end.millis(), unread]
    }

    /// Between commas; all when it is empty.
    fn kinds_column(&self) -> String {
        self.kinds.as_ref().map_or_else(String::new, |kinds| format!(",{},", kinds.join(",")))
    }
}

impl FromRow<'_, AnyRow> for StoredEvent {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let degrees = |column| row.maybe_int(column).map(|it| it.map(|number| number as f64 / DEGREE));
        let coordinates =
            degrees("lat")?.zip(degrees("lng")?).and_then(|(lat, lng)| Coordinates::new(lat, lng));
        let precision = row.maybe_int("precision")?.and_then(|metres| u32::try_from(metres).ok());
        Ok(Self {
            id: EventId(row.int("id")?),
            tracker: TrackerId(row.int("tracker_id")?),
            source: SourceId(row.int("source_id")?),
            kind: row.text("kind")?,
            time: row.time("time")?,
            message: row.text("message")?,
            command: row.maybe_int("command_id")?.map(CommandId),
            place: coordinates.map(|coordinates| EventPlace { coordinates, precision }),
            read: row.flag("is_read")?,
        })
    }
}

impl FromRow<'_, AnyRow> for EventCount {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let number = |column| row.int(column).map(i64::unsigned_abs);
        Ok(Self { total: number("total")?, unread: number("unread")? })
    }
}
