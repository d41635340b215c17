//! Sensors: what users define on the inputs of their trackers. They belong to the source, so a clone has those of the
//! tracker it was made of, and cannot change them.

mod cache;
mod data;
mod input_names;
mod readings;

pub(crate) use cache::SensorCache;
pub use data::{DataKind, SensorValue, SensorValues};
pub use input_names::{InputDescription, input_descriptions};
pub use readings::{
    Components, Diagnostics, InputsView, MeterReading, Meters, Readings, ReadingsFilter, SensorTypeFilter,
    StateField, SwitchReading, VirtualSensorReading,
};

use crate::{Failure, Fleet, ParameterError, TrackerView, UserCaller};
use domain::{
    CalibrationPoint, ErrorCode, Metering, MeteringInput, ModelCode, NewSensor, Sensor, SensorId, SensorKind,
    SensorOrigin, SourceId, TrackerId,
};
use std::sync::Arc;
use telemetry::{SourceSettings, sensor::ignition_source};

/// More trackers in one call answer 221.
pub const BATCH_TRACKERS: usize = 500;

impl Fleet {
    /// By ascending id.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub async fn sensors(&self, caller: &UserCaller, tracker: TrackerId) -> Result<Arc<[Sensor]>, Failure> {
        let view = self.readable(caller, tracker)?;
        self.sensors_of(view.source.id).await
    }

    /// Of each tracker, in the order of the question.
    ///
    /// # Errors
    /// `DeviceLimitExceeded` for more than 500; `ListHasNonexistent`, also for a blocked one.
    pub async fn sensors_of_all(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
    ) -> Result<Vec<(TrackerId, Arc<[Sensor]>)>, Failure> {
        let mut all = Vec::new();
        for view in self.all_readable(caller, trackers)? {
            all.push((view.tracker.id, self.sensors_of(view.source.id).await?));
        }
        Ok(all)
    }

    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `InvalidParameters` for parents that are none; `InputInUse`,
    /// `TooManySensors`.
    pub async fn create_sensor(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        name: String,
        kind: SensorKind,
    ) -> Result<SensorId, Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker)?;
        let sensors = self.sensors_of(view.source.id).await?;
        check_parents(&kind, &sensors, None)?;
        // A metering sensor that came with the device gives way to one that its user makes; nobody would know why not.
        let former = sensors.iter().find(|sensor| sensor.kind.shares_input_with(&kind));
        let instead_of = match (former, &kind) {
            (None, _) => None,
            (Some(former), SensorKind::Metering(_)) if former.origin == SensorOrigin::Registration => {
                Some(former.id)
            }
            (Some(_), _) => return Err(ErrorCode::InputInUse.into()),
        };
        let others = sensors.iter().filter(|sensor| Some(sensor.id) != instead_of);
        if of_type(others, &kind) >= kind.most() {
            return Err(ErrorCode::TooManySensors.into());
        }
        let new = NewSensor { name, origin: SensorOrigin::User, kind };
        let by_fixes = self.odometer_by_fixes(&view).await?;
        let id = self.catalog.create_sensor(view.source.id, &new, instead_of, by_fixes.as_ref()).await?;
        self.sensors_changed(&view).await?;
        Ok(id)
    }

    /// What it was calibrated with stays.
    ///
    /// # Errors
    /// `NotFound`, also for the sensor; `NotAllowedForClones`, `DeviceBlocked`; `InvalidParameters` for another kind and
    /// for parents that are none; `InputInUse`, `TooManySensors`.
    pub async fn update_sensor(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        id: SensorId,
        name: String,
        mut kind: SensorKind,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker)?;
        let sensors = self.sensors_of(view.source.id).await?;
        let before = find(&sensors, id)?;
        match (&mut kind, &before.kind) {
            (SensorKind::Metering(metering), SensorKind::Metering(before)) => {
                metering.calibration.clone_from(&before.calibration);
            }
            (SensorKind::Discrete(_), SensorKind::Discrete(_))
            | (SensorKind::Virtual(_), SensorKind::Virtual(_)) => {}
            _ => return Err(Failure::parameter("sensor.type", "cannot be changed")),
        }
        check_parents(&kind, &sensors, Some(id))?;
        let others = || sensors.iter().filter(|sensor| sensor.id != id);
        if others().any(|sensor| sensor.kind.shares_input_with(&kind)) {
            return Err(ErrorCode::InputInUse.into());
        }
        if of_type(others(), &kind) >= kind.most() {
            return Err(ErrorCode::TooManySensors.into());
        }
        let sensor = Sensor { id, name, origin: SensorOrigin::User, kind };
        self.catalog.update_sensor(view.source.id, &sensor).await?;
        self.sensors_changed(&view).await
    }

    /// Composite sensors lose it as a parent.
    ///
    /// # Errors
    /// `NotFound`, also for the sensor; `NotAllowedForClones`, `DeviceBlocked`.
    pub async fn delete_sensor(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        id: SensorId,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker)?;
        let sensors = self.sensors_of(view.source.id).await?;
        find(&sensors, id)?;
        let is_child = |sensor: &&Sensor| sensor.parents().is_some_and(|parents| parents.contains(&id));
        let mut orphans: Vec<_> = sensors.iter().filter(is_child).cloned().collect();
        orphans.iter_mut().for_each(|sensor| sensor.forget_parents(|parent| parent == id));
        let by_fixes = self.odometer_by_fixes(&view).await?;
        self.catalog.delete_sensor(view.source.id, id, &orphans, by_fixes.as_ref()).await?;
        self.sensors_changed(&view).await
    }

    /// Gives the targets copies of the base's sensors in the place of their own.
    ///
    /// # Errors
    /// `NotFound` for any tracker; `NotAllowedForClones` for a target; `DeviceBlocked`; `DifferentModels`.
    pub async fn copy_sensors(
        &self,
        caller: &UserCaller,
        base: TrackerId,
        targets: &[TrackerId],
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let base = self.readable(caller, base)?;
        let targets = targets.iter().map(|id| self.tracker(caller, *id)).collect::<Result<Vec<_>, _>>()?;
        if targets.iter().any(|view| view.tracker.clone) {
            return Err(ErrorCode::NotAllowedForClones.into());
        }
        if targets.iter().any(|view| view.source.blocked) {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        if targets.iter().any(|view| view.source.model != base.source.model) {
            return Err(ErrorCode::DifferentModels.into());
        }
        let sensors = self.sensors_of(base.source.id).await?;
        // To itself there is nothing to copy.
        let targets: Vec<_> = targets.into_iter().filter(|view| view.source.id != base.source.id).collect();
        let mut sources = Vec::with_capacity(targets.len());
        for view in &targets {
            sources.push((view.source.id, self.odometer_by_fixes(view).await?));
        }
        self.catalog.copy_sensors(&sensors, &sources).await?;
        for view in &targets {
            self.sensors_changed(view).await?;
        }
        Ok(())
    }

    /// # Errors
    /// `NotFound`, also for the sensor; `DeviceBlocked`; `UnsupportedBySensor` when it measures nothing.
    pub async fn calibration(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        id: SensorId,
    ) -> Result<Vec<CalibrationPoint>, Failure> {
        let sensors = self.sensors(caller, tracker).await?;
        match &find(&sensors, id)?.kind {
            SensorKind::Metering(metering) => Ok(metering.calibration.clone()),
            _ => Err(ErrorCode::UnsupportedBySensor.into()),
        }
    }

    /// # Errors
    /// `NotFound`, also for the sensor; `NotAllowedForClones`, `DeviceBlocked`; `UnsupportedBySensor` when it measures
    /// nothing.
    pub async fn set_calibration(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        id: SensorId,
        table: Vec<CalibrationPoint>,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker)?;
        let sensors = self.sensors_of(view.source.id).await?;
        let mut sensor = find(&sensors, id)?.clone();
        let SensorKind::Metering(metering) = &mut sensor.kind else {
            return Err(ErrorCode::UnsupportedBySensor.into());
        };
        metering.calibration = table;
        sensor.origin = SensorOrigin::User;
        self.catalog.update_sensor(view.source.id, &sensor).await?;
        self.sensors_changed(&view).await
    }

    /// The sensors of a source.
    pub(crate) async fn sensors_of(&self, source: SourceId) -> Result<Arc<[Sensor]>, Failure> {
        let since = match self.sensors.find(source) {
            Ok(known) => return Ok(known),
            Err(since) => since,
        };
        let read: Arc<[Sensor]> = self.catalog.sensors_of(source).await?.into();
        self.sensors.keep(source, &read, since);
        Ok(read)
    }

    /// What was changed in the catalog counts from now on. Call it while holding the account's turn.
    pub(crate) async fn sensors_changed(&self, view: &TrackerView) -> Result<(), Failure> {
        let source = view.source.id;
        self.sensors.forget(source);
        self.watchers.readings_changed(source);
        let sensors = self.sensors_of(source).await?;
        if let Some(model) = ModelCode::find(&view.source.model) {
            let ignition = ignition_source(&sensors, model.model());
            let settings = self.live.settings(source);
            if settings.ignition != ignition {
                self.live.set_settings(source, SourceSettings { ignition, ..settings });
            }
        }
        Ok(())
    }

    /// A tracker that the caller sees, and whose device is not blocked.
    pub(crate) fn readable(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id)?;
        if view.source.blocked { Err(ErrorCode::DeviceBlocked.into()) } else { Ok(view) }
    }

    /// One that is no clone, besides.
    pub(crate) fn changeable(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id)?;
        if view.tracker.clone {
            return Err(ErrorCode::NotAllowedForClones.into());
        }
        if view.source.blocked { Err(ErrorCode::DeviceBlocked.into()) } else { Ok(view) }
    }

    /// Each once, in the order of the question.
    pub(crate) fn all_readable(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
    ) -> Result<Vec<TrackerView>, Failure> {
        if trackers.len() > BATCH_TRACKERS {
            return Err(ErrorCode::DeviceLimitExceeded.into());
        }
        let mut views: Vec<TrackerView> = Vec::with_capacity(trackers.len());
        let mut asked = std::collections::HashSet::new();
        for id in trackers.iter().filter(|id| asked.insert(**id)) {
            let readable = self.readable(caller, *id);
            views.push(readable.map_err(|_| ErrorCode::ListHasNonexistent)?);
        }
        Ok(views)
    }
}

