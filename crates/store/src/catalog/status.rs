//! Working statuses: the listings of an account, the statuses in each, and the last change of each source's status.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::{returned_id, statements},
};
use domain::{AccountId, SourceId, StatusId, StatusListingId, Timestamp};
use sqlx::{FromRow, any::AnyRow, query, query_as};

/// Statuses among which one is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusListing {
    pub id: StatusListingId,
    pub account: AccountId,
    pub label: String,
    /// Who carries the device may change the status.
    pub employee_controlled: bool,
    /// Users may.
    pub supervisor_controlled: bool,
    /// In their order.
    pub entries: Vec<StatusId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub id: StatusId,
    pub listing: StatusListingId,
    pub label: String,
    /// `RRGGBB`
    pub color: String,
}

/// The last time that a source's status was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusChange {
    pub id: i64,
    pub source: SourceId,
    pub old: Option<StatusId>,
    pub new: Option<StatusId>,
    /// Latitude and longitude in degrees, if it was known where the device was.
    pub location: Option<(f64, f64)>,
    pub changed: Timestamp,
}

statements! {
    CREATE_LISTING = "INSERT INTO status_listings (account_id, label, employee_controlled, supervisor_controlled) \
        VALUES ($1, $2, $3, $4) RETURNING id";
    UPDATE_LISTING = "UPDATE status_listings SET label = $3, employee_controlled = $4, supervisor_controlled = $5 \
        WHERE id = $1 AND account_id = $2";
    DELETE_LISTING = "DELETE FROM status_listings WHERE id = $1 AND account_id = $2";
    LISTINGS_OF = "SELECT id, account_id, label, employee_controlled, supervisor_controlled FROM status_listings \
        WHERE account_id = $1 ORDER BY id";
    ASSIGN_LISTING = "UPDATE sources SET status_listing_id = $2 WHERE id = $1";
    UNASSIGN_LISTING = "UPDATE sources SET status_listing_id = NULL WHERE status_listing_id = $1";
    CREATE = "INSERT INTO statuses (listing_id, place, label, color) SELECT id, \
        COALESCE((SELECT MAX(place) FROM statuses WHERE listing_id = $1), 0) + 1, $3, $4 FROM status_listings \
        WHERE id = $1 AND account_id = $2 RETURNING id";
    UPDATE = "UPDATE statuses SET label = $3, color = $4 WHERE id = $1 \
        AND listing_id IN (SELECT id FROM status_listings WHERE account_id = $2)";
    PLACE = "UPDATE statuses SET place = $3 WHERE id = $1 AND listing_id = $2";
    DELETE = "DELETE FROM statuses WHERE id = $1 \
        AND listing_id IN (SELECT id FROM status_listings WHERE account_id = $2)";
    OF_ACCOUNT = "SELECT statuses.id AS id, listing_id, statuses.label AS label, color FROM statuses \
        JOIN status_listings ON status_listings.id = statuses.listing_id WHERE account_id = $1 \
        ORDER BY listing_id, place, statuses.id";
    /// Each change has a number of its own.
    FORGET_CHANGE = "DELETE FROM status_changes WHERE source_id = $1";
    CHANGE = "INSERT INTO status_changes (source_id, old_status_id, new_status_id, location, changed) \
        VALUES ($1, $2, $3, $4, $5) RETURNING id";
    LAST_CHANGE = "SELECT id, source_id, old_status_id, new_status_id, location, changed FROM status_changes \
        WHERE source_id = $1";
}

