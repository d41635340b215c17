//! Every statement of the catalog by name, so that a test can prepare them all on the migrated schema.

use super::{CatalogError, columns::Columns};
use sqlx::{
    Any, AnyConnection,
    any::{AnyArguments, AnyRow},
    query::Query,
};

/// `name = "SQL";` makes a constant of each statement and `STATEMENTS` of them all.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}
pub(super) use statements;

pub(super) type Statement<'q> = Query<'q, Any, AnyArguments>;

/// The one row that a statement with `RETURNING` answers with. Only in a transaction: by itself such a statement is
/// committed when it is let go, where nobody hears that the commit failed.
///
/// # Errors
/// `NotFound` when it changed nothing.
pub(super) async fn returned(
    transaction: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<AnyRow, CatalogError> {
    Ok(statement.fetch_one(transaction).await?)
}

/// As `returned`, for `RETURNING id`.
pub(super) async fn returned_id(
    transaction: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<i64, CatalogError> {
    Ok(returned(transaction, statement).await?.int("id")?)
}

#[cfg(test)]
mod tests {
    use super::super::{
        Catalog, Direction, Location, TariffOrder, UserOrder, directory, group, panel_account,
        security_group, session, source, tariff, tracker, trip_detection, user,
    };
    use sqlx::{AssertSqlSafe, Column, Executor, Row, SqlSafeStr, Statement};
    use std::collections::BTreeSet;

    fn statements() -> Vec<(String, &'static str)> {
        let areas = [
            ("directory", directory::STATEMENTS),
            ("group", group::STATEMENTS),
            ("panel_account", panel_account::STATEMENTS),
            ("security_group", security_group::STATEMENTS),
            ("session", session::STATEMENTS),
            ("source", source::STATEMENTS),
            ("tariff", tariff::STATEMENTS),
            ("tracker", tracker::STATEMENTS),
            ("trip_detection", trip_detection::STATEMENTS),
            ("user", user::STATEMENTS),
        ];
        let named = areas
            .into_iter()
            .flat_map(|(area, all)| all.iter().map(move |(name, sql)| (format!("{area}::{name}"), *sql)));
        let directions = [Direction::Ascending, Direction::Descending];
        let lists = directions.into_iter().flat_map(|direction| {
            let users = UserOrder::ALL.iter().map(move |by| (format!("users by {by:?}"), by.list(direction)));
            let tariffs =
                TariffOrder::ALL.iter().map(move |by| (format!("tariffs by {by:?}"), by.list(direction)));
            users.chain(tariffs)
        });
        named.chain(lists).collect()
    }

    #[tokio::test]
    async fn every_statement_is_prepared_on_the_migrated_schema() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
        for (name, sql) in statements() {
            let prepared = catalog.writer().prepare(sql.into_sql_str()).await;
            let prepared = prepared.unwrap_or_else(|error| panic!("{name}: {error}"));
            let columns: BTreeSet<_> = prepared.columns().iter().map(Column::name).collect();
            assert_eq!(columns.len(), prepared.columns().len(), "{name} answers with a name twice");
            let answers = sql.starts_with("SELECT") || sql.contains(" RETURNING ");
            assert_eq!(!columns.is_empty(), answers, "{name}");
        }
        catalog.close().await;
    }

    #[tokio::test]
    async fn look_ups_of_every_call_and_login_use_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
        for (sql, index) in [
            (source::ADMISSION, "USING INDEX sources_device_id (device_id=?)"),
            (session::FIND, "(token_hash=?)"),
            (user::USER_BY_LOGIN, "USING INDEX users_login (login=?)"),
            (tracker::OF_ACCOUNT, "USING INDEX trackers_account_source (account_id=?)"),
            (tracker::SPANS_OF_TRACKER, "USING INDEX tracker_sources_tracker (tracker_id=?)"),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let steps = sqlx::query(explain).fetch_all(catalog.reader()).await.unwrap();
            let plan: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        }
        catalog.close().await;
    }

    #[test]
    fn placeholders_are_numbered_without_gaps() {
        for (name, sql) in statements() {
            let numbers: BTreeSet<_> = sql.split('$').skip(1).map(leading_number).collect();
            assert!(numbers.iter().copied().eq(1..=numbers.len()), "{name}: {numbers:?}");
        }
    }

    fn leading_number(text: &str) -> usize {
        let digits = text.bytes().take_while(u8::is_ascii_digit);
        digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
    }
}
