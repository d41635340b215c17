//! The schema's steps, embedded. The two folders number the same steps alike; a step that has been released is
//! never edited.

use super::CatalogError;
use sqlx::{
    AnyPool, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

pub(super) const SQLITE: &[(i64, &str, &str)] = &[
    (1, "catalog", include_str!("../../migrations/sqlite/0001_catalog.sql")),
    (2, "trip_detection", include_str!("../../migrations/sqlite/0002_trip_detection.sql")),
    (10, "commands", include_str!("../../migrations/sqlite/0010_commands.sql")),
    (11, "finished_commands", include_str!("../../migrations/sqlite/0011_finished_commands.sql")),
    (30, "life_of_a_tracker", include_str!("../../migrations/sqlite/0030_life_of_a_tracker.sql")),
    (40, "api_keys", include_str!("../../migrations/sqlite/0040_api_keys.sql")),
    (41, "sub_users", include_str!("../../migrations/sqlite/0041_sub_users.sql")),
    (20, "sensors", include_str!("../../migrations/sqlite/0020_sensors.sql")),
    (42, "tags", include_str!("../../migrations/sqlite/0042_tags.sql")),
    (43, "vehicles", include_str!("../../migrations/sqlite/0043_vehicles.sql")),
    (44, "rules", include_str!("../../migrations/sqlite/0044_rules.sql")),
    (45, "source_settings", include_str!("../../migrations/sqlite/0045_source_settings.sql")),
    (46, "statuses", include_str!("../../migrations/sqlite/0046_statuses.sql")),
    (47, "ui_settings", include_str!("../../migrations/sqlite/0047_ui_settings.sql")),
    (48, "avatars", include_str!("../../migrations/sqlite/0048_avatars.sql")),
    (60, "sms", include_str!("../../migrations/sqlite/0060_sms.sql")),
    (80, "sms_readings", include_str!("../../migrations/sqlite/0080_sms_readings.sql")),
    (100, "service_settings", include_str!("../../migrations/sqlite/0100_service_settings.sql")),
    (120, "events", include_str!("../../migrations/sqlite/0120_events.sql")),
    (140, "awaited_places", include_str!("../../migrations/sqlite/0140_awaited_places.sql")),
    (150, "forgotten_passwords", include_str!("../../migrations/sqlite/0150_forgotten_passwords.sql")),
];
pub(super) const POSTGRES: &[(i64, &str, &str)] = &[
    (1, "catalog", include_str!("../../migrations/postgres/0001_catalog.sql")),
    (2, "trip_detection", include_str!("../../migrations/postgres/0002_trip_detection.sql")),
    (10, "commands", include_str!("../../migrations/postgres/0010_commands.sql")),
    (11, "finished_commands", include_str!("../../migrations/postgres/0011_finished_commands.sql")),
    (30, "life_of_a_tracker", include_str!("../../migrations/postgres/0030_life_of_a_tracker.sql")),
    (40, "api_keys", include_str!("../../migrations/postgres/0040_api_keys.sql")),
    (41, "sub_users", include_str!("../../migrations/postgres/0041_sub_users.sql")),
    (20, "sensors", include_str!("../../migrations/postgres/0020_sensors.sql")),
    (42, "tags", include_str!("../../migrations/postgres/0042_tags.sql")),
    (43, "vehicles", include_str!("../../migrations/postgres/0043_vehicles.sql")),
    (44, "rules", include_str!("../../migrations/postgres/0044_rules.sql")),
    (45, "source_settings", include_str!("../../migrations/postgres/0045_source_settings.sql")),
    (46, "statuses", include_str!("../../migrations/postgres/0046_statuses.sql")),
    (47, "ui_settings", include_str!("../../migrations/postgres/0047_ui_settings.sql")),
    (48, "avatars", include_str!("../../migrations/postgres/0048_avatars.sql")),
    (60, "sms", include_str!("../../migrations/postgres/0060_sms.sql")),
    (80, "sms_readings", include_str!("../../migrations/postgres/0080_sms_readings.sql")),
    (100, "service_settings", include_str!("../../migrations/postgres/0100_service_settings.sql")),
    (120, "events", include_str!("../../migrations/postgres/0120_events.sql")),
    (140, "awaited_places", include_str!("../../migrations/postgres/0140_awaited_places.sql")),
    (150, "forgotten_passwords", include_str!("../../migrations/postgres/0150_forgotten_passwords.sql")),
];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Location, TestDatabase};

    #[test]
    fn both_databases_take_the_same_steps() {
        for (sqlite, postgres) in SQLITE.iter().zip(POSTGRES) {
            assert_eq!((sqlite.0, sqlite.1), (postgres.0, postgres.1));
        }
        assert_eq!(SQLITE.len(), POSTGRES.len());
    }

    #[test]
    fn both_schemas_say_the_same() {
        let without_comments = |sql: &str| {
            let lines = sql.lines().filter(|line| !line.starts_with("--"));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        for (sqlite, postgres) in SQLITE.iter().zip(POSTGRES) {
            let translated = without_comments(sqlite.2)
                .replace(
                    "INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647)",
                    "BIGINT GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 2147483647) PRIMARY KEY",
                )
                .replace(
                    "INTEGER PRIMARY KEY AUTOINCREMENT",
                    "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                )
                .replace("INTEGER", "BIGINT")
                .replace(" TEXT", " TEXT COLLATE \"C\"")
                .replace(") STRICT;", ");");
            assert_eq!(translated, without_comments(postgres.2), "{}", sqlite.1);
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new());
        for location in [Location::Sqlite(folder.path().to_owned()), database.location()] {
            let catalog = Catalog::open(&location).await.unwrap();
            sqlx::query(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
            )
            .execute(catalog.writer())
            .await
            .unwrap();
            catalog.close().await;
            let refused = Catalog::open(&location).await.map(drop);
            let newest = SQLITE.iter().map(|(version, ..)| *version).max();
            assert!(
                matches!(refused, Err(CatalogError::SchemaTooNew { found: 9999, newest_known }) if Some(newest_known) == newest),
                "{refused:?}"
            );
        }
    }
}
