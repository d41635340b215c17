//! `history/unread/…`: what the user has not read yet.

use super::{EventObject, Labelled, list::Limit};
use crate::{
    action::{Action, Call},
    answer,
    dates::Moment,
    parameters::{Int, choices, parameters},
};
use domain::{ErrorCode, Timestamp};
use fleet::{Direction, EventFilter, Failure, LISTED_EVENTS, ReadOrNot, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use std::{ops::Range, time::Duration};

/// So far back is looked when the caller does not say.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Up to now; an event may have the time of a device whose clock is a little ahead.
fn since(call: &Call<UserCaller>, from: Option<Moment>) -> Range<Timestamp> {
    let from = from.map_or(call.now.minus(YEAR), |from| call.dates.resolve(from));
    from..call.now.plus(Duration::from_secs(3600))
}

parameters! {
    struct Newest {
        limit: Option<Limit>,
        from: Option<Moment>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "history/unread/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::LimitTooBig];
    const EXAMPLE: &'static str = r#"{"limit": 100, "from": "2026-11-01 00:00:00"}"#;
    type Caller = UserCaller;
    type Parameters = Newest;
    type Answer = answer::List<EventObject>;

    async fn run(call: &Call<UserCaller>, newest: Newest) -> Result<Self::Answer, Failure> {
        let filter = EventFilter { span: since(call, newest.from), kinds: None, read: ReadOrNot::Unread };
        let limit = newest.limit.map_or(LISTED_EVENTS, Int::number);
        let (events, _) =
            call.fleet.events(&call.caller, None, &filter, Direction::Descending, limit).await?;
        let object = |event| EventObject::of(event, Labelled::No, &call.dates);
        Ok(answer::List { list: events.into_iter().map(object).collect() })
    }
}

choices! { enum DeviceKind { Socket "socket", Tracker "tracker", Camera "camera" } }

parameters! {
    struct Counted {
        from: Option<Moment>,
        r#type: Option<DeviceKind>,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UnreadCount")]
pub(crate) struct Answer {
    count: u64,
}

pub(crate) struct Count;

impl Action for Count {
    const PATH: &'static str = "history/unread/count";
    const EXAMPLE: &'static str = r#"{"from": "2026-11-01 00:00:00", "type": "tracker"}"#;
    type Caller = UserCaller;
    type Parameters = Counted;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, counted: Counted) -> Result<Answer, Failure> {
        let count = match counted.r#type {
            None | Some(DeviceKind::Tracker) => {
                call.fleet.unread_events(&call.caller, since(call, counted.from)).await?
            }
            // There are only trackers.
            Some(DeviceKind::Socket | DeviceKind::Camera) => 0,
        };
        Ok(Answer { count })
    }
}
