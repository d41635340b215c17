//! Sub-users: further users of an account, who see the trackers that are bound to them and may do what their security
//! group says. Only masters come here, and only when every plan of theirs allows sub-users.

use crate::{Failure, Fleet, UserCaller};
use domain::{ErrorCode, SecurityGroupId, TrackerId, UserId};
use std::collections::BTreeSet;
use store::{
    catalog::{Membership, NewUser, Person, Role, User, UserChange},
    signals::Signal,
};

/// The feature that the plans of all trackers must have.
const FEATURE: &str = "multilevel_access";

/// What a master says about a new sub-user. Not `Debug`: the password stands in it.
pub struct SubUserDraft {
    pub login: String,
    pub password: String,
    pub activated: bool,
    pub person: Person,
    pub security_group: Option<SecurityGroupId>,
}

/// What `subuser/update` changes; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct SubUserChange {
    pub login: Option<String>,
    pub activated: Option<bool>,
    /// `Some(None)`: into no group.
    pub security_group: Option<Option<SecurityGroupId>>,
}

impl Fleet {
    /// By ascending id.
    ///
    /// # Errors
    /// `TariffRestriction`.
    pub async fn sub_users(&self, caller: &UserCaller) -> Result<Vec<User>, Failure> {
        self.requires_multilevel_access(caller).await?;
        self.sub_users_of(caller).await
    }

    /// # Errors
    /// `TariffRestriction`; `NotFound` for the security group; `LoginInUse`.
    pub async fn create_sub_user(&self, caller: &UserCaller, draft: SubUserDraft) -> Result<UserId, Failure> {
        self.requires_multilevel_access(caller).await?;
        let password_hash = self.secrets.hash_password(&draft.password).await?;
        let _turn = self.turn(caller).await?;
        self.has_security_group(caller, draft.security_group)?;
        let new = NewUser {
            membership: Membership::SubUser {
                account: caller.account(),
                security_group: draft.security_group,
            },
            login: draft.login,
            password_hash,
            activated: draft.activated,
            verified: false,
            person: draft.person,
            comment: String::new(),
            settings: caller.user.settings.clone(),
            created: self.now(),
        };
        let (_, id) = self.catalog.create_user(&new).await?;
        self.directory.refresh_member(&self.catalog, id).await?;
        Ok(id)
    }

