//! The messages to a client: responses, errors, events. States are rendered straight into the message.

use super::monitor::AttributesObject;
use crate::{
    actions::{
        history::{EventObject, Labelled},
        tracker::{
            readings_list::ReadingsObject,
            state::{CompactStateObject, StateObject},
        },
    },
    answer::Status,
    dates::{Dates, Written},
    request::Arguments,
};
use domain::{SourceId, Timestamp, TrackerId};
use fleet::{
    AttributeQueues, Detail, EventView, Failure, Lifecycle, ParameterError, Readings, Round, Standing,
    StateView,
};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// How the trackers stand that were asked for, by the name of the event.
pub(super) type Outcomes = BTreeMap<&'static str, Outcome>;

#[derive(Default)]
pub(super) struct Outcome(pub(super) Vec<(TrackerId, Standing)>);

/// The answer to a request.
pub(super) fn response(action: &str, outcomes: &Outcomes) -> String {
    #[derive(Serialize)]
    struct Response<'a> {
        r#type: &'static str,
        action: &'a str,
        events: Vec<&'static str>,
        data: &'a Outcomes,
    }
    let events = outcomes.keys().copied().collect();
    json(&Response { r#type: "response", action, events, data: outcomes })
}

/// A refusal. The request is repeated without what is secret in it.
pub(super) fn error(action: &str, request: Arguments, failure: &Failure) -> String {
    #[derive(Serialize)]
    struct Error<'a> {
        r#type: &'static str,
        action: &'a str,
        status: Status,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        errors: &'a [ParameterError],
        #[serde(skip_serializing_if = "Arguments::is_empty")]
        data: Arguments,
    }
    let mut data = request;
    data.retain(|name, _| !["action", "hash"].contains(&name.as_str()));
    let status = Status::of(failure.code);
    json(&Error { r#type: "error", action, status, errors: &failure.parameters, data })
}

pub(super) fn lifecycle(source: SourceId, lifecycle: Lifecycle, user_time: Written) -> String {
    #[derive(Serialize)]
    struct Data {
        source_id: i64,
        lifecycle_event: &'static str,
    }
    let lifecycle_event = match lifecycle {
        Lifecycle::Block => "block",
        Lifecycle::Unblock => "unblock",
        Lifecycle::Corrupt => "corrupt",
    };
    event("lifecycle", user_time, Data { source_id: source.0, lifecycle_event })
}

pub(super) fn logout(user_time: Written) -> String {
    event("logout", user_time, "session closed")
}

pub(super) fn state(view: StateView, detail: Detail, dates: &Dates, now: Timestamp) -> String {
    let user_time = dates.written(now);
    match detail {
        Detail::Full => event("state", user_time, StateObject::of(view, dates)),
        Detail::Compact => event("state", user_time, CompactStateObject::of(&view, dates)),
    }
}

/// Something that happened to a tracker.
pub(super) fn happened(view: EventView, dates: &Dates, now: Timestamp) -> String {
    event("event", dates.written(now), EventObject::of(view, Labelled::No, dates))
}

/// A message of several things, rendered one after the other.
pub(super) struct Batch {
    text: Vec<u8>,
    items: usize,
    end: &'static [u8],
}

impl Batch {
    pub(super) fn states(user_time: Written) -> Self {
        Self::new("state_batch", user_time, b"[", b"]")
    }

    /// By tracker.
    pub(super) fn readings(user_time: Written) -> Self {
        Self::new("readings_batch", user_time, b"[{", b"}]")
    }

    pub(super) fn attributes(user_time: Written) -> Self {
        Self::new("iot_monitor", user_time, br#"{"iot_last_values":["#, b"]}")
    }

    fn new(event: &str, user_time: Written, start: &[u8], end: &'static [u8]) -> Self {
        let mut text = Vec::with_capacity(1024);
        for part in [
            br#"{"type":"event","event":""#,
            event.as_bytes(),
            br#"","user_time":""#,
            user_time.as_str().as_bytes(),
            br#"","data":"#,
            start,
        ] {
            text.extend_from_slice(part);
        }
        Self { text, items: 0, end }
    }

    pub(super) fn push(&mut self, view: StateView, detail: Detail, dates: &Dates) {
        self.separate();
        match detail {
            Detail::Full => render(&mut self.text, &StateObject::of(view, dates)),
            Detail::Compact => render(&mut self.text, &CompactStateObject::of(&view, dates)),
        }
    }

    /// What is new of them.
    pub(super) fn push_readings(
        &mut self,
        tracker: TrackerId,
        readings: Readings,
        round: &mut Round,
        dates: &Dates,
    ) {
        let mut object = ReadingsObject::of(readings, dates);
        object.keep(|item| round.is_new(&item));
        if object.is_empty() && !round.is_first() {
            return;
        }
        self.separate();
        self.text.extend_from_slice(format!(r#""{}":"#, tracker.0).as_bytes());
        render(&mut self.text, &object);
    }

    /// Unless they are what was told last.
    pub(super) fn push_attributes(&mut self, tracker: TrackerId, queues: AttributeQueues, round: &mut Round) {
        let object = json(&AttributesObject::of(tracker, queues));
        if round.is_new(object.as_bytes()) {
            self.separate();
            self.text.extend_from_slice(object.as_bytes());
        }
    }

    fn separate(&mut self) {
        if self.items > 0 {
            self.text.push(b',');
        }
        self.items += 1;
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The message, unless nothing is in it.
    pub(super) fn finish(mut self) -> Option<String> {
        self.text.extend_from_slice(self.end);
        self.text.push(b'}');
        (self.items > 0).then(|| text(self.text))
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Done<'a> {
            success: bool,
            #[serde(serialize_with = "as_map")]
            value: &'a [(TrackerId, Standing)],
        }
        Done { success: true, value: &self.0 }.serialize(serializer)
    }
}

fn as_map<S: Serializer>(value: &[(TrackerId, Standing)], serializer: S) -> Result<S::Ok, S::Error> {
    let word = |standing: Standing| match standing {
        Standing::Normal => "normal",
        Standing::Blocked => "blocked",
        Standing::Unknown => "unknown",
        Standing::Disallowed => "disallowed",
    };
    serializer.collect_map(value.iter().map(|(tracker, standing)| (tracker.0, word(*standing))))
}

fn event(event: &'static str, user_time: Written, data: impl Serialize) -> String {
    #[derive(Serialize)]
    struct Event<D> {
        r#type: &'static str,
        event: &'static str,
        user_time: Written,
        data: D,
    }
    json(&Event { r#type: "event", event, user_time, data })
}

fn json(message: &impl Serialize) -> String {
    let mut rendered = Vec::with_capacity(1024);
    render(&mut rendered, message);
    text(rendered)
}

fn render(to: &mut Vec<u8>, message: &impl Serialize) {
    // Maps have text as keys and a vector takes all: this cannot fail.
    _ = serde_json::to_writer(to, message);
}

fn text(json: Vec<u8>) -> String {
    // JSON is UTF-8.
    String::from_utf8(json).unwrap_or_default()
}