impl Catalog {
    /// Makes a listing; its number and entries are not taken.
    ///
    /// # Errors
    /// `ReferenceNotFound` for an unknown account.
    pub async fn create_status_listing(
        &self,
        listing: &StatusListing,
    ) -> Result<StatusListingId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE_LISTING)
            .bind(listing.account.0)
            .bind(&listing.label)
            .bind(i64::from(listing.employee_controlled))
            .bind(i64::from(listing.supervisor_controlled));
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(StatusListingId(id))
    }

    /// Changes a listing and puts its statuses into the order of `entries`.
    ///
    /// # Errors
    /// `NotFound`, also for another account's; `ReferenceNotFound` when an entry is none of its statuses.
    pub async fn update_status_listing(&self, listing: &StatusListing) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let update = query(UPDATE_LISTING)
            .bind(listing.id.0)
            .bind(listing.account.0)
            .bind(&listing.label)
            .bind(i64::from(listing.employee_controlled))
            .bind(i64::from(listing.supervisor_controlled));
        if update.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        for (place, status) in (1_i64..).zip(&listing.entries) {
            let place = query(PLACE).bind(status.0).bind(listing.id.0).bind(place);
            if place.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(CatalogError::ReferenceNotFound);
            }
        }
        Ok(transaction.commit().await?)
    }

    /// With its statuses. No source has it any more.
    ///
    /// # Errors
    /// `NotFound`, also for another account's.
    pub async fn delete_status_listing(
        &self,
        account: AccountId,
        id: StatusListingId,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let delete = query(DELETE_LISTING).bind(id.0).bind(account.0);
        if delete.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(UNASSIGN_LISTING).bind(id.0).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// By ascending id.
    pub async fn status_listings_of(&self, account: AccountId) -> Result<Vec<StatusListing>, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let mut listings: Vec<StatusListing> =
            query_as(LISTINGS_OF).bind(account.0).fetch_all(&mut *snapshot).await?;
        let statuses: Vec<Status> = query_as(OF_ACCOUNT).bind(account.0).fetch_all(&mut *snapshot).await?;
        for listing in &mut listings {
            let own = statuses.iter().filter(|status| status.listing == listing.id);
            listing.entries = own.map(|status| status.id).collect();
        }
        Ok(listings)
    }

    /// Lets a source have a listing, or none. Whose it is, the caller has asked.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn assign_status_listing(
        &self,
        source: SourceId,
        listing: Option<StatusListingId>,
    ) -> Result<(), CatalogError> {
        self.change_one(query(ASSIGN_LISTING).bind(source.0).bind(listing.map(|id| id.0))).await
    }

    /// The last one of its listing.
    ///
    /// # Errors
    /// `NotFound` when the account has no such listing.
    pub async fn create_status(
        &self,
        account: AccountId,
        listing: StatusListingId,
        label: &str,
        color: &str,
    ) -> Result<StatusId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(listing.0).bind(account.0).bind(label).bind(color);
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(StatusId(id))
    }

    /// # Errors
    /// `NotFound`, also for another account's.
    pub async fn update_status(
        &self,
        account: AccountId,
        id: StatusId,
        label: &str,
        color: &str,
    ) -> Result<(), CatalogError> {
        self.change_one(query(UPDATE).bind(id.0).bind(account.0).bind(label).bind(color)).await
    }

    /// # Errors
    /// `NotFound`, also for another account's.
    pub async fn delete_status(&self, account: AccountId, id: StatusId) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(id.0).bind(account.0)).await
    }

    /// By listing, in their order.
    pub async fn statuses_of(&self, account: AccountId) -> Result<Vec<Status>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }

    /// Keeps the last change of a source's status; its number is not taken but given.
    pub async fn change_status(&self, change: StatusChange) -> Result<StatusChange, CatalogError> {
        let mut transaction = self.write().await?;
        query(FORGET_CHANGE).bind(change.source.0).execute(&mut *transaction).await?;
        let insert = query(CHANGE)
            .bind(change.source.0)
            .bind(change.old.map(|id| id.0))
            .bind(change.new.map(|id| id.0))
            .bind(change.location.as_ref().map(json).transpose()?)
            .bind(change.changed.millis());
        let id = returned_id(&mut transaction, insert).await?;
        transaction.commit().await?;
        Ok(StatusChange { id, ..change })
    }

    /// `None` when its status was never changed.
    pub async fn last_status_change(&self, source: SourceId) -> Result<Option<StatusChange>, CatalogError> {
        Ok(query_as(LAST_CHANGE).bind(source.0).fetch_optional(self.reader()).await?)
    }
}

impl FromRow<'_, AnyRow> for StatusListing {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: StatusListingId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            label: row.text("label")?,
            employee_controlled: row.flag("employee_controlled")?,
            supervisor_controlled: row.flag("supervisor_controlled")?,
            entries: Vec::new(),
        })
    }
}

impl FromRow<'_, AnyRow> for Status {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: StatusId(row.int("id")?),
            listing: StatusListingId(row.int("listing_id")?),
            label: row.text("label")?,
            color: row.text("color")?,
        })
    }
}

impl FromRow<'_, AnyRow> for StatusChange {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.int("id")?,
            source: SourceId(row.int("source_id")?),
            old: row.maybe_int("old_status_id")?.map(StatusId),
            new: row.maybe_int("new_status_id")?.map(StatusId),
            location: row.maybe_json("location")?,
            changed: row.time("changed")?,
        })
    }
}
