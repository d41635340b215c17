//! Sensors: what a user defines on the raw inputs of a source.

use crate::{DeviceModel, InputName, SensorId, UnitsType, units_type::rows};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    pub id: SensorId,
    /// Shown to the user; 0..=100 characters.
    pub name: String,
    pub origin: SensorOrigin,
    pub kind: SensorKind,
}

/// A sensor without an id yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSensor {
    pub name: String,
    pub origin: SensorOrigin,
    pub kind: SensorKind,
}

impl Sensor {
    /// The sensors that a composite one is computed from; `None` for every other one.
    pub fn parents(&self) -> Option<&[SensorId]> {
        match &self.kind {
            SensorKind::Metering(Metering { input: MeteringInput::Composite { parents, .. }, .. }) => {
                Some(parents)
            }
            _ => None,
        }
    }

    /// The composite sensor without one of its parents.
    pub fn forget_parents(&mut self, is_gone: impl Fn(SensorId) -> bool) {
        if let SensorKind::Metering(metering) = &mut self.kind
            && let MeteringInput::Composite { parents, .. } = &mut metering.input
        {
            parents.retain(|parent| !is_gone(*parent));
        }
    }
}

impl NewSensor {
    pub fn with_id(self, id: SensorId) -> Sensor {
        let Self { name, origin, kind } = self;
        Sensor { id, name, origin, kind }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorOrigin {
    /// It came with the device, and nobody has changed it.
    Registration,
    User,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    Metering(Metering),
    Discrete(Discrete),
    Virtual(VirtualSensor),
}

impl SensorKind {
    pub fn sensor_type(&self) -> &'static str {
        match self {
            Self::Metering(metering) => metering.sensor_type.as_str(),
            Self::Discrete(discrete) => discrete.sensor_type.as_str(),
            Self::Virtual(sensor) => sensor.sensor_type.as_str(),
        }
    }

    pub fn tells_ignition(&self) -> bool {
        match self {
            Self::Discrete(discrete) => discrete.sensor_type == DiscreteType::Ignition,
            Self::Virtual(sensor) => sensor.sensor_type == VirtualType::VirtualIgnition,
            Self::Metering(_) => false,
        }
    }

    /// How many sensors of this type one tracker may have.
    pub fn most(&self) -> usize {
        if self.tells_ignition() { 1 } else { 100 }
    }

    /// Whether both cannot be: two metering sensors on one input, two discrete ones on one number.
    pub fn shares_input_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Metering(one), Self::Metering(other)) => match (&one.input, &other.input) {
                (MeteringInput::Raw(one), MeteringInput::Raw(other)) => one == other,
                _ => false,
            },
            (Self::Discrete(one), Self::Discrete(other)) => one.input_number == other.input_number,
            _ => false,
        }
    }

    /// Whether a device of the model can feed it.
    pub fn fits(&self, model: &DeviceModel) -> bool {
        let has = |name: InputName| {
            let name = name.to_string();
            model.inputs.iter().chain(model.state_fields.iter()).any(|known| **known == *name)
        };
        match self {
            Self::Metering(Metering { input: MeteringInput::Raw(name), .. }) => has(*name),
            Self::Metering(Metering { input: MeteringInput::Composite { .. }, .. }) => true,
            Self::Discrete(discrete) => {
                discrete.input_number <= model.digital_inputs
                    || Some(discrete.input_number) == model.ignition_input()
            }
            Self::Virtual(sensor) => has(sensor.input),
        }
    }
}

/// Measures a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metering {
    pub sensor_type: MeteringType,
    pub input: MeteringInput,
    /// Raw values are divided by it; not 0.
    pub divider: f64,
    /// Percent of the tank, 0..=100: how large a leap of fuel must be to count as one. Does not change values.
    pub accuracy: f64,
    /// The user's label of the unit.
    pub units: String,
    pub units_type: UnitsType,
    pub parameters: MeteringParameters,
    /// Empty: none.
    pub calibration: Vec<CalibrationPoint>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeteringInput {
    Raw(InputName),
    /// Computed from the values of other metering sensors of the same tracker.
    Composite {
        parents: Vec<SensorId>,
        group: GroupType,
    },
}

/// A raw value (after the divider) and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    pub r#in: f64,
    pub out: f64,
}

/// All but the limits of raw values tell how leaps of fuel are found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeteringParameters {
    /// A raw value below it is no value.
    pub min: Option<f64>,
    /// A raw value above it is no value.
    pub max: Option<f64>,
    pub max_lowering_by_time: Option<f64>,
    pub max_lowering_by_mileage: Option<f64>,
    pub ignore_drains_in_move: Option<bool>,
    pub ignore_refuels_in_move: Option<bool>,
    pub refuel_gap_minutes: Option<i64>,
    pub volume: Option<f64>,
    pub custom_field_name: Option<bool>,
}

/// A switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrete {
    pub sensor_type: DiscreteType,
    /// 1..=8
    pub input_number: u8,
}

