//! The objects of `iot_monitor`: what the last messages of a tracker held. Times are in UTC there, and numbers with a
//! fraction are text, as the reference shows both.

use domain::{TrackerId, Value};
use fleet::{AttributeQueues, Queued};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct AttributesObject {
    tracker_id: i64,
    nonnull_fields: BTreeMap<String, Vec<FieldObject>>,
    all_fields: BTreeMap<String, Vec<FieldObject>>,
}

#[derive(Serialize)]
struct FieldObject {
    value: Option<FieldValue>,
    msg_time: String,
    srv_time: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FieldValue {
    Int(i64),
    Flag(bool),
    Text(String),
}

impl AttributesObject {
    pub(super) fn of(tracker: TrackerId, queues: AttributeQueues) -> Self {
        let AttributeQueues { present, last } = queues;
        let some = |Queued { time, received, value }| Queued { time, received, value: Some(value) };
        let present = present.into_iter().map(|(name, queue)| (name, queue.into_iter().map(some).collect()));
        Self { tracker_id: tracker.0, nonnull_fields: fields(present), all_fields: fields(last) }
    }
}

fn fields(
    queues: impl IntoIterator<Item = (String, Vec<Queued<Option<Value>>>)>,
) -> BTreeMap<String, Vec<FieldObject>> {
    let object = |Queued { time, received, value }: Queued<Option<Value>>| FieldObject {
        value: value.map(field_value),
        msg_time: time.to_string(),
        srv_time: received.to_string(),
    };
    queues.into_iter().map(|(name, queue)| (name, queue.into_iter().map(object).collect())).collect()
}

fn field_value(value: Value) -> FieldValue {
    match value {
        Value::Int(number) => FieldValue::Int(number),
        Value::Float(number) => FieldValue::Text(number.to_string()),
        Value::Flag(flag) => FieldValue::Flag(flag),
        Value::Text(text) => FieldValue::Text(text.into()),
    }
}
