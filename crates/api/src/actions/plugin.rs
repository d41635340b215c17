//! `plugin/list`: the ways in which a tracker may be registered.

use crate::{
    action::{Action, Call},
    answer,
    parameters::Nothing,
};
use fleet::{Failure, PLUGINS, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct PluginObject {
    id: i64,
    r#type: &'static str,
    module: &'static str,
    ui_module: &'static str,
    filter: FilterObject,
}

/// Which device models a plugin takes: those that `values` match, or with `exclusion` all but them.
#[derive(Serialize, JsonSchema)]
struct FilterObject {
    exclusion: bool,
    values: &'static [&'static str],
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "plugin/list";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<PluginObject>;

    async fn run(_: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let object = |plugin: &'static fleet::Plugin| PluginObject {
            id: plugin.id,
            r#type: plugin.r#type,
            module: plugin.module,
            ui_module: plugin.ui_module,
            filter: FilterObject { exclusion: plugin.filter.exclusion, values: plugin.filter.values },
        };
        Ok(answer::List { list: PLUGINS.iter().map(object).collect() })
    }
}
