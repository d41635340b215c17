//! Counters: what vehicles run up. They belong to the source, so a clone sees those of the tracker it was made of.

use crate::{
    Failure, Fleet, TrackerView, UserCaller,
    sensor::{DataKind, SensorValue},
};
use domain::{
    Counter, CounterRule, CounterType, ErrorCode, Metering, MeteringType, Sensor, SensorId, SensorKind,
    SourceId, State, Timestamp, Totals, TrackerId,
};
use std::ops::Range;
use store::history::Order;
use telemetry::{
    Counting, SourceSettings,
    sensor::{Reading, metering},
};

/// What a counter shows, and since when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CounterValue {
    pub counter_type: CounterType,
    pub value: f64,
    pub time: Timestamp,
}

/// A longer answer is refused.
const MOST_VALUES: usize = 200_000;
const TOO_LARGE: &str = "is too large for what was counted";

impl Fleet {
    /// # Errors
    /// `EntityNotFound`, also when there is no counter of the type; `NotAllowedForClones`, `DeviceBlocked`.
    pub async fn counter(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        counter_type: CounterType,
    ) -> Result<Counter, Failure> {
        let view = self.changeable(caller, tracker).map_err(entity)?;
        let counters = self.catalog.counters_of(view.source.id).await?;
        find(&counters, counter_type).copied()
    }

