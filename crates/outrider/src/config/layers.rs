//! Puts the defaults, the file and the environment upon each other, and says where a wrong value stands.

use super::{Config, check, reference};
use std::{
    io,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

/// What every variable of the environment that sets a key begins with.
const PREFIX: &str = "OUTRIDER__";

/// Each is one line and quotes no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{}:{line}: {message}", file.display())]
    Syntax { file: PathBuf, line: usize, message: String },
    #[error("{}:{line}: {key}: {message}", file.display())]
    InFile { file: PathBuf, line: usize, key: String, message: String },
    #[error("environment variable {name}: {message}")]
    InVariable { name: String, message: String },
}

pub(super) fn read(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })
}

/// `file` is its name and its text.
pub(super) fn load(
    file: Option<(&Path, &str)>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let defaults = reference::text();
    let defaults = File::parse(Path::new("(defaults)"), &defaults)?;
    let mut table = defaults.table.clone();
    let mut config = interpret(&table).map_err(|wrong| defaults.explain(&wrong))?;

    let file = file.map(|(name, text)| File::parse(name, text)).transpose()?;
    if let Some(file) = &file {
        merge(&mut table, file.table.clone());
        config = interpret(&table).map_err(|wrong| file.explain(&wrong))?;
    }

    let variables: Vec<_> = variables.into_iter().filter_map(Variable::new).collect();
    for variable in &variables {
        (table, config) = variable.apply(&table)?;
    }

    check::consistent(&config).map_err(|check::Inconsistent { keys, message }| {
        if let Some(variable) = variables.iter().find(|variable| keys.contains(&variable.key)) {
            return variable.wrong(message);
        }
        let in_file = file.as_ref().and_then(|file| Some((file, keys.iter().find(|key| file.sets(key))?)));
        let (file, key) = in_file.unwrap_or((&defaults, &keys[0]));
        file.wrong(key, message)
    })?;
    Ok(config)
}

fn interpret(table: &DeTable<'_>) -> Result<Config, toml::de::Error> {
    serde::Deserialize::deserialize(Deserializer::from(Spanned::new(0..0, table.clone())))
}

