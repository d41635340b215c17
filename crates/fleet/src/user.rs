//! Users: what the panel does with them, and their own settings.

use crate::{Failure, Fleet, PanelCaller, UserCaller};
use domain::{AccountId, ErrorCode, TariffId, UserId};
use store::{
    catalog::{
        DeviceType, Direction, Listed, Membership, NewUser, Page, Person, Settings, Shown, User, UserChange,
        UserOrder,
    },
    signals::Signal,
};

/// What the panel says about a new user. Not `Debug`: the password stands in it.
pub struct UserDraft {
    pub login: String,
    pub password: String,
    pub activated: bool,
    pub verified: bool,
    pub person: Person,
    pub comment: String,
    /// `None`: that of the service; so it is with the locale.
    pub time_zone: Option<String>,
    pub locale: Option<String>,
    pub default_tariff: Option<TariffId>,
}

/// What the panel changes of a user; the legal type stays what it was.
#[derive(Clone, Debug)]
pub struct PanelUserChange {
    pub login: String,
    /// `None` leaves it as it is; so it is with each of the following.
    pub activated: Option<bool>,
    pub verified: Option<bool>,
    pub comment: Option<String>,
    pub default_tariff: Option<TariffId>,
}

/// A user as the panel sees one.
#[derive(Clone, Debug)]
pub struct PanelUser {
    pub user: User,
    /// Trackers of the account that are not clones.
    pub trackers: usize,
}

/// What `user/settings/update` changes; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    pub time_zone: Option<String>,
    pub locale: Option<String>,
    pub measurement_system: Option<String>,
    pub geocoder: Option<String>,
    pub route_provider: Option<String>,
    pub translit: Option<bool>,
}

impl Fleet {
    /// Makes an account with its master user.
    ///
    /// # Errors
    /// `InvalidParameters` for the plan; `LoginInUse`.
    pub async fn create_user(&self, _: &PanelCaller, draft: UserDraft) -> Result<UserId, Failure> {
        self.create_master(draft).await.map(|(_, user)| user)
    }

    /// As `create_user`, for the server itself: the demo has no panel account.
    pub async fn create_master(&self, draft: UserDraft) -> Result<(AccountId, UserId), Failure> {
        let settings = self.service_settings().await?.of_new_user(draft.time_zone, draft.locale);
        self.may_be_default(draft.default_tariff).await?;
        let new = NewUser {
            membership: Membership::Master { default_tariff: draft.default_tariff },
            login: draft.login,
            password_hash: self.secrets.hash_password(&draft.password).await?,
            activated: draft.activated,
            verified: draft.verified,
            person: draft.person,
            comment: draft.comment,
            settings,
            created: self.now(),
        };
        let (account, user) = self.catalog.create_user(&new).await?;
        self.directory.add_account(&self.catalog, account).await?;
        self.signals.publish(Signal::AccountChanged(account));
        Ok((account, user))
    }

    /// `person` makes of who it was who it is. Who may no longer log in is logged out.
    ///
    /// # Errors
    /// `NotFound`; `InvalidParameters` for the plan; `LoginInUse`.
    pub async fn update_user(
        &self,
        _: &PanelCaller,
        id: UserId,
        change: PanelUserChange,
        person: impl FnOnce(Person) -> Person + Send,
    ) -> Result<(), Failure> {
        let account = self.account_of(id).ok_or(ErrorCode::NotFound)?;
        self.may_be_default(change.default_tariff).await?;
        let _turn = self.accounts.take(account).await?;
        let user = self.catalog.user(id).await?.ok_or(ErrorCode::NotFound)?;
        let change = UserChange {
            login: change.login,
            activated: change.activated,
            verified: change.verified.unwrap_or(user.verified),
            person: person(user.person),
            comment: change.comment.unwrap_or(user.comment),
            default_tariff: change.default_tariff,
            security_group: None,
        };
        self.catalog.update_user(id, &change).await?;
        self.directory.refresh_member(&self.catalog, id).await?;
        if change.activated == Some(false) {
            self.sessions_ended(id);
        }
        self.signals.publish(Signal::AccountChanged(account));
        Ok(())
    }

