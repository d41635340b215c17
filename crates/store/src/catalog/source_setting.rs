//! Settings of sources, by kind. What one says is a JSON object, which only `fleet` understands.

use super::{
    AccessPoint, Catalog, CatalogError,
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
    /// What the new one was given already stays.
    MOVE = "UPDATE source_settings SET source_id = $2 WHERE source_id = $1 \
        AND kind NOT IN (SELECT kind FROM source_settings WHERE source_id = $2)";
    OF_KIND = "SELECT source_id, kind, value FROM source_settings WHERE kind = $1 ORDER BY source_id";
}

/// The kind under which the access point of its SIM stands.
const ACCESS_POINT: &str = "access_point";

impl Catalog {
    /// The access point of the SIM of a source, when somebody named it.
    pub async fn access_point(&self, source: SourceId) -> Result<Option<AccessPoint>, CatalogError> {
        let settings = self.settings_of_source(source).await?;
        let known = settings.into_iter().find(|setting| setting.kind == ACCESS_POINT);
        let text = |value: &Map<String, Value>, key: &str| {
            value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(known.map(|SourceSetting { value, .. }| AccessPoint {
            name: text(&value, "name"),
            user: text(&value, "user"),
        }))
    }

    /// # Errors
    /// `ReferenceNotFound` for an unknown source.
    pub async fn set_access_point(
        &self,
        source: SourceId,
        access_point: &AccessPoint,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        set_access_point(&mut transaction, source, access_point).await?;
        Ok(transaction.commit().await?)
    }

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

/// For the transaction in which a source gets another SIM, or the first.
pub(super) async fn set_access_point(
    connection: &mut AnyConnection,
    source: SourceId,
    AccessPoint { name, user }: &AccessPoint,
) -> Result<(), CatalogError> {
    let value = Map::from_iter(
        [("name", name), ("user", user)].map(|(key, text)| (key.to_owned(), text.as_str().into())),
    );
    query(SET).bind(source.0).bind(ACCESS_POINT).bind(json(&value)?).execute(connection).await?;
    Ok(())
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
