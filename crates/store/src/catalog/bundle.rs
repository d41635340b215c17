//! Bundles: devices that are sold together with a SIM.

use super::{
    Catalog, CatalogError, Direction, Listed, Page, SimCard, columns::Columns, listing::orders, sms,
    statements::statements,
};
use domain::{DeviceId, SourceId, Timestamp};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    pub id: i64,
    /// Unique.
    pub imei: DeviceId,
    /// Code of the device model.
    pub model: String,
    pub factory_preset: bool,
    /// The card, and when it was assigned.
    pub sim: Option<(SimCard, Timestamp)>,
    /// A live source has the IMEI.
    pub registered: bool,
    pub order: Option<i64>,
}

macro_rules! select_bundles {
    () => {
        "SELECT bundles.id AS id, imei, bundles.model AS model, factory_preset, assigned, order_id, \
         sim_cards.iccid AS iccid, sim_cards.phone AS phone, apn_name, apn_user, apn_password, \
         sim_cards.blocked AS blocked, sim_cards.deleted AS deleted, sources.id AS source_id \
         FROM bundles LEFT JOIN sim_cards ON sim_cards.iccid = bundles.iccid \
         LEFT JOIN sources ON sources.device_id = bundles.imei"
    };
}

macro_rules! listed_bundles {
    () => {
        " WHERE (LOWER(imei) LIKE $1 ESCAPE '\\' OR bundles.model LIKE $1 ESCAPE '\\' \
         OR bundles.iccid LIKE $1 ESCAPE '\\' OR CAST(bundles.id AS TEXT) LIKE $1)"
    };
}

orders! {
    pub enum BundleOrder {
        #[default]
        Id = "bundles.id",
        Imei = "imei",
        Model = "bundles.model",
        Iccid = "COALESCE(bundles.iccid, '')",
        AssignTime = "COALESCE(assigned, 0)",
    }
    concat!(select_bundles!(), listed_bundles!());
    " LIMIT $2 OFFSET $3"
}

statements! {
    CREATE = "INSERT INTO bundles (imei, model, factory_preset) VALUES ($1, $2, $3)";
    BY_IMEI = concat!(select_bundles!(), " WHERE imei = $1");
    READ = concat!(select_bundles!(), " WHERE bundles.id = $1");
    OF_ORDER = concat!(select_bundles!(), " WHERE order_id = $1 ORDER BY bundles.id");
    COUNT_LISTED = concat!("SELECT COUNT(*) AS count FROM bundles", listed_bundles!());
    SET_MODEL = "UPDATE bundles SET model = $2 WHERE id = $1";
    SET_ORDER = "UPDATE bundles SET order_id = $2 WHERE id = $1";
    ASSIGN = "UPDATE bundles SET iccid = $2, \
        assigned = CASE WHEN iccid = $2 THEN assigned ELSE $3 END WHERE id = $1";
    /// The device that is registered already speaks through the SIM from now on.
    GIVE_PHONE = "UPDATE sources SET bundled_sim = 1, phone = (SELECT phone FROM sim_cards WHERE iccid = $2) \
        WHERE device_id = (SELECT imei FROM bundles WHERE id = $1) RETURNING id";
}

impl Catalog {
    /// All or none.
    ///
    /// # Errors
    /// `Exists` for an IMEI that has a bundle.
    pub async fn import_bundles(
        &self,
        imeis: &[DeviceId],
        model: &str,
        factory_preset: bool,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for imei in imeis {
            let create = query(CREATE).bind(imei.as_str()).bind(model).bind(i64::from(factory_preset));
            create.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub async fn bundle(&self, id: i64) -> Result<Option<Bundle>, CatalogError> {
        Ok(query_as(READ).bind(id).fetch_optional(self.reader()).await?)
    }

    pub async fn bundle_of(&self, imei: &DeviceId) -> Result<Option<Bundle>, CatalogError> {
        Ok(query_as(BY_IMEI).bind(imei.as_str()).fetch_optional(self.reader()).await?)
    }

    pub async fn bundles_of_order(&self, order: i64) -> Result<Vec<Bundle>, CatalogError> {
        Ok(query_as(OF_ORDER).bind(order).fetch_all(self.reader()).await?)
    }

    /// The filter looks into id, IMEI, model and ICCID.
    pub async fn list_bundles(
        &self,
        page: &Page,
        order: BundleOrder,
        direction: Direction,
    ) -> Result<Listed<Bundle>, CatalogError> {
        self.listed(page, COUNT_LISTED, order.list(direction)).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn set_bundle_model(&self, id: i64, model: &str) -> Result<(), CatalogError> {
        self.change_one(query(SET_MODEL).bind(id).bind(model)).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn set_bundle_order(&self, id: i64, order: Option<i64>) -> Result<(), CatalogError> {
        self.change_one(query(SET_ORDER).bind(id).bind(order)).await
    }

    /// Puts the SIM into the bundle; a device that is registered already has its number from now on, and what waits to be
    /// sent to another number that it had is cancelled.
    ///
    /// # Errors
    /// `NotFound`; `Exists` when another bundle has the SIM, `PhoneTaken` when another source has its number,
    /// `ReferenceNotFound` for an unknown SIM.
    pub async fn assign_sim(&self, bundle: i64, iccid: &str, at: Timestamp) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        assign(&mut transaction, bundle, iccid, at).await?;
        let given = query(GIVE_PHONE).bind(bundle).bind(iccid).fetch_optional(&mut *transaction).await?;
        if let Some(source) = given {
            sms::cancel_to_former_phone(&mut transaction, SourceId(source.int("id")?), at).await?;
        }
        Ok(transaction.commit().await?)
    }
}

pub(super) async fn assign(
    transaction: &mut AnyConnection,
    bundle: i64,
    iccid: &str,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let assign = query(ASSIGN).bind(bundle).bind(iccid).bind(at.millis());
    match assign.execute(transaction).await?.rows_affected() {
        0 => Err(CatalogError::NotFound),
        _ => Ok(()),
    }
}

impl FromRow<'_, AnyRow> for Bundle {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let sim = match (row.maybe_text("iccid")?, row.maybe_time("assigned")?) {
            (Some(_), Some(assigned)) => Some((SimCard::from_row(row)?, assigned)),
            _ => None,
        };
        let imei = row.text("imei")?;
        Ok(Self {
            id: row.int("id")?,
            imei: DeviceId::new(&imei).map_err(|error| sqlx::Error::Decode(error.into()))?,
            model: row.text("model")?,
            factory_preset: row.flag("factory_preset")?,
            sim,
            registered: row.maybe_int("source_id")?.is_some(),
            order: row.maybe_int("order_id")?,
        })
    }
}
