//! How the configuration writes the values that TOML has no word for: spans of time, sizes, ports and secrets.

use domain::Network;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr, time::Duration};
use store::catalog::PostgresUrl;

/// A number of bytes, written `128MiB`; a plain integer is bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Where a listener listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    Number(u16),
    /// Written `0`: the system chooses a free one, `ready.json` tells which.
    Any,
    /// Written `false`: there is no listener.
    Closed,
}

/// A text that is printed nowhere, neither by logs nor by errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Which database keeps the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Catalog {
    /// A file in the data directory.
    Sqlite,
    Postgres(PostgresUrl),
}

/// Written `10.0.0.0/8`; an address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressNetwork(pub Network);

/// What keeps the journal, and what the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    Embedded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

impl Port {
    /// The number to bind, 0 when the system chooses; `None` when closed.
    pub fn to_bind(self) -> Option<u16> {
        match self {
            Self::Number(number) => Some(number),
            Self::Any => Some(0),
            Self::Closed => None,
        }
    }
}

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Spans of time as text: `90s`, `5m`, `1h30m`, `365d`. For `#[serde(with = …)]`.
pub mod duration {
    use super::{Deserialize, Deserializer, Duration, Error, Serializer, quantity};

    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            D::Error::custom(format_args!("`{text}` is not a span of time such as 30s, 5m, 1h30m or 365d"))
        })
    }

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&print(*duration))
    }

    pub fn parse(text: &str) -> Option<Duration> {
        let (mut rest, mut millis) = (text, 0_u64);
        while !rest.is_empty() {
            let (number, unit, after) = quantity(rest)?;
            let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
            millis = millis.checked_add(number.checked_mul(*length)?)?;
            rest = after;
        }
        (!text.is_empty()).then(|| Duration::from_millis(millis))
    }

    pub(super) fn print(duration: Duration) -> String {
        let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        for (unit, length) in UNITS {
            if millis >= length {
                text += &format!("{}{unit}", millis / length);
                millis %= length;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

impl ByteSize {
    const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = quantity(text).and_then(|(number, unit, rest)| {
            let (_, size) = Self::UNITS.iter().find(|(name, _)| *name == unit)?;
            number.checked_mul(*size).filter(|_| rest.is_empty())
        });
        parsed.map(Self).ok_or_else(|| format!("`{text}` is not a size such as 64KiB, 128MiB or 1GiB"))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |size: &u64| self.0 >= *size && self.0.is_multiple_of(*size);
        let (unit, size) = Self::UNITS.into_iter().find(|(_, size)| fits(size)).unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

/// The number and the unit at the start of `text`, and what follows them.
fn quantity(text: &str) -> Option<(u64, &str, &str)> {
    let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (unit, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
    Some((number.parse().ok()?, unit, rest))
}

/// A scalar whose type in the file is not known beforehand.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Flag(bool),
    Number(i64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Number(bytes) => u64::try_from(bytes).map(Self).map_err(D::Error::custom),
            Scalar::Text(text) => text.parse().map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected a size such as \"128MiB\"")),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressNetwork {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for AddressNetwork {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Scalar::deserialize(deserializer)? {
            Scalar::Flag(false) => return Ok(Self::Closed),
            Scalar::Number(number) => u16::try_from(number).ok(),
            _ => None,
        };
        match number {
            Some(0) => Ok(Self::Any),
            Some(number) => Ok(Self::Number(number)),
            None => {
                Err(D::Error::custom("expected a port 1..=65535, 0 (the system chooses) or false (closed)"))
            }
        }
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.to_bind() {
            Some(number) => serializer.serialize_u16(number),
            None => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Errors of serde quote what they found; these do not.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) if !text.is_empty() => Ok(Self(text)),
            Scalar::Text(_) => Err(D::Error::custom("must not be empty")),
            _ => Err(D::Error::custom("expected a text in quotes")),
        }
    }
}

impl<'de> Deserialize<'de> for Catalog {
    /// The value may hold a password, so no error quotes it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) if text == "sqlite" => Ok(Self::Sqlite),
            Scalar::Text(text) if text.starts_with("postgres") => {
                text.parse().map(Self::Postgres).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom("expected \"sqlite\" or a postgres:// URL")),
        }
    }
}

impl Serialize for Catalog {
    /// Without a password.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sqlite => serializer.serialize_str("sqlite"),
            Self::Postgres(url) => serializer.collect_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        for (text, seconds) in [
            ("0s", Some(0.0)),
            ("30s", Some(30.0)),
            ("5m", Some(300.0)),
            ("1h30m", Some(5400.0)),
            ("365d", Some(31_536_000.0)),
            ("1500ms", Some(1.5)),
            ("", None),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("-5m", None),
            ("5w", None),
            ("99999999999999999999s", None),
            ("999999999999999999d", None),
        ] {
            assert_eq!(duration::parse(text), seconds.map(Duration::from_secs_f64), "{text:?}");
        }
        for (duration, text) in [(0, "0s"), (5_400_000, "1h30m"), (86_400_000, "1d"), (1500, "1s500ms")] {
            assert_eq!(duration::print(Duration::from_millis(duration)), text);
            assert_eq!(duration::parse(text), Some(Duration::from_millis(duration)), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("512B", Some(512)),
            ("64KiB", Some(65_536)),
            ("128MiB", Some(134_217_728)),
            ("3GiB", Some(3_221_225_472)),
            ("128", None),
            ("128MB", None),
            ("1MiB1KiB", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(text.parse::<ByteSize>().ok().map(|size| size.0), bytes, "{text:?}");
            if let Some(bytes) = bytes {
                assert_eq!(ByteSize(bytes).to_string(), text);
            }
        }
        assert_eq!(ByteSize(1_048_577).to_string(), "1048577B");
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret("hunter2".to_owned())), "Secret");
    }
}
