//! `panel/dealer/activation_code/…`: codes that register a tracker on a plan, with free days and a bonus.

use super::user::{direction, page};
use crate::{
    action::{Action, Call},
    answer::Page as PageOf,
    dates::Dates,
    parameters::{Amount, Distinct, Int, Text, choices, parameters},
};
use domain::{ErrorCode, TariffId};
use fleet::{ActivationCode, CodeOrder, CodeTerms, Failure, Listed, Money, PanelCaller};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct CodeObject {
    tariff_id: i64,
    bonus_amount: f64,
    free_days: i64,
    money_amount: f64,
    device_type: &'static str,
    code: String,
    activated: bool,
    activation_date: Option<String>,
    /// The source that was registered with it; 0: none yet.
    device_id: i64,
    tariff_name: String,
}

impl CodeObject {
    fn of(code: ActivationCode, dates: &Dates) -> Self {
        let (when, source) = code.used.unzip();
        Self {
            tariff_id: code.terms.tariff.0,
            bonus_amount: code.terms.bonus.units(),
            free_days: code.terms.free_days,
            money_amount: 0.0,
            device_type: "tracker",
            code: code.code,
            activated: when.is_some(),
            activation_date: when.map(|when| dates.moment(when)),
            device_id: source.map_or(0, |source| source.0),
            tariff_name: code.tariff_name,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Count {
    count: u64,
}

fn terms(tariff: TariffId, bonus: Option<Amount>, free_days: Option<Int<0, 3650>>) -> CodeTerms {
    CodeTerms {
        tariff,
        bonus: bonus.map_or(Money::ZERO, |bonus| bonus.0),
        free_days: free_days.map_or(0, |days| days.0),
    }
}

parameters! {
    struct NewCodes {
        count: Int<1, 10_000>,
        tariff_id: TariffId,
        bonus_amount: Option<Amount>,
        free_days: Option<Int<0, 3650>>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "panel/dealer/activation_code/create";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"count": 10, "tariff_id": 1, "bonus_amount": 3, "free_days": 5}"#;
    type Caller = PanelCaller;
    type Parameters = NewCodes;
    type Answer = Count;

    async fn run(call: &Call<PanelCaller>, new: NewCodes) -> Result<Count, Failure> {
        let terms = terms(new.tariff_id, new.bonus_amount, new.free_days);
        let count = call.fleet.create_activation_codes(&call.caller, new.count.number(), &terms).await?;
        Ok(Count { count: count as u64 })
    }
}

choices! {
    enum OrderBy {
        Code "code",
        Activated "activated",
        TariffId "tariff_id",
        TariffName "tariff_name",
        DeviceType "device_type",
        MoneyAmount "money_amount",
        BonusAmount "bonus_amount",
        FreeDays "free_days",
    }
}

parameters! {
    struct Filter {
        filter: Option<Text<0, 255>>,
        order_by: Option<OrderBy>,
        ascending: Option<bool>,
        offset: Option<Int<0, 2_147_483_647>>,
        limit: Option<Int<1, 10_000>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "panel/dealer/activation_code/list";
    const EXAMPLE: &'static str = r#"{"order_by": "activated", "limit": 50}"#;
    type Caller = PanelCaller;
    type Parameters = Filter;
    type Answer = PageOf<CodeObject>;

    async fn run(call: &Call<PanelCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let order = match filter.order_by {
            Some(OrderBy::Activated) => CodeOrder::Activated,
            Some(OrderBy::TariffId) => CodeOrder::TariffId,
            Some(OrderBy::TariffName) => CodeOrder::TariffName,
            Some(OrderBy::BonusAmount) => CodeOrder::BonusAmount,
            Some(OrderBy::FreeDays) => CodeOrder::FreeDays,
            // All have the same device type and amount of money.
            None | Some(OrderBy::Code | OrderBy::DeviceType | OrderBy::MoneyAmount) => CodeOrder::Code,
        };
        let page = page(filter.filter, filter.offset, filter.limit);
        let direction = direction(filter.ascending);
        let Listed { items, count } =
            call.fleet.list_activation_codes(&call.caller, &page, order, direction).await?;
        Ok(PageOf { list: items.into_iter().map(|code| CodeObject::of(code, &call.dates)).collect(), count })
    }
}

parameters! {
    struct ChangedCodes {
        codes: Distinct<Text<1, 20>, 1, 10_000>,
        tariff_id: TariffId,
        bonus_amount: Option<Amount>,
        free_days: Option<Int<0, 3650>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "panel/dealer/activation_code/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str =
        r#"{"codes": ["1231512445", "1245157632"], "tariff_id": 1, "bonus_amount": 3, "free_days": 5}"#;
    type Caller = PanelCaller;
    type Parameters = ChangedCodes;
    type Answer = Count;

    async fn run(call: &Call<PanelCaller>, change: ChangedCodes) -> Result<Count, Failure> {
        let terms = terms(change.tariff_id, change.bonus_amount, change.free_days);
        let codes: Vec<_> = change.codes.0.into_iter().map(|code| code.0).collect();
        let count = call.fleet.update_activation_codes(&call.caller, &codes, &terms).await?;
        Ok(Count { count })
    }
}
