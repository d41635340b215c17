//! Pages of long lists: filter, order, offset, limit and the count of all.

use super::{Catalog, CatalogError};
use sqlx::{FromRow, any::AnyRow, query_as, query_scalar};

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only rows that contain this text in one of the searched fields, whatever the case. Blank: all.
    pub filter: String,
    pub offset: u32,
    /// `None`: to the end.
    pub limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    Ascending,
    Descending,
}

/// A page and the number of rows that pass the filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    pub count: u64,
}

impl Page {
    /// Pattern for `LIKE … ESCAPE '\'` on a column that `searchable` filled.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for letter in self.filter.trim().chars().flat_map(char::to_lowercase) {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        if pattern.len() > 1 {
            pattern.push('%');
        }
        pattern
    }

    pub(super) fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(u32::MAX))
    }

    pub(super) fn offset(&self) -> i64 {
        i64::from(self.offset)
    }
}

impl Catalog {
    /// A page and how many there are in all, of one moment. Both statements take the pattern as `$1`, the list also limit
    /// and offset.
    pub(super) async fn listed<T>(
        &self,
        page: &Page,
        count: &'static str,
        list: &'static str,
    ) -> Result<Listed<T>, CatalogError>
    where
        T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        let mut snapshot = self.snapshot().await?;
        let count: i64 = query_scalar(count).bind(page.pattern()).fetch_one(&mut *snapshot).await?;
        let items = query_as(list)
            .bind(page.pattern())
            .bind(page.limit())
            .bind(page.offset())
            .fetch_all(&mut *snapshot)
            .await?;
        snapshot.rollback().await?;
        Ok(Listed { items, count: count.unsigned_abs() })
    }
}

/// What filters look into: lower case by Unicode, which neither database does alike on its own.
pub(super) fn searchable<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for field in fields.into_iter().filter(|field| !field.is_empty()) {
        if !text.is_empty() {
            // Nothing that a filter may contain, so that no filter matches across two fields.
            text.push('\n');
        }
        text.extend(field.chars().flat_map(char::to_lowercase));
    }
    text
}

/// An enum of the columns that a list can be ordered by, and a statement for each of them in both directions.
macro_rules! orders {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $column:literal),* $(,)? }
        $head:expr;
        $tail:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub(in crate::catalog) fn list(self, direction: $crate::catalog::Direction) -> &'static str {
                use $crate::catalog::Direction::{Ascending, Descending};
                match (self, direction) {
                    $(
                        (Self::$variant, Ascending) => concat!($head, " ORDER BY ", $column, " ASC, id ASC", $tail),
                        (Self::$variant, Descending) => concat!($head, " ORDER BY ", $column, " DESC, id DESC", $tail),
                    )*
                }
            }
        }
    };
}
pub(super) use orders;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_literally() {
        for (filter, expected) in
            [("", "%"), ("  ", "%"), (" Ärger ", "%ärger%"), ("50%_\\", "%50\\%\\_\\\\%")]
        {
            assert_eq!(Page { filter: filter.into(), ..Page::default() }.pattern(), expected);
        }
    }
}
