//! Passwords and session hashes: how they are made, stored and checked. Passwords are stored as Argon2id (RFC 9106),
//! session hashes as SHA-256; neither is ever logged.

use crate::Failure;
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use domain::ErrorCode;
use hmac::{Hmac, KeyInit, Mac};
use rand::{CryptoRng, Rng, RngExt};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// One check takes some 20 MiB and 20 ms of a core; more at once would starve the devices.
const CHECKS_AT_ONCE: usize = 2;
/// Who comes when this many wait is turned away.
const CHECKS_WAITING: usize = 64;

/// Where unpredictable numbers come from; passed in, so that tests can be seeded.
pub type Randomness = Box<dyn SecureRandom>;

pub trait SecureRandom: CryptoRng + Rng + Send {}
impl<R: CryptoRng + Rng + Send> SecureRandom for R {}

/// What this installation alone knows. API keys are made with it, so that the catalog need not hold them and an owner
/// can be shown them all the same.
#[derive(Clone)]
pub struct ServerSecret(pub [u8; 32]);

impl ServerSecret {
    /// The API key of a seed: HMAC-SHA256 (RFC 2104), of which 128 bits as 32 lower-case hex digits. Without the
    /// server's secret nobody learns it from the seed.
    pub(crate) fn api_key(&self, seed: &str) -> Result<String, Failure> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|error| {
            tracing::error!(%error, "an API key could not be computed");
            ErrorCode::Unexpected
        })?;
        let bytes = mac.chain_update(b"api key ").chain_update(seed).finalize().into_bytes();
        Ok(bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Makes and checks secrets, few at a time.
pub struct Secrets {
    randomness: Mutex<Randomness>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    /// Checked in place of the password of a login that does not exist, so that both take equally long.
    nobody: String,
}

impl Secrets {
    pub fn new(randomness: Randomness) -> Self {
        let mut secrets = Self {
            randomness: Mutex::new(randomness),
            running: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
            admitted: Arc::new(Semaphore::new(CHECKS_AT_ONCE + CHECKS_WAITING)),
            nobody: String::new(),
        };
        let salt = secrets.random_bytes();
        secrets.nobody = hash(&secrets.token(), salt).unwrap_or_default();
        secrets
    }

    /// A new session hash: 128 unpredictable bits as 32 lower-case hex digits.
    pub(crate) fn token(&self) -> String {
        self.random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// So many unpredictable digits.
    pub(crate) fn digits(&self, count: usize) -> String {
        let mut randomness = self.randomness.lock().unwrap_or_else(PoisonError::into_inner);
        (0..count).map(|_| char::from(b'0' + randomness.random_range(0..10_u8))).collect()
    }

    /// The stored form of a new password.
    pub async fn hash_password(&self, password: &str) -> Result<String, Failure> {
        let (password, salt) = (password.to_owned(), self.random_bytes());
        self.compute(move || hash(&password, salt)).await?
    }

    /// Whether the password is the stored one; `None` stands for a login that does not exist.
    pub(crate) async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, Failure> {
        let (password, exists) = (password.to_owned(), stored.is_some());
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let matches = self
            .compute(move || Argon2::default().verify_password(password.as_bytes(), stored.as_str()).is_ok())
            .await?;
        Ok(matches && exists)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let admitted =
            Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| ErrorCode::QueueUnavailable)?;
        let running =
            Arc::clone(&self.running).acquire_owned().await.map_err(|_| ErrorCode::QueueUnavailable)?;
        // The work goes on when nobody waits for it any more, so it holds its place itself.
        let work = move || {
            let _place = (admitted, running);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, "a password could not be computed");
            ErrorCode::Unexpected.into()
        })
    }

    fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.randomness.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut bytes);
        bytes
    }
}

/// The stored form of a session hash.
pub(crate) fn fingerprint(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash(password: &str, salt: [u8; 16]) -> Result<String, Failure> {
    let hashed: Result<PasswordHash, _> =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        ErrorCode::Unexpected.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};
    use std::{
        pin::pin,
        sync::mpsc,
        task::{Context, Waker},
    };

    #[tokio::test]
    async fn who_hangs_up_gives_no_place_away_while_the_work_goes_on() {
        let secrets = Secrets::new(Box::new(StdRng::seed_from_u64(1)));
        let (finish, finished) = mpsc::channel::<()>();
        {
            let mut abandoned = pin!(secrets.compute(move || finished.recv().is_ok()));
            assert!(abandoned.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(secrets.running.available_permits(), CHECKS_AT_ONCE - 1);
        finish.send(()).unwrap();
        let all = u32::try_from(CHECKS_AT_ONCE).unwrap();
        drop(secrets.running.acquire_many(all).await.unwrap());
    }

    #[test]
    fn a_key_depends_on_its_seed_and_on_the_server() {
        let key = |server, seed| ServerSecret([server; 32]).api_key(seed).unwrap();
        assert_eq!((key(7, "a").len(), key(7, "a")), (32, key(7, "a")));
        assert_ne!(key(7, "a"), key(7, "b"));
        assert_ne!(key(7, "a"), key(8, "a"));
    }
}
