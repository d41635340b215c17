//! `tracker/avatar/upload`: a picture of a tracker. It comes as the part `file` of a body in parts.

use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::{Parameter, Text, Wrong, parameters},
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, UserCaller};

/// Where a browser goes on after a success: an address of the web, in ASCII.
struct RedirectTarget;

impl Parameter for RedirectTarget {
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "format": "uri", "maxLength": 2000 })
    }

    fn parse(value: &serde_json::Value) -> Result<Self, Wrong> {
        let Text(url) = Text::<1, 2000>::parse(value)?;
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if is_web && url.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self)
        } else {
            Err("must be an address that begins with http:// or https://".into())
        }
    }
}

parameters! {
    /// `http` goes to the redirect's target.
    struct Which {
        tracker_id: TrackerId,
        redirect_target: Option<RedirectTarget>,
    }
}

pub(crate) struct Upload;

impl Action for Upload {
    const PATH: &'static str = "tracker/avatar/upload";
    const RIGHTS: &'static [Right] = &[Right::TrackerUpdate];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NoDataFile,
        ErrorCode::InvalidDataFormat,
        ErrorCode::CannotSaveFile,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    const FILE: Option<&'static [&'static str]> =
        Some(&["image/jpeg", "image/png", "image/gif", "image/webp"]);
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<String>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let name = call.fleet.set_avatar(&call.caller, which.tracker_id, call.file.as_ref()).await?;
        Ok(Value { value: name })
    }
}
