//! Trackers: users' objects on sources, and on which source each stood when. They are made with their source:
//! `Catalog::register`.

use super::{
    Catalog, CatalogError,
    columns::Columns,
    group,
    statements::{returned_id, statements},
    sub_user,
};
use domain::{AccountId, GroupId, SourceId, Timestamp, TrackerId, UserId};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    pub id: TrackerId,
    pub account: AccountId,
    /// The present one.
    pub source: SourceId,
    pub label: String,
    pub group: GroupId,
    /// Stands on a source that another account registered.
    pub clone: bool,
    pub deleted: bool,
    pub created: Timestamp,
    /// Its picture.
    pub avatar_file_name: Option<String>,
    /// What the panel remarked; its user does not see it.
    pub comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTracker {
    pub label: String,
    pub group: GroupId,
    /// The sub-user that registers it: who registers a tracker sees it.
    pub sub_user: Option<UserId>,
}

/// A tracker stood on a source from `from` until before `to`; `None`: it does so now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerSpan {
    pub tracker: TrackerId,
    pub source: SourceId,
    pub from: Timestamp,
    pub to: Option<Timestamp>,
}

macro_rules! select_trackers {
    () => {
        "SELECT id, account_id, source_id, label, COALESCE(group_id, 0) AS group_id, clone, deleted, created, \
         avatar_file_name, comment FROM trackers"
    };
}

macro_rules! select_corrupted {
    () => {
        "SELECT trackers.id AS id, trackers.account_id AS account_id FROM trackers \
         JOIN sources ON sources.id = trackers.source_id AND sources.account_id = trackers.account_id \
         WHERE deleted = 1 AND clone = 0 AND corrupted = 1"
    };
}

statements! {
    CREATE = "INSERT INTO trackers (account_id, source_id, label, group_id, clone, deleted, created) \
        VALUES ($1, $2, $3, $4, 0, 0, $5) RETURNING id";
    BEGIN_SPAN = "INSERT INTO tracker_sources (tracker_id, source_id, from_time) VALUES ($1, $2, $3)";
    READ = concat!(select_trackers!(), " WHERE id = $1 AND account_id = $2");
    OF_ACCOUNT = concat!(select_trackers!(), " WHERE account_id = $1 AND deleted = 0 ORDER BY id");
    ALL = concat!(select_trackers!(), " WHERE deleted = 0 ORDER BY id");
    CORRUPTED = concat!(select_corrupted!(), " ORDER BY trackers.id");
    CORRUPTED_OF = concat!(select_corrupted!(), " AND trackers.account_id = $1 ORDER BY trackers.id");
    SPANS_OF_TRACKER = "SELECT tracker_id, tracker_sources.source_id AS source_id, from_time, to_time \
        FROM tracker_sources JOIN trackers ON trackers.id = tracker_sources.tracker_id \
        WHERE deleted = 0 AND account_id = $1 AND tracker_id = $2 ORDER BY from_time";
    SET_AVATAR = "UPDATE trackers SET avatar_file_name = $3 WHERE id = $1 AND account_id = $2 AND deleted = 0";
    SET_LABEL_AND_GROUP = "UPDATE trackers SET label = $3, group_id = $4 \
        WHERE id = $1 AND account_id = $2 AND deleted = 0";
    SET_LABEL_AND_COMMENT = "UPDATE trackers SET label = $3, comment = $4 \
        WHERE id = $1 AND account_id = $2 AND deleted = 0";
}

impl Catalog {
    /// A tracker of the account, deleted or not.
    pub async fn tracker(&self, account: AccountId, id: TrackerId) -> Result<Option<Tracker>, CatalogError> {
        Ok(query_as(READ).bind(id.0).bind(account.0).fetch_optional(self.reader()).await?)
    }

