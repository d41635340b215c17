//! `panel/tariff/…`: plans, and what a newly registered tracker gets.

use super::user::{DEALER, direction, page};
use crate::{
    action::{Action, Call},
    answer::{Created, Done, Page as PageOf, Value},
    parameters::{
        Amount, Both, Int, List as Items, Nothing, Object, Parameter, Text, Wrong, choices, parameters,
    },
};
use domain::{ErrorCode, TariffId};
use fleet::{
    DeviceType, DocType, Failure, Listed, MapFilter, Money, PanelCaller, Tariff, TariffDefaults, TariffKind,
    TariffOrder, TariffTerms,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

choices! {
    enum Kind {
        Monthly "monthly",
        EveryDay "everyday",
        ActiveDay "activeday",
    }
}

choices! {
    enum Device {
        Tracker "tracker",
        Camera "camera",
        Socket "socket",
    }
}

impl From<Device> for DeviceType {
    fn from(device: Device) -> Self {
        match device {
            Device::Tracker => Self::Tracker,
            Device::Camera => Self::Camera,
            Device::Socket => Self::Socket,
        }
    }
}

/// How long history is kept: a number and `h`, `d`, `m` (months) or `y`.
struct StorePeriod(String);

impl Parameter for StorePeriod {
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^[0-9]{1,5}[hdmy]$" })
    }

    fn parse(value: &serde_json::Value) -> Result<Self, Wrong> {
        let Text(text) = Text::<2, 6>::parse(value)?;
        let digits =
            text.strip_suffix(['h', 'd', 'm', 'y']).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse::<u16>().ok()) {
            Some(1..) => Ok(Self(text)),
            _ => Err("must be like 2h, 3d, 5m or 1y".into()),
        }
    }
}

parameters! {
    struct Maps {
        exclusion: bool,
        values: Items<Text<1, 255>, 0, 1000>,
    }
}

parameters! {
    struct Prices {
        service_sms: Option<Amount>,
    }
}

parameters! {
    struct Terms {
        name: Text<1, 255>,
        device_type: Option<Device>,
        group_id: Option<Int<0, 2_147_483_647>>,
        active: Option<bool>,
        r#type: Option<Kind>,
        price: Option<Amount>,
        early_change_price: Option<Amount>,
        device_limit: Option<Int<0, 2_147_483_647>>,
        has_reports: Option<bool>,
        paas_free: Option<bool>,
        proportional_charge: Option<bool>,
        store_period: Option<StorePeriod>,
        features: Option<Items<Text<1, 64>, 0, 100>>,
        map_filter: Option<Object<Maps>>,
        service_prices: Option<Object<Prices>>,
        doc_type: Option<Int<0, 2>>,
    }
}

parameters! {
    struct NewTariff {
        tariff: Object<Terms>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "panel/tariff/create";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::DuplicateLabel];
    const EXAMPLE: &'static str = r#"{"tariff": {"name": "Standard", "type": "monthly", "price": 9.9,
        "device_limit": 1000, "store_period": "1y", "features": ["multilevel_access"]}}"#;
    type Caller = PanelCaller;
    type Parameters = NewTariff;
    type Answer = Created;

    async fn run(call: &Call<PanelCaller>, new: NewTariff) -> Result<Created, Failure> {
        let Object(terms) = new.tariff;
        let device_type = terms.device_type.map_or(DeviceType::Tracker, DeviceType::from);
        let id = call.fleet.create_tariff(&call.caller, device_type, &terms.into()).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct Which {
        tariff_id: TariffId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "panel/tariff/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"tariff_id": 1}"#;
    type Caller = PanelCaller;
    type Parameters = Which;
    type Answer = Value<TariffObject>;

    async fn run(call: &Call<PanelCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let tariff = call.fleet.read_tariff(&call.caller, which.tariff_id).await?;
        Ok(Value { value: tariff.into() })
    }
}

parameters! {
    struct Identified {
        id: TariffId,
    }
}

parameters! {
    /// The whole plan; what is left out has the value of a new one.
    struct ChangedTariff {
        tariff: Object<Both<Identified, Terms>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "panel/tariff/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::DuplicateLabel];
    const EXAMPLE: &'static str = r#"{"tariff": {"id": 1, "name": "Standard", "type": "monthly", "price": 9.9,
        "device_limit": 1000, "store_period": "1y", "features": ["multilevel_access"]}}"#;
    type Caller = PanelCaller;
    type Parameters = ChangedTariff;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, change: ChangedTariff) -> Result<Done, Failure> {
        let Object(Both(Identified { id }, terms)) = change.tariff;
        call.fleet.update_tariff(&call.caller, id, terms.into()).await?;
        Ok(Done {})
    }
}

