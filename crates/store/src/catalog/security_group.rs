//! Security groups: what the sub-users in them may do.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::{returned_id, statements},
};
use domain::{AccountId, Right, SecurityGroupId};
use sqlx::{FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    pub id: SecurityGroupId,
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
    UPDATE = "UPDATE security_groups SET label = $3, rights = $4, store_period = $5 \
        WHERE id = $1 AND account_id = $2";
    EMPTY = "UPDATE users SET security_group_id = NULL WHERE security_group_id = $1 AND account_id = $2";
    DELETE = "DELETE FROM security_groups WHERE id = $1 AND account_id = $2";
    OF_ACCOUNT = concat!(select_security_groups!(), " WHERE account_id = $1 ORDER BY id");
    ALL = concat!(select_security_groups!(), " ORDER BY id");
}

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown account.
    pub async fn create_security_group(
        &self,
        account: AccountId,
        label: &str,
        rights: &[Right],
        store_period: Option<&str>,
    ) -> Result<SecurityGroupId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(account.0).bind(label).bind(json(rights)?).bind(store_period);
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(SecurityGroupId(id))
    }

    /// # Errors
    /// `NotFound`, also for another account's group.
    pub async fn update_security_group(&self, group: &SecurityGroup) -> Result<(), CatalogError> {
        let SecurityGroup { id, account, label, rights, store_period } = group;
        let update = query(UPDATE).bind(id.0).bind(account.0).bind(label).bind(json(rights)?);
        self.change_one(update.bind(store_period.as_deref())).await
    }

    /// Its users are in no group then, and so have no rights.
    ///
    /// # Errors
    /// `NotFound`, also for another account's group.
    pub async fn delete_security_group(
        &self,
        account: AccountId,
        id: SecurityGroupId,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        query(EMPTY).bind(id.0).bind(account.0).execute(&mut *transaction).await?;
        let deleted = query(DELETE).bind(id.0).bind(account.0).execute(&mut *transaction).await?;
        if deleted.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        Ok(transaction.commit().await?)
    }

    pub async fn security_groups_of(&self, account: AccountId) -> Result<Vec<SecurityGroup>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }
}

impl FromRow<'_, AnyRow> for SecurityGroup {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: SecurityGroupId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            label: row.text("label")?,
            rights: row.json("rights")?,
            store_period: row.maybe_text("store_period")?,
        })
    }
}
