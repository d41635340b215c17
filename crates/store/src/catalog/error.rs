//! What can go wrong in the catalog; the schema's constraints speak through this type.

use super::Unreadable;
use sqlx::{error::DatabaseError, migrate::MigrateError};

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("the login is taken")]
    LoginTaken,
    #[error("a live source has this device id")]
    DeviceIdTaken,
    #[error("a live source has this phone number")]
    PhoneTaken,
    #[error("the name is taken")]
    LabelTaken,
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

impl CatalogError {
    fn of_unique(error: &dyn DatabaseError) -> Option<Self> {
        // PostgreSQL names the index, SQLite its columns.
        let violated = |index: &str, columns: &str| {
            error.constraint() == Some(index) || error.message().ends_with(columns)
        };
        Some(match () {
            () if violated("users_login", ": users.login") => Self::LoginTaken,
            () if violated("panel_accounts_login", ": panel_accounts.login") => Self::LoginTaken,
            () if violated("sources_device_id", ": sources.device_id") => Self::DeviceIdTaken,
            () if violated("sources_phone", ": sources.phone") => Self::PhoneTaken,
            () if violated("tariffs_name", ": tariffs.name") => Self::LabelTaken,
            () if violated(
                "security_groups_label",
                ": security_groups.account_id, security_groups.label",
            ) =>
            {
                Self::LabelTaken
            }
            () => return None,
        })
    }
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        let typed = match &error {
            sqlx::Error::RowNotFound => Some(Self::NotFound),
            sqlx::Error::Database(e) if e.is_unique_violation() => Self::of_unique(&**e),
            sqlx::Error::Database(e) if e.is_foreign_key_violation() => Some(Self::ReferenceNotFound),
            _ => None,
        };
        typed.unwrap_or(Self::Unavailable(error))
    }
}

impl From<Unreadable> for CatalogError {
    fn from(error: Unreadable) -> Self {
        Self::Unavailable(sqlx::Error::Decode(error.into()))
    }
}
