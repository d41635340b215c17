//! Short messages that go out: a durable outbox. Whoever sends takes a message for a while (`Catalog::take_sms`) and
//! notes what the gateway said; when it ends before that, the message is due again after that while.
//!
//! To send one: `Catalog::enqueue_sms`, and then publish `Signal::SmsWaits`.

use super::{
    Catalog, CatalogError, Unreadable,
    columns::Columns,
    source,
    statements::{returned_id, statements},
};
use domain::{SmsId, SourceId, Timestamp};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};
use std::{fmt, time::Duration};

/// Further messages to one phone are refused.
const QUEUED_PER_PHONE: i64 = 20;

#[derive(Clone, PartialEq, Eq)]
pub struct NewSms {
    pub source: Option<SourceId>,
    /// Digits, with the country's.
    pub phone: String,
    pub text: String,
    pub asked: Timestamp,
    /// From then on it is not sent.
    pub expires: Timestamp,
    pub awaited: Awaited,
}

/// What the device is to write back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    Nothing,
    /// Where it is.
    Place,
}

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsState {
    Queued,
    /// The gateway has it.
    Sent,
    Delivered,
    Failed,
    Expired,
}

#[derive(Clone, PartialEq, Eq)]
pub struct StoredSms {
    pub id: SmsId,
    pub source: Option<SourceId>,
    pub phone: String,
    /// Empty when the gateway has taken it, or it is over: it may tell a password.
    pub text: String,
    pub state: SmsState,
    /// How often the gateway was asked to take it.
    pub attempts: u32,
    pub asked: Timestamp,
    pub expires: Timestamp,
    /// When the gateway took it.
    pub sent: Option<Timestamp>,
    /// When it was over.
    pub over: Option<Timestamp>,
    /// The gateway's name for it.
    pub reference: Option<String>,
    /// Why it failed, or is not sent yet.
    pub reason: Option<String>,
}

/// What the gateway said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsStep {
    Sent {
        reference: Option<String>,
    },
    /// It is tried again from `due` on.
    Retry {
        due: Timestamp,
        reason: String,
    },
    /// As `Retry`, but that was no attempt.
    Postpone {
        due: Timestamp,
        reason: String,
    },
    Fail {
        reason: String,
    },
}

/// Which message a receipt is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsName {
    Id(SmsId),
    /// As the gateway called it.
    Reference(String),
}

macro_rules! columns {
    () => {
        "id, source_id, phone, text, state, attempts, asked, expires, sent, over, reference, reason"
    };
}

statements! {
    CREATE = "INSERT INTO sms_outbox (source_id, phone, text, state, attempts, asked, expires, due, awaits_place) \
        VALUES ($1, $2, $3, 'queued', 0, $4, $5, $4, $6) RETURNING id";
    COUNT_QUEUED = "SELECT COUNT(*) AS queued FROM sms_outbox WHERE phone = $1 AND state = 'queued' AND expires > $2";
    READ = concat!("SELECT ", columns!(), " FROM sms_outbox WHERE id = $1");
    OF_SOURCE = concat!("SELECT ", columns!(), " FROM sms_outbox WHERE source_id = $1 ORDER BY id DESC LIMIT $2");
    EXPIRE = "UPDATE sms_outbox SET state = 'expired', over = $1, due = NULL, text = '' \
        WHERE state = 'queued' AND expires <= $1";
    DUE = concat!("SELECT ", columns!(), " FROM sms_outbox WHERE state = 'queued' AND due <= $1 ORDER BY due, id LIMIT $2");
    TAKE = "UPDATE sms_outbox SET attempts = attempts + 1, due = $2 WHERE id = $1 AND state = 'queued'";
    NEXT = "SELECT MIN(due) AS due, MIN(expires) AS expires FROM sms_outbox WHERE state = 'queued'";
    /// Also what was cancelled while the gateway had it already.
    SENT = "UPDATE sms_outbox SET state = 'sent', sent = $2, reference = $3, due = NULL, over = NULL, text = '', \
        reason = NULL WHERE id = $1 AND (state = 'queued' OR state = 'failed' AND reason = 'cancelled')";
    RETRY = "UPDATE sms_outbox SET due = $2, reason = $3 WHERE id = $1 AND state = 'queued'";
    POSTPONE = "UPDATE sms_outbox SET due = $2, reason = $3, attempts = attempts - 1 WHERE id = $1 AND state = 'queued'";
    FAIL = "UPDATE sms_outbox SET state = 'failed', over = $2, reason = $3, due = NULL, text = '' \
        WHERE id = $1 AND state = 'queued'";
    FIND_REFERENCE = "SELECT id FROM sms_outbox WHERE reference = $1 AND state = 'sent' ORDER BY id DESC LIMIT 1";
    /// A receipt may come before the gateway's answer is noted.
    END = "UPDATE sms_outbox SET state = $2, over = $3, reason = $4, sent = COALESCE(sent, $3), due = NULL, text = '' \
        WHERE id = $1 AND (state = 'sent' OR state = 'queued' AND attempts > 0)";
    CANCEL = "UPDATE sms_outbox SET state = 'failed', over = $2, reason = 'cancelled', due = NULL, text = '' \
        WHERE source_id = $1 AND state = 'queued' AND expires > $2";
    CANCEL_TO_FORMER_PHONE = "UPDATE sms_outbox SET state = 'failed', over = $2, reason = 'cancelled', due = NULL, \
        text = '' WHERE source_id = $1 AND state = 'queued' AND expires > $2 \
        AND phone <> (SELECT sources.phone FROM sources WHERE sources.id = $1)";
    COUNT_OF_SOURCE = "SELECT COUNT(*) AS queued FROM sms_outbox \
        WHERE source_id = $1 AND state = 'queued' AND expires > $2";
    /// Its life is counted anew from when it was sent. What the gateway was given may have gone out before that is noted.
    ANSWER = "UPDATE sms_outbox SET awaits_place = 0 WHERE id = (SELECT MIN(id) FROM sms_outbox \
        WHERE source_id = $1 AND awaits_place = 1 AND asked <= $2 AND COALESCE(sent, asked) + (expires - asked) > $2 \
        AND (sent IS NOT NULL OR state = 'queued' AND attempts > 0))";
    PURGE_OUTBOX = "DELETE FROM sms_outbox WHERE asked < $1 AND state <> 'queued'";
}

