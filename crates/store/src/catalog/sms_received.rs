//! Short messages that came in. Each is kept, and waits until somebody has read it: what it turned out to be is written down
//! beside it, so that it is read once also when the process ends in between. Parts of a long one wait for each other.

use super::{
    Catalog, CatalogError, NewEvent,
    columns::{Columns, words},
    event::happen,
    sms::answer_place,
    statements::statements,
};
use domain::{DeviceId, ReceivedSmsId, SourceId, Timestamp};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};
use std::{fmt, time::Duration};

/// Parts that wait for others; when there are more, the oldest message is taken without what is missing.
const PARTS: i64 = 2000;
/// So long a part waits for the others of its message.
const PARTS_WAIT: Duration = Duration::from_secs(600);
/// Stands where a part is missing.
const MISSING: &str = "…";

words! {
    /// What a message turned out to be: it told where its device is, or something else.
    SmsReading ("reading of a short message") {
        Waiting = "waiting",
        Position = "position",
        Text = "text",
    }
}

/// A message that came in.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedSms {
    pub id: ReceivedSmsId,
    pub source: Option<SourceId>,
    pub phone: String,
    pub text: String,
    pub received: Timestamp,
    pub reading: SmsReading,
}

/// A message of a device that nobody has read yet.
#[derive(Clone, PartialEq, Eq)]
pub struct UnreadSms {
    pub id: ReceivedSmsId,
    pub source: SourceId,
    pub model: String,
    pub device_id: Option<DeviceId>,
    /// Nothing is taken from the device.
    pub blocked: bool,
    /// Nothing older is taken from the device.
    pub accepts_from: Timestamp,
    pub text: String,
    pub received: Timestamp,
}

/// A part of a long message.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsPart {
    pub phone: String,
    /// Tells the parts of one message from those of another of the phone.
    pub reference: u16,
    pub total: u8,
    /// From 1 on.
    pub number: u8,
    pub text: String,
}

statements! {
    SOURCE_OF_PHONE = "SELECT id FROM sources WHERE phone = $1";
    RECEIVE = "INSERT INTO sms_received (source_id, phone, text, received, reading) VALUES ($1, $2, $3, $4, $5)";
    RECEIVED = "SELECT id, source_id, phone, text, received, reading FROM sms_received ORDER BY id DESC LIMIT $1";
    RECEIVED_OF_SOURCE = "SELECT id, source_id, phone, text, received, reading FROM sms_received \
        WHERE source_id = $1 ORDER BY id DESC LIMIT $2";
    UNREAD = "SELECT sms_received.id, source_id, model, device_id, blocked, accepts_from, text, received FROM sms_received \
        JOIN sources ON sources.id = source_id WHERE reading = 'waiting' ORDER BY sms_received.id LIMIT $1";
    NOTE_READING = "UPDATE sms_received SET reading = $2 WHERE id = $1 AND reading = 'waiting'";
    PURGE = "DELETE FROM sms_received WHERE received < $1";
    COUNT_PARTS = "SELECT COUNT(*) AS parts FROM sms_parts";
    OLDEST_PART = "SELECT phone, reference, total, number, text, received FROM sms_parts ORDER BY received LIMIT 1";
    ADD_PART = "INSERT INTO sms_parts (phone, reference, total, number, text, received) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (phone, reference, total, number) DO NOTHING";
    PARTS_OF_MESSAGE = "SELECT phone, reference, total, number, text, received FROM sms_parts \
        WHERE phone = $1 AND reference = $2 AND total = $3 ORDER BY number";
    DELETE_PARTS = "DELETE FROM sms_parts WHERE phone = $1 AND reference = $2 AND total = $3";
}

