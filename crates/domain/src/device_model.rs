//! Device models: what `tracker/list_models` tells about a kind of device. One TOML file per vendor under
//! `data/models/`.

use crate::{DeviceId, InputName};
use serde::Deserialize;
use std::{collections::HashMap, fmt, ops::Deref, sync::LazyLock};

/// Code of a device model, such as `telfmb920`; always that of one of `device_models`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelCode(usize);

impl ModelCode {
    /// `None` when no device model has the code.
    pub fn find(code: &str) -> Option<Self> {
        static BY_CODE: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
            device_models().iter().enumerate().map(|(at, model)| (&*model.code, at)).collect()
        });
        BY_CODE.get(code).copied().map(Self)
    }

    pub fn model(self) -> &'static DeviceModel {
        &device_models()[self.0]
    }

    pub fn as_str(self) -> &'static str {
        &self.model().code
    }
}

impl fmt::Display for ModelCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ModelCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A device model and its capabilities. Field names are those of the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceModel {
    pub id: i32,
    pub vendor: Box<str>,
    pub code: Box<str>,
    pub parent_code: Option<Box<str>>,
    /// `logger`, `portable`, `vehicle` or `personal`.
    pub r#type: Box<str>,
    pub name: Box<str>,
    pub id_type: IdType,
    /// Names of the protocols that a device of this model may speak.
    pub protocols: Vec<Box<str>>,
    /// How to point a device at a server, with `{address}` and `{port}` where these go.
    pub setup: Option<Box<str>>,
    pub has_phone: bool,
    pub has_apn_settings: bool,
    pub register: bool,
    pub has_auto_registration: bool,
    pub port: Option<u16>,
    pub battery: Option<Battery>,
    pub altitude: bool,
    pub satellites: bool,
    pub gsm_level: bool,
    pub gsm_network: bool,
    pub gsm_roaming: bool,
    pub has_detach_button: bool,
    pub has_fuel_input: bool,
    pub analog_inputs: u8,
    pub digital_inputs: u8,
    pub rs232_inputs: u8,
    pub digital_outputs: u8,
    pub track_control: Box<str>,
    pub output_control: Box<str>,
    pub special_control: Box<str>,
    pub rules: Vec<Box<str>>,
    pub inputs: Vec<Box<str>>,
    pub state_fields: StateFields,
    pub special_settings: Vec<Box<str>>,
    pub sms_control: Vec<Box<str>>,
    pub has_led_control: bool,
    pub has_location_request: bool,
    pub has_gprs_location_request: bool,
    pub has_gsm_lbs_location_request: bool,
    pub has_chat: bool,
    pub check_bundle: bool,
    pub has_odometer: bool,
    pub has_lbs: bool,
    pub has_motion_sensor: bool,
    pub has_hardware_key: bool,
}

/// The inputs that a state shows as they are, by their names.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Vec<Box<str>>")]
pub struct StateFields {
    names: Vec<Box<str>>,
    inputs: Vec<InputName>,
}

impl StateFields {
    /// The same, looked up: each state that is shown asks for all of them.
    pub fn inputs(&self) -> &[InputName] {
        &self.inputs
    }
}

impl From<Vec<Box<str>>> for StateFields {
    fn from(names: Vec<Box<str>>) -> Self {
        Self { inputs: names.iter().filter_map(|name| InputName::find(name)).collect(), names }
    }
}

impl Deref for StateFields {
    type Target = [Box<str>];

    fn deref(&self) -> &[Box<str>] {
        &self.names
    }
}

/// The device's own battery, in volts (or 0, 0.1, 1 where the device reports a ratio).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    pub min_charge: f64,
    pub low_charge: f64,
    pub max_charge: f64,
}

impl Battery {
    /// Charge in percent, 0..=100, linear between `min_charge` and `max_charge`.
    pub fn percent(&self, charge: f64) -> u8 {
        let share = (charge - self.min_charge) / (self.max_charge - self.min_charge);
        (share.clamp(0.0, 1.0) * 100.0).round() as u8
    }
}

