//! `user/settings/ui/…`: what client applications keep for their user.

use crate::{
    action::{Action, Call},
    answer::{Done, Value as ValueOf},
    parameters::{Parameter, Text, Wrong, parameters},
};
use domain::ErrorCode;
use fleet::{Failure, UserCaller};
use serde_json::{Value, json};

/// Latin letters, digits, `_` and `-`.
pub(crate) struct Key(String);

impl Parameter for Key {
    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9A-Za-z_-]{1,50}$" })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let Text(key) = Text::<1, 50>::parse(value)?;
        if key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            Ok(Self(key))
        } else {
            Err("must have only letters, digits, _ and -".into())
        }
    }
}

/// Whatever the application writes, line breaks too. PostgreSQL keeps no NUL.
pub(crate) struct Kept(String);

impl Parameter for Kept {
    fn schema() -> Value {
        json!({ "type": "string", "maxLength": 8192 })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let text = value.as_str().ok_or("must be a text")?;
        if text.chars().count() > 8192 {
            Err("must have 0 to 8192 characters".into())
        } else if text.contains('\0') {
            Err("must not have NUL characters".into())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

parameters! {
    struct Which {
        key: Key,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "user/settings/ui/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"key": "tracker-icons"}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = ValueOf<String>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        Ok(ValueOf { value: call.fleet.ui_setting(&call.caller, &which.key.0).await? })
    }
}

parameters! {
    struct Entry {
        key: Key,
        value: Kept,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "user/settings/ui/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::OverQuota];
    const EXAMPLE: &'static str = r#"{"key": "tracker-icons", "value": "large"}"#;
    type Caller = UserCaller;
    type Parameters = Entry;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, entry: Entry) -> Result<Done, Failure> {
        call.fleet.set_ui_setting(&call.caller, &entry.key.0, &entry.value.0).await?;
        Ok(Done {})
    }
}
