//! `user/password/set`: a user changes their own password, which ends all their sessions.

use crate::{
    action::{Action, Call, InPerson},
    answer::Done,
    parameters::{Text, parameters},
};
use domain::ErrorCode;
use fleet::Failure;

parameters! {
    struct Passwords {
        old_password: Text<1, 40>,
        new_password: Text<6, 40>,
    }
}

pub(crate) struct Set;

impl Action for Set {
    const PATH: &'static str = "user/password/set";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::PasswordUnchanged, ErrorCode::WrongPassword, ErrorCode::TooManyAttempts];
    const EXAMPLE: &'static str = r#"{"old_password": "correct horse", "new_password": "battery staple"}"#;
    type Caller = InPerson;
    type Parameters = Passwords;
    type Answer = Done;

    async fn run(call: &Call<InPerson>, passwords: Passwords) -> Result<Done, Failure> {
        let Passwords { old_password, new_password } = passwords;
        call.fleet.change_own_password(&call.caller, &old_password.0, &new_password.0, call.address).await?;
        Ok(Done {})
    }
}
