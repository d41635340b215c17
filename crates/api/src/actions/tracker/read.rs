//! `tracker/read`: one tracker.

use super::object::TrackerObject;
use crate::{
    action::{Action, Call},
    answer::Value,
    parameters::parameters,
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, UserCaller};

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Value<TrackerObject>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let view = call.fleet.tracker(&call.caller, which.tracker_id)?;
        Ok(Value { value: TrackerObject::whole(&view, &call.dates) })
    }
}
