//! Keys with which programs call in a master's name. Only the hash of a key comes here, and the seed from which who
//! holds the server's secret makes the key again.

use super::{
    Catalog, CatalogError,
    columns::Columns,
    statements::{returned_id, statements},
};
use domain::{ApiKeyId, Timestamp, UserId};
use sqlx::{FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user: UserId,
    /// SHA-256 of the key, in hex.
    pub token_hash: String,
    /// What the key is made of, together with a secret that is not in the catalog.
    pub seed: String,
    pub title: String,
    pub created: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    pub user: UserId,
    pub token_hash: String,
    pub seed: String,
    pub title: String,
    pub created: Timestamp,
}

macro_rules! select_api_keys {
    () => {
        "SELECT id, user_id, token_hash, seed, title, created FROM api_keys"
    };
}

statements! {
    CREATE = "INSERT INTO api_keys (user_id, token_hash, seed, title, created) VALUES ($1, $2, $3, $4, $5) \
        RETURNING id";
    FIND = concat!(select_api_keys!(), " WHERE token_hash = $1");
    OF_USER = concat!(select_api_keys!(), " WHERE user_id = $1 ORDER BY id");
    DELETE = "DELETE FROM api_keys WHERE token_hash = $1 AND user_id = $2";
}

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown user.
    pub async fn create_api_key(&self, new: &NewApiKey) -> Result<ApiKeyId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE)
            .bind(new.user.0)
            .bind(&new.token_hash)
            .bind(&new.seed)
            .bind(&new.title)
            .bind(new.created.millis());
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(ApiKeyId(id))
    }

    pub async fn api_key(&self, token_hash: &str) -> Result<Option<ApiKey>, CatalogError> {
        Ok(query_as(FIND).bind(token_hash).fetch_optional(self.reader()).await?)
    }

    /// The oldest first.
    pub async fn api_keys_of(&self, user: UserId) -> Result<Vec<ApiKey>, CatalogError> {
        Ok(query_as(OF_USER).bind(user.0).fetch_all(self.reader()).await?)
    }

    /// # Errors
    /// `NotFound`, also for another user's key.
    pub async fn delete_api_key(&self, user: UserId, token_hash: &str) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(token_hash).bind(user.0)).await
    }
}

impl FromRow<'_, AnyRow> for ApiKey {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: ApiKeyId(row.int("id")?),
            user: UserId(row.int("user_id")?),
            token_hash: row.text("token_hash")?,
            seed: row.text("seed")?,
            title: row.text("title")?,
            created: row.time("created")?,
        })
    }
}
