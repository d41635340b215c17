//! Every statement on both databases.

use crate::catalog::{
    BundleOrder, Catalog, CodeOrder, Direction, Location, TariffOrder, TestDatabase, UserOrder,
    activation_code, api_key, bundle, command, counter, directory, event, group, life, panel_account, rule,
    security_group, sensor, service_settings, session, sim_card, sms, sms_received, source, source_setting,
    status, sub_user, tag, tariff, tracker, trip_detection, ui_setting, user, vehicle,
};
use sqlx::{
    AssertSqlSafe, Column, Connection, Either, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection,
    Statement, TypeInfo,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

fn statements() -> Vec<(String, &'static str)> {
    let areas = [
        ("command", command::STATEMENTS),
        ("api_key", api_key::STATEMENTS),
        ("counter", counter::STATEMENTS),
        ("activation_code", activation_code::STATEMENTS),
        ("bundle", bundle::STATEMENTS),
        ("directory", directory::STATEMENTS),
        ("event", event::STATEMENTS),
        ("group", group::STATEMENTS),
        ("life", life::STATEMENTS),
        ("panel_account", panel_account::STATEMENTS),
        ("rule", rule::STATEMENTS),
        ("security_group", security_group::STATEMENTS),
        ("sensor", sensor::STATEMENTS),
        ("service_settings", service_settings::STATEMENTS),
        ("session", session::STATEMENTS),
        ("sim_card", sim_card::STATEMENTS),
        ("sms", sms::STATEMENTS),
        ("sms_received", sms_received::STATEMENTS),
        ("source", source::STATEMENTS),
        ("source_setting", source_setting::STATEMENTS),
        ("status", status::STATEMENTS),
        ("sub_user", sub_user::STATEMENTS),
        ("tag", tag::STATEMENTS),
        ("tariff", tariff::STATEMENTS),
        ("tracker", tracker::STATEMENTS),
        ("trip_detection", trip_detection::STATEMENTS),
        ("ui_setting", ui_setting::STATEMENTS),
        ("user", user::STATEMENTS),
        ("vehicle", vehicle::STATEMENTS),
    ];
    let named = areas
        .into_iter()
        .flat_map(|(area, all)| all.iter().map(move |(name, sql)| (format!("{area}::{name}"), *sql)));
    let directions = [Direction::Ascending, Direction::Descending];
    let lists = directions.into_iter().flat_map(|direction| {
        let users = UserOrder::ALL.iter().map(move |by| (format!("users by {by:?}"), by.list(direction)));
        let tariffs =
            TariffOrder::ALL.iter().map(move |by| (format!("tariffs by {by:?}"), by.list(direction)));
        let bundles =
            BundleOrder::ALL.iter().map(move |by| (format!("bundles by {by:?}"), by.list(direction)));
        let codes = CodeOrder::ALL.iter().map(move |by| (format!("codes by {by:?}"), by.list(direction)));
        users.chain(tariffs).chain(bundles).chain(codes)
    });
    named.chain(lists).collect()
}

#[tokio::test]
async fn both_databases_prepare_every_statement_and_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::new();
    for location in [Location::Sqlite(folder.path().to_owned()), database.location()] {
        Catalog::open(&location).await.unwrap().close().await;
    }
    let sqlite = format!("sqlite://{}", folder.path().join("catalog.sqlite").display());
    let mut sqlite = SqliteConnection::connect(&sqlite).await.unwrap();
    let mut postgres = PgConnection::connect(database.url()).await.unwrap();
    let schema = schema_in_sqlite(&mut sqlite).await;
    assert_eq!(schema, schema_in_postgres(&mut postgres).await);

    for (name, sql) in statements() {
        let on_sqlite = sqlite.prepare(sql.into_sql_str()).await;
        let on_sqlite = on_sqlite.unwrap_or_else(|error| panic!("{name} on SQLite: {error}"));
        let on_postgres = postgres.prepare(sql.into_sql_str()).await;
        let on_postgres = on_postgres.unwrap_or_else(|error| panic!("{name} on PostgreSQL: {error}"));

        let answer = columns(on_sqlite.columns());
        assert_eq!(answer, columns(on_postgres.columns()), "{name}");
        let names: BTreeSet<_> = answer.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), answer.len(), "{name} answers with a name twice");
        let answers = sql.starts_with("SELECT") || sql.contains(" RETURNING ");
        assert_eq!(!answer.is_empty(), answers, "{name}");

        // SQLite takes what it is given. PostgreSQL must expect and answer with what the catalog binds and reads.
        let parameters = on_postgres.parameters().and_then(Either::left).unwrap();
        for kind in parameters.iter().chain(on_postgres.columns().iter().map(Column::type_info)) {
            assert!(["INT8", "TEXT"].contains(&kind.name()), "{name}: {kind}");
        }
    }
    sqlite.close().await.unwrap();
    postgres.close().await.unwrap();
}

/// Each column's name, and in which table it stands under which, unless it is computed. Type and nullability are those
/// of the schema, which is the same on both.
fn columns<C: Column>(columns: &[C]) -> Vec<(&str, Option<[Arc<str>; 2]>)> {
    let stands_in = |column: &C| column.origin().table_column().map(|it| [it.table.clone(), it.name.clone()]);
    columns.iter().map(|column| (column.name(), stands_in(column))).collect()
}

#[tokio::test]
async fn look_ups_of_every_call_and_login_use_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
    for (sql, index) in [
        (source::ADMISSION, "USING INDEX sources_device_id (device_id=?)"),
        (session::FIND, "(token_hash=?)"),
        (api_key::FIND, "USING INDEX api_keys_token_hash (token_hash=?)"),
        (user::USER_BY_LOGIN, "USING INDEX users_login (login=?)"),
        (command::COUNT_OPEN, "USING INDEX commands_open (source_id=?)"),
        (command::OPEN, "USING INDEX commands_open (source_id=?)"),
        (command::DUE, "USING INDEX commands_"),
        (event::OF_PLAN_OLDEST_FIRST, "USING INDEX events_account_time (account_id=? AND time>? AND time<?)"),
        (
            event::OF_TRACKER_NEWEST_FIRST,
            "USING INDEX events_tracker_time (tracker_id=? AND time>? AND time<?)",
        ),
        (event::AFTER, "USING INDEX events_account (account_id=? AND "),
        (event::DELETE_OLD, "events_time (time<?)"),
        (counter::OF_SOURCE, "counters_source (source_id=?)"),
        (sensor::OF_SOURCE, "USING INDEX sensors_source (source_id=?)"),
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

/// Type and nullability of every column by table and name.
type Schema = BTreeMap<(String, String), (String, bool)>;

async fn schema_in_sqlite(connection: &mut SqliteConnection) -> Schema {
    let columns = sqlx::query_as(
        "SELECT t.name, c.name, CASE c.type WHEN 'INTEGER' THEN 'bigint' ELSE lower(c.type) END, \
             c.\"notnull\" = 0 AND c.pk = 0 \
         FROM pragma_table_list t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
    );
    by_column(columns.fetch_all(connection).await.unwrap())
}

async fn schema_in_postgres(connection: &mut PgConnection) -> Schema {
    let columns = sqlx::query_as(
        "SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT, is_nullable = 'YES' \
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    );
    by_column(columns.fetch_all(connection).await.unwrap())
}

fn by_column(columns: Vec<(String, String, String, bool)>) -> Schema {
    let entry = |(table, name, kind, nullable)| ((table, name), (kind, nullable));
    columns.into_iter().map(entry).collect()
}
