//! What the sensors of a tracker say now.

use crate::{CounterValue, Failure, Fleet, TrackerView, UserCaller, counter::entity};
use domain::{
    DeviceModel, DiscreteType, ErrorCode, InputName, LatestValue, MeasurementSystem, Metering, MeteringInput,
    MeteringType, ModelCode, Sensor, SensorId, SensorKind, SourceId, State, Timestamp, TrackerId, UnitsType,
    Value, VirtualType, diagnostic_states,
};
use std::{collections::HashMap, sync::Arc};
use store::history::Order;
use telemetry::sensor::{
    Reading, discrete, extent, metering, metering_value, switch_states, virtual_reading, was_discarded,
};

/// Which metering sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meters {
    /// Of type `fuel`, whatever they measure on.
    Fuel,
    /// On inputs of the vehicle's own computers, whatever their type.
    Diagnostic,
    /// All others.
    Other,
}

/// A metering sensor and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct MeterReading {
    pub sensor: SensorId,
    pub label: String,
    /// The user's label of the unit.
    pub units: String,
    pub input_name: String,
    pub sensor_type: MeteringType,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// `None` before anything was measured.
    pub reading: Option<Reading>,
    pub units_type: UnitsType,
    /// In the user's unit, when that is another one.
    pub converted: Option<(UnitsType, f64)>,
    /// The composite sensors that are computed from it.
    pub composites: Vec<SensorId>,
}

