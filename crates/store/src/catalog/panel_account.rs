//! Panel accounts: who runs the platform and logs in to the panel API.

use super::{
    Catalog, CatalogError,
    columns::Columns,
    statements::{returned_id, statements},
};
use domain::{PanelAccountId, Timestamp};
use sqlx::{FromRow, any::AnyRow, query, query_as, query_scalar};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelAccount {
    pub id: PanelAccountId,
    pub login: String,
    pub password_hash: String,
    pub created: Timestamp,
}

statements! {
    CREATE = "INSERT INTO panel_accounts (login, password_hash, created) VALUES ($1, $2, $3) RETURNING id";
    READ = "SELECT id, login, password_hash, created FROM panel_accounts WHERE id = $1";
    BY_LOGIN = "SELECT id, login, password_hash, created FROM panel_accounts WHERE login = $1";
    COUNT = "SELECT COUNT(*) AS count FROM panel_accounts";
    SET_PASSWORD = "UPDATE panel_accounts SET password_hash = $2 WHERE id = $1";
    END_SESSIONS = "DELETE FROM sessions WHERE panel_account_id = $1";
}

impl Catalog {
    /// # Errors
    /// `LoginTaken`.
    pub async fn create_panel_account(
        &self,
        login: &str,
        password_hash: &str,
        created: Timestamp,
    ) -> Result<PanelAccountId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(login).bind(password_hash).bind(created.millis());
        let id = PanelAccountId(returned_id(&mut transaction, create).await?);
        transaction.commit().await?;
        Ok(id)
    }

    pub async fn panel_account(&self, id: PanelAccountId) -> Result<Option<PanelAccount>, CatalogError> {
        Ok(query_as(READ).bind(id.0).fetch_optional(self.reader()).await?)
    }

    pub async fn panel_account_by_login(&self, login: &str) -> Result<Option<PanelAccount>, CatalogError> {
        Ok(query_as(BY_LOGIN).bind(login).fetch_optional(self.reader()).await?)
    }

    pub async fn count_panel_accounts(&self) -> Result<u64, CatalogError> {
        let count: i64 = query_scalar(COUNT).fetch_one(self.reader()).await?;
        Ok(count.unsigned_abs())
    }

    /// Changes the password and ends all sessions of the panel account, both or neither.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_panel_password(
        &self,
        id: PanelAccountId,
        password_hash: &str,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let changed = query(SET_PASSWORD).bind(id.0).bind(password_hash).execute(&mut *transaction).await?;
        if changed.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(END_SESSIONS).bind(id.0).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

impl FromRow<'_, AnyRow> for PanelAccount {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: PanelAccountId(row.int("id")?),
            login: row.text("login")?,
            password_hash: row.text("password_hash")?,
            created: row.time("created")?,
        })
    }
}
