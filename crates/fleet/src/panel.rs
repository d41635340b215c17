//! Panel accounts: the first one, and its password.

use crate::{Failure, Fleet};
use domain::ErrorCode;

/// What became of the first panel account at start.
#[derive(Debug, PartialEq, Eq)]
pub enum FirstPanelAccount {
    /// The catalog had one already; nothing changed.
    Kept,
    Created,
    /// Created with a password that nobody knows yet.
    CreatedWithPassword(String),
}

impl Fleet {
    /// Makes the first panel account when there is none; without a password, with a generated one.
    pub async fn ensure_panel_account(
        &self,
        login: &str,
        password: Option<&str>,
    ) -> Result<FirstPanelAccount, Failure> {
        if self.catalog.count_panel_accounts().await? > 0 {
            return Ok(FirstPanelAccount::Kept);
        }
        let generated = password.is_none().then(|| self.secrets.token());
        let hash = self.secrets.hash_password(password.or(generated.as_deref()).unwrap_or_default()).await?;
        self.catalog.create_panel_account(login, &hash, self.now()).await?;
        Ok(generated.map_or(FirstPanelAccount::Created, FirstPanelAccount::CreatedWithPassword))
    }

    /// Gives a panel account a new password, which ends its sessions.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_panel_password(&self, login: &str, password: &str) -> Result<(), Failure> {
        let account = self.catalog.panel_account_by_login(login).await?.ok_or(ErrorCode::NotFound)?;
        let hash = self.secrets.hash_password(password).await?;
        Ok(self.catalog.set_panel_password(account.id, &hash).await?)
    }
}
