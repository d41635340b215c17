//! `api/key/…`: keys with which programs call in a master's name. None of these can be called with a key.

use crate::{
    action::{Action, Call, InPerson},
    answer::{self, Done, Value},
    dates::Dates,
    parameters::{Nothing, Text, parameters},
};
use domain::{ErrorCode, Right};
use fleet::{ApiKey, Failure};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyObject {
    hash: String,
    create_date: String,
    title: String,
}

impl KeyObject {
    fn of(key: ApiKey, dates: &Dates) -> Self {
        Self { hash: key.hash, create_date: dates.moment(key.created), title: key.title }
    }
}

parameters! {
    struct NewKey {
        title: Text<1, 255>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "api/key/create";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::SessionNotFound, ErrorCode::NotPermitted, ErrorCode::OverQuota];
    const EXAMPLE: &'static str = r#"{"title": "Import into the warehouse"}"#;
    type Caller = InPerson;
    type Parameters = NewKey;
    type Answer = Value<KeyObject>;

    async fn run(call: &Call<InPerson>, new: NewKey) -> Result<Self::Answer, Failure> {
        let key = call.fleet.create_api_key(&call.caller, &new.title.0).await?;
        Ok(Value { value: KeyObject::of(key, &call.dates) })
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "api/key/list";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::SessionNotFound, ErrorCode::NotPermitted];
    type Caller = InPerson;
    type Parameters = Nothing;
    type Answer = answer::List<KeyObject>;

    async fn run(call: &Call<InPerson>, _: Nothing) -> Result<Self::Answer, Failure> {
        let keys = call.fleet.api_keys(&call.caller).await?;
        Ok(answer::List { list: keys.into_iter().map(|key| KeyObject::of(key, &call.dates)).collect() })
    }
}

parameters! {
    struct Which {
        key: Text<1, 255>,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "api/key/delete";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::SessionNotFound, ErrorCode::NotPermitted, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"key": "5063e191d734e87e17987953c7a9a086"}"#;
    type Caller = InPerson;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<InPerson>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_api_key(&call.caller, &which.key.0).await?;
        Ok(Done {})
    }
}