    /// # Errors
    /// `InvalidParameters` when it is no plan for trackers.
    async fn may_be_default(&self, tariff: Option<TariffId>) -> Result<(), Failure> {
        let Some(tariff) = tariff else { return Ok(()) };
        match self.catalog.tariff(tariff).await? {
            Some(tariff) if tariff.device_type == DeviceType::Tracker => Ok(()),
            _ => Err(Failure::parameter("default_tariff_id", "is no plan for trackers")),
        }
    }

    /// # Errors
    /// `NotFound`.
    pub async fn read_user(&self, _: &PanelCaller, id: UserId) -> Result<PanelUser, Failure> {
        let user = self.catalog.user(id).await?.filter(|user| !user.corrupted).ok_or(ErrorCode::NotFound)?;
        Ok(self.with_trackers(user))
    }

    pub async fn list_users(
        &self,
        _: &PanelCaller,
        page: &Page,
        shown: Shown,
        order: UserOrder,
        direction: Direction,
    ) -> Result<Listed<PanelUser>, Failure> {
        let Listed { items, count } = self.catalog.list_users(page, shown, order, direction).await?;
        Ok(Listed { items: items.into_iter().map(|user| self.with_trackers(user)).collect(), count })
    }

    /// All that is known of the caller.
    ///
    /// # Errors
    /// `SessionNotFound` when the user has just been removed.
    pub async fn own_user(&self, caller: &UserCaller) -> Result<User, Failure> {
        Ok(self.catalog.user(caller.user.id).await?.ok_or(ErrorCode::SessionNotFound)?)
    }

    /// The master of the caller's account.
    pub async fn master_of(&self, caller: &UserCaller) -> Result<Option<User>, Failure> {
        let master = self.directory.read().master(caller.account());
        match master {
            Some(master) => Ok(self.catalog.user(master).await?),
            None => Ok(None),
        }
    }

    /// The values are such as `rules` allow.
    pub async fn update_settings(&self, caller: &UserCaller, change: SettingsChange) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        // What another call has changed meanwhile stays changed.
        let member = self.directory.read().member(caller.user.id).ok_or(ErrorCode::SessionNotFound)?;
        let old = &member.settings;
        let settings = Settings {
            time_zone: change.time_zone.unwrap_or_else(|| old.time_zone.clone()),
            locale: change.locale.unwrap_or_else(|| old.locale.clone()),
            measurement_system: change.measurement_system.unwrap_or_else(|| old.measurement_system.clone()),
            geocoder: change.geocoder.unwrap_or_else(|| old.geocoder.clone()),
            route_provider: change.route_provider.unwrap_or_else(|| old.route_provider.clone()),
            translit: change.translit.unwrap_or(old.translit),
        };
        self.catalog.set_settings(caller.user.id, &settings).await?;
        self.directory.refresh_member(&self.catalog, caller.user.id).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// `person` makes of who the caller was who the caller is.
    ///
    /// # Errors
    /// `SessionNotFound` when the user has just been removed; what `person` refuses.
    pub async fn update_own_person(
        &self,
        caller: &UserCaller,
        person: impl FnOnce(Person) -> Result<Person, Failure> + Send,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let user = self.own_user(caller).await?;
        let change = UserChange {
            login: user.login,
            activated: None,
            verified: user.verified,
            person: person(user.person)?,
            comment: user.comment,
            default_tariff: None,
            security_group: None,
        };
        self.catalog.update_user(user.id, &change).await?;
        self.directory.refresh_member(&self.catalog, user.id).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    fn with_trackers(&self, user: User) -> PanelUser {
        let trackers = self.directory.read().registered(user.account.id);
        PanelUser { user, trackers }
    }
}
