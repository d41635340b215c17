//! The URL of a PostgreSQL database. A password may stand in it, so it is shown without.

use sqlx::{any::AnyConnectOptions, postgres::PgConnectOptions};
use std::{fmt, str::FromStr};

/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`. Whatever is left out is taken from the variables
/// and the password file that PostgreSQL's own programs read, then from their defaults.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    whole: String,
    shown: String,
}

/// What is wrong with a URL, without quoting it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPostgresUrl {
    #[error(
        "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, in which any other / ? # % is written %2F %3F %23 %25"
    )]
    Malformed,
    #[error("a parameter behind the ? is none of {}", PARAMETERS.join(", "))]
    UnknownParameter,
    #[error("a parameter behind the ? has a value that it cannot have")]
    WrongValue,
}

/// The driver would log an unknown one with its value.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

impl PostgresUrl {
    /// With its password: for the driver alone.
    pub(super) fn reveal(&self) -> &str {
        &self.whole
    }
}

impl FromStr for PostgresUrl {
    type Err = BadPostgresUrl;

    fn from_str(text: &str) -> Result<Self, BadPostgresUrl> {
        let mut url = AnyConnectOptions::from_str(text).map_err(|_| BadPostgresUrl::Malformed)?.database_url;
        // A password in which a separator is not escaped ends up in one of these.
        let misread =
            url.fragment().is_some() || url.path().contains('@') || url.path().matches('/').count() > 1;
        if !["postgres", "postgresql"].contains(&url.scheme()) || misread {
            return Err(BadPostgresUrl::Malformed);
        }
        if url.query_pairs().any(|(name, _)| !PARAMETERS.contains(&&*name)) {
            return Err(BadPostgresUrl::UnknownParameter);
        }
        PgConnectOptions::from_str(text).map_err(|_| BadPostgresUrl::WrongValue)?;

        if url.password().is_some() {
            url.set_password(None).map_err(|()| BadPostgresUrl::Malformed)?;
        }
        let parameters = url.query_pairs().into_owned().filter(|(name, _)| name != "password");
        let parameters: Vec<_> = parameters.collect();
        url.set_query(None);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(Self { whole: text.to_owned(), shown: url.into() })
    }
}

/// Without the password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Without the password.
impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BadPostgresUrl::{Malformed, UnknownParameter, WrongValue};

    const PASSWORD: &str = "se%2Fcret";

    #[test]
    fn urls_are_shown_without_their_password() {
        for (text, shown) in [
            ("postgres://outrider:se%2Fcret@db/fleet", "postgres://outrider@db/fleet"),
            ("postgresql://outrider:se%2Fcret@db:6432/fleet", "postgresql://outrider@db:6432/fleet"),
            ("postgres://outrider@db/fleet?password=se%2Fcret", "postgres://outrider@db/fleet"),
            (
                "postgres://db/fleet?user=outrider&password=se%2Fcret&sslmode=verify-full",
                "postgres://db/fleet?user=outrider&sslmode=verify-full",
            ),
            ("postgres://:se%2Fcret@db", "postgres://db"),
            ("postgres://outrider:se%2Fcret@[::1]/fleet", "postgres://outrider@[::1]/fleet"),
            ("postgres:///fleet?host=/run/postgresql", "postgres:///fleet?host=%2Frun%2Fpostgresql"),
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
            assert_eq!(url.reveal(), text);
            assert!(!shown.contains(PASSWORD));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_quotation() {
        for (text, expected) in [
            ("", Malformed),
            ("sqlite", Malformed),
            ("mysql://outrider:secret@db/fleet", Malformed),
            ("postgres:outrider:secret@db/fleet", Malformed),
            ("postgres://outrider:secret@/fleet", Malformed),
            // Separators that stand in a password.
            ("postgres://outrider:sec/ret@db/fleet", Malformed),
            ("postgres://outrider:12/secret@db", Malformed),
            ("postgres://outrider:12?secret@db/fleet", UnknownParameter),
            ("postgres://outrider:12#secret@db/fleet", Malformed),
            ("postgres://outrider:sec?ret@db/fleet", Malformed),
            ("postgres://db/fleet?pasword=secret", UnknownParameter),
            ("postgres://db/fleet?sslmode=secret", WrongValue),
            ("postgres://db/fleet?port=secret", WrongValue),
        ] {
            let wrong = PostgresUrl::from_str(text).unwrap_err();
            assert_eq!(wrong, expected, "{text}");
            let said = wrong.to_string();
            assert!(!said.contains("secret") && !said.contains('\n'), "{said}");
        }
    }
}
