//! `user/auth`, `user/logout`, `user/session/renew`: sessions of users. A session ends 30 days after it was last
//! renewed, at logout, and when the password changes.

use crate::{
    action::{Action, Anyone, Call, InPerson},
    answer::Done,
    parameters::{Int, Nothing, Text, parameters},
};
use domain::ErrorCode;
use fleet::Failure;
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Credentials {
        login: Text<1, 255>,
        password: Text<1, 40>,
        dealer_id: Option<Int<0, 2_147_483_647>>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Authenticated {
    r#type: &'static str,
    hash: String,
}

pub(crate) struct Auth;

impl Action for Auth {
    const PATH: &'static str = "user/auth";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::WrongLogin,
        ErrorCode::NotActivated,
        ErrorCode::TooManySessions,
        ErrorCode::TooManyAttempts,
    ];
    const EXAMPLE: &'static str = r#"{"login": "anna@example.com", "password": "correct horse"}"#;
    type Caller = Anyone;
    type Parameters = Credentials;
    type Answer = Authenticated;

    async fn run(call: &Call<Anyone>, credentials: Credentials) -> Result<Authenticated, Failure> {
        let Credentials { login, password, dealer_id: _ } = credentials;
        let hash = call.fleet.log_in(&login.0, &password.0, call.address).await?;
        Ok(Authenticated { r#type: "authenticated", hash })
    }
}

pub(crate) struct Logout;

impl Action for Logout {
    const PATH: &'static str = "user/logout";
    type Caller = InPerson;
    type Parameters = Nothing;
    type Answer = Done;

    async fn run(call: &Call<InPerson>, _: Nothing) -> Result<Done, Failure> {
        call.fleet.log_out(&call.caller).await?;
        Ok(Done {})
    }
}

pub(crate) struct Renew;

impl Action for Renew {
    const PATH: &'static str = "user/session/renew";
    type Caller = InPerson;
    type Parameters = Nothing;
    type Answer = Done;

    async fn run(call: &Call<InPerson>, _: Nothing) -> Result<Done, Failure> {
        call.fleet.renew_session(&call.caller).await?;
        Ok(Done {})
    }
}
