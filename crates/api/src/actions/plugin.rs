//! `plugin/list`: the ways in which a tracker may be registered.

use crate::{
    action::{Action, Call},
    answer,
    parameters::Nothing,
};
use fleet::{Failure, PLUGINS, Plugin, UserCaller};

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "plugin/list";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<&'static Plugin>;

    async fn run(_: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        Ok(answer::List { list: PLUGINS.iter().collect() })
    }
}
