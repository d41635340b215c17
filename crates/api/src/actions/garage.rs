//! `garage/…`: where vehicles stand.

use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    forms::{GarageForm, kept_garage},
    parameters::{Both, Nothing, Object, parameters},
};
use domain::{ErrorCode, GarageId, Right};
use fleet::{Failure, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

const RIGHTS: &[Right] = &[Right::VehicleUpdate];
const ERRORS: &[ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::NotFound];

#[derive(Serialize, JsonSchema)]
pub(crate) struct GarageObject {
    id: i64,
    #[serde(flatten)]
    #[schemars(schema_with = "kept_garage")]
    fields: Map<String, Value>,
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "garage/list";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<GarageObject>;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let garages = call.fleet.garages(&call.caller).await?;
        let object = |garage: fleet::Garage| GarageObject { id: garage.id.0, fields: garage.fields };
        Ok(answer::List { list: garages.into_iter().map(object).collect() })
    }
}

parameters! {
    struct NewGarage {
        garage: Object<GarageForm>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "garage/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotPermitted];
    const EXAMPLE: &'static str = r#"{"garage": {"location": {"lat": 40.4, "lng": -3.6, "address": "Calle Mayor, 5",
        "radius": 150}, "mechanic_name": "Marta", "dispatcher_name": "Vera", "organization_name": "North"}}"#;
    type Caller = UserCaller;
    type Parameters = NewGarage;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewGarage) -> Result<Created, Failure> {
        let id = call.fleet.create_garage(&call.caller, &new.garage.0.0).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct Id {
        id: GarageId,
    }
}

parameters! {
    struct ChangedGarage {
        garage: Object<Both<Id, GarageForm>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "garage/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"garage": {"id": 222, "organization_name": "North"}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedGarage;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedGarage) -> Result<Done, Failure> {
        let Object(Both(Id { id }, GarageForm(fields))) = changed.garage;
        call.fleet.update_garage(&call.caller, id, fields).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        garage_id: GarageId,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "garage/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"garage_id": 222}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        call.fleet.delete_garage(&call.caller, which.garage_id).await?;
        Ok(Done {})
    }
}