impl From<Terms> for TariffTerms {
    fn from(terms: Terms) -> Self {
        let features = terms.features.map(|Items(features)| features).unwrap_or_default();
        let prices = terms.service_prices.and_then(|Object(prices)| prices.service_sms);
        Self {
            name: terms.name.0,
            group: terms.group_id.map_or(1, |group| group.0),
            active: terms.active != Some(false),
            kind: match terms.r#type {
                None | Some(Kind::Monthly) => TariffKind::Monthly,
                Some(Kind::EveryDay) => TariffKind::EveryDay,
                Some(Kind::ActiveDay) => TariffKind::ActiveDay,
            },
            price: terms.price.map_or(Money::ZERO, |price| price.0),
            early_change_price: terms.early_change_price.map(|price| price.0),
            device_limit: terms.device_limit.map_or(i64::from(i32::MAX), |limit| limit.0),
            has_reports: terms.has_reports != Some(false),
            paas_free: terms.paas_free == Some(true),
            proportional_charge: terms.proportional_charge == Some(true),
            store_period: terms.store_period.map_or_else(|| "1y".to_owned(), |period| period.0),
            features: features.into_iter().map(|feature| feature.0).collect(),
            map_filter: terms.map_filter.map(|Object(maps)| MapFilter {
                exclusion: maps.exclusion,
                values: maps.values.0.into_iter().map(|value| value.0).collect(),
            }),
            service_prices: prices.map(|price| ("service_sms".to_owned(), price.0)).into_iter().collect(),
            doc_type: match terms.doc_type {
                Some(Int(1)) => DocType::Individuals,
                Some(Int(2)) => DocType::Businesses,
                _ => DocType::All,
            },
        }
    }
}

