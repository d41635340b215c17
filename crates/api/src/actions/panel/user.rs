//! `panel/user/…`: users and their sessions, from the panel.

use crate::{
    action::{Action, Call},
    answer::{Created, Done, Page as PageOf, Value},
    dates::Dates,
    parameters::{Int, Locale, Object, Text, TimeZone, choices, parameters},
};
use domain::{ErrorCode, TariffId, UserId};
use fleet::{
    Address, Direction, Failure, LegalType, Listed, Page, PanelCaller, PanelUser, Person, Profile, Shown,
    User, UserDraft, UserOrder,
};
use schemars::JsonSchema;
use serde::Serialize;

/// The service's name for the one who runs it; there is one.
pub(crate) const DEALER: i64 = 1;

choices! {
    enum Legal {
        Individual "individual",
        Entity "legal_entity",
        SoleTrader "sole_trader",
    }
}

type Line = Option<Text<0, 255>>;

parameters! {
    struct UserFields {
        login: Text<3, 255>,
        activated: Option<bool>,
        verified: Option<bool>,
        first_name: Line,
        middle_name: Line,
        last_name: Line,
        legal_type: Option<Legal>,
        legal_name: Line,
        phone: Option<Text<0, 15>>,
        post_country: Line,
        post_index: Line,
        post_region: Line,
        post_city: Line,
        post_street_address: Line,
        registered_country: Line,
        registered_index: Line,
        registered_region: Line,
        registered_city: Line,
        registered_street_address: Line,
        state_reg_num: Line,
        tin: Line,
        okpo_code: Line,
        iec: Line,
    }
}

parameters! {
    struct NewUser {
        user: Object<UserFields>,
        password: Text<6, 40>,
        time_zone: Option<TimeZone>,
        locale: Option<Locale>,
        default_tariff_id: Option<TariffId>,
        comment: Line,
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
        let Object(fields) = new.user;
        let draft = UserDraft {
            login: fields.login.0.clone(),
            password: new.password.0,
            activated: fields.activated != Some(false),
            verified: fields.verified == Some(true),
            comment: line(new.comment),
            time_zone: new.time_zone.map_or_else(|| "UTC".to_owned(), |zone| zone.0),
            locale: new.locale.map_or_else(|| "en_US".to_owned(), |locale| locale.0),
            default_tariff: new.default_tariff_id,
            person: person(fields),
        };
        let id = call.fleet.create_user(&call.caller, draft).await?;
        Ok(Created { id: id.0 })
    }
}

fn person(fields: UserFields) -> Person {
    Person {
        first_name: line(fields.first_name),
        middle_name: line(fields.middle_name),
        last_name: line(fields.last_name),
        phone: fields.phone.map(|phone| phone.0).unwrap_or_default(),
        legal_type: match fields.legal_type {
            None | Some(Legal::Individual) => LegalType::Individual,
            Some(Legal::Entity) => LegalType::LegalEntity,
            Some(Legal::SoleTrader) => LegalType::SoleTrader,
        },
        profile: Profile {
            legal_name: line(fields.legal_name),
            post: Address {
                country: line(fields.post_country),
                index: line(fields.post_index),
                region: line(fields.post_region),
                city: line(fields.post_city),
                street_address: line(fields.post_street_address),
            },
            registered: Address {
                country: line(fields.registered_country),
                index: line(fields.registered_index),
                region: line(fields.registered_region),
                city: line(fields.registered_city),
                street_address: line(fields.registered_street_address),
            },
            state_reg_num: line(fields.state_reg_num),
            tin: line(fields.tin),
            okpo_code: line(fields.okpo_code),
            iec: line(fields.iec),
            discount: None,
        },
    }
}

fn line(text: Line) -> String {
    text.map(|text| text.0).unwrap_or_default()
}

/// Who a user is, as both APIs print it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PersonObject {
    first_name: String,
    middle_name: String,
    last_name: String,
    phone: String,
    legal_type: &'static str,
    legal_name: String,
    post_country: String,
    post_index: String,
    post_region: String,
    post_city: String,
    post_street_address: String,
    registered_country: String,
    registered_index: String,
    registered_region: String,
    registered_city: String,
    registered_street_address: String,
    state_reg_num: String,
    tin: String,
    okpo_code: String,
    iec: String,
}

impl PersonObject {
    pub(crate) fn of(person: Person) -> Self {
        let Person { first_name, middle_name, last_name, phone, legal_type, profile } = person;
        let Profile { legal_name, post, registered, state_reg_num, tin, okpo_code, iec, discount: _ } =
            profile;
        Self {
            first_name,
            middle_name,
            last_name,
            phone,
            legal_type: legal_type.as_str(),
            legal_name,
            post_country: post.country,
            post_index: post.index,
            post_region: post.region,
            post_city: post.city,
            post_street_address: post.street_address,
            registered_country: registered.country,
            registered_index: registered.index,
            registered_region: registered.region,
            registered_city: registered.city,
            registered_street_address: registered.street_address,
            state_reg_num,
            tin,
            okpo_code,
            iec,
        }
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