/// Computed from a raw value, and shown in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VirtualSensor {
    pub sensor_type: VirtualType,
    pub input: InputName,
    pub custom_field_name: Option<bool>,
    pub method: CalcMethod,
    /// Each value once, at most 100.
    pub titles: Vec<ValueTitle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalcMethod {
    /// 1 from `from` to `to`, both included; else 0. At least one bound is there.
    InRange { from: Option<f64>, to: Option<f64> },
    /// The value itself.
    Identity,
    /// One bit of a whole number; 1 is the lowest.
    BitIndex(u8),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueTitle {
    pub value: String,
    pub title: String,
}

/// Enums whose words are those of the API.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// `None` for an unknown word.
            pub fn find(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.as_str() == word)
            }
        }
    )*};
}

pub(crate) use words;

words! {
    MeteringType {
        Fuel = "fuel", Temperature = "temperature", Rpm = "rpm", Custom = "custom",
        FuelConsumption = "fuel_consumption", InstantConsumption = "instant_consumption", Power = "power",
        Speed = "speed", FlowMeter = "flow_meter", Acceleration = "acceleration",
    }
    DiscreteType {
        Ignition = "ignition", SosButton = "sos_button", Power = "power", Engine = "engine", CarAlarm = "car_alarm",
        Door = "door", Charge = "charge", Detach = "detach", Custom = "custom", Mass = "mass", Hood = "hood",
        CarLock = "car_lock",
    }
    VirtualType { State = "state", VirtualIgnition = "virtual_ignition" }
    /// How a composite sensor joins its parents' values.
    GroupType { Sum = "sum", Average = "avg" }
}

/// The name of the input of composite sensors.
pub const COMPOSITE: &str = "composite";

impl Metering {
    /// As the API prints it.
    pub fn input_name(&self) -> String {
        match &self.input {
            MeteringInput::Raw(name) => name.to_string(),
            MeteringInput::Composite { .. } => COMPOSITE.to_owned(),
        }
    }

    /// Whether its values come from the vehicle's own computers.
    pub fn is_diagnostic(&self) -> bool {
        const PREFIXES: [&str; 5] = ["can_", "obd_", "uds_", "raw_can_", "raw_obd_"];
        match &self.input {
            MeteringInput::Raw(name) => PREFIXES.iter().any(|prefix| name.spec().name.starts_with(prefix)),
            MeteringInput::Composite { .. } => false,
        }
    }
}

/// The states that are part of every tracker's diagnostics, whatever its device model says.
pub fn diagnostic_states() -> &'static [InputName] {
    static NAMES: LazyLock<Vec<InputName>> = LazyLock::new(|| {
        rows(include_str!("../data/diagnostic_states.txt"), |columns| InputName::find(columns.first()?))
    });
    &NAMES
}

/// What a tracker on a device of the model begins with.
pub fn default_sensors(model: &DeviceModel) -> Vec<NewSensor> {
    let ignition = model.ignition_input().map(|input_number| {
        let kind = SensorKind::Discrete(Discrete { sensor_type: DiscreteType::Ignition, input_number });
        NewSensor { name: "Ignition".into(), origin: SensorOrigin::Registration, kind }
    });
    let metering = DEFAULTS.iter().filter(|row| model.inputs.iter().any(|input| **input == *row.input));
    let metering = metering.map(|row| NewSensor {
        name: row.name.to_owned(),
        origin: SensorOrigin::Registration,
        kind: SensorKind::Metering(Metering {
            sensor_type: row.sensor_type,
            input: MeteringInput::Raw(row.input_name),
            divider: 1.0,
            accuracy: 0.0,
            units: row.units_type.symbol().to_owned(),
            units_type: row.units_type,
            parameters: MeteringParameters::default(),
            calibration: Vec::new(),
        }),
    });
    ignition.into_iter().chain(metering).collect()
}

/// What becomes of a tracker's sensors when its device is replaced: those that the new model can feed stay, the sensor of
/// the device's own ignition moves to the number that the new model has for it, and what else a device of the new model
/// begins with is added.
pub fn sensors_after_replacement(
    mut sensors: Vec<Sensor>,
    old: &DeviceModel,
    new: &DeviceModel,
) -> (Vec<Sensor>, Vec<NewSensor>) {
    let mut gone = Vec::new();
    for sensor in &mut sensors {
        if let SensorKind::Discrete(discrete) = &mut sensor.kind
            && Some(discrete.input_number) == old.ignition_input()
        {
            match new.ignition_input() {
                Some(number) => discrete.input_number = number,
                None => gone.push(sensor.id),
            }
        } else if !sensor.kind.fits(new) {
            gone.push(sensor.id);
        }
    }
    sensors.retain(|sensor| !gone.contains(&sensor.id));
    for sensor in &mut sensors {
        sensor.forget_parents(|parent| gone.contains(&parent));
    }
    let mut added = default_sensors(new);
    added.retain(|new| {
        let of_its_type = |kept: &&Sensor| kept.kind.sensor_type() == new.kind.sensor_type();
        let is_free = sensors.iter().all(|kept| !kept.kind.shares_input_with(&new.kind));
        is_free && sensors.iter().filter(of_its_type).count() < new.kind.most()
    });
    (sensors, added)
}

