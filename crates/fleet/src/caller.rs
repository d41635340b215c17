//! Who calls: a user of an account with rights, or somebody of the panel.

use domain::{AccountId, PanelAccountId, Right};
use std::sync::Arc;
use store::catalog::Member;

/// A user with a session.
#[derive(Clone)]
pub struct UserCaller {
    pub user: Arc<Member>,
    pub(crate) rights: Rights,
    pub(crate) fingerprint: String,
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
}

/// A panel account with a session.
#[derive(Clone)]
pub struct PanelCaller {
    pub account: PanelAccountId,
    pub(crate) fingerprint: String,
}
