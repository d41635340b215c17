//! Groups of trackers.

use crate::{Failure, Fleet, UserCaller};
use domain::{ErrorCode, GroupId, TrackerId};
use std::collections::HashMap;
use store::{catalog::Group, signals::Signal};

impl Fleet {
    /// By ascending id, without group 0. Of groups with trackers a sub-user sees those in which it sees one.
    pub fn groups(&self, caller: &UserCaller) -> Vec<Group> {
        let tables = self.directory.read();
        let mut used = HashMap::new();
        if !caller.sees_all() {
            for tracker in tables.trackers(caller.account()) {
                *used.entry(tracker.group).or_insert(false) |= tables.sees(caller, tracker.id);
            }
        }
        let seen = |group: &&Group| used.get(&group.id).copied().unwrap_or(true);
        tables.groups(caller.account()).filter(seen).cloned().collect()
    }

    pub async fn create_group(
        &self,
        caller: &UserCaller,
        title: &str,
        color: &str,
    ) -> Result<GroupId, Failure> {
        let _turn = self.turn(caller).await?;
        let id = self.catalog.create_group(caller.account(), title, color).await?;
        self.groups_changed(caller).await?;
        Ok(id)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn update_group(
        &self,
        caller: &UserCaller,
        id: GroupId,
        title: &str,
        color: &str,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let group = Group { id, account: caller.account(), title: title.to_owned(), color: color.to_owned() };
        self.catalog.update_group(&group).await?;
        self.groups_changed(caller).await
    }

    /// Its trackers fall back to group 0.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_group(&self, caller: &UserCaller, id: GroupId) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.catalog.delete_group(caller.account(), id).await?;
        self.groups_changed(caller).await
    }

    /// Puts trackers into a group, 0 included.
    ///
    /// # Errors
    /// `NotFound` for the group; `ListHasNonexistent` when one of the trackers is not the caller's: then none moves.
    pub async fn assign_group(
        &self,
        caller: &UserCaller,
        group: GroupId,
        trackers: &[TrackerId],
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        {
            let tables = self.directory.read();
            if group != GroupId::NONE && tables.group(caller.account(), group).is_none() {
                return Err(ErrorCode::NotFound.into());
            }
            if trackers.iter().any(|id| self.visible(&tables, caller, *id).is_none()) {
                return Err(ErrorCode::ListHasNonexistent.into());
            }
        }
        self.catalog.assign_to_group(caller.account(), group, trackers).await?;
        self.directory.assign_to_group(caller.account(), group, trackers);
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// Call it while holding the account's turn.
    async fn groups_changed(&self, caller: &UserCaller) -> Result<(), Failure> {
        self.directory.refresh_groups(&self.catalog, caller.account()).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }
}
