//! What the panel says about the service: how it is called, and what new users and devices begin with.

use crate::{ByDefault, Failure, Fleet, PanelCaller, form::Form};
use serde_json::{Map, Value, json};
use store::catalog::{FirstSensors, Settings};

const NO_REGISTER_COMMANDS: &str = "no_register_commands";
const NO_AUTO_CREATE_SENSORS: &str = "no_auto_create_sensors";

/// All settings by the names of the API, those that nobody has changed too.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings(Map<String, Value>);

impl ServiceSettings {
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn is_set(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// Those of a user who has chosen none.
    pub(crate) fn of_new_user(&self, time_zone: Option<String>, locale: Option<String>) -> Settings {
        let defaults = self.0.get("default_user_settings");
        let default = |name: &str| {
            let said = defaults.and_then(|defaults| defaults.get(name)).and_then(Value::as_str);
            said.unwrap_or_default().to_owned()
        };
        let translit = defaults.and_then(|defaults| defaults.get("translit")) == Some(&Value::Bool(true));
        Settings {
            time_zone: time_zone.unwrap_or_else(|| self.text("default_user_time_zone").to_owned()),
            locale: locale.unwrap_or_else(|| self.text("locale").to_owned()),
            measurement_system: default("measurement_system"),
            geocoder: default("geocoder"),
            route_provider: default("route_provider"),
            translit,
        }
    }
}

impl Fleet {
    /// # Errors
    /// When the catalog fails.
    pub async fn service_settings(&self) -> Result<ServiceSettings, Failure> {
        let mut settings = self.unchanged();
        settings.extend(self.catalog.service_settings().await?);
        Ok(ServiceSettings(settings))
    }

    /// The changes are such as the form `service_settings` allows.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn change_service_settings(
        &self,
        _: &PanelCaller,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        Ok(self.catalog.set_service_settings(changes).await?)
    }

    /// Which sensors a new device begins with.
    pub(crate) async fn first_sensors(&self) -> Result<FirstSensors, Failure> {
        let none = self.service_settings().await?.is_set(NO_AUTO_CREATE_SENSORS);
        Ok(if none { FirstSensors::None } else { FirstSensors::OfModel })
    }

    /// Whether new devices are told where to call when nobody says otherwise.
    pub(crate) async fn tells_new_devices(&self) -> bool {
        match self.service_settings().await {
            Ok(settings) => !settings.is_set(NO_REGISTER_COMMANDS),
            // The commands could not be written either.
            Err(_) => false,
        }
    }

    /// What holds until the panel says otherwise.
    fn unchanged(&self) -> Map<String, Value> {
        let mut settings = Form::of("service_settings").blank();
        let defaults = json!({
            "service_title": "Outrider",
            "locale": "en_US",
            "maps": ["osm"],
            "default_map": { "type": "osm", "location": { "lat": 0.0, "lng": 0.0 }, "zoom": 2 },
            "allowed_maps": ["osm"],
            "currency": "EUR",
            "default_user_settings": {
                "geocoder": "osm", "route_provider": "osrm", "measurement_system": "metric", "translit": false,
            },
            NO_REGISTER_COMMANDS: self.setup.commands == ByDefault::Keep,
            "default_user_time_zone": "UTC",
        });
        if let Value::Object(defaults) = defaults {
            settings.extend(defaults);
        }
        settings
    }
}
