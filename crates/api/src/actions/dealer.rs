//! `dealer/get_ui_config`: what a client shows before anybody has logged in.

use super::panel::{service_settings, user::DEALER};
use crate::{
    action::{Action, Anyone, Call},
    parameters::{Text, parameters},
};
use domain::ErrorCode;
use fleet::{Failure, LISTED_EVENTS, ServiceSettings};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

/// What the panel alone is told.
const OF_THE_PANEL: [&str; 4] =
    ["allowed_maps", "limited_domain", "default_user_time_zone", "no_auto_create_sensors"];

parameters! {
    struct Which {
        domain: Option<Text<1, 255>>,
        hash: Option<Text<1, 255>>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Config {
    dealer: Dealer,
    #[schemars(schema_with = "settings_schema")]
    settings: Map<String, Value>,
    demo_ends: Option<String>,
    premium_gis: bool,
    features: Vec<String>,
    platform: Platform,
}

#[derive(Serialize, JsonSchema)]
struct Dealer {
    id: i64,
    ui_domain: String,
    company_url: String,
}

#[derive(Serialize, JsonSchema)]
struct Platform {
    iso_datetime_support: bool,
    #[serde(rename = "history.max_limit")]
    most_events: u32,
    #[serde(rename = "report.max_time_span")]
    longest_report: &'static str,
}

/// Which models may be registered: all.
#[derive(Serialize, JsonSchema)]
struct RegistrableModels {
    exclusion: bool,
    values: Vec<String>,
}

/// What clients look for and nobody can set here: there are no pictures of the service, and nobody is called.
#[derive(Serialize, JsonSchema)]
struct Unset {
    favicon: Option<String>,
    logo: Option<String>,
    app_logo: Option<String>,
    login_wallpaper: Option<String>,
    desktop_wallpaper: Option<String>,
    monitoring_logo: Option<String>,
    show_call_notifications: bool,
    tracker_model_filter: RegistrableModels,
}

/// The settings of the service as users and their clients see them.
pub(crate) fn settings(service: &ServiceSettings) -> Map<String, Value> {
    let mut settings = service.fields().clone();
    settings.retain(|name, _| !OF_THE_PANEL.contains(&name.as_str()));
    let unset = Unset {
        favicon: None,
        logo: None,
        app_logo: None,
        login_wallpaper: None,
        desktop_wallpaper: None,
        monitoring_logo: None,
        show_call_notifications: false,
        tracker_model_filter: RegistrableModels { exclusion: true, values: Vec::new() },
    };
    if let Ok(Value::Object(unset)) = serde_json::to_value(unset) {
        settings.extend(unset);
    }
    settings
}

/// The JSON Schema of `settings`.
pub(crate) fn settings_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = service_settings::kept_schema();
    let unset = Unset::json_schema(generator).to_value();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, _| !OF_THE_PANEL.contains(&name.as_str()));
        properties.extend(unset["properties"].as_object().cloned().unwrap_or_default());
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| !OF_THE_PANEL.iter().any(|hidden| name == hidden));
        required.extend(unset["required"].as_array().cloned().unwrap_or_default());
    }
    Schema::try_from(schema).unwrap_or_default()
}

pub(crate) struct GetUiConfig;

impl Action for GetUiConfig {
    const PATH: &'static str = "dealer/get_ui_config";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::SessionNotFound, ErrorCode::DealerNotFound];
    const EXAMPLE: &'static str = r#"{"domain": "gps.example.com"}"#;
    type Caller = Anyone;
    type Parameters = Which;
    type Answer = Config;

    async fn run(call: &Call<Anyone>, which: Which) -> Result<Config, Failure> {
        let service = call.fleet.service_settings().await?;
        let own = service.text("domain");
        match (which.hash, which.domain) {
            (Some(hash), _) => drop(call.fleet.user_caller(&hash.0).await?),
            (None, None) => return Err(Failure::parameter("domain", "is required, or hash")),
            // As long as the service has no domain, it is here under each.
            (None, Some(domain)) if !own.is_empty() && !domain.0.eq_ignore_ascii_case(own) => {
                return Err(ErrorCode::DealerNotFound.into());
            }
            (None, Some(_)) => {}
        }
        Ok(Config {
            dealer: Dealer {
                id: DEALER,
                ui_domain: own.to_owned(),
                company_url: service.text("promo_url").to_owned(),
            },
            settings: settings(&service),
            demo_ends: None,
            premium_gis: false,
            features: Vec::new(),
            platform: Platform {
                iso_datetime_support: true,
                most_events: LISTED_EVENTS,
                longest_report: "P120D",
            },
        })
    }
}
