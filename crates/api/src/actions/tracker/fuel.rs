//! `tracker/get_fuel`: what is in the tanks.

use super::readings::{self, Answer};
use crate::{
    action::{Action, Call},
    parameters::parameters,
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, Meters, UserCaller};

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct GetFuel;

impl Action for GetFuel {
    const PATH: &'static str = "tracker/get_fuel";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DeviceBlocked];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Answer, Failure> {
        readings::answer(call, which.tracker_id, Meters::Fuel).await
    }
}