/// Tables are merged, everything else is replaced.
fn merge<'t>(table: &mut DeTable<'t>, upper: DeTable<'t>) {
    for (key, value) in upper {
        match (table.get_mut(&key).map(Spanned::get_mut), value) {
            (Some(DeValue::Table(table)), value) if value.get_ref().is_table() => {
                if let DeValue::Table(upper) = value.into_inner() {
                    merge(table, upper);
                }
            }
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

struct File<'t> {
    name: &'t Path,
    text: &'t str,
    table: DeTable<'t>,
}

impl<'t> File<'t> {
    fn parse(name: &'t Path, text: &'t str) -> Result<Self, ConfigError> {
        let table = DeTable::parse(text).map_err(|wrong| ConfigError::Syntax {
            file: name.to_owned(),
            line: line(text, wrong.span().map_or(0, |span| span.start)),
            message: wrong.message().replace('\n', ", "),
        })?;
        Ok(Self { name, text, table: table.into_inner() })
    }

    fn explain(&self, wrong: &toml::de::Error) -> ConfigError {
        let position = wrong.span().map_or(0, |span| span.start);
        let named = entries(&self.table).into_iter().find(|entry| entry.positions.contains(&position));
        ConfigError::InFile {
            file: self.name.to_owned(),
            line: line(self.text, position),
            key: named.map_or_else(String::new, |entry| entry.key),
            message: wrong.message().replace('\n', ", "),
        }
    }

    fn wrong(&self, key: &str, message: String) -> ConfigError {
        let entry = entries(&self.table).into_iter().find(|entry| entry.key == key);
        let position = entry.map_or(0, |entry| entry.positions[0]);
        let line = line(self.text, position);
        ConfigError::InFile { file: self.name.to_owned(), line, key: key.to_owned(), message }
    }

    fn sets(&self, key: &str) -> bool {
        entries(&self.table).iter().any(|entry| entry.key == key)
    }
}

/// A key with its path, and where it and its value begin in the text.
struct Entry {
    key: String,
    positions: [usize; 2],
}

fn entries(table: &DeTable<'_>) -> Vec<Entry> {
    let mut all = Vec::new();
    for (key, value) in table {
        let name = key.get_ref();
        if let DeValue::Table(inner) = value.get_ref() {
            let deeper = entries(inner).into_iter();
            all.extend(deeper.map(|entry| Entry { key: format!("{name}.{}", entry.key), ..entry }));
        }
        all.push(Entry { key: name.to_string(), positions: [key.span().start, value.span().start] });
    }
    all
}

fn line(text: &str, position: usize) -> usize {
    1 + text.bytes().take(position).filter(|byte| *byte == b'\n').count()
}

/// A variable of the environment that sets a key.
struct Variable {
    name: String,
    /// The key's path, with dots.
    key: String,
    value: String,
}

impl Variable {
    fn new((name, value): (String, String)) -> Option<Self> {
        let key = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
        Some(Self { name, key, value })
    }

    /// Reads the value as TOML (`50`, `false`), and as a text when it is none or the key wants a text.
    fn apply<'t>(&'t self, table: &DeTable<'t>) -> Result<(DeTable<'t>, Config), ConfigError> {
        let scalar = DeValue::parse(&self.value).map(Spanned::into_inner).ok();
        let text = DeValue::String(self.value.as_str().into());
        let attempts = scalar.into_iter().chain([text]).map(|value| {
            let mut table = table.clone();
            merge(&mut table, self.nested(value));
            interpret(&table).map(|config| (table, config))
        });
        let mut wrong = None;
        for attempt in attempts {
            match attempt {
                Ok(applied) => return Ok(applied),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(self.wrong(wrong.map_or_else(String::new, |error| error.message().replace('\n', ", "))))
    }

    /// The table in which only this key stands.
    fn nested<'t>(&'t self, value: DeValue<'t>) -> DeTable<'t> {
        let mut names = self.key.rsplit('.');
        let mut table = DeTable::new();
        table.insert(Spanned::new(0..0, names.next().unwrap_or_default().into()), Spanned::new(0..0, value));
        for name in names {
            let inner = Spanned::new(0..0, DeValue::Table(table));
            table = DeTable::new();
            table.insert(Spanned::new(0..0, name.into()), inner);
        }
        table
    }

    fn wrong(&self, message: String) -> ConfigError {
        ConfigError::InVariable { name: self.name.clone(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Some((Path::new("outrider.toml"), text)), variables).map_err(|error| error.to_string())
    }

    #[test]
    fn runs_without_a_file() {
        let config = load(None, []).unwrap();
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.http.rate_limit.get(), 50);
        assert_eq!(config.panel.password, None);
        assert_eq!(config.devices.any, super::super::Port::Number(5000));
        assert_eq!(config.devices.ports.len(), protocols::PROTOCOLS.len());
    }

    #[test]
    fn the_file_wins_over_defaults_and_the_environment_over_the_file() {
        let config = load_text(
            "[http]\nlisten = \"0.0.0.0:80\"\nrate_limit = 7\n[status]\nidle_timeout = \"20m\"",
            &[
                ("OUTRIDER__HTTP__RATE_LIMIT", "9"),
                ("OUTRIDER__STATUS__OFFLINE_TIMEOUT", "1h30m"),
                ("OUTRIDER__PANEL__PASSWORD", "12345"),
                ("OUTRIDER__DEVICES__ANY", "false"),
                ("OUTRIDER__STORE__MIN_FREE_SPACE", "1GiB"),
                ("HOME", "/root"),
            ],
        )
        .unwrap();
        assert_eq!(config.http.listen.to_string(), "0.0.0.0:80");
        assert_eq!(config.http.rate_limit.get(), 9);
        assert_eq!(config.status.idle_timeout.as_secs(), 1200);
        assert_eq!(config.status.offline_timeout.as_secs(), 5400);
        assert_eq!(config.panel.password.unwrap().reveal(), "12345");
        assert_eq!(config.devices.any, super::super::Port::Closed);
        assert_eq!(config.store.min_free_space.0, 1 << 30);
    }

    #[test]
    fn errors_name_the_file_the_line_and_the_key() {
        for (text, place, cause) in [
            ("\n[http]\nlisten = \"banana\"", "outrider.toml:3: http.listen: ", "address"),
            ("[http]\nlisen = 5", "outrider.toml:2: http.lisen: ", "unknown field"),
            ("[htp]\nlisten = 5", "outrider.toml:1: htp: ", "unknown field"),
            ("dir = 5", "outrider.toml:1: dir: ", "unknown field"),
            ("http = 5", "outrider.toml:1: http: ", "invalid type"),
            ("[[http]]", "outrider.toml:1: http: ", "invalid type"),
            ("[http]\nrate_limit = 0", "outrider.toml:2: http.rate_limit: ", "nonzero"),
            ("[http]\nrate_limit = -1", "outrider.toml:2: http.rate_limit: ", "invalid value"),
            ("[http]\n\nbody_limit = \"1 MB\"", "outrider.toml:3: http.body_limit: ", "128MiB"),
            ("[devices]\nany = true", "outrider.toml:2: devices.any: ", "false (closed)"),
            ("[devices]\nany = 70000", "outrider.toml:2: devices.any: ", "65535"),
            ("[devices.ports]\nnone_such = 1", "outrider.toml:2: devices.ports.none_such: ", "no protocol"),
            ("[devices]\nports.none_such = 1", "outrider.toml:2: devices.ports.none_such: ", "no protocol"),
            ("[tls]\ncertificate = \"a.pem\"", "outrider.toml:2: tls.certificate: ", "belong together"),
            ("[tls]\nkey = \"a.pem\"", "outrider.toml:2: tls.key: ", "belong together"),
            ("[devices.tls]\nany = 5443", "outrider.toml:2: devices.tls.any: ", "[tls] certificate"),
            ("[outbound]\nallow = [\"localhost\"]", "outrider.toml:2: outbound.allow: ", "not a network"),
            ("[sms]\nprovider = \"pigeon\"", "outrider.toml:2: sms.provider: ", "unknown variant"),
            ("[sms]\nprovider = \"http\"", "outrider.toml:2: sms.provider: ", "needs [sms.http] url"),
            ("[sms]\nprovider = \"smpp\"", "outrider.toml:2: sms.provider: ", "needs [sms.smpp] address"),
            ("[sms]\nwebhook_secret = \"short\"", "outrider.toml:2: sms.webhook_secret: ", "12 letters"),
            (
                "[sms]\nprovider = \"http\"\n[sms.http]\nurl = \"http://sms.example.com/\"\nmethod = \"BREW\"",
                "outrider.toml:5: sms.http.method: ",
                "GET, POST or PUT",
            ),
            (
                "[sms]\nprovider = \"http\"\n[sms.http]\nurl = \"http://sms.example.com/?{to}\"\nbody = \"hi\"",
                "outrider.toml:5: sms.http.body: ",
                "{text}",
            ),
            (
                "[sms]\nprovider = \"smpp\"\n[sms.smpp]\naddress = \"smsc.example.com\"",
                "outrider.toml:4: sms.smpp.address: ",
                "a host and a port",
            ),
            (
                "[sms]\nprovider = \"smpp\"\n[sms.smpp]\naddress = \"smsc:2775\"\nsystem_id = \"o\"\npassword = \"ninetimes\"",
                "outrider.toml:6: sms.smpp.password: ",
                "8 letters",
            ),
            ("[devices.tls]\nnone_such = 1", "outrider.toml:2: devices.tls.none_such: ", "no protocol"),
            (
                "[tls]\ncertificate = \"a\"\nkey = \"b\"\n[devices.tls]\nteltonika = 5027",
                "outrider.toml:5: devices.tls.teltonika: ",
                "the same port as devices.ports.teltonika",
            ),
            ("[status]\nidle_timeout = \"5x\"", "outrider.toml:2: status.idle_timeout: ", "1h30m"),
            ("[status]\nidle_timeout = \"10m\"", "outrider.toml:2: status.idle_timeout: ", "shorter"),
            ("[status]\noffline_timeout = \"5m\"", "outrider.toml:2: status.offline_timeout: ", "shorter"),
            ("[store]\ncatalog = \"mysql://x\"", "outrider.toml:2: store.catalog: ", "or a postgres:// URL"),
            ("[store]\njournal = \"nats\"", "outrider.toml:2: store.journal: ", "unknown variant"),
            ("[log]\nformat = \"xml\"", "outrider.toml:2: log.format: ", "unknown variant"),
            ("[log]\nlevel = \"loud=noise=x\"", "outrider.toml:2: log.level: ", "filter"),
            ("[http]\nlisten = ", "outrider.toml:2: ", "value"),
            ("a = 1\na = 2", "outrider.toml:2: ", "duplicate"),
        ] {
            let error = load_text(text, &[]).unwrap_err();
            assert!(error.starts_with(place) && error.contains(cause), "{text:?} gave {error:?}");
            assert!(!error.contains('\n'), "{error:?} is one line");
        }
    }

    #[test]
    fn errors_name_the_variable() {
        for (name, value, cause) in [
            ("OUTRIDER__HTTP__LISTEN", "banana", "address"),
            ("OUTRIDER__HTTP__LISEN", "127.0.0.1:1", "unknown field"),
            ("OUTRIDER__HTTP__LISTEN__PORT", "1", "invalid type"),
            ("OUTRIDER__HTTP", "1", "invalid type"),
            ("OUTRIDER__", "1", "unknown field"),
            ("OUTRIDER__HTTP__RATE_LIMIT", "0", "nonzero"),
            ("OUTRIDER__HTTP__RATE_LIMIT", "many", "invalid type"),
            ("OUTRIDER__STATUS__OFFLINE_TIMEOUT", "1m", "shorter"),
        ] {
            let error = load_text("[status]\nidle_timeout = \"2m\"", &[(name, value)]).unwrap_err();
            let place = format!("environment variable {name}: ");
            assert!(error.starts_with(&place) && error.contains(cause), "{name}={value} gave {error:?}");
        }
    }

    #[test]
    fn the_catalog_may_be_a_url() {
        let url = "postgres://outrider:8231977@db/outrider?sslmode=verify-full";
        for config in [
            load_text(&format!("[store]\ncatalog = \"{url}\""), &[]).unwrap(),
            load_text("", &[("OUTRIDER__STORE__CATALOG", url)]).unwrap(),
        ] {
            assert_eq!(config.store.catalog, super::super::Catalog::Postgres(url.parse().unwrap()));
            let shown = format!("{config:?} {}", toml::to_string(&config).unwrap());
            assert!(shown.contains("postgres://outrider@db/outrider?sslmode=verify-full"), "{shown}");
            assert!(!shown.contains("8231977"), "{shown}");
        }
    }

    #[test]
    fn errors_quote_no_secret() {
        for text in [
            "[panel]\npassword = 8231977",
            "[panel]\npassword = [\"8231977\"]",
            "[store]\ncatalog = 8231977",
            "[store]\ncatalog = \"postgres://outrider:82/31977@db/outrider\"",
            "[store]\ncatalog = \"postgres://outrider:8231977@db/outrider?pasword=8231977\"",
            "[store]\ncatalog = \"mysql://outrider:8231977@db/outrider\"",
        ] {
            let error = load_text(text, &[]).unwrap_err();
            assert!(error.starts_with("outrider.toml:2: ") && !error.contains("8231977"), "{error:?}");
        }
    }
}
