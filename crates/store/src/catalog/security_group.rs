//! Security groups: the rights that sub-users of an account hold.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::{returned_id, statements},
};
use domain::{AccountId, Right};
use sqlx::{FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    pub id: i64,
    pub account: AccountId,
    pub label: String,
    pub rights: Vec<Right>,
    /// How far back its users see, such as `1d`; `None`: as far as the plan allows.
    pub store_period: Option<String>,
}

macro_rules! select_security_groups {
    () => {
        "SELECT id, account_id, label, rights, store_period FROM security_groups"
    };
}

statements! {
    CREATE = "INSERT INTO security_groups (account_id, label, rights, store_period) VALUES ($1, $2, $3, $4) \
        RETURNING id";
    OF_ACCOUNT = concat!(select_security_groups!(), " WHERE account_id = $1 ORDER BY id");
    ALL = concat!(select_security_groups!(), " ORDER BY id");
}

impl Catalog {
    /// # Errors
    /// `LabelTaken` within the account; `ReferenceNotFound` for an unknown account.
    pub async fn create_security_group(
        &self,
        account: AccountId,
        label: &str,
        rights: &[Right],
        store_period: Option<&str>,
    ) -> Result<i64, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(account.0).bind(label).bind(json(&rights)?).bind(store_period);
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(id)
    }

    pub async fn security_groups_of(&self, account: AccountId) -> Result<Vec<SecurityGroup>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }
}

impl FromRow<'_, AnyRow> for SecurityGroup {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.int("id")?,
            account: AccountId(row.int("account_id")?),
            label: row.text("label")?,
            rights: row.json("rights")?,
            store_period: row.maybe_text("store_period")?,
        })
    }
}
