//! What a client asks for in a frame: to subscribe or unsubscribe, in today's form with `requests` or the older one
//! with `trackers` and `events`.

use crate::{
    actions::tracker::readings_list::{SensorType, filter},
    parameters::{List, Object, Parameter, Parameters, Wrong, choices, parameters},
    request::Arguments,
};
use domain::{ErrorCode, TrackerId};
use fleet::{Channel, Detail, Failure, Interest, Target};
use serde_json::{Value, json};
use std::time::Duration;

/// Between two batches when the client does not say.
const DEFAULT_RATE_LIMIT: Duration = Duration::from_secs(1);
const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Subscribe,
    Unsubscribe,
}

impl Action {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "subscription/subscribe",
            Self::Unsubscribe => "subscription/unsubscribe",
        }
    }

    /// # Errors
    /// `WrongMethod` for an unknown one, `InvalidParameters` when there is none.
    pub(super) fn of(frame: &Arguments) -> Result<Self, Failure> {
        let name = frame.get("action").and_then(Value::as_str);
        match name.map(|name| name.strip_prefix("subscription/").unwrap_or(name)) {
            Some("subscribe") => Ok(Self::Subscribe),
            Some("unsubscribe") => Ok(Self::Unsubscribe),
            Some(_) => Err(ErrorCode::WrongMethod.into()),
            None => Err(Failure::parameter("action", "is required")),
        }
    }
}

/// One of the `requests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) target: Target,
    pub(super) interest: Interest,
    /// Between two messages of a channel that has batches.
    pub(super) rate_limit: Duration,
}

impl Wanted {
    fn single(trackers: Vec<TrackerId>, detail: Detail) -> Self {
        let (target, interest) = (Target::Selected(trackers), Interest::Single(detail));
        Self { target, interest, rate_limit: Duration::ZERO }
    }

    /// The name of the event.
    pub(super) fn event(&self) -> &'static str {
        match self.interest.channel() {
            Channel::Single => "state",
            Channel::Batch => "state_batch",
            Channel::Readings => "readings_batch",
            Channel::Attributes => "iot_monitor",
            Channel::Events => "event",
        }
    }

    /// All that a frame asks for.
    ///
    /// # Errors
    /// `InvalidParameters`.
    pub(super) fn all_of(frame: &Arguments) -> Result<Vec<Self>, Failure> {
        if frame.contains_key("requests") || !frame.contains_key("events") {
            let Today { requests } = Today::read(frame).map_err(Failure::parameters)?;
            return Ok(requests.0);
        }
        let Older { trackers, events } = Older::read(frame).map_err(Failure::parameters)?;
        let single = |_| Self::single(trackers.0.clone(), Detail::Full);
        Ok(events.0.into_iter().map(single).collect())
    }
}

parameters! {
    struct Today {
        requests: List<Wanted, 1, 16>,
    }
}

parameters! {
    struct Older {
        trackers: List<TrackerId, 0, 10_000>,
        events: List<OlderEvent, 1, 1>,
    }
}

choices! { enum OlderEvent { State "state" } }
choices! {
    enum Event {
        State "state",
        StateBatch "state_batch",
        ReadingsBatch "readings_batch",
        IotMonitor "iot_monitor",
        Happening "event",
    }
}
choices! { enum Format { Full "full", Compact "compact" } }
choices! { enum TargetType { All "all", Selected "selected" } }

parameters! {
    struct EventRequest {
        r#type: Event,
    }
}

parameters! {
    struct SingleRequest {
        trackers: List<TrackerId, 0, 10_000>,
        format: Option<Format>,
    }
}

parameters! {
    struct BatchRequest {
        target: Object<TargetObject>,
        rate_limit: Option<TimeSpan>,
    }
}

parameters! {
    struct StateDetails {
        format: Option<Format>,
    }
}

parameters! {
    struct ReadingsDetails {
        sensor_type: Option<SensorType>,
        include_components: Option<bool>,
    }
}

parameters! {
    struct TargetObject {
        r#type: TargetType,
        tracker_ids: Option<List<TrackerId, 0, 100_000>>,
    }
}

