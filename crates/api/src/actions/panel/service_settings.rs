//! `panel/dealer/settings/service/…`: how the service is called, and what new users and devices begin with.

use crate::{
    action::{Action, Call},
    answer::{Done, Value as ValueOf},
    parameters::{Nothing, Parameters},
    request::Arguments,
};
use fleet::{Failure, PanelCaller, ParameterError, form::Form};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

const FORM: &str = "service_settings";

/// All settings, as they are kept.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct ServiceObject(#[schemars(schema_with = "kept")] Map<String, Value>);

fn kept(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(kept_schema()).unwrap_or_default()
}

/// The JSON Schema of all settings.
pub(crate) fn kept_schema() -> Value {
    Form::of(FORM).kept_schema()
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "panel/dealer/settings/service/read";
    type Caller = PanelCaller;
    type Parameters = Nothing;
    type Answer = ValueOf<ServiceObject>;

    async fn run(call: &Call<PanelCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        Ok(ValueOf { value: ServiceObject(call.fleet.service_settings().await?.fields().clone()) })
    }
}

/// The settings that a call names; others stay.
pub(crate) struct Changes(Map<String, Value>);

impl Parameters for Changes {
    const NAMES: &'static [(&'static str, bool)] = &[];

    fn schema() -> Value {
        let mut schema = Form::of(FORM).schema();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("required");
        }
        schema
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        Form::of(FORM).read_changes(arguments).map(Self)
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "panel/dealer/settings/service/update";
    type Caller = PanelCaller;
    type Parameters = Changes;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, Changes(changes): Changes) -> Result<Done, Failure> {
        call.fleet.change_service_settings(&call.caller, &changes).await?;
        Ok(Done {})
    }
}
