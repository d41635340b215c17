//! `tracker/sms/log/list`: short messages to and from the device of a tracker, and what became of each.

use crate::{
    action::{Action, Call},
    answer::List,
    dates::Dates,
    parameters::{Int, parameters},
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, LISTED_SMS, ReceivedSms, ShortMessage, StoredSms, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Latest {
        tracker_id: TrackerId,
        limit: Option<Int<1, { LISTED_SMS as i64 }>>,
    }
}

/// A short message to the device (`out`), or from it (`in`).
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedSms {
    /// Unique among those of its direction.
    id: i64,
    /// `out` or `in`.
    direction: &'static str,
    /// Of one that went out: null when the gateway has it or it is over, as it may tell a password.
    text: Option<String>,
    /// Of one that goes out: `queued`, `sent` (the gateway has it), `delivered`, `failed` or `expired`. Of one that came in:
    /// `waiting` (to be read), `position` (it told where the device is) or `text`.
    state: &'static str,
    /// Why it failed, or is not sent yet.
    reason: Option<String>,
    /// How often the gateway was asked to take it.
    attempts: Option<u32>,
    /// When it was asked for, or came in.
    time: String,
    expires: Option<String>,
    sent: Option<String>,
    finished: Option<String>,
}

impl LoggedSms {
    fn of(message: ShortMessage, dates: &Dates) -> Self {
        match message {
            ShortMessage::Out(sms) => Self::out(sms, dates),
            ShortMessage::In(sms) => Self::came_in(sms, dates),
        }
    }

    fn out(sms: StoredSms, dates: &Dates) -> Self {
        Self {
            id: sms.id.0,
            direction: "out",
            text: Some(sms.text).filter(|text| !text.is_empty()),
            state: sms.state.as_str(),
            reason: sms.reason,
            attempts: Some(sms.attempts),
            time: dates.moment(sms.asked),
            expires: Some(dates.moment(sms.expires)),
            sent: sms.sent.map(|time| dates.moment(time)),
            finished: sms.over.map(|time| dates.moment(time)),
        }
    }

    fn came_in(sms: ReceivedSms, dates: &Dates) -> Self {
        Self {
            id: sms.id.0,
            direction: "in",
            text: Some(sms.text),
            state: sms.reading.as_str(),
            reason: None,
            attempts: None,
            time: dates.moment(sms.received),
            expires: None,
            sent: None,
            finished: None,
        }
    }
}

/// Ours: the public reference has no action that tells what became of a short message.
pub(crate) struct ListShortMessages;

impl Action for ListShortMessages {
    const PATH: &'static str = "tracker/sms/log/list";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "limit": 50}"#;
    type Caller = UserCaller;
    type Parameters = Latest;
    type Answer = List<LoggedSms>;

    async fn run(call: &Call<UserCaller>, latest: Latest) -> Result<Self::Answer, Failure> {
        let limit = latest.limit.map_or(100, |limit| limit.number());
        let messages = call.fleet.short_messages(&call.caller, latest.tracker_id, limit).await?;
        Ok(List { list: messages.into_iter().map(|message| LoggedSms::of(message, &call.dates)).collect() })
    }
}