    /// Those that are not deleted.
    pub async fn trackers_of(&self, account: AccountId) -> Result<Vec<Tracker>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }

    /// On which source the tracker stood when, the earliest first; none for a deleted tracker, and for another
    /// account's.
    pub async fn tracker_spans(
        &self,
        account: AccountId,
        id: TrackerId,
    ) -> Result<Vec<TrackerSpan>, CatalogError> {
        Ok(query_as(SPANS_OF_TRACKER).bind(account.0).bind(id.0).fetch_all(self.reader()).await?)
    }

    /// # Errors
    /// `NotFound`, also for another account's tracker; `ReferenceNotFound` when the account has no such group.
    pub async fn set_label_and_group(
        &self,
        account: AccountId,
        id: TrackerId,
        label: &str,
        group: GroupId,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        hold_group(&mut transaction, account, group).await?;
        let set =
            query(SET_LABEL_AND_GROUP).bind(id.0).bind(account.0).bind(label).bind(group::column(group));
        if set.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        Ok(transaction.commit().await?)
    }

    /// # Errors
    /// `NotFound`, also for another account's tracker.
    pub async fn set_label_and_comment(
        &self,
        account: AccountId,
        id: TrackerId,
        label: &str,
        comment: &str,
    ) -> Result<(), CatalogError> {
        let set = query(SET_LABEL_AND_COMMENT).bind(id.0).bind(account.0).bind(label).bind(comment);
        self.change_one(set).await
    }

    /// # Errors
    /// `NotFound`, also for another account's tracker.
    pub async fn set_tracker_avatar(
        &self,
        account: AccountId,
        id: TrackerId,
        file_name: &str,
    ) -> Result<(), CatalogError> {
        self.change_one(query(SET_AVATAR).bind(id.0).bind(account.0).bind(file_name)).await
    }
}

pub(super) async fn create(
    connection: &mut AnyConnection,
    account: AccountId,
    source: SourceId,
    new: &NewTracker,
    at: Timestamp,
) -> Result<TrackerId, CatalogError> {
    hold_group(&mut *connection, account, new.group).await?;
    let create = query(CREATE)
        .bind(account.0)
        .bind(source.0)
        .bind(&new.label)
        .bind(group::column(new.group))
        .bind(at.millis());
    let id = returned_id(&mut *connection, create).await?;
    query(BEGIN_SPAN).bind(id).bind(source.0).bind(at.millis()).execute(&mut *connection).await?;
    if let Some(user) = new.sub_user {
        let bind = query(sub_user::BIND).bind(user.0).bind(account.0).bind(id);
        // It was deleted meanwhile.
        if bind.execute(connection).await?.rows_affected() == 0 {
            return Err(CatalogError::ReferenceNotFound);
        }
    }
    Ok(TrackerId(id))
}

/// Makes sure that the account has the group of a tracker.
///
/// # Errors
/// `ReferenceNotFound`.
async fn hold_group(
    connection: &mut AnyConnection,
    account: AccountId,
    group: GroupId,
) -> Result<(), CatalogError> {
    if group == GroupId::NONE {
        return Ok(());
    }
    group::hold(connection, account, group).await.map_err(|error| match error {
        CatalogError::NotFound => CatalogError::ReferenceNotFound,
        other => other,
    })
}

impl FromRow<'_, AnyRow> for Tracker {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: TrackerId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            source: SourceId(row.int("source_id")?),
            label: row.text("label")?,
            group: GroupId(row.int("group_id")?),
            clone: row.flag("clone")?,
            deleted: row.flag("deleted")?,
            created: row.time("created")?,
            avatar_file_name: row.maybe_text("avatar_file_name")?,
            comment: row.text("comment")?,
        })
    }
}

impl FromRow<'_, AnyRow> for TrackerSpan {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            tracker: TrackerId(row.int("tracker_id")?),
            source: SourceId(row.int("source_id")?),
            from: row.time("from_time")?,
            to: row.maybe_time("to_time")?,
        })
    }
}
