//! Groups of trackers. A tracker without one is in group 0, which is no row.

use super::{
    Catalog, CatalogError,
    columns::Columns,
    statements::{returned_id, statements},
};
use domain::{AccountId, GroupId, TrackerId};
use sqlx::{FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub account: AccountId,
    pub title: String,
    /// `RRGGBB`
    pub color: String,
}

statements! {
    CREATE = "INSERT INTO tracker_groups (account_id, title, color) VALUES ($1, $2, $3) RETURNING id";
    UPDATE = "UPDATE tracker_groups SET title = $3, color = $4 WHERE id = $1 AND account_id = $2";
    EMPTY = "UPDATE trackers SET group_id = NULL WHERE group_id = $1 AND account_id = $2";
    DELETE = "DELETE FROM tracker_groups WHERE id = $1 AND account_id = $2";
    OF_ACCOUNT = "SELECT id, account_id, title, color FROM tracker_groups WHERE account_id = $1 ORDER BY id";
    ALL = "SELECT id, account_id, title, color FROM tracker_groups ORDER BY id";
    EXISTS = "SELECT id FROM tracker_groups WHERE id = $1 AND account_id = $2";
    ASSIGN = "UPDATE trackers SET group_id = $3 WHERE id = $1 AND account_id = $2 AND deleted = 0";
}

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown account.
    pub async fn create_group(
        &self,
        account: AccountId,
        title: &str,
        color: &str,
    ) -> Result<GroupId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(account.0).bind(title).bind(color);
        let id = GroupId(returned_id(&mut transaction, create).await?);
        transaction.commit().await?;
        Ok(id)
    }

    /// # Errors
    /// `NotFound`, also for another account's group.
    pub async fn update_group(&self, group: &Group) -> Result<(), CatalogError> {
        let Group { id, account, title, color } = group;
        self.change_one(query(UPDATE).bind(id.0).bind(account.0).bind(title).bind(color)).await
    }

    /// Its trackers fall back to group 0.
    ///
    /// # Errors
    /// `NotFound`, also for another account's group.
    pub async fn delete_group(&self, account: AccountId, id: GroupId) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        query(EMPTY).bind(id.0).bind(account.0).execute(&mut *transaction).await?;
        let deleted = query(DELETE).bind(id.0).bind(account.0).execute(&mut *transaction).await?;
        if deleted.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        Ok(transaction.commit().await?)
    }

    pub async fn groups_of(&self, account: AccountId) -> Result<Vec<Group>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }

    /// Moves the trackers into the group, all or none; others stay where they are.
    ///
    /// # Errors
    /// `NotFound` when the account has no such group, `ReferenceNotFound` when it lacks one of the trackers.
    pub async fn assign_to_group(
        &self,
        account: AccountId,
        group: GroupId,
        trackers: &[TrackerId],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let group = (group != GroupId::NONE).then_some(group.0);
        if let Some(id) = group {
            let found = query(EXISTS).bind(id).bind(account.0).fetch_optional(&mut *transaction).await?;
            found.ok_or(CatalogError::NotFound)?;
        }
        for tracker in trackers {
            let assign = query(ASSIGN).bind(tracker.0).bind(account.0).bind(group);
            if assign.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(CatalogError::ReferenceNotFound);
            }
        }
        Ok(transaction.commit().await?)
    }
}

impl FromRow<'_, AnyRow> for Group {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: GroupId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            title: row.text("title")?,
            color: row.text("color")?,
        })
    }
}
