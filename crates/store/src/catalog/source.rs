//! Sources: physical devices as the server knows them, and the look-up that admits their connections.

use super::{
    Catalog, CatalogError, activation_code, bundle,
    columns::Columns,
    command, counter, sensor, sms, source_setting,
    statements::{returned, returned_id, statements},
    tracker::{self, NewTracker},
};
use domain::{AccountId, DeviceId, SourceId, TariffId, Timestamp, TrackerId};
use serde_json::{Map, Value};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};
use std::{collections::BTreeMap, fmt};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub id: SourceId,
    pub account: AccountId,
    /// Unique; `None` for a retired source and for one that has no such number.
    pub device_id: Option<DeviceId>,
    /// Code of the device model.
    pub model: String,
    /// Unique; `None` also for a retired source.
    pub phone: Option<String>,
    /// The phone is that of a bundled SIM, which users do not see.
    pub bundled_sim: bool,
    pub tariff: TariffId,
    /// When its plan was last changed; `None`: it has the one of its registration.
    pub tariff_changed: Option<Timestamp>,
    /// Its records are not taken.
    pub blocked: bool,
    /// Its registration was undone.
    pub corrupted: bool,
    pub status_listing_id: Option<i64>,
    pub created: Timestamp,
    pub tariff_end: Option<Timestamp>,
    /// No record older than this is taken: until then the device id belonged to another source.
    pub accepts_from: Timestamp,
    /// When it gave up device id and phone: replaced or corrupted.
    pub retired: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSource {
    pub account: AccountId,
    pub device_id: Option<DeviceId>,
    /// Code of the device model.
    pub model: String,
    pub phone: Option<String>,
    /// Whose SIM the phone is.
    pub bundled_sim: Option<BundledSim>,
    pub tariff: TariffId,
    pub created: Timestamp,
    pub tariff_end: Option<Timestamp>,
    /// Used up by the registration.
    pub activation_code: Option<String>,
    /// That of its SIM; `None` when nobody named it.
    pub access_point: Option<AccessPoint>,
    pub sensors: FirstSensors,
}

/// The access point of a SIM, without its password, which is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    pub name: String,
    pub user: String,
}

/// Which sensors a new source begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstSensors {
    #[default]
    OfModel,
    None,
}

/// A SIM of a bundle, which is assigned to it unless it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundledSim {
    pub bundle: i64,
    pub iccid: String,
}

/// What decides whether a connection is let in, and how its bytes are read.
#[derive(Clone, PartialEq, Eq)]
pub struct Admission {
    pub source: SourceId,
    /// Code of the device model.
    pub model: String,
    pub blocked: bool,
    pub accepts_from: Timestamp,
    /// What its protocols have to know, by name.
    pub settings: BTreeMap<String, String>,
}

impl fmt::Debug for Admission {
    /// Without the settings: devices have passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, model, blocked, accepts_from, settings: _ } = self;
        f.debug_struct("Admission")
            .field("source", source)
            .field("model", model)
            .field("blocked", blocked)
            .field("accepts_from", accepts_from)
            .finish_non_exhaustive()
    }
}

struct Admitted(Admission, Option<Map<String, Value>>);

macro_rules! select_sources {
    () => {
        "SELECT id, account_id, device_id, model, phone, bundled_sim, tariff_id, tariff_changed, blocked, corrupted, status_listing_id, created, \
         tariff_end, accepts_from, retired FROM sources"
    };
}

