//! `panel/tracker/clone`, `batch_clone`, `delete_clone`, `batch_delete_clones`: trackers of one user that another
//! sees too.

use crate::{
    action::{Action, Call},
    answer::{Created, Done},
    parameters::{Distinct, Text, parameters},
};
use domain::{ErrorCode, TrackerId, UserId};
use fleet::{Existing, Failure, PanelCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct NewClone {
        tracker_id: TrackerId,
        label: Text<1, 60>,
        user_id: UserId,
    }
}

pub(crate) struct Clone;

impl Action for Clone {
    const PATH: &'static str = "panel/tracker/clone";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotAllowedForClones,
        ErrorCode::NotFound,
        ErrorCode::InvalidUserId,
        ErrorCode::AlreadyExists,
        ErrorCode::AlreadyCorrupted,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 134537, "user_id": 354468, "label": "Courier"}"#;
    type Caller = PanelCaller;
    type Parameters = NewClone;
    type Answer = Created;

    async fn run(call: &Call<PanelCaller>, new: NewClone) -> Result<Created, Failure> {
        let clone = call.fleet.clone_tracker(&call.caller, new.tracker_id, new.user_id, new.label.0).await?;
        Ok(Created { id: clone.0 })
    }
}

parameters! {
    struct NewClones {
        tracker_ids: Distinct<TrackerId, 1, 1000>,
        user_id: UserId,
        ignore_existing: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Clones {
    #[schemars(with = "Vec<i64>")]
    list: Vec<TrackerId>,
    /// Of which the user had a clone already.
    #[schemars(with = "Vec<i64>")]
    ignored_trackers: Vec<TrackerId>,
}

pub(crate) struct BatchClone;

impl Action for BatchClone {
    const PATH: &'static str = "panel/tracker/batch_clone";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::ListHasNonexistent, ErrorCode::InvalidUserId, ErrorCode::AlreadyExists];
    const EXAMPLE: &'static str = r#"{"user_id": 998836, "tracker_ids": [134537], "ignore_existing": true}"#;
    type Caller = PanelCaller;
    type Parameters = NewClones;
    type Answer = Clones;

    async fn run(call: &Call<PanelCaller>, new: NewClones) -> Result<Clones, Failure> {
        let existing = if new.ignore_existing == Some(true) { Existing::Ignore } else { Existing::Refuse };
        let cloned =
            call.fleet.clone_trackers(&call.caller, &new.tracker_ids.0, new.user_id, existing).await?;
        Ok(Clones { list: cloned.made, ignored_trackers: cloned.ignored })
    }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct DeleteClone;

impl Action for DeleteClone {
    const PATH: &'static str = "panel/tracker/delete_clone";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::ClonesOnly,
        ErrorCode::DeleteAssociated,
        ErrorCode::AlreadyCorrupted,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 134537}"#;
    type Caller = PanelCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.panel_delete_clone(&call.caller, which.tracker_id).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Several {
        trackers: Distinct<TrackerId, 1, 500>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Deleted {
    deleted_count: usize,
    not_deleted_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_deleted_trackers: Vec<NotDeleted>,
}

#[derive(Serialize, JsonSchema)]
struct NotDeleted {
    id: i64,
    error: &'static str,
}

pub(crate) struct BatchDeleteClones;

impl Action for BatchDeleteClones {
    const PATH: &'static str = "panel/tracker/batch_delete_clones";
    const EXAMPLE: &'static str = r#"{"trackers": [134537, 458412]}"#;
    type Caller = PanelCaller;
    type Parameters = Several;
    type Answer = Deleted;

    async fn run(call: &Call<PanelCaller>, several: Several) -> Result<Deleted, Failure> {
        let trackers = several.trackers.0;
        let not_deleted = call.fleet.delete_clones(&call.caller, &trackers).await?;
        let why = |(id, code): fleet::NotDeleted| NotDeleted {
            id: id.0,
            error: match code {
                ErrorCode::ClonesOnly => "Not a clone",
                ErrorCode::NotFound => "Entity not found",
                other => other.description(),
            },
        };
        Ok(Deleted {
            deleted_count: trackers.len() - not_deleted.len(),
            not_deleted_count: not_deleted.len(),
            not_deleted_trackers: not_deleted.into_iter().map(why).collect(),
        })
    }
}
