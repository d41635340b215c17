//! Counters of sources, and the names of their outputs.

use super::{
    Catalog, CatalogError,
    columns::{Columns, Unreadable, json},
    statements::{returned_id, statements},
};
use domain::{Counter, CounterId, CounterRule, CounterType, ModelCode, SourceId};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};

statements! {
    SET = "INSERT INTO counters (source_id, counter_type, definition) VALUES ($1, $2, $3) \
        ON CONFLICT (source_id, counter_type) DO UPDATE SET definition = excluded.definition RETURNING id";
    OF_SOURCE = "SELECT id, counter_type, definition FROM counters WHERE source_id = $1 ORDER BY id";
    HAS_SENSOR = "SELECT id FROM sensors WHERE id = $1 AND source_id = $2";
    MOVE = "UPDATE counters SET source_id = $2 WHERE source_id = $1";
    MOVE_OUTPUT_TITLES = "UPDATE output_titles SET source_id = $2 WHERE source_id = $1";
    SET_OUTPUT_TITLE = "INSERT INTO output_titles (source_id, number, title) VALUES ($1, $2, $3) \
        ON CONFLICT (source_id, number) DO UPDATE SET title = excluded.title";
    OUTPUT_TITLES = "SELECT number, title FROM output_titles WHERE source_id = $1 ORDER BY number";
}

struct Stored(Counter);
struct OutputTitle(i64, String);

impl Catalog {
    /// In the order in which they were made.
    pub async fn counters_of(&self, source: SourceId) -> Result<Vec<Counter>, CatalogError> {
        let stored: Vec<Stored> = query_as(OF_SOURCE).bind(source.0).fetch_all(self.reader()).await?;
        Ok(stored.into_iter().map(|Stored(counter)| counter).collect())
    }

    /// Makes the counter when there is none of its type.
    ///
    /// # Errors
    /// `ReferenceNotFound` for an unknown source.
    pub async fn set_counter(
        &self,
        source: SourceId,
        counter_type: CounterType,
        rule: &CounterRule,
    ) -> Result<CounterId, CatalogError> {
        let mut transaction = self.write().await?;
        let id = set(&mut transaction, source, counter_type, rule).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Those that were named, by number.
    pub async fn output_titles(&self, source: SourceId) -> Result<Vec<(i64, String)>, CatalogError> {
        let stored: Vec<OutputTitle> =
            query_as(OUTPUT_TITLES).bind(source.0).fetch_all(self.reader()).await?;
        Ok(stored.into_iter().map(|OutputTitle(number, title)| (number, title)).collect())
    }

    /// # Errors
    /// `ReferenceNotFound` for an unknown source.
    pub async fn set_output_title(
        &self,
        source: SourceId,
        number: i64,
        title: &str,
    ) -> Result<(), CatalogError> {
        let set = query(SET_OUTPUT_TITLE).bind(source.0).bind(number).bind(title);
        set.execute(self.writer()).await?;
        Ok(())
    }
}

/// What a source of this device model begins with. For the transaction that makes the source.
pub(super) async fn create_defaults(
    connection: &mut AnyConnection,
    source: SourceId,
    model: &str,
) -> Result<(), CatalogError> {
    let Some(model) = ModelCode::find(model) else { return Ok(()) };
    set(&mut *connection, source, CounterType::Odometer, &CounterRule::default()).await?;
    if model.model().ignition_input().is_some() {
        set(&mut *connection, source, CounterType::EngineHours, &CounterRule::default()).await?;
    }
    Ok(())
}

/// Moves what stood for a replaced source to the new one. For the transaction that replaces the source.
pub(super) async fn take_over(
    connection: &mut AnyConnection,
    [old, new]: [SourceId; 2],
) -> Result<(), CatalogError> {
    for sql in [MOVE, MOVE_OUTPUT_TITLES] {
        query(sql).bind(old.0).bind(new.0).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Where the odometer counted by a sensor that the source has no more, it goes on by this rule. For the transaction in
/// which sensors go.
pub(super) async fn sensors_went(
    connection: &mut AnyConnection,
    source: SourceId,
    by_fixes: Option<&CounterRule>,
) -> Result<(), CatalogError> {
    let Some(by_fixes) = by_fixes else { return Ok(()) };
    let counters: Vec<Stored> = query_as(OF_SOURCE).bind(source.0).fetch_all(&mut *connection).await?;
    let mut counters = counters.into_iter().map(|Stored(counter)| counter);
    let odometer = counters.find(|counter| counter.counter_type == CounterType::Odometer);
    let Some(sensor) = odometer.and_then(|odometer| odometer.rule.sensor) else { return Ok(()) };
    let has = query(HAS_SENSOR).bind(sensor.0).bind(source.0).fetch_optional(&mut *connection).await?;
    if has.is_none() {
        set(connection, source, CounterType::Odometer, by_fixes).await?;
    }
    Ok(())
}

async fn set(
    connection: &mut AnyConnection,
    source: SourceId,
    counter_type: CounterType,
    rule: &CounterRule,
) -> Result<CounterId, CatalogError> {
    let set = query(SET).bind(source.0).bind(counter_type.as_str()).bind(json(rule)?);
    returned_id(connection, set).await.map(CounterId)
}

impl FromRow<'_, AnyRow> for Stored {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let word = row.text("counter_type")?;
        let counter_type = CounterType::find(&word).ok_or_else(|| {
            sqlx::Error::Decode(Unreadable { value: word, expected: "type of a counter" }.into())
        })?;
        Ok(Self(Counter { id: CounterId(row.int("id")?), counter_type, rule: row.json("definition")? }))
    }
}

impl FromRow<'_, AnyRow> for OutputTitle {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self(row.int("number")?, row.text("title")?))
    }
}
