//! `panel/tracker/refused/list`: devices that knocked and were turned away, for whoever wonders why a tracker does not
//! appear.

use crate::{
    action::{Action, Call},
    answer::List as ListOf,
    parameters::Nothing,
};
use fleet::{Failure, PanelCaller, TurnedAway};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct RefusedObject {
    device_id: String,
    protocol: &'static str,
    address: String,
    /// Such as `unknown_device`, `wrong_protocol`, `blocked`.
    reason: &'static str,
    /// How often, since the server remembers it.
    count: u64,
    first_time: String,
    last_time: String,
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "panel/tracker/refused/list";
    type Caller = PanelCaller;
    type Parameters = Nothing;
    type Answer = ListOf<RefusedObject>;

    async fn run(call: &Call<PanelCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let object = |refused: TurnedAway| RefusedObject {
            device_id: refused.device_id.to_string(),
            protocol: refused.protocol,
            address: refused.address.to_string(),
            reason: refused.reason,
            count: refused.count,
            first_time: call.dates.moment(refused.first),
            last_time: call.dates.moment(refused.last),
        };
        Ok(ListOf { list: call.fleet.turned_away(&call.caller).into_iter().map(object).collect() })
    }
}