    /// `change` makes of the person who it was who it is. Who may no longer log in is logged out.
    ///
    /// # Errors
    /// `TariffRestriction`; `NotFound` for the sub-user and the security group; `LoginInUse`; what `person` answers.
    pub async fn update_sub_user(
        &self,
        caller: &UserCaller,
        id: UserId,
        change: SubUserChange,
        person: impl FnOnce(Person) -> Result<Person, Failure> + Send,
    ) -> Result<(), Failure> {
        self.requires_multilevel_access(caller).await?;
        let _turn = self.turn(caller).await?;
        let user = self.sub_user(caller, id).await?;
        if let Some(group) = change.security_group {
            self.has_security_group(caller, group)?;
        }
        let changed = UserChange {
            login: change.login.unwrap_or(user.login),
            activated: change.activated,
            verified: user.verified,
            person: person(user.person)?,
            comment: user.comment,
            default_tariff: None,
            security_group: change.security_group,
        };
        self.catalog.update_user(id, &changed).await?;
        self.directory.refresh_member(&self.catalog, id).await?;
        if changed.activated == Some(false) {
            self.sessions_ended(id);
        }
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// Its sessions end at once.
    ///
    /// # Errors
    /// `TariffRestriction`, `NotFound`.
    pub async fn delete_sub_user(&self, caller: &UserCaller, id: UserId) -> Result<(), Failure> {
        self.requires_multilevel_access(caller).await?;
        let _turn = self.turn(caller).await?;
        self.catalog.delete_sub_user(caller.account(), id).await?;
        self.directory.forget_member(id);
        self.sessions_ended(id);
        Ok(())
    }

    /// A session of a sub-user for its master.
    ///
    /// # Errors
    /// `TariffRestriction`, `NotFound`, `TooManySessions`.
    pub async fn create_sub_user_session(&self, caller: &UserCaller, id: UserId) -> Result<String, Failure> {
        self.requires_multilevel_access(caller).await?;
        self.sub_user(caller, id).await?;
        self.user_session(id, None).await
    }

    /// The trackers that a sub-user sees, by ascending id.
    ///
    /// # Errors
    /// `TariffRestriction`, `NotFound`.
    pub async fn trackers_of_sub_user(
        &self,
        caller: &UserCaller,
        id: UserId,
    ) -> Result<Vec<TrackerId>, Failure> {
        self.requires_multilevel_access(caller).await?;
        self.sub_user(caller, id).await?;
        let tables = self.directory.read();
        let lives = |tracker: &TrackerId| tables.tracker(caller.account(), *tracker).is_some();
        Ok(tables.bound(id).filter(lives).collect())
    }

    /// Lets a sub-user see these trackers too.
    ///
    /// # Errors
    /// `TariffRestriction`; `NotFound` for the sub-user; `EntriesIncomplete` for a tracker: then nothing is bound.
    pub async fn bind_trackers(
        &self,
        caller: &UserCaller,
        id: UserId,
        trackers: &[TrackerId],
    ) -> Result<(), Failure> {
        self.may_bind(caller, id, trackers).await?;
        let _turn = self.turn(caller).await?;
        self.catalog.bind_trackers(caller.account(), id, trackers).await?;
        self.bindings_changed(caller).await
    }

    /// Lets a sub-user see these trackers no more.
    ///
    /// # Errors
    /// As `bind_trackers`.
    pub async fn unbind_trackers(
        &self,
        caller: &UserCaller,
        id: UserId,
        trackers: &[TrackerId],
    ) -> Result<(), Failure> {
        self.may_bind(caller, id, trackers).await?;
        let _turn = self.turn(caller).await?;
        self.catalog.unbind_trackers(caller.account(), id, trackers).await?;
        self.bindings_changed(caller).await
    }

    /// # Errors
    /// `TariffRestriction` when the plan of one of the account's trackers does not allow sub-users.
    pub(crate) async fn requires_multilevel_access(&self, caller: &UserCaller) -> Result<(), Failure> {
        let features = self.features_of_plans(caller).await?;
        let all = features.iter().all(|features| features.iter().any(|feature| feature == FEATURE));
        if all { Ok(()) } else { Err(ErrorCode::TariffRestriction.into()) }
    }

    /// The features of each plan that a tracker of the account has.
    pub(crate) async fn features_of_plans(&self, caller: &UserCaller) -> Result<Vec<Vec<String>>, Failure> {
        let plans: BTreeSet<_> = {
            let tables = self.directory.read();
            let sources =
                tables.trackers(caller.account()).filter_map(|tracker| tables.source(tracker.source));
            sources.map(|source| source.tariff).collect()
        };
        let mut features = Vec::new();
        for plan in plans {
            features.extend(self.catalog.tariff(plan).await?.map(|tariff| tariff.terms.features));
        }
        Ok(features)
    }

    pub(crate) async fn sub_users_of(&self, caller: &UserCaller) -> Result<Vec<User>, Failure> {
        let mut users = self.catalog.users_of(caller.account()).await?;
        users.retain(|user| user.role != Role::Master);
        Ok(users)
    }

    async fn sub_user(&self, caller: &UserCaller, id: UserId) -> Result<User, Failure> {
        let user = self.catalog.user(id).await?.ok_or(ErrorCode::NotFound)?;
        let own = user.account.id == caller.account() && user.role != Role::Master;
        if own { Ok(user) } else { Err(ErrorCode::NotFound.into()) }
    }

    async fn may_bind(&self, caller: &UserCaller, id: UserId, trackers: &[TrackerId]) -> Result<(), Failure> {
        self.requires_multilevel_access(caller).await?;
        self.sub_user(caller, id).await?;
        let tables = self.directory.read();
        let all = trackers.iter().all(|tracker| tables.tracker(caller.account(), *tracker).is_some());
        if all { Ok(()) } else { Err(ErrorCode::EntriesIncomplete.into()) }
    }

    async fn bindings_changed(&self, caller: &UserCaller) -> Result<(), Failure> {
        self.directory.refresh_bindings(&self.catalog, caller.account()).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }
}
