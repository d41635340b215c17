//! Tariffs (plans), and the defaults that new trackers get.

use super::{
    Catalog, CatalogError, Direction, Listed, Money, Page, Unreadable,
    columns::{Columns, json, words},
    listing::{orders, searchable},
    statements::{returned_id, statements},
};
use domain::TariffId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, any::AnyRow, query, query_as, query_scalar};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    pub id: TariffId,
    /// For ever, whatever else of the plan changes.
    pub device_type: DeviceType,
    pub terms: TariffTerms,
}

/// What a plan says. Field names are those of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct TariffTerms {
    /// Unique.
    pub name: String,
    /// Trackers change only between plans of one group.
    pub group: i64,
    /// Trackers may change to it.
    pub active: bool,
    pub kind: TariffKind,
    pub price: Money,
    /// Price of a change before the freeze period is over; `None`: not possible.
    pub early_change_price: Option<Money>,
    pub device_limit: i64,
    pub has_reports: bool,
    pub paas_free: bool,
    pub proportional_charge: bool,
    /// Such as `2h`, `3d`, `5m` (months), `1y`.
    pub store_period: String,
    pub features: Vec<String>,
    pub map_filter: Option<MapFilter>,
    pub service_prices: ServicePrices,
    pub doc_type: DocType,
}

words! {
    TariffKind("type of tariff") {
        Monthly = "monthly",
        EveryDay = "everyday",
        ActiveDay = "activeday",
    }
    DeviceType("device type") {
        Tracker = "tracker",
        Camera = "camera",
        Socket = "socket",
    }
}

/// For whom a plan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DocType {
    #[default]
    All,
    Individuals,
    /// Legal entities and sole traders.
    Businesses,
}

/// Which maps a plan offers: only `values`, or with `exclusion` all but them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapFilter {
    pub exclusion: bool,
    pub values: Vec<String>,
}

/// Price by service, such as `service_sms`.
pub type ServicePrices = BTreeMap<String, Money>;

/// What a newly registered tracker gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffDefaults {
    pub tariff: TariffId,
    pub activation_bonus: Money,
    /// Days without a fee after registration.
    pub free_days: i64,
    /// How many trackers of a user may have them; `None`: no limit.
    pub free_days_device_limit: Option<i64>,
}

macro_rules! select_tariffs {
    () => {
        "SELECT id, name, group_id, active, kind, device_type, price, early_change_price, device_limit, has_reports, \
         paas_free, proportional_charge, store_period, features, map_filter, service_prices, doc_type FROM tariffs"
    };
}

macro_rules! listed_tariffs {
    () => {
        " WHERE device_type = COALESCE($1, device_type) \
         AND (search LIKE $2 ESCAPE '\\' OR CAST(id AS TEXT) LIKE $2)"
    };
}

orders! {
    pub enum TariffOrder {
        #[default]
        Id = "id",
        Name = "name",
        DeviceType = "device_type",
        GroupId = "group_id",
        Price = "price",
    }
    concat!(select_tariffs!(), listed_tariffs!());
    " LIMIT $3 OFFSET $4"
}

statements! {
    CREATE = "INSERT INTO tariffs (device_type, name, group_id, active, kind, price, early_change_price, \
        device_limit, has_reports, paas_free, proportional_charge, store_period, features, map_filter, \
        service_prices, doc_type, search) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id";
    UPDATE = "UPDATE tariffs SET name = $2, group_id = $3, active = $4, kind = $5, price = $6, \
        early_change_price = $7, device_limit = $8, has_reports = $9, paas_free = $10, proportional_charge = $11, \
        store_period = $12, features = $13, map_filter = $14, service_prices = $15, doc_type = $16, search = $17 \
        WHERE id = $1";
    READ = concat!(select_tariffs!(), " WHERE id = $1");
    COUNT_LISTED = concat!("SELECT COUNT(*) AS count FROM tariffs", listed_tariffs!());
    DEFAULTS = "SELECT tariff_id, activation_bonus, free_days, free_days_device_limit FROM tariff_defaults";
    SET_DEFAULTS = "UPDATE tariff_defaults SET tariff_id = $1, activation_bonus = $2, free_days = $3, \
        free_days_device_limit = $4";
}

