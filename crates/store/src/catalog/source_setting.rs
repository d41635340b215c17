//! Settings of sources, by kind. What one says is a JSON object, which only `fleet` understands.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::statements,
};
use domain::SourceId;
use serde_json::{Map, Value};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq)]
pub struct SourceSetting {
    pub source: SourceId,
    pub kind: String,
    pub value: Map<String, Value>,
}

statements! {
    SET = "INSERT INTO source_settings (source_id, kind, value) VALUES ($1, $2, $3) \
        ON CONFLICT (source_id, kind) DO UPDATE SET value = excluded.value";
    OF_SOURCE = "SELECT source_id, kind, value FROM source_settings WHERE source_id = $1 ORDER BY kind";
    MOVE = "UPDATE source_settings SET source_id = $2 WHERE source_id = $1";
    OF_KIND = "SELECT source_id, kind, value FROM source_settings WHERE kind = $1 ORDER BY source_id";
}

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown source.
    pub async fn set_source_setting(&self, setting: &SourceSetting) -> Result<(), CatalogError> {
        let SourceSetting { source, kind, value } = setting;
        let set = query(SET).bind(source.0).bind(kind).bind(json(value)?);
        set.execute(self.writer()).await?;
        Ok(())
    }

    /// Those that the source was given, by kind.
    pub async fn settings_of_source(&self, source: SourceId) -> Result<Vec<SourceSetting>, CatalogError> {
        Ok(query_as(OF_SOURCE).bind(source.0).fetch_all(self.reader()).await?)
    }

    /// Those of one kind, by ascending source.
    pub async fn source_settings_of_kind(&self, kind: &str) -> Result<Vec<SourceSetting>, CatalogError> {
        Ok(query_as(OF_KIND).bind(kind).fetch_all(self.reader()).await?)
    }
}

/// Moves what was set for a replaced source to the new one. For the transaction that replaces the source.
pub(super) async fn take_over(
    connection: &mut AnyConnection,
    [old, new]: [SourceId; 2],
) -> Result<(), CatalogError> {
    query(MOVE).bind(old.0).bind(new.0).execute(connection).await?;
    Ok(())
}

impl FromRow<'_, AnyRow> for SourceSetting {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            source: SourceId(row.int("source_id")?),
            kind: row.text("kind")?,
            value: row.json("value")?,
        })
    }
}
