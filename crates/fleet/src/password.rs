//! Changing passwords. A new password ends all sessions of its user.

use crate::{Failure, Fleet, PanelCaller, UserCaller};
use domain::{ErrorCode, UserId};
use std::net::IpAddr;

impl Fleet {
    /// # Errors
    /// `TooManyAttempts`, `WrongPassword`, `PasswordUnchanged`.
    pub async fn change_own_password(
        &self,
        caller: &UserCaller,
        old: &str,
        new: &str,
        address: IpAddr,
    ) -> Result<(), Failure> {
        let login = &caller.user.login;
        let _turn = self.logins.take(login.to_lowercase()).await?;
        self.attempts.admit(login, address, self.now())?;
        let user = self.catalog.user(caller.user.id).await?.ok_or(ErrorCode::SessionNotFound)?;
        if !self.secrets.verify_password(old, Some(&user.password_hash)).await? {
            self.attempts.failed(login, address, self.now());
            return Err(ErrorCode::WrongPassword.into());
        }
        if old == new {
            return Err(ErrorCode::PasswordUnchanged.into());
        }
        self.set_password(user.id, new).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn change_users_password(
        &self,
        _: &PanelCaller,
        user: UserId,
        new: &str,
    ) -> Result<(), Failure> {
        self.set_password(user, new).await
    }

    /// As `change_users_password`, for the server itself: the demo's password is known to all, and stays so.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn restore_password(&self, login: &str, password: &str) -> Result<(), Failure> {
        let user = self.catalog.user_by_login(login).await?.ok_or(ErrorCode::NotFound)?;
        self.set_password(user.id, password).await
    }

    async fn set_password(&self, user: UserId, new: &str) -> Result<(), Failure> {
        let hash = self.secrets.hash_password(new).await?;
        self.catalog.set_password(user, &hash).await?;
        self.sessions_ended(user);
        Ok(())
    }
}
