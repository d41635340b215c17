//! `status/listing/…`: listings of working statuses, and which tracker has which.

use super::RIGHTS;
use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    parameters::{Both, Distinct, Nothing, Object, Text, parameters},
};
use domain::{ErrorCode, Right, StatusId, StatusListingId, TrackerId};
use fleet::{Failure, StatusListing, StatusListingDraft, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct ListingObject {
    id: i64,
    label: String,
    employee_controlled: bool,
    supervisor_controlled: bool,
    entries: Vec<i64>,
}

impl ListingObject {
    fn of(listing: StatusListing) -> Self {
        Self {
            id: listing.id.0,
            label: listing.label,
            employee_controlled: listing.employee_controlled,
            supervisor_controlled: listing.supervisor_controlled,
            entries: listing.entries.into_iter().map(|status| status.0).collect(),
        }
    }
}

parameters! {
    struct ListingFields {
        label: Text<1, 255>,
        employee_controlled: bool,
        supervisor_controlled: bool,
    }
}

impl ListingFields {
    fn draft(self) -> StatusListingDraft {
        let Self { label, employee_controlled, supervisor_controlled } = self;
        StatusListingDraft { label: label.0, employee_controlled, supervisor_controlled }
    }
}

parameters! {
    struct NewListing {
        listing: Object<ListingFields>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "status/listing/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::OverQuota];
    const EXAMPLE: &'static str = r#"{"listing": {"label": "Taxi driver statuses", "employee_controlled": false,
        "supervisor_controlled": true}}"#;
    type Caller = UserCaller;
    type Parameters = NewListing;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewListing) -> Result<Created, Failure> {
        let id = call.fleet.create_status_listing(&call.caller, new.listing.0.draft()).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct Ordered {
        id: StatusListingId,
        entries: Distinct<StatusId, 0, 1000>,
    }
}

parameters! {
    struct ChangedListing {
        listing: Object<Both<ListingFields, Ordered>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "status/listing/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::TariffRestriction,
        ErrorCode::NotFound,
        ErrorCode::EntriesIncomplete,
    ];
    const EXAMPLE: &'static str = r#"{"listing": {"id": 12345, "label": "Taxi driver statuses",
        "employee_controlled": false, "supervisor_controlled": true, "entries": []}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedListing;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedListing) -> Result<Done, Failure> {
        let Object(Both(fields, Ordered { id, entries })) = changed.listing;
        call.fleet.update_status_listing(&call.caller, id, fields.draft(), entries.0).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        listing_id: StatusListingId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "status/listing/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"listing_id": 12345}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_status_listing(&call.caller, which.listing_id).await?;
        Ok(Done {})
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "status/listing/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::TariffRestriction];
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<ListingObject>;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let listings = call.fleet.status_listings(&call.caller).await?;
        Ok(answer::List { list: listings.into_iter().map(ListingObject::of).collect() })
    }
}

parameters! {
    /// Without a listing the tracker has none any more.
    struct Assignment {
        tracker_id: TrackerId,
        listing_id: Option<StatusListingId>,
    }
}

pub(crate) struct Assign;

impl Action for Assign {
    const PATH: &'static str = "status/listing/tracker/assign";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotPermitted,
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceBlocked,
        ErrorCode::TariffRestriction,
        ErrorCode::EntityNotFound,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "listing_id": 12345}"#;
    type Caller = UserCaller;
    type Parameters = Assignment;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, assignment: Assignment) -> Result<Done, Failure> {
        let Assignment { tracker_id, listing_id } = assignment;
        call.fleet.assign_status_listing(&call.caller, tracker_id, listing_id).await?;
        Ok(Done {})
    }
}
