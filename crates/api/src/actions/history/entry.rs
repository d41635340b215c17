//! `history/read`, `history/mark_read`, `history/mark_read_all`, `history/type/list`.

use super::{EventObject, Labelled};
use crate::{
    action::{Action, Call},
    answer::{self, Done, Value},
    parameters::{Int, Nothing, Text, parameters},
};
use domain::{ErrorCode, EventId, event_types};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

/// Events are numbered beyond 32 bits.
type Number = Int<{ i64::MIN }, { i64::MAX }>;

parameters! {
    struct Which {
        id: Number,
        add_tracker_label: Option<bool>,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "history/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"id": 11231, "add_tracker_label": true}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<EventObject>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let event = call.fleet.event(&call.caller, EventId(which.id.0)).await?;
        let labelled = Labelled::asked(which.add_tracker_label == Some(true));
        Ok(Value { value: EventObject::of(event, labelled, &call.dates) })
    }
}

parameters! {
    struct Marked {
        id: Number,
    }
}

pub(crate) struct MarkRead;

impl Action for MarkRead {
    const PATH: &'static str = "history/mark_read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"id": 11231}"#;
    type Caller = UserCaller;
    type Parameters = Marked;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, marked: Marked) -> Result<Done, Failure> {
        call.fleet.mark_event_read(&call.caller, EventId(marked.id.0)).await?;
        Ok(Done {})
    }
}

pub(crate) struct MarkReadAll;

impl Action for MarkReadAll {
    const PATH: &'static str = "history/mark_read_all";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Done, Failure> {
        call.fleet.mark_all_events_read(&call.caller).await?;
        Ok(Done {})
    }
}

parameters! {
    /// Descriptions are English, and all types are of trackers.
    struct Described {
        locale: Option<Text<0, 16>>,
        only_tracker_events: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct EventTypeObject {
    r#type: &'static str,
    description: &'static str,
}

pub(crate) struct ListTypes;

impl Action for ListTypes {
    const PATH: &'static str = "history/type/list";
    const EXAMPLE: &'static str = r#"{"locale": "en_EN", "only_tracker_events": true}"#;
    type Caller = UserCaller;
    type Parameters = Described;
    type Answer = answer::List<EventTypeObject>;

    async fn run(_: &Call<UserCaller>, _: Described) -> Result<Self::Answer, Failure> {
        let object = |listed: domain::EventType| EventTypeObject {
            r#type: listed.name,
            description: listed.description,
        };
        Ok(answer::List { list: event_types().map(object).collect() })
    }
}
