//! Vehicles and garages. What a user says of one is a JSON object, which only `fleet` understands.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::{returned_id, statements},
};
use domain::{AccountId, GarageId, TagId, TrackerId, VehicleId};
use serde_json::{Map, Value};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as, query_scalar};

#[derive(Clone, Debug, PartialEq)]
pub struct Vehicle {
    pub id: VehicleId,
    pub account: AccountId,
    /// Stands in no other vehicle.
    pub tracker: Option<TrackerId>,
    pub garage: Option<GarageId>,
    /// By ascending id.
    pub tags: Vec<TagId>,
    pub fields: Map<String, Value>,
}

/// What a vehicle is made of, and changed to.
#[derive(Clone, Debug, PartialEq)]
pub struct VehicleDraft {
    pub tracker: Option<TrackerId>,
    pub garage: Option<GarageId>,
    pub tags: Vec<TagId>,
    pub fields: Map<String, Value>,
}

/// What happens when the tracker stands in another vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reassign {
    /// The other one has no tracker then.
    Yes,
    No,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Garage {
    pub id: GarageId,
    pub account: AccountId,
    pub fields: Map<String, Value>,
}

struct TagOf(VehicleId, TagId);

statements! {
    CREATE = "INSERT INTO vehicles (account_id, tracker_id, garage_id, fields) VALUES ($1, $2, $3, $4) RETURNING id";
    UPDATE = "UPDATE vehicles SET tracker_id = $3, garage_id = $4, fields = $5 WHERE id = $1 AND account_id = $2";
    DELETE = "DELETE FROM vehicles WHERE id = $1 AND account_id = $2";
    OF_ACCOUNT = "SELECT id, account_id, tracker_id, garage_id, fields FROM vehicles WHERE account_id = $1 ORDER BY id";
    READ = "SELECT id, account_id, tracker_id, garage_id, fields FROM vehicles WHERE id = $1 AND account_id = $2";
    OF_TRACKER = "SELECT id FROM vehicles WHERE tracker_id = $1 ORDER BY id";
    VACATE = "UPDATE vehicles SET tracker_id = NULL WHERE tracker_id = $1 AND account_id = $2 AND id <> $3";
    CLEAR_TAGS = "DELETE FROM vehicle_tags WHERE vehicle_id = $1";
    TAG = "INSERT INTO vehicle_tags (vehicle_id, tag_id) SELECT vehicles.id, tags.id FROM vehicles \
        JOIN tags ON tags.account_id = vehicles.account_id WHERE vehicles.id = $1 AND tags.id = $2 \
        ON CONFLICT (vehicle_id, tag_id) DO NOTHING";
    TAGS_OF = "SELECT vehicle_id, tag_id FROM vehicle_tags JOIN vehicles ON vehicles.id = vehicle_tags.vehicle_id \
        WHERE account_id = $1 ORDER BY vehicle_id, tag_id";
    TAGS_OF_ONE = "SELECT vehicle_id, tag_id FROM vehicle_tags WHERE vehicle_id = $1 ORDER BY tag_id";
    CREATE_GARAGE = "INSERT INTO garages (account_id, fields) VALUES ($1, $2) RETURNING id";
    UPDATE_GARAGE = "UPDATE garages SET fields = $3 WHERE id = $1 AND account_id = $2";
    EMPTY_GARAGE = "UPDATE vehicles SET garage_id = NULL WHERE garage_id = $1 AND account_id = $2";
    DELETE_GARAGE = "DELETE FROM garages WHERE id = $1 AND account_id = $2";
    READ_GARAGE = "SELECT id, account_id, fields FROM garages WHERE id = $1 AND account_id = $2";
    GARAGES_OF = "SELECT id, account_id, fields FROM garages WHERE account_id = $1 ORDER BY id";
}

