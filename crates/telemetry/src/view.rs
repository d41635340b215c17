//! What is known of a source now, as `tracker/get_state` answers it: computed from the state and the device model.
//! Dates stay timestamps; the API formats them.

use crate::{
    SourceSettings, connection_status,
    fold::is_precise,
    sensor::{latest_ignition, switches},
    vocabulary::vocabulary,
};
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
    pub name: InputName,
    pub value: String,
    pub updated: Timestamp,
}

impl StateView {
    pub fn of(
        source: SourceId,
        state: &State,
        model: &DeviceModel,
        now: Timestamp,
        settings: &SourceSettings,
    ) -> Self {
        let words = vocabulary();
        let (inputs, inputs_update) = switches(state, &words.inputs, model.digital_inputs);
        let (outputs, outputs_update) = switches(state, &words.outputs, model.digital_outputs);
        let (battery_level, battery_update) = battery(state, model);
        let ignition = latest_ignition(state, &settings.ignition);
        Self {
            source_id: source,
            gps: gps(state, model, settings),
            connection_status: connection_status(state, now, &settings.timeouts),
            movement_status: state.movement.status,
            last_update: last_update(state, settings),
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
            ignition: ignition.map(|(on, _)| on),
            ignition_update: ignition.map(|(_, time)| time),
        }
    }
}

/// The newest fix of the device's own receiver (`tracker/get_last_gps_point`). Positions from cells are no GPS points.
pub fn last_gps_point(state: &State) -> Option<&LatestFix> {
    state.fix.as_ref()
}

/// Where a source is now: its newest fix, or its position from cells if that is newer and precise enough.
pub fn position(state: &State, settings: &SourceSettings) -> Option<LatestFix> {
    let cells = state.cell_fix.filter(|latest| is_precise(&latest.fix, settings));
    match (state.fix, cells) {
        (Some(gnss), Some(cells)) if cells.time > gnss.time => Some(cells),
        (gnss, cells) => gnss.or(cells),
    }
}

