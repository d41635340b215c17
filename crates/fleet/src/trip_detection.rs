//! Trip detection: when a tracker is moving, stopped, parked. It belongs to the source.

use crate::{
    Failure, Fleet, TrackerView, UserCaller,
    tracker_settings::{DEVICE_STATUS, LBS, cell_radius, special, timeouts},
};
use domain::{ErrorCode, ModelCode, SourceId, TrackerId, TripDetection};
use std::collections::BTreeMap;
use store::catalog::{Catalog, CatalogError, IgnitionSensor};
use telemetry::{SourceSettings, sensor::ignition_source};

impl Fleet {
    /// What is in force.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub fn trip_detection(&self, caller: &UserCaller, id: TrackerId) -> Result<TripDetection, Failure> {
        let view = self.unblocked(caller, id)?;
        Ok(self.live.settings(view.source.id).trips)
    }

    /// Live movement follows with the next record; tracks of the past are cut anew at once.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`; `NotAllowedForClones`: the source is another account's.
    pub async fn set_trip_detection(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        trips: TripDetection,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.unblocked(caller, id)?;
        if view.tracker.clone {
            return Err(ErrorCode::NotAllowedForClones.into());
        }
        let source = view.source.id;
        self.catalog.set_trip_detection(source, &trips).await?;
        self.live.set_settings(source, SourceSettings { trips, ..self.live.settings(source) });
        Ok(())
    }

    /// A tracker that the caller sees, and whose device is not blocked.
    pub(crate) fn unblocked(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id).map_err(|_| ErrorCode::EntityNotFound)?;
        if view.source.blocked { Err(ErrorCode::DeviceBlocked.into()) } else { Ok(view) }
    }
}

/// The settings of every source that has others than `defaults`, for the live state to start with.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn source_settings(
    catalog: &Catalog,
    defaults: SourceSettings,
) -> Result<Vec<(SourceId, SourceSettings)>, CatalogError> {
    let mut settings = BTreeMap::new();
    for (source, trips) in catalog.trip_detections().await? {
        settings.insert(source, SourceSettings { trips, ..defaults });
    }
    for setting in catalog.source_settings_of_kind(&special(DEVICE_STATUS)).await? {
        let of_source = settings.entry(setting.source).or_insert(defaults);
        of_source.timeouts = timeouts(&setting.value, defaults.timeouts);
    }
    for setting in catalog.source_settings_of_kind(LBS).await? {
        let of_source = settings.entry(setting.source).or_insert(defaults);
        of_source.cell_radius = cell_radius(&setting.value, defaults.cell_radius);
    }
    let mut ignitions = BTreeMap::<_, (String, Vec<_>)>::new();
    for IgnitionSensor { source, model, sensor } in catalog.ignition_sensors().await? {
        ignitions.entry(source).or_insert((model, Vec::new())).1.push(sensor);
    }
    for (source, (model, sensors)) in ignitions {
        if let Some(model) = ModelCode::find(&model) {
            let ignition = ignition_source(&sensors, model.model());
            settings.entry(source).or_insert(defaults).ignition = ignition;
        }
    }
    Ok(settings.into_iter().collect())
}
