//! What becomes of a registered device: it is cloned, replaced, corrupted, moved, gets another phone or another plan.
//! Each is one transaction: it is done as a whole or not at all, and what it depends on is held until it is done.

use super::{
    AccessPoint, Catalog, CatalogError, Money, NewSource,
    columns::Columns,
    counter, sensor, sms, source, source_setting,
    statements::{returned, returned_id, statements},
};
use domain::{AccountId, CounterRule, SourceId, TariffId, Timestamp, TrackerId};
use sqlx::{Any, Transaction, any::AnyRow, query};

/// A clone that is to be made: of which tracker, and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClone {
    pub of: TrackerId,
    pub label: String,
}

/// Whether the clones of a source go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clones {
    Delete,
    /// Then a source that has some stays as it is.
    Keep,
}

/// What a source that was released freed, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub source: SourceId,
    pub at: Timestamp,
}

/// A change of the plan of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanChange {
    pub tariff: TariffId,
    /// The date of the next prolongation.
    pub end: Option<Timestamp>,
    pub blocked: bool,
    pub at: Timestamp,
    /// Added to the balance of the account; negative when the change costs something.
    pub credit: Money,
}

statements! {
    CORRUPT = "UPDATE sources SET corrupted = 1 WHERE id = $1";
    CLONES = "SELECT id FROM trackers WHERE source_id = $1 AND clone = 1 AND deleted = 0 ORDER BY id";
    DELETE_ON_SOURCE = "UPDATE trackers SET deleted = 1 WHERE source_id = $1 AND deleted = 0 RETURNING id";
    DELETE_CLONE = "UPDATE trackers SET deleted = 1 \
        WHERE id = $1 AND account_id = $2 AND clone = 1 AND deleted = 0";
    DELETE = "UPDATE trackers SET deleted = 1 WHERE id = $1 AND deleted = 0";
    FREE_LOGINS = "UPDATE users SET former_login = login, login = 'removed' || CAST(id AS TEXT) || '\n', \
        activated = 0 WHERE account_id = $1 AND former_login IS NULL";
    END_SESSIONS_OF = "DELETE FROM sessions WHERE user_id IN (SELECT id FROM users WHERE account_id = $1)";
    LIVE_SOURCES_OF = "SELECT id FROM sources WHERE account_id = $1 AND retired IS NULL ORDER BY id";
    DELETE_OF = "UPDATE trackers SET deleted = 1 WHERE account_id = $1 AND deleted = 0 RETURNING id";
    LEAVE_TAGS = "DELETE FROM tracker_tags WHERE tracker_id = $1";
    LEAVE_RULES = "DELETE FROM rule_trackers WHERE tracker_id = $1";
    LEAVE_SUB_USERS = "DELETE FROM subuser_trackers WHERE tracker_id = $1";
    LEAVE_VEHICLE = "UPDATE vehicles SET tracker_id = NULL WHERE tracker_id = $1";
    END_SPANS_OF = "UPDATE tracker_sources SET to_time = CASE WHEN from_time > $2 THEN from_time ELSE $2 END \
        WHERE to_time IS NULL AND tracker_id IN (SELECT id FROM trackers WHERE account_id = $1 AND deleted = 0)";
    /// A clock that was set back ends no span before it began.
    END_SPANS_ON_SOURCE = "UPDATE tracker_sources SET to_time = CASE WHEN from_time > $2 THEN from_time ELSE $2 END \
        WHERE source_id = $1 AND to_time IS NULL";
    END_SPAN = "UPDATE tracker_sources SET to_time = CASE WHEN from_time > $2 THEN from_time ELSE $2 END \
        WHERE tracker_id = $1 AND to_time IS NULL";
    STAND_ON = "UPDATE trackers SET source_id = $2 WHERE source_id = $1 AND deleted = 0";
    BEGIN_SPANS = "INSERT INTO tracker_sources (tracker_id, source_id, from_time) \
        SELECT id, source_id, CAST($2 AS BIGINT) FROM trackers WHERE source_id = $1 AND deleted = 0 ORDER BY id";
    KEEP_TRIP_DETECTION = "INSERT INTO trip_detection (source_id, min_idle_duration_minutes, idle_speed_threshold, \
        ignition_aware, motion_sensor_aware) \
        SELECT CAST($2 AS BIGINT), min_idle_duration_minutes, idle_speed_threshold, ignition_aware, \
        motion_sensor_aware FROM trip_detection WHERE source_id = $1";
    KEEP_SETTINGS = "UPDATE sources SET \
        status_listing_id = (SELECT old.status_listing_id FROM sources old WHERE old.id = $1), \
        tariff_changed = (SELECT old.tariff_changed FROM sources old WHERE old.id = $1) WHERE id = $2";
    CLONE = "INSERT INTO trackers (account_id, source_id, label, group_id, clone, deleted, created) \
        VALUES ($1, $2, $3, NULL, $4, 0, $5) RETURNING id";
    COPY_SPANS = "INSERT INTO tracker_sources (tracker_id, source_id, from_time, to_time) \
        SELECT CAST($2 AS BIGINT), source_id, from_time, to_time FROM tracker_sources WHERE tracker_id = $1 \
        ORDER BY from_time";
    SOURCE_OF = "SELECT source_id FROM trackers WHERE id = $1 AND clone = 0 AND deleted = 0";
    MOVE_STATUS_CHANGE = "UPDATE status_changes SET source_id = $2 WHERE source_id = $1";
    FORGET_STATUS_CHANGE = "DELETE FROM status_changes WHERE source_id = $1";
    MODEL_OF = "SELECT model FROM sources WHERE id = $1";
    SET_OWNER = "UPDATE sources SET account_id = $2, status_listing_id = NULL WHERE id = $1";
    SET_PHONE = "UPDATE sources SET phone = $2, bundled_sim = 0 WHERE id = $1 AND retired IS NULL";
    /// Once in a while only: the last time must not be later than $3.
    RETRY_REGISTRATION = "UPDATE sources SET registration_retried = $2 WHERE id = $1 AND retired IS NULL \
        AND (registration_retried IS NULL OR registration_retried <= $3)";
    CHANGE_TARIFF = "UPDATE sources SET tariff_id = $2, tariff_end = $3, blocked = $4, tariff_changed = $5 \
        WHERE id = $1 AND retired IS NULL";
    /// No account goes into debt for it.
    CREDIT = "UPDATE accounts SET balance = balance + $2 \
        WHERE id = (SELECT account_id FROM sources WHERE id = $1) AND (balance + $2 >= 0 OR $2 >= 0)";
}

