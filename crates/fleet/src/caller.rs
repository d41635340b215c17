//! Who calls: a user of an account with rights, or somebody of the panel.

use domain::{AccountId, ApiKeyId, PanelAccountId, Right, UserId};
use std::sync::Arc;
use store::catalog::Member;

/// A user, or a program that calls in a master's name.
#[derive(Clone)]
pub struct UserCaller {
    pub user: Arc<Member>,
    pub credential: Credential,
    pub(crate) rights: Rights,
    /// How far back it may look, such as `1d`; `None`: as far as the plan allows.
    pub(crate) store_period: Option<String>,
    pub(crate) fingerprint: String,
}

/// With what a user was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    Session,
    ApiKey(ApiKeyId),
}

#[derive(Clone)]
pub(crate) enum Rights {
    /// A master may do everything and sees everything of the account.
    All,
    /// A sub-user may do what the security group says, and sees only trackers that are bound to it.
    Some(Vec<Right>),
}

impl UserCaller {
    pub fn may(&self, right: Right) -> bool {
        match &self.rights {
            Rights::All => true,
            Rights::Some(rights) => rights.contains(&right),
        }
    }

    /// All rights, in the order of the documentation.
    pub fn rights(&self) -> Vec<Right> {
        Right::ALL.into_iter().filter(|right| self.may(*right)).collect()
    }

    pub(crate) fn account(&self) -> AccountId {
        self.user.account
    }

    pub(crate) fn sees_all(&self) -> bool {
        matches!(self.rights, Rights::All)
    }

    /// Who calls, when it sees only what is bound to it.
    pub fn sub_user(&self) -> Option<UserId> {
        (!self.sees_all()).then_some(self.user.id)
    }
}

/// A panel account with a session.
#[derive(Clone)]
pub struct PanelCaller {
    pub account: PanelAccountId,
    pub(crate) fingerprint: String,
}
