//! What a device is told by short messages: where to call, and to say where it is. The texts stand in
//! `data/short_messages.toml`, by family of models.

use crate::DeviceModel;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// What a family of devices is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortMessages {
    vendor: Box<str>,
    #[serde(default)]
    models: Vec<Box<str>>,
    #[serde(default)]
    passwords: BTreeMap<Box<str>, Box<str>>,
    #[serde(default)]
    registration: Vec<Box<str>>,
    #[serde(default)]
    server: Vec<Box<str>>,
    #[serde(default)]
    connected: Vec<Box<str>>,
    location: Option<Box<str>>,
    #[serde(default)]
    answers: Vec<Box<str>>,
}

/// What goes into the texts of one device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blanks<'a> {
    pub apn: &'a str,
    pub apn_user: &'a str,
    pub apn_password: &'a str,
    /// Where this server is: a name or numbers.
    pub address: &'a str,
    pub port: u16,
    pub device_id: &'a str,
}

impl ShortMessages {
    /// `None` when nobody has written down what the model is told.
    pub fn of(model: &DeviceModel) -> Option<&'static Self> {
        DATA.family.iter().find(|family| family.holds_for(model))
    }

    /// The messages that point the device at this server, in their order; none when it takes none, or none without an access
    /// point and there is none.
    pub fn registration(&self, model: &DeviceModel, blanks: Blanks<'_>) -> Vec<String> {
        let texts = if blanks.apn.is_empty() { &self.server } else { &self.registration };
        texts.iter().map(|text| self.fill(text, model, blanks)).collect()
    }

    /// Points the device at this server over a connection that the device has already.
    pub fn connected(&self, model: &DeviceModel, blanks: Blanks<'_>) -> Vec<String> {
        self.connected.iter().map(|text| self.fill(text, model, blanks)).collect()
    }

    /// How a device of the model may say where it is, as templates: first those of its family.
    pub fn answers(model: &DeviceModel) -> impl Iterator<Item = &'static str> {
        let own = Self::of(model).map_or(&[][..], |family| &family.answers);
        own.iter().chain(&DATA.answers).map(|answer| &**answer)
    }

    /// Asks the device where it is.
    pub fn location(&self, model: &DeviceModel, device_id: &str) -> Option<String> {
        let blanks = Blanks { device_id, ..Blanks::default() };
        self.location.as_ref().map(|text| self.fill(text, model, blanks))
    }

    fn holds_for(&self, model: &DeviceModel) -> bool {
        self.vendor == model.vendor
            && (self.models.is_empty() || self.models.contains(&model.code))
            && (self.passwords.is_empty() || self.passwords.contains_key(&model.code))
    }

    /// In one pass: what is put in is not looked at again.
    fn fill(&self, text: &str, model: &DeviceModel, blanks: Blanks<'_>) -> String {
        let (port, is_numbers) =
            (blanks.port.to_string(), blanks.address.parse::<std::net::IpAddr>().is_ok());
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled += before;
            let Some((name, behind)) = after.split_once('}') else { break };
            filled += match name {
                "apn" => blanks.apn,
                "apn_user" => blanks.apn_user,
                "apn_password" => blanks.apn_password,
                "address" => blanks.address,
                "address_is_name" if is_numbers => "0",
                "address_is_name" => "1",
                "port" => &port,
                "device_id" => blanks.device_id,
                "password" => self.passwords.get(&model.code).map_or("", |password| password),
                _ => "",
            };
            rest = behind;
        }
        filled + rest
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    /// Of devices of any family.
    answers: Vec<Box<str>>,
    family: Vec<ShortMessages>,
}

// The test below reads the same file.
static DATA: LazyLock<Data> =
    LazyLock::new(|| toml::from_str(include_str!("../data/short_messages.toml")).unwrap_or_default());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelCode, device_models};

    const BLANKS: Blanks<'_> = Blanks {
        apn: "internet",
        apn_user: "{port}",
        apn_password: "p",
        address: "gps.example.com",
        port: 5027,
        device_id: "100850000",
    };

    #[test]
    fn every_family_is_of_models_that_exist_and_has_known_blanks() {
        assert!(DATA.family.len() >= 8, "the file cannot be read");
        for family in &DATA.family {
            assert!(device_models().iter().any(|model| model.vendor == family.vendor), "{}", family.vendor);
            for code in family.models.iter().chain(family.passwords.keys()) {
                let model = ModelCode::find(code).unwrap_or_else(|| panic!("no model {code}")).model();
                assert_eq!(model.vendor, family.vendor, "{code}");
            }
            let known =
                ["apn", "apn_user", "apn_password", "address", "address_is_name", "port", "device_id"];
            for text in family
                .registration
                .iter()
                .chain(&family.server)
                .chain(&family.connected)
                .chain(&family.location)
            {
                for name in text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0) {
                    let has_password = name == "password" && !family.passwords.is_empty();
                    assert!(known.contains(&name) || has_password, "{text}: {name}");
                }
                assert!(text.is_ascii() && text.len() < 160, "{text}");
            }
        }
    }

    #[test]
    fn texts_of_families() {
        for (code, registration, location) in [
            (
                "telfmb920",
                &["  setparam 2001:internet;2002:{port};2003:p;2004:gps.example.com;2005:5027;2006:0"][..],
                Some("  getgps"),
            ),
            ("telfm4200", &[], Some("  getgps")),
            (
                "qlgv300",
                &[
                    "AT+GTBSI=gv300,internet,{port},p,,,,FFFF$",
                    "AT+GTSRI=gv300,3,,1,gps.example.com,5027,0.0.0.0,0,,0,0,,,,FFFF$",
                ],
                Some("AT+GTRTO=gv300,1,,,,,,FFFF$"),
            ),
            ("concoxgt06e", &["APN,internet,{port},p#", "SERVER,1,gps.example.com,5027,0#"], Some("WHERE#")),
            (
                "suntech_st300",
                &["ST300NTW;100850000;02;0;internet;{port};p;gps.example.com;5027;;;;"],
                Some("ST300CMD;100850000;02;StatusReq"),
            ),
        ] {
            let model = ModelCode::find(code).unwrap().model();
            let family = ShortMessages::of(model).unwrap();
            assert_eq!(family.registration(model, BLANKS), registration, "{code}");
            assert_eq!(family.location(model, BLANKS.device_id).as_deref(), location, "{code}");
        }
        for (code, texts) in [
            ("telfmb920", &["  setparam 2004:gps.example.com;2005:5027;2006:0"][..]),
            ("concoxgt06e", &["SERVER,1,gps.example.com,5027,0#"]),
            ("suntech_st300", &[]),
        ] {
            let model = ModelCode::find(code).unwrap().model();
            let family = ShortMessages::of(model).unwrap();
            assert_eq!(family.registration(model, Blanks { apn: "", ..BLANKS }), texts, "{code}");
        }
        let numbers = Blanks { address: "192.0.2.7", ..BLANKS };
        let model = ModelCode::find("concoxgt06e").unwrap().model();
        let texts = ShortMessages::of(model).unwrap().connected(model, numbers);
        assert_eq!(texts, ["SERVER,0,192.0.2.7,5027,0#"]);
        assert!(ShortMessages::of(ModelCode::find("tt1_wp").unwrap().model()).is_none());
    }
}
