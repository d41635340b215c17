//! Every statement of the catalog by name, so that a test can prepare them all on the migrated schema; and the one
//! way to run a statement that answers with what it wrote.

use super::{CatalogError, columns::Columns};
use sqlx::{Any, AnyConnection, any::AnyArguments, any::AnyRow, query::Query};

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

/// The row that a statement with `RETURNING` answers with.
///
/// It reads to the end: SQLite checks foreign keys after it has handed out the rows, and whoever stops at the first
/// one takes the number of a row that was never written.
pub(super) async fn written(
    connection: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<AnyRow, CatalogError> {
    let rows = statement.fetch_all(connection).await?;
    rows.into_iter().next().ok_or(CatalogError::NotFound)
}

/// As `written`, for statements that end with `RETURNING id`.
pub(super) async fn written_id(
    connection: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<i64, CatalogError> {
    Ok(written(connection, statement).await?.int("id")?)
}
