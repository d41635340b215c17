//! `subuser/session/create`: a master opens a session of a sub-user.

use super::{ERRORS_OF_ONE, RIGHTS};
use crate::{
    action::{Action, Call},
    parameters::parameters,
};
use domain::{ErrorCode, Right, UserId};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Which {
        subuser_id: UserId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Session {
    hash: String,
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "subuser/session/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS_OF_ONE;
    const EXAMPLE: &'static str = r#"{"subuser_id": 103}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Session;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Session, Failure> {
        let hash = call.fleet.create_sub_user_session(&call.caller, which.subuser_id).await?;
        Ok(Session { hash })
    }
}