struct Default {
    input: &'static str,
    input_name: InputName,
    sensor_type: MeteringType,
    units_type: UnitsType,
    name: &'static str,
}

static DEFAULTS: LazyLock<Vec<Default>> =
    LazyLock::new(|| rows(include_str!("../data/default_sensors.tsv"), default));

fn default(columns: &[&'static str]) -> Option<Default> {
    let [input, sensor_type, units_type, name] = columns else { return None };
    Some(Default {
        input,
        input_name: InputName::find(input)?,
        sensor_type: MeteringType::find(sensor_type)?,
        units_type: UnitsType::find(units_type)?,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelCode, device_models};

    #[test]
    fn a_vehicle_tracker_begins_with_its_ignition_and_what_its_model_measures() {
        let model = ModelCode::find("telfmb920").unwrap().model();
        let sensors = default_sensors(model);
        let ignition = Discrete { sensor_type: DiscreteType::Ignition, input_number: 2 };
        assert_eq!(sensors[0].kind, SensorKind::Discrete(ignition));
        for input in
            ["board_voltage", "battery_voltage", "battery_level", "can_fuel_litres", "ext_temp_sensor_4"]
        {
            let on_it = |sensor: &&NewSensor| match &sensor.kind {
                SensorKind::Metering(metering) => metering.input_name() == input,
                _ => false,
            };
            assert_eq!(sensors.iter().filter(on_it).count(), 1, "{input}");
        }
    }

    #[test]
    fn default_sensors_of_every_model_live_together() {
        for model in device_models() {
            let sensors = default_sensors(model);
            for (at, sensor) in sensors.iter().enumerate() {
                assert!(sensor.kind.fits(model), "{}: {}", model.code, sensor.name);
                assert!(sensor.name.len() <= 100);
                for other in &sensors[..at] {
                    assert!(!sensor.kind.shares_input_with(&other.kind), "{}: {}", model.code, sensor.name);
                }
            }
        }
    }

    #[test]
    fn a_replaced_device_leaves_what_the_new_one_can_feed() {
        let model = |code| ModelCode::find(code).unwrap().model();
        let (old, new) = (model("telfmb920"), model("telfmb140"));
        let mut sensors: Vec<_> =
            (1..).zip(default_sensors(old)).map(|(id, new)| new.with_id(SensorId(id))).collect();
        let composite = NewSensor {
            name: "Both".into(),
            origin: SensorOrigin::User,
            kind: SensorKind::Metering(Metering {
                input: MeteringInput::Composite {
                    parents: sensors[1..3].iter().map(|sensor| sensor.id).collect(),
                    group: GroupType::Sum,
                },
                ..match &sensors[1].kind {
                    SensorKind::Metering(metering) => metering.clone(),
                    _ => panic!("the second one measures"),
                }
            }),
        };
        sensors.push(composite.with_id(SensorId(900)));

        let (kept, added) = sensors_after_replacement(sensors.clone(), old, new);
        assert_eq!((kept.len(), added), (sensors.len(), vec![]));
        let number = |sensors: &[Sensor]| match sensors[0].kind {
            SensorKind::Discrete(discrete) => discrete.input_number,
            _ => panic!("the first one is the ignition"),
        };
        assert_eq!((number(&sensors), number(&kept)), (2, new.digital_inputs + 1));

        let without = |input: &str| DeviceModel {
            inputs: new.inputs.iter().filter(|name| ***name != *input).cloned().collect(),
            ..new.clone()
        };
        let (kept, added) = sensors_after_replacement(sensors.clone(), old, &without("board_voltage"));
        assert_eq!((kept.len(), added), (sensors.len() - 1, vec![]));
        assert_eq!(kept.last().unwrap().parents(), Some(&[SensorId(3)][..]), "battery voltage is left");
        let (kept, added) = sensors_after_replacement(kept, &without("board_voltage"), new);
        assert_eq!((kept.len(), added.len(), &*added[0].name), (sensors.len() - 1, 1, "Board voltage"));
        let portable = DeviceModel { r#type: "portable".into(), ..new.clone() };
        let (kept, _) = sensors_after_replacement(sensors.clone(), old, &portable);
        assert_eq!(kept.len(), sensors.len() - 1, "no ignition");
    }

    #[test]
    fn kinds_are_stored_as_json_and_come_back() {
        for sensor in default_sensors(ModelCode::find("telfmb920").unwrap().model()) {
            let table = toml::Value::try_from(&sensor.kind).unwrap();
            assert_eq!(table.try_into::<SensorKind>().unwrap(), sensor.kind);
        }
    }
}
