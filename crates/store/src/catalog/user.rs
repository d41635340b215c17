//! Accounts and their users. An account is made with its master user; sub-users join it.

use super::{
    Catalog, CatalogError, Direction, Listed, Money, Page,
    columns::{Columns, json, words},
    listing::{orders, searchable},
    statements::{returned_id, statements},
};
use domain::{AccountId, SecurityGroupId, TariffId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, any::AnyRow, query, query_as, query_scalar};

/// What the users of an account share.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    /// The plan of its new trackers; `None`: that of the panel's defaults.
    pub default_tariff: Option<TariffId>,
    pub balance: Money,
    pub bonus: Money,
    pub created: Timestamp,
}

/// A person or program that logs in.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: UserId,
    pub role: Role,
    pub account: Account,
    pub login: String,
    pub password_hash: String,
    /// May log in.
    pub activated: bool,
    /// The e-mail address was seen to work.
    pub verified: bool,
    pub person: Person,
    pub comment: String,
    pub settings: Settings,
    pub created: Timestamp,
    /// Was removed from the panel: its login is free, its trackers are corrupted.
    pub corrupted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds every right; each account has exactly one.
    Master,
    /// Holds the rights of its security group; none without one.
    SubUser { security_group: Option<SecurityGroupId> },
}

words! {
    LegalType("legal type") {
        Individual = "individual",
        LegalEntity = "legal_entity",
        SoleTrader = "sole_trader",
    }
}

/// Who a user is; empty texts where nothing is known. Field names are those of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub first_name: String,
    pub middle_name: String,
    pub last_name: String,
    pub phone: String,
    pub legal_type: LegalType,
    pub profile: Profile,
}

/// What is known of a user beyond the name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    pub legal_name: String,
    pub post: Address,
    pub registered: Address,
    pub state_reg_num: String,
    pub tin: String,
    pub okpo_code: String,
    pub iec: String,
    pub discount: Option<Discount>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    pub country: String,
    pub index: String,
    pub region: String,
    pub city: String,
    pub street_address: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discount {
    /// Percent, 0..=100.
    pub value: f64,
    pub min_trackers: i64,
    pub end_date: Option<String>,
    pub strategy: String,
}

/// How answers to a user are written. The values are those of `user/settings`; `fleet` knows which are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// IANA name, such as `Europe/Berlin`.
    pub time_zone: String,
    pub locale: String,
    pub measurement_system: String,
    pub geocoder: String,
    pub route_provider: String,
    pub translit: bool,
}

/// Where a new user belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// In a new account of its own.
    Master {
        default_tariff: Option<TariffId>,
    },
    SubUser {
        account: AccountId,
        security_group: Option<SecurityGroupId>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    pub membership: Membership,
    /// Taken as it is: whoever wants `A@b.c` and `a@b.c` to be one login lowers the case before.
    pub login: String,
    pub password_hash: String,
    pub activated: bool,
    pub verified: bool,
    pub person: Person,
    pub comment: String,
    pub settings: Settings,
    pub created: Timestamp,
}

/// What may change of a user besides password and settings.
#[derive(Clone, Debug, PartialEq)]
pub struct UserChange {
    pub login: String,
    /// `None` leaves it as it is. Who may no longer log in is logged out.
    pub activated: Option<bool>,
    pub verified: bool,
    pub person: Person,
    pub comment: String,
    /// The plan of new trackers of its account; `None` leaves it as it is.
    pub default_tariff: Option<TariffId>,
    /// Of a sub-user; `None` leaves it as it is, `Some(None)` is into no group.
    pub security_group: Option<Option<SecurityGroupId>>,
}

/// Which users a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    All,
    Activated,
}

macro_rules! select_users {
    () => {
        "SELECT users.id AS id, account_id, master, security_group_id, login, password_hash, activated, verified, \
         first_name, middle_name, last_name, legal_type, phone, profile, comment, time_zone, locale, \
         measurement_system, geocoder, route_provider, translit, users.created AS created, \
         former_login, default_tariff_id, balance, bonus, accounts.created AS account_created \
         FROM users JOIN accounts ON accounts.id = users.account_id"
    };
}

macro_rules! listed_users {
    () => {
        " WHERE master = 1 AND former_login IS NULL AND activated >= $1 AND (search LIKE $2 ESCAPE '\\' OR CAST(users.id AS TEXT) LIKE $2)"
    };
}

orders! {
    pub enum UserOrder {
        #[default]
        Id = "id",
        Login = "login",
        LastName = "last_name",
        Balance = "balance",
        Bonus = "bonus",
        Phone = "phone",
        PostCity = "post_city",
    }
    concat!(select_users!(), listed_users!());
    " LIMIT $3 OFFSET $4"
}