/// A discrete sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchReading {
    pub sensor_type: DiscreteType,
    pub name: String,
    pub on: bool,
    pub input_number: u8,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputsView {
    /// Input 1 first; as many as the device model has.
    pub inputs: Vec<bool>,
    pub states: Vec<SwitchReading>,
    pub updated: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VirtualSensorReading {
    pub sensor: SensorId,
    pub label: String,
    pub sensor_type: VirtualType,
    /// A title, or the value where it has none.
    pub value: String,
    pub time: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StateField {
    pub name: InputName,
    pub value: Value,
    pub time: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics {
    pub meters: Vec<MeterReading>,
    pub states: Vec<StateField>,
    pub updated: Option<Timestamp>,
}

/// All that a tracker says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    pub meters: Vec<MeterReading>,
    pub states: Vec<StateField>,
    pub virtual_sensors: Vec<VirtualSensorReading>,
    pub counters: Vec<CounterValue>,
}

/// What of the readings is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadingsFilter {
    pub sensor_type: Option<SensorTypeFilter>,
    pub components: Components,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorTypeFilter {
    Metering(MeteringType),
    Virtual(VirtualType),
}

/// Whether sensors are shown that composite ones are computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Components {
    #[default]
    Shown,
    Hidden,
}

/// So many messages are looked through for a value that counts, when the last ones are discarded.
const LOOK_BACK_MESSAGES: usize = 1000;

impl Fleet {
    /// Metering sensors of one kind and when the newest of them spoke.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub async fn meter_readings(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        meters: Meters,
    ) -> Result<(Vec<MeterReading>, Option<Timestamp>), Failure> {
        let view = self.readable(caller, tracker)?;
        let sensors = self.sensors_of(view.source.id).await?;
        let wanted = |metering: &Metering| match meters {
            Meters::Fuel => metering.sensor_type == MeteringType::Fuel,
            Meters::Diagnostic => metering.is_diagnostic(),
            Meters::Other => metering.sensor_type != MeteringType::Fuel && !metering.is_diagnostic(),
        };
        let readings = self.meters(&view, &sensors, system_of(caller), wanted).await?;
        let updated = readings.iter().filter_map(|meter| meter.reading).map(|reading| reading.time).max();
        Ok((readings, updated))
    }

    /// The vehicle's own sensors that have a value, and its states.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub async fn diagnostics(&self, caller: &UserCaller, tracker: TrackerId) -> Result<Diagnostics, Failure> {
        let (mut meters, mut updated) = self.meter_readings(caller, tracker, Meters::Diagnostic).await?;
        meters.retain(|meter| meter.reading.is_some());
        let view = self.readable(caller, tracker)?;
        let states = self.state_fields(&view);
        updated = updated.max(states.iter().map(|state| state.time).max());
        Ok(Diagnostics { meters, states, updated })
    }

    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub async fn inputs(&self, caller: &UserCaller, tracker: TrackerId) -> Result<InputsView, Failure> {
        let view = self.readable(caller, tracker)?;
        self.inputs_of(&view).await
    }

    /// Of each tracker, in the order of the question.
    ///
    /// # Errors
    /// `DeviceLimitExceeded` for more than 500; `ListHasNonexistent`, also for a blocked one.
    pub async fn inputs_of_all(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
    ) -> Result<Vec<(TrackerId, InputsView)>, Failure> {
        let mut all = Vec::new();
        for view in self.all_readable(caller, trackers)? {
            all.push((view.tracker.id, self.inputs_of(&view).await?));
        }
        Ok(all)
    }

    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub async fn readings(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        filter: ReadingsFilter,
    ) -> Result<Readings, Failure> {
        let view = self.readable(caller, tracker).map_err(entity)?;
        self.readings_of(caller, &view, filter).await
    }

    /// Of each tracker, in the order of the question.
    ///
    /// # Errors
    /// `DeviceLimitExceeded` for more than 500; `ListHasNonexistent`, also for a blocked one.
    pub async fn readings_of_all(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
        filter: ReadingsFilter,
    ) -> Result<Vec<(TrackerId, Readings)>, Failure> {
        let mut all = Vec::new();
        for view in self.all_readable(caller, trackers)? {
            all.push((view.tracker.id, self.readings_of(caller, &view, filter).await?));
        }
        Ok(all)
    }

    pub(crate) async fn readings_of(
        &self,
        caller: &UserCaller,
        view: &TrackerView,
        filter: ReadingsFilter,
    ) -> Result<Readings, Failure> {
        let sensors = self.sensors_of(view.source.id).await?;
        let of_type = |metering: &Metering| match filter.sensor_type {
            None => true,
            Some(SensorTypeFilter::Metering(wanted)) => metering.sensor_type == wanted,
            Some(SensorTypeFilter::Virtual(_)) => false,
        };
        let mut meters = self.meters(view, &sensors, system_of(caller), of_type).await?;
        if filter.components == Components::Hidden {
            meters.retain(|meter| meter.composites.is_empty());
        }
        let states = if filter.sensor_type.is_none() { self.state_fields(view) } else { Vec::new() };
        let virtual_of = |sensor: &Sensor, state: &State| match &sensor.kind {
            SensorKind::Virtual(kind)
                if filter
                    .sensor_type
                    .is_none_or(|wanted| wanted == SensorTypeFilter::Virtual(kind.sensor_type)) =>
            {
                let reading = virtual_reading(kind, state)?;
                Some(VirtualSensorReading {
                    sensor: sensor.id,
                    label: sensor.name.clone(),
                    sensor_type: kind.sensor_type,
                    value: reading.value,
                    time: reading.time,
                })
            }
            _ => None,
        };
        let virtual_sensors = self.with_state(view.source.id, |state| {
            sensors.iter().filter_map(|sensor| virtual_of(sensor, state)).collect()
        });
        let counters = match filter.sensor_type {
            None => self.counters_shown(view).await?,
            Some(_) => Vec::new(),
        };
        Ok(Readings { meters, states, virtual_sensors, counters })
    }

    async fn inputs_of(&self, view: &TrackerView) -> Result<InputsView, Failure> {
        let model = model_of(view)?;
        let sensors = self.sensors_of(view.source.id).await?;
        Ok(self.with_state(view.source.id, |state| {
            let (inputs, mut updated) = switch_states(state, model);
            let switch = |sensor: &Sensor| match sensor.kind {
                SensorKind::Discrete(kind) => {
                    let known = discrete(kind, model, state);
                    updated = updated.max(known.map(|(_, time)| time));
                    Some(SwitchReading {
                        sensor_type: kind.sensor_type,
                        name: sensor.name.clone(),
                        on: known.is_some_and(|(on, _)| on),
                        input_number: kind.input_number,
                    })
                }
                _ => None,
            };
            let states = sensors.iter().filter_map(switch).collect();
            InputsView { inputs, states, updated }
        }))
    }

    async fn meters(
        &self,
        view: &TrackerView,
        sensors: &Arc<[Sensor]>,
        system: MeasurementSystem,
        wanted: impl Fn(&Metering) -> bool,
    ) -> Result<Vec<MeterReading>, Failure> {
        let source = view.source.id;
        let wanted: Vec<_> = sensors
            .iter()
            .filter_map(|sensor| match &sensor.kind {
                SensorKind::Metering(kind) if wanted(kind) => Some((sensor, kind)),
                _ => None,
            })
            .collect();
        let now: Vec<_> = self.with_state(source, |state| {
            let reading =
                |(_, kind): &(_, &Metering)| (metering(kind, sensors, state), was_discarded(kind, state));
            wanted.iter().map(reading).collect()
        });
        let mut earlier = HashMap::new();
        let discarded = wanted.iter().zip(&now).filter(|(_, (_, discarded))| *discarded);
        let discarded: Vec<_> = discarded.map(|((sensor, kind), _)| (sensor.id, *kind)).collect();
        if !discarded.is_empty() {
            earlier = self.last_accepted(source, discarded).await?;
        }
        let composites = |id: SensorId| {
            let has = |sensor: &&Sensor| sensor.parents().is_some_and(|parents| parents.contains(&id));
            sensors.iter().filter(has).map(|sensor| sensor.id).collect()
        };
        let meter = |((sensor, kind), (reading, _)): ((&Sensor, &Metering), (Option<Reading>, bool))| {
            let reading = reading.or_else(|| earlier.get(&sensor.id).copied());
            let (min, max) = extent(kind);
            MeterReading {
                sensor: sensor.id,
                label: sensor.name.clone(),
                units: kind.units.clone(),
                input_name: kind.input_name(),
                sensor_type: kind.sensor_type,
                min,
                max,
                reading,
                units_type: kind.units_type,
                converted: reading.and_then(|reading| kind.units_type.converted(reading.value, system)),
                composites: composites(sensor.id),
            }
        };
        Ok(wanted.into_iter().zip(now).map(meter).collect())
    }

    /// The last values that counted, of sensors whose newest raw value does not: from history, not too far back.
    async fn last_accepted(
        &self,
        source: SourceId,
        mut wanted: Vec<(SensorId, &Metering)>,
    ) -> Result<HashMap<SensorId, Reading>, Failure> {
        self.history_catches_up().await;
        let mut found = HashMap::new();
        let mut looked_at = 0;
        let all = Timestamp::from_millis(i64::MIN)..Timestamp::from_millis(i64::MAX);
        let mut messages = self.history.read(source, all, Order::Descending);
        while !wanted.is_empty()
            && looked_at < LOOK_BACK_MESSAGES
            && let Some(batch) = messages.next().await?
        {
            looked_at += batch.len();
            for record in &batch {
                wanted.retain(|(id, kind)| {
                    let MeteringInput::Raw(name) = kind.input else { return false };
                    let raw = record.message.inputs.get(name).and_then(Value::number);
                    let Some(value) = raw.and_then(|raw| metering_value(kind, raw)) else { return true };
                    found.insert(*id, Reading { value, time: record.time });
                    false
                });
            }
        }
        Ok(found)
    }

    /// What the device last said of the states of its model, and of those that every vehicle may tell.
    fn state_fields(&self, view: &TrackerView) -> Vec<StateField> {
        let Some(model) = ModelCode::find(&view.source.model) else { return Vec::new() };
        let mut names = model.model().state_fields.inputs().to_vec();
        for name in diagnostic_states() {
            if !names.contains(name) {
                names.push(*name);
            }
        }
        self.with_state(view.source.id, |state| {
            let known = names.iter().filter_map(|name| state.value(*name));
            known
                .map(|LatestValue { name, time, value }| StateField {
                    name: *name,
                    value: value.clone(),
                    time: *time,
                })
                .collect()
        })
    }

    fn with_state<R>(&self, source: SourceId, read: impl FnOnce(&State) -> R) -> R {
        let mut read = Some(read);
        let known = self.live.with_state(source, |state| read.take().map(|read| read(state)));
        match (known.flatten(), read) {
            (Some(answer), _) => answer,
            (None, Some(read)) => read(&State::default()),
            (None, None) => unreachable!("the reader has answered"),
        }
    }
}

fn model_of(view: &TrackerView) -> Result<&'static DeviceModel, Failure> {
    ModelCode::find(&view.source.model).map(ModelCode::model).ok_or_else(|| ErrorCode::UnknownModel.into())
}

fn system_of(caller: &UserCaller) -> MeasurementSystem {
    MeasurementSystem::find(&caller.user.settings.measurement_system).unwrap_or_default()
}
