//! `panel/account/…`: sessions of the panel. A session ends 24 hours after it began, or at logout.

use crate::{
    action::{Action, Anyone, Call},
    answer::Done,
    parameters::{Nothing, Text, parameters},
};
use domain::ErrorCode;
use fleet::{Failure, PanelCaller};
use schemars::JsonSchema;
use serde::Serialize;

parameters! {
    struct Credentials {
        login: Text<1, 255>,
        password: Text<1, 255>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Authenticated {
    hash: String,
    permissions: Permissions,
}

/// What a panel account may do with each kind of object. There is one kind of panel account: it may do everything.
#[derive(Serialize, JsonSchema)]
struct Permissions {
    base: [&'static str; 1],
    service_settings: [&'static str; 2],
    users: [&'static str; 4],
    user_sessions: [&'static str; 2],
    trackers: [&'static str; 5],
    tracker_bundles: [&'static str; 3],
    tariffs: [&'static str; 3],
    transactions: [&'static str; 1],
    activation_code: [&'static str; 3],
}

impl Permissions {
    const ALL: Self = Self {
        base: ["get"],
        service_settings: ["read", "update"],
        users: ["create", "read", "update", "corrupt"],
        user_sessions: ["create", "global"],
        trackers: ["create", "read", "update", "delete", "corrupt"],
        tracker_bundles: ["create", "read", "update"],
        tariffs: ["create", "read", "update"],
        transactions: ["create"],
        activation_code: ["create", "read", "update"],
    };
}

pub(crate) struct Auth;

impl Action for Auth {
    const PATH: &'static str = "panel/account/auth";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::AccessDenied, ErrorCode::TooManyAttempts];
    const EXAMPLE: &'static str = r#"{"login": "admin", "password": "correct horse"}"#;
    type Caller = Anyone;
    type Parameters = Credentials;
    type Answer = Authenticated;

    async fn run(call: &Call<Anyone>, credentials: Credentials) -> Result<Authenticated, Failure> {
        let hash =
            call.fleet.panel_log_in(&credentials.login.0, &credentials.password.0, call.address).await?;
        Ok(Authenticated { hash, permissions: Permissions::ALL })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Permitted {
    permissions: Permissions,
}

pub(crate) struct GetPermissions;

impl Action for GetPermissions {
    const PATH: &'static str = "panel/account/get_permissions";
    type Caller = PanelCaller;
    type Parameters = Nothing;
    type Answer = Permitted;

    async fn run(_: &Call<PanelCaller>, _: Nothing) -> Result<Permitted, Failure> {
        Ok(Permitted { permissions: Permissions::ALL })
    }
}

pub(crate) struct Logout;

impl Action for Logout {
    const PATH: &'static str = "panel/account/logout";
    type Caller = PanelCaller;
    type Parameters = Nothing;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, _: Nothing) -> Result<Done, Failure> {
        call.fleet.panel_log_out(&call.caller).await?;
        Ok(Done {})
    }
}
