//! What is known of a source now, as `tracker/get_state` answers it: computed from the state and the device model.
//! Dates stay timestamps; the API formats them.

use crate::{SourceSettings, connection_status, vocabulary::Switches, vocabulary::vocabulary};
use domain::{
    ConnectionStatus, Coordinates, DeviceModel, InputName, LatestFix, LatestValue, Metres, MovementStatus,
    PositionSource, SourceId, State, Timestamp, Value,
};

/// The state object of the API. `None` is an explicit null unless said otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct StateView {
    pub source_id: SourceId,
    pub gps: GpsView,
    pub connection_status: ConnectionStatus,
    pub movement_status: MovementStatus,
    /// Not before any other date of the state.
    pub last_update: Option<Timestamp>,
    /// `None` when the device model cannot tell anything about the network.
    pub gsm: Option<GsmView>,
    /// Percent.
    pub battery_level: Option<u8>,
    pub battery_update: Option<Timestamp>,
    /// Input 1 first; as many as the device model has.
    pub inputs: Vec<bool>,
    pub inputs_update: Option<Timestamp>,
    /// Output 1 first; as many as the device model has.
    pub outputs: Vec<bool>,
    pub outputs_update: Option<Timestamp>,
    /// The state fields of the device model that have a value, in its order. Omitted when empty.
    pub additional: Vec<Additional>,
    pub actual_track_update: Option<Timestamp>,
    pub movement_status_update: Option<Timestamp>,
    pub ignition: Option<bool>,
    pub ignition_update: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GpsView {
    pub updated: Option<Timestamp>,
    /// Percent; `None` when the device does not tell.
    pub signal_level: Option<u8>,
    /// `None` before the first position.
    pub location: Option<Coordinates>,
    /// Degrees; 0 when the device does not tell.
    pub heading: u16,
    /// km/h; 0 when the device does not tell.
    pub speed: i32,
    /// Metres; `None` when the device model has no altitude.
    pub alt: Option<i32>,
    /// Metres. Omitted when `None`.
    pub precision: Option<i32>,
    /// Whether the position was learned from cells. Omitted when false.
    pub gsm_lbs: bool,
}

/// What the device model cannot tell is `None`; what it can and has not told yet is 0, empty or false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GsmView {
    pub updated: Option<Timestamp>,
    /// Percent.
    pub signal_level: Option<u8>,
    pub network_name: Option<String>,
    pub roaming: Option<bool>,
}

/// A state field. The API prints every value as a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Additional {
    pub name: &'static str,
    pub value: String,
    pub updated: Timestamp,
}

impl StateView {
    pub fn of(
        source: SourceId,
        state: &State,
        model: &'static DeviceModel,
        now: Timestamp,
        settings: &SourceSettings,
    ) -> Self {
        let words = vocabulary();
        let (inputs, inputs_update) = switches(state, &words.inputs, model.digital_inputs);
        let (outputs, outputs_update) = switches(state, &words.outputs, model.digital_outputs);
        let (battery_level, battery_update) = battery(state, model);
        let ignition = state.value(words.ignition);
        Self {
            source_id: source,
            gps: gps(state, model),
            connection_status: connection_status(state, now, &settings.timeouts),
            movement_status: state.movement.status,
            last_update: last_update(state),
            gsm: gsm(state, model),
            battery_level,
            battery_update,
            inputs,
            inputs_update,
            outputs,
            outputs_update,
            additional: additional(state, model),
            actual_track_update: state.movement.last_moved,
            movement_status_update: state.movement.since,
            ignition: ignition.and_then(|ignition| ignition.value.flag()),
            ignition_update: ignition.map(|ignition| ignition.time),
        }
    }
}

/// The newest fix of the device's own receiver (`tracker/get_last_gps_point`). Positions from cells are no GPS points.
pub fn last_gps_point(state: &State) -> Option<&LatestFix> {
    state.fix.as_ref()
}

