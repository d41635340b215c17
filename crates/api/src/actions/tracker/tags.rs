//! `tracker/tags/set`: which tags a tracker carries, in which of its five places.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Int, List as Items, Object, parameters},
};
use domain::{ErrorCode, TagId, TrackerId};
use fleet::{Failure, UserCaller};
use std::collections::HashSet;

parameters! {
    struct Binding {
        tag_id: TagId,
        ordinal: Int<1, 5>,
    }
}

parameters! {
    struct Bindings {
        tracker_id: TrackerId,
        tag_bindings: Items<Object<Binding>, 0, 5>,
    }
}

pub(crate) struct Set;

impl Action for Set {
    const PATH: &'static str = "tracker/tags/set";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"tracker_id": 123456, "tag_bindings": [{"tag_id": 1, "ordinal": 1}]}"#;
    type Caller = UserCaller;
    type Parameters = Bindings;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, bindings: Bindings) -> Result<Done, Failure> {
        let tags: Vec<_> = bindings
            .tag_bindings
            .0
            .into_iter()
            .map(|Object(binding)| (binding.tag_id, binding.ordinal.number::<u8>()))
            .collect();
        let (mut once, mut place) = (HashSet::new(), HashSet::new());
        if !tags.iter().all(|(tag, ordinal)| once.insert(*tag) & place.insert(*ordinal)) {
            let wrong = "must name each tag_id and each ordinal once";
            return Err(Failure::parameter("tag_bindings", wrong));
        }
        call.fleet.set_tags(&call.caller, bindings.tracker_id, &tags).await?;
        Ok(Done {})
    }
}
