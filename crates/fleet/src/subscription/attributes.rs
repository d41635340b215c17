//! What the last messages of a tracker held, attribute by attribute: what an integrator looks at who wonders what a
//! device sends.

use crate::{Failure, Fleet, TrackerView, UserCaller};
use domain::{Fix, Message, Telemetry, Timestamp, Value};
use std::collections::BTreeMap;
use store::history::Order;

/// Values of one attribute in a queue; Navixy: WebSocket subscription, "iot_monitor".
const QUEUE: usize = 12;
/// So many messages are looked through for values of attributes that not every message has.
const LOOK_BACK_MESSAGES: usize = 120;

/// One value in a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued<V> {
    pub time: Timestamp,
    pub received: Timestamp,
    pub value: V,
}

/// By the name of the attribute, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeQueues {
    /// Of the messages that had the attribute.
    pub present: BTreeMap<String, Vec<Queued<Value>>>,
    /// Of the last messages, whether they had it or not.
    pub last: BTreeMap<String, Vec<Queued<Option<Value>>>>,
}

impl Fleet {
    /// Of the device that the tracker stands on now, as far back as the caller may see.
    pub(super) async fn last_attributes(
        &self,
        caller: &UserCaller,
        view: &TrackerView,
    ) -> Result<AttributeQueues, Failure> {
        let span = self.kept_from(caller, view).await?..Timestamp::from_millis(i64::MAX);
        self.history_catches_up().await;
        let mut messages = self.history.read(view.source.id, span, Order::Descending);
        let mut records = Vec::new();
        while records.len() < LOOK_BACK_MESSAGES
            && let Some(batch) = messages.next().await?
        {
            let room = LOOK_BACK_MESSAGES - records.len();
            records.extend(batch.into_iter().take(room));
        }
        Ok(AttributeQueues::of(&records))
    }
}

impl AttributeQueues {
    /// Of these messages, newest first.
    fn of(records: &[Telemetry]) -> Self {
        let mut queues = Self::default();
        let held: Vec<_> = records.iter().map(|record| attributes(&record.message)).collect();
        for (record, held) in records.iter().zip(&held) {
            let Telemetry { time, received, .. } = *record;
            for (name, value) in held {
                let queue = queues.present.entry(name.clone()).or_default();
                if queue.len() < QUEUE {
                    queue.push(Queued { time, received, value: value.clone() });
                }
            }
        }
        for name in queues.present.keys() {
            let queued = |(record, held): (&Telemetry, &BTreeMap<String, Value>)| Queued {
                time: record.time,
                received: record.received,
                value: held.get(name).cloned(),
            };
            let last = records.iter().zip(&held).take(QUEUE).map(queued).collect();
            queues.last.insert(name.clone(), last);
        }
        queues
    }
}

fn attributes(message: &Message) -> BTreeMap<String, Value> {
    let inputs = message.inputs.iter().map(|(name, value)| (name.to_string(), value.clone()));
    let fix = message.fix.iter().flat_map(fix_attributes);
    inputs.chain(fix.map(|(name, value)| (name.to_owned(), value))).collect()
}

fn fix_attributes(fix: &Fix) -> impl Iterator<Item = (&'static str, Value)> {
    let whole = |number: f32| Value::Int(number.round() as i64);
    [
        ("latitude", Some(Value::Float(fix.coordinates.lat()))),
        ("longitude", Some(Value::Float(fix.coordinates.lng()))),
        ("speed", fix.speed.map(|speed| whole(speed.kmh()))),
        ("heading", fix.heading.map(|heading| Value::Int(heading.degrees().into()))),
        ("altitude", fix.altitude.map(|altitude| whole(altitude.0))),
        ("satellites", fix.satellites.map(|count| Value::Int(count.into()))),
        ("precision", fix.precision.map(|precision| whole(precision.0))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Coordinates, InputName, Inputs, RecordHash, SourceId, TimeOrigin};

    /// Messages of the seconds `count..=1`; every third has a voltage, the oldest a temperature too.
    fn records(count: i64) -> Vec<Telemetry> {
        let record = |second: i64| {
            let time = Timestamp::from_millis(second * 1000);
            let mut inputs = Inputs::default();
            let mut push = |name, value: f64| inputs.push(InputName::find(name).unwrap(), value);
            if second % 3 == 0 {
                push("board_voltage", second as f64);
            }
            if second == 1 {
                push("temp_sensor", 20.0);
            }
            let fix = Fix { satellites: Some(7), ..Fix::at(Coordinates::new(54.5, 25.25).unwrap()) };
            Telemetry {
                source: SourceId(1),
                received: time,
                time,
                time_origin: TimeOrigin::Device,
                hash: RecordHash::of(&[]),
                message: Message { time: Some(time), fix: Some(fix), inputs },
            }
        };
        (1..=count).rev().map(record).collect()
    }

    #[test]
    fn one_queue_has_gaps_and_the_other_none() {
        let queues = AttributeQueues::of(&records(100));
        let names: Vec<_> = queues.last.keys().map(String::as_str).collect();
        assert_eq!(names, ["board_voltage", "latitude", "longitude", "satellites", "temp_sensor"]);
        assert!(queues.present.keys().eq(queues.last.keys()));
        let present = |name: &str| queues.present[name].iter().map(|it| it.time.millis() / 1000).collect();
        let last = |name: &str| {
            let seconds: Vec<_> = queues.last[name].iter().map(|it| it.time.millis() / 1000).collect();
            assert_eq!(seconds, Vec::from_iter((89..=100).rev()), "{name}");
            queues.last[name].iter().filter(|it| it.value.is_some()).count()
        };
        let expected: [(&str, Vec<i64>, usize); 3] = [
            ("satellites", (89..=100).rev().collect(), 12),
            ("board_voltage", (0..12).map(|n| 99 - 3 * n).collect(), 4),
            ("temp_sensor", vec![1], 0),
        ];
        for (name, seconds, held) in expected {
            assert_eq!((present(name), last(name)), (seconds, held), "{name}");
        }
        assert_eq!(queues.present["latitude"][0].value, Value::Float(54.5));
        assert_eq!(AttributeQueues::of(&[]), AttributeQueues::default());
    }
}