/// What identifies a device of the model at registration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum IdType {
    Imei,
    Meid,
    /// `id,n`: a factory number of n digits.
    Digits(u8),
    /// `n,m`: the platform makes a number of n digits that starts with m.
    Generated {
        digits: u8,
        prefix: Box<str>,
    },
    /// `ascii,min,max`: a text of so many characters.
    Text {
        min: u8,
        max: u8,
    },
}

impl IdType {
    /// Whether `id` has the form that devices of the model use.
    pub fn fits(&self, id: &DeviceId) -> bool {
        let id = id.as_str();
        let digits = id.bytes().all(|b| b.is_ascii_digit());
        match self {
            Self::Imei => digits && id.len() == 15,
            Self::Meid => id.len() == 14 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            Self::Digits(count) => digits && id.len() == usize::from(*count),
            Self::Generated { digits: count, prefix } => {
                digits && id.len() == usize::from(*count) && id.starts_with(&**prefix)
            }
            Self::Text { min, max } => (usize::from(*min)..=usize::from(*max)).contains(&id.len()),
        }
    }
}

impl TryFrom<String> for IdType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no id type: imei, meid, id,n, n,m or ascii,min,max");
        match text.split_once(',') {
            None if text == "imei" => Ok(Self::Imei),
            None if text == "meid" => Ok(Self::Meid),
            Some(("ascii", bounds)) => {
                let (min, max) = bounds.split_once(',').ok_or_else(unknown)?;
                let bound = |text: &str| text.parse().map_err(|_| unknown());
                Ok(Self::Text { min: bound(min)?, max: bound(max)? })
            }
            Some(("id", digits)) => digits.parse().map(Self::Digits).map_err(|_| unknown()),
            Some((digits, prefix)) => digits
                .parse()
                .map(|digits| Self::Generated { digits, prefix: prefix.into() })
                .map_err(|_| unknown()),
            None => Err(unknown()),
        }
    }
}

impl fmt::Display for IdType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imei => f.write_str("imei"),
            Self::Meid => f.write_str("meid"),
            Self::Digits(digits) => write!(f, "id,{digits}"),
            Self::Generated { digits, prefix } => write!(f, "{digits},{prefix}"),
            Self::Text { min, max } => write!(f, "ascii,{min},{max}"),
        }
    }
}

impl DeviceModel {
    /// The number under which a discrete sensor follows the ignition as the device itself judges it: the one after its
    /// wired inputs. `None` for what is no vehicle's, and when all eight numbers are wired.
    pub fn ignition_input(&self) -> Option<u8> {
        let number = self.digital_inputs + 1;
        (&*self.r#type == "vehicle" && number <= 8).then_some(number)
    }

    pub fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|name| **name == *protocol)
    }
}

/// All device models, in the order of their files.
pub fn device_models() -> &'static [DeviceModel] {
    static MODELS: LazyLock<Vec<DeviceModel>> = LazyLock::new(|| {
        VENDORS.iter().flat_map(|file| vendor_models(file).unwrap_or_else(|e| unreachable!("{e}"))).collect()
    });
    &MODELS
}

macro_rules! vendors {
    ($($file:literal)*) => {
        &[$(include_str!(concat!("../data/models/", $file, ".toml")),)*]
    };
}

/// The files, by name; a test finds one that is missing here.
const VENDORS: &[&str] = vendors! {
    "aovx"
    "atrack"
    "atol"
    "bce"
    "box"
    "bsj"
    "calamp"
    "concox"
    "eelink"
    "goome"
    "hhd"
    "huabao"
    "jimi"
    "jimi_jt808"
    "jointech"
    "jt808"
    "meitrack"
    "micodus"
    "navixy"
    "navixy_mobile"
    "owntracks"
    "queclink"
    "suntech"
    "ruptela"
    "sinotrack"
    "teltonika"
    "totarget"
    "traccar"
    "wialon"
    "wondeproud"
};

