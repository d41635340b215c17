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
#[path = "statements_tests.rs"]
mod tests;
