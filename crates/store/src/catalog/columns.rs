//! Reading columns: from the three types that both databases have to the words of the domain.

use domain::{DeviceId, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, any::AnyRow};

/// A value in the database that this program would never have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is no {expected}")]
pub struct Unreadable {
    pub value: String,
    pub expected: &'static str,
}

/// A row's columns by name. Each method fails when the column is missing or holds something else.
pub(super) trait Columns {
    fn int(&self, column: &str) -> sqlx::Result<i64>;
    fn maybe_int(&self, column: &str) -> sqlx::Result<Option<i64>>;
    fn text(&self, column: &str) -> sqlx::Result<String>;
    fn maybe_text(&self, column: &str) -> sqlx::Result<Option<String>>;

    fn flag(&self, column: &str) -> sqlx::Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn time(&self, column: &str) -> sqlx::Result<Timestamp> {
        self.int(column).map(Timestamp::from_millis)
    }

    fn maybe_time(&self, column: &str) -> sqlx::Result<Option<Timestamp>> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_millis))
    }

    fn maybe_device_id(&self, column: &str) -> sqlx::Result<Option<DeviceId>> {
        self.maybe_text(column)?.map(|id| DeviceId::new(&id)).transpose().map_err(|e| undecodable(column, e))
    }

    /// An enum that is stored as a word.
    fn word<T: TryFrom<String, Error = Unreadable>>(&self, column: &str) -> sqlx::Result<T> {
        T::try_from(self.text(column)?).map_err(|e| undecodable(column, e))
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> sqlx::Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|e| undecodable(column, e))
    }

    fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> sqlx::Result<Option<T>> {
        let text = self.maybe_text(column)?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|e| undecodable(column, e))
    }
}

impl Columns for AnyRow {
    fn int(&self, column: &str) -> sqlx::Result<i64> {
        self.try_get(column)
    }

    fn maybe_int(&self, column: &str) -> sqlx::Result<Option<i64>> {
        self.try_get(column)
    }

    fn text(&self, column: &str) -> sqlx::Result<String> {
        self.try_get(column)
    }

    fn maybe_text(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }
}

/// `value` as a JSON column stores it.
///
/// # Errors
/// Also for what could not be read again, such as a number that is infinite: JSON has none.
pub(super) fn json<T>(value: &T) -> sqlx::Result<String>
where
    T: Serialize + ToOwned + ?Sized,
    T::Owned: DeserializeOwned,
{
    let unreadable = |e: serde_json::Error| sqlx::Error::Encode(e.into());
    let text = serde_json::to_string(value).map_err(unreadable)?;
    serde_json::from_str::<T::Owned>(&text).map_err(unreadable)?;
    Ok(text)
}

fn undecodable(column: &str, source: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(source) }
}

/// Enums that are stored as words, which are those of the API too.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident ($expected:literal) { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// `None` for an unknown word.
            pub fn find(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.as_str() == word)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::catalog::Unreadable;

            fn try_from(value: String) -> Result<Self, Self::Error> {
                Self::find(&value).ok_or($crate::catalog::Unreadable { value, expected: $expected })
            }
        }
    )*};
}
pub(super) use words;
