//! `subuser/security_group/…`: what sub-users may do.

use super::{ERRORS, ERRORS_OF_ONE, RIGHTS};
use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    parameters::{List as Items, Object, Parameter, StorePeriod, Text, Wrong, parameters},
};
use domain::{ErrorCode, Right, SecurityGroupId, UserId};
use fleet::{Failure, SecurityGroup, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize, JsonSchema)]
pub(crate) struct SecurityGroupObject {
    id: i64,
    label: String,
    privileges: PrivilegesObject,
}

#[derive(Serialize, JsonSchema)]
struct PrivilegesObject {
    #[schemars(with = "Vec<String>")]
    rights: Vec<Right>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_period: Option<String>,
}

impl SecurityGroupObject {
    fn of(group: SecurityGroup) -> Self {
        let SecurityGroup { id, label, rights, store_period, .. } = group;
        Self { id: id.0, label, privileges: PrivilegesObject { rights, store_period } }
    }
}

/// A right that a group can hold: every one but `admin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grantable(Right);

impl Parameter for Grantable {
    fn schema() -> Value {
        let grantable: Vec<_> = Right::ALL.into_iter().filter(|right| *right != Right::Admin).collect();
        json!({ "type": "string", "enum": grantable })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let right = serde_json::from_value(value.clone()).ok().filter(|right| *right != Right::Admin);
        right.map(Self).ok_or_else(|| "is no right that a group can hold".into())
    }
}

parameters! {
    struct Privileges {
        rights: Items<Grantable, 0, 100>,
        store_period: Option<StorePeriod>,
    }
}

impl Privileges {
    /// The rights in the order of the documentation, each once, and the period.
    fn parts(self) -> (Vec<Right>, Option<String>) {
        let held = |right: &Right| self.rights.0.contains(&Grantable(*right));
        let rights = Right::ALL.into_iter().filter(held).collect();
        (rights, self.store_period.map(|period| period.0))
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "subuser/security_group/list";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    type Caller = UserCaller;
    type Parameters = crate::parameters::Nothing;
    type Answer = answer::List<SecurityGroupObject>;

    async fn run(call: &Call<UserCaller>, _: Self::Parameters) -> Result<Self::Answer, Failure> {
        let groups = call.fleet.security_groups(&call.caller).await?;
        Ok(answer::List { list: groups.into_iter().map(SecurityGroupObject::of).collect() })
    }
}

parameters! {
    struct NewFields {
        label: Text<1, 255>,
        privileges: Object<Privileges>,
    }
}

parameters! {
    struct NewGroup {
        group: Object<NewFields>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "subuser/security_group/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"group": {"label": "Managers",
        "privileges": {"rights": ["tag_update", "tracker_register"], "store_period": "1d"}}}"#;
    type Caller = UserCaller;
    type Parameters = NewGroup;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewGroup) -> Result<Created, Failure> {
        let Object(NewFields { label, privileges: Object(privileges) }) = new.group;
        let (rights, period) = privileges.parts();
        let create = call.fleet.create_security_group(&call.caller, &label.0, &rights, period.as_deref());
        Ok(Created { id: create.await?.0 })
    }
}

parameters! {
    struct ChangedFields {
        id: SecurityGroupId,
        label: Text<1, 255>,
        privileges: Object<Privileges>,
    }
}

parameters! {
    struct ChangedGroup {
        group: Object<ChangedFields>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "subuser/security_group/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS_OF_ONE;
    const EXAMPLE: &'static str =
        r#"{"group": {"id": 333, "label": "Managers", "privileges": {"rights": ["tag_update"]}}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedGroup;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedGroup) -> Result<Done, Failure> {
        let Object(ChangedFields { id, label, privileges: Object(privileges) }) = changed.group;
        let (rights, period) = privileges.parts();
        call.fleet.update_security_group(&call.caller, id, label.0, rights, period).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        security_group_id: SecurityGroupId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "subuser/security_group/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS_OF_ONE;
    const EXAMPLE: &'static str = r#"{"security_group_id": 333}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_security_group(&call.caller, which.security_group_id).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Assignment {
        group_id: Option<SecurityGroupId>,
        subuser_ids: Items<UserId, 0, 10_000>,
    }
}

pub(crate) struct Assign;

impl Action for Assign {
    const PATH: &'static str = "subuser/security_group/assign";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS_OF_ONE;
    const EXAMPLE: &'static str = r#"{"group_id": 333, "subuser_ids": [103]}"#;
    type Caller = UserCaller;
    type Parameters = Assignment;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, assignment: Assignment) -> Result<Done, Failure> {
        let Assignment { group_id, subuser_ids } = assignment;
        call.fleet.assign_security_group(&call.caller, group_id, &subuser_ids.0).await?;
        Ok(Done {})
    }
}
