//! `tracker/corrupt`, `tracker/delete`: the end of a registration, and of a clone.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::parameters,
};
use domain::{ErrorCode, Right, TrackerId};
use fleet::{Failure, UserCaller};

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct Corrupt;

impl Action for Corrupt {
    const PATH: &'static str = "tracker/corrupt";
    const RIGHTS: &'static [Right] = &[Right::TrackerRegister];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::AlreadyConnected,
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::AlreadyCorrupted,
        ErrorCode::DeviceBlocked,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 265489}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.corrupt(&call.caller, which.tracker_id).await?;
        Ok(Done {})
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "tracker/delete";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::ClonesOnly, ErrorCode::DeleteAssociated];
    const EXAMPLE: &'static str = r#"{"tracker_id": 265489}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_tracker(&call.caller, which.tracker_id).await?;
        Ok(Done {})
    }
}