impl Catalog {
    /// # Errors
    /// `LabelTaken`.
    pub async fn create_tariff(
        &self,
        device_type: DeviceType,
        terms: &TariffTerms,
    ) -> Result<TariffId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = bind_terms(query(CREATE).bind(device_type.as_str()), device_type, terms)?;
        let id = TariffId(returned_id(&mut transaction, create).await?);
        transaction.commit().await?;
        Ok(id)
    }

    /// # Errors
    /// `LabelTaken`, `NotFound`.
    pub async fn update_tariff(&self, tariff: &Tariff) -> Result<(), CatalogError> {
        self.change_one(bind_terms(query(UPDATE).bind(tariff.id.0), tariff.device_type, &tariff.terms)?).await
    }

    pub async fn tariff(&self, id: TariffId) -> Result<Option<Tariff>, CatalogError> {
        Ok(query_as(READ).bind(id.0).fetch_optional(self.reader()).await?)
    }

    /// The filter looks into id, name, price and device type.
    pub async fn list_tariffs(
        &self,
        page: &Page,
        device_type: Option<DeviceType>,
        order: TariffOrder,
        direction: Direction,
    ) -> Result<Listed<Tariff>, CatalogError> {
        let device_type = device_type.map(DeviceType::as_str);
        let mut snapshot = self.snapshot().await?;
        let count: i64 = query_scalar(COUNT_LISTED)
            .bind(device_type)
            .bind(page.pattern())
            .fetch_one(&mut *snapshot)
            .await?;
        let items = query_as(order.list(direction))
            .bind(device_type)
            .bind(page.pattern())
            .bind(page.limit())
            .bind(page.offset())
            .fetch_all(&mut *snapshot)
            .await?;
        snapshot.rollback().await?;
        Ok(Listed { items, count: count.unsigned_abs() })
    }

    pub async fn tariff_defaults(&self) -> Result<TariffDefaults, CatalogError> {
        Ok(query_as(DEFAULTS).fetch_one(self.reader()).await?)
    }

    /// # Errors
    /// `ReferenceNotFound` for an unknown tariff.
    pub async fn set_tariff_defaults(&self, defaults: &TariffDefaults) -> Result<(), CatalogError> {
        let set = query(SET_DEFAULTS)
            .bind(defaults.tariff.0)
            .bind(defaults.activation_bonus.ten_thousandths())
            .bind(defaults.free_days)
            .bind(defaults.free_days_device_limit);
        self.change_one(set).await
    }
}

/// `$2` to `$17` of `CREATE` and `UPDATE`.
fn bind_terms<'q>(
    statement: super::statements::Statement<'q>,
    device_type: DeviceType,
    terms: &'q TariffTerms,
) -> sqlx::Result<super::statements::Statement<'q>> {
    let search = searchable([&*terms.name, &terms.price.to_string(), device_type.as_str()]);
    Ok(statement
        .bind(&terms.name)
        .bind(terms.group)
        .bind(i64::from(terms.active))
        .bind(terms.kind.as_str())
        .bind(terms.price.ten_thousandths())
        .bind(terms.early_change_price.map(Money::ten_thousandths))
        .bind(terms.device_limit)
        .bind(i64::from(terms.has_reports))
        .bind(i64::from(terms.paas_free))
        .bind(i64::from(terms.proportional_charge))
        .bind(&terms.store_period)
        .bind(json(&terms.features)?)
        .bind(terms.map_filter.as_ref().map(json).transpose()?)
        .bind(json(&terms.service_prices)?)
        .bind(terms.doc_type.number())
        .bind(search))
}

impl DocType {
    /// As the API says it.
    pub fn number(self) -> i64 {
        match self {
            Self::All => 0,
            Self::Individuals => 1,
            Self::Businesses => 2,
        }
    }
}

impl TryFrom<i64> for DocType {
    type Error = Unreadable;

    fn try_from(number: i64) -> Result<Self, Unreadable> {
        [Self::All, Self::Individuals, Self::Businesses]
            .into_iter()
            .find(|each| each.number() == number)
            .ok_or_else(|| Unreadable { value: number.to_string(), expected: "doc_type" })
    }
}

impl FromRow<'_, AnyRow> for Tariff {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let terms = TariffTerms {
            name: row.text("name")?,
            group: row.int("group_id")?,
            active: row.flag("active")?,
            kind: row.word("kind")?,
            price: Money::from_ten_thousandths(row.int("price")?),
            early_change_price: row.maybe_int("early_change_price")?.map(Money::from_ten_thousandths),
            device_limit: row.int("device_limit")?,
            has_reports: row.flag("has_reports")?,
            paas_free: row.flag("paas_free")?,
            proportional_charge: row.flag("proportional_charge")?,
            store_period: row.text("store_period")?,
            features: row.json("features")?,
            map_filter: row.maybe_json("map_filter")?,
            service_prices: row.json("service_prices")?,
            doc_type: DocType::try_from(row.int("doc_type")?).map_err(|e| sqlx::Error::Decode(e.into()))?,
        };
        Ok(Self { id: TariffId(row.int("id")?), device_type: row.word("device_type")?, terms })
    }
}

impl FromRow<'_, AnyRow> for TariffDefaults {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            tariff: TariffId(row.int("tariff_id")?),
            activation_bonus: Money::from_ten_thousandths(row.int("activation_bonus")?),
            free_days: row.int("free_days")?,
            free_days_device_limit: row.maybe_int("free_days_device_limit")?,
        })
    }
}
