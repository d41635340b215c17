//! `status/…`: working statuses, the listings they stand in, and which one a tracker has. Plans must have `statuses`.

pub(crate) mod listing;
pub(crate) mod tracker;

use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    parameters::{Color, Object, Text, parameters},
};
use domain::{ErrorCode, Right, StatusId, StatusListingId};
use fleet::{Failure, Status, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

const RIGHTS: &[Right] = &[Right::TrackerUpdate];

#[derive(Serialize, JsonSchema)]
pub(crate) struct StatusObject {
    id: i64,
    label: String,
    color: String,
}

impl StatusObject {
    fn of(status: Status) -> Self {
        Self { id: status.id.0, label: status.label, color: status.color }
    }
}

parameters! {
    struct NewFields {
        label: Text<1, 255>,
        color: Color,
    }
}

parameters! {
    struct NewStatus {
        listing_id: StatusListingId,
        status: Object<NewFields>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "status/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound, ErrorCode::OverQuota];
    const EXAMPLE: &'static str = r#"{"listing_id": 12345, "status": {"label": "Busy", "color": "E57373"}}"#;
    type Caller = UserCaller;
    type Parameters = NewStatus;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewStatus) -> Result<Created, Failure> {
        let Object(NewFields { label, color }) = new.status;
        let id = call.fleet.create_status(&call.caller, new.listing_id, &label.0, &color.0).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct ChangedFields {
        id: StatusId,
        label: Text<1, 255>,
        color: Color,
    }
}

parameters! {
    struct ChangedStatus {
        status: Object<ChangedFields>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "status/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"status": {"id": 5, "label": "Busy", "color": "E57373"}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedStatus;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedStatus) -> Result<Done, Failure> {
        let Object(ChangedFields { id, label, color }) = changed.status;
        call.fleet.update_status(&call.caller, id, &label.0, &color.0).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        status_id: StatusId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "status/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"status_id": 123}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_status(&call.caller, which.status_id).await?;
        Ok(Done {})
    }
}

parameters! {
    struct OfListing {
        listing_id: StatusListingId,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "status/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::TariffRestriction];
    const EXAMPLE: &'static str = r#"{"listing_id": 12345}"#;
    type Caller = UserCaller;
    type Parameters = OfListing;
    type Answer = answer::List<StatusObject>;

    async fn run(call: &Call<UserCaller>, of: OfListing) -> Result<Self::Answer, Failure> {
        let statuses = call.fleet.statuses(&call.caller, of.listing_id).await?;
        Ok(answer::List { list: statuses.into_iter().map(StatusObject::of).collect() })
    }
}
