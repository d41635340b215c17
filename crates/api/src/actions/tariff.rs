//! `tariff/…`: the plans of users and their trackers.

use crate::{
    action::{Action, Call},
    answer::{self, Done},
    parameters::{Nothing, parameters},
};
use domain::{ErrorCode, Right, TariffId, TrackerId};
use fleet::{Failure, MapFilter, Money, Tariff, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

/// A plan as users see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PlanObject {
    id: i64,
    name: String,
    group_id: i64,
    active: bool,
    r#type: &'static str,
    price: f64,
    early_change_price: Option<f64>,
    device_limit: i64,
    has_reports: bool,
    paas_free: bool,
    store_period: String,
    features: Vec<String>,
    map_filter: Maps,
}

/// Only `values`, or with `exclusion` all but them.
#[derive(Serialize, JsonSchema)]
struct Maps {
    exclusion: bool,
    values: Vec<String>,
}

impl From<Tariff> for PlanObject {
    fn from(Tariff { id, terms, .. }: Tariff) -> Self {
        let all = MapFilter { exclusion: true, values: Vec::new() };
        let MapFilter { exclusion, values } = terms.map_filter.unwrap_or(all);
        Self {
            id: id.0,
            name: terms.name,
            group_id: terms.group,
            active: terms.active,
            r#type: terms.kind.as_str(),
            price: terms.price.units(),
            early_change_price: terms.early_change_price.map(Money::units),
            device_limit: terms.device_limit,
            has_reports: terms.has_reports,
            paas_free: terms.paas_free,
            store_period: terms.store_period,
            features: terms.features,
            map_filter: Maps { exclusion, values },
        }
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tariff/list";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = answer::List<PlanObject>;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let plans = call.fleet.own_tariffs(&call.caller).await?;
        Ok(answer::List { list: plans.into_iter().map(PlanObject::from).collect() })
    }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct PlansOfTracker {
    list: Vec<PlanObject>,
    days_to_next_change: i64,
}

pub(crate) struct ListOfTracker;

impl Action for ListOfTracker {
    const PATH: &'static str = "tariff/tracker/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"tracker_id": 345215}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = PlansOfTracker;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let (plans, days_to_next_change) = call.fleet.tracker_tariffs(&call.caller, which.tracker_id).await?;
        Ok(PlansOfTracker { list: plans.into_iter().map(PlanObject::from).collect(), days_to_next_change })
    }
}

parameters! {
    struct NewPlan {
        tracker_id: TrackerId,
        tariff_id: TariffId,
    }
}

pub(crate) struct Change;

impl Action for Change {
    const PATH: &'static str = "tariff/tracker/change";
    const RIGHTS: &'static [Right] = &[Right::Admin];
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::InvalidTariff,
        ErrorCode::DeviceLimitExceeded,
        ErrorCode::TariffChangeNotAllowed,
        ErrorCode::TariffNotFound,
        ErrorCode::TariffChangeTooFrequent,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 345215, "tariff_id": 12}"#;
    type Caller = UserCaller;
    type Parameters = NewPlan;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, new: NewPlan) -> Result<Done, Failure> {
        call.fleet.change_own_tariff(&call.caller, new.tracker_id, new.tariff_id).await?;
        Ok(Done {})
    }
}
