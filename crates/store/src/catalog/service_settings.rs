//! What the panel says about the service: JSON values by name, which only `fleet` understands.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::statements,
};
use serde_json::{Map, Value};
use sqlx::query;

statements! {
    ALL = "SELECT name, value FROM service_settings ORDER BY name";
    SET = "INSERT INTO service_settings (name, value) VALUES ($1, $2) \
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

impl Catalog {
    /// What was said so far.
    pub async fn service_settings(&self) -> Result<Map<String, Value>, CatalogError> {
        let rows = query(ALL).fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.json("value")?))).collect()
    }

    /// All of them or none; others stay as they are.
    pub async fn set_service_settings(&self, settings: &Map<String, Value>) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for (name, value) in settings {
            query(SET).bind(name).bind(json(value)?).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}
