//! Vehicles and the garages they stand in. A vehicle has one tracker at most, a tracker stands in one vehicle at most.

use crate::{Failure, Fleet, UserCaller, directory::Tables};
use domain::{ErrorCode, GarageId, TrackerId, VehicleId};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use store::catalog::{CatalogError, Garage, Reassign, Vehicle, VehicleDraft};

/// A vehicle with the names of its tracker and garage.
pub struct VehicleView {
    pub vehicle: Vehicle,
    pub tracker_label: Option<String>,
    pub garage_organization_name: Option<String>,
}

impl Fleet {
    /// All that the caller sees, by ascending id: those whose tracker it sees, and those without one.
    pub async fn vehicles(&self, caller: &UserCaller) -> Result<Vec<VehicleView>, Failure> {
        let vehicles = self.catalog.vehicles_of(caller.account()).await?;
        let garages = self.catalog.garages_of(caller.account()).await?;
        let names: HashMap<_, _> =
            garages.iter().filter_map(|garage| Some((garage.id, organization_name(garage)?))).collect();
        let tables = self.directory.read();
        let view = |vehicle: Vehicle| {
            let garage = vehicle.garage.and_then(|id| names.get(&id).copied());
            shown(&tables, caller, vehicle, garage)
        };
        Ok(vehicles.into_iter().filter_map(view).collect())
    }

    /// # Errors
    /// `NotFound`.
    pub async fn vehicle(&self, caller: &UserCaller, id: VehicleId) -> Result<VehicleView, Failure> {
        let vehicle = self.catalog.vehicle(caller.account(), id).await?.ok_or(ErrorCode::NotFound)?;
        let garage = match vehicle.garage {
            Some(garage) => self.catalog.garage(caller.account(), garage).await?,
            None => None,
        };
        let garage = garage.as_ref().and_then(organization_name);
        shown(&self.directory.read(), caller, vehicle, garage).ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// # Errors
    /// `NotFound` for the tracker and the garage; `AlreadyExists` when the tracker stands in another vehicle and may
    /// not be taken out of it.
    pub async fn create_vehicle(
        &self,
        caller: &UserCaller,
        draft: VehicleDraft,
        reassign: Reassign,
    ) -> Result<VehicleId, Failure> {
        let _turn = self.turn(caller).await?;
        sees(&self.directory.read(), caller, draft.tracker)?;
        Ok(self.catalog.create_vehicle(caller.account(), &draft, reassign).await?)
    }

    /// # Errors
    /// As `create_vehicle`; `NotFound` for the vehicle.
    pub async fn update_vehicle(
        &self,
        caller: &UserCaller,
        id: VehicleId,
        draft: VehicleDraft,
        reassign: Reassign,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.vehicle(caller, id).await?;
        sees(&self.directory.read(), caller, draft.tracker)?;
        Ok(self.catalog.update_vehicle(caller.account(), id, &draft, reassign).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn delete_vehicle(&self, caller: &UserCaller, id: VehicleId) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.vehicle(caller, id).await?;
        Ok(self.catalog.delete_vehicle(caller.account(), id).await?)
    }

    /// Those of the vehicles that there are.
    pub async fn delete_vehicles(&self, caller: &UserCaller, ids: &[VehicleId]) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let seen = self.vehicles(caller).await?;
        let ids: HashSet<_> = ids.iter().collect();
        for view in seen.iter().filter(|view| ids.contains(&view.vehicle.id)) {
            match self.catalog.delete_vehicle(caller.account(), view.vehicle.id).await {
                Ok(()) | Err(CatalogError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// By ascending id.
    pub async fn garages(&self, caller: &UserCaller) -> Result<Vec<Garage>, Failure> {
        Ok(self.catalog.garages_of(caller.account()).await?)
    }

    pub async fn create_garage(
        &self,
        caller: &UserCaller,
        fields: &Map<String, Value>,
    ) -> Result<GarageId, Failure> {
        Ok(self.catalog.create_garage(caller.account(), fields).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn update_garage(
        &self,
        caller: &UserCaller,
        id: GarageId,
        fields: Map<String, Value>,
    ) -> Result<(), Failure> {
        Ok(self.catalog.update_garage(&Garage { id, account: caller.account(), fields }).await?)
    }

    /// Its vehicles stand in none then.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_garage(&self, caller: &UserCaller, id: GarageId) -> Result<(), Failure> {
        Ok(self.catalog.delete_garage(caller.account(), id).await?)
    }
}

/// `None` when its tracker is one that the caller does not see.
fn shown(
    tables: &Tables,
    caller: &UserCaller,
    mut vehicle: Vehicle,
    garage_organization_name: Option<&str>,
) -> Option<VehicleView> {
    let tracker = vehicle.tracker.and_then(|id| tables.tracker(caller.account(), id));
    if tracker.is_some_and(|tracker| !tables.sees(caller, tracker.id)) {
        return None;
    }
    // It may be gone.
    vehicle.tracker = tracker.map(|tracker| tracker.id);
    Some(VehicleView {
        tracker_label: tracker.map(|tracker| tracker.label.clone()),
        garage_organization_name: garage_organization_name.map(str::to_owned),
        vehicle,
    })
}

fn organization_name(garage: &Garage) -> Option<&str> {
    garage.fields.get("organization_name")?.as_str()
}

fn sees(tables: &Tables, caller: &UserCaller, tracker: Option<TrackerId>) -> Result<(), Failure> {
    let seen = |id| tables.tracker(caller.account(), id).is_some() && tables.sees(caller, id);
    if tracker.is_none_or(seen) { Ok(()) } else { Err(ErrorCode::NotFound.into()) }
}
