//! The schema's steps, embedded. The two folders number the same steps alike; a step that has been released is
//! never edited.

use super::CatalogError;
use sqlx::{
    AnyPool, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

pub(super) const SQLITE: &[(i64, &str, &str)] =
    &[(1, "catalog", include_str!("../../migrations/sqlite/0001_catalog.sql"))];
pub(super) const POSTGRES: &[(i64, &str, &str)] =
    &[(1, "catalog", include_str!("../../migrations/postgres/0001_catalog.sql"))];

/// Applies what is missing.
pub(super) async fn run(
    pool: &AnyPool,
    steps: &[(i64, &'static str, &'static str)],
) -> Result<(), CatalogError> {
    let migrations = steps.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let newest_known = steps.iter().map(|(version, ..)| *version).max().unwrap_or(0);
    Migrator::with_migrations(migrations.collect()).run(pool).await.map_err(|e| match e {
        MigrateError::VersionMissing(found) if found > newest_known => {
            CatalogError::SchemaTooNew { found, newest_known }
        }
        other => CatalogError::Migration(Box::new(other)),
    })
}
