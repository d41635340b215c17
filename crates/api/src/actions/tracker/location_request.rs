//! `tracker/location_request`: asks the device where it is.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{choices, parameters},
};
use domain::{ErrorCode, TrackerId};
use fleet::{Failure, LocationRequest, UserCaller};

choices! {
    enum Kind { Sms "sms", Gsm "gsm", Gprs "gprs" }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
        r#type: Option<Kind>,
    }
}

pub(crate) struct RequestLocation;

impl Action for RequestLocation {
    const PATH: &'static str = "tracker/location_request";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::DeviceOffline,
        ErrorCode::NotSupportedByDevice,
        ErrorCode::LocationActual,
        ErrorCode::QueueUnavailable,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "type": "gprs"}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        let how = match which.r#type {
            None | Some(Kind::Sms) => LocationRequest::Sms,
            Some(Kind::Gsm) => LocationRequest::Cells,
            Some(Kind::Gprs) => LocationRequest::Gnss,
        };
        call.fleet.catch_up().await;
        call.fleet.request_location(&call.caller, which.tracker_id, how).await?;
        Ok(Done {})
    }
}
