//! Panel accounts: the first one is made by the server itself.

use crate::{Failure, Fleet};

impl Fleet {
    pub async fn has_panel_account(&self) -> Result<bool, Failure> {
        Ok(self.catalog.count_panel_accounts().await? > 0)
    }

    /// # Errors
    /// `LoginInUse`.
    pub async fn create_panel_account(&self, login: &str, password: &str) -> Result<(), Failure> {
        let hash = self.secrets.hash_password(password).await?;
        self.catalog.create_panel_account(login, &hash, self.now()).await?;
        Ok(())
    }

    /// A password that nobody can guess.
    pub fn generate_password(&self) -> String {
        self.secrets.token()
    }
}
