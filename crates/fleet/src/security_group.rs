//! Security groups of sub-users. Only masters come here, and only when every plan of theirs allows sub-users.

use crate::{Failure, Fleet, UserCaller};
use domain::{ErrorCode, Right, SecurityGroupId, UserId};
use store::{catalog::SecurityGroup, signals::Signal};

impl Fleet {
    /// By ascending id.
    ///
    /// # Errors
    /// `TariffRestriction`.
    pub async fn security_groups(&self, caller: &UserCaller) -> Result<Vec<SecurityGroup>, Failure> {
        self.requires_multilevel_access(caller).await?;
        Ok(self.catalog.security_groups_of(caller.account()).await?)
    }

    /// # Errors
    /// `TariffRestriction`.
    pub async fn create_security_group(
        &self,
        caller: &UserCaller,
        label: &str,
        rights: &[Right],
        store_period: Option<&str>,
    ) -> Result<SecurityGroupId, Failure> {
        self.requires_multilevel_access(caller).await?;
        let account = caller.account();
        let _turn = self.turn(caller).await?;
        let id = self.catalog.create_security_group(account, label, rights, store_period).await?;
        self.directory.refresh_security_groups(&self.catalog, account).await?;
        Ok(id)
    }

    /// What its users may do changes at once.
    ///
    /// # Errors
    /// `TariffRestriction`, `NotFound`.
    pub async fn update_security_group(
        &self,
        caller: &UserCaller,
        id: SecurityGroupId,
        label: String,
        rights: Vec<Right>,
        store_period: Option<String>,
    ) -> Result<(), Failure> {
        self.requires_multilevel_access(caller).await?;
        let _turn = self.turn(caller).await?;
        let group = SecurityGroup { id, account: caller.account(), label, rights, store_period };
        self.catalog.update_security_group(&group).await?;
        self.security_groups_changed(caller).await
    }

    /// Its users have no rights then.
    ///
    /// # Errors
    /// `TariffRestriction`, `NotFound`.
    pub async fn delete_security_group(
        &self,
        caller: &UserCaller,
        id: SecurityGroupId,
    ) -> Result<(), Failure> {
        self.requires_multilevel_access(caller).await?;
        let _turn = self.turn(caller).await?;
        let members = self.sub_users_of(caller).await?;
        self.catalog.delete_security_group(caller.account(), id).await?;
        for user in members {
            self.directory.refresh_member(&self.catalog, user.id).await?;
        }
        self.security_groups_changed(caller).await
    }

    /// Puts sub-users into a group, or with `None` into none; all or nobody.
    ///
    /// # Errors
    /// `TariffRestriction`; `NotFound` for the group and for a sub-user.
    pub async fn assign_security_group(
        &self,
        caller: &UserCaller,
        group: Option<SecurityGroupId>,
        users: &[UserId],
    ) -> Result<(), Failure> {
        self.requires_multilevel_access(caller).await?;
        let _turn = self.turn(caller).await?;
        self.has_security_group(caller, group)?;
        self.catalog.assign_security_group(caller.account(), group, users).await?;
        for user in users {
            self.directory.refresh_member(&self.catalog, *user).await?;
        }
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// # Errors
    /// `NotFound` when the account has no such group.
    pub(crate) fn has_security_group(
        &self,
        caller: &UserCaller,
        group: Option<SecurityGroupId>,
    ) -> Result<(), Failure> {
        let Some(id) = group else { return Ok(()) };
        let tables = self.directory.read();
        let own = tables.security_group(id).filter(|group| group.account == caller.account());
        own.map(drop).ok_or_else(|| ErrorCode::NotFound.into())
    }

    async fn security_groups_changed(&self, caller: &UserCaller) -> Result<(), Failure> {
        self.directory.refresh_security_groups(&self.catalog, caller.account()).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }
}
