//! `subuser/register`, `list`, `update`, `delete`.

use super::{ERRORS, ERRORS_OF_ONE, RIGHTS};
use crate::{
    action::{Action, Call},
    actions::person::{PersonFields, PersonObject},
    answer::{self, Created, Done},
    dates::Dates,
    parameters::{Both, Nothing, Nullable, Object, Text, parameters},
};
use domain::{ErrorCode, Right, SecurityGroupId, UserId};
use fleet::{Failure, Role, SubUserChange, SubUserDraft, User, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct SubUserObject {
    id: i64,
    activated: bool,
    login: String,
    #[serde(flatten)]
    person: PersonObject,
    #[schemars(with = "Option<i64>")]
    security_group_id: Option<SecurityGroupId>,
    creation_date: String,
}

impl SubUserObject {
    fn of(user: User, dates: &Dates) -> Self {
        let security_group_id = match user.role {
            Role::SubUser { security_group } => security_group,
            Role::Master => None,
        };
        Self {
            id: user.id.0,
            activated: user.activated,
            login: user.login,
            person: PersonObject::of(user.person),
            security_group_id,
            creation_date: dates.moment(user.created),
        }
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "subuser/list";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<SubUserObject>;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let users = call.fleet.sub_users(&call.caller).await?;
        Ok(answer::List {
            list: users.into_iter().map(|user| SubUserObject::of(user, &call.dates)).collect(),
        })
    }
}

parameters! {
    struct NewFields {
        login: Text<3, 255>,
        activated: Option<bool>,
        security_group_id: Option<SecurityGroupId>,
    }
}

parameters! {
    struct NewSubUser {
        user: Object<Both<NewFields, PersonFields>>,
        password: Text<6, 20>,
    }
}

pub(crate) struct Register;

impl Action for Register {
    const PATH: &'static str = "subuser/register";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound, ErrorCode::LoginInUse];
    const EXAMPLE: &'static str = r#"{"user": {"login": "ben@example.com", "activated": true, "first_name": "Ben",
        "last_name": "Berg", "security_group_id": null}, "password": "correct horse"}"#;
    type Caller = UserCaller;
    type Parameters = NewSubUser;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewSubUser) -> Result<Created, Failure> {
        let Object(Both(fields, person)) = new.user;
        let draft = SubUserDraft {
            login: fields.login.0,
            password: new.password.0,
            activated: fields.activated != Some(false),
            person: person.new_person(),
            security_group: fields.security_group_id,
        };
        let id = call.fleet.create_sub_user(&call.caller, draft).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct ChangedFields {
        id: UserId,
        login: Option<Text<3, 255>>,
        activated: Option<bool>,
        security_group_id: Nullable<SecurityGroupId>,
    }
}

parameters! {
    struct ChangedSubUser {
        user: Object<Both<ChangedFields, PersonFields>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "subuser/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound, ErrorCode::LoginInUse];
    const EXAMPLE: &'static str =
        r#"{"user": {"id": 103, "activated": true, "first_name": "Benjamin", "security_group_id": null}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedSubUser;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedSubUser) -> Result<Done, Failure> {
        let Object(Both(fields, person)) = changed.user;
        let change = SubUserChange {
            login: fields.login.map(|login| login.0),
            activated: fields.activated,
            security_group: fields.security_group_id.0,
        };
        let changed = |before| person.applied_to_same(before, "user.legal_type");
        call.fleet.update_sub_user(&call.caller, fields.id, change, changed).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        subuser_id: UserId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "subuser/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS_OF_ONE;
    const EXAMPLE: &'static str = r#"{"subuser_id": 103}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_sub_user(&call.caller, which.subuser_id).await?;
        Ok(Done {})
    }
}