    /// Sets what corrects the counter and, of the odometer, which sensor counts; `None`: the fixes do. What it shows stays,
    /// unless a sensor takes over: then it shows what that says. Makes a counter that is not there.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`; `InvalidParameters` for the sensor, and for a multiplier
    /// that makes more of what was counted than a number holds.
    pub async fn update_counter(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        counter_type: CounterType,
        multiplier: f64,
        sensor: Option<SensorId>,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker).map_err(entity)?;
        let sensors = self.sensors_of(view.source.id).await?;
        if let Some(id) = sensor {
            let measures =
                |sensor: &Sensor| sensor.id == id && matches!(sensor.kind, SensorKind::Metering(_));
            if counter_type != CounterType::Odometer {
                return Err(Failure::parameter("sensor_id", "is for the odometer only"));
            }
            if !sensors.iter().any(measures) {
                return Err(Failure::parameter("sensor_id", "must be a metering sensor of this tracker"));
            }
        }
        let before = self.counter_rule(view.source.id, counter_type).await?;
        let earlier = self.earlier_totals(&view).await?;
        let shown = self.shown(&view, counter_type, &before, &sensors, &earlier).map(|shown| shown.value);
        let mut rule = CounterRule { multiplier, sensor, ..before };
        if sensor.is_some() && sensor != before.sensor {
            (rule.offset, rule.set_at) = (0.0, None);
        } else if let Some(shown) = shown {
            let reading = self.reading(&view, counter_type, &rule, &sensors, &earlier);
            let rule_shows = rule.showing(shown, reading.map_or(0.0, |reading| reading.value));
            rule = rule_shows.ok_or_else(|| Failure::parameter("multiplier", TOO_LARGE))?;
        }
        self.catalog.set_counter(view.source.id, counter_type, &rule).await?;
        self.watchers.readings_changed(view.source.id);
        Ok(())
    }

    /// Makes a counter that is not there.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`; `InvalidParameters` when what was counted is more than a
    /// number can be set off against.
    pub async fn set_counter_value(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        counter_type: CounterType,
        value: f64,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker).map_err(entity)?;
        let sensors = self.sensors_of(view.source.id).await?;
        let rule = self.counter_rule(view.source.id, counter_type).await?;
        let earlier = self.earlier_totals(&view).await?;
        let reading = self.reading(&view, counter_type, &rule, &sensors, &earlier);
        let rule = CounterRule { set_at: Some(self.now()), ..rule }
            .showing(value, reading.map_or(0.0, |reading| reading.value))
            .ok_or_else(|| Failure::parameter("value", TOO_LARGE))?;
        self.catalog.set_counter(view.source.id, counter_type, &rule).await?;
        self.watchers.readings_changed(view.source.id);
        Ok(())
    }

    /// Those that show something.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub async fn counters(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
    ) -> Result<Vec<CounterValue>, Failure> {
        let view = self.readable(caller, tracker).map_err(entity)?;
        self.counters_shown(&view).await
    }

    /// # Errors
    /// `EntityNotFound`, also when there is no counter of the type, or it shows nothing yet; `DeviceBlocked`.
    pub async fn counter_value(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        counter_type: CounterType,
    ) -> Result<f64, Failure> {
        let view = self.readable(caller, tracker).map_err(entity)?;
        self.value(&view, counter_type).await
    }

    /// Of each tracker, in the order of the question.
    ///
    /// # Errors
    /// `DeviceLimitExceeded` for more than 500; `ListHasNonexistent`, also for a blocked one; `EntityNotFound` when one
    /// of the counters shows nothing.
    pub async fn counter_values(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
        counter_type: CounterType,
    ) -> Result<Vec<(TrackerId, f64)>, Failure> {
        let mut values = Vec::new();
        for view in self.all_readable(caller, trackers)? {
            values.push((view.tracker.id, self.value(&view, counter_type).await?));
        }
        Ok(values)
    }

    /// What the counter showed in the past, by the rule of today: of the device that the tracker stands on now.
    ///
    /// # Errors
    /// `EntityNotFound`, also when there is no counter of the type; `DeviceBlocked`; `TimeSpanTooBig` for too many
    /// values.
    pub async fn counter_data(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        counter_type: CounterType,
        mut span: Range<Timestamp>,
    ) -> Result<Vec<(Timestamp, f64)>, Failure> {
        let view = self.readable(caller, tracker).map_err(entity)?;
        let counters = self.catalog.counters_of(view.source.id).await?;
        let rule = find(&counters, counter_type)?.rule;
        span.start = span.start.max(self.kept_from(caller, &view).await?);
        if span.start >= span.end {
            return Ok(Vec::new());
        }
        let sensors = self.sensors_of(view.source.id).await?;
        let counts = match (counter_type, rule.sensor) {
            (CounterType::EngineHours, _) | (CounterType::Odometer, None) => {
                return self.run_up(&view, counter_type, &rule, span).await;
            }
            (CounterType::Odometer, Some(id)) => sensors.iter().find(|sensor| sensor.id == id),
            (CounterType::FuelConsumed, _) => sensors.iter().find(|sensor| measures_fuel_consumed(sensor)),
        };
        let Some(sensor) = counts else { return Ok(Vec::new()) };
        let values = self.past(caller, &view, &sensors, sensor, span, DataKind::Computed).await?;
        let shown = |(time, value)| match value {
            SensorValue::Number(number) => {
                Some((time, rule.shown(number))).filter(|(_, shown)| shown.is_finite())
            }
            SensorValue::Text(_) => None,
        };
        Ok(values.into_iter().filter_map(shown).collect())
    }

    pub(crate) async fn counters_shown(&self, view: &TrackerView) -> Result<Vec<CounterValue>, Failure> {
        let sensors = self.sensors_of(view.source.id).await?;
        let counters = self.catalog.counters_of(view.source.id).await?;
        let earlier = self.earlier_totals(view).await?;
        let shown =
            |counter: &Counter| self.shown(view, counter.counter_type, &counter.rule, &sensors, &earlier);
        Ok(counters.iter().filter_map(shown).collect())
    }

    async fn value(&self, view: &TrackerView, counter_type: CounterType) -> Result<f64, Failure> {
        let shown = self.counters_shown(view).await?;
        let shown = shown.into_iter().find(|shown| shown.counter_type == counter_type);
        shown.map(|shown| shown.value).ok_or_else(|| ErrorCode::EntityNotFound.into())
    }

    async fn counter_rule(
        &self,
        source: SourceId,
        counter_type: CounterType,
    ) -> Result<CounterRule, Failure> {
        let counters = self.catalog.counters_of(source).await?;
        Ok(find(&counters, counter_type).map_or_else(|_| CounterRule::default(), |counter| counter.rule))
    }

    /// What the odometer goes on with if its sensor goes: the fixes count, from what it shows now on. `None` when they do
    /// already. Call it while holding the account's turn.
    pub(crate) async fn odometer_by_fixes(&self, view: &TrackerView) -> Result<Option<CounterRule>, Failure> {
        let odometer = CounterType::Odometer;
        let rule = self.counter_rule(view.source.id, odometer).await?;
        if rule.sensor.is_none() {
            return Ok(None);
        }
        self.catch_up().await;
        let sensors = self.sensors_of(view.source.id).await?;
        let earlier = self.earlier_totals(view).await?;
        let by_fixes = CounterRule { sensor: None, ..rule };
        let shown = self.shown(view, odometer, &rule, &sensors, &earlier);
        let counted = self.reading(view, odometer, &by_fixes, &sensors, &earlier);
        let counted = counted.map_or(0.0, |reading| reading.value);
        Ok(Some(shown.and_then(|shown| by_fixes.showing(shown.value, counted)).unwrap_or(by_fixes)))
    }

    /// Nothing when it counts by a sensor that is gone.
    fn shown(
        &self,
        view: &TrackerView,
        counter_type: CounterType,
        rule: &CounterRule,
        sensors: &[Sensor],
        earlier: &[Totals],
    ) -> Option<CounterValue> {
        if rule.sensor.is_some_and(|id| sensors.iter().all(|sensor| sensor.id != id)) {
            return None;
        }
        let reading = self.reading(view, counter_type, rule, sensors, earlier);
        let time = reading.map(|reading| reading.time).max(rule.set_at)?;
        let value = Some(rule.shown(reading.map_or(0.0, |reading| reading.value)));
        value.filter(|value| value.is_finite()).map(|value| CounterValue { counter_type, value, time })
    }

    /// What is counted, before the rule.
    fn reading(
        &self,
        view: &TrackerView,
        counter_type: CounterType,
        rule: &CounterRule,
        sensors: &[Sensor],
        earlier: &[Totals],
    ) -> Option<Reading> {
        let of_sensor = |state: &State, wanted: &dyn Fn(&Sensor) -> bool| {
            sensors.iter().filter(|sensor| wanted(sensor)).find_map(|sensor| match &sensor.kind {
                SensorKind::Metering(kind) => metering(kind, sensors, state),
                _ => None,
            })
        };
        let now = self.live.with_state(view.source.id, |state| match (counter_type, rule.sensor) {
            (CounterType::Odometer, Some(id)) => of_sensor(state, &|sensor| sensor.id == id),
            (CounterType::FuelConsumed, _) => of_sensor(state, &measures_fuel_consumed),
            (counter_type, _) => run_up(&state.totals, counter_type),
        });
        if counter_type == CounterType::FuelConsumed || rule.sensor.is_some() {
            return now?;
        }
        let all = earlier.iter().filter_map(|totals| run_up(totals, counter_type)).chain(now.flatten());
        all.reduce(|one, next| Reading { value: one.value + next.value, time: one.time.max(next.time) })
    }

    /// What the devices ran up that the tracker stood on before.
    async fn earlier_totals(&self, view: &TrackerView) -> Result<Vec<Totals>, Failure> {
        let spans = self.catalog.tracker_spans(view.tracker.account, view.tracker.id).await?;
        let earlier = spans.into_iter().map(|span| span.source).filter(|source| *source != view.source.id);
        Ok(earlier.filter_map(|source| self.live.with_state(source, |state| state.totals)).collect())
    }

    /// The source's own kilometres or hours: counted back from now, as live state counts them.
    async fn run_up(
        &self,
        view: &TrackerView,
        counter_type: CounterType,
        rule: &CounterRule,
        span: Range<Timestamp>,
    ) -> Result<Vec<(Timestamp, f64)>, Failure> {
        self.history_catches_up().await;
        let source = view.source.id;
        let SourceSettings { trips, ignition, .. } = self.live.settings(source);
        let mut counting = Counting::new(trips, ignition);
        let mut readings: Vec<Reading> = Vec::new();
        // What comes after the span is counted as well: it is what the counter has grown since.
        let until = Timestamp::from_millis(i64::MAX);
        let mut messages = self.history.read(source, span.start..until, Order::Ascending);
        while let Some(batch) = messages.next().await? {
            for record in &batch {
                counting.take(record);
                let reading = run_up(counting.totals(), counter_type).filter(|it| it.time < span.end);
                if let Some(reading) = reading
                    && readings.last().is_none_or(|last| last.time < reading.time)
                {
                    readings.push(reading);
                }
            }
            if readings.len() > MOST_VALUES {
                return Err(ErrorCode::TimeSpanTooBig.into());
            }
        }
        let counted = run_up(counting.totals(), counter_type).map_or(0.0, |reading| reading.value);
        let earlier = self.earlier_totals(view).await?;
        let now = self.reading(view, counter_type, rule, &[], &earlier);
        let before = now.map_or(0.0, |now| now.value) - counted;
        let shown = |reading: Reading| (reading.time, rule.shown(before + reading.value));
        Ok(readings.into_iter().map(shown).collect())
    }
}

fn run_up(totals: &Totals, counter_type: CounterType) -> Option<Reading> {
    match counter_type {
        CounterType::Odometer => totals.place.map(|(time, _)| Reading { value: totals.distance, time }),
        CounterType::EngineHours => {
            let hours = totals.engine.as_secs_f64() / 3600.0;
            totals.engine_until.map(|time| Reading { value: hours, time })
        }
        CounterType::FuelConsumed => None,
    }
}

fn measures_fuel_consumed(sensor: &Sensor) -> bool {
    match &sensor.kind {
        SensorKind::Metering(Metering { sensor_type, .. }) => *sensor_type == MeteringType::FuelConsumption,
        _ => false,
    }
}

fn find(counters: &[Counter], counter_type: CounterType) -> Result<&Counter, Failure> {
    let found = counters.iter().find(|counter| counter.counter_type == counter_type);
    found.ok_or_else(|| ErrorCode::EntityNotFound.into())
}

/// These actions call a tracker that is not there an entity.
pub(crate) fn entity(failure: Failure) -> Failure {
    if failure.code == ErrorCode::NotFound { ErrorCode::EntityNotFound.into() } else { failure }
}
