//! `panel/user/…`: users and their sessions, from the panel.

use super::tracker::clones;
use crate::{
    action::{Action, Call},
    actions::person::{PersonFields, PersonObject},
    answer::{Created, Done, Page as PageOf, Value},
    dates::Dates,
    parameters::{Both, Int, Locale, Object, Text, TimeZone, choices, parameters},
};
use domain::{ErrorCode, TariffId, UserId};
use fleet::{
    Direction, Failure, Listed, Page, PanelCaller, PanelUser, PanelUserChange, Shown, User, UserDraft,
    UserOrder,
};
use schemars::JsonSchema;
use serde::Serialize;

/// The service's name for the one who runs it; there is one.
pub(crate) const DEALER: i64 = 1;

parameters! {
    struct AccountFields {
        login: Text<3, 255>,
        activated: Option<bool>,
        verified: Option<bool>,
    }
}

parameters! {
    struct NewUser {
        user: Object<Both<AccountFields, PersonFields>>,
        password: Text<6, 40>,
        time_zone: Option<TimeZone>,
        locale: Option<Locale>,
        default_tariff_id: Option<TariffId>,
        comment: Option<Text<0, 255>>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "panel/user/create";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::LoginInUse];
    const EXAMPLE: &'static str = r#"{"user": {"login": "anna@example.com", "first_name": "Anna", "last_name": "Berg"},
        "password": "correct horse", "time_zone": "Europe/Berlin", "locale": "en_US"}"#;
    type Caller = PanelCaller;
    type Parameters = NewUser;
    type Answer = Created;

    async fn run(call: &Call<PanelCaller>, new: NewUser) -> Result<Created, Failure> {
        let Object(Both(account, person)) = new.user;
        let draft = UserDraft {
            login: account.login.0,
            password: new.password.0,
            activated: account.activated != Some(false),
            verified: account.verified == Some(true),
            comment: new.comment.map(|text| text.0).unwrap_or_default(),
            time_zone: new.time_zone.map(|zone| zone.0),
            locale: new.locale.map(|locale| locale.0),
            default_tariff: new.default_tariff_id,
            person: person.new_person(),
        };
        let id = call.fleet.create_user(&call.caller, draft).await?;
        Ok(Created { id: id.0 })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct UserObject {
    id: i64,
    dealer_id: i64,
    activated: bool,
    verified: bool,
    login: String,
    #[serde(flatten)]
    person: PersonObject,
    balance: f64,
    bonus: f64,
    creation_date: String,
    trackers_count: usize,
    #[schemars(with = "Option<i64>")]
    default_tariff_id: Option<TariffId>,
    comment: String,
}

impl UserObject {
    fn of(PanelUser { user, trackers }: PanelUser, dates: &Dates) -> Self {
        let User { id, account, login, activated, verified, person, comment, created, .. } = user;
        Self {
            id: id.0,
            dealer_id: DEALER,
            activated,
            verified,
            login,
            person: PersonObject::of(person),
            balance: account.balance.units(),
            bonus: account.bonus.units(),
            creation_date: dates.moment(created),
            trackers_count: trackers,
            default_tariff_id: account.default_tariff,
            comment,
        }
    }
}

parameters! {
    struct Which {
        user_id: UserId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "panel/user/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"user_id": 14}"#;
    type Caller = PanelCaller;
    type Parameters = Which;
    type Answer = Value<UserObject>;

    async fn run(call: &Call<PanelCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let user = call.fleet.read_user(&call.caller, which.user_id).await?;
        Ok(Value { value: UserObject::of(user, &call.dates) })
    }
}

choices! {
    enum OrderBy {
        Id "id",
        Login "login",
        LastName "last_name",
        Balance "balance",
        Bonus "bonus",
        Phone "phone",
        PostCity "post_city",
    }
}

parameters! {
    struct Filter {
        filter: Option<Text<0, 255>>,
        order_by: Option<OrderBy>,
        ascending: Option<bool>,
        offset: Option<Int<0, 2_147_483_647>>,
        limit: Option<Int<1, 10_000>>,
        hide_inactive: Option<bool>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "panel/user/list";
    const EXAMPLE: &'static str = r#"{"filter": "anna", "order_by": "login", "limit": 50}"#;
    type Caller = PanelCaller;
    type Parameters = Filter;
    type Answer = PageOf<UserObject>;

    async fn run(call: &Call<PanelCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let order = match filter.order_by {
            None | Some(OrderBy::Id) => UserOrder::Id,
            Some(OrderBy::Login) => UserOrder::Login,
            Some(OrderBy::LastName) => UserOrder::LastName,
            Some(OrderBy::Balance) => UserOrder::Balance,
            Some(OrderBy::Bonus) => UserOrder::Bonus,
            Some(OrderBy::Phone) => UserOrder::Phone,
            Some(OrderBy::PostCity) => UserOrder::PostCity,
        };
        let shown = if filter.hide_inactive == Some(true) { Shown::Activated } else { Shown::All };
        let page = page(filter.filter, filter.offset, filter.limit);
        let direction = direction(filter.ascending);
        let Listed { items, count } =
            call.fleet.list_users(&call.caller, &page, shown, order, direction).await?;
        let list = items.into_iter().map(|user| UserObject::of(user, &call.dates)).collect();
        Ok(PageOf { list, count })
    }
}

/// The part of a list that the panel asks for.
pub(super) fn page(
    filter: Option<Text<0, 255>>,
    offset: Option<Int<0, 2_147_483_647>>,
    limit: Option<Int<1, 10_000>>,
) -> Page {
    Page {
        filter: filter.map(|filter| filter.0).unwrap_or_default(),
        offset: offset.map_or(0, Int::number),
        limit: limit.map(Int::number),
    }
}

pub(super) fn direction(ascending: Option<bool>) -> Direction {
    if ascending == Some(false) { Direction::Descending } else { Direction::Ascending }
}

parameters! {
    struct NewPassword {
        user_id: UserId,
        password: Text<6, 40>,
    }
}

pub(crate) struct ChangePassword;

impl Action for ChangePassword {
    const PATH: &'static str = "panel/user/change_password";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"user_id": 14, "password": "battery staple"}"#;
    type Caller = PanelCaller;
    type Parameters = NewPassword;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, new: NewPassword) -> Result<Done, Failure> {
        call.fleet.change_users_password(&call.caller, new.user_id, &new.password.0).await?;
        Ok(Done {})
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Session {
    hash: String,
}

pub(crate) struct CreateSession;

impl Action for CreateSession {
    const PATH: &'static str = "panel/user/session/create";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::TooManySessions];
    const EXAMPLE: &'static str = r#"{"user_id": 14}"#;
    type Caller = PanelCaller;
    type Parameters = Which;
    type Answer = Session;

    async fn run(call: &Call<PanelCaller>, which: Which) -> Result<Session, Failure> {
        let hash = call.fleet.create_user_session(&call.caller, which.user_id).await?;
        Ok(Session { hash })
    }
}

parameters! {
    struct Identified {
        id: UserId,
    }
}

/// The whole user; `activated` and `verified` stay when they are left out.
type ChangedUser = Both<Identified, Both<AccountFields, PersonFields>>;

parameters! {
    struct UserChange {
        user: Object<ChangedUser>,
        default_tariff_id: Option<TariffId>,
        comment: Option<Text<0, 255>>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "panel/user/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::LoginInUse];
    const EXAMPLE: &'static str =
        r#"{"user": {"id": 14, "login": "anna@example.com", "first_name": "Anna", "last_name": "Berg"}}"#;
    type Caller = PanelCaller;
    type Parameters = UserChange;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, change: UserChange) -> Result<Done, Failure> {
        let Object(Both(Identified { id }, Both(account, person))) = change.user;
        let change = PanelUserChange {
            login: account.login.0,
            activated: account.activated,
            verified: account.verified,
            comment: change.comment.map(|comment| comment.0),
            default_tariff: change.default_tariff_id,
        };
        call.fleet.update_user(&call.caller, id, change, |before| person.applied_to(before)).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Corruption {
        user_id: UserId,
        login: Text<1, 255>,
        corrupt_clones: Option<bool>,
    }
}

pub(crate) struct Corrupt;

impl Action for Corrupt {
    const PATH: &'static str = "panel/user/corrupt";
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotFound, ErrorCode::AlreadyCorrupted, ErrorCode::DeviceHasClones];
    const EXAMPLE: &'static str = r#"{"user_id": 14, "login": "anna@example.com"}"#;
    type Caller = PanelCaller;
    type Parameters = Corruption;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, corruption: Corruption) -> Result<Done, Failure> {
        let clones = clones(corruption.corrupt_clones);
        call.fleet.corrupt_user(&call.caller, corruption.user_id, &corruption.login.0, clones).await?;
        Ok(Done {})
    }
}
