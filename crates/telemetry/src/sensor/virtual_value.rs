//! Virtual sensors: a raw value through a method, and the title that stands for the result.

use super::number;
use domain::{CalcMethod, LatestValue, State, Timestamp, Value, VirtualSensor};

/// What a virtual sensor says, in words, and the time of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualReading {
    /// The value's title, or the value itself where it has none.
    pub value: String,
    pub time: Timestamp,
}

/// `None` without a raw value, or one that the method cannot take.
pub fn virtual_reading(sensor: &VirtualSensor, state: &State) -> Option<VirtualReading> {
    let LatestValue { time, value, .. } = state.value(sensor.input)?;
    let value = titled(sensor, computed(sensor.method, value)?.to_string());
    Some(VirtualReading { value, time: *time })
}

/// Whether the result is something else than 0.
pub(super) fn is_on(method: CalcMethod, value: &Value) -> Option<bool> {
    number(&computed(method, value)?).map(|number| number != 0.0)
}

fn computed(method: CalcMethod, value: &Value) -> Option<Value> {
    match method {
        CalcMethod::Identity => Some(value.clone()),
        CalcMethod::InRange { from, to } => {
            let number = number(value)?;
            let within = from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to);
            Some(Value::Flag(within))
        }
        CalcMethod::BitIndex(index) => {
            let bits = match value {
                Value::Int(bits) => *bits,
                value => number(value).filter(|number| number.fract() == 0.0)? as i64,
            };
            Some(Value::Flag(bits.checked_shr(u32::from(index) - 1).is_some_and(|bits| bits & 1 == 1)))
        }
    }
}

fn titled(sensor: &VirtualSensor, value: String) -> String {
    let as_number = value.parse::<f64>().ok();
    let fits = |written: &str| written == value || as_number.is_some() && written.parse().ok() == as_number;
    let title = sensor.titles.iter().find(|title| fits(&title.value));
    title.map_or(value, |title| title.title.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{InputName, ValueTitle, VirtualType};

    #[test]
    fn every_method_and_its_titles() {
        let range = |from, to| CalcMethod::InRange { from, to };
        let gears: &[(&str, &str)] = &[("0", "neutral"), ("1", "first"), ("2.0", "second"), ("A", "auto")];
        let switch: &[(&str, &str)] = &[("0", "Off"), ("1", "On")];
        for (method, titles, raw, expected) in [
            (range(Some(13.4), None), switch, Value::Float(13.4), Some("On")),
            (range(Some(13.4), None), switch, Value::Float(13.3), Some("Off")),
            (range(None, Some(5.0)), switch, Value::Int(5), Some("On")),
            (range(Some(2.0), Some(3.0)), switch, Value::Int(4), Some("Off")),
            (range(Some(2.0), Some(3.0)), &[], Value::Int(3), Some("1")),
            (range(Some(2.0), None), switch, Value::Text("x".into()), None),
            (CalcMethod::Identity, gears, Value::Int(1), Some("first")),
            (CalcMethod::Identity, gears, Value::Float(2.0), Some("second")),
            (CalcMethod::Identity, gears, Value::Text("A".into()), Some("auto")),
            (CalcMethod::Identity, gears, Value::Int(7), Some("7")),
            (CalcMethod::Identity, gears, Value::Float(1.5), Some("1.5")),
            (CalcMethod::Identity, gears, Value::Flag(false), Some("neutral")),
            (CalcMethod::BitIndex(1), switch, Value::Int(0b101), Some("On")),
            (CalcMethod::BitIndex(2), switch, Value::Int(0b101), Some("Off")),
            (CalcMethod::BitIndex(3), switch, Value::Float(4.0), Some("On")),
            (CalcMethod::BitIndex(64), switch, Value::Int(-1), Some("On")),
            (CalcMethod::BitIndex(1), switch, Value::Float(1.5), None),
        ] {
            let title = |(value, title): &(&str, &str)| ValueTitle {
                value: (*value).to_owned(),
                title: (*title).to_owned(),
            };
            let input = InputName::find("can_current_gear").unwrap();
            let sensor = VirtualSensor {
                sensor_type: VirtualType::State,
                input,
                custom_field_name: None,
                method,
                titles: titles.iter().map(title).collect(),
            };
            let mut state = State::default();
            assert_eq!(virtual_reading(&sensor, &state), None);
            state.put(input, Timestamp::from_seconds(7), &raw);
            let found = virtual_reading(&sensor, &state).map(|reading| reading.value);
            assert_eq!(found.as_deref(), expected, "{method:?} {raw:?}");
        }
    }
}