/// A vendor's file: `vendor`, `protocols` and `setup` hold for every model, `[defaults]` too, unless it says otherwise.
fn vendor_models(file: &str) -> Result<Vec<DeviceModel>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Vendor {
        vendor: toml::Value,
        protocols: toml::Value,
        setup: Option<toml::Value>,
        defaults: toml::Table,
        model: Vec<toml::Table>,
    }
    let vendor: Vendor = toml::from_str(file)?;
    let complete = |model: toml::Table| {
        let mut table = vendor.defaults.clone();
        table.insert("vendor".into(), vendor.vendor.clone());
        table.insert("protocols".into(), vendor.protocols.clone());
        table.extend(vendor.setup.clone().map(|setup| ("setup".to_owned(), setup)));
        table.extend(model);
        table.try_into()
    };
    vendor.model.into_iter().map(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_model_is_whole() {
        let (mut ids, mut codes) = (HashSet::new(), HashSet::new());
        for model in device_models() {
            assert!(ids.insert(model.id), "{}: id {} is taken", model.code, model.id);
            assert!(codes.insert(&model.code), "{} stands twice", model.code);
            assert!(
                ["logger", "portable", "vehicle", "personal"].contains(&&*model.r#type),
                "{}",
                model.code
            );
            for name in model.inputs.iter().chain(model.state_fields.iter()) {
                assert!(InputName::find(name).is_some(), "{}: unknown input {name}", model.code);
            }
            // What speaks nothing is listed only.
            assert!(!model.register || !model.protocols.is_empty(), "{}", model.code);
            if let Some(parent) = &model.parent_code {
                assert!(ModelCode::find(parent).is_some(), "{}: no parent {parent}", model.code);
            }
            if let Some(battery) = model.battery {
                assert!(battery.min_charge < battery.max_charge, "{}", model.code);
            }
        }
    }

    #[test]
    fn every_file_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/models");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, VENDORS.len(), "{folder} has a file that VENDORS does not name");
    }

    /// The codes that are known of the reference's own list, which is not part of the repository.
    #[test]
    fn every_known_code_is_a_model() {
        let list = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/models.tsv");
        let Ok(list) = std::fs::read_to_string(list) else { return };
        let codes = list.lines().skip(1).filter_map(|line| line.split('\t').next());
        let unknown = |code: &&str| ModelCode::find(code).is_none();
        let missing: Vec<_> = codes.filter(|code| !code.is_empty()).filter(unknown).collect();
        assert!(missing.is_empty(), "no models of these codes: {missing:?}");
    }

    /// As the reference prints it.
    #[test]
    fn the_example_of_the_reference() {
        let model = ModelCode::find("tt1_wp").unwrap().model();
        assert_eq!((model.id, &*model.name, &*model.vendor), (166, "WondeProud TT1", "WondeProud"));
        assert_eq!(model.id_type, IdType::Generated { digits: 10, prefix: "2".into() });
        assert_eq!(model.battery, Some(Battery { min_charge: 3.4, low_charge: 3.7, max_charge: 4.1 }));
        let counts = [model.analog_inputs, model.digital_inputs, model.rs232_inputs, model.digital_outputs];
        assert_eq!(counts, [2, 4, 0, 4]);
        let controls = [&*model.track_control, &model.output_control, &model.special_control];
        assert_eq!(controls, ["tt1", "default", "none"]);
        assert_eq!(model.inputs, ["analog_2", "analog_1"].map(Box::from));
        assert_eq!(model.special_settings, ["none"].map(Box::from));
        assert!(model.state_fields.is_empty() && model.sms_control.is_empty() && model.has_odometer);
        assert!(model.has_location_request && model.has_gsm_lbs_location_request && model.has_fuel_input);
    }

    #[test]
    fn id_types_check_device_ids() {
        for (id_type, fitting, other) in [
            ("imei", "356938035643809", "35693803564380"),
            ("meid", "A10000009296F2", "A10000009296FZ"),
            ("id,7", "1234567", "12345678"),
            ("10,2", "2123456789", "1123456789"),
            ("ascii,6,8", "bus-17", "bus-4"),
        ] {
            let id_type = IdType::try_from(id_type.to_owned()).unwrap();
            assert!(id_type.fits(&DeviceId::new(fitting).unwrap()));
            assert!(!id_type.fits(&DeviceId::new(other).unwrap()));
        }
        assert!(IdType::try_from("nonsense".to_owned()).is_err());
    }
}
