//! `tracker/command/…`: what waits for a device, and what became of what was sent to it.

use crate::{
    action::{Action, Call},
    answer::{Done, Page},
    dates::Dates,
    parameters::{Int, List, choices, parameters},
};
use domain::{Command, CommandFailure, CommandState, ErrorCode, LockAction, Reliability, Right, TrackerId};
use fleet::{Failure, LISTED_COMMANDS, StoredCommand, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Count {
    count: usize,
}

pub(crate) struct CountUnconfirmed;

impl Action for CountUnconfirmed {
    const PATH: &'static str = "tracker/command/unconfirmed/count";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Count;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Count, Failure> {
        Ok(Count { count: call.fleet.unconfirmed_commands(&call.caller, which.tracker_id).await? })
    }
}

pub(crate) struct ResetUnconfirmed;

impl Action for ResetUnconfirmed {
    const PATH: &'static str = "tracker/command/unconfirmed/reset";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::EntityNotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.cancel_commands(&call.caller, which.tracker_id).await?;
        Ok(Done {})
    }
}

choices! {
    enum StateName {
        Queued "queued",
        Taken "taken",
        Sent "sent",
        Acknowledged "acknowledged",
        Failed "failed",
        Expired "expired",
        Cancelled "cancelled",
    }
}

parameters! {
    struct Newest {
        tracker_id: TrackerId,
        states: Option<List<StateName, 0, 7>>,
        offset: Option<Int<0, { i32::MAX as i64 }>>,
        limit: Option<Int<1, { LISTED_COMMANDS as i64 }>>,
    }
}

/// A command that was asked for through the tracker.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Logged {
    id: i64,
    /// `text`, `bytes`, `output`, `outputs`, `immobilize`, `locate` or `lock`.
    kind: &'static str,
    /// What was asked for, in words; passwords are not among them.
    command: String,
    /// `queued`, `taken`, `sent`, `acknowledged`, `failed`, `expired` or `cancelled`.
    state: &'static str,
    /// Of a failure: `refused`, `no_reply`, `unsupported` or `unfit`.
    failure: Option<&'static str>,
    /// The device's own words.
    reply: Option<String>,
    /// Sent again when the device does not answer.
    reliable: bool,
    attempts: u32,
    user_id: Option<i64>,
    asked: String,
    expires: String,
    sent: Option<String>,
    finished: Option<String>,
}

impl Logged {
    fn of(stored: StoredCommand, dates: &Dates) -> Self {
        let life = stored.life;
        let (state, failure) = words(life.state);
        Self {
            id: stored.id.0,
            kind: stored.command.kind().as_str(),
            command: told(stored.command),
            state,
            failure,
            reply: life.reply,
            reliable: life.reliability == Reliability::Repeated,
            attempts: life.attempts,
            user_id: stored.user.map(|user| user.0),
            asked: dates.moment(stored.asked),
            expires: dates.moment(life.expires),
            sent: life.sent.map(|time| dates.moment(time)),
            finished: life.over.map(|time| dates.moment(time)),
        }
    }
}

impl StateName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Taken => "taken",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

fn words(state: CommandState) -> (&'static str, Option<&'static str>) {
    let named = |name: StateName| (name.as_str(), None);
    match state {
        CommandState::Queued => named(StateName::Queued),
        CommandState::Taken { .. } => named(StateName::Taken),
        CommandState::Sent { .. } => named(StateName::Sent),
        CommandState::Acknowledged => named(StateName::Acknowledged),
        CommandState::Failed(failure) => {
            let failure = match failure {
                CommandFailure::Refused => "refused",
                CommandFailure::NoReply => "no_reply",
                CommandFailure::Unsupported => "unsupported",
                CommandFailure::Unfit => "unfit",
            };
            (StateName::Failed.as_str(), Some(failure))
        }
        CommandState::Expired => named(StateName::Expired),
        CommandState::Cancelled => named(StateName::Cancelled),
    }
}

fn told(command: Command) -> String {
    let switched = |on: bool| if on { "on" } else { "off" };
    match command {
        Command::Text(text) => text,
        Command::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Command::Output { number, on } => format!("output {number} {}", switched(on)),
        Command::Outputs(states) => {
            let states: Vec<_> = states.into_iter().map(switched).collect();
            format!("outputs {}", states.join(" "))
        }
        Command::Immobilize(on) => format!("immobilizer {}", switched(on)),
        Command::Locate => "location".to_owned(),
        Command::Lock { action: LockAction::Seal, .. } => "seal".to_owned(),
        Command::Lock { action: LockAction::Unseal, .. } => "unseal".to_owned(),
    }
}

/// Ours: the public reference has no action that tells what became of a command.
pub(crate) struct ListCommands;

impl Action for ListCommands {
    const PATH: &'static str = "tracker/command/log/list";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure];
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::EntityNotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str =
        r#"{"tracker_id": 123456, "states": ["queued", "sent"], "offset": 0, "limit": 50}"#;
    type Caller = UserCaller;
    type Parameters = Newest;
    type Answer = Page<Logged>;

    async fn run(call: &Call<UserCaller>, newest: Newest) -> Result<Self::Answer, Failure> {
        let states: Vec<_> =
            newest.states.iter().flat_map(|states| &states.0).map(|it| it.as_str()).collect();
        let page = fleet::Page {
            offset: newest.offset.map_or(0, Int::number),
            limit: Some(newest.limit.map_or(100, Int::number)),
            ..fleet::Page::default()
        };
        let commands = call.fleet.commands(&call.caller, newest.tracker_id, &states, &page).await?;
        let list = commands.items.into_iter().map(|stored| Logged::of(stored, &call.dates)).collect();
        Ok(Page { list, count: commands.count })
    }
}