statements! {
    CREATE = "INSERT INTO sources (account_id, device_id, model, phone, tariff_id, blocked, corrupted, created, \
        tariff_end, bundled_sim, accepts_from) \
        VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8, \
        COALESCE((SELECT released_at FROM device_releases WHERE device_id = $2), 0)) RETURNING id";
    READ = concat!(select_sources!(), " WHERE id = $1");
    OF_ACCOUNT = concat!(select_sources!(), " WHERE account_id = $1 AND retired IS NULL ORDER BY id");
    ALL = concat!(select_sources!(), " WHERE retired IS NULL ORDER BY id");
    /// A clone stands on a source of another account.
    SEEN_BY_ACCOUNT = concat!(select_sources!(), " WHERE retired IS NULL AND (account_id = $1 \
        OR id IN (SELECT source_id FROM trackers WHERE account_id = $1 AND deleted = 0)) ORDER BY id");
    /// A row for each protocol of which the source has settings, and one when it has none.
    ADMISSION = "SELECT id, model, blocked, accepts_from, value FROM sources LEFT JOIN source_settings \
        ON source_settings.source_id = sources.id AND kind LIKE 'special.protocol\\_%' ESCAPE '\\' \
        WHERE device_id = $1 ORDER BY kind";
    BY_PHONE = "SELECT id FROM sources WHERE phone = $1";
    HOLD = "UPDATE sources SET retired = NULL WHERE id = $1 AND retired IS NULL";
    SET_BLOCKED = "UPDATE sources SET blocked = $2 WHERE id = $1";
    RETIRE = "UPDATE sources SET former_device_id = device_id, former_phone = phone, device_id = NULL, \
        phone = NULL, retired = $2 WHERE id = $1 AND retired IS NULL RETURNING former_device_id";
    RELEASE_DEVICE_ID = "INSERT INTO device_releases (device_id, released_at) VALUES ($1, $2) \
        ON CONFLICT (device_id) DO UPDATE SET released_at = excluded.released_at \
        WHERE excluded.released_at > device_releases.released_at";
}

impl Catalog {
    /// Makes a source and the tracker that stands on it from now on, both or neither.
    ///
    /// # Errors
    /// `DeviceIdTaken`, `PhoneTaken`; `CodeUnusable`; `Exists` for a SIM of another bundle; `ReferenceNotFound` for an unknown account, tariff, or a group that the
    /// account does not have.
    pub async fn register(
        &self,
        source: &NewSource,
        tracker: &NewTracker,
    ) -> Result<(SourceId, TrackerId), CatalogError> {
        let mut transaction = self.write().await?;
        let id = create(&mut transaction, source).await?;
        let tracker = tracker::create(&mut transaction, source.account, id, tracker, source.created).await?;
        if source.sensors == FirstSensors::OfModel {
            sensor::create_defaults(&mut transaction, id, &source.model).await?;
        }
        counter::create_defaults(&mut transaction, id, &source.model).await?;
        if let Some(code) = &source.activation_code {
            activation_code::use_up(&mut transaction, code, source.account, id, source.created).await?;
        }
        transaction.commit().await?;
        Ok((id, tracker))
    }

    pub async fn source(&self, id: SourceId) -> Result<Option<Source>, CatalogError> {
        Ok(query_as(READ).bind(id.0).fetch_optional(self.reader()).await?)
    }

    /// Live sources that were registered in the account.
    pub async fn sources_of(&self, account: AccountId) -> Result<Vec<Source>, CatalogError> {
        Ok(query_as(OF_ACCOUNT).bind(account.0).fetch_all(self.reader()).await?)
    }

    /// The live source with this device id, blocked or not. Asked at every login: one look into one index.
    pub async fn admission(&self, device_id: &DeviceId) -> Result<Option<Admission>, CatalogError> {
        let rows: Vec<Admitted> =
            query_as(ADMISSION).bind(device_id.as_str()).fetch_all(self.reader()).await?;
        let mut rows = rows.into_iter();
        let Some(Admitted(mut admission, first)) = rows.next() else { return Ok(None) };
        // Each names its form besides.
        let set = first.into_iter().chain(rows.filter_map(|Admitted(_, more)| more)).flatten();
        let set = set.filter(|(name, _)| name != "type");
        admission.settings = set.filter_map(|(name, value)| Some((name, setting(value)?))).collect();
        Ok(Some(admission))
    }

    /// Whether a live source has the phone.
    pub async fn is_phone_in_use(&self, phone: &str) -> Result<bool, CatalogError> {
        Ok(query(BY_PHONE).bind(phone).fetch_optional(self.reader()).await?.is_some())
    }