impl Catalog {
    /// Frees device id and phone of the source and deletes the trackers that stand on it; cannot be undone.
    ///
    /// # Errors
    /// `NotFound` when it is not there any more; `HasClones`.
    pub async fn corrupt(&self, release: Release, clones: Clones) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let in_the_way = corrupt(&mut transaction, release).await?;
        if clones == Clones::Keep && !in_the_way.is_empty() {
            return Err(CatalogError::HasClones(in_the_way));
        }
        Ok(transaction.commit().await?)
    }

    /// Removes an account: corrupts its sources, deletes its clones, ends the sessions of its users and frees their
    /// logins.
    ///
    /// # Errors
    /// `NotFound` when it was removed before; `HasClones`.
    pub async fn corrupt_account(
        &self,
        account: AccountId,
        at: Timestamp,
        clones: Clones,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        // First of all, so that of two calls the later finds nothing.
        let users = query(FREE_LOGINS).bind(account.0).execute(&mut *transaction).await?;
        if users.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(END_SESSIONS_OF).bind(account.0).execute(&mut *transaction).await?;
        let mut in_the_way = Vec::new();
        for source in query(LIVE_SOURCES_OF).bind(account.0).fetch_all(&mut *transaction).await? {
            let release = Release { source: SourceId(source.int("id")?), at };
            in_the_way.extend(corrupt(&mut transaction, release).await?);
        }
        if clones == Clones::Keep && !in_the_way.is_empty() {
            return Err(CatalogError::HasClones(in_the_way));
        }
        query(END_SPANS_OF).bind(account.0).bind(at.millis()).execute(&mut *transaction).await?;
        let deleted = query(DELETE_OF).bind(account.0).fetch_all(&mut *transaction).await?;
        unbind(&mut transaction, &ids(&deleted)?).await?;
        Ok(transaction.commit().await?)
    }

    /// Puts the trackers that stand on the old source, clones too, on a new one. What was set for the old one holds
    /// for the new one; sensors come along as far as its device model can feed them. If the odometer counted by one that
    /// does not, it goes on by the rule `by_fixes`.
    ///
    /// # Errors
    /// `NotFound` when the old one is not there any more; `DeviceIdTaken`, `PhoneTaken`; `Exists` for a SIM of another
    /// bundle.
    pub async fn replace(
        &self,
        release: Release,
        new: &NewSource,
        by_fixes: Option<&CounterRule>,
    ) -> Result<SourceId, CatalogError> {
        let Release { source: old, at } = release;
        let mut transaction = self.write().await?;
        // The SIM may go on in the new device, so the old one lets go first.
        source::retire(&mut transaction, old, at).await?;
        let id = source::create(&mut transaction, new).await?;
        query(END_SPANS_ON_SOURCE).bind(old.0).bind(at.millis()).execute(&mut *transaction).await?;
        query(STAND_ON).bind(old.0).bind(id.0).execute(&mut *transaction).await?;
        query(BEGIN_SPANS).bind(id.0).bind(at.millis()).execute(&mut *transaction).await?;
        query(KEEP_TRIP_DETECTION).bind(old.0).bind(id.0).execute(&mut *transaction).await?;
        query(KEEP_SETTINGS).bind(old.0).bind(id.0).execute(&mut *transaction).await?;
        counter::take_over(&mut transaction, [old, id]).await?;
        source_setting::take_over(&mut transaction, [old, id]).await?;
        query(MOVE_STATUS_CHANGE).bind(old.0).bind(id.0).execute(&mut *transaction).await?;
        let old_model = returned(&mut transaction, query(MODEL_OF).bind(old.0)).await?.text("model")?;
        sensor::take_over(&mut transaction, [old, id], [&old_model, &new.model]).await?;
        counter::sensors_went(&mut transaction, id, by_fixes).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Makes clones for an account, all or none. Each has the whole past of its original.
    ///
    /// # Errors
    /// `NotFound` when one is not there any more or is a clone itself; `Exists` when the account has a tracker on its
    /// source; `ReferenceNotFound` for an unknown account.
    pub async fn clone_trackers(
        &self,
        account: AccountId,
        clones: &[NewClone],
        at: Timestamp,
    ) -> Result<Vec<TrackerId>, CatalogError> {
        let mut transaction = self.write().await?;
        let mut made = Vec::with_capacity(clones.len());
        for clone in clones {
            let source = hold_source_of(&mut transaction, clone.of).await?;
            let create =
                query(CLONE).bind(account.0).bind(source.0).bind(&clone.label).bind(1_i64).bind(at.millis());
            let id = returned_id(&mut transaction, create).await?;
            query(COPY_SPANS).bind(clone.of.0).bind(id).execute(&mut *transaction).await?;
            made.push(TrackerId(id));
        }
        transaction.commit().await?;
        Ok(made)
    }

    /// # Errors
    /// `NotFound`, also for a tracker that is no clone or another account's.
    pub async fn delete_clone(
        &self,
        account: AccountId,
        id: TrackerId,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let delete = query(DELETE_CLONE).bind(id.0).bind(account.0);
        if delete.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(END_SPAN).bind(id.0).bind(at.millis()).execute(&mut *transaction).await?;
        unbind(&mut transaction, &[id]).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives the source of a tracker to another account, where a new tracker with the label and the past of the old
    /// one stands on it.
    ///
    /// # Errors
    /// As `clone_trackers`.
    pub async fn move_tracker(
        &self,
        clone: &NewClone,
        to: AccountId,
        at: Timestamp,
    ) -> Result<TrackerId, CatalogError> {
        let mut transaction = self.write().await?;
        let source = hold_source_of(&mut transaction, clone.of).await?;
        query(SET_OWNER).bind(source.0).bind(to.0).execute(&mut *transaction).await?;
        query(FORGET_STATUS_CHANGE).bind(source.0).execute(&mut *transaction).await?;
        let create = query(CLONE).bind(to.0).bind(source.0).bind(&clone.label).bind(0_i64).bind(at.millis());
        let id = returned_id(&mut transaction, create).await?;
        query(COPY_SPANS).bind(clone.of.0).bind(id).execute(&mut *transaction).await?;
        query(END_SPAN).bind(clone.of.0).bind(at.millis()).execute(&mut *transaction).await?;
        query(DELETE).bind(clone.of.0).execute(&mut *transaction).await?;
        unbind(&mut transaction, &[clone.of]).await?;
        transaction.commit().await?;
        Ok(TrackerId(id))
    }

    /// Gives a source the SIM with that number, and its access point where that was named. What waits to be
    /// sent to another number that it had is cancelled.
    ///
    /// # Errors
    /// `NotFound` for a source that is not there any more; `PhoneTaken`.
    pub async fn set_phone(
        &self,
        source: SourceId,
        phone: &str,
        access_point: Option<&AccessPoint>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let set = query(SET_PHONE).bind(source.0).bind(phone).execute(&mut *transaction).await?;
        if set.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        if let Some(access_point) = access_point {
            source_setting::set_access_point(&mut transaction, source, access_point).await?;
        }
        sms::cancel_to_former_phone(&mut transaction, source, at).await?;
        Ok(transaction.commit().await?)
    }

    /// Notes that the registration commands are sent again.
    ///
    /// # Errors
    /// `NotFound` when that was done after `not_since`, or the source is not there any more.
    pub async fn retry_registration(
        &self,
        source: SourceId,
        at: Timestamp,
        not_since: Timestamp,
    ) -> Result<(), CatalogError> {
        let retry = query(RETRY_REGISTRATION).bind(source.0).bind(at.millis()).bind(not_since.millis());
        self.change_one(retry).await
    }

    /// Changes the plan of a source and the balance of its account, both or neither.
    ///
    /// # Errors
    /// `NotFound` when the source is not there any more, or the account cannot pay.
    pub async fn change_tariff(&self, source: SourceId, change: &PlanChange) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let set = query(CHANGE_TARIFF)
            .bind(source.0)
            .bind(change.tariff.0)
            .bind(change.end.map(Timestamp::millis))
            .bind(i64::from(change.blocked))
            .bind(change.at.millis());
        let credit = query(CREDIT).bind(source.0).bind(change.credit.ten_thousandths());
        for statement in [set, credit] {
            if statement.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(CatalogError::NotFound);
            }
        }
        Ok(transaction.commit().await?)
    }
}