impl Catalog {
    /// # Errors
    /// `TrackerTaken` by another vehicle; `ReferenceNotFound` for an unknown tracker or another account's garage.
    pub async fn create_vehicle(
        &self,
        account: AccountId,
        draft: &VehicleDraft,
        reassign: Reassign,
    ) -> Result<VehicleId, CatalogError> {
        let mut transaction = self.write().await?;
        vacate(&mut transaction, account, VehicleId(0), draft, reassign).await?;
        let create = query(CREATE)
            .bind(account.0)
            .bind(draft.tracker.map(|tracker| tracker.0))
            .bind(draft.garage.map(|garage| garage.0))
            .bind(json(&draft.fields)?);
        let id = VehicleId(returned_id(&mut transaction, create).await?);
        set_tags(&mut transaction, id, &draft.tags).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// # Errors
    /// `NotFound`, also for another account's vehicle; else as `create_vehicle`.
    pub async fn update_vehicle(
        &self,
        account: AccountId,
        id: VehicleId,
        draft: &VehicleDraft,
        reassign: Reassign,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        vacate(&mut transaction, account, id, draft, reassign).await?;
        let update = query(UPDATE)
            .bind(id.0)
            .bind(account.0)
            .bind(draft.tracker.map(|tracker| tracker.0))
            .bind(draft.garage.map(|garage| garage.0))
            .bind(json(&draft.fields)?);
        if update.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        set_tags(&mut transaction, id, &draft.tags).await?;
        Ok(transaction.commit().await?)
    }

    /// # Errors
    /// `NotFound`, also for another account's vehicle.
    pub async fn delete_vehicle(&self, account: AccountId, id: VehicleId) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(id.0).bind(account.0)).await
    }

    /// Those that a tracker stands in: it cannot be deleted while there are any.
    pub async fn vehicles_of_tracker(&self, tracker: TrackerId) -> Result<Vec<VehicleId>, CatalogError> {
        let ids: Vec<i64> = query_scalar(OF_TRACKER).bind(tracker.0).fetch_all(self.reader()).await?;
        Ok(ids.into_iter().map(VehicleId).collect())
    }

    /// A vehicle of the account.
    pub async fn vehicle(&self, account: AccountId, id: VehicleId) -> Result<Option<Vehicle>, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let mut vehicle: Option<Vehicle> =
            query_as(READ).bind(id.0).bind(account.0).fetch_optional(&mut *snapshot).await?;
        if let Some(vehicle) = &mut vehicle {
            let tags: Vec<TagOf> = query_as(TAGS_OF_ONE).bind(id.0).fetch_all(&mut *snapshot).await?;
            vehicle.tags.extend(tags.into_iter().map(|TagOf(_, tag)| tag));
        }
        snapshot.rollback().await?;
        Ok(vehicle)
    }

    /// By ascending id.
    pub async fn vehicles_of(&self, account: AccountId) -> Result<Vec<Vehicle>, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let mut vehicles: Vec<Vehicle> =
            query_as(OF_ACCOUNT).bind(account.0).fetch_all(&mut *snapshot).await?;
        let tags: Vec<TagOf> = query_as(TAGS_OF).bind(account.0).fetch_all(&mut *snapshot).await?;
        snapshot.rollback().await?;
        for TagOf(vehicle, tag) in tags {
            if let Ok(at) = vehicles.binary_search_by_key(&vehicle, |vehicle| vehicle.id) {
                vehicles[at].tags.push(tag);
            }
        }
        Ok(vehicles)
    }

    /// # Errors
    /// `ReferenceNotFound` for an unknown account.
    pub async fn create_garage(
        &self,
        account: AccountId,
        fields: &Map<String, Value>,
    ) -> Result<GarageId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE_GARAGE).bind(account.0).bind(json(fields)?);
        let id = returned_id(&mut transaction, create).await?;
        transaction.commit().await?;
        Ok(GarageId(id))
    }

    /// # Errors
    /// `NotFound`, also for another account's garage.
    pub async fn update_garage(&self, garage: &Garage) -> Result<(), CatalogError> {
        let Garage { id, account, fields } = garage;
        self.change_one(query(UPDATE_GARAGE).bind(id.0).bind(account.0).bind(json(fields)?)).await
    }

    /// Its vehicles stand in none then.
    ///
    /// # Errors
    /// `NotFound`, also for another account's garage.
    pub async fn delete_garage(&self, account: AccountId, id: GarageId) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        query(EMPTY_GARAGE).bind(id.0).bind(account.0).execute(&mut *transaction).await?;
        let deleted = query(DELETE_GARAGE).bind(id.0).bind(account.0).execute(&mut *transaction).await?;
        if deleted.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        Ok(transaction.commit().await?)
    }

    /// A garage of the account.
    pub async fn garage(&self, account: AccountId, id: GarageId) -> Result<Option<Garage>, CatalogError> {
        Ok(query_as(READ_GARAGE).bind(id.0).bind(account.0).fetch_optional(self.reader()).await?)
    }

    /// By ascending id.
    pub async fn garages_of(&self, account: AccountId) -> Result<Vec<Garage>, CatalogError> {
        Ok(query_as(GARAGES_OF).bind(account.0).fetch_all(self.reader()).await?)
    }
}

/// Takes the tracker out of other vehicles, when it may.
async fn vacate(
    transaction: &mut AnyConnection,
    account: AccountId,
    id: VehicleId,
    draft: &VehicleDraft,
    reassign: Reassign,
) -> Result<(), CatalogError> {
    if let (Some(tracker), Reassign::Yes) = (draft.tracker, reassign) {
        query(VACATE).bind(tracker.0).bind(account.0).bind(id.0).execute(transaction).await?;
    }
    Ok(())
}

/// Tags that the account does not have are passed over.
async fn set_tags(
    transaction: &mut AnyConnection,
    id: VehicleId,
    tags: &[TagId],
) -> Result<(), CatalogError> {
    query(CLEAR_TAGS).bind(id.0).execute(&mut *transaction).await?;
    for tag in tags {
        query(TAG).bind(id.0).bind(tag.0).execute(&mut *transaction).await?;
    }
    Ok(())
}

impl FromRow<'_, AnyRow> for Vehicle {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: VehicleId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            tracker: row.maybe_int("tracker_id")?.map(TrackerId),
            garage: row.maybe_int("garage_id")?.map(GarageId),
            tags: Vec::new(),
            fields: row.json("fields")?,
        })
    }
}

impl FromRow<'_, AnyRow> for Garage {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: GarageId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            fields: row.json("fields")?,
        })
    }
}

impl FromRow<'_, AnyRow> for TagOf {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self(VehicleId(row.int("vehicle_id")?), TagId(row.int("tag_id")?)))
    }
}
