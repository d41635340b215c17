//! `history/tracker/list`, `history/user/list`: events of a span of time.

use super::{EventObject, Labelled};
use crate::{
    action::{Action, Call},
    dates::Moment,
    parameters::{Int, List, Text, parameters},
};
use domain::{ErrorCode, TrackerId};
use fleet::{Direction, EventCount, EventFilter, Failure, LISTED_EVENTS, ReadOrNot, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

/// A limit above `LISTED_EVENTS` answers 212, as documented.
pub(super) type Limit = Int<1, { i32::MAX as i64 }>;

parameters! {
    struct Wanted {
        from: Moment,
        to: Moment,
        events: Option<List<Text<1, 64>, 0, 200>>,
        limit: Option<Limit>,
        ascending: Option<bool>,
        only_emergency: Option<bool>,
        only_unread: Option<bool>,
        add_tracker_label: Option<bool>,
    }
}

parameters! {
    struct OfTrackers {
        trackers: List<TrackerId, 1, 10_000>,
        from: Moment,
        to: Moment,
        events: Option<List<Text<1, 64>, 0, 200>>,
        limit: Option<Limit>,
        ascending: Option<bool>,
        only_emergency: Option<bool>,
        only_unread: Option<bool>,
        add_tracker_label: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Events")]
pub(crate) struct Answer {
    list: Vec<EventObject>,
    /// More pass than are listed.
    limit_exceeded: bool,
    total: u64,
    total_unread: u64,
}

async fn list(
    call: &Call<UserCaller>,
    trackers: Option<&[TrackerId]>,
    wanted: Wanted,
) -> Result<Answer, Failure> {
    let span = call.dates.span(wanted.from, wanted.to)?;
    let kinds: Option<Vec<_>> = wanted.events.map(|kinds| kinds.0.into_iter().map(|kind| kind.0).collect());
    let kinds = match wanted.only_emergency {
        // Only rules can make an event one, and they do not fire yet.
        Some(true) => Some(Vec::new()),
        // An empty list is taken for none.
        _ => kinds.filter(|kinds| !kinds.is_empty()),
    };
    let read = if wanted.only_unread == Some(true) { ReadOrNot::Unread } else { ReadOrNot::Both };
    let direction =
        if wanted.ascending == Some(false) { Direction::Descending } else { Direction::Ascending };
    let limit = wanted.limit.map_or(LISTED_EVENTS, Int::number);
    let filter = EventFilter { span, kinds, read };
    let (events, EventCount { total, unread }) =
        call.fleet.events(&call.caller, trackers, &filter, direction, limit).await?;
    let labelled = Labelled::asked(wanted.add_tracker_label != Some(false));
    let list: Vec<_> =
        events.into_iter().map(|event| EventObject::of(event, labelled, &call.dates)).collect();
    Ok(Answer { limit_exceeded: total > list.len() as u64, list, total, total_unread: unread })
}

pub(crate) struct ListOfTrackers;

impl Action for ListOfTrackers {
    const PATH: &'static str = "history/tracker/list";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::TimeSpanTooBig, ErrorCode::LimitTooBig, ErrorCode::ListHasNonexistent];
    const EXAMPLE: &'static str = r#"{"trackers": [123456], "from": "2026-11-01 00:00:00",
        "to": "2026-11-30 23:59:59", "events": ["location_response", "info"], "limit": 100,
        "ascending": false}"#;
    type Caller = UserCaller;
    type Parameters = OfTrackers;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, of: OfTrackers) -> Result<Answer, Failure> {
        let OfTrackers {
            trackers,
            from,
            to,
            events,
            limit,
            ascending,
            only_emergency,
            only_unread,
            add_tracker_label,
        } = of;
        let wanted =
            Wanted { from, to, events, limit, ascending, only_emergency, only_unread, add_tracker_label };
        list(call, Some(&trackers.0), wanted).await
    }
}

pub(crate) struct ListOfUser;

impl Action for ListOfUser {
    const PATH: &'static str = "history/user/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::TimeSpanTooBig, ErrorCode::LimitTooBig];
    const EXAMPLE: &'static str = r#"{"from": "2026-11-01 00:00:00", "to": "2026-11-30 23:59:59"}"#;
    type Caller = UserCaller;
    type Parameters = Wanted;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, wanted: Wanted) -> Result<Answer, Failure> {
        list(call, None, wanted).await
    }
}
