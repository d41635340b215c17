//! Sessions: logging in and out, and finding out who calls.

use crate::{Failure, Fleet, PanelCaller, UserCaller, caller::Rights, secrets::fingerprint};
use domain::{ErrorCode, Timestamp, UserId};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{PoisonError, RwLock},
    time::Duration,
};
use store::catalog::{CatalogError, NewSession, Role, Session, SessionOwner};

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
        let session = self.user_session(user.id, Some(user.password_hash)).await;
        session.map_err(|failure| password_changed(failure, ErrorCode::WrongLogin))
    }

    /// A session of a user for a panel account that looks after them.
    ///
    /// # Errors
    /// `NotFound`, `TooManySessions`.
    pub async fn create_user_session(&self, _: &PanelCaller, user: UserId) -> Result<String, Failure> {
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
        session.map_err(|failure| password_changed(failure, ErrorCode::AccessDenied))
    }

    pub async fn panel_log_out(&self, caller: &PanelCaller) -> Result<(), Failure> {
        self.end_session(&caller.fingerprint).await
    }

    /// Whose session a hash is.
    ///
    /// # Errors
    /// `SessionNotFound` for a hash that is unknown, expired, or of the panel.
    pub async fn user_caller(&self, hash: &str) -> Result<UserCaller, Failure> {
        let fingerprint = fingerprint(hash);
        let SessionOwner::User(user) = self.session_owner(&fingerprint).await? else {
            return Err(ErrorCode::SessionNotFound.into());
        };
        let tables = self.directory.read();
        let user = tables.member(user).ok_or(ErrorCode::SessionNotFound)?;
        let rights = match user.role {
            Role::Master => Rights::All,
            Role::SubUser { security_group } => {
                let group = security_group.and_then(|id| tables.security_group(id));
                Rights::Some(group.map(|group| group.rights.clone()).unwrap_or_default())
            }
        };
        Ok(UserCaller { user, rights, fingerprint })
    }

    /// # Errors
    /// `SessionNotFound` for a hash that is unknown, expired, or of a user.
    pub async fn panel_caller(&self, hash: &str) -> Result<PanelCaller, Failure> {
        let fingerprint = fingerprint(hash);
        match self.session_owner(&fingerprint).await? {
            SessionOwner::Panel(account) => Ok(PanelCaller { account, fingerprint }),
            SessionOwner::User(_) => Err(ErrorCode::SessionNotFound.into()),
        }
    }

    /// Ends all sessions of a user whose password has changed.
    pub(crate) fn sessions_ended(&self, user: UserId) {
        self.sessions.forget_user(user);
        self.signals.publish(store::signals::Signal::SessionsEnded(user));
    }

    async fn user_session(&self, user: UserId, checked_against: Option<String>) -> Result<String, Failure> {
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

    async fn session_owner(&self, fingerprint: &str) -> Result<SessionOwner, Failure> {
        let now = self.now();
        if let Some(owner) = self.sessions.owner(fingerprint, now) {
            return Ok(owner);
        }
        let began = self.sessions.generation();
        let session = self.catalog.session(fingerprint, now).await?.ok_or(ErrorCode::SessionNotFound)?;
        let owner = session.owner;
        self.sessions.remember(fingerprint, session, began);
        Ok(owner)
    }
}

/// There is no session for a password that was changed after it had been checked: it was the wrong one.
fn password_changed(failure: Failure, wrong: ErrorCode) -> Failure {
    if failure.code == ErrorCode::NotFound { wrong.into() } else { failure }
}

/// Sessions used lately, so that a call costs no SQL. Bounded: when full, it starts anew.
#[derive(Default)]
pub(crate) struct SessionCache(RwLock<CachedSessions>);

#[derive(Default)]
struct CachedSessions {
    sessions: HashMap<String, Session>,
    /// Counts what was forgotten: a session read from the catalog before that may have ended since.
    generation: u64,
}

const CACHED_SESSIONS: usize = 10_000;

impl SessionCache {
    fn owner(&self, fingerprint: &str, now: Timestamp) -> Option<SessionOwner> {
        let cache = self.0.read().unwrap_or_else(PoisonError::into_inner);
        cache.sessions.get(fingerprint).filter(|session| session.expires > now).map(|session| session.owner)
    }

    fn generation(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn remember(&self, fingerprint: &str, session: Session, generation: u64) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cache.generation != generation {
            return;
        }
        if cache.sessions.len() >= CACHED_SESSIONS {
            cache.sessions.clear();
        }
        cache.sessions.insert(fingerprint.to_owned(), session);
    }

    fn forget(&self, fingerprint: &str) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cache.generation += 1;
        cache.sessions.remove(fingerprint);
    }

    fn forget_user(&self, user: UserId) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cache.generation += 1;
        cache.sessions.retain(|_, session| session.owner != SessionOwner::User(user));
    }
}
