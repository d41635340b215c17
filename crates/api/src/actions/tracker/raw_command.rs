//! `tracker/raw_command/send`: what the user typed, framed by the device's protocol.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Parameters, Text, choices, parameters},
    request::Arguments,
};
use domain::{Command, ErrorCode, Reliability, Right, TrackerId};
use fleet::{Failure, ParameterError, UserCaller};

choices! {
    enum Form { Text "text", Hex "hex" }
}

parameters! {
    struct Typed {
        tracker_id: TrackerId,
        command: Text<1, 2048>,
        r#type: Option<Form>,
        reliable: Option<bool>,
    }
}

/// The parameters, with the command understood.
pub(crate) struct RawCommand {
    tracker: TrackerId,
    command: Command,
    reliability: Reliability,
}

impl Parameters for RawCommand {
    const NAMES: &'static [(&'static str, bool)] = Typed::NAMES;

    fn schema() -> serde_json::Value {
        Typed::schema()
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        let Typed { tracker_id: tracker, command: Text(typed), r#type, reliable } = Typed::read(arguments)?;
        let command = match r#type {
            None | Some(Form::Text) => Command::Text(typed),
            Some(Form::Hex) => Command::Bytes(bytes(&typed).ok_or_else(|| {
                vec![ParameterError { parameter: "command".to_owned(), error: "Non-hex string".to_owned() }]
            })?),
        };
        let reliability = if reliable == Some(false) { Reliability::Once } else { Reliability::Repeated };
        Ok(Self { tracker, command, reliability })
    }
}

/// `None` when it is not an even number of hex digits.
fn bytes(typed: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = typed.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

pub(crate) struct Send;

impl Action for Send {
    const PATH: &'static str = "tracker/raw_command/send";
    const RIGHTS: &'static [Right] = &[Right::TrackerConfigure, Right::TrackerSetOutput];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotSupportedByDevice,
        ErrorCode::NotAllowedForClones,
        ErrorCode::QueueUnavailable,
    ];
    const EXAMPLE: &'static str =
        r#"{"tracker_id": 265489, "command": "setdigout 1", "type": "text", "reliable": true}"#;
    type Caller = UserCaller;
    type Parameters = RawCommand;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, raw: RawCommand) -> Result<Done, Failure> {
        call.fleet.send_raw_command(&call.caller, raw.tracker, raw.command, raw.reliability).await?;
        Ok(Done {})
    }
}