statements! {
    CREATE_ACCOUNT = "INSERT INTO accounts (default_tariff_id, balance, bonus, created) \
        VALUES ($1, 0, 0, $2) RETURNING id";
    CREATE_USER = "INSERT INTO users (account_id, master, security_group_id, login, password_hash, activated, \
        verified, first_name, middle_name, last_name, legal_type, phone, post_city, profile, comment, time_zone, \
        locale, measurement_system, geocoder, route_provider, translit, created, search) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
        $22, $23) RETURNING id";
    USER = concat!(select_users!(), " WHERE users.id = $1");
    USER_BY_LOGIN = concat!(select_users!(), " WHERE login = $1");
    USERS_OF = concat!(select_users!(), " WHERE account_id = $1 ORDER BY users.id");
    COUNT_LISTED = concat!("SELECT COUNT(*) AS count FROM users", listed_users!());
    /// The legal type is for ever: plans depend on it.
    UPDATE_USER = "UPDATE users SET login = $2, activated = COALESCE($3, activated), verified = $4, first_name = $5, middle_name = $6, \
        last_name = $7, phone = $8, post_city = $9, profile = $10, comment = $11, search = $12 \
        WHERE id = $1 AND former_login IS NULL";
    SET_SETTINGS = "UPDATE users SET time_zone = $2, locale = $3, measurement_system = $4, geocoder = $5, \
        route_provider = $6, translit = $7 WHERE id = $1";
    SET_PASSWORD = "UPDATE users SET password_hash = $2 WHERE id = $1";
    END_SESSIONS = "DELETE FROM sessions WHERE user_id = $1";
    SET_SECURITY_GROUP = "UPDATE users SET security_group_id = $2 WHERE id = $1 AND master = 0";
    SET_DEFAULT_TARIFF_OF_USER = "UPDATE accounts SET default_tariff_id = $2 \
        WHERE id = (SELECT account_id FROM users WHERE id = $1)";
    SET_DEFAULT_TARIFF = "UPDATE accounts SET default_tariff_id = $2 WHERE id = $1";
}

impl Catalog {
    /// Makes the user, and for a master the account, both or neither.
    ///
    /// # Errors
    /// `LoginTaken`; `ReferenceNotFound` for an unknown account or tariff or another account's security group.
    pub async fn create_user(&self, new: &NewUser) -> Result<(AccountId, UserId), CatalogError> {
        let mut transaction = self.write().await?;
        let (account, master, security_group) = match new.membership {
            Membership::Master { default_tariff } => {
                let create = query(CREATE_ACCOUNT)
                    .bind(default_tariff.map(|tariff| tariff.0))
                    .bind(new.created.millis());
                (AccountId(returned_id(&mut transaction, create).await?), true, None)
            }
            Membership::SubUser { account, security_group } => (account, false, security_group),
        };
        let (person, settings) = (&new.person, &new.settings);
        let create = query(CREATE_USER)
            .bind(account.0)
            .bind(i64::from(master))
            .bind(security_group.map(|group| group.0))
            .bind(&new.login)
            .bind(&new.password_hash)
            .bind(i64::from(new.activated))
            .bind(i64::from(new.verified))
            .bind(&person.first_name)
            .bind(&person.middle_name)
            .bind(&person.last_name)
            .bind(person.legal_type.as_str())
            .bind(&person.phone)
            .bind(&person.profile.post.city)
            .bind(json(&person.profile)?)
            .bind(&new.comment)
            .bind(&settings.time_zone)
            .bind(&settings.locale)
            .bind(&settings.measurement_system)
            .bind(&settings.geocoder)
            .bind(&settings.route_provider)
            .bind(i64::from(settings.translit))
            .bind(new.created.millis())
            .bind(person.searchable(&new.login));
        let user = UserId(returned_id(&mut transaction, create).await?);
        transaction.commit().await?;
        Ok((account, user))
    }

    pub async fn user(&self, id: UserId) -> Result<Option<User>, CatalogError> {
        Ok(query_as(USER).bind(id.0).fetch_optional(self.reader()).await?)
    }

    pub async fn user_by_login(&self, login: &str) -> Result<Option<User>, CatalogError> {
        Ok(query_as(USER_BY_LOGIN).bind(login).fetch_optional(self.reader()).await?)
    }

    /// The master and the sub-users of an account.
    pub async fn users_of(&self, account: AccountId) -> Result<Vec<User>, CatalogError> {
        Ok(query_as(USERS_OF).bind(account.0).fetch_all(self.reader()).await?)
    }

    /// Master users of all accounts. The filter looks into id, login, names, phone, addresses, tin, iec, legal name.
    pub async fn list_users(
        &self,
        page: &Page,
        shown: Shown,
        order: UserOrder,
        direction: Direction,
    ) -> Result<Listed<User>, CatalogError> {
        let at_least = i64::from(shown == Shown::Activated);
        let mut snapshot = self.snapshot().await?;
        let count: i64 =
            query_scalar(COUNT_LISTED).bind(at_least).bind(page.pattern()).fetch_one(&mut *snapshot).await?;
        let items = query_as(order.list(direction))
            .bind(at_least)
            .bind(page.pattern())
            .bind(page.limit())
            .bind(page.offset())
            .fetch_all(&mut *snapshot)
            .await?;
        snapshot.rollback().await?;
        Ok(Listed { items, count: count.unsigned_abs() })
    }