/// Answers with the clones that it has deleted.
async fn corrupt(
    transaction: &mut Transaction<'static, Any>,
    Release { source: id, at }: Release,
) -> Result<Vec<TrackerId>, CatalogError> {
    source::retire(&mut *transaction, id, at).await?;
    let clones = ids(&query(CLONES).bind(id.0).fetch_all(&mut **transaction).await?)?;
    query(CORRUPT).bind(id.0).execute(&mut **transaction).await?;
    query(END_SPANS_ON_SOURCE).bind(id.0).bind(at.millis()).execute(&mut **transaction).await?;
    let deleted = query(DELETE_ON_SOURCE).bind(id.0).fetch_all(&mut **transaction).await?;
    unbind(transaction, &ids(&deleted)?).await?;
    Ok(clones)
}

fn ids(rows: &[AnyRow]) -> sqlx::Result<Vec<TrackerId>> {
    rows.iter().map(|row| row.int("id").map(TrackerId)).collect()
}

/// Takes deleted trackers from everything that names them.
async fn unbind(
    transaction: &mut Transaction<'static, Any>,
    deleted: &[TrackerId],
) -> Result<(), CatalogError> {
    for tracker in deleted {
        for leave in [LEAVE_TAGS, LEAVE_RULES, LEAVE_SUB_USERS, LEAVE_VEHICLE] {
            query(leave).bind(tracker.0).execute(&mut **transaction).await?;
        }
    }
    Ok(())
}

/// The source of a tracker that is no clone, held until the transaction ends.
///
/// # Errors
/// `NotFound`.
async fn hold_source_of(
    transaction: &mut Transaction<'static, Any>,
    tracker: TrackerId,
) -> Result<SourceId, CatalogError> {
    let mut gone = None;
    loop {
        let row = query(SOURCE_OF).bind(tracker.0).fetch_one(&mut **transaction).await?;
        let source = SourceId(row.int("source_id")?);
        if gone == Some(source) {
            return Err(CatalogError::NotFound);
        }
        if source::hold(&mut *transaction, source).await? {
            return Ok(source);
        }
        // It was replaced meanwhile: the tracker stands on another one. Corrupted: it is not there.
        gone = Some(source);
    }
}
