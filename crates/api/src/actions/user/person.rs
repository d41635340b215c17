//! `user/personal_info/update`: who the caller is.

use crate::{
    action::{Action, Call},
    actions::person::PersonFields,
    answer::Done,
};
use fleet::{Failure, UserCaller};

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "user/personal_info/update";
    const EXAMPLE: &'static str = r#"{"first_name": "Charles", "middle_name": "Henry", "last_name": "Pearson", "phone": "491761234567"}"#;
    type Caller = UserCaller;
    type Parameters = PersonFields;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, person: PersonFields) -> Result<Done, Failure> {
        let changed = |before| person.applied_to_same(before, "legal_type");
        call.fleet.update_own_person(&call.caller, changed).await?;
        Ok(Done {})
    }
}