    /// Everything of `change` but the legal type, which stays what it was; all of it or nothing.
    ///
    /// # Errors
    /// `LoginTaken`; `NotFound`, also for the security group of a master; `ReferenceNotFound` for an unknown tariff and for
    /// another account's security group.
    pub async fn update_user(&self, id: UserId, change: &UserChange) -> Result<(), CatalogError> {
        let person = &change.person;
        let mut transaction = self.write().await?;
        let update = query(UPDATE_USER)
            .bind(id.0)
            .bind(&change.login)
            .bind(change.activated.map(i64::from))
            .bind(i64::from(change.verified))
            .bind(&person.first_name)
            .bind(&person.middle_name)
            .bind(&person.last_name)
            .bind(&person.phone)
            .bind(&person.profile.post.city)
            .bind(json(&person.profile)?)
            .bind(&change.comment)
            .bind(person.searchable(&change.login));
        if update.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        if let Some(tariff) = change.default_tariff {
            query(SET_DEFAULT_TARIFF_OF_USER).bind(id.0).bind(tariff.0).execute(&mut *transaction).await?;
        }
        if let Some(group) = change.security_group {
            let set = query(SET_SECURITY_GROUP).bind(id.0).bind(group.map(|group| group.0));
            if set.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(CatalogError::NotFound);
            }
        }
        if change.activated == Some(false) {
            query(END_SESSIONS).bind(id.0).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn set_settings(&self, id: UserId, settings: &Settings) -> Result<(), CatalogError> {
        let update = query(SET_SETTINGS)
            .bind(id.0)
            .bind(&settings.time_zone)
            .bind(&settings.locale)
            .bind(&settings.measurement_system)
            .bind(&settings.geocoder)
            .bind(&settings.route_provider)
            .bind(i64::from(settings.translit));
        self.change_one(update).await
    }

    /// Changes the password and ends all sessions of the user, both or neither. Whoever logs in meanwhile with the
    /// old password gets no session: see `create_session`.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_password(&self, id: UserId, password_hash: &str) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        let changed = query(SET_PASSWORD).bind(id.0).bind(password_hash).execute(&mut *transaction).await?;
        if changed.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(END_SESSIONS).bind(id.0).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// # Errors
    /// `NotFound`; `ReferenceNotFound` for an unknown tariff.
    pub async fn set_default_tariff(
        &self,
        account: AccountId,
        tariff: Option<TariffId>,
    ) -> Result<(), CatalogError> {
        self.change_one(query(SET_DEFAULT_TARIFF).bind(account.0).bind(tariff.map(|tariff| tariff.0))).await
    }
}

impl Person {
    fn searchable(&self, login: &str) -> String {
        let Profile { legal_name, post, registered, tin, iec, .. } = &self.profile;
        let addresses = [post, registered].into_iter().flat_map(|address| {
            [&address.country, &address.index, &address.region, &address.city, &address.street_address]
        });
        let names = [&self.last_name, &self.first_name, &self.middle_name, &self.phone, legal_name, tin, iec];
        searchable([login].into_iter().chain(names.into_iter().chain(addresses).map(String::as_str)))
    }
}

impl Role {
    pub(super) fn from_columns(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(if row.flag("master")? {
            Self::Master
        } else {
            Self::SubUser { security_group: row.maybe_int("security_group_id")?.map(SecurityGroupId) }
        })
    }
}

impl FromRow<'_, AnyRow> for Settings {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            time_zone: row.text("time_zone")?,
            locale: row.text("locale")?,
            measurement_system: row.text("measurement_system")?,
            geocoder: row.text("geocoder")?,
            route_provider: row.text("route_provider")?,
            translit: row.flag("translit")?,
        })
    }
}

impl FromRow<'_, AnyRow> for User {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: UserId(row.int("id")?),
            role: Role::from_columns(row)?,
            account: Account {
                id: AccountId(row.int("account_id")?),
                default_tariff: row.maybe_int("default_tariff_id")?.map(TariffId),
                balance: Money::from_ten_thousandths(row.int("balance")?),
                bonus: Money::from_ten_thousandths(row.int("bonus")?),
                created: row.time("account_created")?,
            },
            login: row.text("login")?,
            password_hash: row.text("password_hash")?,
            activated: row.flag("activated")?,
            verified: row.flag("verified")?,
            person: Person {
                first_name: row.text("first_name")?,
                middle_name: row.text("middle_name")?,
                last_name: row.text("last_name")?,
                phone: row.text("phone")?,
                legal_type: row.word("legal_type")?,
                profile: row.json("profile")?,
            },
            comment: row.text("comment")?,
            settings: Settings::from_row(row)?,
            created: row.time("created")?,
            corrupted: row.maybe_text("former_login")?.is_some(),
        })
    }
}
