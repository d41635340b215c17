//! Everything that lives, read at one moment: what `fleet` keeps in memory as its directory.

use super::{
    Account, Binding, Catalog, CatalogError, Group, Money, Role, SecurityGroup, Settings, Source, TagBinding,
    Tracker, columns::Columns, group, security_group, source, statements::statements, sub_user, tag, tracker,
};
use domain::{AccountId, TariffId, TrackerId, UserId};
use sqlx::{Any, AnyConnection, FromRow, any::AnyRow, query, query_as};

/// Ordered by id. Deleted trackers and retired sources are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    pub accounts: Vec<Account>,
    pub members: Vec<Member>,
    pub security_groups: Vec<SecurityGroup>,
    pub groups: Vec<Group>,
    pub trackers: Vec<Tracker>,
    pub sources: Vec<Source>,
    /// Which sub-users see which trackers.
    pub bindings: Vec<Binding>,
    /// By tracker, then by ordinal.
    pub tag_bindings: Vec<TagBinding>,
    /// Trackers whose registration was undone.
    pub corrupted: Vec<(AccountId, TrackerId)>,
}

/// A user as the directory keeps it: without password and profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: UserId,
    pub account: AccountId,
    pub role: Role,
    pub login: String,
    pub activated: bool,
    pub settings: Settings,
}

macro_rules! select_accounts {
    () => {
        "SELECT id, default_tariff_id, balance, bonus, created FROM accounts"
    };
}

macro_rules! select_members {
    () => {
        "SELECT id, account_id, master, security_group_id, login, activated, time_zone, locale, \
         measurement_system, geocoder, route_provider, translit FROM users"
    };
}

statements! {
    ACCOUNTS = concat!(select_accounts!(), " ORDER BY id");
    ACCOUNT = concat!(select_accounts!(), " WHERE id = $1");
    MEMBERS = concat!(select_members!(), " WHERE former_login IS NULL ORDER BY id");
    MEMBERS_OF = concat!(select_members!(), " WHERE former_login IS NULL AND account_id = $1 ORDER BY id");
}

impl Catalog {
    /// All accounts.
    pub async fn load_directory(&self) -> Result<Directory, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let directory = Directory {
            accounts: query_as(ACCOUNTS).fetch_all(&mut *snapshot).await?,
            members: query_as(MEMBERS).fetch_all(&mut *snapshot).await?,
            security_groups: query_as(security_group::ALL).fetch_all(&mut *snapshot).await?,
            groups: query_as(group::ALL).fetch_all(&mut *snapshot).await?,
            trackers: query_as(tracker::ALL).fetch_all(&mut *snapshot).await?,
            sources: query_as(source::ALL).fetch_all(&mut *snapshot).await?,
            bindings: query_as(sub_user::ALL).fetch_all(&mut *snapshot).await?,
            tag_bindings: query_as(tag::ALL_BINDINGS).fetch_all(&mut *snapshot).await?,
            corrupted: corrupted(query(tracker::CORRUPTED).fetch_all(&mut *snapshot).await?)?,
        };
        snapshot.rollback().await?;
        Ok(directory)
    }

    /// One account, with the sources of other accounts that its clones stand on; empty when there is no such account.
    pub async fn load_account(&self, account: AccountId) -> Result<Directory, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let directory = Directory {
            accounts: of(account, ACCOUNT, &mut snapshot).await?,
            members: of(account, MEMBERS_OF, &mut snapshot).await?,
            security_groups: of(account, security_group::OF_ACCOUNT, &mut snapshot).await?,
            groups: of(account, group::OF_ACCOUNT, &mut snapshot).await?,
            trackers: of(account, tracker::OF_ACCOUNT, &mut snapshot).await?,
            sources: of(account, source::SEEN_BY_ACCOUNT, &mut snapshot).await?,
            bindings: of(account, sub_user::OF_ACCOUNT, &mut snapshot).await?,
            tag_bindings: of(account, tag::BINDINGS_OF, &mut snapshot).await?,
            corrupted: corrupted(
                query(tracker::CORRUPTED_OF).bind(account.0).fetch_all(&mut *snapshot).await?,
            )?,
        };
        snapshot.rollback().await?;
        Ok(directory)
    }
}

fn corrupted(rows: Vec<AnyRow>) -> sqlx::Result<Vec<(AccountId, TrackerId)>> {
    rows.iter().map(|row| Ok((AccountId(row.int("account_id")?), TrackerId(row.int("id")?)))).collect()
}

async fn of<T>(account: AccountId, sql: &'static str, connection: &mut AnyConnection) -> sqlx::Result<Vec<T>>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    query_as::<Any, T>(sql).bind(account.0).fetch_all(connection).await
}

impl FromRow<'_, AnyRow> for Account {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: AccountId(row.int("id")?),
            default_tariff: row.maybe_int("default_tariff_id")?.map(TariffId),
            balance: Money::from_ten_thousandths(row.int("balance")?),
            bonus: Money::from_ten_thousandths(row.int("bonus")?),
            created: row.time("created")?,
        })
    }
}

impl FromRow<'_, AnyRow> for Member {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: UserId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            role: Role::from_columns(row)?,
            login: row.text("login")?,
            activated: row.flag("activated")?,
            settings: Settings::from_row(row)?,
        })
    }
}
