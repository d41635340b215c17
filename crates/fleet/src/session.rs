//! Sessions: logging in and out, and finding out who calls.

use crate::{Credential, Failure, Fleet, PanelCaller, UserCaller, caller::Rights, secrets::fingerprint};
use domain::{ErrorCode, PanelAccountId, Timestamp, UserId};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{PoisonError, RwLock},
    time::Duration,
};
use store::catalog::{CatalogError, NewSession, Role, SessionOwner};

const USER_SESSION: Duration = Duration::from_secs(30 * 24 * 3600);
const PANEL_SESSION: Duration = Duration::from_secs(24 * 3600);
/// More sessions of one user at once answer 104.
const SESSIONS_PER_USER: u64 = 1000;

impl Fleet {
    /// # Errors
    /// `TooManyAttempts`, `WrongLogin`, `NotActivated`, `TooManySessions`.
    pub async fn log_in(&self, login: &str, password: &str, address: IpAddr) -> Result<String, Failure> {
        let _turn = self.logins.take(login.to_lowercase()).await?;
        self.attempts.admit(login, address, self.now())?;
        let user = self.catalog.user_by_login(login).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        if !self.secrets.verify_password(password, stored).await? {
            self.attempts.failed(login, address, self.now());
            return Err(ErrorCode::WrongLogin.into());
        }
        self.attempts.succeeded(login);
        let user = user.ok_or(ErrorCode::WrongLogin)?;
        if !user.activated {
            return Err(ErrorCode::NotActivated.into());
        }
        match self.user_session(user.id, Some(user.password_hash)).await {
            Err(failure) if failure.code == ErrorCode::NotFound => {
                // Since the password was checked, which takes its time, it was changed, or the user deactivated.
                let deactivated = self.catalog.user(user.id).await?.is_some_and(|user| !user.activated);
                Err(if deactivated { ErrorCode::NotActivated } else { ErrorCode::WrongLogin }.into())
            }
            session => session,
        }
    }

    /// A session of a user for a panel account that looks after them.
    ///
    /// # Errors
    /// `NotFound`, `TooManySessions`.
    pub async fn create_user_session(&self, _: &PanelCaller, user: UserId) -> Result<String, Failure> {
        if self.directory.read().member(user).is_none() {
            return Err(ErrorCode::NotFound.into());
        }
        self.user_session(user, None).await
    }

    pub async fn log_out(&self, caller: &UserCaller) -> Result<(), Failure> {
        self.end_session(&caller.fingerprint).await?;
        self.signals.publish(store::signals::Signal::SessionsEnded(caller.user.id));
        Ok(())
    }

    /// Lets the session live its full time again, from now.
    ///
    /// # Errors
    /// `SessionNotFound` when it has just ended.
    pub async fn renew_session(&self, caller: &UserCaller) -> Result<(), Failure> {
        let expires = self.now().plus(USER_SESSION);
        self.catalog.extend_session(&caller.fingerprint, expires).await.map_err(|error| match error {
            CatalogError::NotFound => ErrorCode::SessionNotFound.into(),
            error => Failure::from(error),
        })?;
        self.sessions.forget(&caller.fingerprint);
        Ok(())
    }

