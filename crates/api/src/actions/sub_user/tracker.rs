//! `subuser/tracker/…`: which trackers a sub-user sees.

use super::{ERRORS_OF_ONE, RIGHTS};
use crate::{
    action::{Action, Call},
    answer::{self, Done},
    parameters::{List as Items, parameters},
};
use domain::{ErrorCode, Right, TrackerId, UserId};
use fleet::{Failure, UserCaller};

const ERRORS: &[ErrorCode] = &[
    ErrorCode::NotPermitted,
    ErrorCode::TariffRestriction,
    ErrorCode::NotFound,
    ErrorCode::EntriesIncomplete,
];
const EXAMPLE: &str = r#"{"subuser_id": 103, "trackers": [123456]}"#;

parameters! {
    struct Which {
        subuser_id: UserId,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "subuser/tracker/list";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS_OF_ONE;
    const EXAMPLE: &'static str = r#"{"subuser_id": 103}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = answer::List<i64>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let trackers = call.fleet.trackers_of_sub_user(&call.caller, which.subuser_id).await?;
        Ok(answer::List { list: trackers.into_iter().map(|tracker| tracker.0).collect() })
    }
}

parameters! {
    struct Trackers {
        subuser_id: UserId,
        trackers: Items<TrackerId, 0, 100_000>,
    }
}

pub(crate) struct Bind;

impl Action for Bind {
    const PATH: &'static str = "subuser/tracker/bind";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = EXAMPLE;
    type Caller = UserCaller;
    type Parameters = Trackers;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, bound: Trackers) -> Result<Done, Failure> {
        call.fleet.bind_trackers(&call.caller, bound.subuser_id, &bound.trackers.0).await?;
        Ok(Done {})
    }
}

pub(crate) struct Unbind;

impl Action for Unbind {
    const PATH: &'static str = "subuser/tracker/unbind";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = EXAMPLE;
    type Caller = UserCaller;
    type Parameters = Trackers;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, unbound: Trackers) -> Result<Done, Failure> {
        call.fleet.unbind_trackers(&call.caller, unbound.subuser_id, &unbound.trackers.0).await?;
        Ok(Done {})
    }
}
