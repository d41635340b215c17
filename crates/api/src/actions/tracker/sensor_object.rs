//! The sensor object: as it is printed, and as callers write it.

use crate::parameters::{Int, List, Object, Parameter, Text, Wrong, choices, parameters};
use domain::{
    COMPOSITE, CalcMethod, CalibrationPoint, Discrete, DiscreteType, GroupType, InputName, Metering,
    MeteringInput, MeteringParameters, MeteringType, Sensor, SensorId, SensorKind, UnitsType, ValueTitle,
    VirtualSensor, VirtualType,
};
use fleet::{Failure, ParameterError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;

#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum SensorObject {
    Metering {
        id: i64,
        sensor_type: &'static str,
        name: String,
        input_name: String,
        divider: f64,
        accuracy: f64,
        units: String,
        units_type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        group_type: Option<&'static str>,
        #[serde(skip_serializing_if = "ParametersObject::is_empty")]
        parameters: ParametersObject,
    },
    Discrete {
        id: i64,
        sensor_type: &'static str,
        name: String,
        input_number: u8,
    },
    Virtual {
        id: i64,
        sensor_type: &'static str,
        name: String,
        input_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        custom_field_name: Option<bool>,
        parameters: VirtualObject,
    },
}

#[derive(Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ParametersObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_ids: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_lowering_by_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_lowering_by_mileage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_drains_in_move: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_refuels_in_move: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refuel_gap_minutes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_field_name: Option<bool>,
}