impl Catalog {
    /// Queues messages, all or none; the caller then publishes `Signal::SmsWaits`.
    ///
    /// # Errors
    /// `TooManyCommands` when twenty wait for the phone; `ReferenceNotFound` for a source that is unknown, or not there any
    /// more: its phone may be another's.
    pub async fn enqueue_sms(&self, messages: &[NewSms]) -> Result<Vec<SmsId>, CatalogError> {
        let mut transaction = self.write().await?;
        let mut ids = Vec::new();
        for new in messages {
            if let Some(source) = new.source
                && !source::hold(&mut transaction, source).await?
            {
                return Err(CatalogError::ReferenceNotFound);
            }
            let count = query(COUNT_QUEUED).bind(&new.phone).bind(new.asked.millis());
            if count.fetch_one(&mut *transaction).await?.int("queued")? >= QUEUED_PER_PHONE {
                return Err(CatalogError::TooManyCommands);
            }
            let create = query(CREATE)
                .bind(new.source.map(|source| source.0))
                .bind(&new.phone)
                .bind(&new.text)
                .bind(new.asked.millis())
                .bind(new.expires.millis())
                .bind(i64::from(new.awaited == Awaited::Place));
            ids.push(SmsId(returned_id(&mut transaction, create).await?));
        }
        transaction.commit().await?;
        Ok(ids)
    }

    pub async fn sms(&self, id: SmsId) -> Result<Option<StoredSms>, CatalogError> {
        Ok(query_as(READ).bind(id.0).fetch_optional(self.reader()).await?)
    }

    /// The newest messages to a source, newest first.
    pub async fn sms_of_source(&self, source: SourceId, limit: u32) -> Result<Vec<StoredSms>, CatalogError> {
        Ok(query_as(OF_SOURCE).bind(source.0).bind(i64::from(limit)).fetch_all(self.reader()).await?)
    }