fn find(sensors: &[Sensor], id: SensorId) -> Result<&Sensor, Failure> {
    sensors.iter().find(|sensor| sensor.id == id).ok_or_else(|| ErrorCode::NotFound.into())
}

fn of_type<'a>(sensors: impl Iterator<Item = &'a Sensor>, kind: &SensorKind) -> usize {
    // Discrete and metering sensors have types of the same name.
    let same = |sensor: &&Sensor| {
        std::mem::discriminant(&sensor.kind) == std::mem::discriminant(kind)
            && sensor.kind.sensor_type() == kind.sensor_type()
    };
    sensors.filter(same).count()
}

/// Parents of a composite sensor measure themselves, and are not made of others.
fn check_parents(kind: &SensorKind, sensors: &[Sensor], own: Option<SensorId>) -> Result<(), Failure> {
    let SensorKind::Metering(Metering { input: MeteringInput::Composite { parents, .. }, .. }) = kind else {
        return Ok(());
    };
    let wrong = |parameter: &str, error: &str| {
        let error = ParameterError { parameter: parameter.to_owned(), error: error.to_owned() };
        Err(Failure::parameters(vec![error]))
    };
    let is_parent = |sensor: &Sensor| match &sensor.kind {
        SensorKind::Metering(metering) => matches!(metering.input, MeteringInput::Raw(_)),
        _ => false,
    };
    let fits = |id: &SensorId| {
        Some(*id) != own && sensors.iter().any(|sensor| sensor.id == *id && is_parent(sensor))
    };
    if !parents.iter().all(fits) {
        return wrong(
            "sensor.parameters.parent_ids",
            "must be metering sensors of this tracker that are not composite",
        );
    }
    let has_children = |own: SensorId| {
        sensors.iter().any(|sensor| sensor.parents().is_some_and(|parents| parents.contains(&own)))
    };
    if own.is_some_and(has_children) {
        return wrong("sensor.input_name", "cannot be composite: other sensors are computed from this one");
    }
    Ok(())
}
