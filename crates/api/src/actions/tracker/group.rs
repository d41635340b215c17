//! `tracker/group/…`: groups of trackers. Group 0 always exists, is never listed and cannot be changed.

use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    parameters::{Color, List as Items, Nothing, Text, parameters},
};
use domain::{ErrorCode, GroupId, Right, TrackerId};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct GroupObject {
    id: i64,
    title: String,
    color: String,
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tracker/group/list";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<GroupObject>;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let groups = call.fleet.groups(&call.caller);
        let object = |group: &fleet::Group| GroupObject {
            id: group.id.0,
            title: group.title.clone(),
            color: group.color.clone(),
        };
        Ok(answer::List { list: groups.iter().map(object).collect() })
    }
}

parameters! {
    struct NewGroup {
        title: Text<1, 60>,
        color: Color,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "tracker/group/create";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const EXAMPLE: &'static str = r#"{"title": "Vans", "color": "FF6DDC"}"#;
    type Caller = UserCaller;
    type Parameters = NewGroup;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewGroup) -> Result<Created, Failure> {
        let id = call.fleet.create_group(&call.caller, &new.title.0, &new.color.0).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct ChangedGroup {
        id: GroupId,
        title: Text<1, 60>,
        color: Color,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/group/update";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"id": 167, "title": "Vans", "color": "FF6DDC"}"#;
    type Caller = UserCaller;
    type Parameters = ChangedGroup;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, group: ChangedGroup) -> Result<Done, Failure> {
        call.fleet.update_group(&call.caller, group.id, &group.title.0, &group.color.0).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        id: GroupId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "tracker/group/delete";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"id": 167}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_group(&call.caller, which.id).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Assignment {
        id: GroupId,
        trackers: Items<TrackerId, 0, 10_000>,
    }
}

pub(crate) struct Assign;

impl Action for Assign {
    const PATH: &'static str = "tracker/group/assign";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::ListHasNonexistent];
    const EXAMPLE: &'static str = r#"{"id": 167, "trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Assignment;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, assignment: Assignment) -> Result<Done, Failure> {
        call.fleet.assign_group(&call.caller, assignment.id, &assignment.trackers.0).await?;
        Ok(Done {})
    }
}
