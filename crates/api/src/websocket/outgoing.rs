//! The messages to a client: responses, errors, events. States are rendered straight into the message.

use crate::{
    actions::tracker::state::{CompactStateObject, StateObject},
    answer::Status,
    dates::{Dates, Written},
    request::Arguments,
};
use domain::{SourceId, Timestamp, TrackerId};
use fleet::{Detail, Failure, Lifecycle, ParameterError, Standing, StateView};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// What became of one event of a request.
pub(super) enum Outcome {
    Done(Vec<(TrackerId, Standing)>),
    Refused(Failure),
}

/// The answer to a request; `outcomes` by the name of the event.
pub(super) fn response(action: &str, outcomes: &BTreeMap<&'static str, Outcome>) -> String {
    #[derive(Serialize)]
    struct Response<'a> {
        r#type: &'static str,
        action: &'a str,
        events: Vec<&'static str>,
        data: &'a BTreeMap<&'static str, Outcome>,
    }
    let done = |(event, outcome): (&&'static str, &Outcome)| match outcome {
        Outcome::Done(_) => Some(*event),
        Outcome::Refused(_) => None,
    };
    let events = outcomes.iter().filter_map(done).collect();
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

/// A message of several states, rendered one after the other.
pub(super) struct Batch(Vec<u8>);

impl Batch {
    pub(super) fn new(user_time: Written) -> Self {
        let mut text = Vec::with_capacity(1024);
        text.extend_from_slice(br#"{"type":"event","event":"state_batch","user_time":""#);
        text.extend_from_slice(user_time.as_str().as_bytes());
        text.extend_from_slice(br#"","data":["#);
        Self(text)
    }

    pub(super) fn push(&mut self, view: StateView, detail: Detail, dates: &Dates) {
        if !self.is_empty() {
            self.0.push(b',');
        }
        match detail {
            Detail::Full => render(&mut self.0, &StateObject::of(view, dates)),
            Detail::Compact => render(&mut self.0, &CompactStateObject::of(&view, dates)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.ends_with(b"[")
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(mut self) -> String {
        self.0.extend_from_slice(b"]}");
        text(self.0)
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
        #[derive(Serialize)]
        struct Refused {
            success: bool,
            status: Status,
        }
        match self {
            Self::Done(value) => Done { success: true, value }.serialize(serializer),
            Self::Refused(failure) => {
                Refused { success: false, status: Status::of(failure.code) }.serialize(serializer)
            }
        }
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
