//! What client applications keep for a user: texts by key.

use super::{Catalog, CatalogError, columns::Columns, statements::statements};
use domain::UserId;
use sqlx::query;

statements! {
    SET = "INSERT INTO ui_settings (user_id, name, value) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value";
    READ = "SELECT value FROM ui_settings WHERE user_id = $1 AND name = $2";
    OF_USER = "SELECT name, value FROM ui_settings WHERE user_id = $1 ORDER BY name";
}

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown user.
    pub async fn set_ui_setting(&self, user: UserId, key: &str, value: &str) -> Result<(), CatalogError> {
        query(SET).bind(user.0).bind(key).bind(value).execute(self.writer()).await?;
        Ok(())
    }

    /// `None` for a key that was never set.
    pub async fn ui_setting(&self, user: UserId, key: &str) -> Result<Option<String>, CatalogError> {
        let row = query(READ).bind(user.0).bind(key).fetch_optional(self.reader()).await?;
        Ok(row.map(|row| row.text("value")).transpose()?)
    }

    /// Keys and values.
    pub async fn ui_settings_of(&self, user: UserId) -> Result<Vec<(String, String)>, CatalogError> {
        let rows = query(OF_USER).bind(user.0).fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.text("value")?))).collect()
    }
}
