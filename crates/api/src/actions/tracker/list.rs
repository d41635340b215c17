//! `tracker/list`: the caller's trackers, all or those whose label contains one of the given texts.

use super::object::TrackerObject;
use crate::{
    action::{Action, Call},
    answer,
    parameters::{Distinct, Text, parameters},
};
use fleet::{Failure, UserCaller};

parameters! {
    struct Filter {
        labels: Option<Distinct<Text<1, 60>, 1, 1024>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tracker/list";
    const EXAMPLE: &'static str = r#"{"labels": ["aa", "b"]}"#;
    type Caller = UserCaller;
    type Parameters = Filter;
    type Answer = answer::List<TrackerObject>;

    async fn run(call: &Call<UserCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let wanted = |label: &str| match &filter.labels {
            Some(Distinct(texts)) => texts.iter().any(|text| label.contains(&text.0)),
            None => true,
        };
        let views = call.fleet.trackers(&call.caller);
        let list = views
            .iter()
            .filter(|view| wanted(&view.tracker.label))
            .map(|view| TrackerObject::whole(view, &call.dates))
            .collect();
        Ok(answer::List { list })
    }
}
