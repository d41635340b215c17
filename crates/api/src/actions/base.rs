//! `base/nothing`: whether the server answers, to whoever has a session.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::Nothing as NoParameters,
};
use fleet::{Failure, UserCaller};

pub(crate) struct Nothing;

impl Action for Nothing {
    const PATH: &'static str = "base/nothing";
    type Caller = UserCaller;
    type Parameters = NoParameters;
    type Answer = Done;

    async fn run(_: &Call<UserCaller>, _: NoParameters) -> Result<Done, Failure> {
        Ok(Done {})
    }
}
