//! What client applications keep for their user: texts by key.

use crate::{Failure, Fleet, UserCaller};
use domain::ErrorCode;

/// Bytes of keys and values that one user may keep.
const QUOTA: usize = 512 << 10;

impl Fleet {
    /// # Errors
    /// `NotFound` for a key that was never set.
    pub async fn ui_setting(&self, caller: &UserCaller, key: &str) -> Result<String, Failure> {
        let value = self.catalog.ui_setting(caller.user.id, key).await?;
        value.ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// # Errors
    /// `OverQuota`: then nothing changes.
    pub async fn set_ui_setting(&self, caller: &UserCaller, key: &str, value: &str) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let kept = self.catalog.ui_settings_of(caller.user.id).await?;
        let others = kept.iter().filter(|(other, _)| other != key);
        let others: usize = others.map(|(key, value)| key.len() + value.len()).sum();
        if others + key.len() + value.len() > QUOTA {
            return Err(ErrorCode::OverQuota.into());
        }
        Ok(self.catalog.set_ui_setting(caller.user.id, key, value).await?)
    }
}
