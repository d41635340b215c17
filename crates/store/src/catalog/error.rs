//! What can go wrong in the catalog; the schema's constraints speak through this type.

use domain::TrackerId;
use sqlx::{error::DatabaseError, migrate::MigrateError};

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("the login is taken")]
    LoginTaken,
    #[error("a live source has this device id")]
    DeviceIdTaken,
    #[error("a live source has this phone number")]
    PhoneTaken,
    #[error("another vehicle has this tracker")]
    TrackerTaken,
    #[error("the name is taken")]
    LabelTaken,
    #[error("as many commands as may wait for the device")]
    TooManyCommands,
    /// A clone for that account, a bundle with that IMEI, a SIM card with that ICCID.
    #[error("it exists already")]
    Exists,
    /// There is no such activation code, or it was used.
    #[error("the activation code cannot be used")]
    CodeUnusable,
    #[error("the source has clones")]
    HasClones(Vec<TrackerId>),
    /// What the call is about does not exist, or not in this account.
    #[error("not found")]
    NotFound,
    /// The call names something else that does not exist: an account, a tariff, a group of another account.
    #[error("a referenced object does not exist")]
    ReferenceNotFound,
    #[error("the catalog has schema version {found}, this program knows versions up to {newest_known}")]
    SchemaTooNew { found: i64, newest_known: i64 },
    #[error("the catalog's schema could not be brought up to date")]
    Migration(#[source] Box<MigrateError>),
    /// The database cannot be reached, is shut, or failed.
    #[error("the catalog is unavailable")]
    Unavailable(#[source] sqlx::Error),
}

/// A unique index as PostgreSQL names it, as SQLite does, and what its violation means.
type Guard = (&'static str, &'static str, fn() -> CatalogError);

const GUARDS: [Guard; 12] = [
    ("users_login", "users.login", || CatalogError::LoginTaken),
    ("panel_accounts_login", "panel_accounts.login", || CatalogError::LoginTaken),
    ("sources_device_id", "sources.device_id", || CatalogError::DeviceIdTaken),
    ("sources_phone", "sources.phone", || CatalogError::PhoneTaken),
    ("vehicles_tracker", "vehicles.tracker_id", || CatalogError::TrackerTaken),
    ("tariffs_name", "tariffs.name", || CatalogError::LabelTaken),
    ("trackers_account_source", "trackers.account_id, trackers.source_id", || CatalogError::Exists),
    ("bundles_imei", "bundles.imei", || CatalogError::Exists),
    ("bundles_iccid", "bundles.iccid", || CatalogError::Exists),
    ("sim_cards_pkey", "sim_cards.iccid", || CatalogError::Exists),
    ("sim_cards_phone", "sim_cards.phone", || CatalogError::PhoneTaken),
    ("activation_codes_code", "activation_codes.code", || CatalogError::Exists),
];

fn of_unique_violation(error: &dyn DatabaseError) -> Option<CatalogError> {
    let columns_of_sqlite = error.message().strip_prefix("UNIQUE constraint failed: ");
    let violated = |index, columns| error.constraint() == Some(index) || columns_of_sqlite == Some(columns);
    GUARDS.iter().find(|(index, columns, _)| violated(*index, *columns)).map(|(.., meaning)| meaning())
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        let typed = match &error {
            sqlx::Error::RowNotFound => Some(Self::NotFound),
            sqlx::Error::Database(e) if e.is_unique_violation() => of_unique_violation(&**e),
            sqlx::Error::Database(e) if e.is_foreign_key_violation() => Some(Self::ReferenceNotFound),
            _ => None,
        };
        typed.unwrap_or(Self::Unavailable(error))
    }
}
