//! Clones: trackers of one account on the sources of another, made and moved from the panel.

use crate::{Failure, Fleet, PanelCaller};
use domain::{AccountId, ErrorCode, SourceId, TrackerId, UserId};
use std::sync::Arc;
use store::{
    catalog::{NewClone, Role, Tracker},
    signals::Signal,
};

/// What a batch of clones came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cloned {
    pub made: Vec<TrackerId>,
    /// Those of which the user had a clone already.
    pub ignored: Vec<TrackerId>,
}

/// What to do about trackers of which the user has a clone already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Ignore,
}

impl Fleet {
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`, `NotAllowedForClones`; `InvalidUserId` for the owner or an unknown user;
    /// `AlreadyExists`.
    pub async fn clone_tracker(
        &self,
        _: &PanelCaller,
        id: TrackerId,
        user: UserId,
        label: String,
    ) -> Result<TrackerId, Failure> {
        let original = self.anybodys_original(id)?;
        let account = self.account_of(user).filter(|account| *account != original.account);
        let account = account.ok_or(ErrorCode::InvalidUserId)?;
        let _turn = self.turn_of_sources(&[original.source], Some(account)).await?;
        let original = self.anybodys_original(id)?;
        if self.clone_of(account, original.source).is_some() {
            return Err(ErrorCode::AlreadyExists.into());
        }
        let made = self.make_clones(account, &[NewClone { of: original.id, label }]).await?;
        Ok(made.first().copied().ok_or(ErrorCode::Unexpected)?)
    }

    /// Clones with the labels of their originals: all, or all but those that exist.
    ///
    /// # Errors
    /// `InvalidUserId`; `ListHasNonexistent` when one is unknown, corrupted, a clone itself or the user's own;
    /// `AlreadyExists` with the numbers of the clones that exist.
    pub async fn clone_trackers(
        &self,
        _: &PanelCaller,
        ids: &[TrackerId],
        user: UserId,
        existing: Existing,
    ) -> Result<Cloned, Failure> {
        let account = self.account_of(user).ok_or(ErrorCode::InvalidUserId)?;
        let originals = || -> Result<Vec<Arc<Tracker>>, ErrorCode> {
            let each = ids.iter().map(|id| self.anybodys_original(*id));
            let all: Vec<_> = each.collect::<Result<_, _>>().map_err(|_| ErrorCode::ListHasNonexistent)?;
            let own = all.iter().any(|original| original.account == account);
            if own { Err(ErrorCode::ListHasNonexistent) } else { Ok(all) }
        };
        let sources: Vec<_> = originals()?.iter().map(|original| original.source).collect();
        let _turn = self.turn_of_sources(&sources, Some(account)).await?;
        let (mut new, mut ignored, mut in_the_way) = (Vec::new(), Vec::new(), Vec::new());
        for original in originals()? {
            match self.clone_of(account, original.source) {
                Some(clone) => {
                    ignored.push(original.id);
                    in_the_way.push(clone);
                }
                None => new.push(NewClone { of: original.id, label: original.label.clone() }),
            }
        }
        if existing == Existing::Refuse && !in_the_way.is_empty() {
            return Err(Failure::trackers(ErrorCode::AlreadyExists, in_the_way));
        }
        let made = if new.is_empty() { Vec::new() } else { self.make_clones(account, &new).await? };
        Ok(Cloned { made, ignored })
    }

    /// Gives a tracker to another user: there it has another number; rules, groups and picture do not come along.
    ///
    /// # Errors
    /// As `clone_tracker`.
    pub async fn move_tracker(&self, _: &PanelCaller, id: TrackerId, user: UserId) -> Result<(), Failure> {
        let original = self.anybodys_original(id)?;
        let account = self.account_of(user).filter(|account| *account != original.account);
        let account = account.ok_or(ErrorCode::InvalidUserId)?;
        let _turn = self.turn_of_sources(&[original.source], Some(account)).await?;
        let original = self.anybodys_original(id)?;
        if self.clone_of(account, original.source).is_some() {
            return Err(ErrorCode::AlreadyExists.into());
        }
        let new = NewClone { of: original.id, label: original.label.clone() };
        let moved = self.catalog.move_tracker(&new, account, self.now()).await?;
        self.directory.refresh_tracker(&self.catalog, account, moved).await?;
        self.directory.refresh_tracker(&self.catalog, original.account, original.id).await?;
        self.remove_avatar(&original).await;
        for account in [account, original.account] {
            self.signals.publish(Signal::AccountChanged(account));
        }
        Ok(())
    }

    /// The account of a master user.
    pub(crate) fn account_of(&self, user: UserId) -> Option<AccountId> {
        let member = self.directory.read().member(user)?;
        (member.role == Role::Master).then_some(member.account)
    }

    fn clone_of(&self, account: AccountId, source: SourceId) -> Option<TrackerId> {
        let tables = self.directory.read();
        let mut standing = tables.standing_on(source);
        standing.find(|tracker| tracker.account == account).map(|tracker| tracker.id)
    }

    /// Call it while holding the turns of both sides.
    async fn make_clones(&self, account: AccountId, new: &[NewClone]) -> Result<Vec<TrackerId>, Failure> {
        let made = self.catalog.clone_trackers(account, new, self.now()).await?;
        for tracker in &made {
            self.directory.refresh_tracker(&self.catalog, account, *tracker).await?;
        }
        self.signals.publish(Signal::AccountChanged(account));
        Ok(made)
    }
}
