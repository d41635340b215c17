//! What an operator may set: one struct per section of the TOML file. Defaults, meaning and examples of the keys
//! stand in `reference.toml`, nowhere else.

mod check;
mod layers;
mod lbs;
pub mod reference;
mod sms;
pub mod values;

pub use layers::ConfigError;
pub use lbs::{Lbs, LbsIchnaea, LbsProvider};
pub use sms::{Outbound, Provider, Sms, SmsProvider};
pub use values::{AddressNetwork, ByteSize, Catalog, Engine, LogFormat, Port, Secret};

use protocols::Protocol;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IntoDeserializer},
};
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub http: Http,
    pub admin: Admin,
    pub panel: Panel,
    pub tls: Tls,
    pub devices: Devices,
    pub status: Status,
    pub store: Store,
    pub log: Log,
    pub outbound: Outbound,
    pub sms: Sms,
    pub lbs: Lbs,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: SocketAddr,
    /// Requests per second.
    pub rate_limit: NonZeroU32,
    pub body_limit: ByteSize,
    pub trusted_proxies: Vec<AddressNetwork>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub listen: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    pub login: String,
    #[serde(default, skip_serializing)]
    pub password: Option<Secret>,
    pub public: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    pub http: bool,
    pub admin: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    pub bind: IpAddr,
    pub any: Port,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_address: Option<String>,
    pub limits: Limits,
    /// Further ports within TLS.
    pub tls: BTreeMap<Entrance, Port>,
    /// Every protocol has its entry.
    pub ports: BTreeMap<ProtocolName, Port>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub max_sessions: NonZeroUsize,
    pub max_sessions_per_address: NonZeroUsize,
    #[serde(with = "values::duration")]
    pub login_timeout: Duration,
    #[serde(with = "values::duration")]
    pub idle_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    #[serde(with = "values::duration")]
    pub idle_timeout: Duration,
    #[serde(with = "values::duration")]
    pub offline_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub catalog: Catalog,
    pub journal: Engine,
    pub history: Engine,
    #[serde(with = "values::duration")]
    pub retention: Duration,
    pub journal_segment: ByteSize,
    pub journal_queue: ByteSize,
    pub min_free_space: ByteSize,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub level: String,
}

/// The name of a protocol that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ProtocolName(&'static str);

/// What a port of `[devices.tls]` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entrance {
    Any,
    Of(ProtocolName),
}

impl Config {
    /// The defaults, then `file`, then the `OUTRIDER__…` among `variables`; the later wins.
    ///
    /// # Errors
    /// With one line that names the file, line and key, or the variable.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = file.map(layers::read).transpose()?;
        layers::load(file.zip(text.as_deref()), variables)
    }
}

impl ProtocolName {
    pub fn protocol(self) -> Option<&'static dyn Protocol> {
        protocols::protocol(self.0)
    }
}

impl<'de> Deserialize<'de> for ProtocolName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || format!("there is no protocol `{name}`; `outrider protocols` lists them");
        let protocol = protocols::protocol(&name).ok_or_else(|| D::Error::custom(unknown()))?;
        Ok(Self(protocol.name()))
    }
}

impl<'de> Deserialize<'de> for Entrance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "any" {
            return Ok(Self::Any);
        }
        ProtocolName::deserialize(name.into_deserializer()).map(Self::Of)
    }
}

impl Serialize for Entrance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Of(protocol) => protocol.fmt(f),
        }
    }
}

impl fmt::Display for ProtocolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ConnectionTimeouts;
    use gateway::GatewayConfig;
    use store::journal::JournalConfig;

    /// The crates describe their defaults in their own documentation, so there must not be two of them.
    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let Config { devices, status, store, .. } = Config::load(None, []).unwrap();
        let gateway = GatewayConfig::default();
        assert_eq!((devices.bind, devices.any.to_bind()), (gateway.bind, gateway.any));
        assert_eq!(store.retention, gateway.retention);
        let Limits { max_sessions, max_sessions_per_address, login_timeout, idle_timeout } = devices.limits;
        assert_eq!(max_sessions.get(), gateway.limits.sessions);
        assert_eq!(max_sessions_per_address.get(), gateway.limits.sessions_per_address);
        assert_eq!(
            (login_timeout, idle_timeout),
            (gateway.limits.login_timeout, gateway.limits.idle_timeout)
        );

        let journal = JournalConfig::default();
        assert_eq!(store.journal_segment.0, journal.segment_bytes);
        assert_eq!(store.journal_queue.0, u64::from(journal.queue_bytes));
        assert_eq!(store.min_free_space.0, journal.min_free_bytes);

        let timeouts = ConnectionTimeouts::default();
        assert_eq!((status.idle_timeout, status.offline_timeout), (timeouts.idle, timeouts.offline));
    }
}
