//! API keys: with them programs call in a master's name, until the key is deleted. The catalog does not hold them: it
//! holds a seed, of which the server's secret makes the key, and the key's hash.

use crate::{Failure, Fleet, UserCaller, secrets::fingerprint};
use domain::{ErrorCode, Timestamp};
use store::catalog::NewApiKey;

/// A user has so many keys; one more answers 268.
const KEYS_PER_USER: usize = 20;

/// Not `Debug`: whoever has the hash is the user.
pub struct ApiKey {
    /// Empty when the secret with which it was made is lost; such a key opens the API all the same.
    pub hash: String,
    pub title: String,
    pub created: Timestamp,
}

impl Fleet {
    /// # Errors
    /// `OverQuota`.
    pub async fn create_api_key(&self, caller: &UserCaller, title: &str) -> Result<ApiKey, Failure> {
        let _turn = self.turn(caller).await?;
        if self.catalog.api_keys_of(caller.user.id).await?.len() >= KEYS_PER_USER {
            return Err(ErrorCode::OverQuota.into());
        }
        let seed = self.secrets.token();
        let hash = self.secret.api_key(&seed)?;
        let new = NewApiKey {
            user: caller.user.id,
            token_hash: fingerprint(&hash),
            seed,
            title: title.to_owned(),
            created: self.now(),
        };
        self.catalog.create_api_key(&new).await?;
        Ok(ApiKey { hash, title: new.title, created: new.created })
    }

    /// The oldest first.
    pub async fn api_keys(&self, caller: &UserCaller) -> Result<Vec<ApiKey>, Failure> {
        let keys = self.catalog.api_keys_of(caller.user.id).await?;
        let shown = keys.into_iter().map(|key| {
            let made = self.secret.api_key(&key.seed)?;
            let hash = if fingerprint(&made) == key.token_hash { made } else { String::new() };
            Ok(ApiKey { hash, title: key.title, created: key.created })
        });
        shown.collect()
    }

    /// It opens nothing from now on.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_api_key(&self, caller: &UserCaller, hash: &str) -> Result<(), Failure> {
        let fingerprint = fingerprint(hash);
        self.catalog.delete_api_key(caller.user.id, &fingerprint).await?;
        self.credential_ended(caller.user.id, &fingerprint);
        Ok(())
    }
}
