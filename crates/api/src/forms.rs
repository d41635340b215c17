//! Parameters that are objects of a form, and answers that print one as it is kept.

use crate::{parameters::Fields, request::Arguments};
use fleet::{ParameterError, form::Form};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

macro_rules! forms {
    ($($name:ident $form:literal, $kept:ident;)*) => {$(
        #[doc = concat!("An object of the form `", $form, "`, checked.")]
        pub(crate) struct $name(pub(crate) Map<String, Value>);

        impl Fields for $name {
            fn schema() -> Value {
                Form::of($form).schema()
            }

            fn read(fields: &Arguments) -> Result<Self, Vec<ParameterError>> {
                Form::of($form).read(fields).map(Self)
            }
        }

        /// Its JSON Schema in an answer.
        pub(crate) fn $kept(_: &mut SchemaGenerator) -> Schema {
            Schema::try_from(Form::of($form).kept_schema()).unwrap_or_default()
        }
    )*};
}

forms! {
    VehicleForm "vehicle", kept_vehicle;
    GarageForm "garage", kept_garage;
    RuleForm "rule", kept_rule;
}
