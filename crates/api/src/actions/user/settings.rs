//! `user/settings/…`: how answers to a user are written.

use crate::{
    action::{Action, Call},
    answer::Done,
    parameters::{Geocoder, Locale, MeasurementSystem, Nothing, RouteProvider, TimeZone, parameters},
};
use fleet::{Failure, Settings, SettingsChange, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer {
    settings: SettingsObject,
}

#[derive(Serialize, JsonSchema)]
struct SettingsObject {
    time_zone: String,
    locale: String,
    measurement_system: String,
    geocoder: String,
    route_provider: String,
    translit: bool,
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "user/settings/read";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = Answer;

    async fn run(call: &Call<UserCaller>, _: Nothing) -> Result<Answer, Failure> {
        let Settings { time_zone, locale, measurement_system, geocoder, route_provider, translit } =
            call.caller.user.settings.clone();
        let settings =
            SettingsObject { time_zone, locale, measurement_system, geocoder, route_provider, translit };
        Ok(Answer { settings })
    }
}

parameters! {
    struct Change {
        time_zone: Option<TimeZone>,
        locale: Option<Locale>,
        measurement_system: Option<MeasurementSystem>,
        geocoder: Option<Geocoder>,
        route_provider: Option<RouteProvider>,
        translit: Option<bool>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "user/settings/update";
    const EXAMPLE: &'static str = r#"{"time_zone": "Europe/Berlin", "locale": "en_US",
        "measurement_system": "metric", "geocoder": "osm", "route_provider": "osrm", "translit": false}"#;
    type Caller = UserCaller;
    type Parameters = Change;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, change: Change) -> Result<Done, Failure> {
        let change = SettingsChange {
            time_zone: change.time_zone.map(|zone| zone.0),
            locale: change.locale.map(|locale| locale.0),
            measurement_system: change.measurement_system.map(|system| system.0),
            geocoder: change.geocoder.map(|geocoder| geocoder.0),
            route_provider: change.route_provider.map(|provider| provider.0),
            translit: change.translit,
        };
        call.fleet.update_settings(&call.caller, change).await?;
        Ok(Done {})
    }
}
