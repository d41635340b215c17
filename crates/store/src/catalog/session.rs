//! Sessions of the user API and of the panel. Only hashes of their tokens come here.

use super::{Catalog, CatalogError, columns::Columns, statements::statements};
use domain::{PanelAccountId, Timestamp, UserId};
use sqlx::{FromRow, any::AnyRow, query, query_as, query_scalar};

/// Whose session it is. Panel sessions open no user action and the reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionOwner {
    /// Master or sub-user: the user's role tells.
    User(UserId),
    Panel(PanelAccountId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub owner: SessionOwner,
    pub created: Timestamp,
    pub expires: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    pub owner: SessionOwner,
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// The password hash that the login was checked against; `None` when no password was asked for. When the
    /// password has changed since, or the user was deactivated, there will be no session.
    pub checked_against: Option<String>,
    pub created: Timestamp,
    pub expires: Timestamp,
}

statements! {
    /// Writes nothing new: it waits for a change of the user that is under way, and then sees the new password, and whether
    /// the user may still log in.
    CONFIRM_USER = "UPDATE users SET password_hash = password_hash \
        WHERE id = $1 AND password_hash = COALESCE($2, password_hash) AND ($2 IS NULL OR activated = 1)";
    CONFIRM_PANEL_ACCOUNT = "UPDATE panel_accounts SET password_hash = password_hash \
        WHERE id = $1 AND password_hash = COALESCE($2, password_hash)";
    CREATE = "INSERT INTO sessions (token_hash, user_id, panel_account_id, created, expires) \
        VALUES ($1, $2, $3, $4, $5)";
    FIND = "SELECT user_id, panel_account_id, created, expires FROM sessions WHERE token_hash = $1 AND expires > $2";
    EXTEND = "UPDATE sessions SET expires = $2 WHERE token_hash = $1";
    DELETE = "DELETE FROM sessions WHERE token_hash = $1";
    COUNT_OF_USER = "SELECT COUNT(*) AS count FROM sessions WHERE user_id = $1 AND expires > $2";
    PURGE = "DELETE FROM sessions WHERE token_hash IN \
        (SELECT token_hash FROM sessions WHERE expires <= $1 ORDER BY expires LIMIT $2)";
}

impl Catalog {
    /// # Errors
    /// `NotFound` when the owner is gone, its password is no longer the one that was checked, or whoever knows that may not
    /// log in any more.
    pub async fn create_session(&self, new: &NewSession) -> Result<(), CatalogError> {
        let (confirm, id, user, panel_account) = match new.owner {
            SessionOwner::User(UserId(id)) => (CONFIRM_USER, id, Some(id), None),
            SessionOwner::Panel(PanelAccountId(id)) => (CONFIRM_PANEL_ACCOUNT, id, None, Some(id)),
        };
        let mut transaction = self.write().await?;
        let confirmed = query(confirm).bind(id).bind(&new.checked_against).execute(&mut *transaction).await?;
        if confirmed.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(CREATE)
            .bind(&new.token_hash)
            .bind(user)
            .bind(panel_account)
            .bind(new.created.millis())
            .bind(new.expires.millis())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// `None` also when it has expired by `now`.
    pub async fn session(&self, token_hash: &str, now: Timestamp) -> Result<Option<Session>, CatalogError> {
        Ok(query_as(FIND).bind(token_hash).bind(now.millis()).fetch_optional(self.reader()).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn extend_session(&self, token_hash: &str, expires: Timestamp) -> Result<(), CatalogError> {
        self.change_one(query(EXTEND).bind(token_hash).bind(expires.millis())).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn delete_session(&self, token_hash: &str) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(token_hash)).await
    }

    /// Those that have not expired by `now`.
    pub async fn count_sessions_of(&self, user: UserId, now: Timestamp) -> Result<u64, CatalogError> {
        let count: i64 =
            query_scalar(COUNT_OF_USER).bind(user.0).bind(now.millis()).fetch_one(self.reader()).await?;
        Ok(count.unsigned_abs())
    }

    /// Forgets up to `limit` sessions that have expired by `now`, the oldest first; answers how many.
    pub async fn purge_expired_sessions(&self, now: Timestamp, limit: u32) -> Result<u64, CatalogError> {
        let purge = query(PURGE).bind(now.millis()).bind(i64::from(limit));
        Ok(purge.execute(self.writer()).await?.rows_affected())
    }
}

impl FromRow<'_, AnyRow> for Session {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let owner = match row.maybe_int("user_id")? {
            Some(user) => SessionOwner::User(UserId(user)),
            None => SessionOwner::Panel(PanelAccountId(row.int("panel_account_id")?)),
        };
        Ok(Self { owner, created: row.time("created")?, expires: row.time("expires")? })
    }
}