    /// # Errors
    /// `TooManyAttempts`, `AccessDenied`.
    pub async fn panel_log_in(
        &self,
        login: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<String, Failure> {
        // Panel logins are counted apart from users of the same name.
        let counted_as = format!("panel\n{login}");
        let _turn = self.logins.take(counted_as.to_lowercase()).await?;
        self.attempts.admit(&counted_as, address, self.now())?;
        let account = self.catalog.panel_account_by_login(login).await?;
        let stored = account.as_ref().map(|account| account.password_hash.as_str());
        if !self.secrets.verify_password(password, stored).await? {
            self.attempts.failed(&counted_as, address, self.now());
            return Err(ErrorCode::AccessDenied.into());
        }
        self.attempts.succeeded(&counted_as);
        let account = account.ok_or(ErrorCode::AccessDenied)?;
        let owner = SessionOwner::Panel(account.id);
        let session = self.begin_session(owner, Some(account.password_hash), PANEL_SESSION).await;
        // There is no session for a password that was changed after it had been checked: it was the wrong one.
        session.map_err(|failure| match failure.code {
            ErrorCode::NotFound => ErrorCode::AccessDenied.into(),
            _ => failure,
        })
    }

    pub async fn panel_log_out(&self, caller: &PanelCaller) -> Result<(), Failure> {
        self.end_session(&caller.fingerprint).await
    }

    /// Whose session or API key a hash is.
    ///
    /// # Errors
    /// `SessionNotFound` for a hash that is unknown, expired, or of the panel.
    pub async fn user_caller(&self, hash: &str) -> Result<UserCaller, Failure> {
        let fingerprint = fingerprint(hash);
        let Holder::User(user, credential) = self.holder(&fingerprint).await? else {
            return Err(ErrorCode::SessionNotFound.into());
        };
        let tables = self.directory.read();
        let user = tables.member(user).ok_or(ErrorCode::SessionNotFound)?;
        // Sessions ended when the user was deactivated; keys wait until the user is active again.
        if !user.activated && credential != Credential::Session {
            return Err(ErrorCode::SessionNotFound.into());
        }
        let (rights, store_period) = match user.role {
            Role::Master => (Rights::All, None),
            Role::SubUser { security_group } => {
                let group = security_group.and_then(|id| tables.security_group(id));
                let rights = group.map(|group| group.rights.clone()).unwrap_or_default();
                (Rights::Some(rights), group.and_then(|group| group.store_period.clone()))
            }
        };
        Ok(UserCaller { user, credential, rights, store_period, fingerprint })
    }

    /// As `user_caller`, for what an API key may not do.
    ///
    /// # Errors
    /// `SessionNotFound` for an API key too.
    pub async fn session_caller(&self, hash: &str) -> Result<UserCaller, Failure> {
        let caller = self.user_caller(hash).await?;
        match caller.credential {
            Credential::Session => Ok(caller),
            Credential::ApiKey(_) => Err(ErrorCode::SessionNotFound.into()),
        }
    }

    /// # Errors
    /// `SessionNotFound` for a hash that is unknown, expired, or of a user.
    pub async fn panel_caller(&self, hash: &str) -> Result<PanelCaller, Failure> {
        let fingerprint = fingerprint(hash);
        match self.holder(&fingerprint).await? {
            Holder::Panel(account) => Ok(PanelCaller { account, fingerprint }),
            Holder::User(..) => Err(ErrorCode::SessionNotFound.into()),
        }
    }

    /// Ends all sessions of a user whose password has changed.
    pub(crate) fn sessions_ended(&self, user: UserId) {
        self.sessions.forget_user(user);
        self.signals.publish(store::signals::Signal::SessionsEnded(user));
    }

    /// Forgets a credential that holds no more.
    pub(crate) fn credential_ended(&self, user: UserId, fingerprint: &str) {
        self.sessions.forget(fingerprint);
        self.signals.publish(store::signals::Signal::SessionsEnded(user));
    }

    pub(crate) async fn user_session(
        &self,
        user: UserId,
        checked_against: Option<String>,
    ) -> Result<String, Failure> {
        if self.catalog.count_sessions_of(user, self.now()).await? >= SESSIONS_PER_USER {
            return Err(ErrorCode::TooManySessions.into());
        }
        self.begin_session(SessionOwner::User(user), checked_against, USER_SESSION).await
    }

    async fn begin_session(
        &self,
        owner: SessionOwner,
        checked_against: Option<String>,
        lifetime: Duration,
    ) -> Result<String, Failure> {
        let (hash, now) = (self.secrets.token(), self.now());
        self.catalog.purge_expired_sessions(now, 100).await?;
        let session = NewSession {
            owner,
            token_hash: fingerprint(&hash),
            checked_against,
            created: now,
            expires: now.plus(lifetime),
        };
        self.catalog.create_session(&session).await?;
        Ok(hash)
    }

    async fn end_session(&self, fingerprint: &str) -> Result<(), Failure> {
        match self.catalog.delete_session(fingerprint).await {
            // Two log-outs at once: the other one did it.
            Ok(()) | Err(CatalogError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        self.sessions.forget(fingerprint);
        Ok(())
    }

    async fn holder(&self, fingerprint: &str) -> Result<Holder, Failure> {
        let now = self.now();
        if let Some(holder) = self.sessions.holder(fingerprint, now) {
            return Ok(holder);
        }
        let began = self.sessions.generation();
        let known = match self.catalog.session(fingerprint, now).await? {
            Some(session) => {
                let holder = match session.owner {
                    SessionOwner::User(user) => Holder::User(user, Credential::Session),
                    SessionOwner::Panel(account) => Holder::Panel(account),
                };
                Known { holder, expires: Some(session.expires) }
            }
            None => {
                let key = self.catalog.api_key(fingerprint).await?.ok_or(ErrorCode::SessionNotFound)?;
                Known { holder: Holder::User(key.user, Credential::ApiKey(key.id)), expires: None }
            }
        };
        self.sessions.remember(fingerprint, known, began);
        Ok(known.holder)
    }
}

/// Who holds a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    User(UserId, Credential),
    Panel(PanelAccountId),
}

#[derive(Clone, Copy)]
struct Known {
    holder: Holder,
    /// `None`: an API key does not.
    expires: Option<Timestamp>,
}

/// Sessions and keys used lately, so that a call costs no SQL. Bounded: when full, it starts anew.
#[derive(Default)]
pub(crate) struct SessionCache(RwLock<CachedSessions>);

#[derive(Default)]
struct CachedSessions {
    sessions: HashMap<String, Known>,
    /// Counts what was forgotten: a session read from the catalog before that may have ended since.
    generation: u64,
}

const CACHED_SESSIONS: usize = 10_000;

impl SessionCache {
    fn holder(&self, fingerprint: &str, now: Timestamp) -> Option<Holder> {
        let cache = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let lives = |known: &&Known| known.expires.is_none_or(|expires| expires > now);
        cache.sessions.get(fingerprint).filter(lives).map(|known| known.holder)
    }

    fn generation(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn remember(&self, fingerprint: &str, known: Known, generation: u64) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cache.generation != generation {
            return;
        }
        if cache.sessions.len() >= CACHED_SESSIONS {
            cache.sessions.clear();
        }
        cache.sessions.insert(fingerprint.to_owned(), known);
    }

    fn forget(&self, fingerprint: &str) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cache.generation += 1;
        cache.sessions.remove(fingerprint);
    }

    fn forget_user(&self, user: UserId) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cache.generation += 1;
        cache.sessions.retain(|_, known| known.holder != Holder::User(user, Credential::Session));
    }
}