impl ParametersObject {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct VirtualObject {
    calc_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range_from: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range_to: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bit_index: Option<u8>,
    value_titles: Vec<TitleObject>,
}

#[derive(Serialize, JsonSchema)]
struct TitleObject {
    value: String,
    title: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CalibrationObject {
    r#in: f64,
    out: f64,
}

impl From<CalibrationPoint> for CalibrationObject {
    fn from(CalibrationPoint { r#in, out }: CalibrationPoint) -> Self {
        Self { r#in, out }
    }
}

impl From<&Sensor> for SensorObject {
    fn from(sensor: &Sensor) -> Self {
        let (id, name, sensor_type) = (sensor.id.0, sensor.name.clone(), sensor.kind.sensor_type());
        match &sensor.kind {
            SensorKind::Metering(metering) => {
                let group_type = match &metering.input {
                    MeteringInput::Composite { group, .. } => Some(group.as_str()),
                    MeteringInput::Raw(_) => None,
                };
                let parents = sensor.parents();
                Self::Metering {
                    id,
                    sensor_type,
                    name,
                    input_name: metering.input_name(),
                    divider: metering.divider,
                    accuracy: metering.accuracy,
                    units: metering.units.clone(),
                    units_type: metering.units_type.as_str(),
                    group_type,
                    parameters: parameters_object(&metering.parameters, parents),
                }
            }
            SensorKind::Discrete(Discrete { input_number, .. }) => {
                Self::Discrete { id, sensor_type, name, input_number: *input_number }
            }
            SensorKind::Virtual(sensor) => Self::Virtual {
                id,
                sensor_type,
                name,
                input_name: sensor.input.to_string(),
                custom_field_name: sensor.custom_field_name,
                parameters: virtual_object(sensor),
            },
        }
    }
}

fn parameters_object(parameters: &MeteringParameters, parents: Option<&[SensorId]>) -> ParametersObject {
    let MeteringParameters {
        min,
        max,
        max_lowering_by_time,
        max_lowering_by_mileage,
        ignore_drains_in_move,
        ignore_refuels_in_move,
        refuel_gap_minutes,
        volume,
        custom_field_name,
    } = *parameters;
    ParametersObject {
        parent_ids: parents.map(|parents| parents.iter().map(|id| id.0).collect()),
        volume,
        min,
        max,
        max_lowering_by_time,
        max_lowering_by_mileage,
        ignore_drains_in_move,
        ignore_refuels_in_move,
        refuel_gap_minutes,
        custom_field_name,
    }
}

fn virtual_object(sensor: &VirtualSensor) -> VirtualObject {
    let (calc_method, range_from, range_to, bit_index) = match sensor.method {
        CalcMethod::InRange { from, to } => ("in_range", from, to, None),
        CalcMethod::Identity => ("identity", None, None, None),
        CalcMethod::BitIndex(index) => ("bit_index", None, None, Some(index)),
    };
    let title =
        |ValueTitle { value, title }: &ValueTitle| TitleObject { value: value.clone(), title: title.clone() };
    let value_titles = sensor.titles.iter().map(title).collect();
    VirtualObject { calc_method, range_from, range_to, bit_index, value_titles }
}

/// A sensor as a caller writes it. What stands there for its id is read by those who need one.
pub(crate) struct Draft {
    pub(crate) id: Option<SensorId>,
    pub(crate) name: String,
    pub(crate) kind: SensorKind,
}

choices! {
    enum Type {
        Metering "metering",
        Discrete "discrete",
        Virtual "virtual",
    }
}
choices! {
    enum Method {
        InRange "in_range",
        Identity "identity",
        BitIndex "bit_index",
    }
}

parameters! {
    struct AnySensor {
        r#type: Type,
        id: Option<SensorId>,
        name: Option<Text<0, 100>>,
    }
}

parameters! {
    struct MeteringSensor {
        sensor_type: MeteringType,
        input_name: Text<1, 64>,
        divider: Option<f64>,
        accuracy: Option<f64>,
        units: Option<Text<0, 10>>,
        units_type: Option<UnitsType>,
        group_type: Option<GroupType>,
        parameters: Option<Object<MeteringDetails>>,
    }
}

parameters! {
    struct MeteringDetails {
        parent_ids: Option<List<SensorId, 0, 100>>,
        volume: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        max_lowering_by_time: Option<f64>,
        max_lowering_by_mileage: Option<f64>,
        ignore_drains_in_move: Option<bool>,
        ignore_refuels_in_move: Option<bool>,
        refuel_gap_minutes: Option<Int<0, 1_000_000>>,
        custom_field_name: Option<bool>,
    }
}

parameters! {
    struct DiscreteSensor {
        sensor_type: DiscreteType,
        input_number: Int<1, 8>,
    }
}

parameters! {
    struct VirtualSensorFields {
        sensor_type: VirtualType,
        input_name: Text<1, 64>,
        custom_field_name: Option<bool>,
        parameters: Object<VirtualDetails>,
    }
}

parameters! {
    struct VirtualDetails {
        calc_method: Method,
        range_from: Option<f64>,
        range_to: Option<f64>,
        bit_index: Option<Int<1, 64>>,
        value_titles: Option<List<Object<TitleFields>, 0, 100>>,
    }
}

parameters! {
    struct TitleFields {
        value: Text<0, 64>,
        title: Text<0, 64>,
    }
}

impl Parameter for Draft {
    fn schema() -> Value {
        let whole = |own: Value| json!({ "allOf": [Object::<AnySensor>::schema(), own] });
        json!({ "oneOf": [
            whole(Object::<MeteringSensor>::schema()),
            whole(Object::<DiscreteSensor>::schema()),
            whole(Object::<VirtualSensorFields>::schema()),
        ] })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let any = Object::<AnySensor>::parse(value);
        let kind = match &any {
            Ok(Object(any)) => kind(any.r#type, value),
            // Nothing else can be said without its type.
            Err(_) => Err(Wrong::Within(Vec::new())),
        };
        match (any, kind) {
            (Ok(Object(AnySensor { id, name, .. })), Ok(kind)) => {
                Ok(Self { id, name: name.map_or_else(String::new, |name| name.0), kind })
            }
            (any, kind) => {
                let wrongs = [any.err(), kind.err()].into_iter().flatten();
                let mut fields = Vec::new();
                for wrong in wrongs {
                    match wrong {
                        Wrong::Within(more) => fields.extend(more),
                        itself => return Err(itself),
                    }
                }
                Err(Wrong::Within(fields))
            }
        }
    }
}

fn kind(r#type: Type, value: &Value) -> Result<SensorKind, Wrong> {
    match r#type {
        Type::Metering => {
            let Object(fields) = Object::parse(value)?;
            metering(fields).map(SensorKind::Metering)
        }
        Type::Discrete => {
            let Object(DiscreteSensor { sensor_type, input_number }) = Object::parse(value)?;
            Ok(SensorKind::Discrete(Discrete { sensor_type, input_number: input_number.number() }))
        }
        Type::Virtual => {
            let Object(fields) = Object::parse(value)?;
            virtual_sensor(fields).map(SensorKind::Virtual)
        }
    }
}

fn metering(fields: MeteringSensor) -> Result<Metering, Wrong> {
    let mut wrong = Vec::new();
    let details = fields.parameters.map(|Object(details)| details);
    let divider = fields.divider.unwrap_or(1.0);
    if divider == 0.0 {
        wrong.push(error("divider", "must not be 0"));
    }
    let accuracy = fields.accuracy.unwrap_or(0.0);
    if !(0.0..=100.0).contains(&accuracy) || (accuracy * 4.0).fract() != 0.0 {
        wrong.push(error("accuracy", "must be from 0 to 100 in steps of 0.25"));
    }
    let limits = details.as_ref().and_then(|details| details.min.zip(details.max));
    if limits.is_some_and(|(min, max)| min > max) {
        wrong.push(error("parameters.max", "must not be less than min"));
    }
    let parents = details.as_ref().and_then(|details| details.parent_ids.as_ref());
    let input = if fields.input_name.0 == COMPOSITE {
        let mut once = HashSet::new();
        let parents: Vec<_> = parents.map_or(&[][..], |ids| &ids.0).to_vec();
        if parents.is_empty() || !parents.iter().all(|id| once.insert(*id)) {
            wrong.push(error("parameters.parent_ids", "must name sensors, each once"));
        }
        Some(MeteringInput::Composite { parents, group: fields.group_type.unwrap_or(GroupType::Sum) })
    } else {
        let input = InputName::find(&fields.input_name.0);
        if input.is_none() {
            wrong.push(error("input_name", "is no known input"));
        }
        input.map(MeteringInput::Raw)
    };
    let (Some(input), true) = (input, wrong.is_empty()) else { return Err(Wrong::Within(wrong)) };
    let parameters = details.map_or_else(MeteringParameters::default, |details| MeteringParameters {
        min: details.min,
        max: details.max,
        max_lowering_by_time: details.max_lowering_by_time,
        max_lowering_by_mileage: details.max_lowering_by_mileage,
        ignore_drains_in_move: details.ignore_drains_in_move,
        ignore_refuels_in_move: details.ignore_refuels_in_move,
        refuel_gap_minutes: details.refuel_gap_minutes.map(|minutes| minutes.0),
        volume: details.volume,
        custom_field_name: details.custom_field_name,
    });
    Ok(Metering {
        sensor_type: fields.sensor_type,
        input,
        divider,
        accuracy,
        units: fields.units.map_or_else(String::new, |units| units.0),
        units_type: fields.units_type.unwrap_or(UnitsType::CUSTOM),
        parameters,
        calibration: Vec::new(),
    })
}

fn virtual_sensor(fields: VirtualSensorFields) -> Result<VirtualSensor, Wrong> {
    let mut wrong = Vec::new();
    let Object(details) = fields.parameters;
    let input = InputName::find(&fields.input_name.0);
    if input.is_none() {
        wrong.push(error("input_name", "is no known input"));
    }
    let method = match (details.calc_method, details.bit_index) {
        (Method::InRange, _) => {
            let (from, to) = (details.range_from, details.range_to);
            if from.is_none() && to.is_none() {
                wrong.push(error("parameters.range_from", "or range_to is required"));
            }
            if from.zip(to).is_some_and(|(from, to)| from > to) {
                wrong.push(error("parameters.range_to", "must not be less than range_from"));
            }
            Some(CalcMethod::InRange { from, to })
        }
        (Method::Identity, _) => Some(CalcMethod::Identity),
        (Method::BitIndex, Some(index)) => Some(CalcMethod::BitIndex(index.number())),
        (Method::BitIndex, None) => {
            wrong.push(error("parameters.bit_index", "is required"));
            None
        }
    };
    let titles = details.value_titles.map_or_else(Vec::new, |titles| titles.0);
    let titles: Vec<_> = titles
        .into_iter()
        .map(|Object(TitleFields { value, title })| ValueTitle { value: value.0, title: title.0 })
        .collect();
    let mut once = HashSet::new();
    if !titles.iter().all(|title| once.insert(&title.value)) {
        wrong.push(error("parameters.value_titles", "must have each value once"));
    }
    match (input, method) {
        (Some(input), Some(method)) if wrong.is_empty() => Ok(VirtualSensor {
            sensor_type: fields.sensor_type,
            input,
            custom_field_name: fields.custom_field_name,
            method,
            titles,
        }),
        _ => Err(Wrong::Within(wrong)),
    }
}

parameters! {
    struct CalibrationFields {
        r#in: f64,
        out: f64,
    }
}

/// A calibration table as a caller writes it: none, or two points or more.
pub(crate) struct Calibration(pub(crate) Vec<CalibrationPoint>);

impl Parameter for Calibration {
    fn schema() -> Value {
        List::<Object<CalibrationFields>, 0, 1000>::schema()
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let List(points) = List::<Object<CalibrationFields>, 0, 1000>::parse(value)?;
        let point = |Object(CalibrationFields { r#in, out }): Object<CalibrationFields>| CalibrationPoint {
            r#in,
            out,
        };
        let points: Vec<_> = points.into_iter().map(point).collect();
        let mut ins: Vec<_> = points.iter().map(|point| point.r#in).collect();
        ins.sort_by(f64::total_cmp);
        if ins.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("must have each `in` once".into());
        }
        if points.len() == 1 { Err("must have no point or two and more".into()) } else { Ok(Self(points)) }
    }
}

fn error(parameter: &str, error: &str) -> ParameterError {
    ParameterError { parameter: parameter.to_owned(), error: error.to_owned() }
}

/// The id that a changed sensor must have.
pub(crate) fn required(id: Option<SensorId>) -> Result<SensorId, Failure> {
    id.ok_or_else(|| Failure::parameter("sensor.id", "is required"))
}