fn gps(state: &State, model: &DeviceModel, settings: &SourceSettings) -> GpsView {
    let position = position(state, settings);
    let fix = position.map(|latest| latest.fix);
    let whole_metres = |metres: Metres| metres.0.round() as i32;
    let altitude = fix.and_then(|fix| fix.altitude).map_or(0, whole_metres);
    GpsView {
        updated: position.map(|latest| latest.time),
        signal_level: fix.and_then(|fix| fix.satellites).filter(|_| model.satellites).map(gps_signal),
        location: fix.map(|fix| fix.coordinates),
        heading: fix.and_then(|fix| fix.heading).map_or(0, |heading| heading.degrees()),
        speed: fix.and_then(|fix| fix.speed).map_or(0, |speed| speed.kmh().round() as i32),
        alt: model.altitude.then_some(altitude),
        precision: fix.and_then(|fix| fix.precision).map(whole_metres).filter(|metres| *metres != 0),
        gsm_lbs: fix.is_some_and(|fix| fix.source == PositionSource::Cells),
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

fn additional(state: &State, model: &DeviceModel) -> Vec<Additional> {
    let known = model.state_fields.inputs().iter().filter_map(|name| state.value(*name));
    known
        .map(|LatestValue { name, time, value }| Additional {
            name: *name,
            value: value.to_string(),
            updated: *time,
        })
        .collect()
}

fn last_update(state: &State, settings: &SourceSettings) -> Option<Timestamp> {
    let values = state.values().iter().map(|value| value.time);
    let fixes = [state.fix, position(state, settings)].into_iter().flatten().map(|fix| fix.time);
    let movement = [state.movement.since, state.movement.last_moved].into_iter().flatten();
    values.chain(fixes).chain(movement).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Battery, Fix, Heading, ModelCode, Movement, Speed};

    /// A model that can tell everything, and some of it.
    fn model() -> DeviceModel {
        DeviceModel {
            digital_inputs: 3,
            digital_outputs: 2,
            satellites: true,
            altitude: true,
            gsm_level: true,
            gsm_network: true,
            gsm_roaming: true,
            battery: Some(Battery { min_charge: 3.4, low_charge: 3.7, max_charge: 4.4 }),
            state_fields: Vec::from(["moving", "hardware_key", "event_code"].map(Into::into)).into(),
            ..ModelCode::find("telfmb920").unwrap().model().clone()
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn with(values: &[(&str, i64, Value)]) -> State {
        let mut state = State::default();
        for (name, time, value) in values {
            state.put(InputName::find(name).unwrap(), at(*time), value);
        }
        state
    }

    fn view(state: &State, model: &DeviceModel) -> StateView {
        StateView::of(SourceId(7), state, model, at(100), &SourceSettings::default())
    }

    fn fix() -> Fix {
        Fix {
            speed: Some(Speed::from_kmh(63.6)),
            heading: Some(Heading::from_degrees(304)),
            altitude: Some(Metres(269.6)),
            satellites: Some(7),
            precision: Some(Metres(0.4)),
            ..Fix::at(Coordinates::new(45.0888968, 10.0343262).unwrap())
        }
    }

    fn on_the_map(seconds: i64) -> State {
        let mut state = State::default();
        state.fix = Some(LatestFix { fix: fix(), time: at(seconds) });
        state
    }

    #[test]
    fn of_a_source_that_never_spoke() {
        let expected = StateView {
            source_id: SourceId(7),
            gps: GpsView {
                updated: None,
                signal_level: None,
                location: None,
                heading: 0,
                speed: 0,
                alt: Some(0),
                precision: None,
                gsm_lbs: false,
            },
            connection_status: ConnectionStatus::JustRegistered,
            movement_status: MovementStatus::Parked,
            last_update: None,
            gsm: Some(GsmView {
                updated: None,
                signal_level: Some(0),
                network_name: Some(String::new()),
                roaming: Some(false),
            }),
            battery_level: None,
            battery_update: None,
            inputs: vec![false; 3],
            inputs_update: None,
            outputs: vec![false; 2],
            outputs_update: None,
            additional: vec![],
            actual_track_update: None,
            movement_status_update: None,
            ignition: None,
            ignition_update: None,
        };
        assert_eq!(view(&State::default(), &model()), expected);
    }

    #[test]
    fn of_a_source_on_the_road() {
        let mut state = with(&[
            ("ignition", 90, true.into()),
            ("gsm_signal_level", 91, 35.into()),
            ("gsm_network_name", 92, "T-Mobile".into()),
            ("battery_voltage", 93, 4.0.into()),
            ("digital_input_2", 94, true.into()),
            ("output_status", 95, 0b10.into()),
            ("moving", 96, 1.into()),
            ("hardware_key", 97, "7427A0".into()),
        ]);
        state.fix = Some(LatestFix { fix: fix(), time: at(98) });
        state.connection.last_packet = Some(at(99));
        state.connection.last_message = Some(at(99));
        state.connection.last_current = Some(at(99));
        state.movement = Movement {
            status: MovementStatus::Moving,
            since: Some(at(60)),
            last_moved: Some(at(98)),
            ..Movement::default()
        };
        let additional = |name: &str, value: &str, seconds| Additional {
            name: InputName::find(name).unwrap(),
            value: value.into(),
            updated: at(seconds),
        };
        let expected = StateView {
            source_id: SourceId(7),
            gps: GpsView {
                updated: Some(at(98)),
                signal_level: Some(70),
                location: Coordinates::new(45.0888968, 10.0343262),
                heading: 304,
                speed: 64,
                alt: Some(270),
                precision: None,
                gsm_lbs: false,
            },
            connection_status: ConnectionStatus::Active,
            movement_status: MovementStatus::Moving,
            last_update: Some(at(98)),
            gsm: Some(GsmView {
                updated: Some(at(92)),
                signal_level: Some(35),
                network_name: Some("T-Mobile".into()),
                roaming: Some(false),
            }),
            battery_level: Some(60),
            battery_update: Some(at(93)),
            inputs: vec![false, true, false],
            inputs_update: Some(at(94)),
            outputs: vec![false, true],
            outputs_update: Some(at(95)),
            additional: vec![additional("moving", "1", 96), additional("hardware_key", "7427A0", 97)],
            actual_track_update: Some(at(98)),
            movement_status_update: Some(at(60)),
            ignition: Some(true),
            ignition_update: Some(at(90)),
        };
        assert_eq!(view(&state, &model()), expected);
    }

    #[test]
    fn what_the_model_cannot_tell_is_null() {
        let state = on_the_map(1);
        let mute = DeviceModel {
            satellites: false,
            altitude: false,
            gsm_level: false,
            gsm_network: false,
            gsm_roaming: false,
            battery: None,
            ..model()
        };
        let shown = view(&state, &mute);
        assert_eq!((shown.gps.signal_level, shown.gps.alt, shown.gsm), (None, None, None));

        let shown = view(
            &with(&[("gsm_roaming", 5, true.into()), ("battery_voltage", 6, 4.0.into())]),
            &DeviceModel { gsm_roaming: true, ..mute },
        );
        let gsm =
            GsmView { updated: Some(at(5)), signal_level: None, network_name: None, roaming: Some(true) };
        assert_eq!(shown.gsm, Some(gsm));
        assert_eq!((shown.battery_level, shown.battery_update), (None, None));
    }

    #[test]
    fn a_position_from_cells_is_no_gps_point() {
        let from_cells = Fix {
            precision: Some(Metres(850.0)),
            source: PositionSource::Cells,
            ..Fix::at(Coordinates::new(45.1, 10.1).unwrap())
        };
        let mut state = on_the_map(10);
        // The time of the position from cells, the radius that counts, and whether it is shown.
        for (time, radius, is_shown) in
            [(20, 850.0, true), (20, 849.0, false), (10, 850.0, false), (9, 10_000.0, false)]
        {
            state.cell_fix = Some(LatestFix { fix: from_cells, time: at(time) });
            let settings = SourceSettings { cell_radius: Metres(radius), ..SourceSettings::default() };
            let shown = StateView::of(SourceId(7), &state, &model(), at(100), &settings);
            let GpsView { updated, location, precision, gsm_lbs, signal_level, .. } = shown.gps;
            let place = (updated, location, precision, signal_level);
            let expected = match is_shown {
                true => (Some(at(20)), Coordinates::new(45.1, 10.1), Some(850), None),
                false => (Some(at(10)), Some(fix().coordinates), None, Some(70)),
            };
            assert_eq!((place, gsm_lbs), (expected, is_shown), "{time} {radius}");
            assert_eq!(shown.last_update, updated);
            assert_eq!(last_gps_point(&state).unwrap().time, at(10));
        }
    }

    #[test]
    fn battery_levels() {
        for (level, voltage, expected) in [
            (None, None, None),
            (Some((1, 80.4)), None, Some((80, 1))),
            (Some((1, 800.0)), None, Some((100, 1))),
            (None, Some((1, 3.0)), Some((0, 1))),
            (None, Some((1, 3.9)), Some((50, 1))),
            (None, Some((1, 5.0)), Some((100, 1))),
            (Some((1, 80.0)), Some((2, 3.9)), Some((50, 2))),
            (Some((2, 80.0)), Some((2, 3.9)), Some((80, 2))),
        ] {
            let mut values = vec![];
            values.extend(level.map(|(time, value)| ("battery_level", time, Value::Float(value))));
            values.extend(voltage.map(|(time, value)| ("battery_voltage", time, Value::Float(value))));
            let shown = view(&with(&values), &model());
            let expected = expected.map(|(level, time)| (level, at(time)));
            assert_eq!(shown.battery_level.zip(shown.battery_update), expected, "{level:?} {voltage:?}");
        }
    }

    #[test]
    fn gps_signal_levels() {
        for (satellites, expected) in [(0, 0), (2, 20), (9, 90), (10, 100), (15, 100), (255, 100)] {
            assert_eq!(gps_signal(satellites), expected, "{satellites}");
        }
    }

    #[test]
    fn switches_come_one_by_one_or_as_bits() {
        type Row<'a> = (&'a [(&'a str, i64, Value)], [bool; 3], Option<i64>);
        let table: &[Row] = &[
            (&[("input_status", 5, Value::Int(0b101))], [true, false, true], Some(5)),
            (&[("input_status", 5, Value::Int(0))], [false; 3], Some(5)),
            (&[("digital_input_3", 4, Value::Int(1))], [false, false, true], Some(4)),
            // The model has three inputs, whatever the device sends.
            (&[("digital_input_4", 4, Value::Flag(true))], [false; 3], None),
            (
                &[("input_status", 5, Value::Int(0b001)), ("digital_input_1", 6, Value::Flag(false))],
                [false; 3],
                Some(6),
            ),
            (
                &[("input_status", 7, Value::Int(0b001)), ("digital_input_1", 6, Value::Flag(false))],
                [true, false, false],
                Some(7),
            ),
        ];
        for (values, inputs, updated) in table {
            let shown = view(&with(values), &model());
            assert_eq!((&*shown.inputs, shown.inputs_update), (&inputs[..], updated.map(at)), "{values:?}");
        }
    }
}
