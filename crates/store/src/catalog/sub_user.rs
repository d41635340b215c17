//! What belongs to sub-users alone: which trackers each sees, and their security group. As users they are made and
//! changed in `user`.

use super::{Catalog, CatalogError, columns::Columns, statements::statements};
use domain::{AccountId, SecurityGroupId, TrackerId, UserId};
use sqlx::{FromRow, any::AnyRow, query, query_as};
use std::collections::BTreeSet;

/// A sub-user sees a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    pub user: UserId,
    pub tracker: TrackerId,
}

macro_rules! select_bindings {
    () => {
        "SELECT subuser_trackers.user_id AS user_id, subuser_trackers.tracker_id AS tracker_id \
         FROM subuser_trackers JOIN trackers ON trackers.id = subuser_trackers.tracker_id WHERE deleted = 0"
    };
}

statements! {
    DELETE = "DELETE FROM users WHERE id = $1 AND account_id = $2 AND master = 0";
    SET_GROUP = "UPDATE users SET security_group_id = $3 WHERE id = $1 AND account_id = $2 AND master = 0";
    BIND = "INSERT INTO subuser_trackers (user_id, tracker_id) SELECT users.id, trackers.id FROM users \
        JOIN trackers ON trackers.account_id = users.account_id WHERE users.id = $1 AND users.account_id = $2 \
        AND master = 0 AND trackers.id = $3 AND deleted = 0 ON CONFLICT (user_id, tracker_id) DO NOTHING";
    UNBIND = "DELETE FROM subuser_trackers WHERE user_id = $1 AND tracker_id = $3 \
        AND user_id IN (SELECT id FROM users WHERE account_id = $2)";
    ALL = concat!(select_bindings!(), " ORDER BY user_id, tracker_id");
    OF_ACCOUNT = concat!(select_bindings!(), " AND account_id = $1 ORDER BY user_id, tracker_id");
}

impl Catalog {
    /// Deletes a sub-user with its sessions and bindings.
    ///
    /// # Errors
    /// `NotFound`, also for a master and for another account's sub-user.
    pub async fn delete_sub_user(&self, account: AccountId, id: UserId) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(id.0).bind(account.0)).await
    }

    /// Puts sub-users into a security group, or into none; all or nobody.
    ///
    /// # Errors
    /// `NotFound` when one of them is no sub-user of the account; `ReferenceNotFound` for the group.
    pub async fn assign_security_group(
        &self,
        account: AccountId,
        group: Option<SecurityGroupId>,
        users: &[UserId],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for user in users.iter().collect::<BTreeSet<_>>() {
            let assign = query(SET_GROUP).bind(user.0).bind(account.0).bind(group.map(|group| group.0));
            if assign.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(CatalogError::NotFound);
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Lets a sub-user see these trackers too. Trackers that the account does not have are passed over.
    pub async fn bind_trackers(
        &self,
        account: AccountId,
        user: UserId,
        trackers: &[TrackerId],
    ) -> Result<(), CatalogError> {
        self.for_each_tracker(BIND, account, user, trackers).await
    }

    /// Lets a sub-user see these trackers no more.
    pub async fn unbind_trackers(
        &self,
        account: AccountId,
        user: UserId,
        trackers: &[TrackerId],
    ) -> Result<(), CatalogError> {
        self.for_each_tracker(UNBIND, account, user, trackers).await
    }

    async fn for_each_tracker(
        &self,
        statement: &'static str,
        account: AccountId,
        user: UserId,
        trackers: &[TrackerId],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for tracker in trackers.iter().collect::<BTreeSet<_>>() {
            let change = query(statement).bind(user.0).bind(account.0).bind(tracker.0);
            change.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Of all sub-users of the account.
    pub async fn bindings_of(&self, account: AccountId) -> Result<Vec<Binding>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }
}

impl FromRow<'_, AnyRow> for Binding {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self { user: UserId(row.int("user_id")?), tracker: TrackerId(row.int("tracker_id")?) })
    }
}
