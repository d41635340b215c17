//! `user/get_info`: who the caller is, and what they may do.

use crate::{
    action::{Action, Call},
    actions::{dealer, panel::user::DEALER, person::PersonObject},
    answer::Value,
    parameters::{Nothing, Text, parameters},
};
use domain::Right;
use fleet::{Failure, Role, User, UserCaller};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Map;

parameters! {
    struct Application {
        application: Option<Text<0, 255>>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Info {
    paas_id: i64,
    /// Those of `dealer/get_ui_config`.
    #[schemars(schema_with = "dealer::settings_schema")]
    paas_settings: Map<String, serde_json::Value>,
    user_info: UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    master: Option<Master>,
    tariff_restrictions: TariffRestrictions,
    premium_gis: bool,
    features: Vec<&'static str>,
    privileges: Privileges,
}

#[derive(Serialize, JsonSchema)]
struct UserInfo {
    id: i64,
    login: String,
    title: String,
    creation_date: String,
    balance: f64,
    bonus: f64,
    locale: String,
    demo: bool,
    verified: bool,
    default_geocoder: String,
    route_provider: String,
    time_zone: String,
    measurement_system: String,
    #[serde(flatten)]
    person: PersonObject,
}

#[derive(Serialize, JsonSchema)]
struct Master {
    id: i64,
    demo: bool,
    legal_type: &'static str,
    title: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct TariffRestrictions {
    allowed_maps: Vec<&'static str>,
}

/// No plan restricts maps.
fn restrictions() -> TariffRestrictions {
    TariffRestrictions { allowed_maps: vec!["osm"] }
}

pub(crate) struct GetTariffRestrictions;

impl Action for GetTariffRestrictions {
    const PATH: &'static str = "user/get_tariff_restrictions";
    type Caller = UserCaller;
    type Parameters = Nothing;
    type Answer = Value<TariffRestrictions>;

    async fn run(_: &Call<UserCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        Ok(Value { value: restrictions() })
    }
}

#[derive(Serialize, JsonSchema)]
struct Privileges {
    #[schemars(schema_with = "rights")]
    rights: Vec<Right>,
}

pub(crate) struct GetInfo;

impl Action for GetInfo {
    const PATH: &'static str = "user/get_info";
    type Caller = UserCaller;
    type Parameters = Application;
    type Answer = Info;

    async fn run(call: &Call<UserCaller>, _: Application) -> Result<Info, Failure> {
        let user = call.fleet.own_user(&call.caller).await?;
        let master = match user.role {
            Role::Master => None,
            Role::SubUser { .. } => call.fleet.master_of(&call.caller).await?,
        };
        Ok(Info {
            paas_id: DEALER,
            paas_settings: dealer::settings(&call.fleet.service_settings().await?),
            master: master.map(|master| Master {
                id: master.id.0,
                demo: false,
                legal_type: master.person.legal_type.as_str(),
                title: title(&master),
            }),
            tariff_restrictions: restrictions(),
            premium_gis: false,
            features: Vec::new(),
            privileges: Privileges { rights: call.caller.rights() },
            user_info: UserInfo {
                id: user.id.0,
                title: title(&user),
                creation_date: call.dates.moment(user.created),
                balance: user.account.balance.units(),
                bonus: user.account.bonus.units(),
                demo: false,
                verified: user.verified,
                login: user.login,
                locale: user.settings.locale,
                default_geocoder: user.settings.geocoder,
                route_provider: user.settings.route_provider,
                time_zone: user.settings.time_zone,
                measurement_system: user.settings.measurement_system,
                person: PersonObject::of(user.person),
            },
        })
    }
}

/// How the user is addressed: the firm, the person, or else the login.
fn title(user: &User) -> String {
    let person = &user.person;
    if !person.profile.legal_name.is_empty() {
        return person.profile.legal_name.clone();
    }
    let names = [&person.first_name, &person.middle_name, &person.last_name];
    let known: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).map(String::as_str).collect();
    if known.is_empty() { user.login.clone() } else { known.join(" ") }
}

fn rights(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "enum": Right::ALL } })
}