/// Only `values`, or with `exclusion` all but them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the schema of a foreign type")]
struct MapFilterObject {
    exclusion: bool,
    values: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct TariffObject {
    #[schemars(with = "i64")]
    id: TariffId,
    dealer_id: i64,
    name: String,
    device_type: &'static str,
    group_id: i64,
    active: bool,
    r#type: &'static str,
    price: f64,
    early_change_price: Option<f64>,
    device_limit: i64,
    has_reports: bool,
    paas_free: bool,
    proportional_charge: bool,
    store_period: String,
    features: Vec<String>,
    #[schemars(with = "Option<MapFilterObject>")]
    map_filter: Option<MapFilter>,
    service_prices: BTreeMap<String, f64>,
    doc_type: i64,
}

impl From<Tariff> for TariffObject {
    fn from(Tariff { id, device_type, terms }: Tariff) -> Self {
        Self {
            id,
            dealer_id: DEALER,
            name: terms.name,
            device_type: device_type.as_str(),
            group_id: terms.group,
            active: terms.active,
            r#type: terms.kind.as_str(),
            price: terms.price.units(),
            early_change_price: terms.early_change_price.map(Money::units),
            device_limit: terms.device_limit,
            has_reports: terms.has_reports,
            paas_free: terms.paas_free,
            proportional_charge: terms.proportional_charge,
            store_period: terms.store_period,
            features: terms.features,
            map_filter: terms.map_filter,
            service_prices: terms
                .service_prices
                .into_iter()
                .map(|(name, price)| (name, price.units()))
                .collect(),
            doc_type: terms.doc_type.number(),
        }
    }
}

choices! {
    enum OrderBy {
        Id "id",
        Name "name",
        DeviceType "device_type",
        GroupId "group_id",
        Price "price",
    }
}

parameters! {
    struct Filter {
        device_type: Option<Device>,
        filter: Option<Text<0, 255>>,
        order_by: Option<OrderBy>,
        ascending: Option<bool>,
        offset: Option<Int<0, 2_147_483_647>>,
        limit: Option<Int<1, 10_000>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "panel/tariff/list";
    const EXAMPLE: &'static str = r#"{"filter": "standard", "order_by": "name"}"#;
    type Caller = PanelCaller;
    type Parameters = Filter;
    type Answer = PageOf<TariffObject>;

    async fn run(call: &Call<PanelCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let device_type = filter.device_type.map(DeviceType::from);
        let order = match filter.order_by {
            None | Some(OrderBy::Id) => TariffOrder::Id,
            Some(OrderBy::Name) => TariffOrder::Name,
            Some(OrderBy::DeviceType) => TariffOrder::DeviceType,
            Some(OrderBy::GroupId) => TariffOrder::GroupId,
            Some(OrderBy::Price) => TariffOrder::Price,
        };
        let page = page(filter.filter, filter.offset, filter.limit);
        let direction = direction(filter.ascending);
        let Listed { items, count } =
            call.fleet.list_tariffs(&call.caller, &page, device_type, order, direction).await?;
        Ok(PageOf { list: items.into_iter().map(TariffObject::from).collect(), count })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Defaults {
    tracker: TrackerDefaults,
}

#[derive(Serialize, JsonSchema)]
struct TrackerDefaults {
    #[schemars(with = "i64")]
    tariff_id: TariffId,
    activation_bonus: f64,
    free_days: i64,
    free_days_device_limit: Option<i64>,
}

pub(crate) struct ReadDefaults;

impl Action for ReadDefaults {
    const PATH: &'static str = "panel/tariff/defaults/read";
    type Caller = PanelCaller;
    type Parameters = Nothing;
    type Answer = Defaults;

    async fn run(call: &Call<PanelCaller>, _: Nothing) -> Result<Defaults, Failure> {
        let defaults = call.fleet.tariff_defaults(&call.caller).await?;
        Ok(Defaults {
            tracker: TrackerDefaults {
                tariff_id: defaults.tariff,
                activation_bonus: defaults.activation_bonus.units(),
                free_days: defaults.free_days,
                free_days_device_limit: defaults.free_days_device_limit,
            },
        })
    }
}

parameters! {
    struct DefaultsOfTracker {
        tariff_id: TariffId,
        activation_bonus: Option<Amount>,
        free_days: Option<Int<0, 3650>>,
        free_days_device_limit: Option<Int<0, 2_147_483_647>>,
    }
}

parameters! {
    struct NewDefaults {
        tracker: Object<DefaultsOfTracker>,
    }
}

pub(crate) struct UpdateDefaults;

impl Action for UpdateDefaults {
    const PATH: &'static str = "panel/tariff/defaults/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::TariffNotFound, ErrorCode::InvalidTariff];
    const EXAMPLE: &'static str = r#"{"tracker": {"tariff_id": 1, "free_days": 14}}"#;
    type Caller = PanelCaller;
    type Parameters = NewDefaults;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, new: NewDefaults) -> Result<Done, Failure> {
        let Object(tracker) = new.tracker;
        let defaults = TariffDefaults {
            tariff: tracker.tariff_id,
            activation_bonus: tracker.activation_bonus.map_or(Money::ZERO, |bonus| bonus.0),
            free_days: tracker.free_days.map_or(0, |days| days.0),
            free_days_device_limit: tracker.free_days_device_limit.map(|limit| limit.0),
        };
        call.fleet.set_tariff_defaults(&call.caller, &defaults).await?;
        Ok(Done {})
    }
}