    /// # Errors
    /// `NotFound`.
    pub async fn block_source(&self, id: SourceId) -> Result<(), CatalogError> {
        self.change_one(query(SET_BLOCKED).bind(id.0).bind(1_i64)).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn unblock_source(&self, id: SourceId) -> Result<(), CatalogError> {
        self.change_one(query(SET_BLOCKED).bind(id.0).bind(0_i64)).await
    }

    /// Takes device id and phone away from a source, which frees them for another registration, and remembers when:
    /// the next source with this device id takes no record older than `at`.
    ///
    /// # Errors
    /// `NotFound`, also when it is retired already.
    pub async fn retire_source(&self, id: SourceId, at: Timestamp) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        retire(&mut transaction, id, at).await?;
        Ok(transaction.commit().await?)
    }
}

/// Whether the source lives; then it goes on doing so until the transaction ends.
pub(super) async fn hold(transaction: &mut AnyConnection, id: SourceId) -> Result<bool, CatalogError> {
    Ok(query(HOLD).bind(id.0).execute(transaction).await?.rows_affected() > 0)
}

/// Makes a source, and assigns the SIM that it brings to its bundle.
///
/// # Errors
/// As `Catalog::register`; `Exists` when another bundle has the SIM.
pub(super) async fn create(
    transaction: &mut AnyConnection,
    source: &NewSource,
) -> Result<SourceId, CatalogError> {
    let create = query(CREATE)
        .bind(source.account.0)
        .bind(source.device_id.as_ref().map(DeviceId::as_str))
        .bind(&source.model)
        .bind(&source.phone)
        .bind(source.tariff.0)
        .bind(source.created.millis())
        .bind(source.tariff_end.map(Timestamp::millis))
        .bind(i64::from(source.bundled_sim.is_some()));
    let id = SourceId(returned_id(&mut *transaction, create).await?);
    if let Some(sim) = &source.bundled_sim {
        bundle::assign(&mut *transaction, sim.bundle, &sim.iccid, source.created).await?;
    }
    if let Some(access_point) = &source.access_point {
        source_setting::set_access_point(transaction, id, access_point).await?;
    }
    Ok(id)
}

/// As `Catalog::retire_source`, within a transaction.
pub(super) async fn retire(
    transaction: &mut AnyConnection,
    id: SourceId,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let retired = returned(&mut *transaction, query(RETIRE).bind(id.0).bind(at.millis())).await?;
    if let Some(device_id) = retired.maybe_text("former_device_id")? {
        query(RELEASE_DEVICE_ID).bind(device_id).bind(at.millis()).execute(&mut *transaction).await?;
    }
    // What the device was not told yet, no other device is told.
    command::cancel_open(&mut *transaction, id, at).await?;
    sms::cancel_queued(transaction, id, at).await
}

/// A setting as protocols read it; `None` when nothing is set.
fn setting(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) => Some(on.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl FromRow<'_, AnyRow> for Source {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: SourceId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            device_id: row.maybe_device_id("device_id")?,
            model: row.text("model")?,
            phone: row.maybe_text("phone")?,
            bundled_sim: row.flag("bundled_sim")?,
            tariff: TariffId(row.int("tariff_id")?),
            tariff_changed: row.maybe_time("tariff_changed")?,
            blocked: row.flag("blocked")?,
            corrupted: row.flag("corrupted")?,
            status_listing_id: row.maybe_int("status_listing_id")?,
            created: row.time("created")?,
            tariff_end: row.maybe_time("tariff_end")?,
            accepts_from: row.time("accepts_from")?,
            retired: row.maybe_time("retired")?,
        })
    }
}

impl FromRow<'_, AnyRow> for Admitted {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let admission = Admission {
            source: SourceId(row.int("id")?),
            model: row.text("model")?,
            blocked: row.flag("blocked")?,
            accepts_from: row.time("accepts_from")?,
            settings: BTreeMap::new(),
        };
        Ok(Self(admission, row.maybe_json("value")?))
    }
}