    /// The messages that are due, oldest first; they are the caller's until `now` and `lease`. What has expired is noted
    /// and never answered with.
    pub async fn take_sms(
        &self,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<StoredSms>, CatalogError> {
        let mut transaction = self.write().await?;
        query(EXPIRE).bind(now.millis()).execute(&mut *transaction).await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut due: Vec<StoredSms> =
            query_as(DUE).bind(now.millis()).bind(limit).fetch_all(&mut *transaction).await?;
        for sms in &mut due {
            let take = query(TAKE).bind(sms.id.0).bind(now.plus(lease).millis());
            take.execute(&mut *transaction).await?;
            sms.attempts += 1;
        }
        transaction.commit().await?;
        Ok(due)
    }

    /// When there is something to do next.
    pub async fn next_sms(&self) -> Result<Option<Timestamp>, CatalogError> {
        let row = query(NEXT).fetch_one(self.reader()).await?;
        Ok(row.maybe_time("due")?.into_iter().chain(row.maybe_time("expires")?).min())
    }

    /// Notes what the gateway said about a message; `false` when it does not wait any more.
    pub async fn step_sms(&self, id: SmsId, step: &SmsStep, now: Timestamp) -> Result<bool, CatalogError> {
        let statement = match step {
            SmsStep::Sent { reference } => {
                query(SENT).bind(id.0).bind(now.millis()).bind(reference.as_deref())
            }
            SmsStep::Retry { due, reason } => query(RETRY).bind(id.0).bind(due.millis()).bind(&**reason),
            SmsStep::Postpone { due, reason } => {
                query(POSTPONE).bind(id.0).bind(due.millis()).bind(&**reason)
            }
            SmsStep::Fail { reason } => query(FAIL).bind(id.0).bind(now.millis()).bind(&**reason),
        };
        Ok(statement.execute(self.writer()).await?.rows_affected() > 0)
    }

    /// Notes how the network ended a message that was sent; `false` when there is no such message.
    pub async fn end_sms(
        &self,
        name: &SmsName,
        state: SmsState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, CatalogError> {
        let mut transaction = self.write().await?;
        let id = match name {
            SmsName::Id(id) => Some(id.0),
            SmsName::Reference(reference) => {
                let found =
                    query(FIND_REFERENCE).bind(&**reference).fetch_optional(&mut *transaction).await?;
                found.map(|row| row.int("id")).transpose()?
            }
        };
        let Some(id) = id else { return Ok(false) };
        let end = query(END).bind(id).bind(state.as_str()).bind(now.millis()).bind(reason);
        let ended = end.execute(&mut *transaction).await?.rows_affected() > 0;
        transaction.commit().await?;
        Ok(ended)
    }

    /// How many messages to a source wait for the gateway.
    pub async fn queued_sms(&self, source: SourceId, now: Timestamp) -> Result<usize, CatalogError> {
        let count = query(COUNT_OF_SOURCE).bind(source.0).bind(now.millis());
        Ok(usize::try_from(count.fetch_one(self.reader()).await?.int("queued")?).unwrap_or(0))
    }

    /// Cancels the messages to a source that wait for the gateway. One that it is being given may go out nevertheless; then
    /// it is told as sent.
    pub async fn cancel_sms(&self, source: SourceId, now: Timestamp) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        cancel_queued(&mut transaction, source, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Forgets what was asked for before, but for what waits.
    pub async fn purge_sms(&self, before: Timestamp) -> Result<(), CatalogError> {
        query(PURGE_OUTBOX).bind(before.millis()).execute(self.writer()).await?;
        Ok(())
    }
}

/// Notes that a source has told its place; `false` when nothing that went out lately asked for it.
pub(super) async fn answer_place(
    transaction: &mut AnyConnection,
    source: SourceId,
    told: Timestamp,
) -> Result<bool, CatalogError> {
    let answered = query(ANSWER).bind(source.0).bind(told.millis()).execute(transaction).await?;
    Ok(answered.rows_affected() > 0)
}

/// Cancels what waits to be sent to a source.
pub(super) async fn cancel_queued(
    transaction: &mut AnyConnection,
    source: SourceId,
    now: Timestamp,
) -> Result<(), CatalogError> {
    query(CANCEL).bind(source.0).bind(now.millis()).execute(transaction).await?;
    Ok(())
}

/// Cancels what waits to be sent to a number that a source has no more.
pub(super) async fn cancel_to_former_phone(
    transaction: &mut AnyConnection,
    source: SourceId,
    now: Timestamp,
) -> Result<(), CatalogError> {
    query(CANCEL_TO_FORMER_PHONE).bind(source.0).bind(now.millis()).execute(transaction).await?;
    Ok(())
}

const STATES: [SmsState; 5] =
    [SmsState::Queued, SmsState::Sent, SmsState::Delivered, SmsState::Failed, SmsState::Expired];

impl SmsState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

impl TryFrom<String> for SmsState {
    type Error = Unreadable;

    fn try_from(value: String) -> Result<Self, Unreadable> {
        let found = STATES.into_iter().find(|state| state.as_str() == value);
        found.ok_or(Unreadable { value, expected: "state of a short message" })
    }
}

impl FromRow<'_, AnyRow> for StoredSms {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: SmsId(row.int("id")?),
            source: row.maybe_int("source_id")?.map(SourceId),
            phone: row.text("phone")?,
            text: row.text("text")?,
            state: row.word("state")?,
            attempts: u32::try_from(row.int("attempts")?)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            asked: row.time("asked")?,
            expires: row.time("expires")?,
            sent: row.maybe_time("sent")?,
            over: row.maybe_time("over")?,
            reference: row.maybe_text("reference")?,
            reason: row.maybe_text("reason")?,
        })
    }
}

impl fmt::Debug for NewSms {
    /// Without phone and text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSms").field("source", &self.source).finish_non_exhaustive()
    }
}

impl fmt::Debug for StoredSms {
    /// Without phone and text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, source, state, attempts, .. } = self;
        write!(f, "StoredSms({id:?}, {source:?}, {state:?}, {attempts} attempts)")
    }
}