impl Catalog {
    /// Keeps a message that came in; answers whose phone it came from.
    pub async fn receive_sms(
        &self,
        phone: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<SourceId>, CatalogError> {
        let mut transaction = self.write().await?;
        let source = receive(&mut transaction, phone, text, now).await?;
        transaction.commit().await?;
        Ok(source)
    }

    /// Keeps a part of a message; `true` when the message is whole with it.
    pub async fn receive_sms_part(&self, part: &SmsPart, now: Timestamp) -> Result<bool, CatalogError> {
        let mut transaction = self.write().await?;
        if query(COUNT_PARTS).fetch_one(&mut *transaction).await?.int("parts")? >= PARTS {
            take_oldest(&mut transaction, None, now).await?;
        }
        let add = query(ADD_PART)
            .bind(&part.phone)
            .bind(i64::from(part.reference))
            .bind(i64::from(part.total))
            .bind(i64::from(part.number))
            .bind(&part.text)
            .bind(now.millis());
        add.execute(&mut *transaction).await?;
        let parts = parts_of(&mut transaction, part).await?;
        let whole = parts.len() == usize::from(part.total);
        if whole {
            join(&mut transaction, part, &parts, now).await?;
        }
        transaction.commit().await?;
        Ok(whole)
    }

    /// Takes the messages whose missing parts have been waited for long enough as they are; answers how many.
    pub async fn receive_incomplete_sms(&self, now: Timestamp) -> Result<usize, CatalogError> {
        let mut taken = 0;
        loop {
            let mut transaction = self.write().await?;
            if !take_oldest(&mut transaction, Some(now.minus(PARTS_WAIT)), now).await? {
                return Ok(taken);
            }
            transaction.commit().await?;
            taken += 1;
        }
    }

    /// What came in last, newest first.
    pub async fn received_sms(&self, limit: u32) -> Result<Vec<ReceivedSms>, CatalogError> {
        Ok(query_as(RECEIVED).bind(i64::from(limit)).fetch_all(self.reader()).await?)
    }

    /// What the device of a source wrote last, newest first.
    pub async fn sms_from_source(
        &self,
        source: SourceId,
        limit: u32,
    ) -> Result<Vec<ReceivedSms>, CatalogError> {
        let received = query_as(RECEIVED_OF_SOURCE).bind(source.0).bind(i64::from(limit));
        Ok(received.fetch_all(self.reader()).await?)
    }

    /// The messages of devices that nobody has read, oldest first.
    pub async fn unread_sms(&self, limit: u32) -> Result<Vec<UnreadSms>, CatalogError> {
        Ok(query_as(UNREAD).bind(i64::from(limit)).fetch_all(self.reader()).await?)
    }

    /// Notes what a message turned out to be: it told a place, or was a text. The first place since a message went out
    /// that asked for one, within its life, is its answer: then `told` happens to the source, and `true` comes back, after
    /// which the caller publishes `Signal::EventHappened`.
    pub async fn note_sms_reading(
        &self,
        sms: &UnreadSms,
        told: Option<&NewEvent>,
    ) -> Result<bool, CatalogError> {
        let reading = if told.is_some() { SmsReading::Position } else { SmsReading::Text };
        let mut transaction = self.write().await?;
        let note = query(NOTE_READING).bind(sms.id.0).bind(reading.as_str());
        let is_new = note.execute(&mut *transaction).await?.rows_affected() > 0;
        let mut has_happened = false;
        if let Some(event) = told.filter(|_| is_new)
            && answer_place(&mut transaction, sms.source, sms.received).await?
        {
            has_happened = happen(&mut transaction, event).await?;
        }
        transaction.commit().await?;
        Ok(has_happened)
    }

    /// Forgets what came in before.
    pub async fn purge_received_sms(&self, before: Timestamp) -> Result<(), CatalogError> {
        query(PURGE).bind(before.millis()).execute(self.writer()).await?;
        Ok(())
    }
}

async fn receive(
    transaction: &mut AnyConnection,
    phone: &str,
    text: &str,
    now: Timestamp,
) -> Result<Option<SourceId>, CatalogError> {
    let found = query(SOURCE_OF_PHONE).bind(phone).fetch_optional(&mut *transaction).await?;
    let source = found.map(|row| row.int("id")).transpose()?;
    let reading = if source.is_some() { SmsReading::Waiting } else { SmsReading::Text };
    let receive = query(RECEIVE).bind(source).bind(phone).bind(text).bind(now.millis());
    receive.bind(reading.as_str()).execute(transaction).await?;
    Ok(source.map(SourceId))
}

async fn parts_of(transaction: &mut AnyConnection, part: &SmsPart) -> Result<Vec<SmsPart>, CatalogError> {
    let parts: Vec<StoredPart> = query_as(PARTS_OF_MESSAGE)
        .bind(&part.phone)
        .bind(i64::from(part.reference))
        .bind(i64::from(part.total))
        .fetch_all(transaction)
        .await?;
    Ok(parts.into_iter().map(|stored| stored.part).collect())
}

/// Takes the message of the oldest part, when there is one, and it came before `before`; `false` when not.
async fn take_oldest(
    transaction: &mut AnyConnection,
    before: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let oldest: Option<StoredPart> = query_as(OLDEST_PART).fetch_optional(&mut *transaction).await?;
    let due = oldest.filter(|oldest| before.is_none_or(|before| oldest.received < before));
    let Some(StoredPart { part, .. }) = due else { return Ok(false) };
    let parts = parts_of(transaction, &part).await?;
    join(transaction, &part, &parts, now).await?;
    Ok(true)
}

/// Makes one message of the parts there are, which are in their order.
async fn join(
    transaction: &mut AnyConnection,
    message: &SmsPart,
    parts: &[SmsPart],
    now: Timestamp,
) -> Result<(), CatalogError> {
    let mut text = String::new();
    let mut next = 1;
    for part in parts {
        if part.number > next {
            text += MISSING;
        }
        text += &part.text;
        next = part.number.saturating_add(1);
    }
    if next <= message.total && parts.len() < usize::from(message.total) {
        text += MISSING;
    }
    receive(transaction, &message.phone, &text, now).await?;
    let delete = query(DELETE_PARTS).bind(&message.phone).bind(i64::from(message.reference));
    delete.bind(i64::from(message.total)).execute(transaction).await?;
    Ok(())
}

struct StoredPart {
    part: SmsPart,
    received: Timestamp,
}

impl FromRow<'_, AnyRow> for StoredPart {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        fn small<T: TryFrom<i64, Error: std::error::Error + Send + Sync + 'static>>(
            row: &AnyRow,
            column: &str,
        ) -> sqlx::Result<T> {
            T::try_from(row.int(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
        }
        let part = SmsPart {
            phone: row.text("phone")?,
            reference: small(row, "reference")?,
            total: small(row, "total")?,
            number: small(row, "number")?,
            text: row.text("text")?,
        };
        Ok(Self { part, received: row.time("received")? })
    }
}

impl FromRow<'_, AnyRow> for ReceivedSms {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: ReceivedSmsId(row.int("id")?),
            source: row.maybe_int("source_id")?.map(SourceId),
            phone: row.text("phone")?,
            text: row.text("text")?,
            received: row.time("received")?,
            reading: row.word("reading")?,
        })
    }
}

impl FromRow<'_, AnyRow> for UnreadSms {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: ReceivedSmsId(row.int("id")?),
            source: SourceId(row.int("source_id")?),
            model: row.text("model")?,
            device_id: row.maybe_device_id("device_id")?,
            blocked: row.flag("blocked")?,
            accepts_from: row.time("accepts_from")?,
            text: row.text("text")?,
            received: row.time("received")?,
        })
    }
}

impl fmt::Debug for ReceivedSms {
    /// Without phone and text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, source, reading, .. } = self;
        write!(f, "ReceivedSms({id:?}, {source:?}, {reading:?})")
    }
}

impl fmt::Debug for UnreadSms {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnreadSms({:?}, {:?}, {})", self.id, self.source, self.model)
    }
}

impl fmt::Debug for SmsPart {
    /// Without phone and text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmsPart({} of {} of {})", self.number, self.total, self.reference)
    }
}
