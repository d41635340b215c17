//! Tags, and which trackers carry them.

use super::{
    Catalog, CatalogError,
    columns::Columns,
    statements::{returned_id, statements},
};
use domain::{AccountId, TagId, TrackerId};
use sqlx::{FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub id: TagId,
    pub account: AccountId,
    pub name: String,
    /// `RRGGBB`
    pub color: String,
}

/// A tracker carries a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagBinding {
    pub tracker: TrackerId,
    pub tag: TagId,
    /// 1..=5; each stands once at a tracker.
    pub ordinal: u8,
}

macro_rules! select_bindings {
    () => {
        "SELECT tracker_id, tag_id, ordinal FROM tracker_tags \
         JOIN trackers ON trackers.id = tracker_tags.tracker_id WHERE deleted = 0"
    };
}

statements! {
    CREATE = "INSERT INTO tags (account_id, name, color) VALUES ($1, $2, $3) RETURNING id";
    UPDATE = "UPDATE tags SET name = $3, color = $4 WHERE id = $1 AND account_id = $2";
    DELETE = "DELETE FROM tags WHERE id = $1 AND account_id = $2";
    OF_ACCOUNT = "SELECT id, account_id, name, color FROM tags WHERE account_id = $1 ORDER BY id";
    CLEAR = "DELETE FROM tracker_tags WHERE tracker_id = $1";
    BIND = "INSERT INTO tracker_tags (tracker_id, tag_id, ordinal) SELECT trackers.id, tags.id, $4 FROM trackers \
        JOIN tags ON tags.account_id = trackers.account_id WHERE trackers.id = $1 AND trackers.account_id = $2 \
        AND tags.id = $3";
    ALL_BINDINGS = concat!(select_bindings!(), " ORDER BY tracker_id, ordinal");
    BINDINGS_OF = concat!(select_bindings!(), " AND account_id = $1 ORDER BY tracker_id, ordinal");
}

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown account.
    pub async fn create_tag(
        &self,
        account: AccountId,
        name: &str,
        color: &str,
    ) -> Result<TagId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(account.0).bind(name).bind(color);
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(TagId(id))
    }

    /// # Errors
    /// `NotFound`, also for another account's tag.
    pub async fn update_tag(&self, tag: &Tag) -> Result<(), CatalogError> {
        let Tag { id, account, name, color } = tag;
        self.change_one(query(UPDATE).bind(id.0).bind(account.0).bind(name).bind(color)).await
    }

    /// Nothing carries it any more.
    ///
    /// # Errors
    /// `NotFound`, also for another account's tag.
    pub async fn delete_tag(&self, account: AccountId, id: TagId) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(id.0).bind(account.0)).await
    }

    pub async fn tags_of(&self, account: AccountId) -> Result<Vec<Tag>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }

    /// Lets the tracker carry these tags and no others.
    ///
    /// # Errors
    /// `ReferenceNotFound` when the account lacks the tracker or a tag: then nothing changes.
    pub async fn set_tags(
        &self,
        account: AccountId,
        tracker: TrackerId,
        tags: &[(TagId, u8)],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        query(CLEAR).bind(tracker.0).execute(&mut *transaction).await?;
        for (tag, ordinal) in tags {
            let bind = query(BIND).bind(tracker.0).bind(account.0).bind(tag.0).bind(i64::from(*ordinal));
            if bind.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(CatalogError::ReferenceNotFound);
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Of all trackers of the account, by tracker and ordinal.
    pub async fn tag_bindings_of(&self, account: AccountId) -> Result<Vec<TagBinding>, CatalogError> {
        Ok(query_as(BINDINGS_OF).bind(account.0).fetch_all(self.reader()).await?)
    }
}

impl FromRow<'_, AnyRow> for Tag {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: TagId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            name: row.text("name")?,
            color: row.text("color")?,
        })
    }
}

impl FromRow<'_, AnyRow> for TagBinding {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let ordinal = row.int("ordinal")?;
        Ok(Self {
            tracker: TrackerId(row.int("tracker_id")?),
            tag: TagId(row.int("tag_id")?),
            ordinal: u8::try_from(ordinal).map_err(|error| sqlx::Error::Decode(error.into()))?,
        })
    }
}