impl Parameter for Wanted {
    fn schema() -> Value {
        let batch = |details| json!({ "allOf": [BatchRequest::schema(), details] });
        let (state, readings) = (StateDetails::schema(), ReadingsDetails::schema());
        json!({ "oneOf": [SingleRequest::schema(), batch(state), batch(readings), BatchRequest::schema()] })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let Object(EventRequest { r#type }) = Object::parse(value)?;
        let interest = match r#type {
            Event::State => {
                let Object(SingleRequest { trackers, format }) = Object::parse(value)?;
                return Ok(Self::single(trackers.0, detail(format)));
            }
            Event::StateBatch => {
                let Object(StateDetails { format }) = Object::parse(value)?;
                Interest::Batch(detail(format))
            }
            Event::ReadingsBatch => {
                let Object(ReadingsDetails { sensor_type, include_components }) = Object::parse(value)?;
                Interest::Readings(filter(sensor_type, include_components))
            }
            Event::IotMonitor => Interest::Attributes,
            Event::Happening => Interest::Events,
        };
        let Object(BatchRequest { target: Object(target), rate_limit }) = Object::parse(value)?;
        let target = match (target.r#type, target.tracker_ids) {
            (TargetType::All, _) => Target::All,
            (TargetType::Selected, Some(ids)) => Target::Selected(ids.0),
            (TargetType::Selected, None) => {
                let missing = Failure::parameter("target.tracker_ids", "is required");
                return Err(Wrong::Within(missing.parameters));
            }
        };
        let default = match interest {
            // Each is told once, so that none is to be spared.
            Interest::Events => Duration::ZERO,
            _ => DEFAULT_RATE_LIMIT,
        };
        let rate_limit = rate_limit.map_or(default, |span| span.0);
        Ok(Self { target, interest, rate_limit })
    }
}

fn detail(format: Option<Format>) -> Detail {
    match format {
        Some(Format::Compact) => Detail::Compact,
        Some(Format::Full) | None => Detail::Full,
    }
}

/// A span of time like `5s`: a whole number of milliseconds (`ms`), seconds, minutes or hours, at most an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimeSpan(Duration);

impl Parameter for TimeSpan {
    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let span = value.as_str().and_then(|text| {
            let text = text.trim();
            let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
            let milliseconds = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return None,
            };
            Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(milliseconds)?))
        });
        let span = span.ok_or("must be a time span like 5s")?;
        if span > LONGEST_RATE_LIMIT { Err("must be at most 1h".into()) } else { Ok(Self(span)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::MeteringType;
    use fleet::{Components, ReadingsFilter, SensorTypeFilter};

    fn read(frame: Value) -> Result<Vec<Wanted>, Vec<String>> {
        Wanted::all_of(frame.as_object().unwrap())
            .map_err(|failure| failure.parameters.into_iter().map(|wrong| wrong.parameter).collect())
    }

    #[test]
    fn both_forms_are_understood() {
        let selected = |ids: &[i64]| Target::Selected(ids.iter().map(|id| TrackerId(*id)).collect());
        let batch = |target, interest, milliseconds| Wanted {
            target,
            interest,
            rate_limit: Duration::from_millis(milliseconds),
        };
        let readings =
            |sensor_type, components| Interest::Readings(ReadingsFilter { sensor_type, components });
        for (frame, wanted) in [
            (
                json!({ "trackers": [1, 2], "events": ["state"] }),
                vec![batch(selected(&[1, 2]), Interest::Single(Detail::Full), 0)],
            ),
            (
                json!({ "requests": [{ "type": "state", "trackers": [1], "format": "compact" }] }),
                vec![batch(selected(&[1]), Interest::Single(Detail::Compact), 0)],
            ),
            (
                json!({ "requests": [
                    { "type": "state_batch", "target": { "type": "all" } },
                    { "type": "state_batch", "target": { "type": "selected", "tracker_ids": [7] },
                        "rate_limit": "500ms", "format": "full" },
                    { "type": "readings_batch", "target": { "type": "all" } },
                    { "type": "readings_batch", "target": { "type": "all" }, "rate_limit": "5s",
                        "sensor_type": "temperature", "include_components": false },
                    { "type": "iot_monitor", "target": { "type": "selected", "tracker_ids": [7] } },
                    { "type": "event", "target": { "type": "all" } },
                ] }),
                vec![
                    batch(Target::All, Interest::Batch(Detail::Full), 1000),
                    batch(selected(&[7]), Interest::Batch(Detail::Full), 500),
                    batch(Target::All, readings(None, Components::Shown), 1000),
                    batch(
                        Target::All,
                        readings(
                            Some(SensorTypeFilter::Metering(MeteringType::Temperature)),
                            Components::Hidden,
                        ),
                        5000,
                    ),
                    batch(selected(&[7]), Interest::Attributes, 1000),
                    batch(Target::All, Interest::Events, 0),
                ],
            ),
        ] {
            assert_eq!(read(frame.clone()), Ok(wanted), "{frame}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let batch = |fields: Value| json!({ "requests": [fields] });
        for (frame, wrong) in [
            (json!({}), "requests"),
            (json!({ "requests": [] }), "requests"),
            (json!({ "events": ["state"] }), "trackers"),
            (json!({ "events": ["lifecycle"], "trackers": [] }), "events"),
            (batch(json!({ "type": "weather" })), "requests.0.type"),
            (batch(json!({ "type": "state" })), "requests.0.trackers"),
            (batch(json!({ "type": "state", "trackers": [], "format": "long" })), "requests.0.format"),
            (batch(json!({ "type": "state_batch" })), "requests.0.target"),
            (batch(json!({ "type": "state_batch", "target": { "type": "some" } })), "requests.0.target.type"),
            (
                batch(json!({ "type": "state_batch", "target": { "type": "selected" } })),
                "requests.0.target.tracker_ids",
            ),
            (batch(json!({ "type": "iot_monitor" })), "requests.0.target"),
            (batch(json!({ "type": "event" })), "requests.0.target"),
            (
                batch(
                    json!({ "type": "readings_batch", "target": { "type": "all" }, "sensor_type": "taste" }),
                ),
                "requests.0.sensor_type",
            ),
        ] {
            assert_eq!(read(frame.clone()), Err(vec![wrong.to_owned()]), "{frame}");
        }
    }

    #[test]
    fn time_spans() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("5s", Some(5000)),
            ("250ms", Some(250)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("61m", None),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("1.5s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ] {
            let span = TimeSpan::parse(&text.into()).ok();
            assert_eq!(span.map(|span| span.0.as_millis()), expected, "{text}");
        }
    }
}
