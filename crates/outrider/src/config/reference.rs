//! The reference of the configuration: every key with meaning, default and example, out of `reference.toml`.
//! The server's defaults and `docs/configuration.md` both come from here.

use domain::Transport;
use protocols::{PROTOCOLS, Protocol};

/// A complete configuration with every default. The comment over a key or section is its meaning; an assignment that
/// is commented out without a space is an example, and the only line of a key that has no default.
pub(super) fn text() -> String {
    let ports = PROTOCOLS.iter().map(|protocol| {
        let (name, port, transports) = (protocol.name(), protocol.default_port(), transports(*protocol));
        format!("\n# Port of {name} ({transports}).\n{name} = {port}\n")
    });
    include_str!("reference.toml").to_owned() + &ports.collect::<String>()
}

/// How devices of `protocol` arrive: `tcp, udp`.
pub fn transports(protocol: &dyn Protocol) -> String {
    let name = |transport: &Transport| match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Http => "http",
    };
    protocol.transports().iter().map(name).collect::<Vec<_>>().join(", ")
}

/// `docs/configuration.md`.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in sections(&text()) {
        if !section.name.is_empty() {
            page += &format!("\n## [{}]\n\n{}\n", section.name, section.meaning);
        }
        if section.keys.is_empty() {
            continue;
        }
        page += "\n| key | default | example | meaning |\n| --- | --- | --- | --- |\n";
        for key in section.keys {
            let code = |value: Option<String>| value.map_or("–".to_owned(), |value| format!("`{value}`"));
            let (name, meaning) = (key.name, key.meaning.replace('|', "\\|"));
            page += &format!("| `{name}` | {} | {} | {meaning} |\n", code(key.default), code(key.example));
        }
    }
    page
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated: `outrider config reference > docs/configuration.md`. A test fails when this page is stale. -->

`outrider serve` runs with no configuration at all. What is to differ stands in a TOML file, given by `--config FILE`:

```toml
[http]
listen = \"0.0.0.0:8080\"

[devices]
bind = \"0.0.0.0\"
```

Short messages to devices go through a gateway with an interface like this:

```toml
[sms]
provider = \"http\"
webhook_secret = \"correct horse battery staple\"

[sms.http]
url = \"http://sms.example.com/v1/messages\"
headers = { \"Content-Type\" = \"application/json\", \"Authorization\" = \"Bearer 12345\" }
body = '{\"to\": \"+{to}\", \"text\": \"{text}\", \"reference\": \"{id}\"}'
```

Every key can also be set by a variable of the environment, which wins over the file: `OUTRIDER__`, then section and key
in capitals with two underscores between them, such as `OUTRIDER__HTTP__LISTEN=0.0.0.0:8080` or
`OUTRIDER__DEVICES__LIMITS__MAX_SESSIONS=1000`. A key that does not exist is an error.

`outrider config check --config FILE` says whether a file is right, or else names the file, line and key;
`outrider config print` prints what the server would run with, passwords left out.

Spans of time are written `500ms`, `30s`, `5m`, `1h30m`, `365d`; sizes `64KiB`, `128MiB`, `1GiB`; a port may be `0` (the
system chooses a free one, and `DATA_DIR/ready.json` says which) or, for devices, `false` (closed).
";

#[derive(Default)]
struct Section {
    name: String,
    meaning: String,
    keys: Vec<Key>,
}

#[derive(Default)]
struct Key {
    name: String,
    meaning: String,
    default: Option<String>,
    example: Option<String>,
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let (mut meaning, mut example) = (String::new(), None);
    // The empty line at the end closes a key whose only line is its example.
    for line in text.lines().chain([""]) {
        if let Some(comment) = line.strip_prefix("# ") {
            comment.clone_into(&mut meaning);
        } else if let Some(assignment) = line.strip_prefix('#') {
            example = assignment.split_once(" = ");
        } else if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_end_matches(']').to_owned();
            sections.push(Section { name, meaning: std::mem::take(&mut meaning), keys: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            let (default, example) = (line.split_once(" = "), example.take());
            let Some((name, _)) = default.or(example) else { continue };
            section.keys.push(Key {
                name: name.to_owned(),
                meaning: std::mem::take(&mut meaning),
                default: default.map(|(_, value)| value.to_owned()),
                example: example.map(|(_, value)| value.to_owned()),
            });
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn all() -> Vec<(String, Key)> {
        let keys = |section: Section| section.keys.into_iter().map(move |key| (section.name.clone(), key));
        sections(&text()).into_iter().flat_map(keys).collect()
    }

    #[test]
    fn every_key_is_explained() {
        for (section, key) in all() {
            assert!(key.meaning.ends_with('.'), "[{section}] {} has no meaning", key.name);
            assert!(key.default.is_some() || key.example.is_some(), "[{section}] {} has no value", key.name);
        }
    }

    #[test]
    fn every_key_of_the_defaults_is_in_the_reference() {
        let printed = toml::to_string(&Config::load(None, []).unwrap()).unwrap();
        let described = all().into_iter().filter(|(_, key)| key.default.is_some()).count();
        assert_eq!(printed.lines().filter(|line| line.contains(" = ")).count(), described, "{printed}");
    }

    #[test]
    fn the_examples_are_a_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("examples.toml");
        let mut examples = String::new();
        for section in sections(&text()) {
            if !section.name.is_empty() {
                examples += &format!("[{}]\n", section.name);
            }
            for Key { name, example, .. } in section.keys {
                examples += &example.map_or(String::new(), |value| format!("{name} = {value}\n"));
            }
        }
        std::fs::write(&file, examples).unwrap();
        let config = Config::load(Some(&file), []).unwrap();
        assert_eq!(config.devices.public_address.as_deref(), Some("gps.example.com"));
        assert_ne!(config, Config::load(None, []).unwrap());
    }

    #[test]
    fn the_page_in_docs_is_fresh() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = std::fs::read_to_string(page).unwrap();
        let command = "cargo run -p outrider -- config reference > docs/configuration.md";
        assert!(page == markdown(), "docs/configuration.md is stale; write it anew: {command}");
    }
}