fn gps(state: &State, model: &DeviceModel) -> GpsView {
    let position = state.position();
    let fix = position.map(|(latest, _)| latest.fix);
    let whole_metres = |metres: Metres| metres.0.round() as i32;
    let altitude = fix.and_then(|fix| fix.altitude).map_or(0, whole_metres);
    GpsView {
        updated: position.map(|(latest, _)| latest.time),
        signal_level: fix.and_then(|fix| fix.satellites).filter(|_| model.satellites).map(gps_signal),
        location: fix.map(|fix| fix.coordinates),
        heading: fix.and_then(|fix| fix.heading).map_or(0, |heading| heading.degrees()),
        speed: fix.and_then(|fix| fix.speed).map_or(0, |speed| speed.kmh().round() as i32),
        alt: model.altitude.then_some(altitude),
        precision: fix.and_then(|fix| fix.precision).map(whole_metres).filter(|metres| *metres != 0),
        gsm_lbs: matches!(position, Some((_, PositionSource::Cells))),
    }
}

/// Ten satellites are as good as it gets.
fn gps_signal(satellites: u8) -> u8 {
    satellites.saturating_mul(10).min(100)
}

fn gsm(state: &State, model: &DeviceModel) -> Option<GsmView> {
    let words = vocabulary();
    let ask = |can: bool, name: InputName| can.then(|| state.value(name));
    let level = ask(model.gsm_level, words.gsm_signal_level);
    let network = ask(model.gsm_network, words.gsm_network_name);
    let roaming = ask(model.gsm_roaming, words.gsm_roaming);
    if level.is_none() && network.is_none() && roaming.is_none() {
        return None;
    }
    Some(GsmView {
        updated: [level, network, roaming].into_iter().flatten().flatten().map(|known| known.time).max(),
        signal_level: level.map(|known| known.and_then(|known| percent(&known.value)).unwrap_or(0)),
        network_name: network.map(|known| known.map_or_else(String::new, |known| known.value.to_string())),
        roaming: roaming.map(|known| known.and_then(|known| known.value.flag()).unwrap_or(false)),
    })
}

/// The charge as the device reports it, or computed from its voltage, whichever is newer.
fn battery(state: &State, model: &DeviceModel) -> (Option<u8>, Option<Timestamp>) {
    let words = vocabulary();
    let reported =
        state.value(words.battery_level).and_then(|known| Some((known.time, percent(&known.value)?)));
    let computed = state.value(words.battery_voltage).and_then(|known| {
        let battery = model.battery?;
        Some((known.time, battery.percent(known.value.number()?)))
    });
    let newest = match (reported, computed) {
        (Some(reported), Some(computed)) if computed.0 > reported.0 => Some(computed),
        (reported, computed) => reported.or(computed),
    };
    (newest.map(|(_, level)| level), newest.map(|(time, _)| time))
}

fn percent(value: &Value) -> Option<u8> {
    value.number().map(|number| number.round().clamp(0.0, 100.0) as u8)
}

/// The first `count` switches, and when any of them was last reported. One that was never reported is off.
fn switches(state: &State, names: &Switches, count: u8) -> (Vec<bool>, Option<Timestamp>) {
    let mask = state.value(names.mask).and_then(|known| match known.value {
        Value::Int(bits) => Some((known.time, bits)),
        _ => None,
    });
    let switch = |number: u32| -> Option<(Timestamp, bool)> {
        let own = names.each.member(number).and_then(|name| state.value(name));
        let own = own.and_then(|known| Some((known.time, known.value.flag()?)));
        let bit =
            mask.map(|(time, bits)| (time, bits.checked_shr(number - 1).is_some_and(|bits| bits & 1 == 1)));
        match (own, bit) {
            (Some(own), Some(bit)) if bit.0 > own.0 => Some(bit),
            (own, bit) => own.or(bit),
        }
    };
    let known: Vec<_> = (1..=u32::from(count)).map(switch).collect();
    let updated = known.iter().flatten().map(|(time, _)| *time).max();
    (known.into_iter().map(|known| known.is_some_and(|(_, on)| on)).collect(), updated)
}

fn additional(state: &State, model: &'static DeviceModel) -> Vec<Additional> {
    let field = |name: &'static str| {
        let LatestValue { time, value, .. } = state.value(InputName::find(name)?)?;
        Some(Additional { name, value: value.to_string(), updated: *time })
    };
    model.state_fields.iter().filter_map(|name| field(name)).collect()
}

fn last_update(state: &State) -> Option<Timestamp> {
    let values = state.values().iter().map(|value| value.time);
    let fixes = [state.fix, state.cell_fix].into_iter().flatten().map(|fix| fix.time);
    let movement = [state.movement.since, state.movement.last_moved].into_iter().flatten();
    values.chain(fixes).chain(movement).max()
}
